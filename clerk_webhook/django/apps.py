"""The app: `INSTALLED_APPS += ["clerk_webhook.django"]`."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

from .checks import check_database, check_secret


class ClerkWebhookConfig(AppConfig):
    """The tables of the inbox and of the mirror as models, read-only in the admin, and two system checks."""

    name = "clerk_webhook.django"
    label = "clerk_webhook"
    verbose_name: Any = "Clerk"  # a str, which a translation need not be

    def ready(self) -> None:
        """Register the checks. `manage.py check --deploy` asks for the secret too."""
        register(check_database)
        register(check_secret, deploy=True)
