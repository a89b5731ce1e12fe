"""Verify webhooks: `Webhook`, and two functions that need no `Webhook`.

This module does no I/O. The clock is an argument. Only `Webhook.from_env` and the two functions without a secret read
the environment.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import floor
from typing import TYPE_CHECKING, Any, NamedTuple

from ._headers import find_signature_headers
from ._parse import event_from_json, parse_json, to_bytes
from ._signature import SigningKey, key_from_secret, matches, split_secrets
from ._tracebacks import our_frames_hidden
from .errors import (
    InvalidHeaderError,
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

# Svix's libraries tolerate five minutes, both ways: https://docs.svix.com/receiving/verifying-payloads/how-manual
_TOLERANCE = 300

# Clerk's own name (its verifyWebhook reads it), then the name in most Python code, then the name in Clerk's guide.
SECRET_VARIABLES = ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "WEBHOOK_SECRET")

# The signed content starts with the id and the time. A "." in the id would make the content ambiguous.
_MESSAGE_ID = r"[!-\-/-~]{1,256}"
_SIGNED_PREFIX = re.compile(_MESSAGE_ID + r"\.[1-9][0-9]{0,11}\.").fullmatch
_VERSION = re.compile(r"v[0-9]{1,3}[a-z]{0,3}").fullmatch

# Svix sends one entry, or two while a secret is rotated. The limits bound the work for a header of many entries.
_MAX_ENTRIES = 64
_MAX_VERSIONS = 32


class Message(NamedTuple):
    """The signed headers of a genuine webhook, and the secret that signed it.

    Attributes:
        id: The message id. It is the same on every retry and manual replay, so deduplicate by it.
        timestamp: The time when this attempt was signed, in whole seconds since the epoch.
        secret_index: The place of the secret that matched, among the secrets of the `Webhook`. 0 is the first. During a
            rotation Svix signs with two secrets, and the first one that matches counts.
    """

    id: str
    timestamp: int
    secret_index: int = 0


class Webhook:
    """Verifies the requests to one endpoint, and parses them.

    A `Webhook` is immutable, and threads may share it. Make it at start-up, because it checks the secret when it is
    made.

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
        secret: str | bytes | None = None,
        tolerance: float | timedelta = _TOLERANCE,
        clock: Callable[[], float] = time.time,
        loads: Callable[[bytes], Any] | None = None,
    ) -> None:
        """Decode the signing secrets.

        Args:
            secrets: The signing secrets, `whsec_...`. A message may be signed with any of them. Pass several while a
                secret is rotated, or if several endpoints in Clerk have the same URL. One text may hold several,
                separated by white space. `bytes` are a raw key.
            secret: One more signing secret, as above.
            tolerance: The largest difference between the time of signing and now, both ways, in seconds. `math.inf`
                accepts any time, and so any replay.
            clock: Returns the seconds since the epoch.
            loads: Parses JSON from UTF-8 bytes: `orjson.loads` for example. The standard library reads a body that this
                parser refuses.

        Raises:
            SecretError: No secret was passed, or one of them cannot be a signing secret.
            TypeError: An argument has the wrong type.
            ValueError: The tolerance is negative or not a number.
        """
        with our_frames_hidden:
            given = secrets if secret is None else (*secrets, secret)
            self._keys = tuple(SigningKey(key_from_secret(each)) for each in split_secrets(given))
            if not self._keys:
                raise SecretError("There is no signing secret: pass one, or use Webhook.from_env().")
            if loads is not None and not callable(loads):
                raise TypeError(f"loads must be a function such as json.loads, not {type(loads).__name__}.")
            if not callable(clock):
                raise TypeError(f"clock must be a function such as time.time, not {type(clock).__name__}.")
            self._tolerance = _seconds(tolerance)
            self._clock = clock
            # Our own decoder is that of the standard library, and it knows the limits.
            self._loads = None if loads is json.loads else loads

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        tolerance: float | timedelta = _TOLERANCE,
        clock: Callable[[], float] = time.time,
        loads: Callable[[bytes], Any] | None = None,
    ) -> Webhook:
        """Make a `Webhook` with the secret, or the secrets, in the environment.

        This method reads the first of these variables that is set: `CLERK_WEBHOOK_SIGNING_SECRET`,
        `CLERK_WEBHOOK_SECRET`, `WEBHOOK_SECRET`. A variable may hold several secrets, separated by white space.

        Args:
            environ: The variables. `os.environ` by default.
            tolerance: As for `Webhook`, in seconds.
            clock: As for `Webhook`.
            loads: As for `Webhook`.

        Raises:
            SecretError: None of the variables is set, or a secret in the variable cannot be one.
            TypeError: An argument has the wrong type.
            ValueError: The tolerance is negative or not a number.

        Example:
            ```python
            webhook = Webhook.from_env()
            ```
        """
        with our_frames_hidden:
            value = _from_environ(os.environ if environ is None else environ)
            return cls(value, tolerance=tolerance, clock=clock, loads=loads)

    def verify(self, headers: Headers, body: bytes | bytearray | memoryview | str) -> Message:
        """Verify a request without parsing its body.

        Args:
            headers: All headers of the request, as the framework has them.
            body: The raw body, exactly as received.

        Returns:
            The id of the message, the time when this attempt was signed, and which secret signed it.

        Raises:
            WebhookVerificationError: The request is not a genuine message, or not a recent one. The subclass says why.
            TypeError: `headers` is neither a mapping nor pairs, or `body` is not raw.

        Example:
            ```python
            message = webhook.verify(request.headers, request.body)
            ```
        """
        message_id, timestamp, _, found = self._verify(headers, body)
        return Message(message_id, timestamp, (found & -found).bit_length() - 1)

    def verify_and_parse(self, headers: Headers, body: bytes | bytearray | memoryview | str) -> WebhookEvent:
        """Verify a request and return its event.

        Args:
            headers: All headers of the request, as the framework has them.
            body: The raw body, exactly as received.

        Returns:
            The event: one of the classes in `clerk_webhook.events`, by its `type`.

        Raises:
            WebhookVerificationError: The request is not a genuine message, or not a recent one. The subclass says why.
            PayloadError: The message is genuine, but its body is not a Clerk event.
            TypeError: `headers` is neither a mapping nor pairs, or `body` is not raw.

        Example:
            ```python
            event = webhook.verify_and_parse(request.headers, request.body)
            if event.type == "user.created":
                print(event.data["id"])
            ```
        """
        message_id, _, raw, _ = self._verify(headers, body)
        return event_from_json(parse_json(raw, self._loads, message_id), message_id)

    def sign(self, message_id: str, timestamp: int | datetime, body: bytes | bytearray | memoryview | str) -> str:
        """Sign a message as Svix does, with the first of the secrets. Use it in tests, and to forward webhooks.

        Args:
            message_id: The message id, for the `svix-id` header.
            timestamp: The time of signing: whole seconds since the epoch, or an aware `datetime`.
            body: The raw body.

        Returns:
            The entry for the `svix-signature` header, `"v1,<base64>"`.

        Raises:
            InvalidHeaderError: `verify` would refuse the id or the timestamp.
            TypeError: An argument has the wrong type, or the `datetime` has no time zone.

        Example:
            ```python
            signature = webhook.sign("msg_1", 1614265330, b'{"type": "user.created"}')
            ```
        """
        return self._keys[0].sign(_prefix_to_sign(message_id, timestamp), _raw_body(body)).decode()

    def _verify(self, headers: Headers, body: bytes | bytearray | memoryview | str) -> tuple[str, int, bytes, int]:
        """Verify a request and return the message id, the timestamp, the body as bytes, and a bit for each key."""
        raw = body if type(body) is bytes else _raw_body(body, headers)
        message_id, timestamp, signatures = find_signature_headers(headers)
        prefix = f"{message_id}.{timestamp}."
        if not _SIGNED_PREFIX(prefix):
            raise _malformed(message_id)
        seconds = int(timestamp)
        # "compare the timestamp against your system's clock, and reject outdated messages":
        # https://docs.svix.com/receiving/verifying-payloads/how-manual
        now = self._clock()
        try:
            skew = floor(now) - seconds
        except (OverflowError, TypeError, ValueError):
            raise ValueError(f"clock must return the seconds since the epoch, not {now!r}.") from None
        if abs(skew) > self._tolerance:
            raise _out_of_tolerance(seconds, skew, self._tolerance)
        # No base64 has a "?", so an entry with a character outside ASCII matches nothing.
        entries = signatures.encode("ascii", "replace").split(b" ", _MAX_ENTRIES)
        del entries[_MAX_ENTRIES:]
        found = matches(self._keys, prefix.encode(), raw, entries)
        if not found:
            raise _mismatch(signatures)
        return message_id, seconds, raw, found


