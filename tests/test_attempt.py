"""One attempt at a message: the lease, and what a handler or a store may raise."""

import asyncio

import pytest
from deliveries import SECRET
from endpoints import ADDRESS, HANDLED, async_handler, delivery, handled
from transports import asgi_call, asgi_scope, by_asgi, by_wsgi

from clerk_webhook import events
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.stores import Claim, MemoryStore


@pytest.mark.parametrize("stored", [False, True])
def test_a_handler_that_lets_the_cancellation_of_another_task_pass_has_failed(stored):
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


def test_a_handler_that_cancels_its_own_task_has_failed_and_nobody_else_was_cancelled():
    """As libraries for time-outs do that are older than `Task.uncancel`."""
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.UserCreated)
    async def handler(event):
        asyncio.current_task().cancel()
        await asyncio.sleep(60)

    for _ in range(2):
        assert by_asgi(endpoint, *delivery()).body == b"failed"


def test_an_attempt_that_outlives_its_lease_does_not_give_away_that_of_the_next():
    store = MemoryStore(lease=1e-9)
    endpoint = Endpoint(SECRET, store=store)

    @endpoint.on(events.UserCreated)
    def handler(event):
        store._lease = 60
        assert store.claim("msg_1", "the next attempt") is Claim.NEW
        raise TimeoutError

    assert endpoint.handle(*delivery()).body == b"failed"
    assert store.claim("msg_1", "a third") is Claim.IN_PROGRESS


@pytest.mark.parametrize("is_async", [False, True])
def test_a_worker_that_is_told_to_exit_releases_its_claim(is_async):
    endpoint, seen = handled(raises=KeyboardInterrupt())
    if is_async:
        endpoint.on(events.UserCreated)(async_handler)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(endpoint.handle_async(*delivery())) if is_async else endpoint.handle(*delivery())
    assert len(seen) == 2


class FailingStore(MemoryStore):
    def __init__(self, fails, error=ConnectionError):
        super().__init__()
        self.fails = fails
        self.error = error

    def _fail(self, step):
        if step == self.fails:
            raise self.error(f"of {step}, to {ADDRESS}")

    def claim(self, message_id, owner=""):
        self._fail("claim")
        return super().claim(message_id, owner)

    def complete(self, message_id):
        self._fail("complete")
        super().complete(message_id)

    def release(self, message_id, owner=""):
        self._fail("release")
        super().release(message_id, owner)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("fails", "raises", "status", "logged"),
    [
        ("claim", None, 500, "failed"),
        # The effect is there: to have the message sent again would be worse than to have it not recorded.
        ("complete", None, 200, "failed to complete"),
        ("release", ValueError(), 500, "failed to release"),
    ],
)
def test_a_store_that_fails(kind, fails, raises, status, logged, caplog):
    endpoint = Endpoint(SECRET, store=FailingStore(fails))

    def sync_handler(event):
        if raises:
            raise raises

    async def async_handler(event):
        sync_handler(event)

    endpoint.on(events.UserCreated)(sync_handler if kind == "sync" else async_handler)
    assert by_asgi(endpoint, *delivery()).status == status
    assert logged in caplog.text
    assert "ConnectionError" in caplog.text
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


@pytest.mark.parametrize("error", [StopIteration, AbortDelivery])
@pytest.mark.parametrize("handler", [async_handler, lambda event: None])
def test_whatever_a_store_raises_is_a_failure(error, handler):
    endpoint = Endpoint(SECRET, store=FailingStore("claim", error))
    endpoint.on(events.UserCreated)(handler)
    assert asyncio.run(asyncio.wait_for(endpoint.handle_async(*delivery()), 5)).body == b"failed"


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
