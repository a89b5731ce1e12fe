"""All errors that a request or a wrong configuration can cause, by cause.

A receiver needs one `except ClerkWebhookError as error:` and can answer with `error.status`. Log `error.code`, which
is stable between releases. The message is for people, and it may change.

No error holds a secret, a body or an address. A mistake in the calling code (a `dict` as the body, `None` as the
headers) is a `TypeError` instead, because no sender can cause it.
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
    """The base of all errors of this package. It is never raised itself.

    Attributes:
        status: The HTTP status to answer with.
        code: The name of the cause, for logs and metrics. It is stable between releases.

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

    # The subclasses pass their attributes to Exception.__init__ behind the message, because pickle and copy make an
    # exception again from its `args`.
    def __str__(self) -> str:
        """Return the message alone."""
        return str(self.args[0]) if self.args else ""


class SecretError(ClerkWebhookError):
    """The receiver is misconfigured: it has no signing secret, or one that cannot be a signing secret."""

    status = 500
    code = "invalid_secret"


class WebhookVerificationError(ClerkWebhookError):
    """The request is not a genuine message. This class is never raised itself."""

    status = 400
    code = "verification_failed"


class MissingHeaderError(WebhookVerificationError):
    """At least one of the three signature headers is missing or empty.

    Attributes:
        missing: The names of all missing headers, such as `("svix-id", "svix-signature")`.
    """

    code = "missing_header"

    def __init__(self, message: str, missing: tuple[str, ...]) -> None:
        """Keep the names of the headers beside the message."""
        super().__init__(message, missing)
        self.missing = missing


class InvalidHeaderError(WebhookVerificationError):
    """A signature header is malformed, or it was sent twice with different values.

    Attributes:
        name: The name of the header, such as `"svix-timestamp"`. Empty if the framework could not decode one of all
            the headers.
    """

    code = "invalid_header"

    def __init__(self, message: str, name: str) -> None:
        """Keep the name of the header beside the message."""
        super().__init__(message, name)
        self.name = name


class TimestampError(WebhookVerificationError):
    """The attempt was signed too long ago, or in the future. This class is never raised itself.

    Attributes:
        timestamp: The time of signing, in whole seconds since the epoch.
        skew: The age of the attempt by the clock of this machine, in seconds. Negative for the future.
        tolerance: The largest tolerated skew, both ways, in seconds.
    """

    code = "timestamp_out_of_tolerance"

    def __init__(self, message: str, timestamp: int, skew: int, tolerance: float) -> None:
        """Keep the figures beside the message."""
        super().__init__(message, timestamp, skew, tolerance)
        self.timestamp = timestamp
        self.skew = skew
        self.tolerance = tolerance


class TimestampTooOldError(TimestampError):
    """The attempt is older than the tolerance: it was delayed, or it is a replay."""

    code = "timestamp_too_old"


class TimestampTooNewError(TimestampError):
    """The attempt was signed further in the future than the tolerance: one of two clocks is wrong."""

    code = "timestamp_too_new"


class SignatureMismatchError(WebhookVerificationError):
    """None of the signing secrets made a `v1` entry of the signature header.

    Attributes:
        versions: The versions in the signature header, such as `("v1", "v1a")`: each once, in order, at most 32.
            Entries that do not start with a version are left out.
    """

    code = "signature_mismatch"

    def __init__(self, message: str, versions: tuple[str, ...]) -> None:
        """Keep the versions beside the message."""
        super().__init__(message, versions)
        self.versions = versions


class PayloadError(ClerkWebhookError):
    """The message is genuine, but its body is not a Clerk event.

    Attributes:
        message_id: The `svix-id` header. None if the body was parsed without its headers.
    """

    status = 400
    code = "invalid_payload"

    def __init__(self, message: str = "", message_id: str | None = None) -> None:
        """Keep the id beside the message."""
        super().__init__(message, message_id)
        self.message_id = message_id
