"""The order of versions, and the statement and the table that keep it: no connection and no clock but for `seen_at`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard, get_args

from ..events import Event
from ._connections import Paramstyle, styled

CREATE_TABLE = """\
CREATE TABLE IF NOT EXISTS clerk_webhook_inbox (
    kind text NOT NULL,
    id text NOT NULL,
    version text NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (kind, id)
)"""
"""The table, for Alembic's `op.execute`, Django's `RunSQL` or psql. `seen_at` is in seconds since the epoch."""

# One text for PostgreSQL and SQLite, with "?" for each parameter.
RECORD = (
    "INSERT INTO clerk_webhook_inbox AS known (kind, id, version, seen_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at "
    "WHERE known.version < excluded.version RETURNING version"
)
# The kind of a message starts with a dot. No event's kind has a dot, so a scope of record_newest comes after one.
_MESSAGE = ".message"
_VERSION_OF_MESSAGE = f"{0:015}.{0:015}."
PURGE = "DELETE FROM clerk_webhook_inbox WHERE substr(kind, 1, 1) = '.' AND seen_at < ? RETURNING kind"

# Fifteen digits, which is milliseconds until the year 33658.
_MILLIS_LIMIT = 10**15
# The Dashboard's "Send Example" has seconds in `timestamp`. `Event.occurred_at` tells them apart by the same number.
_LEAST_MILLIS = 10**11
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
            if record_newest(connection, Version("user", user.id, user.updated_at)):
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

        A time is a whole number from 0 to 10**15 - 1. If `updated_at` is missing or no time, the event's `timestamp`
        stands in for it. If both are, they count as 0.

        Args:
            event: An event of any type, `UnknownEvent` included.

        Raises:
            ValueError: The payload has no `id`.
            TypeError: This is no event.

        Example:
            ```python
            sql, parameters = Version.of(event).statement("numeric_dollar")
            ```
        """
        refuse_others(event)
        wire_type = event.payload["type"]
        data: dict[str, Any] = event.data if isinstance(event.data, _DICT) else {}
        resource_id = data.get("id")
        if not (isinstance(resource_id, str) and resource_id):
            raise ValueError(f"{wire_type} has no data.id to order it by. record_once() goes by the message id.")
        timestamp = _millis(event.payload.get("timestamp")) or 0
        if timestamp < _LEAST_MILLIS:
            timestamp *= 1000
        updated_at = _millis(data.get("updated_at"))
        return cls(
            kind=wire_type.partition(".")[0],
            id=resource_id,
            updated_at=timestamp if updated_at is None else updated_at,
            timestamp=timestamp,
            message_id=event.message_id or "",
            deleted=wire_type.endswith(".deleted"),
        )

    def statement(self, paramstyle: Paramstyle = "format", scope: str = "") -> tuple[str, tuple[str, str, str, int]]:
        """Return the statement that records this version: for a driver that `record_newest` does not know.

        Execute it inside a transaction, and do the effect in the same transaction if a row comes back. Do not look at
        the driver's row count, because some drivers count before they fetch.

        Args:
            paramstyle: `"format"` for `%s`, `"qmark"` for `?`, `"numeric_dollar"` for `$1`.
            scope: As in `record_newest`.

        Returns:
            The SQL text, and its four parameters.

        Raises:
            ValueError: `updated_at` or `timestamp` is not an integer from 0 to 10**15 - 1, or `kind` is empty or has a
                dot.

        Example:
            ```python
            sql, parameters = Version.of(event).statement("qmark")
            is_newest = bool(driver.execute(sql, parameters).fetchall())
            ```
        """
        return STATEMENTS[paramstyle], record(self, scope)


STATEMENTS = {style: styled(RECORD, style) for style in get_args(Paramstyle)}


def refuse_others(event: object) -> None:
    """Raise `TypeError` for anything but an event."""
    if not isinstance(event, Event):
        raise TypeError(f"An event is wanted, not {type(event).__name__}: parse_event(payload, message_id=message_id).")


def of_resource(kind: str, resource: Mapping[str, object]) -> Version:
    """Return the version of an object of the Backend API."""
    if not hasattr(resource, "get"):
        raise TypeError(
            f"A page has the objects of Clerk's API as dicts, as in its JSON, not {type(resource).__name__}."
        )
    resource_id = resource.get("id")
    if not (isinstance(resource_id, str) and resource_id):
        raise ValueError(f"An object of the kind {kind} has no id.")
    return Version(kind, resource_id, _millis(resource.get("updated_at")) or 0)


def record_of_message(message_id: str, scope: str) -> tuple[str, str, str, int]:
    """Return the row of the table that records a message."""
    kind = f"{_MESSAGE}.{scope}" if scope else _MESSAGE
    return kind, message_id, _VERSION_OF_MESSAGE, int(time.time())


def record(version: Version, scope: str) -> tuple[str, str, str, int]:
    """Return the row of the table that records a version."""
    if not version.kind or "." in version.kind:
        raise ValueError('The kind of a Version is the part of the event type before the dot: "user".')
    return f"{version.kind}.{scope}" if scope else version.kind, version.id, as_text(version), int(time.time())


def as_text(version: Version) -> str:
    """Return a version as text that sorts as versions do."""
    if not (_is_millis(version.updated_at) and _is_millis(version.timestamp)):
        raise ValueError("updated_at and timestamp must be integers: milliseconds since the epoch.")
    # A letter sorts after digits in every collation. "~" does not under ICU.
    return "deleted" if version.deleted else f"{version.updated_at:015}.{version.timestamp:015}.{version.message_id}"


def _millis(value: object) -> int | None:
    """Return a time as an integer, if it is one: some encoders of JSON write 1700000000000.0."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if _is_millis(value) else None


def _is_millis(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < _MILLIS_LIMIT
