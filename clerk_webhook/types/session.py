"""The data of ``session.*``."""

from typing import Any, Literal, NotRequired, TypedDict

from .shared import UnixMillis
from .user import UserJSON


class SessionActivityJSON(TypedDict):
    """The device and the place of the last use of a session, in ``session.*``."""

    object: str
    """`"session_activity"`."""

    id: str

    device_type: NotRequired[str]

    is_mobile: bool

    browser_name: NotRequired[str]

    browser_version: NotRequired[str]

    ip_address: NotRequired[str]

    city: NotRequired[str]

    country: NotRequired[str]


class SessionTaskJSON(TypedDict):
    """A task that a user has to finish before a session is active, in ``session.*``."""

    key: str
    """`"choose-organization"`, `"reset-password"` or `"setup-mfa"`. Clerk may add to these."""


class SessionJSON(TypedDict):
    """A session: a user who is signed in on a client, in ``session.*``."""

    object: Literal["session"]

    id: str

    user_id: str

    client_id: str
    """The id of the browser or device."""

    actor: NotRequired[dict[str, Any] | None]
    """The impersonator, if somebody acts as the user: `sub` is the impersonator's id."""

    status: Literal["active", "pending", "revoked", "ended", "expired", "removed", "abandoned", "replaced"]
    """``session.pending`` has `"pending"`, which Clerk's schema lacks."""

    tasks: NotRequired[list[SessionTaskJSON] | None]
    """The unfinished tasks, in ``session.pending``. Clerk's TypeScript has this key; its schema does not."""

    last_active_organization_id: NotRequired[str | None]
    """The id of the organization that was last active in the session."""

    last_active_at: UnixMillis
    """In milliseconds since the epoch."""

    latest_activity: NotRequired[SessionActivityJSON | None]

    expire_at: UnixMillis
    """The time when the session ends at the latest, in milliseconds since the epoch."""

    abandon_at: UnixMillis
    """The time when an unused session ends, in milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    user: NotRequired[UserJSON | None]
    """The user. Clerk added this key in November 2025, and its TypeScript allows null: rely on `user_id`."""
