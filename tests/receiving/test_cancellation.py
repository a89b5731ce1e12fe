"""Cancelled requests: what is committed or released then, and the work in threads that goes on without them."""

import asyncio
import gc
import os
import random
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import partial
from itertools import count, product

import pytest
from dispatching import (
    ADDRESS,
    CREATED,
    KINDS,
    UPDATED,
    Database,
    Gate,
    async_handler,
    effect,
    finished,
    handled_by,
    user_event,
)

from clerk_webhook import WebhookEvent, _cancellation, events
from clerk_webhook.handlers import Handlers
from clerk_webhook.stores import Claim, MemoryStore

# `CLERK_WEBHOOK_TEST_BIG=1` makes it the number that the project promises.
RANDOM_CANCELLATIONS = 10_000 if os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1" else 100


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path / "app.db")


@pytest.fixture
def ended():
    """Return the outcomes of the attempts, in the order in which they ended."""
    return []


@pytest.fixture
def attempt(ended):
    """Return a function that dispatches an event as an endpoint does."""

    def attempt(handlers, event=CREATED):
        def finish(outcome, _):
            ended.append(outcome)
            return outcome

        return handlers._run_async(event, finish)

    return attempt


async def cancelled(work, entered, *, times=1):
    """Start an attempt and cancel it once its handler has been entered: some frameworks cancel several times."""
    task = asyncio.create_task(work)
    while not entered.is_set():
        await asyncio.sleep(0.001)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    return task


