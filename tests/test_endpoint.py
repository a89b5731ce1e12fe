import asyncio
import gc
import json
import logging
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import methodcaller

import pytest
from deliveries import OTHER_SECRET, SECRET, signed
from transports import TRANSPORTS, asgi_call, asgi_scope, by_asgi, by_wsgi

from clerk_webhook import Headers, PayloadError, SecretError, events
from clerk_webhook.endpoint import AbortDelivery, Endpoint, Handlers
from clerk_webhook.endpoint import endpoint as endpoint_module
from clerk_webhook.stores import Claim, MemoryStore

HANDLED = (200, {"content-type": "text/plain; charset=utf-8", "content-length": "0"}, b"")
CODE, ADDRESS = "424242", "ada@example.com"


def body_of(event_type="user.created", **data):
    return json.dumps({"type": event_type, "data": {"id": "user_1", **data}, "object": "event"}).encode()


def delivery(event_type="user.created", *, message_id="msg_1", timestamp=None, **data):
    """Return the headers and the body of a delivery that is genuine now."""
    body = body_of(event_type, **data)
    return signed(body, message_id=message_id, timestamp=timestamp or int(time.time())), body


def handled(seen=None, raises=None):
    """Return an endpoint with a handler for user.created, and the events that it saw."""
    endpoint = Endpoint(SECRET, store=MemoryStore())
    seen = [] if seen is None else seen

    @endpoint.on(events.UserCreated)
    def handler(event):
        seen.append(event)
        if raises is not None:
            raise raises

    return endpoint, seen


class AsyncObject:
    async def __call__(self, event):
        pass


async def async_handler(event):
    pass


async def other_async_handler(other, event):
    pass


class AsyncStore(MemoryStore):
    async def complete(self, message_id):
        pass


@pytest.fixture(params=TRANSPORTS)
def send(request):
    return request.param


# The status policy, row by row.


def test_a_handled_event_is_200(send):
    endpoint, seen = handled()
    answer = send(endpoint, *delivery(first_name="Ada"))
    assert answer == HANDLED
    (event,) = seen
    assert type(event) is events.UserCreated
    assert (event.data["first_name"], event.message_id) == ("Ada", "msg_1")


@pytest.mark.parametrize("event_type", ["user.updated", "a.type.of.tomorrow"])
def test_an_event_that_no_handler_is_for_is_200(send, event_type):
    endpoint, seen = handled()
    answer = send(endpoint, *delivery(event_type))
    assert (answer.status, answer.body, seen) == (200, b"ignored", [])


def test_a_message_that_was_done_before_is_200_and_not_handled_again(send):
    endpoint, seen = handled()
    now = int(time.time())
    assert send(endpoint, *delivery(timestamp=now - 5)) == HANDLED
    answer = send(endpoint, *delivery(timestamp=now))
    assert (answer.status, answer.body, len(seen)) == (200, b"duplicate", 1)


def test_a_message_that_is_being_handled_is_409_and_to_be_sent_again(send):
    store = MemoryStore()
    endpoint = Endpoint(SECRET, store=store)
    seen = []
    endpoint.on(events.UserCreated)(seen.append)
    assert store.claim("msg_1") is Claim.NEW
    answer = send(endpoint, *delivery())
    assert (answer.status, answer.headers["retry-after"], answer.body, seen) == (409, "5", b"in_progress", [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _, body: ({}, body),
        lambda headers, body: (headers | {"svix-signature": "v1,A"}, body),
        lambda headers, body: (headers | {"svix-timestamp": "1.5"}, body),
        lambda _, body: (signed(body, timestamp=int(time.time()) - 301), body),
        lambda _, body: (signed(body, secret=OTHER_SECRET, timestamp=int(time.time())), body),
        lambda headers, body: (headers, body + b" "),
        lambda *_: (signed(b"\xff", timestamp=int(time.time())), b"\xff"),
        lambda headers, _: (headers, b""),
    ],
    ids=["unsigned", "malformed", "fraction", "stale", "forged", "tampered", "not-utf-8", "empty"],
)
def test_what_is_not_genuine_is_400_and_the_answer_does_not_say_why(send, spoil):
    endpoint, seen = handled()
    answer = send(endpoint, *spoil(*delivery()))
    assert (answer.status, answer.body, seen) == (400, b"refused", [])


