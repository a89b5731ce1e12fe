"""The mirror in the admin, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from .models import ClerkMembership, ClerkOrganization, ClerkUser

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """Shows rows and changes none, because the next event would change them again."""

    def has_add_permission(self, *_: object, **__: object) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, *_: object, **__: object) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, *_: object, **__: object) -> bool:
        """Return False."""
        return False


_USER = ("id", "email", "first_name", "last_name")
_ORGANIZATION = ("id", "name", "slug")

admin.site.register(ClerkUser, ReadOnlyAdmin, list_display=(*_USER, "version"), search_fields=_USER)
admin.site.register(
    ClerkOrganization, ReadOnlyAdmin, list_display=(*_ORGANIZATION, "version"), search_fields=_ORGANIZATION
)
admin.site.register(
    ClerkMembership,
    ReadOnlyAdmin,
    list_display=("id", "organization_id", "user_id", "role", "version"),
    search_fields=("id", "organization__id", "organization__name", "user__id", "user__email"),
)
