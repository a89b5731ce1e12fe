"""A route of the application's own: verify its request, and log a refusal as an endpoint does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeAlias

from .endpoint.log import Attempt, log_attempt
from .errors import ClerkWebhookError, PayloadError
from .webhook import Webhook, verify_and_parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._headers import Headers
    from .events import WebhookEvent

__all__ = ["MAX_BODY", "RefusedError", "Source", "check_source", "incomplete", "too_large", "verify"]

MAX_BODY: Final = 1 << 20
"""The largest body that is read by default, in bytes. Clerk's bodies have up to about 350 kB."""

Source: TypeAlias = "Webhook | Callable[[], Webhook]"
"""A `Webhook`, or a function that returns one and is called at each request."""


class RefusedError(Exception):
    """The request is refused, and the refusal is logged.

    Attributes:
        status: The HTTP status of the answer.
        reason: The reason, for the answer: the code of the error. A wrong configuration is not told to strangers.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str]) -> None:
        """Keep the parts of the answer."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


def check_source(webhook: Source | None) -> None:
    """Refuse a source that can never work, such as a signing secret, when the route is made.

    Raises:
        TypeError: The source is neither a `Webhook` nor a function.
    """
    if not (webhook is None or isinstance(webhook, Webhook) or callable(webhook)):
        raise TypeError(f"webhook must be a Webhook, such as Webhook('whsec_...'), not {type(webhook).__name__}.")


def verify(webhook: Source | None, headers: Headers, body: bytes) -> WebhookEvent:
    """Return the event of a genuine request.

    Args:
        webhook: The `Webhook`, or the function that returns it. None: the secret of the environment, as it is now.
        headers: All headers of the request.
        body: The raw body.

    Raises:
        RefusedError: The request is not genuine, or its body cannot be read, or the secret is missing or wrong.
    """
    started = time.perf_counter()
    try:
        if webhook is None:
            return verify_and_parse(headers, body)
        return (webhook if isinstance(webhook, Webhook) else webhook()).verify_and_parse(headers, body)
    except ClerkWebhookError as error:
        duration = time.perf_counter() - started
        if error.status == 500:  # noqa: PLR2004  # a SecretError
            log_attempt(Attempt("failed", error.status, error.code, None, None, duration, error))
            raise RefusedError(error.status, "Internal Server Error", {}) from error
        log_attempt(Attempt("refused", error.status, error.code, None, None, duration, error))
        # The next attempt would bring the same unreadable body: https://docs.svix.com/receiving/delivery-control
        control = {"webhook-delivery": "abort-message"} if isinstance(error, PayloadError) else {}
        raise RefusedError(error.status, error.code, control) from error


def too_large() -> RefusedError:
    """Log a body that is larger than the limit, and return its refusal."""
    log_attempt(Attempt("too_large", 413, None, None, None, 0.0, None))
    return RefusedError(413, "too_large", {})


def incomplete() -> RefusedError:
    """Log a body that broke off, and return its refusal."""
    log_attempt(Attempt("refused", 400, "incomplete_body", None, None, 0.0, None))
    return RefusedError(400, "incomplete_body", {})
