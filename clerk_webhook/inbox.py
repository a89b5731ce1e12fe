"""The inbox: each event has one effect, in the right order, in a transaction on your own database.

Svix delivers at least once and in no certain order. `newest` and `once` write a row beside your effect and tell
whether the effect is due. The row and the effect are committed together, or neither is::

    async with Session.begin() as session:
        if await newest(session, event):
            await session.merge(User(id=event.data["id"], email=primary_email_address(event.data)))

`newest` is for state that an event replaces: a user, an organization. `once` is for effects that add up: a row in a
ledger, a job in a queue table. Both need the table of `CREATE_TABLE`, on PostgreSQL or on SQLite 3.35 or newer.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Literal, NamedTuple, NoReturn, Protocol, TypeAlias, TypeGuard, overload

from .events import Event

__all__ = ["CREATE_TABLE", "AwaitableBool", "Version", "newest", "once"]

CREATE_TABLE = """\
CREATE TABLE IF NOT EXISTS clerk_webhook_inbox (
    kind text NOT NULL,
    id text NOT NULL,
    version text NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (kind, id)
)"""
"""The table, for Alembic's `op.execute`, Django's `RunSQL` or psql. `seen_at` is in seconds since the epoch."""

_STATEMENT = (
    "INSERT INTO clerk_webhook_inbox AS known (kind, id, version, seen_at) VALUES ({}, {}, {}, {}) "
    "ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at "
    "WHERE known.version < excluded.version RETURNING version"
)
_STATEMENTS = {
    "format": _STATEMENT.format("%s", "%s", "%s", "%s"),
    "qmark": _STATEMENT.format("?", "?", "?", "?"),
    "numeric_dollar": _STATEMENT.format("$1", "$2", "$3", "$4"),
}

# Fifteen digits, which is milliseconds until the year 33658.
_MILLIS_LIMIT = 10**15
# The Dashboard's "Send Example" has seconds in `timestamp`. `Event.occurred_at` tells them apart by the same number.
_LEAST_MILLIS = 10**11
# libpq's PGTransactionStatusType: 0 and 1 are outside a transaction, 2 and 3 inside.
# https://www.postgresql.org/docs/current/libpq-status.html#LIBPQ-PQTRANSACTIONSTATUS
_PQTRANS_INTRANS = 2
# Any, because a check against dict itself makes a dict of Unknown.
_DICT: Any = dict


class Version(NamedTuple):
    """A version of a resource: where an event, or an object of the Backend API, stands in the order of changes.

    The later `updated_at` is newer. `timestamp` decides between equal ones, and `message_id` after it. A deletion is
    newer than everything else, because Clerk does not use an id twice.

    Attributes:
        kind: The part of the event type before the dot: `"user"`.
        id: The resource's id: `"user_..."`.
        updated_at: When the resource changed, in milliseconds since the epoch. 0 if nobody knows.
        timestamp: When the event was made, in milliseconds since the epoch. 0 for an object of the Backend API.
        message_id: The `svix-id` header of the event, `""` if it has none.
        deleted: True for the deletion of the resource.

    Example:
        ```python
        for user in page:  # a backfill, through the same gate as the webhooks
            if newest(connection, Version("user", user.id, user.updated_at)):
                save(user)
        ```
    """

    kind: str
    id: str
    updated_at: int
    timestamp: int = 0
    message_id: str = ""
    deleted: bool = False

    @classmethod
    def of(cls, event: Event[str, Any]) -> Version:
        """Return the version that an event brings.

        A time that is missing, or that is not an integer from 0 to 10**15 - 1, counts as 0.

        Args:
            event: An event of any type, `UnknownEvent` included.

        Raises:
            ValueError: The payload has no `id`.

        Example:
            ```python
            sql, parameters = Version.of(event).statement("numeric_dollar")
            ```
        """
        wire_type, timestamp = event.payload["type"], event.payload.get("timestamp")
        data: dict[str, Any] = event.data if isinstance(event.data, _DICT) else {}
        resource_id, updated_at = data.get("id"), data.get("updated_at")
        if not (isinstance(resource_id, str) and resource_id):
            raise ValueError(f"{wire_type} has no data.id to order it by. once() goes by the message id.")
        if not _is_millis(timestamp):
            timestamp = 0
        elif timestamp < _LEAST_MILLIS:
            timestamp *= 1000
        return cls(
            kind=wire_type.partition(".")[0],
            id=resource_id,
            updated_at=updated_at if _is_millis(updated_at) else 0,
            timestamp=timestamp,
            message_id=event.message_id or "",
            deleted=wire_type.endswith(".deleted"),
        )

    def statement(
        self, paramstyle: Literal["format", "qmark", "numeric_dollar"] = "format", scope: str = ""
    ) -> tuple[str, tuple[str, str, str, int]]:
        """Return the statement that records this version: for a driver that `newest` does not know.

        Execute it inside a transaction, and do the effect in the same transaction if a row comes back. Do not look at
        the driver's row count, because some drivers count before they fetch.

        Args:
            paramstyle: `"format"` for `%s`, `"qmark"` for `?`, `"numeric_dollar"` for `$1`.
            scope: As in `newest`.

        Returns:
            The SQL text, and its four parameters.

        Raises:
            ValueError: `updated_at` or `timestamp` is not an integer from 0 to 10**15 - 1.

        Example:
            ```python
            sql, parameters = Version.of(event).statement("qmark")
            is_newest = bool(driver.execute(sql, parameters).fetchall())
            ```
        """
        if not (_is_millis(self.updated_at) and _is_millis(self.timestamp)):
            raise ValueError("updated_at and timestamp must be integers: milliseconds since the epoch.")
        # A letter sorts after digits in every collation. "~" does not under ICU.
        version = "deleted" if self.deleted else f"{self.updated_at:015}.{self.timestamp:015}.{self.message_id}"
        kind = f"{self.kind}:{scope}" if scope else self.kind
        return _STATEMENTS[paramstyle], (kind, self.id, version, int(time.time()))


class AwaitableBool:
    """The answer over an async connection. It must be awaited: a forgotten `await` raises `TypeError`.

    Example:
        ```python
        if await newest(session, event):
            await session.merge(user)
        ```
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: Coroutine[Any, Any, bool]) -> None:
        self._answer = answer

    def __await__(self) -> Generator[Any, Any, bool]:
        return self._answer.__await__()

    def __bool__(self) -> NoReturn:
        self._answer.close()  # or Python would warn as well that nobody awaited it
        raise TypeError("The answer over an async connection must be awaited: if await newest(connection, event): ...")


