"""Payloads of ``waitlistEntry.*``."""

from typing import Literal, NotRequired, TypedDict

from .shared import Metadata, UnixMillis


class InvitationJSON(TypedDict):
    """An invitation to the application, in ``waitlistEntry.*`` once there is one."""

    object: Literal["invitation"]

    id: str

    email_address: str

    public_metadata: Metadata | None

    revoked: NotRequired[bool]

    status: Literal["pending", "accepted", "revoked", "expired"]

    url: NotRequired[str]
    """Where the invitation is accepted. Treat it as a secret."""

    expires_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class WaitlistEntryJSON(TypedDict):
    """Somebody who waits to be let in: ``waitlistEntry.created`` and ``waitlistEntry.updated``."""

    object: Literal["waitlist_entry"]
    """The Dashboard's "Send Example" writes `"waitlistEntry"`."""

    id: str

    email_address: str

    status: Literal["pending", "invited", "rejected", "completed"]

    is_locked: NotRequired[bool]
    """Whether it is part of a batch that is being processed."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""

    invitation: NotRequired[InvitationJSON | None]
