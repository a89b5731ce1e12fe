"""Handlers in every kind of transaction: one effect for each message, the newest state, and nothing lost.

`CLERK_WEBHOOK_TEST_BIG=1` makes the numbers those that the project promises.
"""

import asyncio
import json
import os
import random
import time
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import aiosqlite
import asyncpg
import psycopg_pool
import sqlalchemy as sa
from deliveries import SECRET, signed
from dispatch_transactions import ASYNC, KINDS, POINTS, POSTGRES, Tables, application, execute, mail
from histories import NOON, user_event
from inbox_connections import settle, sqlalchemy_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, registry, sessionmaker

from clerk_webhook import Endpoint, events, parse_event
from clerk_webhook._problems import where_raised
from clerk_webhook.handlers import Handlers

BIG = os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1"
USERS = 200 if BIG else 10
CANCELLATIONS = 2500 if BIG else 60


@pytest.fixture
def open_kind(request):
    """Return a function that opens a kind of transaction: the tables seen from outside, and what begins it."""

    @asynccontextmanager
    async def open_kind(kind):
        target = request.getfixturevalue("postgres_url" if kind in POSTGRES else "sqlite_path")
        tables = Tables(target)
        async with KINDS[kind](target) as begin:
            yield tables, begin

    return open_kind


def a_life(user_id, choose):
    """Return the events of a user, in the order in which they happened."""
    changes = ["created", *["updated"] * choose.randint(0, 3), *["deleted"] * choose.randint(0, 1)]
    return [
        user_event(
            f"user.{change}",
            user_id,
            name=f"name {number}",
            updated_at=NOON + 1000 * number,
            timestamp=NOON + 1000 * number + choose.randint(4, 22),
            message_id=f"{user_id}_{number}",
        )
        for number, change in enumerate(changes)
    ]


def newest(lives):
    """Return the state in which a mirror of these lives has to end."""
    last = [life[-1] for life in lives]
    return {event.data["id"]: event.data["first_name"] for event in last if event.type != "user.deleted"}


def messages_of(lives):
    return sorted(event.message_id for life in lives for event in life)


