"""One attempt at a message: its lease, its handlers, and the exceptions of handlers and stores."""

import asyncio
import sys
from contextlib import nullcontext

import pytest
from deliveries import SECRET
from endpoints import ADDRESS, HANDLED, KINDS, FailingStore, async_handler, delivery, handled, handled_by, raise_
from transports import asgi_call, asgi_scope, by_asgi, by_wsgi

from clerk_webhook import events
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.stores import Claim, MemoryStore


@pytest.mark.parametrize("stored", [False, True])
def test_a_handler_that_raises_the_cancellation_of_another_task_has_failed(stored):
    endpoint = Endpoint(SECRET, store=MemoryStore() if stored else None)

    @endpoint.on(events.UserCreated)
    async def handler(event):
        other = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        other.cancel()
        await other

    for _ in range(2):
        assert by_asgi(endpoint, *delivery()).body == b"failed"


def test_a_sync_handler_that_raises_a_cancellation_has_failed(send):
    endpoint, seen = handled(raises=asyncio.CancelledError())
    for _ in range(2):
        assert send(endpoint, *delivery()).body == b"failed"
    assert len(seen) == 2


def test_a_handler_that_cancels_its_own_task_has_failed_and_the_request_is_not_cancelled():
    """Libraries for time-outs that are older than `Task.uncancel` do so."""
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.UserCreated)
    async def handler(event):
        asyncio.current_task().cancel()
        await asyncio.sleep(60)

    for _ in range(2):
        assert by_asgi(endpoint, *delivery()).body == b"failed"


