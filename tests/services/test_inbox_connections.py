"""The inbox over every kind of connection: the same answers, autocommit refused, a forgotten `await` found."""

import asyncio
import sqlite3
import sys
from contextlib import closing

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import aiosqlite
import asyncpg
import psycopg
import psycopg2.extensions
import psycopg2.extras
import psycopg2.sql
import psycopg_pool
import sqlalchemy as sa
from django.db import transaction
from histories import history
from inbox_connections import (
    IN_TRANSACTION,
    KINDS,
    SQLITE,
    aiosqlite_async,
    asyncpg_connection,
    django_connection,
    psycopg2_sync,
    psycopg_async,
    psycopg_sync,
    settle,
    sqlalchemy_url,
    sqlite3_sync,
)
from mirroring import MIRROR
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from tracing import Traced

from clerk_webhook.inbox import CREATE_TABLE, AwaitableBool, purge, record_newest, record_once

CREATED, UPDATED, LATER, DELETED = history("user.created", "user.updated", "user.updated", "user.deleted")


class Database:
    """A database without tables, seen over a connection of its own."""

    def __init__(self, target):
        self.target = target
        self.connection = psycopg.connect(target) if isinstance(target, str) else sqlite3.connect(target)
        self.execute("DROP TABLE IF EXISTS clerk_webhook_inbox")

    def execute(self, sql):
        cursor = self.connection.execute(sql)
        rows = cursor.fetchall() if cursor.description else None
        self.connection.commit()
        return rows

    def versions(self):
        return self.execute("SELECT version FROM clerk_webhook_inbox")


@pytest.fixture
def postgres(postgres_url):
    database = Database(postgres_url)
    with closing(database.connection):
        yield database


@pytest.fixture
def sqlite(sqlite_path):
    database = Database(sqlite_path)
    with closing(database.connection):
        yield database


@pytest.fixture
def database(request, kind):
    return request.getfixturevalue("sqlite" if kind in SQLITE else "postgres")


@pytest.fixture(autouse=True)
def _sync_connections_of_django_in_an_event_loop(monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.mark.parametrize("kind", KINDS | IN_TRANSACTION)
def test_each_kind_of_connection_gives_the_same_answers(kind, database):
    async def check():
        async with (KINDS | IN_TRANSACTION)[kind](database.target) as (connection, commit, rollback):

            async def answers(gate, *arguments):
                return [await settle(gate(connection, *each)) for each in arguments]

            events = [(UPDATED,), (UPDATED,), (CREATED,), (LATER,), (DELETED,), (DELETED,), (LATER,)]
            assert await answers(record_newest, *events) == [True, False, False, True, True, False, False]
            assert await answers(record_newest, (CREATED, "mailing"), (CREATED, "mailing")) == [True, False]
            assert await answers(record_once, (CREATED,), (CREATED,), ("msg_1",), ("msg_0",)) == [
                True,
                False,
                True,
                False,
            ]
            assert await answers(record_once, (CREATED, "mailing"), ("msg_0", "mailing")) == [True, False]
            await settle(rollback())
            assert await answers(record_newest, (UPDATED,), (CREATED,)) == [True, False]
            await settle(commit())
            assert await answers(record_newest, (UPDATED,), (LATER,)) == [False, True]
            await settle(rollback())
            assert await answers(record_newest, (UPDATED,)) == [False]

    database.execute(CREATE_TABLE)
    asyncio.run(check())
    assert database.versions() == [("001700000001000.001700000001022.msg_1",)]


CURES = {
    "SQLAlchemy": "without isolation_level",
    "Django": r"transaction\.atomic\(\)",
    "asyncpg": r"connection\.transaction\(\)",
    "psycopg": "Set its autocommit to False",
    "sqlite": "BEGIN IMMEDIATE",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gate", [record_newest, record_once])
def test_autocommit_is_refused_before_anything_is_executed(gate, kind, database):
    cure = next(cure for library, cure in CURES.items() if library in kind)

    async def check():
        async with KINDS[kind](database.target, autocommit=True) as (connection, *_):
            with pytest.raises(RuntimeError, match=rf"in autocommit.*{cure}"):
                await settle(gate(connection, CREATED))  # the table does not exist, and nobody noticed

    asyncio.run(check())


@pytest.mark.parametrize("kind", KINDS)
def test_a_forgotten_await_is_an_error_and_executes_nothing(kind, database):
    async def check():
        async with KINDS[kind](database.target) as (connection, commit, _):
            answer = record_newest(connection, CREATED)
            assert isinstance(answer, AwaitableBool) == ("sync" in kind or "aiosqlite" in kind)
            if isinstance(answer, AwaitableBool):
                with pytest.raises(TypeError, match="await record_newest"):
                    assert answer
            await settle(commit())
            return isinstance(answer, bool)

    database.execute(CREATE_TABLE)
    executed = asyncio.run(check())
    assert bool(database.versions()) == executed


# Other ways into autocommit, and out of it.


def refused(connection):
    with pytest.raises(RuntimeError, match="autocommit"):
        record_newest(connection, CREATED)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "pysqlite"])