def verify(
    headers: Headers,
    body: bytes | bytearray | memoryview | str,
    *,
    secret: str | bytes | None = None,
    tolerance: float | timedelta = _TOLERANCE,
) -> Message:
    """Verify a request without parsing its body. This is `Webhook.verify` without a `Webhook`.

    Args:
        headers: All headers of the request, as the framework has them.
        body: The raw body, exactly as received.
        secret: The signing secret, or several separated by white space. Without one, the environment is read as
            `Webhook.from_env` does.
        tolerance: The largest difference between the time of signing and now, both ways, in seconds.

    Returns:
        The id of the message, and the time when this attempt was signed.

    Raises:
        SecretError: No secret is configured, or the secret cannot be one.
        WebhookVerificationError: The request is not a genuine message, or not a recent one. The subclass says why.
        TypeError: An argument has the wrong type.
        ValueError: The tolerance is negative or not a number.

    Example:
        ```python
        message = verify(request.headers, request.body)
        ```
    """
    with our_frames_hidden:
        return _webhook(secret, tolerance).verify(headers, body)


def verify_and_parse(
    headers: Headers,
    body: bytes | bytearray | memoryview | str,
    *,
    secret: str | bytes | None = None,
    tolerance: float | timedelta = _TOLERANCE,
) -> WebhookEvent:
    """Verify a request and return its event. This is `Webhook.verify_and_parse` without a `Webhook`.

    Args:
        headers: All headers of the request, as the framework has them.
        body: The raw body, exactly as received.
        secret: The signing secret, or several separated by white space. Without one, the environment is read as
            `Webhook.from_env` does.
        tolerance: The largest difference between the time of signing and now, both ways, in seconds.

    Returns:
        The event: one of the classes in `clerk_webhook.events`, by its `type`.

    Raises:
        SecretError: No secret is configured, or the secret cannot be one.
        WebhookVerificationError: The request is not a genuine message, or not a recent one. The subclass says why.
        PayloadError: The message is genuine, but its body is not a Clerk event.
        TypeError: An argument has the wrong type.
        ValueError: The tolerance is negative or not a number.

    Example:
        ```python
        event = verify_and_parse(request.headers, request.body)
        if event.type == "user.created":
            print(event.data["id"])
        ```
    """
    with our_frames_hidden:
        return _webhook(secret, tolerance).verify_and_parse(headers, body)


