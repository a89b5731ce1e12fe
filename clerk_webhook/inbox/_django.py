"""Django's connections and their cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._connections import Execute, Rows, Value, for_sqlite, other_database, refuse_autocommit, styled

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def executor(connection: Any) -> Execute | None:
    """Return what executes over a connection, or over the connection of a cursor."""
    own: BaseDatabaseWrapper = getattr(connection, "db", connection)
    if not hasattr(own, "get_autocommit"):
        return None
    check_vendor(own)
    refuse_autocommit(on=own.get_autocommit(), cure="Use transaction.atomic().")

    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        with own.cursor() as cursor:
            cursor.execute(styled(for_sqlite(sql) if own.vendor == "sqlite" else sql, "format"), parameters)
            rows: Rows = cursor.fetchall() if parameters else ()
            return rows

    return execute


def check_vendor(connection: Any) -> None:
    """Raise `RuntimeError` if a connection is to another database than PostgreSQL and SQLite."""
    if connection.vendor not in {"postgresql", "sqlite"}:
        raise other_database(connection.display_name)