# Type checkers know the connections by these protocols. Async connections have an async `close`.


class _Executes(Protocol):
    """SQLAlchemy's sessions and connections, psycopg's and sqlite3's connections and cursors, psycopg2's cursors."""

    @property
    def execute(self) -> Callable[..., Any]: ...
    def close(self) -> None: ...


class _HasCursor(Protocol):
    """Connections of psycopg2 and Django."""

    @property
    def cursor(self) -> Callable[..., Any]: ...
    def close(self) -> None: ...


class _DjangoCursor(Protocol):
    @property
    def db(self) -> Any: ...


class _DjangoProxy(Protocol):
    """`django.db.connection`, unless stubs are installed."""

    def __contains__(self, key: Any) -> bool: ...
    def __getattr__(self, item: Any) -> Any: ...


class _ExecutesAsync(Protocol):
    """SQLAlchemy's sessions and connections, psycopg's and aiosqlite's connections and cursors, asyncpg's too."""

    @property
    def execute(self) -> Callable[..., Any]: ...
    def close(self) -> Awaitable[Any]: ...


class _AsyncpgPooled(Protocol):
    """The connection of an asyncpg pool, unless stubs are installed."""

    def _detach(self) -> Any: ...


_Sync: TypeAlias = _Executes | _HasCursor | _DjangoCursor | _DjangoProxy
_Async: TypeAlias = _ExecutesAsync | _AsyncpgPooled


@overload
def newest(connection: _Sync, event: Event[str, Any] | Version, scope: str = "") -> bool: ...
@overload
def newest(connection: _Async, event: Event[str, Any] | Version, scope: str = "") -> AwaitableBool: ...
def newest(connection: Any, event: Event[str, Any] | Version, scope: str = "") -> bool | AwaitableBool:
    """Tell whether an event is newer than all that was applied to its resource, and record it as applied.

    The transaction is yours, and so is its end: a rollback takes the record back. Make this its first statement.

    Args:
        connection: A session, connection or cursor that is in a transaction, or begins one by itself. SQLAlchemy's
            sessions and connections, psycopg 3 and 2, asyncpg, sqlite3, aiosqlite and Django's are known.
        event: The event, or the `Version` of an object that comes from elsewhere.
        scope: The name of a part that keeps its own record: two handlers of one event that commit separately need two.

    Returns:
        True if the effect is due. False for the same event again, an older one, and all that follows a deletion.
        Over an async connection, an awaitable of it.

    Raises:
        RuntimeError: The connection is in autocommit. Nothing was executed.
        ValueError: The event's payload has no `id`, or a time of the `Version` is not in milliseconds.
        TypeError: The connection is of another kind. `Version.statement` is for others.

    Example:
        ```python
        with Session.begin() as session:
            if newest(session, event):
                session.merge(User(id=event.data["id"], email=primary_email_address(event.data)))
        ```
    """
    return _record(connection, event if isinstance(event, Version) else Version.of(event), scope)


@overload
def once(connection: _Sync, event: Event[str, Any] | str, scope: str = "") -> bool: ...
@overload
def once(connection: _Async, event: Event[str, Any] | str, scope: str = "") -> AwaitableBool: ...
def once(connection: Any, event: Event[str, Any] | str, scope: str = "") -> bool | AwaitableBool:
    """Tell whether a message is handled for the first time, and record it as handled.

    The transaction is yours, and so is its end: a rollback takes the record back. Make this its first statement.

    Args:
        connection: As in `newest`.
        event: The event, or the id of the message.
        scope: The name of a part that keeps its own record: two handlers of one event that commit separately need two.

    Returns:
        True if the effect is due. False for the same message again. Over an async connection, an awaitable of it.

    Raises:
        RuntimeError: The connection is in autocommit. Nothing was executed.
        ValueError: The event has no message id.
        TypeError: The connection is of another kind. `Version.statement` is for others.

    Example:
        ```python
        with Session.begin() as session:
            if once(session, event):
                session.add(Job(kind="welcome", user_id=event.data["id"]))
        ```
    """
    message_id = event if isinstance(event, str) else event.message_id
    if not message_id:
        raise ValueError("The event has no message id. parse_event(payload, message_id=message_id) keeps it.")
    return _record(connection, Version(f"message:{scope}", message_id, 0), "")