def test_a_body_that_is_too_large_is_413(send):
    seen = []
    endpoint = Endpoint(SECRET, max_body=100)
    endpoint.on_any(seen.append)
    answer = send(endpoint, *delivery(first_name="A" * 100))
    assert (answer.status, answer.body, seen) == (413, b"too_large", [])


def test_the_largest_body_allowed_is_handled(send):
    headers, body = delivery()
    endpoint = Endpoint(SECRET, max_body=len(body))
    assert send(endpoint, headers, body).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_what_is_not_a_post_is_405_and_told_what_is_allowed(send, method):
    endpoint, seen = handled()
    answer = send(endpoint, *delivery(), method=method)
    assert (answer.status, answer.headers["allow"], seen) == (405, "POST", [])


def test_a_handler_that_fails_is_500_and_the_next_attempt_is_handled(send):
    endpoint, seen = handled(raises=OSError("the database is down"))
    for _ in range(2):
        answer = send(endpoint, *delivery())
        assert (answer.status, answer.body) == (500, b"failed")
    assert len(seen) == 2


def test_a_handler_that_aborts_is_400_and_svix_is_told_to_stop(send):
    endpoint, seen = handled(raises=AbortDelivery("the tenant is gone"))
    for _ in range(2):  # a manual replay runs it again
        answer = send(endpoint, *delivery())
        assert (answer.status, answer.headers["webhook-delivery"]) == (400, "abort-message")
    assert len(seen) == 2


def test_a_misconfigured_endpoint_fails_at_start_up(monkeypatch):
    with pytest.raises(SecretError, match="CLERK_WEBHOOK_SIGNING_SECRET"):
        Endpoint()
    with pytest.raises(SecretError, match="sk_"):
        Endpoint("sk_live_0123456789")
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    assert Endpoint().handle(*delivery()).status == 200


def test_several_secrets_and_a_tolerance_are_those_of_webhook():
    endpoint = Endpoint(OTHER_SECRET, SECRET, tolerance=10)
    assert endpoint.handle(*delivery()).status == 200
    assert endpoint.handle(*delivery(timestamp=int(time.time()) - 60)).status == 400


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"store": MemoryStore}, r"MemoryStore\(\)"),
        ({"max_body": "1MB"}, "max_body must be an int, in bytes, not str"),
        ({"max_body": None}, "not NoneType"),
        ({"observer": async_handler}, "must not be async"),
        ({"observer": AsyncObject()}, "must not be async"),
        ({"store": AsyncStore()}, "sync methods"),
    ],
)
def test_a_wrong_argument_fails_at_start_up(arguments, cure):
    with pytest.raises(TypeError, match=cure):
        Endpoint(SECRET, **arguments)


def test_the_limit_is_in_bytes_for_text_too():
    headers, body = delivery(first_name="\u2603" * 100)
    body = json.dumps(json.loads(body), ensure_ascii=False)
    headers = signed(body.encode(), timestamp=int(time.time()))
    assert Endpoint(SECRET, max_body=len(body.encode())).handle(headers, body).status == 200
    assert Endpoint(SECRET, max_body=len(body.encode()) - 1).handle(headers, body).status == 413


# Handlers.


def test_handlers_run_in_the_order_registered(send):
    endpoint = Endpoint(SECRET)
    seen = []
    endpoint.on_any(lambda event: seen.append("any"))
    endpoint.on(events.UserUpdated, events.UserCreated)(lambda event: seen.append("two"))
    endpoint.on(events.UserDeleted)(lambda event: seen.append("deleted"))
    endpoint.on_unknown(lambda event: seen.append(event.wire_type))
    endpoint.on_any(lambda event: seen.append("any again"))
    assert send(endpoint, *delivery()).status == 200
    assert seen == ["any", "two", "any again"]
    seen.clear()
    assert send(endpoint, *delivery("new.type")) == HANDLED
    assert seen == ["any", "new.type", "any again"]


def test_a_handler_registered_after_the_first_delivery_is_called_too():
    endpoint = Endpoint(SECRET)
    assert endpoint.handle(*delivery()).body == b"ignored"
    endpoint.on_any(lambda event: None)
    assert endpoint.handle(*delivery()) == HANDLED


def test_handlers_behind_one_that_fails_do_not_run():
    endpoint, seen = handled(raises=ValueError())
    endpoint.on_any(lambda event: seen.append("behind"))
    assert endpoint.handle(*delivery()).status == 500
    assert len(seen) == 1


