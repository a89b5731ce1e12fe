"""Dispatch: one event is applied once, in a transaction or under a lease, or it is not applied at all."""

import asyncio
import contextlib
import gc
import sqlite3
import sys
import threading
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from types import SimpleNamespace

import pytest
from dispatching import (
    ADDRESS,
    CREATED,
    KINDS,
    UPDATED,
    WAYS,
    Database,
    FailingStore,
    async_handler,
    asynchronously,
    effect,
    finished,
    handled_by,
    raise_,
    user_event,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clerk_webhook import WebhookEvent, events, parse_event
from clerk_webhook._problems import where_raised
from clerk_webhook.handlers import AbortDelivery, Handlers
from clerk_webhook.inbox import CREATE_TABLE
from clerk_webhook.stores import Claim, MemoryStore


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path / "app.db")


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def dispatch(request):
    return request.param


def register(handlers, kind, name=None, annotation=WebhookEvent, raises=None, is_async=False):
    """Register a handler that leaves its name in the database, and raises afterwards."""

    def handler(event, connection):
        effect(connection, name or kind, event)
        raise_(raises)

    async def async_handler(event, connection):
        handler(event, connection)

    handler.__annotations__ = async_handler.__annotations__ = {"event": annotation}
    getattr(handlers, kind)(async_handler if is_async else handler)


DELETED = user_event("user.deleted", message_id="msg_3")
CREATED_AGAIN = user_event(message_id="msg_4")  # the same version of the user in another message


in_each_transaction = pytest.mark.parametrize(
    ("is_async", "dispatch"),
    [(False, WAYS["sync"]), (False, WAYS["async"]), (True, WAYS["async"])],
    ids=[*WAYS, "async transaction"],
)


def in_transaction(database, is_async, scope=""):
    return Handlers(transaction=database.async_transaction if is_async else database.transaction, scope=scope)


@in_each_transaction
@pytest.mark.parametrize(
    ("kinds", "sent", "outcomes", "effects"),
    [
        ([], [CREATED], ["ignored"], []),
        (["on"], [CREATED, CREATED], ["handled", "handled"], ["on", "on"]),
        (["newest"], [CREATED, CREATED], ["handled", "duplicate"], ["newest"]),
        (["newest"], [CREATED, UPDATED], ["handled", "handled"], ["newest", "newest"]),
        (["newest"], [UPDATED, CREATED], ["handled", "duplicate"], ["newest"]),
        (["newest"], [DELETED, UPDATED], ["handled", "duplicate"], ["newest"]),
        (["once"], [CREATED, CREATED], ["handled", "duplicate"], ["once"]),
        (["once"], [UPDATED, CREATED], ["handled", "handled"], ["once", "once"]),
        (["once", "newest"], [UPDATED, CREATED], ["handled", "handled"], ["once", "newest", "once"]),
        (["once", "newest"], [CREATED, CREATED], ["handled", "duplicate"], ["once", "newest"]),
        (["newest", "on", "once"], [CREATED, CREATED], ["handled", "handled"], ["newest", "on", "once", "on"]),
        (["newest", "once", "newest"], [CREATED, CREATED], ["handled", "duplicate"], ["newest", "once", "newest"]),
    ],
)
def test_a_handler_runs_if_it_is_due(kinds, sent, outcomes, effects, database, is_async, dispatch):
    handlers = in_transaction(database, is_async)
    for kind in kinds:
        register(handlers, kind, is_async=is_async)
    assert [dispatch(handlers, event) for event in sent] == outcomes
    assert database.effects() == effects


@pytest.mark.parametrize("no_event", [CREATED.payload, b"{}", None, events.UserCreated])
def test_what_is_no_event_is_refused_and_not_ignored(no_event, dispatch):
    """A worker that forgets `parse_event` would lose its messages."""
    handlers = Handlers()
    handlers.on(one)
    cure = r"^An event is wanted, not \w+: parse_event\(payload, message_id=message_id\)\.$"
    for _ in range(2):
        with pytest.raises(TypeError, match=cure):
            dispatch(handlers, no_event)