def _webhook(secret: Any, tolerance: float | timedelta) -> Webhook:
    """Return the `Webhook` for a secret, or for the environment as it is now."""
    if secret is None:
        secret = _from_environ(os.environ)
    elif not isinstance(secret, str | bytes):  # Webhook says what to pass; the cache would say "unhashable"
        return Webhook(secret)
    return _made_once(secret, tolerance)


# Typed, because `python -bb` refuses to compare a secret in bytes with one in str.
@lru_cache(maxsize=8, typed=True)
def _made_once(secret: str | bytes, tolerance: float | timedelta) -> Webhook:
    """Return one `Webhook` for as long as the secret is the same."""
    return Webhook(secret, tolerance=tolerance)


def _from_environ(environ: Mapping[str, str]) -> str:
    """Return the value of the first variable that is set and not blank."""
    if not hasattr(environ, "get"):
        raise TypeError(f"environ must be a mapping such as os.environ, not {type(environ).__name__}.")
    for variable in SECRET_VARIABLES:
        value = environ.get(variable)
        if value and not value.isspace():
            return value
    raise SecretError(
        f"No signing secret is configured in the environment: set {SECRET_VARIABLES[0]} (or {SECRET_VARIABLES[1]}, or "
        f"{SECRET_VARIABLES[2]}) to the endpoint's Signing Secret from the Clerk Dashboard, which starts with 'whsec_'."
    )


