"""aiosqlite's connections and cursors: the program runs in the connection's own thread.

Only there sqlite3 answers, and no public way leads there: `_execute` of a connection calls a function in its thread,
and `_conn` is sqlite3's connection. The `_conn` of a cursor is aiosqlite's connection.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ._connections import Program, unknown_connection

T = TypeVar("T")


def run(connection: Any, program: Program[T]) -> Coroutine[Any, Any, T]:
    """Run a program over a connection, or over the connection of a cursor."""
    from . import _sqlite3  # noqa: PLC0415  # a Python may lack SQLite, and _sqlalchemy.py needs this module there

    if not hasattr(connection, "_execute"):
        raise unknown_connection(connection)
    own = connection if hasattr(connection, "in_transaction") else connection._conn  # noqa: SLF001
    return in_thread(own, _sqlite3.run, program)


def in_thread(connection: Any, function: Callable[..., T], *arguments: Any) -> Coroutine[Any, Any, T]:
    """Call a function in the connection's thread, with sqlite3's connection and the arguments."""
    answer: Coroutine[Any, Any, T] = connection._execute(function, connection._conn, *arguments)  # noqa: SLF001
    return answer