def test_handlers_of_other_events_do_not_run(database, dispatch):
    handlers = Handlers(transaction=database.transaction)
    register(handlers, "once", "of deletions", events.UserDeleted)
    register(handlers, "newest", "of users", events.UserWebhookEvent)
    assert dispatch(handlers, CREATED) == "handled"
    assert database.effects() == ["of users"]
    # No handler of this event asks, so the inbox does not know the message.
    register(handlers, "once", "of creations", events.UserCreated)
    assert dispatch(handlers, CREATED) == "handled"
    assert database.effects() == ["of users", "of creations"]


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("kind", ["on", "once"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_that_ends_the_transaction_is_a_failure(database, statement, kind, is_async):
    def sync(event: events.UserCreated, connection):
        connection.execute(statement)

    async def asynchronous(event: events.UserCreated, connection):
        connection.execute(statement)

    handlers = Handlers(transaction=database.async_transaction if is_async else database.transaction)
    getattr(handlers, kind)(asynchronous if is_async else sync)
    outcome, error = finished(handlers, CREATED)
    assert (outcome, type(error)) == ("failed", RuntimeError)
    assert str(error) == (
        "The transaction commits nothing: a handler has ended it, or has caught an error of the database outside of a "
        "savepoint. Leave commit and rollback to the dispatch."
    )


@contextmanager
def plain_sqlite3(path):
    """Begin as sqlite3 does by itself, before the first INSERT."""
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


class GreenletExit(BaseException):
    """As gevent raises it in a worker that has to stop."""


@contextmanager
def commit_in_finally(path):
    connection = sqlite3.connect(path)
    try:
        yield connection
    finally:
        connection.commit()
        connection.close()


@pytest.mark.parametrize("kind", ["on", "once"])
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_what_an_earlier_handler_did_is_not_lost_by_one_that_ends_the_transaction_and_goes_on(database, kind, end):
    def upsert(event: events.UserCreated, connection):
        connection.execute(end)
        effect(connection, "upsert", event)

    handlers = Handlers(transaction=lambda: plain_sqlite3(database.path))
    register(handlers, kind, "save")
    getattr(handlers, kind)(upsert)
    outcome, error = finished(handlers, CREATED)
    assert (outcome, type(error)) == ("failed", RuntimeError)


@pytest.mark.parametrize("begin", [plain_sqlite3, commit_in_finally])
@pytest.mark.parametrize("kind", ["on", "once", "newest"])
@pytest.mark.parametrize("error", [ZeroDivisionError, GreenletExit])
def test_a_failure_leaves_nothing_even_if_somebody_commits_it(database, begin, kind, error, dispatch):
    fails = True

    def later(event: events.UserCreated, connection):
        if fails:
            raise error
        effect(connection, "later", event)

    handlers = Handlers(transaction=lambda: begin(database.path))
    register(handlers, kind, "save")
    getattr(handlers, kind)(later)
    with pytest.raises(error):
        dispatch(handlers, CREATED)
    assert database.effects() == []
    fails = False
    assert dispatch(handlers, CREATED) == "handled"
    assert database.effects() == ["save", "later"]


def test_a_connection_that_is_closed_and_never_committed_is_refused(database, dispatch):
    with closing(sqlite3.connect(database.path)) as connection:
        handlers = Handlers(transaction=lambda: closing(connection))
        register(handlers, "once")
        with pytest.raises(TypeError, match="closing does not commit at the end of `with`"):
            dispatch(handlers, CREATED)


def test_handlers_that_ask_no_inbox_run_in_a_transaction_of_any_database(dispatch):
    handlers = Handlers(transaction=lambda: contextlib.nullcontext(SimpleNamespace()))
    handlers.on(one)
    assert dispatch(handlers, CREATED) == "handled"


def test_in_one_transaction_the_inbox_is_asked_for_state_then_for_the_message_whatever_the_order(database):
    statements = []

    @contextmanager
    def traced():
        with database.transaction() as connection:
            connection.set_trace_callback(statements.append)
            yield connection

    handlers = Handlers(transaction=traced)
    for kind in ("once", "on", "newest"):
        register(handlers, kind)
    handlers.dispatch(CREATED)
    assert [sql.split(" (")[0].replace(" AS known", "") for sql in statements] == [
        "SAVEPOINT clerk_webhook",
        "INSERT INTO clerk_webhook_inbox",
        "INSERT INTO clerk_webhook_inbox",
        "INSERT INTO effects VALUES",
        "INSERT INTO effects VALUES",
        "INSERT INTO effects VALUES",
        "RELEASE clerk_webhook",  # fails if one of the handlers has ended the transaction
        "COMMIT",
    ]
    assert "'user'" in statements[1]
    assert "'msg_1'" in statements[2]
    assert database.effects() == ["once", "on", "newest"]


@in_each_transaction
def test_a_scope_has_a_record_of_its_own(database, is_async, dispatch):
    for scope in ("", "billing"):
        handlers = in_transaction(database, is_async, scope)
        register(handlers, "newest", f"newest {scope}", is_async=is_async)
        register(handlers, "once", f"once {scope}", is_async=is_async)
        assert [dispatch(handlers, CREATED) for _ in range(2)] == ["handled", "duplicate"]
    assert database.effects() == ["newest ", "once ", "newest billing", "once billing"]


@pytest.mark.parametrize("error", [ValueError, AbortDelivery, SystemExit, asyncio.CancelledError, StopIteration])
@pytest.mark.parametrize("at", range(3))
def test_an_exception_in_any_handler_takes_everything_back_and_passes_through(at, error, database):
    kinds = ["once", "on", "newest"]
    raised = error(ADDRESS)
    failing, working = Handlers(transaction=database.transaction), Handlers(transaction=database.transaction)
    for number, kind in enumerate(kinds):
        register(failing, kind, raises=raised if number == at else None)
        register(working, kind)
    with pytest.raises(error) as caught:
        failing.dispatch(CREATED)
    assert caught.value is raised
    assert database.effects() == []
    assert working.dispatch(CREATED) == "handled"
    assert database.effects() == kinds


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, GeneratorExit])
def test_an_interrupt_takes_everything_back_and_goes_on(interrupt, database, dispatch):
    handlers = Handlers(transaction=database.transaction)
    register(handlers, "once", raises=interrupt())
    with pytest.raises(interrupt):
        dispatch(handlers, CREATED)
    assert database.effects() == []


