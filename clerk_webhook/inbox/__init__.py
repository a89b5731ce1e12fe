"""The inbox: each event has one effect, in the right order, in a transaction on your own database.

Svix delivers at least once and in no certain order. `record_newest` and `record_once` write a row beside your effect
and say whether the effect is due. The row and the effect are committed together, or neither is::

    async with Session.begin() as session:
        if await record_newest(session, event):
            await session.merge(User(id=event.data["id"], email=primary_email_address(event.data)))

`record_newest` is for state that an event replaces: a user, an organization. `record_once` is for effects that add up:
a row in a ledger, a job in a queue table. Both need the table of `CREATE_TABLE`, on PostgreSQL or on SQLite 3.35 or
newer.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, overload

from .._sqlite import sqlite_transactions
from ..events import Event
from ._answer import AwaitableBool, as_answer
from ._connections import AsyncConnection, Program, SyncConnection, returns_rows, run
from ._version import CREATE_TABLE, PURGE, RECORD, Version, record, record_of_message, refuse_others

__all__ = [
    "CREATE_TABLE",
    "AwaitableBool",
    "Version",
    "purge",
    "record_newest",
    "record_once",
    "sqlite_transactions",
]


@overload
def record_newest(connection: SyncConnection, event: Event[str, Any] | Version, scope: str = "") -> bool: ...
@overload
def record_newest(connection: AsyncConnection, event: Event[str, Any] | Version, scope: str = "") -> AwaitableBool: ...
def record_newest(connection: Any, event: Event[str, Any] | Version, scope: str = "") -> bool | AwaitableBool:
    """Record an event, and return whether it is newer than all that was applied to its resource.

    The transaction is yours, and so is its end: a rollback takes the record back. Make this its first statement.

    Args:
        connection: A session, connection or cursor that is in a transaction, or begins one by itself. SQLAlchemy's
            sessions and connections, psycopg 3 and 2, asyncpg, sqlite3, aiosqlite and Django's are known.
        event: The event, or the `Version` of an object that comes from elsewhere.
        scope: A namespace: give each handler its own if they handle one event in separate transactions.

    Returns:
        True if the effect is due. False for the same event again, an older one, and all that follows a deletion.
        Over an async connection, an awaitable of it.

    Raises:
        RuntimeError: The connection is in autocommit, in a savepoint of SQLite that no BEGIN precedes, or of another
            database than PostgreSQL and SQLite. Nothing was executed.
        ValueError: The event's payload has no `id`, or a time of the `Version` is not in milliseconds.
        TypeError: The connection is of another library, or this is no event. `Version.statement` is for others.

    Example:
        ```python
        with Session.begin() as session:
            if record_newest(session, event):
                session.merge(User(id=event.data["id"], email=primary_email_address(event.data)))
        ```
    """
    version = event if isinstance(event, Version) else Version.of(event)
    return as_answer(run(connection, returns_rows((RECORD, record(version, scope)))))


@overload
def record_once(connection: SyncConnection, event: Event[str, Any] | str, scope: str = "") -> bool: ...
@overload
def record_once(connection: AsyncConnection, event: Event[str, Any] | str, scope: str = "") -> AwaitableBool: ...
def record_once(connection: Any, event: Event[str, Any] | str, scope: str = "") -> bool | AwaitableBool:
    """Record a message, and return whether it comes for the first time. The transaction is as in `record_newest`.

    Args:
        connection: As in `record_newest`.
        event: The event, or the id of the message.
        scope: As in `record_newest`.

    Returns:
        True if the effect is due. False for the same message again. Over an async connection, an awaitable of it.

    Raises:
        RuntimeError: As in `record_newest`.
        ValueError: The event has no message id.
        TypeError: As in `record_newest`.

    Example:
        ```python
        with Session.begin() as session:
            if record_once(session, event):
                session.add(Job(kind="welcome", user_id=event.data["id"]))
        ```
    """
    if isinstance(event, str):
        message_id: str | None = event
    else:
        refuse_others(event)
        message_id = event.message_id
    if not message_id:
        raise ValueError("The event has no message id. parse_event(payload, message_id=message_id) keeps it.")
    return as_answer(run(connection, returns_rows((RECORD, record_of_message(message_id, scope)))))


@overload
def purge(connection: SyncConnection, older_than: float | timedelta) -> int: ...
@overload
def purge(connection: AsyncConnection, older_than: float | timedelta) -> Coroutine[Any, Any, int]: ...
def purge(connection: Any, older_than: float | timedelta) -> int | Coroutine[Any, Any, int]:
    """Delete what `record_once` recorded before. The records of `record_newest` stay, because they hold the deletions.

    Svix sends a message again for 27 h 35 min, and somebody can replay it for as long as Svix keeps it. 90 days
    are a good age.

    Args:
        connection: As in `record_newest`.
        older_than: The age, in seconds if it is a number.

    Returns:
        How many records were deleted. Over an async connection, a coroutine of it.

    Raises:
        RuntimeError: As in `record_newest`.
        TypeError: The connection is of another library, or `older_than` is neither a number nor a timedelta.
        ValueError: `older_than` is negative or NaN.

    Example:
        ```python
        with Session.begin() as session:
            purge(session, timedelta(days=90))
        ```
    """
    age = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
    if not isinstance(age, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
        raise TypeError(f"older_than must be a number of seconds or a timedelta, not {type(age).__name__}.")
    if not age >= 0:  # NaN is not
        raise ValueError("older_than must not be negative: it is the age of a record, in seconds.")
    return run(connection, _purging(int(max(0, time.time() - age))))


def _purging(before: int) -> Program[int]:
    return len((yield PURGE, (before,)))
