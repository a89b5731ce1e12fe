"""Every kind of connection that the inbox knows, opened on a real database.

Each opener is an async context manager, so that sync and async connections share their tests. It takes a URL of
PostgreSQL or a path of SQLite, and gives the connection and how to commit and to roll back.
"""

import itertools
import sqlite3
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import aiosqlite
import asyncpg
import django
import psycopg
import psycopg2
import sqlalchemy as sa
from django.conf import settings
from django.db import connections, transaction
from django.utils.connection import ConnectionProxy
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

if not settings.configured:
    settings.configure(INSTALLED_APPS=["clerk_webhook.django"])
    django.setup()


class Opened(NamedTuple):
    connection: Any
    commit: Any
    rollback: Any


async def settle(answer):
    """Await what is awaitable."""
    return await answer if hasattr(answer, "__await__") else answer


class Again:
    """A transaction made of context managers: its end begins the next one."""

    def __init__(self, make):
        self.make = make
        self.current = make()

    async def enter(self):
        await settle(getattr(self.current, "__aenter__", getattr(self.current, "__enter__", None))())

    async def leave(self, *error):
        leave = getattr(self.current, "__aexit__", getattr(self.current, "__exit__", None))
        await settle(leave(*error or (None, None, None)))

    async def commit(self):
        await self.leave()
        self.current = self.make()
        await self.enter()

    async def rollback(self):
        error = ZeroDivisionError()
        with suppress(ZeroDivisionError):
            await self.leave(ZeroDivisionError, error, None)
        self.current = self.make()
        await self.enter()


def engine_options(autocommit):
    return {"isolation_level": "AUTOCOMMIT"} if autocommit else {}


def sqlalchemy_url(target, driver):
    if driver in {"pysqlite", "aiosqlite"}:
        return f"sqlite+{driver}:///{target}"
    return target.replace("postgresql", f"postgresql+{driver}")


@asynccontextmanager
async def sqlalchemy_sync(target, driver, layer, *, autocommit=False):
    engine = sa.create_engine(sqlalchemy_url(target, driver), **engine_options(autocommit))
    if layer == "Connection":
        with engine.connect() as connection:
            yield Opened(connection, connection.commit, connection.rollback)
    elif layer == "Session":
        with Session(engine) as session:
            yield Opened(session, session.commit, session.rollback)
    else:
        session = scoped_session(sessionmaker(engine))
        yield Opened(session, session.commit, session.rollback)
        session.remove()
    engine.dispose()


@asynccontextmanager
async def sqlalchemy_async(target, driver, layer, *, autocommit=False):
    engine = create_async_engine(sqlalchemy_url(target, driver), **engine_options(autocommit))
    if layer == "AsyncConnection":
        async with engine.connect() as connection:
            yield Opened(connection, connection.commit, connection.rollback)
    elif layer == "AsyncSession":
        async with AsyncSession(engine) as session:
            yield Opened(session, session.commit, session.rollback)
    else:
        session = async_scoped_session(async_sessionmaker(engine), scopefunc=lambda: "one")
        yield Opened(session, session.commit, session.rollback)
        await session.remove()
    await engine.dispose()


@asynccontextmanager
async def flask_sqlalchemy(target, *, autocommit=False):
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = sqlalchemy_url(target, "psycopg")
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(autocommit)
    database = SQLAlchemy(app)
    with app.app_context():
        yield Opened(database.session, database.session.commit, database.session.rollback)
        database.session.remove()
        database.engine.dispose()


@asynccontextmanager
async def psycopg_sync(target, *, cursor=False, autocommit=False, **options):
    with psycopg.connect(target, autocommit=autocommit, **options) as connection:
        yield Opened(connection.cursor() if cursor else connection, connection.commit, connection.rollback)


@asynccontextmanager
async def psycopg_async(target, *, cursor=False, autocommit=False, **options):
    async with await psycopg.AsyncConnection.connect(target, autocommit=autocommit, **options) as connection:
        yield Opened(connection.cursor() if cursor else connection, connection.commit, connection.rollback)


@asynccontextmanager
async def psycopg_transaction(target, *, cursor=False, asynchronous=False):
    """Give a connection that is in autocommit, inside `transaction()`."""
    async with (psycopg_async if asynchronous else psycopg_sync)(target, autocommit=True) as (connection, *_):
        block = Again(connection.transaction)
        await block.enter()
        yield Opened(connection.cursor() if cursor else connection, block.commit, block.rollback)
        await block.leave()


@asynccontextmanager
async def psycopg2_sync(target, *, cursor=False, autocommit=False, **options):
    with closing(psycopg2.connect(target, **options)) as connection:
        connection.autocommit = autocommit
        yield Opened(connection.cursor() if cursor else connection, connection.commit, connection.rollback)


