"""Django's connections and their cursors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from ._connections import (
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

T = TypeVar("T")


class Cursor(Protocol):
    """A cursor, which wraps the driver's. It has its connection as `db`."""

    def execute(self, sql: str, params: Sequence[Value]) -> object: ...
    def fetchall(self) -> Rows: ...


class Connection(Protocol):
    """`django.db.connection`, or one of `django.db.connections`."""

    vendor: str
    display_name: str

    def get_autocommit(self) -> bool: ...
    def cursor(self) -> AbstractContextManager[Cursor]: ...


def run(connection: Any, program: Program[T]) -> T:
    """Run a program over a connection, or over the connection of a cursor."""
    own: Connection = getattr(connection, "db", connection)
    if not hasattr(own, "get_autocommit"):
        raise unknown_connection(connection)
    check_vendor(own)
    refuse_autocommit(on=own.get_autocommit(), cure="Use transaction.atomic().")

    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        with own.cursor() as cursor:
            cursor.execute(styled(for_sqlite(sql) if own.vendor == "sqlite" else sql, "format"), parameters)
            return cursor.fetchall()

    return drive(program, execute)


def check_vendor(connection: Any) -> None:
    """Raise `RuntimeError` if a connection is to another database than PostgreSQL and SQLite."""
    if connection.vendor not in {"postgresql", "sqlite"}:
        raise other_database(connection.display_name)
