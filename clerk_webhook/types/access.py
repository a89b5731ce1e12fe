"""The data of ``role.*`` and ``permission.*``."""

from typing import Literal, NotRequired, TypedDict

from .shared import UnixMillis


class PermissionJSON(TypedDict):
    """A permission that roles can grant, in ``permission.created`` and ``permission.updated``.

    The roles of ``role.created`` and ``role.updated`` hold permissions too.
    """

    object: Literal["permission"]

    id: str

    name: str
    """The permission's name for people."""

    key: str
    """The permission's name in code, such as `"org:invoices:read"`."""

    description: str

    type: NotRequired[str]
    """`"system"` for Clerk's own permissions, `"user"` for yours. The Dashboard's "Send Example" has `"custom"`. Clerk
    may add to these."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class RoleJSON(TypedDict):
    """A role that members of an organization can have, in ``role.created`` and ``role.updated``."""

    object: Literal["role"]

    id: str

    name: str
    """The role's name for people."""

    key: str
    """The role's name in code, such as `"org:admin"`."""

    description: str | None

    is_creator_eligible: bool
    """True if the creator of an organization may get this role."""

    permissions: list[PermissionJSON]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""