@asynccontextmanager
async def asyncpg_connection(target, *, pooled=False, autocommit=False, **options):
    async with asyncpg.create_pool(target, min_size=1, max_size=1, **options) as pool:
        connection = await (pool.acquire() if pooled else asyncpg.connect(target, **options))
        if autocommit:
            yield Opened(connection, None, None)
        else:
            block = Again(connection.transaction)
            await block.enter()
            yield Opened(connection, block.commit, block.rollback)
            await block.leave()
        await (pool.release(connection) if pooled else connection.close())


@asynccontextmanager
async def sqlite3_sync(target, *, cursor=False, autocommit=False, row_factory=None):
    with closing(sqlite3.connect(target, isolation_level=None if autocommit else "")) as connection:
        connection.row_factory = row_factory
        yield Opened(connection.cursor() if cursor else connection, connection.commit, connection.rollback)


@asynccontextmanager
async def aiosqlite_async(target, *, cursor=False, autocommit=False, row_factory=None):
    async with aiosqlite.connect(target, isolation_level=None if autocommit else "") as connection:
        connection.row_factory = row_factory
        yield Opened(await connection.cursor() if cursor else connection, connection.commit, connection.rollback)


aliases = (f"test_{number}" for number in itertools.count())


@contextmanager
def django_connection(target):
    """Give what `django.db.connection` is, on another database, in autocommit."""
    name = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(target)}
    if isinstance(target, str):
        url = sa.make_url(target)
        name = {"ENGINE": "django.db.backends.postgresql", "NAME": url.database}
        name |= {"HOST": url.host, "PORT": url.port, "USER": url.username, "PASSWORD": url.password or ""}
    alias = next(aliases)
    connections.settings[alias] = connections.configure_settings({"default": {}, alias: name})[alias]
    with closing(ConnectionProxy(connections, alias)) as connection:
        yield connection


@asynccontextmanager
async def django_wrapper(target, *, cursor=False, autocommit=False):
    with django_connection(target) as connection:
        block = Again(partial(transaction.atomic, using=connection.alias))
        if not autocommit:
            await block.enter()
        yield Opened(connection.cursor() if cursor else connection, block.commit, block.rollback)
        if not autocommit:
            await block.leave()


POSTGRES = {
    **{
        f"SQLAlchemy {layer}, {driver}": partial(sqlalchemy_sync, driver=driver, layer=layer)
        for layer, driver in itertools.product(["Session", "scoped_session", "Connection"], ["psycopg", "psycopg2"])
    },
    **{
        f"SQLAlchemy {layer}, {driver}": partial(sqlalchemy_async, driver=driver, layer=layer)
        for layer, driver in itertools.product(
            ["AsyncSession", "async_scoped_session", "AsyncConnection"], ["psycopg", "asyncpg"]
        )
    },
    "Flask-SQLAlchemy": flask_sqlalchemy,
    "psycopg connection": psycopg_sync,
    "psycopg cursor": partial(psycopg_sync, cursor=True),
    "psycopg async connection": psycopg_async,
    "psycopg async cursor": partial(psycopg_async, cursor=True),
    "psycopg2 connection": psycopg2_sync,
    "psycopg2 cursor": partial(psycopg2_sync, cursor=True),
    "asyncpg connection": asyncpg_connection,
    "asyncpg pooled connection": partial(asyncpg_connection, pooled=True),
    "Django connection on PostgreSQL": django_wrapper,
    "Django cursor on PostgreSQL": partial(django_wrapper, cursor=True),
}
SQLITE = {
    **{
        f"SQLAlchemy {layer}, pysqlite": partial(sqlalchemy_sync, driver="pysqlite", layer=layer)
        for layer in ("Session", "scoped_session", "Connection")
    },
    **{
        f"SQLAlchemy {layer}, aiosqlite": partial(sqlalchemy_async, driver="aiosqlite", layer=layer)
        for layer in ("AsyncSession", "async_scoped_session", "AsyncConnection")
    },
    "sqlite3 connection": sqlite3_sync,
    "sqlite3 cursor": partial(sqlite3_sync, cursor=True),
    "aiosqlite connection": aiosqlite_async,
    "aiosqlite cursor": partial(aiosqlite_async, cursor=True),
    "Django connection on SQLite": django_wrapper,
    "Django cursor on SQLite": partial(django_wrapper, cursor=True),
}
KINDS = POSTGRES | SQLITE
# These need no autocommit of their own: they are in it already.
IN_TRANSACTION = {
    "psycopg connection in transaction()": psycopg_transaction,
    "psycopg cursor in transaction()": partial(psycopg_transaction, cursor=True),
    "psycopg async connection in transaction()": partial(psycopg_transaction, asynchronous=True),
    "psycopg async cursor in transaction()": partial(psycopg_transaction, asynchronous=True, cursor=True),
}
