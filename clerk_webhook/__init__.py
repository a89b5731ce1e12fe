"""Verify Clerk webhooks and get typed events, in any framework.

from clerk_webhook import events, verify_and_parse

event = verify_and_parse(request.headers, request.body)  # secret from the environment
if event.type == "user.created":
    print(event.data["email_addresses"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import events
from ._headers import Headers
from ._parse import parse_event
from .errors import (
    ClerkWebhookError,
    InvalidHeaderError,
    MissingHeaderError,
    PayloadError,
    SecretError,
    SignatureMismatchError,
    TimestampError,
    TimestampTooNewError,
    TimestampTooOldError,
    WebhookVerificationError,
)
from .events import UnknownEvent, WebhookEvent, WebhookEventType
from .webhook import Message, Webhook, verify, verify_and_parse

if TYPE_CHECKING:
    from . import types
else:

    def __getattr__(name: str) -> object:
        # Sixty TypedDicts are needed by type checkers, and at run time only by who asks for them.
        if name == "types":
            from importlib import import_module  # noqa: PLC0415  # needed here alone

            return import_module(".types", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ClerkWebhookError",
    "Headers",
    "InvalidHeaderError",
    "Message",
    "MissingHeaderError",
    "PayloadError",
    "SecretError",
    "SignatureMismatchError",
    "TimestampError",
    "TimestampTooNewError",
    "TimestampTooOldError",
    "UnknownEvent",
    "Webhook",
    "WebhookEvent",
    "WebhookEventType",
    "WebhookVerificationError",
    "events",
    "parse_event",
    "types",
    "verify",
    "verify_and_parse",
]
