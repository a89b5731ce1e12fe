"""System checks: the mistakes that would otherwise show at the first message."""

from __future__ import annotations

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import connections, router

from ..errors import SecretError
from ..inbox import _django as inbox
from ..webhook import SECRET_VARIABLES
from . import webhook_from_settings


def check_secret(**_: object) -> list[CheckMessage]:
    """Return an error if the secret is missing or cannot be one."""
    try:
        webhook_from_settings()
    except SecretError as error:
        hint = f"Set settings.{SECRET_VARIABLES[0]}. Silence this check if each endpoint has a Webhook of its own."
        return [Error(str(error), hint, id="clerk_webhook.E001")]
    return []


def check_database(**_: object) -> list[CheckMessage]:
    """Return an error if the inbox and the mirror cannot use the database that their models are in."""
    try:
        inbox.check_vendor(connections[router.db_for_write(apps.get_model("clerk_webhook", "InboxRecord"))])
    except RuntimeError as error:
        return [Error(str(error), id="clerk_webhook.E002")]
    return []
