"""Every error that this package raises for what it was sent, by cause.

A receiver needs one `except ClerkWebhookError as error:` and can answer with `error.status`. Log
`error.code`, which is stable between releases; the message is for people, and may be improved.

No error holds a secret, a body or an address. A mistake in the calling code (a `dict` for a body, `None`
for the headers) is a `TypeError` instead: it can't be provoked from outside.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ClerkWebhookError",
    "InvalidHeaderError",
    "MissingHeaderError",
    "PayloadError",
    "SecretError",
    "SignatureMismatchError",
    "TimestampError",
    "TimestampTooNewError",
    "TimestampTooOldError",
    "WebhookVerificationError",
]


class ClerkWebhookError(Exception):
    """Base of all errors of this package; never raised itself.

    Attributes:
        status: The HTTP status to answer with.
        code: A stable name of the cause, for logs and metrics.

    Example:
        ```python
        try:
            event = verify_and_parse(request.headers, request.body)
        except ClerkWebhookError as error:
            return Response(status=error.status)
        ```
    """

    status: ClassVar[int]
    code: ClassVar[str]

    # The evidence is handed to Exception.__init__ behind the message, so that `args` rebuilds the error:
    # that is how pickle and copy carry exceptions over, to another process for example.
    def __str__(self) -> str:
        """Return the message alone."""
        return str(self.args[0]) if self.args else ""


class SecretError(ClerkWebhookError):
    """The receiver is misconfigured: there is no signing secret, or what was given can't be one."""

    status = 500
    code = "invalid_secret"


class WebhookVerificationError(ClerkWebhookError):
    """The request isn't a genuine message, as far as can be told; never raised itself."""

    status = 400
    code = "verification_failed"


class MissingHeaderError(WebhookVerificationError):
    """One or more of the three signature headers are missing or empty.

    Attributes:
        missing: The names of all that are missing, such as `("svix-id", "svix-signature")`.
    """

    code = "missing_header"

    def __init__(self, message: str, missing: tuple[str, ...]) -> None:
        """Keep the names of the headers beside the message."""
        super().__init__(message, missing)
        self.missing = missing


class InvalidHeaderError(WebhookVerificationError):
    """A signature header is malformed, or was sent twice with different values.

    Attributes:
        name: The name of the header, such as `"svix-timestamp"`.
    """

    code = "invalid_header"

    def __init__(self, message: str, name: str) -> None:
        """Keep the name of the header beside the message."""
        super().__init__(message, name)
        self.name = name


class TimestampError(WebhookVerificationError):
    """The attempt was signed too far from now; never raised itself, see its two subclasses.

    Attributes:
        timestamp: When the attempt was signed, in whole seconds since the epoch.
        skew: How many seconds ago that was by this machine's clock; negative for the future.
        tolerance: How many seconds are tolerated, either way.
    """

    code = "timestamp_out_of_tolerance"

    def __init__(self, message: str, timestamp: int, skew: int, tolerance: float) -> None:
        """Keep the figures beside the message."""
        super().__init__(message, timestamp, skew, tolerance)
        self.timestamp = timestamp
        self.skew = skew
        self.tolerance = tolerance


class TimestampTooOldError(TimestampError):
    """The attempt was signed longer ago than the tolerance: it was delayed, or is being replayed."""

    code = "timestamp_too_old"


class TimestampTooNewError(TimestampError):
    """The attempt was signed further in the future than the tolerance: one of two clocks is wrong."""

    code = "timestamp_too_new"


class SignatureMismatchError(WebhookVerificationError):
    """No `v1` entry of the signature header was made with one of the signing secrets.

    Attributes:
        versions: The signature versions seen, such as `("v1", "v1a")`, each once and in order; those that
            don't look like a version are left out.
    """

    code = "signature_mismatch"

    def __init__(self, message: str, versions: tuple[str, ...]) -> None:
        """Keep the versions beside the message."""
        super().__init__(message, versions)
        self.versions = versions


class PayloadError(ClerkWebhookError):
    """The body isn't a Clerk event: not UTF-8 JSON, or without what every event has."""

    status = 400
    code = "invalid_payload"
