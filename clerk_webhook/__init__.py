"""Verify Clerk webhooks and get typed events, in any framework.

Example:
    ```python
    from clerk_webhook import verify_and_parse

    event = verify_and_parse(request.headers, request.body)  # the secret comes from the environment
    if event.type == "user.created":
        print(event.data["email_addresses"])
    ```
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
    from .endpoint import Endpoint
    from .handlers import Handlers
else:

    def __getattr__(name: str) -> object:
        # Imported on demand, because few receivers need them: sixty TypedDicts, and asyncio for the endpoint.
        from importlib import import_module  # noqa: PLC0415  # needed here alone

        if name == "types":
            return import_module(".types", __name__)
        if name in {"Endpoint", "Handlers"}:
            return getattr(import_module(f".{name.lower()}", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ClerkWebhookError",
    "Endpoint",
    "Handlers",
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
