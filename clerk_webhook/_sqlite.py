"""Transactions on an SQLite file, as they should be."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from os import PathLike

# Svix waits for an answer for 15 s (https://docs.svix.com/retries).
_PATIENCE = 10


def sqlite_transactions(path: str | PathLike[str]) -> Callable[[], AbstractContextManager[sqlite3.Connection]]:
    """Return what begins a transaction on an SQLite file, each on a connection of its own.

    The file is in WAL mode, so readers do not wait. A transaction begins with BEGIN IMMEDIATE, which waits for 10
    seconds while another one writes. It is committed at the end, or rolled back by an exception, and the connection is
    closed. A disk of this machine is needed: not NFS.

    Args:
        path: The file. Its folder must exist.

    Raises:
        ValueError: `path` is `":memory:"` or empty, because each connection would have a database of its own, or a URL.

    Example:
        ```python
        endpoint = Endpoint(transaction=sqlite_transactions("app.db"))
        with sqlite_transactions("app.db")() as connection:
            connection.execute(CREATE_TABLE)
        ```
    """
    import sqlite3  # noqa: PLC0415  # a Python may lack SQLite

    if "://" in str(path):
        raise ValueError('The path of a file is wanted, such as "app.db", and not a URL.')
    if not str(path) or ":memory:" in str(path):
        raise ValueError(
            "sqlite_transactions needs a file, because each connection has a database in memory of its own."
        )
    file = Path(path).absolute()  # a daemon changes its working directory

    @contextmanager
    def transaction() -> Generator[sqlite3.Connection]:
        with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as connection:
            # When several connections switch to WAL at once, one does so and the others are told that the file is
            # locked. The file stays in that mode.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    return transaction