async def until(condition):
    """Wait for what a thread does."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


# Where handlers run.


def test_sync_and_async_handlers_mix():
    handlers = Handlers(store=MemoryStore())
    seen = []

    @handlers.on
    def first(event: events.UserCreated):
        seen.append(("sync", threading.current_thread() is threading.main_thread()))

    @handlers.on
    async def second(event: events.UserCreated):
        seen.append(("async", threading.current_thread() is threading.main_thread()))
        assert asyncio.current_task() in _cancellation._tasks  # asyncio itself keeps a weak reference only

    assert [finished(handlers, CREATED)[0] for _ in range(2)] == ["handled", "duplicate"]
    assert seen == [("sync", False), ("async", True)]
    assert not _cancellation._tasks


@pytest.mark.parametrize("beside", ["sync", "async"])
def test_a_sync_handler_runs_in_the_context_of_its_request(beside):
    handlers = Handlers()
    variable = ContextVar("variable", default="")
    seen = []

    @handlers.on
    def handler(event: events.UserCreated):
        seen.append(variable.get())

    if beside == "async":
        handlers.on(async_handler)

    async def request(name):
        variable.set(name)
        await handlers.dispatch_async(CREATED)

    async def both():
        await asyncio.gather(request("first"), request("second"))

    asyncio.run(both())
    assert sorted(seen) == ["first", "second"]


def test_async_handlers_alone_need_no_thread_and_no_task(monkeypatch):
    handlers = Handlers()
    tasks = []

    @handlers.on
    async def handler(event: events.UserCreated):
        tasks.append(asyncio.current_task())

    async def story():
        await handlers.dispatch_async(CREATED)
        return asyncio.current_task()

    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", None)
    assert asyncio.run(story()) is tasks[0]


def test_a_sync_handler_that_sleeps_does_not_stop_other_requests():
    handlers, gate = Handlers(), Gate()
    order = []

    @handlers.on
    def slow(event: events.UserCreated):
        gate.wait()
        order.append("slow")

    @handlers.on
    async def quick(event: events.UserUpdated):
        order.append("quick")

    async def both():
        sleeping = asyncio.create_task(handlers.dispatch_async(CREATED))
        await asyncio.sleep(0)
        await asyncio.wait_for(handlers.dispatch_async(UPDATED), 5)
        gate.leave.set()
        await sleeping

    asyncio.run(both())
    assert order == ["quick", "slow"]


# Cancellations that are no cancellation of the request.


@pytest.mark.parametrize("stored", [False, True])
def test_a_handler_that_raises_the_cancellation_of_another_task_has_failed(stored):
    handlers = Handlers(store=MemoryStore() if stored else None)

    @handlers.on
    async def handler(event: events.UserCreated):
        other = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        other.cancel()
        await other

    assert [finished(handlers, CREATED)[0] for _ in range(2)] == ["failed", "failed"]


def test_a_handler_that_cancels_its_own_task_has_failed_and_the_request_is_not_cancelled():
    """Libraries for time-outs that are older than `Task.uncancel` do so."""
    handlers = Handlers(store=MemoryStore())

    @handlers.on
    async def handler(event: events.UserCreated):
        asyncio.current_task().cancel()
        await asyncio.sleep(60)

    assert [finished(handlers, CREATED)[0] for _ in range(2)] == ["failed", "failed"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_that_raises_stop_iteration_does_not_hang(kind):
    """A future is never done with a StopIteration: the request would wait for ever, and hold its message."""
    handlers, _ = handled_by(kind, lambda event: next(iter([])), store=MemoryStore())

    async def story():
        return await asyncio.wait_for(handlers._run_async(CREATED, lambda *end: end), 5)

    for _ in range(2):
        outcome, error = asyncio.run(story())
        assert outcome == "failed"
        assert type(error) is (StopIteration if kind == "sync" else RuntimeError)
        assert kind != "mixed" or str(error) == "The function raised StopIteration."
        if kind != "async":  # where Python itself raises a RuntimeError
            assert (
                traceback.extract_tb(error.__traceback__)[-1].filename == __file__
            )  # the log says where it was raised
    if kind != "async":  # a caller cannot be told of a StopIteration, so it becomes a RuntimeError, as in any coroutine
        with pytest.raises(RuntimeError, match="StopIteration"):
            asyncio.run(handlers.dispatch_async(CREATED))


# Under a store.


async def until_settled(attempt, handlers):
    """Send further attempts until the message is no longer in progress, and return the last outcome."""
    while (outcome := await attempt(handlers)) == "in_progress":
        await asyncio.sleep(0.001)
    return outcome


def test_a_cancelled_request_releases_its_claim(attempt, ended):
    handlers = Handlers(store=MemoryStore())
    entered = threading.Event()
    seen = []

    @handlers.on
    async def handler(event: events.UserCreated):
        entered.set()
        seen.append(event)
        if len(seen) == 1:
            await asyncio.sleep(60)

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), entered))
        return await attempt(handlers)

    assert asyncio.run(story()) == "handled"
    assert len(seen) == 2
    assert ended == ["cancelled", "handled"]


def test_a_cancelled_request_waits_until_its_claim_is_released(attempt):
    class SlowStore(MemoryStore):
        def release(self, message_id, owner=""):
            time.sleep(0.05)
            super().release(message_id, owner)

    store = SlowStore()
    handlers = Handlers(store=store)
    entered = threading.Event()

    @handlers.on
    async def handler(event: events.UserCreated):
        entered.set()
        await asyncio.sleep(60)

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), entered))
        return store.claim("msg_1")

    assert asyncio.run(story()) is Claim.NEW


def test_a_cancelled_request_without_a_store_is_cancelled(ended):
    handlers = Handlers()
    entered = threading.Event()

    def attempt(handlers):
        return handlers._run_async(CREATED, lambda outcome, error: ended.append((outcome, type(error))))

    @handlers.on
    async def handler(event: events.UserCreated):
        entered.set()
        await asyncio.sleep(60)

    async def story():
        task = await cancelled(attempt(handlers), entered)
        with pytest.raises(asyncio.CancelledError):
            await task
        task = await cancelled(handlers.dispatch_async(CREATED), entered)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert ended == [("cancelled", asyncio.CancelledError)]


@pytest.mark.parametrize("error", [None, OSError()])
def test_sync_handlers_of_a_cancelled_request_go_on_to_their_end(error, attempt, ended):
    handlers, gate = Handlers(store=MemoryStore()), Gate()
    seen = []

    @handlers.on
    def handler(event: events.UserCreated):
        gate.wait()
        seen.append(event)
        if error and len(seen) == 1:
            raise error

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), gate.entered))
        meanwhile = await attempt(handlers)
        gate.leave.set()
        return meanwhile, await until_settled(attempt, handlers)

    assert asyncio.run(story()) == ("in_progress", "handled" if error else "duplicate")
    # A message is released before its attempt ends, so the next may end first.
    assert set(ended) - {"in_progress"} == ({"failed", "handled"} if error else {"handled", "duplicate"})


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize("error", [None, OSError()])
def test_a_cancelled_request_whose_last_handler_is_in_a_thread_has_one_effect(error, times, attempt, monkeypatch):
    monkeypatch.setattr(_cancellation, "_PATIENCE", 0.01)
    handlers, gate = Handlers(store=MemoryStore()), Gate()
    seen = []

    @handlers.on
    async def first(event: events.UserCreated):
        seen.append("first")

    @handlers.on
    def last(event: events.UserCreated):
        gate.wait()
        seen.append("last")
        if error and len(seen) == 2:
            raise error

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), gate.entered, times=times))
        meanwhile = await attempt(handlers)
        gate.leave.set()
        return meanwhile, await until_settled(attempt, handlers)

    assert asyncio.run(story()) == ("in_progress", "handled" if error else "duplicate")
    assert seen == ["first", "last"] * (2 if error else 1)


def test_a_cancelled_request_does_not_start_its_next_handler(attempt, monkeypatch):
    monkeypatch.setattr(_cancellation, "_PATIENCE", 0.01)
    handlers, gate = Handlers(store=MemoryStore()), Gate()
    seen = []

    @handlers.on
    def first(event: events.UserCreated):
        gate.wait()
        seen.append("first")

    @handlers.on
    async def second(event: events.UserCreated):
        seen.append("second")

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), gate.entered))
        gate.leave.set()
        return await until_settled(attempt, handlers)

    assert asyncio.run(story()) == "handled"
    assert seen == ["first", "first", "second"]


MIXES = [("".join(kinds), at) for length in (1, 2, 3) for kinds in product("sa", repeat=length) for at in range(length)]


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize(("kinds", "at"), MIXES)
def test_a_cancelled_mix_of_sync_and_async_handlers_stops_at_the_first_chance(kinds, at, stored, attempt, ended):
    ran, gate = [], Gate()
    store = MemoryStore() if stored else None
    handlers = Handlers(store=store)

    def sync(number, event: WebhookEvent):
        if number == at:
            gate.wait()
        ran.append(number)

    async def asynchronous(number, event: WebhookEvent):
        if number == at:
            gate.entered.set()
            await asyncio.sleep(60)
        ran.append(number)

    for number, kind in enumerate(kinds):
        handlers.on(partial(sync if kind == "s" else asynchronous, number))

    async def story():
        task = await cancelled(attempt(handlers), gate.entered)
        gate.leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: ended)

    asyncio.run(story())
    # A thread cannot be stopped: its handler runs to the end, and sync handlers alone run in one thread.
    stopped = kinds[at] == "a"
    handled = "a" not in kinds or (at == len(kinds) - 1 and not stopped)
    assert ran == list(range(len(kinds) if handled else at if stopped else at + 1))
    assert ended == ["handled" if handled else "cancelled"]
    if stored:
        assert store.claim("msg_1") is (Claim.DONE if handled else Claim.NEW)


class SlowStore(MemoryStore):
    def __init__(self):
        super().__init__()
        self.gate = Gate()

    def claim(self, message_id, owner=""):
        claim = super().claim(message_id, owner)
        self.gate.wait()
        return claim


@pytest.mark.parametrize(("by_another", "then"), [(False, Claim.NEW), (True, Claim.IN_PROGRESS)])
def test_a_request_that_is_cancelled_while_it_claims_releases_its_own_claim_only(by_another, then, attempt):
    store = SlowStore()
    handlers = Handlers(store=store)
    handlers.on(async_handler)
    if by_another:
        MemoryStore.claim(store, "msg_1")

    async def story():
        task = await cancelled(attempt(handlers), store.gate.entered)
        store.gate.leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert MemoryStore.claim(store, "msg_1") is then


def test_a_loop_that_shuts_down_while_a_message_is_claimed_leaves_no_claim_behind(attempt):
    store = SlowStore()
    handlers = Handlers(store=store)

    @handlers.on
    async def handler(event: events.UserCreated):
        await asyncio.sleep(60)

    async def story():
        asyncio.create_task(attempt(handlers))  # noqa: RUF006  # asyncio.run cancels it, and the task of its handlers
        await until(store.gate.entered.is_set)
        threading.Timer(0.05, store.gate.leave.set).start()

    asyncio.run(story())
    assert MemoryStore.claim(store, "msg_1") is Claim.NEW


def test_a_message_is_claimed_and_completed_though_the_loop_starts_no_more_threads():
    handlers = Handlers(store=MemoryStore())

    @handlers.on
    async def handler(event: events.UserCreated):
        await asyncio.get_running_loop().shutdown_default_executor()

    assert [finished(handlers, CREATED)[0] for _ in range(2)] == ["handled", "duplicate"]


def test_a_request_that_is_cancelled_before_a_thread_was_free_is_still_handled(attempt, ended):
    handlers, _ = handled_by("sync", lambda event: None, store=MemoryStore())
    busy = threading.Event()

    async def story():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        blocker = asyncio.get_running_loop().run_in_executor(None, busy.wait, 10)
        task = asyncio.create_task(attempt(handlers))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        busy.set()
        await blocker
        return await until_settled(attempt, handlers)

    assert asyncio.run(story()) == "duplicate"
    assert ended == ["handled", "duplicate"]


@pytest.mark.parametrize("beside", ["sync", "async"])
def test_an_interrupt_in_a_thread_without_its_request_is_not_logged_with_its_text(beside, attempt, caplog, monkeypatch):
    monkeypatch.setattr(_cancellation, "_PATIENCE", 0.01)
    handlers, gate = Handlers(store=MemoryStore()), Gate()

    @handlers.on
    def handler(event: events.UserCreated):
        gate.wait()
        raise GeneratorExit(ADDRESS)

    if beside == "async":
        handlers.on(async_handler)

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), gate.entered))
        gate.leave.set()
        await asyncio.sleep(0.05)

    asyncio.run(story())
    gc.collect()
    assert ADDRESS not in caplog.text


# In a transaction.


@pytest.mark.parametrize("error", [None, OSError()])
def test_a_sync_transaction_of_a_cancelled_request_goes_on_to_its_end(error, attempt, ended, database):
    handlers, gate = Handlers(transaction=database.transaction), Gate()

    @handlers.once
    def handler(event: events.UserCreated, connection: object):
        effect(connection, "mail", event)
        gate.wait()
        if error:
            raise error

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), gate.entered, times=3))
        gate.leave.set()
        await until(lambda: ended)

    asyncio.run(story())
    assert ended == ["failed" if error else "handled"]
    assert database.effects() == ([] if error else ["mail"])


class Paused:
    """An async transaction that waits at its begin, at its commit or at its rollback."""

    def __init__(self, database, at):
        self.database, self.at = database, at
        self.entered, self.leave = threading.Event(), asyncio.Event()
        self.is_interrupted = True

    async def pause(self, point):
        if point == self.at:
            self.entered.set()
            await self.leave.wait()
            self.is_interrupted = False

    @asynccontextmanager
    async def begin(self):
        with self.database.transaction() as connection:
            await self.pause("begin")
            try:
                yield connection
            except BaseException:
                await self.pause("rollback")
                raise
            await self.pause("commit")


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize(
    ("at", "outcome", "ran"),
    [("begin", "cancelled", []), ("handler", "cancelled", ["first"]), ("commit", "handled", ["first", "second"])],
)
def test_a_cancelled_request_interrupts_an_async_handler_and_neither_begin_nor_commit(
    at, outcome, ran, times, attempt, ended, database
):
    paused, seen = Paused(database, at), []
    handlers = Handlers(transaction=paused.begin)

    @handlers.on
    async def first(event: events.UserCreated, connection: object):
        seen.append("first")
        effect(connection, "first", event)
        await paused.pause("handler")

    @handlers.on
    async def second(event: events.UserCreated, connection: object):
        seen.append("second")
        effect(connection, "second", event)

    async def story():
        task = await cancelled(attempt(handlers), paused.entered, times=times)
        paused.leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: ended)

    asyncio.run(story())
    assert ended == [outcome]
    assert seen == ran
    assert paused.is_interrupted == (at == "handler")
    assert database.effects() == (ran if outcome == "handled" else [])


def test_a_rollback_is_not_interrupted_either(attempt, ended, database):
    paused = Paused(database, "rollback")
    handlers = Handlers(transaction=paused.begin)

    @handlers.on
    async def handler(event: events.UserCreated, connection: object):
        effect(connection, "half", event)
        raise OSError

    async def story():
        task = await cancelled(attempt(handlers), paused.entered, times=3)
        paused.leave.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: ended)

    asyncio.run(story())
    assert ended == ["failed"]
    assert database.effects() == []


def test_a_cancelled_request_waits_a_second_for_a_transaction_and_the_transaction_longer(
    attempt, ended, database, monkeypatch
):
    monkeypatch.setattr(_cancellation, "_PATIENCE", 0.01)
    paused = Paused(database, "commit")
    handlers = Handlers(transaction=paused.begin)

    @handlers.on
    async def handler(event: events.UserCreated, connection: object):
        effect(connection, "handler", event)

    async def story():
        with pytest.raises(asyncio.CancelledError):
            await (await cancelled(attempt(handlers), paused.entered))
        assert (ended, len(_cancellation._tasks)) == ([], 1)
        paused.leave.set()
        await until(lambda: ended)

    asyncio.run(story())
    assert database.effects() == ["handler"]


def of_store(kinds):
    """Return handlers under a store, the last of which has the effect, and the messages that had it."""
    handlers, effects = Handlers(store=MemoryStore()), []

    def sync(event: events.UserCreated):
        time.sleep(random.random() / 3000)

    async def asynchronous(event: events.UserCreated):
        await asyncio.sleep(random.random() / 3000)

    def last(event: events.UserCreated):
        effects.append(event.message_id)

    async def async_last(event: events.UserCreated):
        effects.append(event.message_id)

    handlers.on(sync if kinds[0] == "s" else asynchronous)
    handlers.on(last if kinds[1] == "s" else async_last)
    return handlers, lambda: effects


def of_transaction(database):
    handlers = Handlers(transaction=database.transaction)

    @handlers.once
    def handler(event: events.UserCreated, connection: object):
        effect(connection, event.message_id, event)
        time.sleep(random.random() / 3000)

    return handlers, database.effects


@pytest.mark.parametrize("how", ["ss", "sa", "as", "aa", "transaction"])
def test_no_cancellation_at_any_moment_loses_doubles_or_blocks_a_message(how, attempt, database):
    """Each message is cancelled at random moments, and comes again until it is answered, as Svix sends it."""
    handlers, effects = of_transaction(database) if how == "transaction" else of_store(how)
    cancellations, messages = 0, count()

    async def deliver_many():
        nonlocal cancellations
        while cancellations < RANDOM_CANCELLATIONS:
            message_id = f"msg_{next(messages)}"
            for number in range(1000):
                task = asyncio.create_task(attempt(handlers, user_event(message_id=message_id)))
                if number < 5:
                    asyncio.get_running_loop().call_later(random.random() / 1000, task.cancel)
                try:
                    if await task in {"handled", "duplicate"}:
                        break
                    await asyncio.sleep(0.001)
                except asyncio.CancelledError:
                    cancellations += 1
            else:
                raise AssertionError(f"{message_id} is stuck")

    async def story():
        await asyncio.gather(*(deliver_many() for _ in range(8)))

    asyncio.run(story())
    print(f"{how}: {cancellations} cancellations of {next(messages)} messages")
    assert sorted(effects()) == sorted(f"msg_{number}" for number in range(next(messages) - 1))
    assert not _cancellation._tasks


@pytest.fixture
def _only_new_garbage():
    """Let `gc.collect` look at the objects of this test alone, and only when the test calls it."""
    gc.disable()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("how", ["nothing", "store", "transaction"])
@pytest.mark.parametrize("way", [Handlers.dispatch_async, lambda handlers, event: handlers._run_async(event, answer)])
@pytest.mark.usefixtures("_only_new_garbage")
def test_cancelled_requests_leave_no_reference_cycles(how, way, database):
    handlers = Handlers(
        store=MemoryStore() if how == "store" else None,
        transaction=database.async_transaction if how == "transaction" else None,
    )

    @handlers.on
    async def handler(event: WebhookEvent):
        await asyncio.sleep(60)

    async def unreachable(count):
        for number in range(count):
            task = asyncio.create_task(way(handlers, user_event(message_id=f"msg_{number}")))
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


def answer(outcome, error):
    return outcome
