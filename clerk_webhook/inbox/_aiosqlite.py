"""aiosqlite's connections and cursors: sqlite3's connection answers in the thread of aiosqlite's alone.

No public way leads there: `_execute` of a connection calls a function in its thread, and `_conn` is sqlite3's
connection. The `_conn` of a cursor is aiosqlite's connection.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from ._connections import Bridge


def bridge(connection: Any) -> Bridge | None:
    """Return what calls a function in the thread of a connection, or of the connection of a cursor."""
    if not hasattr(connection, "_execute"):
        return None
    return partial(in_thread, connection if hasattr(connection, "in_transaction") else connection._conn)  # noqa: SLF001


def in_thread(connection: Any, function: Callable[..., Any], *arguments: Any) -> Coroutine[Any, Any, Any]:
    """Call a function in the connection's thread, with sqlite3's connection and the arguments."""
    answer: Coroutine[Any, Any, Any] = connection._execute(function, connection._conn, *arguments)  # noqa: SLF001
    return answer
