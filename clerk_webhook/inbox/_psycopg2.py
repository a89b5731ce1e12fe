"""psycopg2's connections and cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._connections import PQTRANS_INTRANS, Execute, Rows, Value, refuse_autocommit, styled

if TYPE_CHECKING:
    from psycopg2 import extensions


def executor(connection: Any) -> Execute | None:
    """Return what executes over a connection, or over the connection of a cursor."""
    own: extensions.connection = getattr(connection, "connection", connection)
    if not hasattr(own, "info"):
        return None
    refuse_autocommit(
        on=own.autocommit and own.info.transaction_status < PQTRANS_INTRANS, cure="Set its autocommit to False."
    )
    # psycopg2's own cursor, whatever the caller's cursor_factory is: RealDictCursor makes dicts of rows.
    # Not type(), because a tracing tool may put a proxy around a cursor.
    plain = next(cls for cls in own.cursor().__class__.__mro__ if cls.__module__ == "psycopg2.extensions")

    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        with own.cursor(cursor_factory=plain) as cursor:
            cursor.execute(styled(sql, "format"), parameters)
            rows: Rows = cursor.fetchall() if parameters else ()
            return rows

    return execute