class RecordingStore(MemoryStore):
    """Keep the step, the message and the owner of each call."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def claim(self, message_id, owner=""):
        self.calls.append(("claim", message_id, owner))
        return super().claim(message_id, owner)

    def complete(self, message_id):
        self.calls.append(("complete", message_id))
        super().complete(message_id)

    def release(self, message_id, owner=""):
        self.calls.append(("release", message_id, owner))
        super().release(message_id, owner)


@pytest.mark.parametrize("kind", KINDS)
def test_each_attempt_claims_under_a_name_of_its_own_and_releases_under_the_same(kind):
    store = RecordingStore()
    failures = [ValueError(), ValueError(), None]
    endpoint, _ = handled_by(kind, lambda event: raise_(failures.pop(0)), store=store)
    for _ in range(3):
        by_asgi(endpoint, *delivery())
    first, second, third = (owner for step, _, owner in store.calls[::2])
    assert store.calls == [
        ("claim", "msg_1", first),
        ("release", "msg_1", first),
        ("claim", "msg_1", second),
        ("release", "msg_1", second),
        ("claim", "msg_1", third),
        ("complete", "msg_1"),
    ]
    assert len({first, second, third}) == 3
    assert min(map(len, (first, second, third))) >= 16


def test_an_attempt_that_outlives_its_lease_does_not_release_the_claim_of_the_next_attempt():
    now = [0.0]
    store = MemoryStore(lease=60, clock=lambda: now[0])
    endpoint = Endpoint(SECRET, store=store)

    @endpoint.on(events.UserCreated)
    def handler(event):
        now[0] += 61
        assert store.claim("msg_1", "the next attempt") is Claim.NEW
        raise TimeoutError

    assert endpoint.handle(*delivery()).body == b"failed"
    assert store.claim("msg_1", "a third") is Claim.IN_PROGRESS


@pytest.mark.parametrize("kind", KINDS)
def test_an_exit_in_a_handler_is_a_failure_and_does_not_end_the_server(kind, caplog):
    endpoint, seen = handled_by(kind, lambda event: sys.exit("bye"))
    for _ in range(2):
        assert by_asgi(endpoint, *delivery()).body == b"failed"
    assert len(seen) == 2
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "SystemExit" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_handler_gets_the_event_and_can_abort(kind):
    endpoint, seen = handled_by(kind, lambda event: raise_(AbortDelivery()))
    for _ in range(2):
        assert by_asgi(endpoint, *delivery()).body == b"aborted"
    assert [event.type for event in seen] == ["user.created", "user.created"]


@pytest.mark.parametrize("raises", [KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_releases_the_message_and_goes_on(kind, raises):
    endpoint, seen = handled_by(kind, lambda event: raise_(raises()))
    for _ in range(2):
        with pytest.raises(raises):
            by_asgi(endpoint, *delivery())
    assert len(seen) == 2


@pytest.mark.parametrize("raises", [KeyboardInterrupt, GeneratorExit, SystemExit])
def test_an_interrupt_without_asyncio_releases_the_message_and_an_exit_is_a_failure(raises):
    endpoint, seen = handled(raises=raises())
    for _ in range(2):
        with nullcontext() if raises is SystemExit else pytest.raises(raises):
            assert endpoint.handle(*delivery()).body == b"failed"
    assert len(seen) == 2


@pytest.mark.parametrize("error", [ConnectionError, StopIteration, AbortDelivery, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fails", "raises", "body", "logged"),
    [
        ("claim", None, b"unavailable", "unavailable in"),
        # The effect is there: a message that comes again would be worse than a message that is not recorded.
        ("complete", None, b"", "The store failed to complete a message: "),
        ("release", ValueError(), b"failed", "The store failed to release a message; its lease will end: "),
    ],
)
def test_a_store_that_fails_is_logged_and_loses_nothing(kind, fails, raises, body, logged, error, caplog):
    endpoint, seen = handled_by(kind, lambda event: raise_(raises), store=FailingStore(fails, error))
    assert by_asgi(endpoint, *delivery()).body == body
    assert len(seen) == (fails != "claim")
    record = next(record for record in caplog.records if logged in record.getMessage())
    assert (record.levelname, record.message_id) == ("ERROR", "msg_1")
    assert error.__name__ in record.getMessage() or "RuntimeError" in record.getMessage()  # as in any coroutine
    assert ADDRESS not in caplog.text


@pytest.mark.parametrize("handler", [async_handler, lambda event: None])
def test_a_store_that_returns_no_claim_has_failed(handler, caplog):
    class Boolean(MemoryStore):
        def claim(self, message_id, owner=""):
            return True

    endpoint = Endpoint(SECRET, store=Boolean())
    endpoint.on(events.UserCreated)(handler)
    assert by_asgi(endpoint, *delivery()).body == b"failed"
    assert "must return a Claim, not bool" in caplog.text


@pytest.mark.parametrize("handler", [async_handler, lambda event: None])
def test_a_store_that_is_empty_is_a_store(handler):
    class Sized(MemoryStore):
        def __len__(self):
            return 0

    endpoint = Endpoint(SECRET, store=Sized())
    endpoint.on(events.UserCreated)(handler)
    assert [by_asgi(endpoint, *delivery()).body for _ in range(2)] == [b"", b"duplicate"]


@pytest.mark.parametrize("send", [by_asgi, by_wsgi])
def test_without_a_store_each_attempt_is_handled(send):
    endpoint = Endpoint(SECRET)
    seen = []
    endpoint.on_any(seen.append)
    for _ in range(2):
        assert send(endpoint, *delivery()) == HANDLED
    assert len(seen) == 2


def test_of_many_attempts_at_once_one_is_handled():
    endpoint = Endpoint(SECRET, store=MemoryStore())
    seen = []

    @endpoint.on(events.UserCreated)
    async def handler(event):
        seen.append(event)
        await asyncio.sleep(0.01)

    async def all_at_once():
        app = endpoint.asgi()
        headers, body = delivery()
        return await asyncio.gather(*(asgi_call(app, asgi_scope(headers), [body]) for _ in range(20)))

    statuses = sorted(answer.status for answer in asyncio.run(all_at_once()))
    assert (statuses[0], statuses[-1], len(seen)) == (200, 409, 1)
