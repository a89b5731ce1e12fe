"""SQLAlchemy's sessions and connections, sync and async, scoped or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _aiosqlite
from ._connections import Bridge, Execute, Rows, Value, for_sqlite, other_database, refuse_autocommit, styled

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CURE = 'Use an engine without isolation_level="AUTOCOMMIT".'
_NAMES = {"mssql": "SQL Server", "mysql": "MySQL", "oracle": "Oracle"}


def bridge(connection: Any) -> Bridge | None:
    """Return what calls a function with the sync session or connection inside of an async one."""
    own: Any = connection() if hasattr(connection, "session_factory") else connection  # of async_scoped_session
    return getattr(own, "run_sync", None)


def executor(connection: Any) -> Execute | None:
    """Return what executes over a sync session or connection."""
    own: Connection = _connection_of(connection) if hasattr(connection, "get_bind") else connection
    if not hasattr(own, "exec_driver_sql"):
        return None
    name = own.dialect.name
    if name not in {"postgresql", "sqlite"}:
        raise other_database("MariaDB" if getattr(own.dialect, "is_mariadb", False) else _NAMES.get(name, name))
    if not own.in_transaction():
        own.begin()  # as any statement would: a listener of this event may be what sends BEGIN to SQLite
    begin, style = "", for_sqlite
    if name == "sqlite":
        begin = _check_sqlite(own)
    else:
        pooled: Any = own.connection  # whose driver may have any attributes
        refuse_autocommit(on=pooled.dbapi_connection.autocommit is True, cure=_CURE)
        style = partial(styled, paramstyle="numeric_dollar" if own.dialect.driver == "asyncpg" else "format")

    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        if begin and sql.startswith("SAVEPOINT"):
            own.exec_driver_sql(begin)
        result = own.exec_driver_sql(style(sql), tuple(parameters))
        return result.fetchall() if parameters else ()

    return execute


def _connection_of(session: Any) -> Any:
    from sqlalchemy.exc import UnboundExecutionError  # noqa: PLC0415  # it is there if a session is

    try:
        return session.connection()
    except UnboundExecutionError:
        raise RuntimeError(
            "The session has a database for each class, and none for the inbox: sessionmaker(bind=engine, binds={...})."
        ) from None


def _check_sqlite(connection: Connection) -> str:
    """Return the statement that has to come before a savepoint, if one has to."""
    from ._sqlite3 import autocommits, beginning, begins_always  # noqa: PLC0415  # a Python may lack SQLite

    def check(raw: Any) -> tuple[bool, bool, str]:
        return autocommits(raw), begins_always(raw), beginning(raw)

    # `driver_connection` is the driver's always, `dbapi_connection` can be an adapter of an async one.
    pooled: Any = connection.connection
    begin: str
    if connection.dialect.is_async:
        in_autocommit, is_begun, begin = pooled.dbapi_connection.run_async(
            partial(_aiosqlite.in_thread, function=check)
        )
    else:
        in_autocommit, is_begun, begin = check(pooled.driver_connection)
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
    return begin