@pytest.mark.parametrize("kind", KINDS)
def test_in_random_orders_with_failures_everywhere_each_message_has_its_effect_once(kind, open_kind):
    choose = random.Random(20_261_129)
    lives = [a_life(f"user_{number}", choose) for number in range(USERS)]
    waiting = [event for life in lives for event in life for _ in range(choose.randint(1, 2))]
    fails_at, failures = None, 0

    def reach(point, _event):
        if point == fails_at:
            raise ZeroDivisionError

    async def story():
        nonlocal fails_at, failures
        async with open_kind(kind) as (tables, begin):
            handlers = application(begin, reach, is_async=kind in ASYNC)
            while waiting:
                event = waiting.pop(choose.randrange(len(waiting)))
                fails_at = choose.choice([*POINTS, *[None] * 6])
                try:
                    if kind in ASYNC:
                        await handlers.dispatch_async(event)
                    else:
                        handlers.dispatch(event)
                except ZeroDivisionError:
                    failures += 1
                    waiting.append(event)
            return tables.users(), sorted(tables.mails())

    assert asyncio.run(story()) == (newest(lives), messages_of(lives))
    assert failures > USERS


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("Django")])
def test_many_attempts_at_once_in_an_event_loop_have_one_effect(kind, open_kind):
    choose = random.Random(20_261_130)
    lives = [a_life(f"user_{number}", choose) for number in range(5)]
    attempts = [event for life in lives for event in life for _ in range(3)]
    choose.shuffle(attempts)

    async def story():
        async with open_kind(kind) as (tables, begin):
            handlers = application(begin, lambda *_: None, is_async=kind in ASYNC)

            async def deliver(event):
                while True:
                    try:
                        return await handlers.dispatch_async(event)
                    except sa.exc.OperationalError as error:
                        # SQLAlchemy begins without IMMEDIATE on SQLite: the message fails, and comes again.
                        assert "database is locked" in str(error)
                        await asyncio.sleep(0.001)

            outcomes = await asyncio.gather(*map(deliver, attempts))
            return tables.users(), sorted(tables.mails()), outcomes

    users, mails, outcomes = asyncio.run(story())
    assert (users, mails) == (newest(lives), messages_of(lives))
    # `on` is for every attempt, and only the sync application has such a handler.
    assert outcomes.count("duplicate") == (len(attempts) * 2 / 3 if kind in ASYNC else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scope_has_a_record_of_its_own(kind, open_kind):
    created = user_event("user.created", updated_at=NOON, message_id="msg_1")

    async def story():
        async with open_kind(kind) as (tables, begin):
            outcomes = []
            for scope in ("", "billing"):
                handlers = Handlers(transaction=begin, scope=scope)
                handlers.include(application(begin, lambda *_: None, is_async=kind in ASYNC))
                dispatch = handlers.dispatch_async if kind in ASYNC else handlers.dispatch
                outcomes += [await settle(dispatch(created)) for _ in range(2)]
            return outcomes, tables.mails()

    again = "duplicate" if kind in ASYNC else "handled"  # which has `on`
    assert asyncio.run(story()) == (["handled", again] * 2, ["msg_1", "msg_1"])


@pytest.mark.parametrize("kind", ASYNC)
def test_a_cancellation_at_any_moment_loses_doubles_and_blocks_nothing(kind, open_kind):
    choose = random.Random(20_261_131)

    async def story():
        cancelled = number = 0
        outcomes = []
        async with open_kind(kind) as (tables, begin):
            handlers = application(begin, lambda *_: None, is_async=True)
            loop = asyncio.get_running_loop()

            def finish(outcome, error):
                outcomes.append(outcome)
                return outcome

            async def deliver_many():
                nonlocal cancelled, number
                while cancelled < CANCELLATIONS:
                    number += 1
                    event = user_event("user.created", f"user_{number}", updated_at=NOON, message_id=f"msg_{number}")
                    for attempt in range(1000):
                        task = asyncio.create_task(handlers._run_async(event, finish))
                        if attempt < 5:
                            loop.call_later(choose.random() / 80, task.cancel)
                        try:
                            if await task in {"handled", "duplicate"}:
                                break
                        except asyncio.CancelledError:
                            cancelled += 1
                    else:
                        raise AssertionError(f"{event.message_id} is stuck")

            await asyncio.gather(*(deliver_many() for _ in range(3)))
            mails = tables.mails()
            # The pool has all its connections, and none is in the transaction of a request that is gone.
            assert await handlers.dispatch_async(user_event("user.deleted", message_id="msg_0")) == "handled"
        counts = {outcome: outcomes.count(outcome) for outcome in set(outcomes)}
        print(f"{kind}: {cancelled} cancellations of {number} messages, {counts}")
        assert sorted(mails) == sorted(f"msg_{each}" for each in range(1, number + 1))
        assert counts["handled"] == number
        assert counts.keys() <= {"handled", "duplicate", "cancelled", "unavailable"}

    asyncio.run(story())


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_handlers_are_for_an_endpoint_a_worker_a_backfill_and_a_test(kind, open_kind):
    created = user_event("user.created", name="Ada", updated_at=NOON, timestamp=NOON + 5, message_id="msg_1")
    updated = user_event("user.updated", name="Augusta", updated_at=NOON + 9, timestamp=NOON + 12, message_id="msg_2")
    is_async = kind in ASYNC

    async def story():
        async with open_kind(kind) as (tables, begin):
            handlers = application(begin, lambda *_: None, is_async=is_async)
            endpoint = Endpoint(SECRET, transaction=begin)
            endpoint.include(handlers)
            body = json.dumps(updated.payload).encode()
            request = signed(body, message_id="msg_2", timestamp=int(time.time())), body
            dispatch = handlers.dispatch_async if is_async else handlers.dispatch
            apply_state = handlers.apply_state_async if is_async else handlers.apply_state
            job = {"payload": updated.payload, "message_id": updated.message_id}  # through a queue
            of_the_api = parse_event({"type": "user.updated", "data": {**updated.data, "updated_at": NOON + 1000}})
            statuses = [(await settle((endpoint.handle_async if is_async else endpoint.handle)(*request))).status]
            outcomes = [
                await settle(dispatch(parse_event(job["payload"], message_id=job["message_id"]))),
                await settle(dispatch(created)),
                await settle(apply_state(of_the_api)),
                await settle(apply_state(of_the_api)),
            ]
            return statuses, outcomes, tables.users(), tables.mails()

    statuses, outcomes, users, mails = asyncio.run(story())
    assert statuses == [200]
    # `on` is for every attempt, and only the sync application has such a handler.
    assert outcomes == ["duplicate" if is_async else "handled", "handled", "handled", "duplicate"]
    assert (users, mails) == ({"user_1": "Augusta"}, ["msg_2", "msg_1"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "psycopg.connect"])
def test_a_handler_of_the_other_kind_is_refused_when_it_is_registered(kind, open_kind):
    def sync(event: events.UserCreated, connection: object):
        raise AssertionError

    async def asynchronous(event: events.UserCreated, connection: object):
        raise AssertionError

    async def story():
        async with open_kind(kind) as (_, begin):
            with pytest.raises(TypeError, match="all in one transaction have to be of one kind"):
                Handlers(transaction=begin).once(sync if kind in ASYNC else asynchronous)

    asyncio.run(story())


CREATED = user_event("user.created", name="Ada", updated_at=NOON, message_id="msg_1")


async def after_a_mail(begin, act, *, is_async):
    """Dispatch an event to a handler that notes a mail, and to one that acts. Return the outcome or the exception."""
    handlers = Handlers(transaction=begin)
    for function in (lambda connection, event: execute(connection, mail(event)), lambda connection, _: act(connection)):

        def sync(event: events.UserCreated, connection: object, function=function):
            function(connection, event)

        async def asynchronous(event: events.UserCreated, connection: object, function=function):
            await settle(function(connection, event))

        handlers.once(asynchronous if is_async else sync)
    try:
        return await settle((handlers.dispatch_async if is_async else handlers.dispatch)(CREATED))
    except Exception as error:  # noqa: BLE001  # each library has its own
        return error


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_database_that_a_handler_caught_loses_no_message(kind, open_kind):
    """PostgreSQL answers the COMMIT by a rollback, and no library raises an error for that."""

    def careless(connection):
        with suppress(Exception):
            execute(connection, "SELECT * FROM nowhere")

    async def careless_async(connection):
        with suppress(Exception):
            await execute(connection, "SELECT * FROM nowhere")

    async def story():
        async with open_kind(kind) as (tables, begin):
            is_async = kind in ASYNC
            outcome = await after_a_mail(begin, careless_async if is_async else careless, is_async=is_async)
            again = await after_a_mail(begin, lambda _: None, is_async=is_async)
            return outcome, again, tables.mails()

    outcome, again, mails = asyncio.run(story())
    if kind in POSTGRES:
        assert "SQLSTATE 25P02: a handler caught an error of PostgreSQL" in where_raised(outcome)
        assert again == "handled"
    else:
        assert (outcome, again) == ("handled", "duplicate")
    assert mails == ["msg_1"]


@pytest.mark.parametrize("verb", ["commit", "rollback"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_that_ends_the_transaction_is_told_at_the_first_event(kind, verb, open_kind):
    async def story():
        async with open_kind(kind) as (_, begin):
            return await after_a_mail(
                begin,
                lambda connection: getattr(connection, verb, lambda: execute(connection, verb))(),
                is_async=kind in ASYNC,
            )

    error = asyncio.run(story())
    assert type(error).__name__ == ("TransactionManagementError" if kind.startswith("Django") else "RuntimeError")


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_that_rolls_back_and_goes_on_loses_no_message(kind, open_kind):
    """As one does that inserts, and updates after the error of a row that is there."""

    async def go_on(connection):
        await settle(getattr(connection, "rollback", lambda: execute(connection, "rollback"))())
        if not hasattr(connection, "get_bind") and not hasattr(connection, "rollback"):
            await settle(execute(connection, "begin"))
        await settle(execute(connection, "INSERT INTO mails VALUES ('after')"))

    def go_on_sync(connection):
        getattr(connection, "rollback", lambda: execute(connection, "rollback"))()
        execute(connection, "INSERT INTO mails VALUES ('after')")

    async def story():
        async with open_kind(kind) as (tables, begin):
            is_async = kind in ASYNC
            outcome = await after_a_mail(begin, go_on if is_async else go_on_sync, is_async=is_async)
            again = await after_a_mail(begin, lambda _: None, is_async=is_async)
            return outcome, again, tables.mails()

    outcome, again, mails = asyncio.run(story())
    assert isinstance(outcome, Exception)
    assert again == "handled"
    assert "msg_1" in mails


@pytest.mark.parametrize("database", ["postgres_url", "sqlite_path"])
def test_an_error_of_the_flush_at_a_commit_is_not_hidden_by_who_catches_it(database, request):
    target = request.getfixturevalue(database)
    tables = Tables(target)
    engine = sa.create_engine(sqlalchemy_url(target, "psycopg" if database == "postgres_url" else "pysqlite"))
    mapped = registry()
    table = sa.Table("users", mapped.metadata, sa.Column("id", sa.Text, primary_key=True), sa.Column("name", sa.Text))
    user = type("User", (), {})
    mapped.map_imperatively(user, table)

    @contextmanager
    def swallows():
        session = Session(engine)
        try:
            yield session
            session.commit()
        except sa.exc.SQLAlchemyError:
            session.rollback()
        finally:
            session.close()

    handlers = Handlers(transaction=swallows)

    @handlers.once
    def save(event: events.UserCreated, session: Session):
        row = user()
        row.id = event.data["id"]
        session.add(row)

    with tables.connection() as connection:
        connection.execute("INSERT INTO users VALUES ('user_1', 'Ada')")
    with pytest.raises(RuntimeError, match="The transaction hid an exception"):
        handlers.dispatch(CREATED)
    with tables.connection() as connection:
        connection.execute("DELETE FROM users")
    assert handlers.dispatch(CREATED) == "handled"
    assert tables.users() == {"user_1": None}
    engine.dispose()


def test_a_session_with_a_database_for_each_class_has_none_for_the_inbox(sqlite_path):
    """It is refused by what needs the inbox alone."""
    tables = Tables(sqlite_path)
    engine = sa.create_engine(sqlalchemy_url(sqlite_path, "pysqlite"))
    begin = sessionmaker(binds={sa.Table("mails", sa.MetaData()): engine}).begin
    outcome, error = asyncio.run(dispatched(begin, is_async=False))
    assert (outcome, type(error)) == ("failed", RuntimeError)
    handlers = Handlers(transaction=begin)

    @handlers.on
    def save(event: events.UserCreated, session: Session):
        session.execute(sa.text(mail(event)), bind_arguments={"bind": engine})

    assert handlers.dispatch(CREATED) == "handled"
    assert tables.mails() == ["msg_1"]
    engine.dispose()


async def dispatched(begin, is_async, kind="once", also=()):
    """Dispatch an event to one handler with an effect, and return the outcome and the exception."""
    handlers = Handlers(transaction=begin)

    def sync(event: events.UserCreated, connection: object):
        for sql in (mail(event), *also):
            execute(connection, sql)

    async def asynchronous(event: events.UserCreated, connection: object):
        for sql in (mail(event), *also):
            await execute(connection, sql)

    getattr(handlers, kind)(asynchronous if is_async else sync)
    return await settle((handlers._run_async if is_async else handlers._run)(CREATED, lambda *end: end))


@pytest.mark.parametrize("kind", ["on", "once"])
def test_a_context_manager_that_never_commits_is_refused_before_it_is_opened(kind, sqlite_path):
    tables = Tables(sqlite_path)

    async def story():
        engine = sa.create_engine(sqlalchemy_url(sqlite_path, "pysqlite"))
        async_engine = create_async_engine(sqlalchemy_url(sqlite_path, "aiosqlite"))

        class OwnSession(Session):
            pass

        for begin, is_async, name in [
            (sessionmaker(engine), False, "Session"),
            (sessionmaker(engine, class_=OwnSession), False, "OwnSession"),
            (engine.connect, False, "Connection"),
            (async_sessionmaker(async_engine), True, "AsyncSession"),
            (lambda: AsyncSession(async_engine), True, "AsyncSession"),
            (async_engine.connect, True, "AsyncConnection"),
            (lambda: aiosqlite.connect(sqlite_path), True, "Connection"),
        ]:
            outcome, error = await dispatched(begin, is_async, kind)
            assert (outcome, type(error)) == ("failed", TypeError)
            assert str(error).startswith(f"{name} does not commit at the end of `with`")
        engine.dispose()
        await async_engine.dispose()

    asyncio.run(story())
    assert tables.mails() == []


def test_the_connection_of_a_pool_of_asyncpg_is_in_no_transaction_and_is_refused(postgres_url):
    tables = Tables(postgres_url)

    async def story():
        async with asyncpg.create_pool(postgres_url, min_size=1) as pool:
            return await dispatched(pool.acquire, is_async=True)

    outcome, error = asyncio.run(story())
    assert (outcome, type(error)) == ("failed", RuntimeError)
    assert "autocommit" in str(error)
    assert tables.mails() == []


def test_an_engine_in_autocommit_is_refused(postgres_url):
    tables = Tables(postgres_url)
    engine = sa.create_engine(sqlalchemy_url(postgres_url, "psycopg"), isolation_level="AUTOCOMMIT")
    outcome, error = asyncio.run(dispatched(engine.begin, is_async=False))
    engine.dispose()
    assert (outcome, type(error)) == ("failed", RuntimeError)
    assert tables.mails() == []


NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing"  # the port "discard", where nobody listens


@pytest.mark.parametrize("kind", [kind for kind in POSTGRES if "pool" not in kind])
def test_a_database_that_is_not_there_is_unavailable(kind):
    async def story():
        async with KINDS[kind](NOWHERE) as begin:
            return await dispatched(begin, is_async=kind in ASYNC)

    outcome, error = asyncio.run(story())
    assert outcome == "unavailable", repr(error)


def test_a_pool_without_a_free_connection_is_unavailable(postgres_url):
    Tables(postgres_url)

    async def story():
        small = {"min_size": 1, "max_size": 1, "timeout": 0.05}
        with psycopg_pool.ConnectionPool(postgres_url, **small) as pool, pool.connection():
            sync = await dispatched(pool.connection, is_async=False)
        async with psycopg_pool.AsyncConnectionPool(postgres_url, **small) as pool, pool.connection():
            return sync, await dispatched(pool.connection, is_async=True)

    for outcome, error in asyncio.run(story()):
        assert (outcome, type(error)) == ("unavailable", psycopg_pool.PoolTimeout)


def test_a_commit_that_fails_has_failed_and_applied_nothing(postgres_url):
    """PostgreSQL checks this constraint at the end of the transaction."""
    tables = Tables(postgres_url)
    with tables.connection() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS deferred (id text UNIQUE DEFERRABLE INITIALLY DEFERRED)")

    async def story(kind):
        async with KINDS[kind](postgres_url) as begin:
            twice = "INSERT INTO deferred VALUES ('x'), ('x')"
            return await dispatched(begin, is_async=kind in ASYNC, also=[twice])

    for kind in POSTGRES.keys() - {"psycopg.connect"}:  # which leaves its connection open then
        outcome, error = asyncio.run(story(kind))
        assert outcome == "failed", kind
        assert "duplicate key" in str(error)
        assert tables.mails() == []
        assert tables.rows("SELECT * FROM clerk_webhook_inbox") == []
