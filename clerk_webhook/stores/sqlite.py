"""A store for the processes of one machine, in an SQLite file."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from .._sqlite import sqlite_transactions
from ._durations import KEEP, LEASE
from ._sql import CREATE_TABLE, SQLStore

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator
    from os import PathLike

__all__ = ["SQLiteStore"]


class SQLiteStore(SQLStore):
    """Remembers messages in an SQLite file, for all threads and processes of one machine. A fork needs no care.

    Each call opens the file and closes it again, because an open connection must not be carried over a fork
    (https://www.sqlite.org/howtocorrupt.html). SQLite 3.35 or newer is needed, and a disk of this machine: not NFS.

    Example:
        ```python
        endpoint = Endpoint(store=SQLiteStore("webhooks.db"))
        ```
    """

    # SQLite has unixepoch('subsec') from 3.42 on. This is the same, from the Julian day.
    _now = "((julianday('now') - 2440587.5) * 86400)"
    _mark = "?"

    def __init__(
        self, path: str | PathLike[str], *, lease: float | timedelta = LEASE, keep: float | timedelta = KEEP
    ) -> None:
        """Make the file and its table `clerk_webhook_claims`, unless they exist.

        Args:
            path: The file. Its folder must exist.
            lease: How long a claim holds that is neither completed nor released, in seconds.
            keep: How long a message that is done is remembered, in seconds.

        Raises:
            TypeError: If `lease` or `keep` is neither a number nor a timedelta.
            ValueError: If `lease` or `keep` is zero, negative, NaN or more than a hundred years, or `path` is
                `":memory:"`, a URL or empty.
            sqlite3.OperationalError: If the file can't be opened or written. `claim`, `complete`, `release` and `purge`
                raise it too, and when another process has locked the file for more than 10 seconds.
        """
        if path == ":memory:":
            raise ValueError("SQLiteStore needs a file. MemoryStore() remembers in memory.")
        begin = sqlite_transactions(path)

        @contextmanager
        def connect() -> Generator[sqlite3.Connection]:
            with begin() as connection:
                connection.execute(CREATE_TABLE)
                yield connection

        super().__init__(connect, lease, keep)
        self.release("")  # if the file may not be written, this fails now, and not the first claim