@pytest.mark.parametrize("other", [Handlers(), Endpoint(SECRET)], ids=["handlers", "endpoint"])
def test_included_handlers_come_behind_those_there(other):
    endpoint = Endpoint(SECRET)
    seen = []
    endpoint.on_any(lambda event: seen.append("own"))
    other.on(events.UserCreated)(lambda event: seen.append("included"))
    other.on(events.UserDeleted)(lambda event: seen.append("deleted"))
    endpoint.include(other)
    other.on_any(lambda event: seen.append("too late"))
    endpoint.handle(*delivery())
    assert seen == ["own", "included"]


def test_the_decorators_return_the_function_itself():
    endpoint = Endpoint(SECRET)

    def handler(event):
        pass

    for decorate in (endpoint.on(events.UserCreated), endpoint.on_any, endpoint.on_unknown):
        assert decorate(handler) is handler


@pytest.mark.parametrize(
    "register",
    [
        lambda endpoint: endpoint.on(),
        lambda endpoint: endpoint.on("user.created"),
        lambda endpoint: endpoint.on(lambda event: None),
        lambda endpoint: endpoint.on(events.Event),
        lambda endpoint: endpoint.on(events.UserCreated, None),
        lambda endpoint: endpoint.on(events.UserWebhookEvent),
        lambda endpoint: endpoint.on([events.UserCreated]),
        lambda endpoint: endpoint.on(events.UserCreated)(None),
        lambda endpoint: endpoint.on_any(None),
    ],
)
def test_a_mistaken_registration_is_a_type_error(register):
    with pytest.raises(TypeError, match=r"on\(\) takes the classes|must be a function"):
        register(Endpoint(SECRET))


@pytest.mark.parametrize("handler", [async_handler, partial(other_async_handler, 1), AsyncObject()])
def test_an_async_handler_is_refused_where_nothing_would_run_it(handler):
    for mount in (Endpoint.wsgi, Endpoint.aws_lambda, lambda endpoint: endpoint.handle(*delivery())):
        endpoint = Endpoint(SECRET)
        endpoint.on(events.UserCreated)(handler)
        with pytest.raises(TypeError, match=r"is async.*endpoint\.asgi"):
            mount(endpoint)
    endpoint = Endpoint(SECRET)
    endpoint.wsgi()
    with pytest.raises(TypeError, match=r"is async"):
        endpoint.on(events.UserCreated)(handler)
    assert endpoint.handle(*delivery()).body == b"ignored"
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(handler)
    assert by_asgi(endpoint, *delivery()) == HANDLED