def test_autocommit_of_sqlalchemy_is_refused_wherever_it_was_set(driver, postgres, sqlite):
    target = sqlite.target if driver == "pysqlite" else postgres.target
    engine = sa.create_engine(sqlalchemy_url(target, driver))
    autocommit = {"isolation_level": "AUTOCOMMIT"}
    with engine.execution_options(**autocommit).connect() as connection:
        refused(connection)
    with engine.connect().execution_options(**autocommit) as connection:
        refused(connection)
    with Session(engine.execution_options(**autocommit)) as session:
        refused(session)
    with Session(engine) as session:
        session.connection(execution_options=autocommit)
        refused(session)
    engine.dispose()


def listen(engine, *, begin):
    """Do as SQLAlchemy's documentation says for transactions of SQLite that begin when they are told to."""

    @sa.event.listens_for(engine, "connect")
    def connect(connection, record):
        connection.isolation_level = None

    if begin:

        @sa.event.listens_for(engine, "begin")
        def begin_immediate(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def test_sqlalchemy_on_sqlite_may_begin_by_a_listener(sqlite):
    sqlite.execute(CREATE_TABLE)
    engine = sa.create_engine(sqlalchemy_url(sqlite.target, "pysqlite"))
    listen(engine, begin=True)
    with engine.connect() as connection:
        assert record_newest(connection, CREATED)
    with Session(engine) as session:
        assert record_newest(session, CREATED)
        session.rollback()
        assert record_newest(session, CREATED)
        session.commit()
        assert not record_newest(session, CREATED)
    engine.dispose()


def test_sqlalchemy_on_aiosqlite_may_begin_by_a_listener(sqlite):
    async def check():
        engine = create_async_engine(sqlalchemy_url(sqlite.target, "aiosqlite"))
        listen(engine.sync_engine, begin=True)
        async with AsyncSession(engine) as session:
            assert await record_newest(session, CREATED)
            await session.rollback()
            assert await record_newest(session, CREATED)
        await engine.dispose()

    sqlite.execute(CREATE_TABLE)
    asyncio.run(check())


def test_sqlalchemy_on_sqlite_with_half_of_the_listeners_is_refused(sqlite):
    engine = sa.create_engine(sqlalchemy_url(sqlite.target, "pysqlite"))
    listen(engine, begin=False)
    with Session(engine) as session:
        refused(session)
    with engine.connect() as connection:
        refused(connection)
    engine.dispose()


def test_sqlalchemys_connection_can_still_be_committed_as_usual(postgres):
    postgres.execute(CREATE_TABLE)
    engine = sa.create_engine(sqlalchemy_url(postgres.target, "psycopg"))
    with engine.begin() as connection:
        assert record_newest(connection, CREATED)
        with connection.begin_nested() as savepoint:
            assert record_newest(connection, UPDATED)
            savepoint.rollback()
        assert record_newest(connection, UPDATED)
    with Session(engine) as session, session.begin():
        assert not record_newest(session, UPDATED)
    with Session(engine) as session:
        assert record_newest(session.connection(), LATER)
    engine.dispose()
    assert postgres.versions() == [("001700000001000.001700000001022.msg_1",)]


def test_psycopgs_autocommit_is_refused_after_its_transaction(postgres):
    with psycopg.connect(postgres.target, autocommit=True) as connection:
        with connection.transaction():
            connection.execute(CREATE_TABLE)
            assert record_newest(connection, CREATED)
        refused(connection)
        refused(connection.cursor())
        with connection.pipeline():
            connection.execute("SELECT 1")  # its result is under way, so the connection is not idle
            refused(connection)
            with connection.transaction():
                assert record_newest(connection, UPDATED)
        connection.autocommit = False
        assert record_newest(connection, LATER)
        connection.rollback()


def test_psycopg2_by_its_isolation_level_is_refused_and_inside_begin_is_not(postgres):
    postgres.execute(CREATE_TABLE)
    with closing(psycopg2.connect(postgres.target)) as connection:
        connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
        refused(connection)
        refused(connection.cursor())
        connection.cursor().execute("BEGIN")
        assert record_newest(connection, CREATED)


def test_django_without_autocommit_needs_no_atomic_block(postgres):
    postgres.execute(CREATE_TABLE)
    with django_connection(postgres.target) as connection:
        using = connection.alias
        transaction.set_autocommit(False, using=using)
        assert record_newest(connection, CREATED)
        transaction.rollback(using=using)
        assert record_newest(connection, CREATED)
        transaction.commit(using=using)
        transaction.set_autocommit(True, using=using)
        with transaction.atomic(using=using):
            assert not record_newest(connection, CREATED)
            with transaction.atomic(using=using):
                assert record_newest(connection, UPDATED)
    assert postgres.versions() == [("001700000001000.001700000001022.msg_1",)]


if sys.version_info >= (3, 12):  # which brought the attribute

    def test_aiosqlites_autocommit_by_the_attribute_of_python_3_12_is_refused(sqlite):
        async def check():
            async with aiosqlite.connect(sqlite.target, autocommit=True) as connection:
                for target in (connection, await connection.cursor()):
                    with pytest.raises(RuntimeError, match="autocommit"):
                        await record_newest(target, CREATED)
            async with aiosqlite.connect(sqlite.target, autocommit=False) as connection:
                await connection.execute(CREATE_TABLE)
                assert await record_newest(connection, CREATED)

        asyncio.run(check())

    @pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"])
    def test_sqlalchemy_over_autocommit_by_the_attribute_of_python_3_12_is_refused(driver, sqlite):
        async def check():
            make = create_async_engine if driver == "aiosqlite" else sa.create_engine
            engine = make(sqlalchemy_url(sqlite.target, driver), connect_args={"autocommit": True})
            session = (AsyncSession if driver == "aiosqlite" else Session)(engine)
            with pytest.raises(RuntimeError, match="autocommit"):
                await settle(record_newest(session, CREATED))
            await settle(session.close())
            await settle(engine.dispose())

        asyncio.run(check())


# Factories, gathering, and objects that are not connections.


def nothing(*arguments, **columns):
    return None


class LoudCursor(psycopg.Cursor):
    """A cursor of an application: it has rows of its own."""

    def fetchall(self):
        return list(map(nothing, super().fetchall()))


class TextRecord(asyncpg.Record):
    def __getitem__(self, key):
        raise KeyError(key)


FACTORIES = [
    *(
        (opened, {"row_factory": factory})
        for opened in (psycopg_sync, psycopg_async)
        for factory in (
            psycopg.rows.dict_row,
            psycopg.rows.namedtuple_row,
            psycopg.rows.scalar_row,
            psycopg.rows.args_row(nothing),
            psycopg.rows.kwargs_row(nothing),
            psycopg.rows.class_row(dict),
        )
    ),
    (psycopg_sync, {"cursor_factory": psycopg.ClientCursor}),
    (psycopg_sync, {"cursor_factory": psycopg.RawCursor, "row_factory": psycopg.rows.kwargs_row(nothing)}),
    (psycopg_async, {"cursor_factory": psycopg.AsyncClientCursor}),
    (psycopg_async, {"cursor_factory": psycopg.AsyncRawCursor}),
    (psycopg2_sync, {"cursor_factory": psycopg2.extras.DictCursor}),
    (psycopg2_sync, {"cursor_factory": psycopg2.extras.RealDictCursor}),
    (psycopg2_sync, {"cursor_factory": psycopg2.extras.NamedTupleCursor}),
    (asyncpg_connection, {"record_class": TextRecord}),
    (sqlite3_sync, {"row_factory": nothing}),
    (aiosqlite_async, {"row_factory": nothing}),
]


@pytest.mark.parametrize(("opened", "options"), FACTORIES)
def test_row_and_cursor_factories_do_not_matter(opened, options, postgres, sqlite):
    database = sqlite if opened in {sqlite3_sync, aiosqlite_async} else postgres

    async def check():
        async with opened(database.target, **options) as (connection, *_):
            targets = [connection]
            if opened is not asyncpg_connection:  # which has no such cursors
                targets.append(await settle(connection.cursor()))
            for target, scope in zip(targets, ["", "of the cursor"], strict=False):
                assert await settle(record_newest(target, CREATED, scope)) is True
                assert await settle(record_newest(target, CREATED, scope)) is False
                assert await settle(record_once(target, CREATED, scope)) is True
                assert await settle(purge(target, 60)) == 0
                assert await settle(MIRROR.apply(target, DELETED)) == (not scope)
                assert await settle(MIRROR.ensure(target, "user", "user_1")) is False
                assert await settle(MIRROR.ensure(target, "user", "user_2")) is True
                assert await settle(MIRROR.unseen(target, "user", 2**40)) == ["user_2"]

    database.execute("DROP TABLE IF EXISTS clerk_users")
    for statement in (CREATE_TABLE, *MIRROR.create_tables):
        database.execute(statement)
    asyncio.run(check())


def test_cursors_of_the_callers_do_not_matter(postgres):
    postgres.execute(CREATE_TABLE)
    with psycopg.connect(postgres.target) as connection:
        with connection.cursor("on the server") as cursor:
            assert record_newest(cursor, CREATED)
        assert not record_newest(psycopg.RawCursor(connection), CREATED)
        connection.cursor_factory = LoudCursor
        assert record_newest(connection, UPDATED)


def test_the_proxies_of_tracing_tools_are_connections(postgres, sqlite, monkeypatch):
    postgres.execute(CREATE_TABLE)
    with closing(psycopg2.connect(postgres.target)) as connection:
        traced = Traced(connection)
        assert [record_newest(target, CREATED) for target in (traced, traced.cursor())] == [True, False]

    async def check():
        async with aiosqlite.connect(sqlite.target) as connection:
            assert await record_newest(connection, CREATED)

    sqlite.execute(CREATE_TABLE)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *path, **options: Traced(connect(*path, **options)))
    asyncio.run(check())


