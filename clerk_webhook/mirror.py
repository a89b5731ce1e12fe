"""The mirror: Clerk's users, organizations and memberships as tables of your database.

A user changes in Clerk, and the row in `clerk_users` follows: in any order of delivery, and however often a message
comes::

    mirror = Mirror()
    endpoint = Endpoint(transaction=engine.begin)
    endpoint.include(mirror.handlers)

The version of a resource stands in its row, so an event is one statement. A deletion empties the row and keeps the id,
with `version = 'deleted'`. The tables do not refer to each other, so events may come in any order. Tables of your own
can refer to `clerk_users (id)`: `ensure` makes the row for a request that comes before the webhook.

The connections are those of `clerk_webhook.inbox`, sync and async.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from operator import methodcaller
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints, is_typeddict, overload

from . import events
from ._annotations import annotations_of
from ._dispatch import transaction_of_includer
from ._problems import where_raised
from .events import Event
from .handlers import Handlers
from .inbox import AwaitableBool, Version
from .inbox._answer import as_answer
from .inbox._connections import AS_JSON, AsyncConnection, Program, SyncConnection, Value, returns_rows, run
from .inbox._version import as_text, of_resource, refuse_others
from .types import OrganizationJSON, OrganizationMembershipJSON, UserJSON
from .users import primary_email_address

__all__ = ["MEMBERSHIP_COLUMNS", "ORGANIZATION_COLUMNS", "USER_COLUMNS", "Mirror", "Mirrored"]

Mirrored: TypeAlias = Literal["user", "organization", "organizationMembership"]
"""The kinds of resources that are mirrored: the part of their event types before the dot."""

USER_COLUMNS: Mapping[str, str | Callable[[UserJSON], object]] = {
    "email": primary_email_address,
    "first_name": "first_name",
    "last_name": "last_name",
}
"""The default columns of `clerk_users`, besides `id`, `version` and `seen_at`."""

ORGANIZATION_COLUMNS: Mapping[str, str | Callable[[OrganizationJSON], object]] = {"name": "name", "slug": "slug"}
"""The default columns of `clerk_organizations`, besides `id`, `version` and `seen_at`."""

MEMBERSHIP_COLUMNS: Mapping[str, str | Callable[[OrganizationMembershipJSON], object]] = {"role": "role"}
"""The default columns of `clerk_memberships`, besides `id`, `version`, `seen_at`, `organization_id` and `user_id`."""

_Page: TypeAlias = Iterable[Mapping[str, object]]
_Resource: TypeAlias = Mapping[str, Any]
_Read: TypeAlias = Callable[[_Resource], object]
_SqlType: TypeAlias = Literal["text", "bigint", "boolean", "double precision", "jsonb"]

# PostgreSQL cuts names after 63 bytes. The longest name of ours, an index, is the prefix and 24 letters.
_COLUMN = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_PREFIX = re.compile(r"[a-z_][a-z0-9_]{0,29}", re.ASCII)
_OWN_COLUMNS = ("id", "version", "seen_at")
# PostgreSQL refuses U+0000 in text and jsonb, and no driver encodes half of a surrogate pair.
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_ESCAPES = re.compile(r"\\(?:u0000|.)")
_LEAST_BIGINT = -(2**63)
# Rows in one statement. PostgreSQL takes 65,535 parameters, and SQLite 32,766 (https://sqlite.org/limits.html).
_MOST_ROWS, _MOST_PARAMETERS = 500, 32_766
_SQL_TYPES: Mapping[object, _SqlType] = {
    Any: "text",
    str: "text",
    int: "bigint",
    bool: "boolean",
    float: "double precision",
    dict: "jsonb",
    list: "jsonb",
}


class Mirror:
    """Three tables that follow Clerk: users, organizations and memberships.

    Example:
        ```python
        mirror = Mirror(users={**USER_COLUMNS, "banned": "banned", "name": full_name})
        ```
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str | Callable[[UserJSON], object]] = USER_COLUMNS,
        organizations: Mapping[str, str | Callable[[OrganizationJSON], object]] = ORGANIZATION_COLUMNS,
        memberships: Mapping[str, str | Callable[[OrganizationMembershipJSON], object]] = MEMBERSHIP_COLUMNS,
        prefix: str = "clerk_",
    ) -> None:
        """Decide on the columns. Each is personal data, so name only those that you need.

        A column is made of a key of the resource, or of a function that takes the resource. The type of the column
        follows from the type of the key, or from the annotation of what the function returns: `str` is `text`, `int`
        is `bigint` (times are in milliseconds), `bool` is `boolean`, `float` is `double precision`, a `dict` or a
        `list` is `jsonb`. Without an annotation, as for a `lambda`, it is `text`. Every column can be null. U+0000
        becomes U+FFFD, because PostgreSQL refuses it.

        Args:
            users: The columns of the table of users: by name, a key or a function.
            organizations: The columns of the table of organizations.
            memberships: The columns of the table of memberships, besides `organization_id` and `user_id`.
            prefix: The start of the tables' names.

        Raises:
            TypeError: A column is neither a key nor a function.
            ValueError: A name is no identifier in lower case, is too long, or is a column that every table has; a key
                does not exist; or the annotation of a function is not one of the types above.

        Example:
            ```python
            def signed_in(user: UserJSON) -> int | None:
                return user["last_sign_in_at"]

            mirror = Mirror(users={"email": primary_email_address, "last_sign_in_at": signed_in})
            ```
        """
        if not _PREFIX.fullmatch(prefix):
            raise ValueError(f"prefix must be a lower-case identifier of at most 30 characters, not {prefix!r}.")
        ids: dict[str, _Read] = {
            "organization_id": lambda membership: _in(membership, "organization").get("id"),
            "user_id": lambda membership: _in(membership, "public_user_data").get("user_id"),
        }
        self._tables: dict[str, _Table] = {
            "user": _Table(f"{prefix}users", users, UserJSON),
            "organization": _Table(f"{prefix}organizations", organizations, OrganizationJSON),
            "organizationMembership": _Table(f"{prefix}memberships", memberships, OrganizationMembershipJSON, ids),
        }

    @property
    def create_tables(self) -> tuple[str, ...]:
        """The statements that make the tables and their indexes, unless they exist: for a migration.

        Example:
            ```python
            for statement in mirror.create_tables:
                op.execute(statement)
            ```
        """
        return tuple(statement for table in self._tables.values() for statement in table.create)

    @property
    def handlers(self) -> Handlers[Any]:
        """The handlers that apply the events of the three resources, for an object that has a transaction.

        Example:
            ```python
            endpoint = Endpoint(transaction=engine.begin)
            endpoint.include(mirror.handlers)
            ```
        """
        handlers: Handlers[Any] = Handlers(transaction=transaction_of_includer)
        handlers.on(self._handle)
        return handlers

    def _handle(
        self,
        event: events.UserCreated
        | events.UserUpdated
        | events.UserDeleted
        | events.OrganizationCreated
        | events.OrganizationUpdated
        | events.OrganizationDeleted
        | events.OrganizationMembershipCreated
        | events.OrganizationMembershipUpdated
        | events.OrganizationMembershipDeleted,
        connection: SyncConnection | AsyncConnection,
    ) -> bool | AwaitableBool:
        return self.apply(connection, event)

    @overload
    def apply(self, connection: SyncConnection, event: Event[str, Any]) -> bool: ...
    @overload
    def apply(self, connection: AsyncConnection, event: Event[str, Any]) -> AwaitableBool: ...
    def apply(self, connection: Any, event: Event[str, Any]) -> bool | AwaitableBool:
        """Write the row of an event, if the event is newer than the row.

        Args:
            connection: A session, connection or cursor in a transaction, as in `record_newest`.
            event: The event. One that is not about a user, an organization or a membership is not applied.

        Returns:
            True if the row was written. Over an async connection, an awaitable of it.

        Raises:
            RuntimeError: As in `record_newest`.
            ValueError: The event has no `data.id`, or a column could not be made of the resource. The message names the
                column, the id, and the class and the place of the exception.
            TypeError: The connection is of another library, or this is no event.

        Example:
            ```python
            with engine.begin() as connection:
                mirror.apply(connection, event)
            ```
        """
        refuse_others(event)
        kind, _, verb = event.type.partition(".")
        table = self._tables.get(kind)
        statement = None
        if table is not None and verb in {"created", "updated", "deleted"}:
            statement = table.upsert, table.row(Version.of(event), event.data)
        return as_answer(run(connection, returns_rows(statement)))

    @overload
    def apply_many(
        self, connection: SyncConnection, kind: Mirrored, resources: _Page, *, again: bool = ...
    ) -> None: ...
    @overload
    def apply_many(
        self, connection: AsyncConnection, kind: Mirrored, resources: _Page, *, again: bool = ...
    ) -> Coroutine[Any, Any, None]: ...
    def apply_many(
        self, connection: Any, kind: Mirrored, resources: _Page, *, again: bool = False
    ) -> Coroutine[Any, Any, None] | None:
        """Write the rows of a page of Clerk's API: those that are newer than what the tables have.

        The objects of the API have the keys of a webhook's `data`. Rows are written in the order of their ids, so pages
        and events do not deadlock: one page is one transaction. All of the page counts as seen, for `unseen`.

        Args:
            connection: As in `apply`.
            kind: The kind of all resources.
            resources: The objects, in any order.
            again: Whether to write rows of the same `updated_at` again, for a column that was added.

        Returns:
            None. Over an async connection, a coroutine.

        Raises:
            RuntimeError: As in `record_newest`.
            ValueError: The kind is not mirrored, a resource has no `id`, or a column could not be made of it. Nothing
                was written.
            TypeError: The connection is of another library.

        Example:
            ```python
            with engine.begin() as connection:
                mirror.apply_many(connection, "user", page)
            ```
        """
        table = self._table(kind)
        rows: dict[str, tuple[Value, ...]] = {}
        versions: dict[str, str] = {}
        for resource in resources:
            version = of_resource(kind, resource)
            text = as_text(version)
            if text >= versions.get(version.id, ""):  # PostgreSQL writes a row once in a statement
                versions[version.id] = text
                rows[version.id] = table.row(version, resource)
        return run(connection, table.writing([rows[id_] for id_ in sorted(rows)], again=again))

    @overload
    def ensure(self, connection: SyncConnection, kind: Mirrored, resource_id: str) -> bool: ...
    @overload
    def ensure(self, connection: AsyncConnection, kind: Mirrored, resource_id: str) -> AwaitableBool: ...
    def ensure(self, connection: Any, kind: Mirrored, resource_id: str) -> bool | AwaitableBool:
        """Make a row with nothing but its id, unless the row exists.

        The first request of a user can come before the webhook. A row that refers to `clerk_users (id)` needs this row.

        Args:
            connection: As in `apply`.
            kind: The kind of the resource.
            resource_id: Its id: `"user_..."`.

        Returns:
            False if the resource was deleted, and else True. Over an async connection, an awaitable of it.

        Raises:
            RuntimeError: As in `record_newest`.
            ValueError: The kind is not mirrored, or the id is empty.
            TypeError: The connection is of another library.

        Example:
            ```python
            with engine.begin() as connection:
                if mirror.ensure(connection, "user", session_token["sub"]):
                    connection.execute(insert(profiles).values(user_id=session_token["sub"]))
            ```
        """
        if not resource_id:
            raise ValueError("ensure() needs the id of the resource.")
        return as_answer(run(connection, self._table(kind).ensuring(resource_id)))

    @overload
    def unseen(self, connection: SyncConnection, kind: Mirrored, before: float) -> list[str]: ...
    @overload
    def unseen(self, connection: AsyncConnection, kind: Mirrored, before: float) -> Coroutine[Any, Any, list[str]]: ...
    def unseen(self, connection: Any, kind: Mirrored, before: float) -> list[str] | Coroutine[Any, Any, list[str]]:
        """Return the ids of rows that no event and no page has brought since: those that Clerk may have deleted.

        After a backfill of all pages these are candidates. Ask Clerk's API for each, and apply a deletion for those
        that it does not have.

        Args:
            connection: As in `apply`.
            kind: The kind of the resources.
            before: When the backfill began: `time.time()`, in seconds since the epoch.

        Returns:
            The ids, sorted. Over an async connection, a coroutine of them.

        Raises:
            RuntimeError: As in `record_newest`.
            ValueError: The kind is not mirrored.
            TypeError: The connection is of another library.

        Example:
            ```python
            began = time.time()
            for page in pages():
                with engine.begin() as connection:
                    mirror.apply_many(connection, "user", page)
            with engine.begin() as connection:
                candidates = mirror.unseen(connection, "user", began)
            ```
        """
        return run(connection, self._table(kind).unseen(int(before)))

    def _table(self, kind: str) -> _Table:
        if kind not in self._tables:
            raise ValueError(f"kind must be one of {', '.join(self._tables)}, not {kind!r}.")
        return self._tables[kind]


