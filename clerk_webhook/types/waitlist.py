"""The data of ``waitlistEntry.*``."""

from typing import Literal, NotRequired, TypedDict

from .shared import Metadata, UnixMillis


class InvitationJSON(TypedDict):
    """An invitation to the application, in ``waitlistEntry.*`` if the entry has one."""

    object: Literal["invitation"]

    id: str

    email_address: str

    public_metadata: Metadata | None

    revoked: NotRequired[bool]

    status: Literal["pending", "accepted", "revoked", "expired"]

    url: NotRequired[str]
    """The address that accepts the invitation. Treat it as a secret."""

    expires_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class WaitlistEntryJSON(TypedDict):
    """An entry in the waitlist, in ``waitlistEntry.created`` and ``waitlistEntry.updated``."""

    object: Literal["waitlist_entry", "waitlistEntry"]
    """`"waitlistEntry"` in the Dashboard's "Send Example"."""

    id: str

    email_address: str

    status: Literal["pending", "invited", "rejected", "completed"]

    is_locked: NotRequired[bool]
    """True while a batch action works on the entry."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""

    invitation: NotRequired[InvitationJSON | None]
