"""Payloads of ``role.*`` and ``permission.*``."""

from typing import Literal, NotRequired, TypedDict

from .shared import UnixMillis


class PermissionJSON(TypedDict):
    """Something that a role can allow: ``permission.created`` and ``permission.updated``.

    Also inside the roles of ``role.created`` and ``role.updated``.
    """

    object: Literal["permission"]

    id: str

    name: str
    """For people."""

    key: str
    """What code refers to, such as `"org:invoices:read"`."""

    description: str

    type: NotRequired[str]
    """`"system"` for Clerk's own, `"user"` for yours; the Dashboard's "Send Example" writes `"custom"`. Clerk may
    add to these."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class RoleJSON(TypedDict):
    """What members of an organization can be: ``role.created`` and ``role.updated``."""

    object: Literal["role"]

    id: str

    name: str
    """For people."""

    key: str
    """What code refers to, such as `"org:admin"`."""

    description: str | None

    is_creator_eligible: bool
    """Whether who creates an organization may get this role."""

    permissions: list[PermissionJSON]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""