def test_an_async_function_that_does_not_look_it_fails_rather_than_being_dropped(send, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        return async_handler(event)

    assert send(endpoint, *delivery()).status == 500
    assert "handler returned something to await: declare it as async def" in caplog.text


def test_an_async_handler_that_forgets_an_await_fails(caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    async def handler(event):
        return async_handler(event)

    assert by_asgi(endpoint, *delivery()).status == 500
    assert "handler returned something to await" in caplog.text


def generator(event):
    yield


async def async_generator(event):
    yield


def test_what_else_a_handler_returns_is_not_used(send):
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(lambda event: event.data["id"])
    assert send(endpoint, *delivery()) == HANDLED


class GeneratorObject:
    def __call__(self, event):
        yield


@pytest.mark.parametrize("returned", [generator, async_generator])
def test_a_function_that_returns_a_generator_fails_rather_than_running_nothing(send, returned, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        return returned(event)

    assert send(endpoint, *delivery()).status == 500
    assert "returned a generator" in caplog.text


@pytest.mark.parametrize("handler", [generator, async_generator, GeneratorObject()])
def test_a_generator_is_refused_for_nothing_would_run_it(handler):
    with pytest.raises(TypeError, match="without yield"):
        Endpoint(SECRET).on(events.UserCreated)(handler)


def test_a_handler_that_takes_no_event_is_told_of(send, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler():
        pass

    assert send(endpoint, *delivery()).status == 500
    assert "handler() takes 0 positional arguments but 1 was given" in caplog.text


def test_something_else_to_await_is_refused_too():
    class Awaitable:
        def __await__(self):
            yield

    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(lambda event: Awaitable())
    endpoint.on_any(async_handler)
    assert by_asgi(endpoint, *delivery()).status == 500


def test_sync_and_async_handlers_mix_under_asgi():
    endpoint = Endpoint(SECRET, store=MemoryStore())
    seen = []

    @endpoint.on(events.UserCreated)
    def first(event):
        seen.append(("sync", threading.current_thread() is threading.main_thread()))

    @endpoint.on(events.UserCreated)
    async def second(event):
        seen.append(("async", threading.current_thread() is threading.main_thread()))

    assert by_asgi(endpoint, *delivery()) == HANDLED
    assert by_asgi(endpoint, *delivery()).body == b"duplicate"
    assert seen == [("sync", False), ("async", True)]


# What is the caller's mistake is an exception.


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [(None, b"", "headers"), ({}, {"type": "user.created"}, "raw body"), ({}, None, "raw body")],
)
def test_wrong_types_are_type_errors(headers: Headers, body: bytes, message):
    endpoint = Endpoint(SECRET)
    with pytest.raises(TypeError, match=message):
        endpoint.handle(headers, body)
    with pytest.raises(TypeError, match=message):
        asyncio.run(endpoint.handle_async(headers, body))


# Concurrency and cancellation.


def test_a_sync_handler_that_sleeps_does_not_stop_other_requests():
    endpoint = Endpoint(SECRET)
    leave = threading.Event()
    order = []

    @endpoint.on(events.UserCreated)
    def slow(event):
        assert leave.wait(10)
        order.append("slow")

    @endpoint.on(events.UserUpdated)
    async def quick(event):
        order.append("quick")

    async def both():
        sleeping = asyncio.create_task(endpoint.handle_async(*delivery()))
        await asyncio.sleep(0)
        quick = await asyncio.wait_for(endpoint.handle_async(*delivery("user.updated")), 5)
        leave.set()
        return quick.status, (await sleeping).status

    assert asyncio.run(both()) == (200, 200)
    assert order == ["quick", "slow"]


async def cancelled(endpoint, entered, *, times=1):
    """Start a delivery and cancel it once its handler has been entered: some frameworks do so until it works."""
    task = asyncio.create_task(endpoint.handle_async(*delivery()))
    while not entered.is_set():
        await asyncio.sleep(0.001)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    return task


async def until_settled(endpoint):
    """Send the next attempts until one is no longer told that the message is being handled."""
    while (answer := await endpoint.handle_async(*delivery())).body == b"in_progress":
        await asyncio.sleep(0.001)
    return answer


def test_a_cancelled_request_releases_its_claim():
    observed = []
    endpoint = Endpoint(SECRET, store=MemoryStore(), observer=observed.append)
    entered = threading.Event()
    seen = []

    @endpoint.on(events.UserCreated)
    async def handler(event):
        entered.set()
        seen.append(event)
        if len(seen) == 1:
            await asyncio.sleep(60)

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(endpoint, entered))
        return await endpoint.handle_async(*delivery())

    assert asyncio.run(story()) == HANDLED
    assert len(seen) == 2
    assert [attempt.outcome for attempt in observed] == ["cancelled", "handled"]


def test_a_cancelled_request_without_a_store_is_cancelled_and_observed(caplog):
    observed = []
    endpoint = Endpoint(SECRET, observer=observed.append)
    entered = threading.Event()

    @endpoint.on(events.UserCreated)
    async def handler(event):
        entered.set()
        await asyncio.sleep(60)

    async def story():
        task = await cancelled(endpoint, entered)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert [attempt[:5] for attempt in observed] == [("cancelled", 503, None, "user.created", "msg_1")]
    assert re.fullmatch(r"user.created msg_1: cancelled in \d+\.\d ms", caplog.messages[0])


@pytest.mark.parametrize("error", [None, OSError()])
def test_sync_handlers_of_a_cancelled_request_go_on_to_their_end(error, caplog):
    observed = []
    endpoint = Endpoint(SECRET, store=MemoryStore(), observer=observed.append)
    entered, leave = threading.Event(), threading.Event()
    seen = []

    @endpoint.on(events.UserCreated)
    def handler(event):
        entered.set()
        assert leave.wait(10)
        seen.append(event)
        if error and len(seen) == 1:
            raise error

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(endpoint, entered))
        meanwhile = await endpoint.handle_async(*delivery())
        leave.set()
        return meanwhile.body, await until_settled(endpoint)

    meanwhile, later = asyncio.run(story())
    assert meanwhile == b"in_progress"
    assert later.body == (b"" if error else b"duplicate")
    # A message is released before its attempt is observed, so the next may be observed first.
    outcomes = {attempt.outcome for attempt in observed if attempt.outcome != "in_progress"}
    assert outcomes == ({"failed", "handled"} if error else {"handled", "duplicate"})
    assert ("OSError" in caplog.text) == bool(error)


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize("error", [None, OSError()])
def test_a_cancelled_request_whose_last_handler_is_in_a_thread_has_one_effect(error, times, monkeypatch):
    monkeypatch.setattr(endpoint_module, "_PATIENCE", 0.01)
    endpoint = Endpoint(SECRET, store=MemoryStore())
    entered, leave = threading.Event(), threading.Event()
    seen = []

    @endpoint.on(events.UserCreated)
    async def first(event):
        seen.append("first")

    @endpoint.on(events.UserCreated)
    def last(event):
        entered.set()
        assert leave.wait(10)
        seen.append("last")
        if error and len(seen) == 2:
            raise error

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(endpoint, entered, times=times))
        meanwhile = await endpoint.handle_async(*delivery())
        leave.set()
        return meanwhile.body, await until_settled(endpoint)

    meanwhile, later = asyncio.run(story())
    assert meanwhile == b"in_progress"
    assert later.body == (b"" if error else b"duplicate")
    assert seen == ["first", "last"] * (2 if error else 1)


