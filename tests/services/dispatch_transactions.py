"""Every way to begin a transaction for `Handlers`, on real databases, and a small application on it.

Each opener is an async context manager that takes a URL of PostgreSQL or a path of SQLite, and gives the function that
begins a transaction.
"""

import re
import sqlite3
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path

import asyncpg
import psycopg
import psycopg_pool
import pytest
import sqlalchemy as sa
from django.db import transaction
from inbox_connections import django_connection, sqlalchemy_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from clerk_webhook import WebhookEvent, events
from clerk_webhook.handlers import Handlers
from clerk_webhook.inbox import CREATE_TABLE, sqlite_transactions

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "inbox.md"


def of_the_page(name, text="", instead="", **names):
    """Return a function of docs/how-to/inbox.md, with another text in place of one."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (block,) = (block for block in blocks if f"async def {name}" in block)
    names["asynccontextmanager"] = asynccontextmanager
    exec(block.replace(text, instead), names)
    return names[name]


TABLES = (
    CREATE_TABLE,
    "CREATE TABLE IF NOT EXISTS users (id text PRIMARY KEY, name text)",
    "CREATE TABLE IF NOT EXISTS mails (message_id text)",
)


@asynccontextmanager
async def sqlalchemy_sync(target, driver, *, sessions):
    engine = sa.create_engine(sqlalchemy_url(target, driver))
    yield sessionmaker(engine).begin if sessions else engine.begin
    engine.dispose()


@asynccontextmanager
async def sqlalchemy_async(target, driver, *, sessions):
    engine = create_async_engine(sqlalchemy_url(target, driver))
    yield async_sessionmaker(engine).begin if sessions else engine.begin
    await engine.dispose()


@asynccontextmanager
async def psycopg_pooled(target):
    with psycopg_pool.ConnectionPool(target, min_size=1) as pool:
        yield pool.connection


@asynccontextmanager
async def psycopg_async_pooled(target):
    async with psycopg_pool.AsyncConnectionPool(target, min_size=1) as pool:
        yield pool.connection


@asynccontextmanager
async def psycopg_alone(target):
    yield partial(psycopg.connect, target)


@asynccontextmanager
async def asyncpg_pooled(target):
    async with asyncpg.create_pool(target, min_size=1) as pool:
        yield of_the_page("asyncpg_transaction", pool=pool)


@asynccontextmanager
async def sqlite_alone(target):
    yield sqlite_transactions(target)


@asynccontextmanager
async def aiosqlite_alone(target):
    yield of_the_page("aiosqlite_transaction", "app.db", str(target))


@asynccontextmanager
async def django_atomic(target):
    """Open a connection for this thread, in which an event loop runs: Django would refuse that."""
    with pytest.MonkeyPatch.context() as monkeypatch, django_connection(target) as connection:
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

        @contextmanager
        def begin():
            with transaction.atomic(using=connection.alias):
                yield connection

        yield begin


SYNC_POSTGRES = {
    "SQLAlchemy Session.begin, psycopg": partial(sqlalchemy_sync, driver="psycopg", sessions=True),
    "SQLAlchemy Session.begin, psycopg2": partial(sqlalchemy_sync, driver="psycopg2", sessions=True),
    "SQLAlchemy engine.begin, psycopg": partial(sqlalchemy_sync, driver="psycopg", sessions=False),
    "psycopg pool": psycopg_pooled,
    "psycopg.connect": psycopg_alone,
    "Django on PostgreSQL": django_atomic,
}
ASYNC_POSTGRES = {
    "SQLAlchemy async Session.begin, asyncpg": partial(sqlalchemy_async, driver="asyncpg", sessions=True),
    "SQLAlchemy async Session.begin, psycopg": partial(sqlalchemy_async, driver="psycopg", sessions=True),
    "SQLAlchemy async engine.begin, asyncpg": partial(sqlalchemy_async, driver="asyncpg", sessions=False),
    "psycopg async pool": psycopg_async_pooled,
    "asyncpg pool": asyncpg_pooled,
}
SYNC_SQLITE = {
    "SQLAlchemy Session.begin, pysqlite": partial(sqlalchemy_sync, driver="pysqlite", sessions=True),
    "SQLAlchemy engine.begin, pysqlite": partial(sqlalchemy_sync, driver="pysqlite", sessions=False),
    "sqlite3": sqlite_alone,
    "Django on SQLite": django_atomic,
}
ASYNC_SQLITE = {
    "SQLAlchemy async Session.begin, aiosqlite": partial(sqlalchemy_async, driver="aiosqlite", sessions=True),
    "aiosqlite": aiosqlite_alone,
}
SYNC = SYNC_POSTGRES | SYNC_SQLITE
ASYNC = ASYNC_POSTGRES | ASYNC_SQLITE
POSTGRES = SYNC_POSTGRES | ASYNC_POSTGRES
KINDS = SYNC | ASYNC


def execute(connection, sql):
    """Execute a statement over a connection of any kind. Over an async one, return what is to be awaited."""
    if hasattr(connection, "get_bind") or hasattr(connection, "exec_driver_sql"):  # of SQLAlchemy
        return connection.execute(sa.text(sql))
    if hasattr(connection, "alias"):  # of Django
        with connection.cursor() as cursor:
            return cursor.execute(sql)
    return connection.execute(sql)


class Tables:
    """The tables of the application, seen from outside, empty at first."""

    def __init__(self, target):
        self.target = target
        with self.connection() as connection:
            if isinstance(target, str):  # what is committed outlives a process, and need not outlive the machine
                name = connection.info.dbname
                connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
            for statement in TABLES:
                connection.execute(statement)
            for table in ("clerk_webhook_inbox", "users", "mails"):
                connection.execute(f"DELETE FROM {table}")

    @contextmanager
    def connection(self):
        if isinstance(self.target, str):
            with psycopg.connect(self.target) as connection:
                yield connection
        else:
            with closing(sqlite3.connect(self.target, timeout=60)) as connection, connection:
                yield connection

    def rows(self, sql):
        with self.connection() as connection:
            return connection.execute(sql).fetchall()

    def users(self):
        return dict(self.rows("SELECT id, name FROM users"))

    def mails(self):
        return [message_id for (message_id,) in self.rows("SELECT message_id FROM mails")]


def save(event):
    name, user_id = event.data["first_name"], event.data["id"]
    return f"INSERT INTO users VALUES ('{user_id}', '{name}') ON CONFLICT (id) DO UPDATE SET name = excluded.name"


def forget(event):
    return f"DELETE FROM users WHERE id = '{event.data['id']}'"


def mail(event):
    return f"INSERT INTO mails VALUES ('{event.message_id}')"


def application(begin, reach, *, is_async):
    """Return the handlers of an application. They call `reach` before and after each effect, which may raise."""
    handlers = Handlers(transaction=begin)

    @handlers.on if not is_async else id
    def before(event: WebhookEvent):
        reach("start", event)

    for register, annotation, effect in (
        (handlers.newest, events.UserCreated | events.UserUpdated, save),
        (handlers.once, WebhookEvent, mail),
        (handlers.newest, events.UserDeleted, forget),
    ):

        def handler(event, connection, effect=effect):
            reach(f"before {effect.__name__}", event)
            execute(connection, effect(event))
            reach(f"after {effect.__name__}", event)

        async def async_handler(event, connection, effect=effect):
            reach(f"before {effect.__name__}", event)
            await execute(connection, effect(event))
            reach(f"after {effect.__name__}", event)

        function = async_handler if is_async else handler
        function.__annotations__ = {"event": annotation}
        register(function)
    return handlers


POINTS = ("before save", "after save", "before mail", "after mail", "before forget", "after forget")