def test_psycopg_does_not_prepare_our_statements_because_of_poolers(postgres):
    postgres.execute(CREATE_TABLE)
    with psycopg.connect(postgres.target, prepare_threshold=0) as connection:
        for event in (CREATED, UPDATED, UPDATED, LATER):
            record_newest(connection, event)
            record_once(connection, event)
        prepared = connection.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False)
        assert prepared.fetchone() == (0,)


def test_an_answer_can_be_gathered(postgres):
    async def check():
        async with await psycopg.AsyncConnection.connect(postgres.target) as connection:
            assert await asyncio.gather(record_newest(connection, CREATED), record_once(connection, CREATED)) == [
                True,
                True,
            ]
            assert await asyncio.wait_for(record_newest(connection, CREATED), 5) is False

    postgres.execute(CREATE_TABLE)
    asyncio.run(check())


def test_other_objects_of_the_libraries_are_refused(postgres):
    engine = sa.create_engine(sqlalchemy_url(postgres.target, "psycopg"))
    async_engine = create_async_engine(sqlalchemy_url(postgres.target, "asyncpg"))
    pool = psycopg_pool.ConnectionPool(postgres.target, open=False)
    async_pool = psycopg_pool.AsyncConnectionPool(postgres.target, open=False)

    async def check():
        async with asyncpg.create_pool(postgres.target, min_size=1, max_size=1) as asyncpg_pool:
            pools = [
                engine,
                async_engine,
                sessionmaker(engine),
                pool,
                async_pool,
                asyncpg_pool,
                aiosqlite.context.Result(None),
            ]
            for wrong in (*pools, psycopg, psycopg.sql.SQL(""), psycopg2.sql.SQL(""), transaction.atomic()):
                with pytest.raises(TypeError, match="does not know"):
                    await settle(record_newest(wrong, CREATED))

    asyncio.run(check())
