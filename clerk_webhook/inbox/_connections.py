"""Every kind of connection, in one shape: a program yields statements and is sent the rows that come back.

A program is a generator, so each is written once for sync and async connections. The module of the connection's library
has `executor`: it checks that the connection may be used, and returns what executes a statement. Or it has `bridge`, if
an async connection has a sync one inside: the program then runs over that one. Either returns None for an object that
is no such connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from functools import lru_cache
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

Value: TypeAlias = str | float | bool | None
Rows: TypeAlias = Sequence[Sequence[Any]]
T = TypeVar("T")
# A statement is one text for PostgreSQL and SQLite with "?" for each parameter, and its parameters. Each returns rows,
# except those without parameters.
Program: TypeAlias = Generator[tuple[str, Sequence[Value]], Rows, T]
Execute: TypeAlias = Callable[[str, Sequence[Value]], Rows]
Bridge: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]
ExecuteAsync: TypeAlias = Callable[[str, Sequence[Value]], Coroutine[Any, Any, Rows]]
Paramstyle: TypeAlias = Literal["format", "qmark", "numeric_dollar"]

# The root module of a connection's class, and the module here that knows the connections of this library.
_LIBRARIES = {
    "aiosqlite": "_aiosqlite",
    "asyncpg": "_asyncpg",
    "django": "_django",
    "psycopg": "_psycopg",
    "psycopg2": "_psycopg2",
    "sqlalchemy": "_sqlalchemy",
    "sqlite3": "_sqlite3",
}
_OF_MYSQL = {"MySQLdb", "aiomysql", "asyncmy", "mariadb", "mysql", "pymysql"}
_OF_DJANGO = " Django's transaction.atomic gives None: clerk_webhook.django.atomic() gives its connection."
_OF_TRANSACTIONS = " The with statement has to give one, as sessionmaker(engine).begin and pool.connection do."
# libpq's PGTransactionStatusType: 0 and 1 are outside a transaction, 2 and 3 inside.
# https://www.postgresql.org/docs/current/libpq-status.html#LIBPQ-PQTRANSACTIONSTATUS
PQTRANS_INTRANS = 2
# This cast makes jsonb of a parameter, also if the driver sends text. SQLite has no such cast, and needs none.
AS_JSON = "?::text::jsonb"


def run(connection: Any, program: Program[T]) -> T | Coroutine[Any, Any, T]:
    """Run a program over a connection of any kind: its result, or a coroutine of it if the connection is async.

    Raises:
        RuntimeError: The connection is in autocommit, or of another database. Nothing was executed.
        TypeError: The connection is of another library.
    """
    kind = connection.__class__
    bridge, executor = (getattr(_library_of(kind), name, None) for name in ("bridge", "executor"))
    if bridge and (call := bridge(connection)):
        result: Coroutine[Any, Any, T] = call(run, program)
        return result
    execute = executor and executor(connection)
    if execute is None:
        hint = _OF_TRANSACTIONS if kind.__name__.endswith("Transaction") else ""
        raise TypeError(
            f"The inbox does not know how to execute over {kind.__module__}.{kind.__qualname__}. It takes a session, "
            "connection or cursor of SQLAlchemy, psycopg, psycopg2, asyncpg, sqlite3, aiosqlite or Django. "
            f"Version.statement() is for other drivers.{_OF_DJANGO if connection is None else hint}"
        )
    return _drive_async(program, execute) if iscoroutinefunction(execute) else _drive(program, execute)


def mark(connection: Any, verb: Literal["SAVEPOINT", "RELEASE", "ROLLBACK TO"]) -> bool | Coroutine[Any, Any, bool]:
    """Set a savepoint, release it, or roll back to it. There is none after the end of the transaction."""
    return run(connection, returns_rows((f"{verb} clerk_webhook", ())))


def returns_rows(statement: tuple[str, Sequence[Value]] | None) -> Program[bool]:
    """Execute a statement, if there is one, and return whether rows come back."""
    return bool(statement and (yield statement))


@lru_cache
def _library_of(kind: type) -> Any:
    """Return the module for a class of connections, None if there is none."""
    for cls in kind.__mro__:
        root = cls.__module__.partition(".")[0]
        if root in _LIBRARIES:
            return import_module(f".{_LIBRARIES[root]}", __package__)
        if root in _OF_MYSQL:
            raise other_database("MySQL or MariaDB")
    return None


def _drive(program: Program[T], execute: Execute) -> T:
    try:
        statement = next(program)
        while True:
            statement = program.send(execute(*statement))
    except StopIteration as end:
        result: T = end.value
        return result


async def _drive_async(program: Program[T], execute: ExecuteAsync) -> T:
    try:
        statement = next(program)
        while True:
            statement = program.send(await execute(*statement))
    except StopIteration as end:
        result: T = end.value
        return result


@lru_cache(maxsize=32)
def styled(sql: str, paramstyle: Paramstyle) -> str:
    """Return a statement with its parameters marked as a driver wants them."""
    if paramstyle == "format":
        return sql.replace("?", "%s")
    if paramstyle == "numeric_dollar":
        first, *others = sql.split("?")
        return first + "".join(f"${number}{other}" for number, other in enumerate(others, 1))
    return sql


def for_sqlite(sql: str) -> str:
    """Return a statement without the casts that SQLite does not know."""
    return sql.replace(AS_JSON, "?")


def refuse_autocommit(*, on: bool, cure: str) -> None:
    """Raise `RuntimeError` if a connection is in autocommit."""
    if on:
        raise RuntimeError(f"This connection is in autocommit, so a message whose effect fails would be lost. {cure}")


def other_database(name: str) -> RuntimeError:
    """Return the error for a connection to another database."""
    return RuntimeError(
        f"{name} has no ON CONFLICT ... RETURNING as PostgreSQL and SQLite have it, and the inbox is made of it. "
        "Connect to one of the two, or use a store for messages: clerk_webhook.stores."
    )


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


SyncConnection: TypeAlias = _Executes | _HasCursor | _DjangoCursor | _DjangoProxy
AsyncConnection: TypeAlias = _ExecutesAsync | _AsyncpgPooled
