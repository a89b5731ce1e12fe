"""psycopg 3's connections and cursors, sync and async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from ._connections import (
    PQTRANS_INTRANS,
    Paramstyle,
    Program,
    Rows,
    Value,
    drive,
    drive_async,
    refuse_autocommit,
    styled,
    unknown_connection,
)

T = TypeVar("T")


class Info(Protocol):
    """What libpq knows of a connection."""

    @property
    def transaction_status(self) -> int: ...


class Cursor(Protocol):
    """A cursor."""

    def execute(self, query: str, params: Sequence[Value], *, prepare: bool) -> object: ...
    def fetchall(self) -> Rows: ...


class AsyncCursor(Protocol):
    """An async cursor."""

    async def execute(self, query: str, params: Sequence[Value], *, prepare: bool) -> object: ...
    async def fetchall(self) -> Rows: ...


class Connection(Protocol):
    """A connection of either kind. A cursor has one as `connection`."""

    autocommit: bool
    info: Info
    cursor: Callable[..., Any]


def run(connection: Any, program: Program[T]) -> T | Coroutine[Any, Any, T]:
    """Run a program over a connection, or over the connection of a cursor."""
    own: Connection = getattr(connection, "connection", connection)
    if not hasattr(own, "info"):
        raise unknown_connection(connection)
    refuse_autocommit(
        on=own.autocommit and own.info.transaction_status < PQTRANS_INTRANS,
        cure="Set its autocommit to False, or use psycopg 3's transaction().",
    )
    # A cursor of our own, because a row factory of the caller's may make anything of a row, None included.
    cursor = own.cursor(row_factory=_tuples)
    paramstyle = _paramstyle(cursor.__class__)
    if hasattr(cursor, "__aenter__"):
        return drive_async(program, _executing_async(cursor, paramstyle))
    return drive(program, _executing(cursor, paramstyle))


# Not prepared, because a pooler in transaction mode gives the next transaction another session of the server:
# https://www.psycopg.org/psycopg3/docs/advanced/prepare.html#using-prepared-statements-with-pgbouncer


def _executing(cursor: Cursor, paramstyle: Paramstyle) -> Callable[[str, Sequence[Value]], Rows]:
    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        cursor.execute(styled(sql, paramstyle), parameters, prepare=False)
        return cursor.fetchall()

    return execute


def _executing_async(cursor: AsyncCursor, paramstyle: Paramstyle) -> Callable[[str, Sequence[Value]], Awaitable[Rows]]:
    async def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        await cursor.execute(styled(sql, paramstyle), parameters, prepare=False)
        return await cursor.fetchall()

    return execute


@lru_cache
def _paramstyle(kind: type[Any]) -> Paramstyle:
    is_raw = any(cls.__name__ in {"RawCursor", "AsyncRawCursor"} for cls in kind.__mro__)
    return "numeric_dollar" if is_raw else "format"


def _tuples(_cursor: object) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    return tuple
