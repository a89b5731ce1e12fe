"""psycopg 3's connections and cursors, sync and async."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ._connections import PQTRANS_INTRANS, Execute, ExecuteAsync, Paramstyle, Rows, Value, refuse_autocommit, styled

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection


def executor(connection: Any) -> Execute | ExecuteAsync | None:
    """Return what executes over a connection, or over the connection of a cursor."""
    own: Connection[Any] | AsyncConnection[Any] = getattr(connection, "connection", connection)
    if not hasattr(own, "info"):
        return None
    refuse_autocommit(
        on=own.autocommit and own.info.transaction_status < PQTRANS_INTRANS,
        cure="Set its autocommit to False, or use psycopg 3's transaction().",
    )
    # A cursor of our own, because a row factory of the caller's may make anything of a row, None included.
    cursor: Any = own.cursor(row_factory=_tuples)
    paramstyle = _paramstyle(cursor.__class__)

    # Not prepared, because a pooler in transaction mode gives the next transaction another session of the server:
    # https://www.psycopg.org/psycopg3/docs/advanced/prepare.html#using-prepared-statements-with-pgbouncer

    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        cursor.execute(styled(sql, paramstyle), parameters, prepare=False)
        rows: Rows = cursor.fetchall() if parameters else ()
        return rows

    async def execute_async(sql: str, parameters: Sequence[Value]) -> Rows:
        await cursor.execute(styled(sql, paramstyle), parameters, prepare=False)
        rows: Rows = await cursor.fetchall() if parameters else ()
        return rows

    return execute_async if hasattr(cursor, "__aenter__") else execute


@lru_cache
def _paramstyle(kind: type[Any]) -> Paramstyle:
    is_raw = any(cls.__name__ in {"RawCursor", "AsyncRawCursor"} for cls in kind.__mro__)
    return "numeric_dollar" if is_raw else "format"


def _tuples(_cursor: object) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    return tuple