class _Table:
    """One table: its statements, and how a row is made of a resource."""

    def __init__(
        self, name: str, columns: Mapping[str, Any], resource: type, ids: Mapping[str, _Read] | None = None
    ) -> None:
        ids = ids or {}
        if not isinstance(columns, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
            raise TypeError(
                f"The columns of {name} must be a mapping of names to keys, such as {{'name': 'first_name'}}, not "
                f"{type(columns).__name__}."
            )
        self._name = name
        self._columns: list[tuple[str, _SqlType, _Read]] = [(column, "text", read) for column, read in ids.items()]
        keys = get_type_hints(resource)
        for column, source in columns.items():
            if not _COLUMN.fullmatch(column):
                raise ValueError(f"A column of {name} must be a lower-case identifier, not {column!r}.")
            if column in {*_OWN_COLUMNS, *ids}:
                raise ValueError(f"{name} has a column {column} of its own: choose another name.")
            self._columns.append((column, *_column(name, column, source, keys)))
        names = [*ids, *columns]
        types = [sql_type for _, sql_type, _ in self._columns]
        table = f'"{name}"'
        quoted = [f'"{column}"' for column in names]
        defined = "".join(f",\n    {column} {sql_type}" for column, sql_type in zip(quoted, types, strict=True))
        own = "id text NOT NULL PRIMARY KEY,\n    version text NOT NULL,\n    seen_at bigint NOT NULL"
        self.create = [
            f"CREATE TABLE IF NOT EXISTS {table} (\n    {own}{defined}\n)",
            # Without "_id", because Django takes no name of an index with more than 30 letters.
            *(f'CREATE INDEX IF NOT EXISTS "{name}_{column[:-3]}" ON {table} ({column})' for column in ids),
        ]
        self._insert = f"INSERT INTO {table} AS known ({', '.join([*_OWN_COLUMNS, *quoted])}) VALUES "
        self._values = f"({', '.join(['?, ?, ?', *(AS_JSON if each == 'jsonb' else '?' for each in types)])})"
        every = ["version", "seen_at", *quoted]
        self.upsert = (
            f"{self._insert}{self._values} ON CONFLICT (id) DO UPDATE SET "
            f"{', '.join(f'{column} = excluded.{column}' for column in every)} "
            "WHERE known.version < excluded.version RETURNING id"
        )
        self._on_conflict = {again: _on_conflict(quoted, again=again) for again in (False, True)}
        self._is_alive = f"SELECT version <> 'deleted' FROM {table} WHERE id = ?"
        self._ensure = (
            f"INSERT INTO {table} (id, version, seen_at) VALUES (?, '', ?) ON CONFLICT (id) DO NOTHING RETURNING id"
        )
        self._unseen = (
            f"SELECT id FROM {table} WHERE seen_at < ? AND version <> 'deleted' AND id > ? ORDER BY 1 LIMIT 9999"
        )

    def row(self, version: Version, resource: _Resource) -> tuple[Value, ...]:
        """Return the row of a resource. It is empty if the resource was deleted."""
        values: list[Value] = []
        for column, sql_type, read in self._columns:
            try:
                values.append(None if version.deleted else _fit(sql_type, read(resource)))
            except Exception as error:  # noqa: BLE001  # whatever a function of the caller's raises
                # Without the exception, whose text may be personal data.
                place = where_raised(error)
                raise ValueError(f"{column} of {self._name} could not be made of {version.id}: {place}") from None
        return version.id, as_text(version), int(time.time()), *values

    def writing(self, rows: Sequence[tuple[Value, ...]], *, again: bool) -> Program[None]:
        """Write rows, many in one statement."""
        step = min(_MOST_ROWS, _MOST_PARAMETERS // (len(_OWN_COLUMNS) + len(self._columns)))
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            sql = f"{self._insert}{', '.join([self._values] * len(some))}{self._on_conflict[again]}"
            yield sql, [value for row in some for value in row]

    def ensuring(self, resource_id: str) -> Program[bool]:
        """Insert an id, and return whether its row is alive."""
        alive = yield self._is_alive, (resource_id,)
        if not alive:
            inserted = yield self._ensure, (resource_id, int(time.time()))
            if inserted:
                return True
            alive = yield self._is_alive, (resource_id,)  # somebody else has inserted the row meanwhile
        return bool(alive[0][0])

    def unseen(self, before: int) -> Program[list[str]]:
        """Return the ids of rows that nothing has brought since. Some are read at a time, because rows take memory."""
        ids = [""]
        while rows := (yield self._unseen, (before, ids[-1])):
            ids += [row[0] for row in rows]
        return ids[1:]


def _on_conflict(columns: Iterable[str], *, again: bool) -> str:
    """Return the end of a statement that marks every row as seen, and writes those that are newer."""
    newer = "known.version < excluded.version"
    # The first 15 characters of a version are its updated_at.
    is_due = "substr(known.version, 1, 15) <= substr(excluded.version, 1, 15)" if again else newer
    new = {"version": newer} | dict.fromkeys(columns, is_due)
    assignments = (
        f"{name} = CASE WHEN {when} THEN excluded.{name} ELSE known.{name} END" for name, when in new.items()
    )
    return f" ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, {', '.join(assignments)} RETURNING id"


def _column(table: str, column: str, source: object, keys: Mapping[str, object]) -> tuple[_SqlType, _Read]:
    """Return the type of a column, and what reads it from a resource."""
    read: _Read
    if isinstance(source, str):
        if source not in keys:
            raise ValueError(
                f"{column} of {table}: {source!r} is no key that this release knows. For a newer key, give a function."
            )
        sql_type, read = _sql_type(keys[source]), methodcaller("get", source)
    elif callable(source) and not isinstance(source, type):
        sql_type, read = _sql_type(_returned(f"{column} of {table}", source)), source
    else:
        raise TypeError(f"{column} of {table} must be a key or a function, not {type(source).__name__}.")
    if sql_type is None:
        raise ValueError(
            f"{column} of {table} must be made of one of str, int, bool, float, dict and list, or None: give a "
            "function that is annotated with it."
        )
    return sql_type, read


def _returned(column: str, function: Callable[..., object]) -> object:
    annotation = annotations_of(function).get("return", str)
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, getattr(function, "__globals__", {}))  # noqa: S307  # get_type_hints does it too
        except (NameError, AttributeError) as error:
            raise ValueError(f"{column}: what its function returns cannot be known at run time: {error}.") from None
    return annotation


def _sql_type(annotation: Any) -> _SqlType | None:
    """Return the type of a column that holds what an annotation names. None if there is no such type, or several."""
    origin: Any = get_origin(annotation)
    if origin in {Union, UnionType, Literal}:
        parts: list[Any] = [type(part) if origin is Literal else part for part in get_args(annotation)]
        found: set[_SqlType | None] = {_sql_type(part) for part in parts if part is not NoneType}
        return found.pop() if len(found) == 1 else None
    return "jsonb" if is_typeddict(annotation) else _SQL_TYPES.get(origin or annotation)


def _in(resource: _Resource, key: str) -> _Resource:
    value: Any = resource.get(key)
    return value if hasattr(value, "get") else {}


def _fit(sql_type: _SqlType, value: Any) -> Value:
    """Return a value as its column takes it. None if it is of another type: Clerk may change a type."""
    match sql_type, value:
        case _, None:
            return None
        case "text", _:
            return _NOT_TEXT.sub("\ufffd", value if isinstance(value, str) else json.dumps(value))
        case "bigint", int() if _LEAST_BIGINT <= value < -_LEAST_BIGINT:
            return int(value)  # True is one
        case "double precision", int() | float():
            return float(value)
        case "boolean", bool():
            return value
        case "jsonb", dict() | list():
            text = json.dumps(value, ensure_ascii=False, allow_nan=False)
            if "\\u0000" in text:  # or an escaped backslash, and u0000 after it
                text = _ESCAPES.sub(lambda escape: "\ufffd" if escape[0] == "\\u0000" else escape[0], text)
            return _NOT_TEXT.sub("\ufffd", text)
        case _:
            return None