def failing_begin(error):
    def begin():
        raise error

    return begin


@contextmanager
def failing_enter(error):
    raise error
    yield


def failing_commit(database):
    """Begin a transaction that fails at its end: SQLite checks this reference when it commits."""

    @contextmanager
    def begin():
        with database.transaction() as connection:
            connection.execute("CREATE TABLE users (id text PRIMARY KEY)")
            connection.execute("CREATE TABLE cars (owner text REFERENCES users DEFERRABLE INITIALLY DEFERRED)")
        with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN")
            yield connection
            connection.execute("INSERT INTO cars VALUES ('nobody')")
            connection.execute("COMMIT")

    return begin


def silent(database):
    @contextmanager
    def begin():
        with suppress(Exception), database.transaction() as connection:
            yield connection

    return begin


def autocommit(database):
    @contextmanager
    def begin():
        with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
            yield connection

    return begin


@contextmanager
def without_a_table():
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


@pytest.mark.parametrize(
    ("begin", "raises", "outcome", "error"),
    [
        (lambda database: failing_begin(ConnectionError()), None, "unavailable", ConnectionError),
        (lambda database: failing_begin(SystemExit()), None, "unavailable", SystemExit),
        (lambda database: failing_begin(AbortDelivery()), None, "unavailable", AbortDelivery),
        (lambda database: failing_begin(TypeError()), None, "failed", TypeError),
        (lambda database: lambda: failing_enter(TimeoutError()), None, "unavailable", TimeoutError),
        (lambda database: lambda: failing_enter(ValueError()), None, "failed", ValueError),
        (lambda database: without_a_table, None, "unavailable", sqlite3.OperationalError),
        (autocommit, None, "failed", RuntimeError),
        (failing_commit, None, "failed", sqlite3.IntegrityError),
        (silent, ValueError(), "failed", RuntimeError),
        (silent, None, "handled", None),
        (lambda database: database.transaction, None, "handled", None),
        (lambda database: database.transaction, ValueError(), "failed", ValueError),
        (lambda database: database.transaction, ConnectionError(), "failed", ConnectionError),
        (lambda database: database.transaction, SystemExit(), "failed", SystemExit),
        (lambda database: database.transaction, asyncio.CancelledError(), "failed", asyncio.CancelledError),
        (lambda database: database.transaction, AbortDelivery(), "aborted", AbortDelivery),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_dispatch_is_finished_once_after_commit_or_rollback(begin, raises, outcome, error, asynchronous, database):
    handlers = Handlers(transaction=begin(database))
    register(handlers, "once", raises=raises)
    ends = []

    def finish(outcome, error):
        ends.append((outcome, error, database.effects()))
        return "the answer"

    way = asynchronously(Handlers._run_async) if asynchronous else Handlers._run
    assert way(handlers, CREATED, finish) == "the answer"
    ((ended, exception, effects),) = ends
    assert (ended, type(exception)) == (outcome, error or type(None))
    assert effects == (["once"] if outcome == "handled" else [])


@pytest.mark.parametrize(
    ("begin", "event", "cure"),
    [(autocommit, CREATED, "is in autocommit"), (silent, CREATED, "hid an exception"), (silent, None, "no message id")],
)
def test_a_mistake_is_logged_with_its_cure(begin, event, cure, database):
    """The text of other exceptions is not logged, because it often holds personal data."""
    handlers = Handlers(transaction=begin(database))
    register(handlers, "once", raises=ValueError(ADDRESS))
    _, error = finished(handlers, event or parse_event(CREATED.payload))
    assert cure in where_raised(error)
    assert ADDRESS not in where_raised(error)


def test_a_transaction_that_hides_an_exception_has_failed(database):
    handlers = Handlers(transaction=silent(database))
    register(handlers, "on", raises=ValueError())
    with pytest.raises(RuntimeError) as caught:
        handlers.dispatch(CREATED)
    assert str(caught.value) == (
        "The transaction hid an exception. Its context manager has to let exceptions pass after it has rolled back; "
        "otherwise a message that failed would count as handled."
    )


def test_what_finish_raises_passes_through_and_finishes_nothing_again(database):
    handlers = Handlers(transaction=database.transaction)
    register(handlers, "once")
    ends = []

    def finish(*end):
        ends.append(end)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        handlers._run(CREATED, finish)
    assert ends == [("handled", None)]


WITHOUT_MESSAGE = parse_event(CREATED.payload)
WITHOUT_ID = parse_event({"type": "thing.created", "data": []}, message_id="msg_1")


@pytest.mark.parametrize(
    ("kind", "event", "cure"),
    [
        (
            "once",
            WITHOUT_MESSAGE,
            r"^The event has no message id, .* parse_event\(payload, message_id=message_id\) keeps it\.",
        ),
        ("once", user_event(message_id=""), "no message id"),
        ("newest", WITHOUT_ID, "thing.created has no data.id"),
    ],
)
def test_an_event_that_cannot_be_recorded_is_refused_before_anything_runs(kind, event, cure, dispatch):
    begun = []
    handlers = Handlers(transaction=lambda: begun.append("begun"))
    getattr(handlers, kind)(one)
    with pytest.raises(ValueError, match=cure):
        dispatch(handlers, event)
    assert begun == []
    outcome, error = finished(handlers, event)
    assert (outcome, type(error)) == ("failed", ValueError)


def one(event: WebhookEvent):
    pass


@pytest.mark.parametrize(("kind", "event"), [("newest", WITHOUT_MESSAGE), ("on", WITHOUT_MESSAGE), ("on", WITHOUT_ID)])
def test_an_event_needs_only_what_its_handlers_need(kind, event, database, dispatch):
    handlers = Handlers(transaction=database.transaction)
    register(handlers, kind)
    assert dispatch(handlers, event) == "handled"


# A backfill.


@pytest.mark.parametrize("apply", [Handlers.apply_state, asynchronously(Handlers.apply_state_async)])
def test_a_backfill_runs_the_newest_handlers_alone(apply, database):
    handlers = Handlers(transaction=database.transaction)
    for kind in ("once", "newest", "on"):
        register(handlers, kind, annotation=events.UserUpdated)
    of_the_api = parse_event({"type": "user.updated", "data": dict(UPDATED.data)})
    assert [apply(handlers, of_the_api) for _ in range(2)] == ["handled", "duplicate"]
    assert apply(handlers, parse_event(CREATED.payload)) == "ignored"
    assert handlers.dispatch(CREATED) == "ignored"
    assert handlers.dispatch(UPDATED) == "handled"  # a webhook has a timestamp, the object of the API has none
    assert database.effects() == ["newest", "once", "newest", "on"]
    assert apply(Handlers(), UPDATED) == "ignored"


# Where handlers run.


def test_a_sync_transaction_is_in_one_thread_from_its_begin_to_its_end(database):
    threads, variable = [], ContextVar("variable", default="")

    @contextmanager
    def begin():
        threads.append((threading.get_ident(), variable.get()))
        with database.transaction() as connection:
            yield connection
        threads.append((threading.get_ident(), variable.get()))

    handlers = Handlers(transaction=begin)

    @handlers.once
    def first(event: events.UserCreated, connection: sqlite3.Connection):
        threads.append((threading.get_ident(), variable.get()))

    handlers.on(first)

    async def story(value):
        variable.set(value)
        return await handlers.dispatch_async(CREATED)

    assert asyncio.run(story("of the request")) == "handled"
    assert len(threads) == 4
    assert len(set(threads)) == 1
    assert threads[0] != (threading.get_ident(), "of the request")
    assert threads[0][1] == "of the request"


def test_an_async_transaction_is_in_the_event_loop(database):
    threads = []
    handlers = Handlers(transaction=database.async_transaction)

    @handlers.on
    async def first(event: events.UserCreated, connection: sqlite3.Connection):
        threads.append(threading.get_ident())
        effect(connection, "first", event)

    @handlers.on
    async def second(event: events.UserCreated):
        threads.append(threading.get_ident())

    assert asyncio.run(handlers.dispatch_async(CREATED)) == "handled"
    assert threads == [threading.get_ident()] * 2
    assert database.effects() == ["first"]


@pytest.mark.parametrize("error", [ValueError, AbortDelivery, SystemExit, asyncio.CancelledError])
def test_an_exception_in_an_async_transaction_takes_everything_back(error, database):
    handlers = Handlers(transaction=database.async_transaction)

    @handlers.on
    async def first(event: events.UserCreated, connection: sqlite3.Connection):
        effect(connection, "first", event)

    @handlers.on
    async def second(event: events.UserCreated):
        raise error

    outcome, caught = finished(handlers, CREATED)
    assert (outcome, type(caught)) == ("aborted" if error is AbortDelivery else "failed", error)
    with pytest.raises(error):
        asyncio.run(handlers.dispatch_async(CREATED))
    assert database.effects() == []


def test_an_async_transaction_that_hides_an_exception_has_failed(database):
    @contextlib.asynccontextmanager
    async def begin():
        with suppress(ValueError):
            yield

    handlers = Handlers(transaction=begin)

    @handlers.on
    async def handler(event: events.UserCreated):
        raise ValueError

    with pytest.raises(RuntimeError, match=r"^The transaction hid an exception"):
        asyncio.run(handlers.dispatch_async(CREATED))


def test_the_inbox_over_a_sync_connection_in_an_async_transaction_has_failed(database):
    @contextlib.asynccontextmanager
    async def begin():
        with database.transaction() as connection:
            yield connection

    handlers = Handlers(transaction=begin)

    @handlers.once
    async def handler(event: events.UserCreated):
        raise AssertionError

    outcome, error = finished(handlers, CREATED)
    assert (outcome, type(error)) == ("failed", TypeError)


async def async_function(event):
    pass


def generator(event):
    yield


async def async_generator(event):
    yield


class Awaitable:
    def __await__(self):
        yield


def responding(module, status):
    """Return a response of a framework, or of another library."""
    kind = type("Response", (), {"__module__": module, "status_code": status})
    return lambda event: type("Subclass", (kind,), {})()


@pytest.mark.parametrize(("module", "status"), [("flask.wrappers", 204), ("httpx", 500)])
def test_a_handler_may_return_a_success_and_the_answer_of_another_server(module, status):
    handlers, returned = Handlers(), responding(module, status)

    @handlers.on
    def handler(event: events.UserCreated):
        return returned(event)

    assert handlers.dispatch(CREATED) == "handled"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("returned", "cure"),
    [
        (async_function, "returned something to await: declare it as async def"),
        (lambda event: Awaitable(), "returned something to await: declare it as async def"),
        (generator, "returned a generator, which nothing runs: write it without yield"),
        (async_generator, "returned a generator, which nothing runs: write it without yield"),
        (lambda event: ValueError(), "returned an exception: raise it"),
        (
            responding("starlette.responses", 500),
            "returned an answer of 500, which nobody sends: raise if the message has to",
        ),
    ],
)
def test_a_handler_whose_work_is_not_done_when_it_returns_has_failed(returned, cure, kind):
    handlers = Handlers()

    def sync(event: events.UserCreated):
        return returned(event)

    async def asynchronous(event: events.UserCreated):
        return returned(event)

    handlers.on(asynchronous if kind == "async" else sync)
    if kind == "mixed":
        handlers.on(async_handler)
    with pytest.raises(TypeError, match=f"sync {cure}" if kind != "async" else f"asynchronous {cure}"):
        asyncio.run(handlers.dispatch_async(CREATED))
    if kind == "sync":
        with pytest.raises(TypeError, match=cure):
            handlers.dispatch(CREATED)


def test_work_that_is_not_done_is_not_committed(database, dispatch):
    handlers = Handlers(transaction=database.transaction)

    @handlers.once
    def handler(event: events.UserCreated, connection: sqlite3.Connection):
        effect(connection, "half", event)
        return async_function(event)

    with pytest.raises(TypeError):
        dispatch(handlers, CREATED)
    assert database.effects() == []


def test_another_value_that_a_handler_returns_is_not_used(dispatch):
    handlers = Handlers()

    @handlers.on
    def handler(event: events.UserCreated):
        return event.data["id"]

    assert dispatch(handlers, CREATED) == "handled"


# Under the lease of a store.


@pytest.mark.parametrize("kind", KINDS)
def test_under_a_store_a_message_is_handled_until_it_succeeds_and_then_no_more(kind):
    failures = [ValueError(), AbortDelivery(), None]
    handlers, seen = handled_by(kind, lambda event: raise_(failures.pop(0)), store=MemoryStore())
    assert [finished(handlers, CREATED)[0] for _ in range(4)] == ["failed", "aborted", "handled", "duplicate"]
    assert seen == [CREATED] * 3


def test_without_a_store_or_a_transaction_each_attempt_is_handled(dispatch):
    handlers, seen = handled_by("sync", lambda event: None)
    assert [dispatch(handlers, CREATED) for _ in range(2)] == ["handled", "handled"]
    assert len(seen) == 2


def test_a_message_that_another_attempt_has_is_in_progress(dispatch):
    store = MemoryStore()
    store.claim("msg_1")
    handlers, seen = handled_by("sync", lambda event: None, store=store)
    assert dispatch(handlers, CREATED) == "in_progress"
    assert seen == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_without_a_message_id_cannot_be_under_a_store(kind):
    """All of them would be one message to the store."""
    store = RecordingStore()
    handlers, _ = handled_by(kind, lambda event: None, store=store)
    with pytest.raises(ValueError, match=r"no message id"):
        asyncio.run(handlers.dispatch_async(WITHOUT_MESSAGE))
    assert store.calls == []


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
    handlers, _ = handled_by(kind, lambda event: raise_(failures.pop(0)), store=store)
    for _ in range(3):
        finished(handlers, CREATED)
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


def test_an_attempt_that_outlives_its_lease_does_not_release_the_claim_of_the_next_attempt(dispatch):
    now = [0.0]
    store = MemoryStore(lease=60, clock=lambda: now[0])
    handlers = Handlers(store=store)

    @handlers.on
    def handler(event: events.UserCreated):
        now[0] += 61
        assert store.claim("msg_1", "the next attempt") is Claim.NEW
        raise TimeoutError

    with pytest.raises(TimeoutError):
        dispatch(handlers, CREATED)
    assert store.claim("msg_1", "a third") is Claim.IN_PROGRESS


@pytest.mark.parametrize("error", [ConnectionError, StopIteration, AbortDelivery, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fails", "raises", "outcome", "logged"),
    [
        ("claim", None, "unavailable", None),
        # The effect is there: a message that comes again would be worse than a message that is not recorded.
        ("complete", None, "handled", "The store failed to complete a message: "),
        ("release", ValueError(), "failed", "The store failed to release a message; its lease will end: "),
    ],
)
def test_a_store_that_fails_loses_nothing(kind, fails, raises, outcome, logged, error, caplog):
    handlers, seen = handled_by(kind, lambda event: raise_(raises), store=FailingStore(fails, error))
    assert finished(handlers, CREATED)[0] == outcome
    assert len(seen) == (fails != "claim")
    for record in caplog.records:
        assert record.getMessage().startswith(f"{logged}{error.__name__}\n")
        assert (record.levelname, record.message_id) == ("ERROR", "msg_1")
    assert len(caplog.records) == (logged is not None)
    assert ADDRESS not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("claim", [lambda *_: True, lambda: Claim.NEW])
def test_a_store_that_breaks_its_contract_has_failed(kind, claim):
    store = MemoryStore()
    store.claim = claim
    handlers, seen = handled_by(kind, lambda event: None, store=store)
    outcome, error = finished(handlers, CREATED)
    assert (outcome, type(error), seen) == ("failed", TypeError, [])
    assert str(error).endswith("must return a Claim, not bool.") or "2 were given" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_empty_is_a_store(kind):
    class Sized(MemoryStore):
        def __len__(self):
            return 0

    handlers, _ = handled_by(kind, lambda event: None, store=Sized())
    assert [finished(handlers, CREATED)[0] for _ in range(2)] == ["handled", "duplicate"]


def test_of_many_attempts_at_once_one_is_handled():
    handlers = Handlers(store=MemoryStore())
    seen = []

    @handlers.on
    async def handler(event: events.UserCreated):
        seen.append(event)
        await asyncio.sleep(0.01)

    async def all_at_once():
        return await asyncio.gather(*(handlers.dispatch_async(CREATED) for _ in range(20)))

    outcomes = asyncio.run(all_at_once())
    assert (outcomes.count("handled"), outcomes.count("in_progress"), len(seen)) == (1, 19, 1)


# Exceptions.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", [False, True])
def test_an_exit_in_a_handler_is_a_failure_and_does_not_end_the_server(kind, stored):
    handlers, seen = handled_by(kind, lambda event: sys.exit("bye"), store=MemoryStore() if stored else None)
    for _ in range(2):
        outcome, error = finished(handlers, CREATED)
        assert (outcome, type(error)) == ("failed", SystemExit)
    assert len(seen) == 2


@pytest.mark.parametrize("raises", [KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_releases_the_message_and_goes_on(kind, raises):
    handlers, seen = handled_by(kind, lambda event: raise_(raises()), store=MemoryStore())
    for _ in range(2):
        with pytest.raises(raises):
            finished(handlers, CREATED)
    if kind == "sync":
        with pytest.raises(raises):
            handlers.dispatch(CREATED)
    assert len(seen) == (3 if kind == "sync" else 2)


@pytest.mark.parametrize("kind", KINDS)
def test_handlers_after_a_failed_handler_do_not_run(kind):
    handlers, seen = handled_by(kind, lambda event: raise_(ValueError()))

    @handlers.on
    def after(event: WebhookEvent):
        seen.append("after")

    assert finished(handlers, CREATED)[0] == "failed"
    assert seen == [CREATED]


@pytest.fixture
def _only_new_garbage():
    """Let `gc.collect` look at the objects of this test alone, and only when the test calls it."""
    gc.disable()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.enable()


def answering(handlers, event):
    """Dispatch as an endpoint does, which raises nothing."""
    return handlers._run_async(event, lambda outcome, error: outcome)


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
@pytest.mark.parametrize("kind", [*KINDS, "transaction", "async transaction"])
@pytest.mark.parametrize("way", [Handlers.dispatch_async, answering])
@pytest.mark.usefixtures("_only_new_garbage")
def test_failures_leave_no_reference_cycles(kind, fails, raises, way, database):
    def fail(event):
        if raises is not None:
            raise raises

    if "transaction" in kind:
        begin = failing_begin(ConnectionError()) if fails == "claim" else getattr(database, kind.replace(" ", "_"))
        handlers, _ = handled_by("async" if "async" in kind else "sync", fail, transaction=begin)
    else:
        handlers, _ = handled_by(kind, fail, store=FailingStore(fails))

    async def unreachable(count):
        for number in range(count):
            with suppress(BaseException):
                await way(handlers, user_event(message_id=f"msg_{number}"))
        return gc.collect()

    async def story():
        await unreachable(1)
        return await unreachable(20)

    assert asyncio.run(story()) == 0


# Exactness by construction.


class Story(RuleBasedStateMachine):
    """Clerk changes users, Svix delivers in any order and again, handlers fail anywhere, and backfills come between."""

    users = st.sampled_from(["user_1", "user_2"])
    numbers = st.integers(0, 10**6)

    @initialize()
    def start(self):
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute(CREATE_TABLE)
        self.connection.execute("CREATE TABLE users (id text PRIMARY KEY, name text)")
        self.connection.execute("CREATE TABLE mails (message_id text)")
        self.sent, self.delivered, self.state = [], {}, {}
        self.fails_at = None

        @contextmanager
        def begin():
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.reach("commit")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

        self.handlers = handlers = Handlers(transaction=begin)

        @handlers.on
        def before(event: WebhookEvent):
            self.reach("before")

        @handlers.newest
        def save(event: events.UserCreated | events.UserUpdated, connection: sqlite3.Connection):
            values = (event.data["id"], event.data["first_name"])
            connection.execute("INSERT OR REPLACE INTO users VALUES (?, ?)", values)
            self.reach("save")

        @handlers.newest
        def forget(event: events.UserDeleted, connection: sqlite3.Connection):
            connection.execute("DELETE FROM users WHERE id = ?", (event.data["id"],))
            self.reach("save")

        @handlers.once
        def mail(event: WebhookEvent, connection: sqlite3.Connection):
            connection.execute("INSERT INTO mails VALUES (?)", (event.message_id,))
            self.reach("mail")

    def reach(self, point):
        if point == self.fails_at:
            raise ZeroDivisionError

    @rule(user=users, deleted=st.integers(0, 5), step=st.sampled_from([0, 1, 1000]))
    def change(self, user, deleted, step):
        last = next((event for event in reversed(self.sent) if event.data["id"] == user), None)
        if last and last.type == "user.deleted":
            return
        kind = "created" if last is None else "updated" if deleted else "deleted"
        updated_at = (last.data["updated_at"] if last else 1_761_912_345_000) + step
        data = {"id": user, "updated_at": updated_at, "first_name": f"name {len(self.sent)}"}
        timestamp = max(updated_at + 5, last.timestamp + 1 if last else 0)
        body = {"type": f"user.{kind}", "data": data, "timestamp": timestamp}
        self.sent.append(parse_event(body, message_id=f"msg_{len(self.sent)}"))

    def rank(self, event):
        return (event.type == "user.deleted", event.data["updated_at"], event.timestamp or 0)

    def apply(self, event):
        user = event.data["id"]
        known = self.state.get(user)
        if known is None or self.rank(event) > self.rank(known):
            self.state[user] = event

    @rule(number=numbers, fails_at=st.sampled_from([None, None, "before", "save", "mail", "commit"]), way=st.booleans())
    def deliver(self, number, fails_at, way):
        if not self.sent:
            return
        event = self.sent[number % len(self.sent)]
        self.fails_at = fails_at
        try:
            outcome = WAYS["async" if way else "sync"](self.handlers, event)
        except ZeroDivisionError:
            assert fails_at is not None
        else:
            assert outcome == "handled"
            self.delivered[event.message_id] = event
            self.apply(event)
        self.fails_at = None

    @rule(number=numbers)
    def backfill(self, number):
        if not self.sent:
            return
        event = self.sent[number % len(self.sent)]
        if event.type != "user.deleted":
            of_the_api = parse_event({"type": "user.updated", "data": event.data})
            assert self.handlers.apply_state(of_the_api) in {"handled", "duplicate"}
            self.apply(of_the_api)

    @invariant()
    def each_message_has_one_effect_and_the_state_is_the_newest(self):
        mails = [message_id for (message_id,) in self.connection.execute("SELECT message_id FROM mails ORDER BY rowid")]
        assert mails == list(self.delivered)
        assert dict(self.connection.execute("SELECT id, name FROM users")) == {
            user: event.data["first_name"] for user, event in self.state.items() if event.type != "user.deleted"
        }

    def teardown(self):
        self.connection.close()


TestStory = Story.TestCase
TestStory.settings = settings(derandomize=True, deadline=None, max_examples=60, stateful_step_count=30)
