"""A route of the application's own: its request is verified, and a refusal is logged, as an endpoint does both."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from .endpoint.answers import ABORT_HEADERS
from .endpoint.log import Attempt, log_attempt
from .errors import ClerkWebhookError, PayloadError, SecretError
from .webhook import Webhook, verify_and_parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._headers import Headers
    from .endpoint.answers import Outcome, Unread
    from .events import WebhookEvent

__all__ = ["MAX_BODY", "Refusal", "WebhookSource", "check_source", "receive"]

MAX_BODY: Final = 1 << 20
"""The largest body that is read by default, in bytes. Clerk's bodies have up to about 350 kB."""

WebhookSource: TypeAlias = "Webhook | Callable[[], Webhook]"
"""A `Webhook`, or a function that returns one and is called at each request."""


class Refusal(NamedTuple):
    """The answer to a request that is refused.

    Attributes:
        status: The HTTP status.
        reason: The code of the error, which tells the sender nothing new. A wrong configuration is not told at all.
        headers: Further headers.
    """

    status: int
    reason: str
    headers: Mapping[str, str]


def check_source(webhook: WebhookSource | None) -> None:
    """Refuse a source that can never work, such as a bare secret, as soon as the route is made.

    Raises:
        TypeError: The source is neither a `Webhook` nor a function.
    """
    kind = type(webhook).__name__
    fits = webhook is None or isinstance(webhook, Webhook) or callable(webhook)
    del webhook  # a secret, perhaps, and error reporters record local variables
    if not fits:
        raise TypeError(f'webhook must be a Webhook, such as Webhook("whsec_..."), not {kind}.')


def receive(webhook: WebhookSource | None, headers: Headers, body: bytes | Unread) -> WebhookEvent | Refusal:
    """Return the event of a genuine request, or log and return the refusal.

    Args:
        webhook: The `Webhook`, or the function that returns it. None: the secret of the environment, as it is now.
        headers: All headers of the request.
        body: The raw body, or the reason why it cannot be read.
    """
    if body == "too_large":
        return _refuse(Attempt("too_large", 413, None, None, None, 0.0, None), "too_large")
    if isinstance(body, str):
        return _refuse(Attempt("refused", 400, "incomplete_body", None, None, 0.0, None), "incomplete_body")
    started = time.perf_counter()
    try:
        if webhook is None:
            return verify_and_parse(headers, body)
        return (webhook if isinstance(webhook, Webhook) else webhook()).verify_and_parse(headers, body)
    except ClerkWebhookError as error:
        wrong_secret, unreadable = isinstance(error, SecretError), isinstance(error, PayloadError)
        outcome: Outcome = "failed" if wrong_secret else "unreadable" if unreadable else "refused"
        duration = time.perf_counter() - started
        return _refuse(
            Attempt(outcome, error.status, error.code, None, None, duration, error),
            "Internal Server Error" if wrong_secret else error.code,
            ABORT_HEADERS if unreadable else {},
        )


def _refuse(attempt: Attempt, reason: str, headers: Mapping[str, str] | None = None) -> Refusal:
    log_attempt(attempt)
    return Refusal(attempt.status, reason, headers or {})