def _seconds(tolerance: Any) -> float:
    """Return a tolerance in seconds."""
    if not isinstance(tolerance, int | float):
        # By its method, because an import of datetime takes longer than the whole module.
        if not hasattr(tolerance, "total_seconds"):
            raise TypeError(
                f"tolerance must be seconds, as int or float, or a timedelta, not {type(tolerance).__name__}."
            )
        tolerance = tolerance.total_seconds()
    seconds: float = tolerance
    if not seconds >= 0:  # written like this, the test is true for NaN as well
        raise ValueError(f"tolerance must be 0 or more seconds, not {seconds}.")
    return seconds


def _prefix_to_sign(message_id: object, timestamp: object) -> bytes:
    """Return the signed content up to the body, if `verify` would accept it."""
    from datetime import datetime  # noqa: PLC0415  # only who signs needs it, and its import takes long

    if not isinstance(message_id, str):
        raise TypeError(f"message_id must be str, not {type(message_id).__name__}.")
    if isinstance(timestamp, datetime):
        if timestamp.utcoffset() is None:
            raise TypeError("timestamp is a datetime without a time zone, so its moment is not clear.")
        timestamp = floor(timestamp.timestamp())
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        raise TypeError(
            f"timestamp must be whole seconds, as int, or an aware datetime, not {type(timestamp).__name__}."
        )
    prefix = f"{message_id}.{timestamp}."
    if not _SIGNED_PREFIX(prefix):
        raise _malformed(message_id)
    return prefix.encode()


def _malformed(message_id: str) -> InvalidHeaderError:
    """Return the error for a malformed id; if the id is well-formed, the error for the timestamp."""
    if not re.fullmatch(_MESSAGE_ID, message_id):
        return InvalidHeaderError("svix-id must be 1 to 256 visible ASCII characters without '.'.", "svix-id")
    return InvalidHeaderError(
        "svix-timestamp must be whole seconds since the epoch, in 1 to 12 plain digits.", "svix-timestamp"
    )


def _out_of_tolerance(timestamp: int, skew: int, tolerance: float) -> TimestampError:
    """Return the error for an attempt that was signed too far from now."""
    if skew > 0:
        message = (
            f"The attempt was signed {skew} s ago, and {tolerance} s are tolerated: it was delayed, it is a replay, "
            "or the clock of this machine is ahead."
        )
        return TimestampTooOldError(message, timestamp, skew, tolerance)
    message = (
        f"The attempt was signed {-skew} s in the future, and {tolerance} s are tolerated: the clock of this machine "
        "is probably behind."
    )
    return TimestampTooNewError(message, timestamp, skew, tolerance)


def _mismatch(signatures: str) -> SignatureMismatchError:
    """Return the error for signatures of which none matches."""
    named = (entry.partition(",")[0] for entry in signatures.split(" ", _MAX_ENTRIES)[:_MAX_ENTRIES])
    versions = tuple(dict.fromkeys(version for version in named if _VERSION(version)))[:_MAX_VERSIONS]
    if "v1" in versions:
        message = (
            "No v1 signature matches: check that the signing secret is the one of this endpoint, and that the body is "
            "the raw bytes of the request, not JSON that was parsed and written again."
        )
    else:
        seen = f" (only {', '.join(versions[:4])})" if versions else ""
        message = f"svix-signature has no v1 entry{seen}, and Clerk signs with v1."
    return SignatureMismatchError(message, versions)


def _raw_body(body: Any, headers: object = None) -> bytes:
    """Return the body as the bytes that were signed."""
    raw = to_bytes(body)
    if raw is not None:
        return raw
    if to_bytes(headers) is not None:
        raise TypeError("The headers and the body are swapped: pass the headers first, then the raw body.")
    if hasattr(body, "__await__"):
        cure = "it was not awaited: pass `await request.body()`."
    elif callable(body):
        cure = "it is a function: call it."
    else:
        cure = (
            "Clerk did not sign parsed JSON. FastAPI and Starlette: `await request.body()`; Flask: "
            "`request.get_data()`; Django: `request.body`; aiohttp: `await request.read()`; AWS Lambda: "
            '`event["body"]`.'
        )
    raise TypeError(f"body must be the raw body, bytes or str, not {type(body).__name__}: {cure}")
