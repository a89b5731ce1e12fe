"""The inbox for type checkers: they must infer `bool` over sync connections, and an awaitable over async ones.

Never run: mypy, pyright, ty and pyrefly read it.
"""

import sqlite3
from datetime import timedelta
from typing import Any, assert_type

import aiosqlite
import asyncpg
import psycopg
import psycopg2.extensions
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session

from clerk_webhook import WebhookEvent, events
from clerk_webhook.inbox import (
    CREATE_TABLE,
    AwaitableBool,
    Version,
    purge,
    record_newest,
    record_once,
    sqlite_transactions,
)


class DjangoConnection:
    """`django.db.connection`, as a type checker without stubs of Django sees it."""

    def __contains__(self, key: object) -> bool:
        raise NotImplementedError

    def __getattr__(self, item: str) -> Any: ...


class DjangoCursor:
    """The result of its `cursor()`, as a type checker with stubs sees it."""

    db: Any

    def __getattr__(self, attr: str) -> Any: ...


class AsyncpgPooled:
    """The connection of a pool, as a type checker without stubs of asyncpg sees it."""

    def _detach(self) -> None: ...


def sync(
    event: WebhookEvent,
    session: Session,
    scoped: scoped_session[Session],
    connection: Connection,
    psycopg_connection: psycopg.Connection[tuple[Any, ...]],
    psycopg_cursor: psycopg.Cursor[dict[str, Any]],
    psycopg2_connection: psycopg2.extensions.connection,
    psycopg2_cursor: psycopg2.extensions.cursor,
    sqlite3_connection: sqlite3.Connection,
    sqlite3_cursor: sqlite3.Cursor,
    django_connection: DjangoConnection,
    django_cursor: DjangoCursor,
) -> None:
    assert_type(record_newest(session, event), bool)
    assert_type(record_newest(scoped, event), bool)
    assert_type(record_newest(connection, event), bool)
    assert_type(record_newest(psycopg_connection, event), bool)
    assert_type(record_newest(psycopg_cursor, event), bool)
    assert_type(record_newest(psycopg2_connection, event), bool)
    assert_type(record_newest(psycopg2_cursor, event), bool)
    assert_type(record_newest(sqlite3_connection, event), bool)
    assert_type(record_newest(sqlite3_cursor, event), bool)
    assert_type(record_newest(django_connection, event), bool)
    assert_type(record_newest(django_cursor, event), bool)
    assert_type(record_once(session, event), bool)
    assert_type(record_once(django_connection, event), bool)


async def asynchronous(
    event: WebhookEvent,
    session: AsyncSession,
    scoped: async_scoped_session[AsyncSession],
    connection: AsyncConnection,
    psycopg_connection: psycopg.AsyncConnection[tuple[Any, ...]],
    psycopg_cursor: psycopg.AsyncCursor[dict[str, Any]],
    asyncpg_connection: asyncpg.Connection[asyncpg.Record],
    asyncpg_pooled: PoolConnectionProxy[asyncpg.Record],
    without_stubs: AsyncpgPooled,
    aiosqlite_connection: aiosqlite.Connection,
    aiosqlite_cursor: aiosqlite.Cursor,
) -> None:
    assert_type(record_newest(session, event), AwaitableBool)
    assert_type(record_newest(scoped, event), AwaitableBool)
    assert_type(record_newest(connection, event), AwaitableBool)
    assert_type(record_newest(psycopg_connection, event), AwaitableBool)
    assert_type(record_newest(psycopg_cursor, event), AwaitableBool)
    assert_type(record_newest(asyncpg_connection, event), AwaitableBool)
    assert_type(record_newest(asyncpg_pooled, event), AwaitableBool)
    assert_type(record_newest(without_stubs, event), AwaitableBool)
    assert_type(record_newest(aiosqlite_connection, event), AwaitableBool)
    assert_type(record_newest(aiosqlite_cursor, event), AwaitableBool)
    assert_type(await record_newest(session, event), bool)
    assert_type(await record_once(session, event, "mailing"), bool)
    assert_type(await purge(asyncpg_pooled, 90 * 86400), int)


def events_and_versions(connection: Connection, created: events.UserCreated, unknown: events.UnknownEvent) -> None:
    assert_type(record_newest(connection, created), bool)
    assert_type(record_newest(connection, unknown, scope="mailing"), bool)
    assert_type(record_newest(connection, Version("user", "user_1", 1_700_000_000_000)), bool)
    assert_type(record_once(connection, "msg_1", scope="mailing"), bool)
    assert_type(Version.of(created).statement(), tuple[str, tuple[str, str, str, int]])
    assert_type(Version.of(unknown).statement("numeric_dollar", "mailing"), tuple[str, tuple[str, str, str, int]])
    with sqlite_transactions("app.db")() as sqlite:
        assert_type(sqlite, sqlite3.Connection)
        assert_type(purge(sqlite, timedelta(days=90)), int)
    text: str = CREATE_TABLE
    print(text)
