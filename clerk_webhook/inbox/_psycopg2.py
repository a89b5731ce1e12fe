"""psycopg2's connections and cursors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from ._connections import PQTRANS_INTRANS, Program, Rows, Value, drive, refuse_autocommit, styled, unknown_connection

T = TypeVar("T")


class Info(Protocol):
    """What libpq knows of a connection."""

    @property
    def transaction_status(self) -> int: ...


class Cursor(Protocol):
    """A cursor. It has its connection as `connection`."""

    def execute(self, query: str, vars: Sequence[Value]) -> object: ...  # noqa: A002  # its name there
    def fetchall(self) -> Rows: ...


class Connection(Protocol):
    """A connection."""

    autocommit: bool
    info: Info

    def cursor(self, *, cursor_factory: object = None) -> AbstractContextManager[Cursor]: ...


def run(connection: Any, program: Program[T]) -> T:
    """Run a program over a connection, or over the connection of a cursor."""
    own: Connection = getattr(connection, "connection", connection)
    if not hasattr(own, "info"):
        raise unknown_connection(connection)
    refuse_autocommit(
        on=own.autocommit and own.info.transaction_status < PQTRANS_INTRANS, cure="Set its autocommit to False."
    )
    # psycopg2's own cursor, whatever the caller's cursor_factory is: RealDictCursor makes dicts of rows.
    plain = next(cls for cls in type(own.cursor()).__mro__ if cls.__module__ == "psycopg2.extensions")

    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        with own.cursor(cursor_factory=plain) as cursor:
            cursor.execute(styled(sql, "format"), parameters)
            return cursor.fetchall()

    return drive(program, execute)
