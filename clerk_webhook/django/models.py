"""The tables of the inbox and of the mirror as models."""

from __future__ import annotations

from django.db import models


class InboxRecord(models.Model):
    """A row of the inbox: the newest version of a resource that was applied, or a message that was handled."""

    pk = models.CompositePrimaryKey("kind", "id")
    kind = models.TextField()
    id = models.TextField()
    version = models.TextField()
    seen_at = models.BigIntegerField(help_text="In seconds since the epoch.")

    class Meta:
        """The table of `clerk_webhook.inbox.CREATE_TABLE`."""

        db_table = "clerk_webhook_inbox"

    def __str__(self) -> str:
        """Return the key."""
        return f"{self.kind} {self.id}"
