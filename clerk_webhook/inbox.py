"""The inbox: exactly one effect for each message, in the right order, in a transaction of your own database.

`newest` and `once` write a row beside the effect, in the same transaction, so both are committed or neither is::

    async with Session.begin() as session:
        if await newest(session, event):
            await session.merge(User(id=event.data["id"], email=primary_email_address(event.data)))

The pattern's name is "transactional inbox". It needs the table of `CREATE_TABLE`, on PostgreSQL or SQLite 3.35.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Literal, NamedTuple, NoReturn, Protocol, TypeAlias, overload

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
_TOO_LARGE = 10**15
_LEAST_MILLISECONDS = 100_000_000_000


class Version(NamedTuple):
    """One version of one resource, for what is no event: a backfill, or a driver that `newest` does not know.

    Attributes:
        kind: The part of the event type before the dot: `"user"`.
        id: The resource's id: `"user_..."`.
        updated_at: When the resource was changed, in milliseconds since the epoch.
        timestamp: When the event was sent, in milliseconds since the epoch. 0 for an object of the Backend API.
        message_id: The `svix-id` header. It decides between two events of one millisecond.
        deleted: True for a deletion, which nothing is newer than.

    Example:
        ```python
        newest(connection, Version("user", user.id, user.updated_at))
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
        """Return the version that an event brings."""
        kind, _, _ = event.wire_type.partition(".")
        data: Any = event.data if isinstance(event.data, dict) else {}
        resource_id = data.get("id")
        if not isinstance(resource_id, str) or not resource_id:
            raise ValueError(f"{event.wire_type} has no data.id, so it has no place in an order.")
        timestamp = _millis(event.timestamp)
        if timestamp < _LEAST_MILLISECONDS:
            timestamp *= 1000
        return cls(
            kind,
            resource_id,
            _millis(data.get("updated_at")),
            timestamp,
            event.message_id or "",
            event.wire_type.endswith(".deleted"),
        )

    def statement(
        self, paramstyle: Literal["format", "qmark", "numeric_dollar"] = "format", scope: str = ""
    ) -> tuple[str, tuple[str, str, str, int]]:
        """Return the SQL statement and its parameters. A row comes back if, and only if, this version is the newest."""
        kind = f"{self.kind}:{scope}" if scope else self.kind
        version = "deleted" if self.deleted else f"{self.updated_at:015d}.{self.timestamp:015d}.{self.message_id}"
        return _STATEMENTS[paramstyle], (kind, self.id, version, int(time.time()))


class AwaitableBool:
    """The answer over an async connection: `await` it."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Coroutine[Any, Any, bool]) -> None:
        self._answer = answer

    def __await__(self) -> Generator[Any, Any, bool]:
        return self._answer.__await__()

    def __bool__(self) -> NoReturn:
        self._answer.close()
        raise TypeError("This connection is async: write `if await newest(connection, event):`.")


class _AsyncContext(Protocol):
    def __aenter__(self) -> Any: ...


class _RunSync(Protocol):
    @property
    def run_sync(self) -> Callable[..., Any]: ...


class _AsyncScopedSession(Protocol):
    @property
    def get_async_bind(self) -> Callable[..., Any]: ...


class _Asyncpg(Protocol):
    def is_in_transaction(self) -> Any: ...


class _Execute(Protocol):
    @property
    def execute(self) -> Callable[..., Any]: ...


class _HasCursor(Protocol):
    @property
    def cursor(self) -> Callable[..., Any]: ...


AsyncConnection: TypeAlias = _AsyncContext | _RunSync | _AsyncScopedSession | _Asyncpg
SyncConnection: TypeAlias = _Execute | _HasCursor


@overload
def newest(connection: AsyncConnection, event: Event[str, Any] | Version, scope: str = "") -> AwaitableBool: ...
@overload
def newest(connection: SyncConnection, event: Event[str, Any] | Version, scope: str = "") -> bool: ...
def newest(connection: Any, event: Event[str, Any] | Version, scope: str = "") -> bool | AwaitableBool:
    """Tell whether an event is newer than all that was applied to its resource, and record it."""
    return _apply(connection, event if isinstance(event, Version) else Version.of(event), scope)


@overload
def once(connection: AsyncConnection, event: Event[str, Any] | str, scope: str = "") -> AwaitableBool: ...
@overload
def once(connection: SyncConnection, event: Event[str, Any] | str, scope: str = "") -> bool: ...
def once(connection: Any, event: Event[str, Any] | str, scope: str = "") -> bool | AwaitableBool:
    """Tell whether a message is handled for the first time, and record it."""
    message_id = event if isinstance(event, str) else event.message_id
    if not message_id:
        raise ValueError("There is no message id to know the message by: parse_event(raw, message_id=...) keeps it.")
    return _apply(connection, Version("message:" + scope, message_id, 0), "")


def _apply(connection: Any, version: Version, scope: str) -> Any:
    if hasattr(connection, "session_factory"):  # SQLAlchemy's scoped sessions
        connection = connection()
    if hasattr(connection, "run_sync"):
        return AwaitableBool(connection.run_sync(_apply, version, scope))
    if hasattr(connection, "get_bind"):
        connection = connection.connection()
    if hasattr(connection, "exec_driver_sql"):
        return _in_sqlalchemy(connection, version, scope)
    if hasattr(connection, "is_in_transaction"):
        return AwaitableBool(_in_asyncpg(connection, version, scope))
    if hasattr(connection, "_execute"):  # aiosqlite
        raw = getattr(connection, "connection", None) or connection._conn
        return AwaitableBool(connection._execute(_apply, raw, version, scope))
    database = getattr(connection, "db", connection)
    if hasattr(database, "get_autocommit"):
        _refuse(database.get_autocommit())
        sql, parameters = version.statement("format", scope)
        if connection is not database:
            connection.execute(sql, parameters)
            return connection.fetchone() is not None
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchone() is not None
    raw = getattr(connection, "connection", connection)
    if hasattr(raw, "in_transaction"):
        _refuse(_sqlite_autocommits(raw))
        return connection.execute(*version.statement("qmark", scope)).fetchone() is not None
    _refuse(raw.autocommit and raw.info.transaction_status == 0)
    sql, parameters = version.statement("format", scope)
    cursor = connection.cursor() if hasattr(connection, "cursor") else connection
    executed = cursor.execute(sql, parameters)
    if hasattr(executed, "__await__"):
        return AwaitableBool(_fetched(executed, cursor))
    return cursor.fetchone() is not None


def _in_sqlalchemy(connection: Any, version: Version, scope: str) -> bool:
    if not connection.in_transaction():
        connection.begin()
    pooled = connection.connection
    if connection.dialect.name == "sqlite":
        _refuse(_sqlite_autocommits(pooled.driver_connection))
    else:
        _refuse(pooled.dbapi_connection.autocommit)
    paramstyle = connection.dialect.paramstyle
    statement = version.statement("format" if paramstyle == "pyformat" else paramstyle, scope)
    return connection.exec_driver_sql(*statement).first() is not None


async def _in_asyncpg(connection: Any, version: Version, scope: str) -> bool:
    _refuse(not connection.is_in_transaction())
    sql, parameters = version.statement("numeric_dollar", scope)
    return await connection.fetchrow(sql, *parameters) is not None


async def _fetched(executed: Any, cursor: Any) -> bool:
    await executed
    return await cursor.fetchone() is not None


def _sqlite_autocommits(raw: Any) -> bool:
    return not raw.in_transaction and (raw.isolation_level is None or getattr(raw, "autocommit", None) is True)


def _refuse(autocommit: object) -> None:
    if autocommit:
        raise RuntimeError("This connection is in autocommit: begin a transaction, and do the effect in it too.")


def _millis(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < _TOO_LARGE else 0
