"""sqlite3's connections and cursors."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ._connections import Execute, Rows, Value, for_sqlite, refuse_autocommit


def executor(connection: object) -> Execute | None:
    """Return what executes over a connection, or over the connection of a cursor."""
    raw = connection.connection if isinstance(connection, sqlite3.Cursor) else connection
    if not isinstance(raw, sqlite3.Connection):
        return None
    raw = raw.cursor().connection  # a cursor knows sqlite3's own connection, also behind the proxy of a tracing tool
    refuse_autocommit(on=autocommits(raw), cure='Execute "BEGIN IMMEDIATE" first.')
    begin = beginning(raw)

    def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        # A plain cursor and plain text, because a factory of the caller's may make anything of a row.
        text_factory, raw.text_factory = raw.text_factory, str
        try:
            if begin and sql.startswith("SAVEPOINT"):
                raw.execute(begin)
            return sqlite3.Cursor(raw).execute(for_sqlite(sql), parameters).fetchall()
        finally:
            raw.text_factory = text_factory

    return execute


def autocommits(raw: sqlite3.Connection) -> bool:
    """Return whether the next statement would commit by itself."""
    # Python 3.12 added `autocommit`: True, False, or the old way by `isolation_level`, which is -1.
    return not raw.in_transaction and (raw.isolation_level is None or getattr(raw, "autocommit", -1) is True)


def beginning(raw: sqlite3.Connection) -> str:
    """Return what sqlite3 sends before an INSERT, and not before a SAVEPOINT, whose RELEASE would commit then."""
    return "" if raw.in_transaction else f"BEGIN {raw.isolation_level or ''}"


def begins_always(raw: sqlite3.Connection) -> bool:
    """Return whether a transaction is always open, as PEP 249 wants it: by `autocommit=False`, from Python 3.12 on."""
    return getattr(raw, "autocommit", -1) is False