def test_a_cancelled_request_does_not_start_its_next_handler(monkeypatch):
    monkeypatch.setattr(endpoint_module, "_PATIENCE", 0.01)
    endpoint = Endpoint(SECRET, store=MemoryStore())
    entered, leave = threading.Event(), threading.Event()
    seen = []

    @endpoint.on(events.UserCreated)
    def first(event):
        entered.set()
        assert leave.wait(10)
        seen.append("first")

    @endpoint.on(events.UserCreated)
    async def second(event):
        seen.append("second")

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(endpoint, entered))
        leave.set()
        return await until_settled(endpoint)

    assert asyncio.run(story()) == HANDLED
    assert seen == ["first", "first", "second"]


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


@pytest.mark.parametrize("beside", ["sync", "async"])
def test_a_handler_that_raises_stop_iteration_does_not_hang(beside):
    """A future is never done for a StopIteration: the request would wait for ever, and hold its message."""
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.UserCreated)
    def handler(event):
        next(iter([]))

    if beside == "async":
        endpoint.on_any(async_handler)
    for _ in range(2):
        assert asyncio.run(asyncio.wait_for(endpoint.handle_async(*delivery()), 5)).body == b"failed"


def test_a_message_is_completed_though_the_loop_takes_no_more_work_for_its_threads():
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.UserCreated)
    async def handler(event):
        await asyncio.get_running_loop().shutdown_default_executor()

    assert by_asgi(endpoint, *delivery()) == HANDLED
    assert by_asgi(endpoint, *delivery()).body == b"duplicate"


def test_a_handler_that_cancels_its_own_task_has_failed_and_nobody_else_was_cancelled():
    """As libraries for time-outs do that are older than `Task.uncancel`."""
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.UserCreated)
    async def handler(event):
        asyncio.current_task().cancel()
        await asyncio.sleep(60)

    for _ in range(2):
        assert by_asgi(endpoint, *delivery()).body == b"failed"


