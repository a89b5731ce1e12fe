"""SQLAlchemy's sessions and connections, sync and async, scoped or not."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from . import _aiosqlite
from ._connections import (
    Paramstyle,
    Program,
    Rows,
    Value,
    drive,
    for_sqlite,
    other_database,
    refuse_autocommit,
    styled,
    unknown_connection,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

T = TypeVar("T")

_CURE = 'Use an engine without isolation_level="AUTOCOMMIT".'
_NAMES = {"mssql": "SQL Server", "mysql": "MySQL", "oracle": "Oracle"}


def run(connection: Any, program: Program[T]) -> T | Coroutine[Any, Any, T]:
    """Run a program over a session or connection."""
    if hasattr(connection, "session_factory"):  # scoped_session and async_scoped_session
        connection = connection()
    if hasattr(connection, "run_sync"):  # AsyncSession and AsyncConnection
        asynchronous: AsyncConnection | AsyncSession = connection
        return asynchronous.run_sync(_run, program)
    return _run(connection, program)


def _run(connection: Any, program: Program[T]) -> T:
    if hasattr(connection, "get_bind"):  # Session
        connection = connection.connection()
    if not hasattr(connection, "exec_driver_sql"):
        raise unknown_connection(connection)
    own: Connection = connection
    name = own.dialect.name
    if name not in {"postgresql", "sqlite"}:
        raise other_database("MariaDB" if getattr(own.dialect, "is_mariadb", False) else _NAMES.get(name, name))
    if not own.in_transaction():
        own.begin()  # as any statement would: a listener of this event may be what sends BEGIN to SQLite
    if name == "sqlite":
        _check_sqlite(own)
        return drive(program, lambda sql, parameters: _execute(own, for_sqlite(sql), parameters))
    pooled: Any = own.connection  # whose driver may have any attributes
    refuse_autocommit(on=pooled.dbapi_connection.autocommit is True, cure=_CURE)
    paramstyle: Paramstyle = "numeric_dollar" if own.dialect.driver == "asyncpg" else "format"
    return drive(program, lambda sql, parameters: _execute(own, styled(sql, paramstyle), parameters))


def _execute(connection: Connection, sql: str, parameters: Sequence[Value]) -> Rows:
    return connection.exec_driver_sql(sql, tuple(parameters)).fetchall()


def _check_sqlite(connection: Connection) -> None:
    from ._sqlite3 import autocommits, begins_always  # noqa: PLC0415  # a Python may lack SQLite

    def check(raw: Any) -> tuple[bool, bool]:
        return autocommits(raw), begins_always(raw)

    # `driver_connection` is the driver's always, `dbapi_connection` can be an adapter of an async one.
    pooled: Any = connection.connection
    if connection.dialect.is_async:
        in_autocommit, is_begun = pooled.dbapi_connection.run_async(partial(_aiosqlite.in_thread, function=check))
    else:
        in_autocommit, is_begun = check(pooled.driver_connection)
    refuse_autocommit(on=in_autocommit, cure=_CURE)
    # sqlite3 sends no BEGIN before a SAVEPOINT, so its RELEASE commits. A listener of "begin" is what sends BEGIN:
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html
    listeners: Any = connection.dispatch
    if connection.in_nested_transaction() and not is_begun and not listeners.begin:
        raise RuntimeError(
            "sqlite3 sends no BEGIN before the SAVEPOINT of begin_nested(), so the end of the savepoint commits, and a "
            'message whose effect fails after it would be lost. Send BEGIN by a listener of the engine\'s "begin" '
            'event, or connect with connect_args={"autocommit": False} on Python 3.12 or newer.'
        )
