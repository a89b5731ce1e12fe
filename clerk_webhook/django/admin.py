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


@admin.register(ClerkUser)
class ClerkUserAdmin(ReadOnlyAdmin):
    """Users."""

    list_display = ("id", "email", "first_name", "last_name", "version")
    search_fields = ("id", "email", "first_name", "last_name")


@admin.register(ClerkOrganization)
class ClerkOrganizationAdmin(ReadOnlyAdmin):
    """Organizations."""

    list_display = ("id", "name", "slug", "version")
    search_fields = ("id", "name", "slug")


@admin.register(ClerkMembership)
class ClerkMembershipAdmin(ReadOnlyAdmin):
    """Memberships."""

    list_display = ("id", "organization_id", "user_id", "role", "version")
    search_fields = ("id", "organization__id", "organization__name", "user__id", "user__email")
