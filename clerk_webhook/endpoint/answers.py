"""The answers of an endpoint: every outcome with its status, and the protocol that a transport relies on.

Svix sends a message until it gets a 2xx within 15 s: at once, then again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and
10 h (https://docs.svix.com/retries). So a 2xx says "done, or not for us", and everything else says "send it again".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from .._headers import Headers

__all__ = ["ABORT_HEADERS", "LEVELS", "Outcome", "Receiver", "Response", "Unread", "respond"]

Outcome: TypeAlias = Literal[
    "handled",
    "ignored",
    "duplicate",
    "in_progress",
    "refused",
    "unreadable",
    "too_large",
    "method_not_allowed",
    "aborted",
    "failed",
    "unavailable",
    "cancelled",
]
"""The result of an attempt.

`"ignored"`: the message is genuine, and no handler takes it. `"refused"`: the message is not genuine.
`"unreadable"`: the message is genuine, and not a Clerk event. `"unavailable"`: the store failed to claim the message.
"""

Unread: TypeAlias = Literal["method_not_allowed", "too_large", "refused"]
"""The outcomes that are known before the body is read."""

# "stops retries of the message just sent" (https://docs.svix.com/receiving/delivery-control).
ABORT_HEADERS: Final[Mapping[str, str]] = {"webhook-delivery": "abort-message"}
"""The headers of an answer that tells Svix to stop sending the message."""

# The status policy.
_POLICY: Mapping[Outcome, tuple[int, Mapping[str, str]]] = {
    "handled": (200, {}),
    # Svix would send anything else again for 27 hours, and then disable the endpoint.
    "ignored": (200, {}),
    "duplicate": (200, {}),
    "in_progress": (409, {"retry-after": "5"}),
    # The answer does not say why: the reason is in the log, and a forger learns nothing.
    "refused": (400, {}),
    # The same body will never be readable.
    "unreadable": (400, ABORT_HEADERS),
    "too_large": (413, {}),
    # RFC 9110, section 15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
    "method_not_allowed": (405, {"allow": "POST"}),
    "aborted": (400, ABORT_HEADERS),
    "failed": (500, {}),
    "unavailable": (503, {"retry-after": "30"}),
    # The server answers a cancelled request itself, if at all.
    "cancelled": (503, {}),
}

LEVELS: Mapping[Outcome, int] = {
    "refused": logging.WARNING,
    "unreadable": logging.WARNING,
    "too_large": logging.WARNING,
    "aborted": logging.WARNING,
    "cancelled": logging.WARNING,
    "failed": logging.ERROR,
    "unavailable": logging.ERROR,
}
"""The level at which an outcome is logged, if it is not INFO."""


class Response(NamedTuple):
    """The answer to a request.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case; `content-length` is among them.
        body: The outcome as plain text, because Svix shows it beside the attempt. Empty for `"handled"`.
    """

    status: int
    headers: dict[str, str]
    body: bytes


def respond(outcome: Outcome) -> Response:
    """Return the answer to an outcome.

    Args:
        outcome: The result of the attempt.
    """
    status, headers = _POLICY[outcome]
    # Send no body on success: some servers use a second packet for it.
    body = b"" if outcome == "handled" else outcome.encode()
    always = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
    return Response(status, {**always, **headers}, body)


class Receiver(Protocol):
    """The part of an `Endpoint` that transports and framework modules rely on."""

    @property
    def max_body(self) -> int:
        """The largest body that is read, in bytes."""
        ...

    def precheck(self, method: str, content_length: str | bytes | int | None) -> Response | None:
        """Answer a request whose body need not be read."""
        ...

    def refuse(self, outcome: Unread) -> Response:
        """Answer a request whose body cannot be read."""
        ...

    def handle(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and run its handlers in this thread."""
        ...

    async def handle_async(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and run its handlers."""
        ...