def _record(connection: Any, version: Version, scope: str) -> bool | AwaitableBool:
    """Execute the statement over a connection of any kind: each kind has an attribute that the others lack."""
    if hasattr(connection, "session_factory"):  # SQLAlchemy: scoped_session and async_scoped_session
        connection = connection()
    if hasattr(connection, "run_sync"):  # AsyncSession and AsyncConnection
        return AwaitableBool(connection.run_sync(_record, version, scope))
    if hasattr(connection, "get_bind"):  # Session
        connection = connection.connection()
    if hasattr(connection, "exec_driver_sql"):  # Connection
        return _record_in_sqlalchemy(connection, version, scope)
    if hasattr(connection, "is_in_transaction"):
        return AwaitableBool(_record_in_asyncpg(connection, version, scope))
    # All others have connections and cursors as in the DB-API.
    django = getattr(connection, "db", connection)
    raw = getattr(connection, "connection", connection)
    if hasattr(django, "get_autocommit"):
        _refuse_autocommit(on=django.get_autocommit(), cure="Use transaction.atomic().")
    elif hasattr(raw, "in_transaction"):
        if hasattr(connection, "_execute"):
            # aiosqlite: sqlite3 tells of autocommit only in the connection's thread, and no public way leads there.
            return AwaitableBool(connection._execute(_record, getattr(raw, "_conn", raw), version, scope))  # noqa: SLF001
        _refuse_autocommit(on=_sqlite_autocommits(raw), cure='Execute "BEGIN IMMEDIATE" first.')
        return connection.execute(*version.statement("qmark", scope)).fetchone() is not None
    elif hasattr(raw, "set_isolation_level"):  # psycopg and psycopg2
        autocommits = raw.autocommit and raw.info.transaction_status < _PQTRANS_INTRANS
        _refuse_autocommit(on=autocommits, cure="Set its autocommit to False, or use psycopg 3's transaction().")
    else:
        raise TypeError(
            f"The inbox does not know how to execute over {type(connection).__name__}. Use Version.statement()."
        )
    cursor = connection if hasattr(connection, "fetchone") else connection.cursor()
    statement = version.statement("format", scope)
    if hasattr(cursor, "__aenter__"):
        return AwaitableBool(_record_in_async_psycopg(cursor, statement))
    cursor.execute(*statement)
    return cursor.fetchone() is not None


def _record_in_sqlalchemy(connection: Any, version: Version, scope: str) -> bool:
    if not connection.in_transaction():
        connection.begin()  # as any statement would: a listener of this event may be what sends BEGIN to SQLite
    pooled, dialect = connection.connection, connection.dialect
    if dialect.name == "sqlite":
        statement = version.statement("qmark", scope)
        if dialect.is_async:
            autocommits = pooled.dbapi_connection.run_async(_aiosqlite_autocommits)
        else:
            autocommits = _sqlite_autocommits(pooled.driver_connection)
    else:
        autocommits = pooled.dbapi_connection.autocommit is True
        statement = version.statement("numeric_dollar" if dialect.driver == "asyncpg" else "format", scope)
    _refuse_autocommit(on=autocommits, cure='Use an engine without isolation_level="AUTOCOMMIT".')
    return connection.exec_driver_sql(*statement).first() is not None


async def _record_in_asyncpg(connection: Any, version: Version, scope: str) -> bool:
    _refuse_autocommit(on=not connection.is_in_transaction(), cure="Use connection.transaction().")
    sql, parameters = version.statement("numeric_dollar", scope)
    return await connection.fetchrow(sql, *parameters) is not None


async def _record_in_async_psycopg(cursor: Any, statement: tuple[str, tuple[str, str, str, int]]) -> bool:
    await cursor.execute(*statement)
    return await cursor.fetchone() is not None


def _sqlite_autocommits(raw: Any) -> bool:
    # Python 3.12 added `autocommit`: True, False, or the old way by `isolation_level`, which is -1.
    return not raw.in_transaction and (raw.isolation_level is None or getattr(raw, "autocommit", -1) is True)


async def _aiosqlite_autocommits(raw: Any) -> bool:
    return bool(await raw._execute(_sqlite_autocommits, raw._conn))  # noqa: SLF001  # as in _record


def _refuse_autocommit(*, on: bool, cure: str) -> None:
    if on:
        raise RuntimeError(f"This connection is in autocommit, so a message whose effect fails would be lost. {cure}")


def _is_millis(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _MILLIS_LIMIT
