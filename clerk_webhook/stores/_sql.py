"""The steps of a store in SQL, which SQLite and PostgreSQL have in common but for the clock and the placeholder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, ClassVar, Final, LiteralString, Protocol, TypeAlias

from ._durations import in_seconds
from .protocol import Claim

# `expires_at` is in seconds since the epoch, by the database's clock. A message that is done has no owner.
CREATE_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS clerk_webhook_claims (
    message_id text PRIMARY KEY NOT NULL,
    owner text,
    expires_at double precision NOT NULL
)"""
_CLAIM: Final = """\
INSERT INTO clerk_webhook_claims AS known (message_id, owner, expires_at)
VALUES ({mark}, {mark}, {now} + {mark})
ON CONFLICT (message_id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE known.expires_at <= {now}
RETURNING message_id"""
_IS_DONE: Final = "SELECT message_id FROM clerk_webhook_claims WHERE message_id = {mark} AND owner IS NULL"
_IS_KNOWN: Final = "SELECT message_id FROM clerk_webhook_claims WHERE message_id = {mark}"
_COMPLETE: Final = """\
INSERT INTO clerk_webhook_claims (message_id, owner, expires_at) VALUES ({mark}, NULL, {now} + {mark})
ON CONFLICT (message_id) DO UPDATE SET owner = NULL, expires_at = excluded.expires_at"""
_RELEASE: Final = "DELETE FROM clerk_webhook_claims WHERE message_id = {mark} AND owner = {mark}"
_PURGE: Final = "DELETE FROM clerk_webhook_claims WHERE expires_at <= {now}"


class Cursor(Protocol):
    """The part of a DB-API cursor that is used (https://peps.python.org/pep-0249/)."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, query: LiteralString, parameters: Sequence[object], /) -> object: ...
    def fetchall(self) -> Sequence[object]: ...


class Connection(Protocol):
    """The part of a DB-API connection that is used."""

    def cursor(self) -> Cursor: ...


class OfSQLAlchemy(Protocol):
    """The part of a connection or session of SQLAlchemy that is used."""

    @property
    def connection(self) -> Any: ...


Connect: TypeAlias = Callable[[], AbstractContextManager[Connection | OfSQLAlchemy]]


def cursor_of(connection: Connection | OfSQLAlchemy) -> Cursor:
    """Return a cursor of the DB-API connection that this is, or that is in it."""
    own: Any = connection  # type checkers do not know that hasattr tells which
    while not hasattr(own, "cursor"):
        own = own.connection() if callable(own.connection) else own.connection  # of a session, of a connection
    cursor: Cursor = own.cursor()
    return cursor


class SQLStore:
    """A store in a table.

    A user's connection may give rows as tuples, dicts or anything else, so only their number is looked at.
    """

    _now: ClassVar[LiteralString]
    _mark: ClassVar[LiteralString]

    def __init__(self, connect: Connect, lease: float | timedelta, keep: float | timedelta) -> None:
        self._lease = in_seconds("lease", lease)
        self._keep = in_seconds("keep", keep)
        self._connect = connect
        self._commits = False

    def claim(self, message_id: str, owner: str = "") -> Claim:
        """Claim a message: `Claim.NEW` for one of several attempts at once."""
        with self._connect() as connection:
            cursor = cursor_of(connection)
            self._execute(cursor, _CLAIM, message_id, owner, self._lease)
            is_new = bool(cursor.fetchall())
            if not is_new:
                self._execute(cursor, _IS_DONE, message_id)
                return Claim.DONE if cursor.fetchall() else Claim.IN_PROGRESS
        if not self._commits:
            self._check_commit(message_id)
        return Claim.NEW

    def complete(self, message_id: str) -> None:
        """Remember that a message is done."""
        with self._connect() as connection:
            self._execute(cursor_of(connection), _COMPLETE, message_id, self._keep)

    def release(self, message_id: str, owner: str = "") -> None:
        """Give a message back, if this owner claimed it."""
        with self._connect() as connection:
            self._execute(cursor_of(connection), _RELEASE, message_id, owner)

    def purge(self) -> int:
        """Delete the rows that no longer count, once a day for example. Nothing else deletes them.

        Returns:
            How many rows were deleted.
        """
        with self._connect() as connection:
            cursor = cursor_of(connection)
            self._execute(cursor, _PURGE)
            return cursor.rowcount

    def _check_commit(self, message_id: str) -> None:
        """Refuse connections that forget a claim: each attempt would have the effect. The first claim tells."""
        with self._connect() as connection:
            cursor = cursor_of(connection)
            self._execute(cursor, _IS_KNOWN, message_id)
            self._commits = bool(cursor.fetchall())
        if not self._commits:
            raise TypeError(
                "The store's connections do not commit at the end of `with`, so each attempt would have the effect. "
                "Give PostgresStore the connection method of a pool of psycopg, or engine.begin of SQLAlchemy."
            )

    def _execute(self, cursor: Cursor, statement: LiteralString, *parameters: object) -> None:
        cursor.execute(statement.format(now=self._now, mark=self._mark), parameters)
