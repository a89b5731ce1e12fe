"""aiosqlite's connections and cursors: statements run in the connection's own thread.

Only there sqlite3 answers, and no public way leads there: `_execute` of a connection calls a function in its thread,
and `_conn` is sqlite3's connection. The `_conn` of a cursor is aiosqlite's connection.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ._connections import ExecuteAsync, Rows, Value

T = TypeVar("T")


def executor(connection: Any) -> ExecuteAsync | None:
    """Return what executes over a connection, or over the connection of a cursor."""
    from . import _sqlite3  # noqa: PLC0415  # a Python may lack SQLite, and _sqlalchemy.py needs this module there

    if not hasattr(connection, "_execute"):
        return None
    own = connection if hasattr(connection, "in_transaction") else connection._conn  # noqa: SLF001

    async def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        return await in_thread(own, lambda raw: _sqlite3.executor_of(raw)(sql, parameters))

    return execute


def in_thread(connection: Any, function: Callable[[Any], T]) -> Coroutine[Any, Any, T]:
    """Call a function in the connection's thread, with sqlite3's connection."""
    answer: Coroutine[Any, Any, T] = connection._execute(function, connection._conn)  # noqa: SLF001
    return answer