def test_a_request_that_is_cancelled_before_a_thread_was_free_is_handled_all_the_same():
    observed = []
    endpoint = Endpoint(SECRET, store=MemoryStore(), observer=observed.append)
    endpoint.on(events.UserCreated)(lambda event: None)
    busy = threading.Event()

    async def story():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        blocker = asyncio.get_running_loop().run_in_executor(None, busy.wait, 10)
        task = asyncio.create_task(endpoint.handle_async(*delivery()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        busy.set()
        await blocker
        return await until_settled(endpoint)

    assert asyncio.run(story()).body == b"duplicate"
    assert [attempt.outcome for attempt in observed] == ["handled", "duplicate"]


@pytest.mark.parametrize("beside", ["sync", "async"])
def test_an_exit_in_a_thread_whose_request_has_gone_is_not_logged_with_its_text(beside, caplog, monkeypatch):
    monkeypatch.setattr(endpoint_module, "_PATIENCE", 0.01)
    endpoint = Endpoint(SECRET, store=MemoryStore())
    entered, leave = threading.Event(), threading.Event()

    @endpoint.on(events.UserCreated)
    def handler(event):
        entered.set()
        assert leave.wait(10)
        raise GeneratorExit(ADDRESS)

    if beside == "async":
        endpoint.on_any(async_handler)

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(endpoint, entered))
        leave.set()
        await asyncio.sleep(0.05)

    asyncio.run(story())
    gc.collect()
    assert ADDRESS not in caplog.text


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


class SlowStore(MemoryStore):
    def __init__(self):
        super().__init__()
        self.entered, self.leave = threading.Event(), threading.Event()

    def claim(self, message_id, owner=""):
        claim = super().claim(message_id, owner)
        self.entered.set()
        assert self.leave.wait(10)
        return claim


@pytest.mark.parametrize(("by_another", "then"), [(False, Claim.NEW), (True, Claim.IN_PROGRESS)])
def test_a_request_that_is_cancelled_while_it_claims_releases_its_own_claim_only(by_another, then):
    store = SlowStore()
    endpoint = Endpoint(SECRET, store=store)
    endpoint.on(events.UserCreated)(async_handler)
    if by_another:
        MemoryStore.claim(store, "msg_1")

    async def story():
        task = await cancelled(endpoint, store.entered)
        store.leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert MemoryStore.claim(store, "msg_1") is then


@pytest.mark.parametrize("is_async", [False, True])
def test_a_worker_that_is_told_to_exit_releases_its_claim(is_async):
    endpoint, seen = handled(raises=KeyboardInterrupt())
    if is_async:
        endpoint.on(events.UserCreated)(async_handler)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(endpoint.handle_async(*delivery())) if is_async else endpoint.handle(*delivery())
    assert len(seen) == 2


# A store that fails.


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


# What is logged and observed.


def test_the_observer_is_called_once_for_each_request(send):
    seen = []
    failure = KeyError("x")

    def fail(event):
        raise failure

    endpoint = Endpoint(SECRET, store=MemoryStore(), max_body=1000, observer=seen.append)
    endpoint.on(events.UserCreated)(lambda event: None)
    endpoint.on(events.UserDeleted)(fail)
    for headers, body, method in [
        (*delivery(), "POST"),
        (*delivery(), "POST"),
        (*delivery("new.type", message_id="msg_2"), "POST"),
        (*delivery("user.deleted", message_id="msg_3"), "POST"),
        ({}, b"", "POST"),
        ({}, b"", "GET"),
        ({}, b"x" * 1001, "POST"),
    ]:
        send(endpoint, headers, body, method)
    assert [attempt[:5] for attempt in seen] == [
        ("handled", 200, None, "user.created", "msg_1"),
        ("duplicate", 200, None, "user.created", "msg_1"),
        ("ignored", 200, None, "new.type", "msg_2"),
        ("failed", 500, None, "user.deleted", "msg_3"),
        ("refused", 400, "missing_header", None, None),
        ("method_not_allowed", 405, None, None, None),
        ("too_large", 413, None, None, None),
    ]
    assert [attempt.error for attempt in seen if attempt.outcome == "failed"] == [failure]
    assert all(0 <= attempt.duration < 10 for attempt in seen)


def test_records_are_structured(caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    endpoint, _ = handled()
    endpoint.handle(*delivery())
    endpoint.handle({}, b"")
    first, second = caplog.records
    assert (first.levelname, first.outcome, first.status, first.code) == ("INFO", "handled", 200, None)
    assert (first.event_type, first.message_id) == ("user.created", "msg_1")
    assert first.duration >= 0
    assert first.getMessage().startswith("user.created msg_1: handled in ")
    assert (second.levelname, second.outcome, second.code) == ("WARNING", "refused", "missing_header")
    assert "refused (missing_header)" in second.getMessage()
    assert "svix-id, svix-timestamp, svix-signature" in second.getMessage()


def test_nothing_is_rendered_that_nobody_reads(caplog):
    caplog.set_level(logging.CRITICAL, "clerk_webhook")
    assert Endpoint(SECRET).handle({}, b"").status == 400
    assert caplog.records == []


def test_a_failure_is_logged_with_its_place_and_without_its_text(caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        json.loads("{" + event.data["first_name"])

    endpoint.handle(*delivery(first_name="Ada"))
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "JSONDecodeError" in record.getMessage()
    assert "in handler" in record.getMessage()
    assert "test_endpoint.py" in record.getMessage()
    assert "Ada" not in record.getMessage()


def test_a_group_of_failures_is_logged_with_the_place_of_each(caplog):
    endpoint = Endpoint(SECRET)

    def find(event):
        raise LookupError(ADDRESS)

    @endpoint.on(events.UserCreated)
    async def handler(event):
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(find, event))

    by_asgi(endpoint, *delivery())
    assert "in it: LookupError" in caplog.text
    assert "in find" in caplog.text
    assert ADDRESS not in caplog.text


def test_an_error_that_is_empty_is_logged_too(caplog):
    class EmptyError(Exception):
        def __len__(self):
            return 0

    endpoint, _ = handled(raises=EmptyError())
    endpoint.handle(*delivery())
    assert "EmptyError" in caplog.text


def test_the_text_of_a_failure_in_a_function_without_frames_is_withheld_too(caplog):
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(methodcaller("__getattribute__", ADDRESS))
    endpoint.handle(*delivery())
    assert "AttributeError" in caplog.text
    assert ADDRESS not in caplog.text


def test_a_failure_far_down_is_no_flood(caplog):
    endpoint, _ = handled()

    @endpoint.on(events.UserCreated)
    def even(event):
        odd(event)

    def odd(event):
        even(event)

    endpoint.handle(*delivery())
    assert "RecursionError" in caplog.text
    assert len(caplog.text) < 5000


@pytest.mark.parametrize("raises", [None, ValueError, AbortDelivery, PayloadError])
@pytest.mark.parametrize("spoiled", [False, True])
def test_no_body_address_or_code_is_logged(send, raises, spoiled, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.EmailCreated)
    def handler(event):
        if raises:
            raise raises(json.dumps(event.raw))

    headers, body = delivery(
        "email.created", to_email_address=ADDRESS, data={"otp_code": CODE}, subject=f"{CODE} is it"
    )
    send(endpoint, headers, body + b"}" if spoiled else body)
    unread = signed(body + b"}", timestamp=int(time.time()))
    send(endpoint, unread, body + b"}")  # genuine, and no JSON
    assert caplog.records
    shown = caplog.text + "".join(str(vars(record)) for record in caplog.records) + "".join(capfd.readouterr())
    assert CODE not in shown
    assert ADDRESS not in shown
    assert SECRET not in shown


@pytest.mark.parametrize("raises", [None, ValueError()])
def test_an_observer_that_raises_changes_nothing(send, raises, caplog):
    def observer(attempt):
        raise RuntimeError(f"of {attempt}")

    endpoint = Endpoint(SECRET, observer=observer)

    @endpoint.on(events.UserCreated)
    def handler(event):
        if raises:
            raise raises

    assert send(endpoint, *delivery()).status == (500 if raises else 200)
    assert send(endpoint, {}, b"").status == 400
    assert "The observer failed: RuntimeError" in caplog.text


def test_logging_that_raises_changes_nothing(send):
    def observer(attempt):
        raise RuntimeError

    def broken(record):
        raise OSError("the disk is full")

    logger = logging.getLogger("clerk_webhook")
    logger.addFilter(broken)
    try:
        endpoint = Endpoint(SECRET, observer=observer)
        endpoint.on_any(lambda event: None)
        assert send(endpoint, *delivery()).status == 200
        assert send(endpoint, {}, b"").status == 400
    finally:
        logger.removeFilter(broken)


@pytest.mark.parametrize(("seconds", "level"), [(9.9, "INFO"), (10, "WARNING"), (20, "WARNING")])
def test_a_handler_that_comes_near_the_15_seconds_of_svix_is_warned_of(monkeypatch, caplog, seconds, level):
    caplog.set_level(logging.INFO, "clerk_webhook")
    now = [0.0]
    monkeypatch.setattr(endpoint_module, "_now", lambda: now[0])
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        now[0] += seconds

    assert endpoint.handle(*delivery()).status == 200
    (record,) = caplog.records
    assert (record.levelname, record.duration) == (level, seconds)
    assert ("15 s" in record.getMessage()) == (level == "WARNING")


def test_an_endpoint_shows_no_secret():
    assert "Mf" not in repr(Endpoint(SECRET))
    assert all("whsec" not in repr(value) for value in vars(Endpoint(SECRET)).values())


# Without a store, and with messages that cannot be told apart.


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
