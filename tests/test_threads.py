"""Cancelled requests, and the work in threads that goes on without them."""

import asyncio
import gc
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from itertools import product

import pytest
from deliveries import SECRET
from endpoints import ADDRESS, HANDLED, KINDS, FailingStore, async_handler, delivery, handled_by
from transports import by_asgi

from clerk_webhook import events
from clerk_webhook.endpoint import AbortDelivery, Endpoint, threads
from clerk_webhook.stores import Claim, MemoryStore


def test_sync_and_async_handlers_mix_under_asgi():
    endpoint = Endpoint(SECRET, store=MemoryStore())
    seen = []

    @endpoint.on(events.UserCreated)
    def first(event):
        seen.append(("sync", threading.current_thread() is threading.main_thread()))

    @endpoint.on(events.UserCreated)
    async def second(event):
        seen.append(("async", threading.current_thread() is threading.main_thread()))
        assert asyncio.current_task() in threads._tasks  # asyncio itself keeps a weak reference only

    assert by_asgi(endpoint, *delivery()) == HANDLED
    assert by_asgi(endpoint, *delivery()).body == b"duplicate"
    assert seen == [("sync", False), ("async", True)]


@pytest.mark.parametrize("beside", ["sync", "async"])
def test_a_sync_handler_runs_in_the_context_of_its_request(beside):
    endpoint = Endpoint(SECRET)
    variable = ContextVar("variable", default="")
    seen = []
    endpoint.on_any(lambda event: seen.append(variable.get()))
    if beside == "async":
        endpoint.on_any(async_handler)

    async def request(name):
        variable.set(name)
        await endpoint.handle_async(*delivery())

    async def both():
        await asyncio.gather(request("first"), request("second"))

    asyncio.run(both())
    assert sorted(seen) == ["first", "second"]


def test_an_async_handler_without_a_store_needs_no_thread(monkeypatch):
    endpoint = Endpoint(SECRET)
    endpoint.on_any(async_handler)
    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", None)
    assert by_asgi(endpoint, *delivery()) == HANDLED


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
    """Start a delivery and cancel it once its handler has been entered: some frameworks cancel several times."""
    task = asyncio.create_task(endpoint.handle_async(*delivery()))
    while not entered.is_set():
        await asyncio.sleep(0.001)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    return task


async def until_settled(endpoint):
    """Send further attempts until the message is no longer in progress, and return the last answer."""
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


def test_a_cancelled_request_waits_until_its_claim_is_released():
    class SlowStore(MemoryStore):
        def release(self, message_id, owner=""):
            time.sleep(0.05)
            super().release(message_id, owner)

    store = SlowStore()
    endpoint = Endpoint(SECRET, store=store)
    entered = threading.Event()

    @endpoint.on(events.UserCreated)
    async def handler(event):
        entered.set()
        await asyncio.sleep(60)

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(endpoint, entered))
        return store.claim("msg_1")

    assert asyncio.run(story()) is Claim.NEW


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
    assert caplog.records[0].levelname == "WARNING"


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
    monkeypatch.setattr(threads, "_PATIENCE", 0.01)
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
    monkeypatch.setattr(threads, "_PATIENCE", 0.01)
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


@pytest.mark.parametrize("beside", ["sync", "async"])
def test_a_handler_that_raises_stop_iteration_does_not_hang(beside, caplog):
    """A future is never done with a StopIteration: the request would wait for ever, and hold its message."""
    observed = []
    endpoint = Endpoint(SECRET, store=MemoryStore(), observer=observed.append)

    @endpoint.on(events.UserCreated)
    def handler(event):
        next(iter([]))

    if beside == "async":
        endpoint.on_any(async_handler)
    for _ in range(2):
        assert asyncio.run(asyncio.wait_for(endpoint.handle_async(*delivery()), 5)).body == b"failed"
    assert caplog.text.count("in handler") == 2
    text = "" if beside == "sync" else "The function raised StopIteration."
    assert [str(attempt.error) for attempt in observed] == [text, text]


MIXES = [("".join(kinds), at) for length in (1, 2, 3) for kinds in product("sa", repeat=length) for at in range(length)]


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize(("kinds", "at"), MIXES)
def test_a_cancelled_mix_of_sync_and_async_handlers_stops_at_the_first_chance(kinds, at, stored):
    observed, ran = [], []
    store = MemoryStore() if stored else None
    endpoint = Endpoint(SECRET, store=store, observer=observed.append)
    entered, leave = threading.Event(), threading.Event()

    def sync(number, event):
        if number == at:
            entered.set()
            assert leave.wait(10)
        ran.append(number)

    async def asynchronous(number, event):
        if number == at:
            entered.set()
            await asyncio.sleep(60)
        ran.append(number)

    for number, kind in enumerate(kinds):
        endpoint.on_any(partial(sync if kind == "s" else asynchronous, number))

    async def story():
        task = await cancelled(endpoint, entered)
        leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not observed:
            await asyncio.sleep(0.001)

    asyncio.run(story())
    # A thread cannot be stopped: its handler runs to the end, and sync handlers alone run in one thread.
    stopped = kinds[at] == "a"
    handled = "a" not in kinds or (at == len(kinds) - 1 and not stopped)
    assert ran == list(range(len(kinds) if handled else at if stopped else at + 1))
    assert [attempt.outcome for attempt in observed] == ["handled" if handled else "cancelled"]
    if stored:
        assert store.claim("msg_1") is (Claim.DONE if handled else Claim.NEW)


@pytest.fixture
def _only_new_garbage():
    """Let `gc.collect` look at the objects of this test alone, and only when the test calls it."""
    gc.disable()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize(
    ("fails", "raises"),
    [
        ("claim", None),
        ("complete", None),
        ("release", ValueError),
        (None, ValueError),
        (None, AbortDelivery),
        (None, SystemExit),
        (None, asyncio.CancelledError),
        (None, GeneratorExit),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("_only_new_garbage")
def test_failures_leave_no_reference_cycles(kind, fails, raises):
    def fail(event):
        if raises is not None:
            raise raises

    endpoint, _ = handled_by(kind, fail, store=FailingStore(fails))

    async def unreachable(count):
        for number in range(count):
            with suppress(GeneratorExit):
                await endpoint.handle_async(*delivery(message_id=f"msg_{number}"))
        return gc.collect()

    async def story():
        await unreachable(1)
        return await unreachable(20)

    assert asyncio.run(story()) == 0


@pytest.mark.usefixtures("_only_new_garbage")
def test_cancelled_requests_leave_no_reference_cycles():
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on_any
    async def handler(event):
        await asyncio.sleep(60)

    async def unreachable(count):
        for number in range(count):
            task = asyncio.create_task(endpoint.handle_async(*delivery(message_id=f"msg_{number}")))
            await asyncio.sleep(0.001)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        del task
        return gc.collect()

    async def story():
        await unreachable(1)
        return await unreachable(20)

    assert asyncio.run(story()) == 0


def test_a_message_is_claimed_and_completed_though_the_loop_starts_no_more_threads():
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.UserCreated)
    async def handler(event):
        await asyncio.get_running_loop().shutdown_default_executor()

    assert by_asgi(endpoint, *delivery()) == HANDLED
    assert by_asgi(endpoint, *delivery()).body == b"duplicate"


def test_a_request_that_is_cancelled_before_a_thread_was_free_is_still_handled():
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
def test_an_interrupt_in_a_thread_without_its_request_is_not_logged_with_its_text(beside, caplog, monkeypatch):
    monkeypatch.setattr(threads, "_PATIENCE", 0.01)
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
