"""The tables of the inbox and of the mirror as models.

They are for reading: the inbox and the mirror write them. A foreign key of yours to `ClerkUser` is a foreign key of the
database, because the mirror never deletes a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django.db import models

if TYPE_CHECKING:
    _Text: TypeAlias = models.TextField[str, str]
    _TextOrNull: TypeAlias = models.TextField[str | None, str | None]
    _Seconds: TypeAlias = models.BigIntegerField[int, int]

__all__ = ["ClerkMembership", "ClerkOrganization", "ClerkUser", "InboxRecord"]


class InboxRecord(models.Model):
    """A row of the inbox: the newest version of a resource that was applied, or a message that was handled."""

    pk: Any = models.CompositePrimaryKey("kind", "id")
    kind: _Text = models.TextField()
    id: _Text = models.TextField()
    version: _Text = models.TextField()
    seen_at: _Seconds = models.BigIntegerField()  # in seconds since the epoch

    class Meta:
        """The table of `clerk_webhook.inbox.CREATE_TABLE`."""

        db_table = "clerk_webhook_inbox"

    def __str__(self) -> str:
        """Return the key."""
        return f"{self.kind} {self.id}"


class _Mirrored(models.Model):
    """The columns that all tables of the mirror have."""

    id: _Text = models.TextField(primary_key=True)
    version: _Text = models.TextField(default="")  # "" before the first event, "deleted" after the last one
    seen_at: _Seconds = models.BigIntegerField(default=0)  # in seconds since the epoch

    class Meta:
        """No table of its own."""

        abstract = True

    def __str__(self) -> str:
        """Return the id, which is no personal data."""
        return self.id


class ClerkUser(_Mirrored):
    """A user of Clerk."""

    email: _TextOrNull = models.TextField(null=True)  # noqa: DJ001  # null is what Clerk does not know
    first_name: _TextOrNull = models.TextField(null=True)  # noqa: DJ001
    last_name: _TextOrNull = models.TextField(null=True)  # noqa: DJ001

    class Meta(_Mirrored.Meta):
        """The table of `clerk_webhook.mirror`."""

        db_table = "clerk_users"


class ClerkOrganization(_Mirrored):
    """An organization of Clerk."""

    name: _TextOrNull = models.TextField(null=True)  # noqa: DJ001
    slug: _TextOrNull = models.TextField(null=True)  # noqa: DJ001

    class Meta(_Mirrored.Meta):
        """The table of `clerk_webhook.mirror`."""

        db_table = "clerk_organizations"


class ClerkMembership(_Mirrored):
    """A user in an organization. Either row can come later, so the database does not hold the two foreign keys."""

    organization: models.ForeignKey[ClerkOrganization | None, ClerkOrganization | None] = models.ForeignKey(
        ClerkOrganization, models.DO_NOTHING, related_name="memberships", null=True, db_constraint=False, db_index=False
    )
    user: models.ForeignKey[ClerkUser | None, ClerkUser | None] = models.ForeignKey(
        ClerkUser, models.DO_NOTHING, related_name="memberships", null=True, db_constraint=False, db_index=False
    )
    role: _TextOrNull = models.TextField(null=True)  # noqa: DJ001

    class Meta(_Mirrored.Meta):
        """The table of `clerk_webhook.mirror`."""

        db_table = "clerk_memberships"
        indexes: tuple[models.Index, ...] = (  # with the names that the mirror gives them
            models.Index(fields=["organization"], name="clerk_memberships_organization"),
            models.Index(fields=["user"], name="clerk_memberships_user"),
        )
