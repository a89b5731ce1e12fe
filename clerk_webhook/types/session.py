"""Payloads of ``session.*``."""

from typing import Any, Literal, NotRequired, TypedDict

from .shared import UnixMillis
from .user import UserJSON


class SessionActivityJSON(TypedDict):
    """Where a session was last used, in ``session.*``."""

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


class SessionJSON(TypedDict):
    """That a user is signed in on a client, and who it is: ``session.*``."""

    object: Literal["session"]

    id: str

    user_id: str

    client_id: str
    """The browser or device that it belongs to."""

    actor: NotRequired[dict[str, Any] | None]
    """Who acts as the user, where somebody impersonates them: `sub` is the id of the impersonator."""

    status: Literal["active", "pending", "revoked", "ended", "expired", "removed", "abandoned", "replaced"]
    """`"pending"` is in ``session.pending``, though Clerk's schema has forgotten it."""

    last_active_organization_id: NotRequired[str | None]
    """The organization that was last active in it."""

    last_active_at: UnixMillis
    """In milliseconds since the epoch."""

    latest_activity: NotRequired[SessionActivityJSON | None]

    expire_at: UnixMillis
    """When it ends whatever happens, in milliseconds since the epoch."""

    abandon_at: UnixMillis
    """When it ends if it isn't used, in milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    user: UserJSON | None
    """The user as of now. Null in places, by Clerk's TypeScript: `user_id` is always there."""
