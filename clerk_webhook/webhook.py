"""Verify webhooks: `Webhook`, and the two functions that need none to be made.

Nothing here does I/O. The clock is an argument, and only `Webhook.from_env` and the functions that were
given no secret read the environment.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import floor
from typing import TYPE_CHECKING, Any, NamedTuple

from ._headers import find_signature_headers
from ._parse import event_from_json, parse_json
from ._signature import SigningKey, key_from_secret, matches
from .errors import (
    InvalidHeaderError,
    PayloadError,
    SecretError,
    SignatureMismatchError,
    TimestampError,
    TimestampTooNewError,
    TimestampTooOldError,
)

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from ._headers import Headers
    from .events import WebhookEvent

__all__ = ["Message", "Webhook", "verify", "verify_and_parse"]

# "We allow a tolerance of 5 minutes" either way, as all of Svix's libraries do:
# https://docs.svix.com/receiving/verifying-payloads/how-manual
_TOLERANCE = 300

# Clerk's own name first (its verifyWebhook reads it), then what most Python code uses, then its guide's.
SECRET_VARIABLES = ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "WEBHOOK_SECRET")

# What is signed before the body: the id, visible ASCII without a "." that would make it ambiguous, and the time.
_MESSAGE_ID = r"[!-\-/-~]{1,256}"
_SIGNED_PREFIX = re.compile(_MESSAGE_ID + r"\.[1-9][0-9]{0,11}\.").fullmatch
_VERSION = re.compile(r"v[0-9]{1,3}[a-z]{0,3}").fullmatch


class Message(NamedTuple):
    """What the headers of a genuine webhook say.

    Attributes:
        id: The message id: the same on every retry and manual replay, so it is what to deduplicate by.
        timestamp: When this attempt was signed, in whole seconds since the epoch.
    """

    id: str
    timestamp: int


class Webhook:
    """Verifies what one endpoint receives, and parses it.

    It is immutable and may be shared between threads. Make one at start-up: a wrong secret is found then.

    Example:
        ```python
        webhook = Webhook("whsec_...")
        event = webhook.verify_and_parse(request.headers, request.body)
        ```
    """

    __slots__ = ("_clock", "_keys", "_loads", "_tolerance")

    def __init__(
        self,
        *secrets: str | bytes,
        tolerance: float | timedelta = _TOLERANCE,
        clock: Callable[[], float] = time.time,
        loads: Callable[[bytes], Any] | None = None,
    ) -> None:
        """Decode the signing secrets.

        Args:
            secrets: The signing secrets, any of which may have signed a message: several while one is being
                rotated, or where several endpoints of Clerk have the same URL. `bytes` are a raw key.
            tolerance: How far the time of signing may be from now, either way, in seconds. `math.inf` accepts
                any time, and with it any replay.
            clock: Returns the seconds since the epoch.
            loads: Parses JSON instead of the standard library, from UTF-8 bytes: `orjson.loads` for example.

        Raises:
            SecretError: There is no secret, or one of them can't be a signing secret.
            TypeError: An argument has the wrong type.
            ValueError: The tolerance is negative or not a number.
        """
        try:
            # By map, for a comprehension has a frame of its own, and in it a secret.
            self._keys = tuple(map(SigningKey, map(key_from_secret, secrets)))
        finally:
            # Error reporters record the local variables of every frame a traceback passes through.
            del secrets
        if not self._keys:
            raise SecretError("There is no signing secret: pass one, or use Webhook.from_env().")
        seconds = tolerance if isinstance(tolerance, int | float) else tolerance.total_seconds()
        if not seconds >= 0:  # this way round it is true of NaN
            raise ValueError(f"tolerance must be 0 or more seconds, not {seconds}.")
        if loads is not None and not callable(loads):
            raise TypeError(f"loads must be a function such as json.loads, not {type(loads).__name__}.")
        self._tolerance = seconds
        self._clock = clock
        self._loads = loads

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] = os.environ,
        *,
        tolerance: float | timedelta = _TOLERANCE,
        clock: Callable[[], float] = time.time,
        loads: Callable[[bytes], Any] | None = None,
    ) -> Webhook:
        """Make one with the secret, or the secrets, of the environment.

        Read is the first that is set of `CLERK_WEBHOOK_SIGNING_SECRET`, `CLERK_WEBHOOK_SECRET` and
        `WEBHOOK_SECRET`. It may hold several secrets, separated by white space, each with its `whsec_`.

        Args:
            environ: The variables.
            tolerance: As for `Webhook`, in seconds.
            clock: As for `Webhook`.
            loads: As for `Webhook`.

        Raises:
            SecretError: None of the variables is set, or a secret in it can't be one.

        Example:
            ```python
            webhook = Webhook.from_env()
            ```
        """
        try:
            return cls(*_split(_from_environ(environ)), tolerance=tolerance, clock=clock, loads=loads)
        finally:
            del environ

    def verify(self, headers: Headers, body: bytes | bytearray | memoryview | str) -> Message:
        """Verify a request without looking into its body.

        Args:
            headers: All headers of the request, as the framework holds them.
            body: The raw body, exactly as received.

        Returns:
            The id of the message, and when this attempt was signed.

        Raises:
            WebhookVerificationError: It isn't a genuine message, or not one of now. The subclass says why.
            TypeError: These are no headers, or this is no raw body.

        Example:
            ```python
            message = webhook.verify(request.headers, request.body)
            ```
        """
        message_id, timestamp, _ = self._verify(headers, body)
        return Message(message_id, timestamp)

    def verify_and_parse(self, headers: Headers, body: bytes | bytearray | memoryview | str) -> WebhookEvent:
        """Verify a request and return the event that it brings.

        Args:
            headers: All headers of the request, as the framework holds them.
            body: The raw body, exactly as received.

        Returns:
            The event: one of the classes in `clerk_webhook.events`, by its `type`.

        Raises:
            WebhookVerificationError: It isn't a genuine message, or not one of now. The subclass says why.
            PayloadError: It is genuine, but its body isn't a Clerk event.
            TypeError: These are no headers, or this is no raw body.

        Example:
            ```python
            event = webhook.verify_and_parse(request.headers, request.body)
            if event.type == "user.created":
                print(event.data["id"])
            ```
        """
        message_id, _, raw = self._verify(headers, body)
        if self._loads is None:
            return event_from_json(parse_json(raw), message_id)
        try:
            value: Any = self._loads(raw)
            problem = ""
        except Exception as error:  # noqa: BLE001  # each parser has exceptions of its own for a bad body
            value, problem = None, type(error).__name__
        if problem:
            # Without the cause: other parsers quote the body in their messages.
            raise PayloadError(f"The body isn't JSON: {problem} from the JSON parser.")
        return event_from_json(value, message_id)

    def sign(self, message_id: str, timestamp: int | datetime, body: bytes | bytearray | memoryview | str) -> str:
        """Sign a message as Svix does, with the first of the secrets: for tests, and to send webhooks on.

        Args:
            message_id: The message id, for the `svix-id` header.
            timestamp: The time of signing: whole seconds since the epoch, or an aware `datetime`.
            body: The raw body.

        Returns:
            The entry for the `svix-signature` header, `"v1,<base64>"`.

        Raises:
            InvalidHeaderError: The id or the timestamp is one that `verify` refuses.
            TypeError: The timestamp is a `datetime` without time zone, or a body has the wrong type.

        Example:
            ```python
            signature = webhook.sign("msg_1", 1614265330, b'{"type": "user.created"}')
            ```
        """
        if not isinstance(timestamp, int):
            if timestamp.tzinfo is None:
                raise TypeError("timestamp is a datetime without time zone: which moment it means isn't clear.")
            timestamp = floor(timestamp.timestamp())
        prefix = f"{message_id}.{timestamp}."
        if not _SIGNED_PREFIX(prefix):
            raise _malformed(message_id)
        return self._keys[0].sign(prefix.encode(), _raw_body(body)).decode()

    def _verify(self, headers: Headers, body: bytes | bytearray | memoryview | str) -> tuple[str, int, bytes]:
        """Return the message id, the timestamp and the body as bytes, once all of it has been verified."""
        raw = body if type(body) is bytes else _raw_body(body)
        message_id, timestamp, signatures = find_signature_headers(headers)
        prefix = f"{message_id}.{timestamp}."
        if not _SIGNED_PREFIX(prefix):
            raise _malformed(message_id)
        seconds = int(timestamp)
        # "compare the timestamp against your system's clock, and reject outdated messages":
        # https://docs.svix.com/receiving/verifying-payloads/how-manual
        skew = floor(self._clock()) - seconds
        if not -self._tolerance <= skew <= self._tolerance:
            raise _out_of_tolerance(seconds, skew, self._tolerance)
        # "?" stands in no base64, so an entry with anything but ASCII matches nothing.
        entries = signatures.encode("ascii", "replace").split(b" ")
        if not matches(self._keys, prefix.encode(), raw, entries):
            raise _mismatch(signatures)
        return message_id, seconds, raw


def verify(
    headers: Headers,
    body: bytes | bytearray | memoryview | str,
    *,
    secret: str | bytes | None = None,
    tolerance: float | timedelta = _TOLERANCE,
) -> Message:
    """Verify a request without looking into its body: `Webhook.verify` without a `Webhook`.

    Args:
        headers: All headers of the request, as the framework holds them.
        body: The raw body, exactly as received.
        secret: The signing secret. Without it the environment is read as `Webhook.from_env` does.
        tolerance: How far the time of signing may be from now, either way, in seconds.

    Returns:
        The id of the message, and when this attempt was signed.

    Raises:
        SecretError: There is no secret, or it can't be one.
        WebhookVerificationError: It isn't a genuine message, or not one of now. The subclass says why.
        TypeError: These are no headers, or this is no raw body.

    Example:
        ```python
        message = verify(request.headers, request.body)
        ```
    """
    try:
        webhook = _webhook(secret, tolerance)
    finally:
        del secret
    return webhook.verify(headers, body)


def verify_and_parse(
    headers: Headers,
    body: bytes | bytearray | memoryview | str,
    *,
    secret: str | bytes | None = None,
    tolerance: float | timedelta = _TOLERANCE,
) -> WebhookEvent:
    """Verify a request and return the event that it brings: `Webhook.verify_and_parse` without a `Webhook`.

    Args:
        headers: All headers of the request, as the framework holds them.
        body: The raw body, exactly as received.
        secret: The signing secret. Without it the environment is read as `Webhook.from_env` does.
        tolerance: How far the time of signing may be from now, either way, in seconds.

    Returns:
        The event: one of the classes in `clerk_webhook.events`, by its `type`.

    Raises:
        SecretError: There is no secret, or it can't be one.
        WebhookVerificationError: It isn't a genuine message, or not one of now. The subclass says why.
        PayloadError: It is genuine, but its body isn't a Clerk event.
        TypeError: These are no headers, or this is no raw body.

    Example:
        ```python
        event = verify_and_parse(request.headers, request.body)
        if event.type == "user.created":
            print(event.data["id"])
        ```
    """
    try:
        webhook = _webhook(secret, tolerance)
    finally:
        del secret
    return webhook.verify_and_parse(headers, body)


def _webhook(secret: str | bytes | None, tolerance: float | timedelta) -> Webhook:
    """Return the `Webhook` for a secret, or for the environment as it is now."""
    try:
        if secret is None:
            return _made_from_env(_from_environ(os.environ), tolerance)
        return _made_from_secret(secret, tolerance)
    finally:
        del secret


@lru_cache(maxsize=8)
def _made_from_env(value: str, tolerance: float | timedelta) -> Webhook:
    """Return one `Webhook` for as long as the variable keeps its value."""
    try:
        return Webhook(*_split(value), tolerance=tolerance)
    finally:
        del value


@lru_cache(maxsize=8)
def _made_from_secret(secret: str | bytes, tolerance: float | timedelta) -> Webhook:
    """Return one `Webhook` for as long as the same secret is passed."""
    try:
        return Webhook(secret, tolerance=tolerance)
    finally:
        del secret


def _from_environ(environ: Mapping[str, str]) -> str:
    """Return the value of the first variable that is set and not blank."""
    for variable in SECRET_VARIABLES:
        value = environ.get(variable)
        if value and not value.isspace():
            return value
    del environ
    raise SecretError(
        f"No signing secret is configured: set {SECRET_VARIABLES[0]} (or {', or '.join(SECRET_VARIABLES[1:])}) to the "
        "endpoint's Signing Secret from the Clerk Dashboard, which starts with 'whsec_'."
    )


def _split(value: str) -> list[str]:
    """Return the secrets that a variable holds."""
    secrets = value.split()
    # A secret that a line break has cut in two would pass for two secrets, the second short enough to guess.
    cut = len(secrets) > 1 and not all(secret.startswith("whsec_") for secret in secrets)
    if cut:
        del value, secrets
        raise SecretError(
            "The variable holds several words, and not each starts with 'whsec_': write several secrets in full, "
            "separated by white space, or mend the one that was cut in two."
        )
    return secrets


def _malformed(message_id: str) -> InvalidHeaderError:
    """Return the error for an id and a timestamp of which the id, or else the timestamp, is malformed."""
    if not re.fullmatch(_MESSAGE_ID, message_id):
        return InvalidHeaderError(
            "svix-id must be 1 to 256 visible ASCII characters without '.': it wasn't sent by Clerk.", "svix-id"
        )
    return InvalidHeaderError(
        "svix-timestamp must be whole seconds since the epoch, in plain digits: it wasn't sent by Clerk.",
        "svix-timestamp",
    )


def _out_of_tolerance(timestamp: int, skew: int, tolerance: float) -> TimestampError:
    """Return the error for an attempt that was signed too far from now."""
    if skew > 0:
        message = (
            f"The attempt was signed {skew} s ago, and {tolerance} s are tolerated: it was held up, it is a replay, "
            "or this machine's clock is ahead."
        )
        return TimestampTooOldError(message, timestamp, skew, tolerance)
    message = (
        f"The attempt was signed {-skew} s in the future, and {tolerance} s are tolerated: this machine's clock is "
        "probably behind."
    )
    return TimestampTooNewError(message, timestamp, skew, tolerance)


def _mismatch(signatures: str) -> SignatureMismatchError:
    """Return the error for signatures of which none matches."""
    named = (entry.partition(",")[0] for entry in signatures.split(" "))
    versions = tuple(dict.fromkeys(version for version in named if _VERSION(version)))
    if "v1" in versions:
        message = (
            "No v1 signature matches: check that the signing secret is this endpoint's, and that the body is the "
            "raw bytes of the request, not JSON that was parsed and written again."
        )
    else:
        seen = f" (only {', '.join(versions[:4])})" if versions else ""
        message = f"svix-signature holds no v1 entry{seen}: Clerk signs with v1."
    return SignatureMismatchError(message, versions)


def _raw_body(body: Any) -> bytes:
    """Return the body as the bytes that were signed."""
    if isinstance(body, str):
        # A framework that decoded leniently may have left lone surrogates. Nothing genuine has any: encoded
        # like this they simply don't match, where a strict codec would raise.
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if isinstance(body, memoryview):
        return body.tobytes()
    if hasattr(body, "__await__"):
        cure = "it wasn't awaited: pass `await request.body()`."
    elif callable(body):
        cure = "it is a function: call it."
    else:
        cure = (
            "parsed JSON isn't what was signed. FastAPI and Starlette: `await request.body()`; Flask: "
            "`request.get_data()`; Django: `request.body`; aiohttp: `await request.read()`; AWS Lambda: "
            '`event["body"]`.'
        )
    raise TypeError(f"body must be the raw body, bytes or str, not {type(body).__name__}: {cure}")
