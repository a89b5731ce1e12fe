"""A store for several machines, in PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from inspect import isasyncgenfunction, unwrap
from typing import Any, LiteralString

from ._durations import KEEP, LEASE
from ._sql import CREATE_TABLE, Connect, Cursor, SQLStore, cursor_of

__all__ = ["PostgresStore"]

# Two CREATE TABLE IF NOT EXISTS at once can fail ("duplicate key value violates unique constraint"), so the second one
# waits for the first. The lock's number is "clerk" in ASCII.
_CREATE = f"""\
DO $$ BEGIN
PERFORM pg_advisory_xact_lock(x'636C65726B'::bigint);
{CREATE_TABLE};
END $$"""


class PostgresStore(SQLStore):
    """Remembers messages in the table `clerk_webhook_claims` of a PostgreSQL database, which `create` makes.

    Example:
        ```python
        pool = psycopg_pool.ConnectionPool("postgresql://localhost/app")
        store = PostgresStore(pool.connection)
        store.create()
        endpoint = Endpoint(store=store)
        ```
    """

    # clock_timestamp() goes on within a transaction, unlike now().
    _now = "extract(epoch FROM clock_timestamp())"
    _mark = "%s"

    def __init__(self, connect: Connect, *, lease: float | timedelta = LEASE, keep: float | timedelta = KEEP) -> None:
        """Take a way to the database. Nothing is opened yet.

        Args:
            connect: Returns a context manager that gives a connection of the DB-API or of SQLAlchemy and commits at its
                end: `psycopg_pool.ConnectionPool.connection` or `engine.begin`, for example. The transaction must not
                be your handler's, because others see a claim only after the commit. Two endpoints in one database need
                two schemas (`search_path`).
            lease: How long a claim holds that is neither completed nor released, in seconds.
            keep: How long a message that is done is remembered, in seconds.

        Raises:
            TypeError: If `connect` is no function or async, or `lease` or `keep` is neither a number nor a timedelta.
            ValueError: If `lease` or `keep` is zero, negative, NaN or more than a hundred years.
        """
        is_async = isasyncgenfunction(unwrap(connect)) if callable(connect) else False
        if not callable(connect) or is_async:
            kind = "an async one" if is_async else type(connect).__name__
            raise TypeError(
                f"PostgresStore takes a function that opens a connection, not {kind}: "
                "PostgresStore(pool.connection), for example."
            )
        super().__init__(connect, lease, keep)

    def create(self) -> None:
        """Make the table unless it exists. Several processes may do so at once."""
        with self._connect() as connection:
            self._execute(cursor_of(connection), _CREATE)

    def _execute(self, cursor: Cursor, statement: LiteralString, *parameters: object) -> None:
        # psycopg 3 prepares what it executes often. A pooler in transaction mode gives the next transaction another
        # session of the server, in which that statement is unknown or another's:
        # https://www.psycopg.org/psycopg3/docs/advanced/prepare.html#using-prepared-statements-with-pgbouncer
        if any(cls.__module__.partition(".")[0] == "psycopg" for cls in type(cursor).__mro__):
            own: Any = cursor
            own.execute(statement.format(now=self._now, mark=self._mark), parameters, prepare=False)
        else:
            super()._execute(cursor, statement, *parameters)
