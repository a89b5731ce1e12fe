"""Why does this request not verify? `diagnose` tries the usual mistakes and names the one that explains the signature.

This module is for developers: for a command line, a test or a log. Do not put a diagnosis into the answer to a
request, because an answer such as "the signature was cut off" helps a forger. Nothing here does I/O.

| cause | the mistake |
|---|---|
| `missing_header` | one of the three signature headers is missing or empty |
| `newline_added` | the body has a newline at its end that was not signed |
| `newline_lost` | the body has lost the newline at its end that was signed |
| `line_endings` | LF became CRLF in the body, or CRLF became LF |
| `byte_order_mark` | the body starts with a byte order mark that was not signed |
| `body_base64` | the body is still in base64 |
| `body_json_string` | the body is a JSON string, and the JSON that was signed is in the string |
| `body_latin1` | the body was decoded as Latin-1 and encoded as UTF-8 |
| `body_reserialised` | the body was parsed as JSON and written again with other spaces or escapes |
| `empty_body` | the signature was made over an empty body |
| `secret_too_short` | the secret holds a key under 24 bytes: it was cut off, or is a placeholder |
| `secret_of_another_kind` | the secret is not a signing secret, but an API key such as `sk_...`, for example |
| `secret_in_quotes` | the secret has quotes around it |
| `secret_as_bytes` | the secret was passed as `bytes`, which are the raw key |
| `key_not_decoded` | the signature was made with the text of the secret, not with the key that the text encodes |
| `other_secret` | the signature was made with a secret other than the first of those given |
| `timestamp_too_old` | the attempt was signed longer ago than the tolerance |
| `timestamp_too_new` | the attempt was signed further in the future than the tolerance |
| `timestamp_in_milliseconds` | the timestamp is in milliseconds |
| `invalid_header` | the signature fits, and the message id or the timestamp has a form that is refused |
| `id_left_out` | the message id is missing from the signed content |
| `signature_cut_off` | the end of the signature is missing |
| `signatures_joined_by_comma` | a comma stands between two signatures instead of a space |
| `signature_without_version` | the signature lacks the `v1,` before it |
| `signature_hexadecimal` | the signature is in hexadecimal, not in base64 |
| `signature_url_safe` | the signature is in url-safe base64 |
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from secrets import token_bytes
from typing import TYPE_CHECKING, Literal, NamedTuple

from ._headers import find_signature_headers
from ._parse import parse_json
from ._signature import SigningKey, key_from_secret, matches
from .errors import (
    InvalidHeaderError,
    MissingHeaderError,
    PayloadError,
    SecretError,
    SignatureMismatchError,
    WebhookVerificationError,
)
from .webhook import Webhook

if TYPE_CHECKING:
    from datetime import timedelta

    from ._headers import Headers

__all__ = ["Diagnosis", "diagnose"]


class Diagnosis(NamedTuple):
    """Why a request verifies or does not.

    Attributes:
        verdict: `"genuine"`: the request verifies. `"explained"`: it does not, and `cause` says why. `"unknown"`: it
            does not, and no usual mistake explains it: a forgery looks like this.
        cause: A stable name of the mistake, from the table at the top of the module. None unless explained.
        message: The cause and its cure, for people. The text may change between releases. It holds no secret and
            nothing of the body.

    Example:
        ```python
        verdict, cause, message = diagnose(request.headers, request.body, "whsec_...")
        ```
    """

    verdict: Literal["genuine", "explained", "unknown"]
    cause: str | None
    message: str


def diagnose(
    headers: Headers,
    body: bytes | bytearray | memoryview | str,
    *secrets: str | bytes,
    tolerance: float | timedelta = 300,
    clock: Callable[[], float] = time.time,
) -> Diagnosis:
    """Say why a request does not verify.

    A cause is claimed only if the signature fits once the mistake is undone. Three causes are seen on the input
    instead: `missing_header`, `secret_of_another_kind` and `secret_too_short`. Mistakes are undone one at a time, so
    two at once stay unknown. The number of trials is fixed, and each takes a time linear in the size of the body.

    Args:
        headers: All headers of the request, as `Webhook.verify` takes them.
        body: The body, as `Webhook.verify` takes it.
        secrets: The signing secret of the endpoint, and after it any others that may have been used by mistake.
        tolerance: How far the time of signing may be from now, either way, in seconds. `math.inf` accepts any time,
            for a request that was captured earlier.
        clock: Returns the seconds since the epoch.

    Returns:
        The verdict, the cause and a message.

    Raises:
        SecretError: No secret was given.
        TypeError: An argument has the wrong type.
        ValueError: The tolerance is negative or not a number.

    Example:
        ```python
        diagnosis = diagnose(request.headers, request.body, "whsec_...")
        print(diagnosis.message)
        ```
    """
    try:
        if not secrets:
            raise SecretError("No signing secret was given: pass the endpoint's as the third argument.")
        keys = tuple(map(_usable_key, secrets))
        try:
            message_id, timestamp, signatures = find_signature_headers(headers)
        except MissingHeaderError as error:
            return Diagnosis("explained", error.code, str(error))
        except InvalidHeaderError as error:
            return Diagnosis("unknown", None, str(error))
        triple = {"svix-id": message_id, "svix-timestamp": timestamp, "svix-signature": signatures}
        refusal = _refusal(triple, body, tolerance, clock)
        raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
        usable = tuple(key for key in keys if key)
        attempt = _Attempt(secrets, usable, f"{message_id}.{timestamp}.", timestamp, raw, signatures)
        return (
            _as_it_stands(attempt, keys, refusal)
            or _by_undoing(attempt)
            or _by_the_secret(secrets)
            or _cannot_tell(raw, refusal)
        )
    finally:
        # Error reporters record the local variables of every frame a traceback passes through.
        del secrets


class _Attempt(NamedTuple):
    """The parts of a request that a mistake can be in.

    Attributes:
        secrets: The secrets as given.
        keys: The keys of those secrets that can be signing secrets.
        prefix: The signed content before the body: `"<id>.<timestamp>."`.
        timestamp: The timestamp as sent.
        body: The raw body.
        signatures: The signature header, with its entries between spaces.
    """

    secrets: tuple[str | bytes, ...]
    keys: tuple[SigningKey, ...]
    prefix: str
    timestamp: str
    body: bytes
    signatures: str


# Svix sends one or two entries, and `Webhook` looks at no more than this either.
_MAX_ENTRIES = 64


def _fits(attempt: _Attempt) -> bool:
    """Tell whether the signature header holds a signature of this content."""
    entries = attempt.signatures.encode("ascii", "replace").split(b" ")[:_MAX_ENTRIES]
    return matches(attempt.keys, attempt.prefix.encode("utf-8", "surrogatepass"), attempt.body, entries) != 0


def _usable_key(secret: str | bytes) -> SigningKey | None:
    """Return the key of a secret, or None if it can't be a signing secret."""
    try:
        return SigningKey(key_from_secret(secret))
    except SecretError:
        return None
    finally:
        del secret


def _refusal(
    headers: dict[str, str],
    body: bytes | bytearray | memoryview | str,
    tolerance: float | timedelta,
    clock: Callable[[], float],
) -> WebhookVerificationError | None:
    """Return the error that `Webhook` raises for these headers even if the signature fits."""
    try:
        Webhook(token_bytes(_LEAST_KEY), tolerance=tolerance, clock=clock).verify(headers, body)
    except SignatureMismatchError:
        pass
    except WebhookVerificationError as error:
        return error
    return None


_MILLISECONDS = re.compile(r"[1-9][0-9]{12}").fullmatch
_IN_MILLISECONDS = "svix-timestamp is in milliseconds: send whole seconds since the epoch, and sign the same digits."


def _as_it_stands(
    attempt: _Attempt, keys: tuple[SigningKey | None, ...], refusal: WebhookVerificationError | None
) -> Diagnosis | None:
    """Return the diagnosis if the signature fits without any change."""
    for number, key in enumerate(keys, 1):
        if key is None or not _fits(attempt._replace(keys=(key,))):
            continue
        if number > 1:
            message = f"Secret {number} of those given signed this message, not the first: configure that one instead."
            return Diagnosis("explained", "other_secret", message)
        if refusal is None:
            return Diagnosis("genuine", None, "The signature fits, and the time of signing is within the tolerance.")
        if _MILLISECONDS(attempt.timestamp):
            return Diagnosis("explained", "timestamp_in_milliseconds", _IN_MILLISECONDS)
        return Diagnosis("explained", refusal.code, str(refusal))
    return None


def _by_undoing(attempt: _Attempt) -> Diagnosis | None:
    """Return the diagnosis if the signature fits once one mistake is undone."""
    for cause, undo, message in _MISTAKES:
        if any(map(_fits, undo(attempt))):
            return Diagnosis("explained", cause, message)
    return None


# A key of 24 bytes is 32 characters of base64.
_SHORT = re.compile(r"(?!(?:sk|pk|whpk|whsk)_)(?:whsec_)?.{0,31}=*", re.DOTALL).fullmatch
_LEAST_KEY = 24


def _by_the_secret(secrets: tuple[str | bytes, ...]) -> Diagnosis | None:
    """Return the diagnosis if one of the secrets can't be a signing secret."""
    for secret in secrets:
        try:
            key_from_secret(secret)
        except SecretError as error:
            # The secret can be None: Webhook(os.environ.get("...")) is a common mistake.
            short = _SHORT(secret.strip()) if isinstance(secret, str) else len(secret or b"") < _LEAST_KEY
            return Diagnosis("explained", "secret_too_short" if short else "secret_of_another_kind", str(error))
    return None


def _cannot_tell(body: bytes, refusal: WebhookVerificationError | None) -> Diagnosis:
    """Return the diagnosis of a request that no mistake explains."""
    message = (
        "Can't tell: no usual mistake makes the signature fit. Another secret signed the message, the content was "
        "changed, or the request is a forgery."
    )
    if refusal is not None:
        message += f" {refusal}"
    if not body:
        message += " The body is empty, and Clerk never sends an empty body: perhaps something read it before."
    return Diagnosis("unknown", None, message)


# Undoes one mistake. If the mistake was made, one of the returned attempts is as it was signed.
_Undo = Callable[[_Attempt], Iterable[_Attempt]]


def _in_body(undo: Callable[[bytes], Iterable[bytes]]) -> _Undo:
    return lambda attempt: (attempt._replace(body=body) for body in undo(attempt.body))


def _in_secret(undo: Callable[[str | bytes], Iterable[bytes]]) -> _Undo:
    return lambda attempt: (
        attempt._replace(keys=(SigningKey(key),)) for secret in attempt.secrets for key in undo(secret)
    )


def _in_signatures(undo: Callable[[str], Iterable[str]]) -> _Undo:
    return lambda attempt: (attempt._replace(signatures=signatures) for signatures in undo(attempt.signatures))


def _without_newline(body: bytes) -> list[bytes]:
    return [body.removesuffix(b"\n"), body.removesuffix(b"\r\n")]


def _with_newline(body: bytes) -> list[bytes]:
    return [body + b"\n", body + b"\r\n"]


def _with_other_line_endings(body: bytes) -> list[bytes]:
    return [body.replace(b"\r\n", b"\n"), body.replace(b"\n", b"\r\n")]


def _without_byte_order_mark(body: bytes) -> list[bytes]:
    return [body.removeprefix(BOM_UTF8)]


def _from_base64(body: bytes) -> Iterator[bytes]:
    with suppress(Base64Error):
        yield a2b_base64(body)


def _from_json_string(body: bytes) -> Iterator[bytes]:
    with suppress(PayloadError):
        value = parse_json(body)
        if isinstance(value, str):
            yield value.encode("utf-8", "surrogatepass")


def _from_latin1(body: bytes) -> Iterator[bytes]:
    for codec in ("latin-1", "cp1252"):  # browsers mean cp1252 when they say latin-1
        with suppress(UnicodeError):
            yield body.decode().encode(codec)


# Go escapes these in JSON unless told otherwise: https://pkg.go.dev/encoding/json#Marshal
_ESCAPED_BY_GO = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
# The indentation, and the separators of items and of keys.
_JSON_STYLES = ((None, (",", ":")), (None, (", ", ": ")), (2, (",", ": ")))


def _written_again(body: bytes) -> Iterator[bytes]:
    # The encoder needs more stack than the decoder, so it can fail on a value that was decoded.
    with suppress(PayloadError, RecursionError):
        value = parse_json(body)
        for indent, separators in _JSON_STYLES:
            text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
            for written in (
                text,
                text.translate(_ESCAPED_BY_GO),
                json.dumps(value, indent=indent, separators=separators),
            ):
                yield written.encode("utf-8", "surrogatepass")


def _without_quotes(secret: str | bytes) -> Iterator[bytes]:
    if isinstance(secret, str):
        with suppress(SecretError):
            yield key_from_secret(secret.strip().strip("'\"`"))


def _undecoded(secret: str | bytes) -> list[bytes]:
    if not isinstance(secret, str):
        return []
    text = secret.strip()
    return [written.encode("utf-8", "surrogatepass") for written in (text, text.removeprefix("whsec_"))]


def _from_bytes(secret: str | bytes) -> Iterator[bytes]:
    if isinstance(secret, bytes):
        with suppress(SecretError):
            yield key_from_secret(secret.decode("latin-1"))


def _seconds_signed(attempt: _Attempt) -> list[_Attempt]:
    return [attempt._replace(prefix=attempt.prefix[:-4] + ".")] if _MILLISECONDS(attempt.timestamp) else []


def _without_id(attempt: _Attempt) -> list[_Attempt]:
    return [attempt._replace(prefix=f"{attempt.timestamp}."), attempt._replace(prefix="")]


# A guess fits 16 characters of base64 once in 2 ** 96 times.
_LEAST_OF_SIGNATURE = len("v1,") + 16


def _completed(attempt: _Attempt) -> Iterator[_Attempt]:
    entries = [entry for entry in attempt.signatures.split(" ") if len(entry) >= _LEAST_OF_SIGNATURE]
    for key in attempt.keys:
        signature = key.sign(attempt.prefix.encode("utf-8", "surrogatepass"), attempt.body).decode()
        if any(map(signature.startswith, entries)):
            yield attempt._replace(signatures=signature)


_HEXADECIMAL = re.compile(r"(?:v1,)?\b([0-9A-Fa-f]{64})\b")


def _from_hexadecimal(signatures: str) -> list[str]:
    return [_HEXADECIMAL.sub(lambda digits: f"v1,{b64encode(bytes.fromhex(digits[1])).decode()}", signatures)]


def _from_url_safe(signatures: str) -> list[str]:
    standard = signatures.translate(str.maketrans("-_", "+/"))
    return [standard, standard.replace(" ", "= ") + "="]  # many encoders leave out the padding


# One mistake a row: the cause, the function that undoes it, and the message. `_by_undoing` takes them in order.
# JSON that is written again loses a newline too, so `body_reserialised` stands below the newlines.
_MISTAKES: tuple[tuple[str, _Undo, str], ...] = (
    (
        "newline_added",
        _in_body(_without_newline),
        "The body has a newline at its end that was not signed: pass the body as it was received.",
    ),
    (
        "newline_lost",
        _in_body(_with_newline),
        "The body has lost the newline at its end that was signed: do not strip the body.",
    ),
    (
        "line_endings",
        _in_body(_with_other_line_endings),
        "The line endings of the body were changed: read and write the body as bytes, not as text.",
    ),
    (
        "byte_order_mark",
        _in_body(_without_byte_order_mark),
        "The body starts with a byte order mark that was not signed: save it as UTF-8 without one.",
    ),
    (
        "body_base64",
        _in_body(_from_base64),
        "The body is still in base64: decode it first. AWS Lambda marks such a body with isBase64Encoded.",
    ),
    (
        "body_json_string",
        _in_body(_from_json_string),
        "The body is a JSON string with the signed JSON inside: it was serialised twice.",
    ),
    (
        "body_latin1",
        _in_body(_from_latin1),
        "The body was decoded as Latin-1 and encoded as UTF-8: pass the bytes as they were received.",
    ),
    (
        "body_reserialised",
        _in_body(_written_again),
        "The body was parsed as JSON and written again, with other spaces or escapes: pass the raw bytes.",
    ),
    (
        "empty_body",
        _in_body(lambda _: [b""]),
        "The signature was made over an empty body: sign the body that is sent.",
    ),
    (
        "secret_in_quotes",
        _in_secret(_without_quotes),
        "The secret has quotes around it: remove the quotes from the configuration.",
    ),
    (
        "secret_as_bytes",
        _in_secret(_from_bytes),
        "The secret was passed as bytes, which are taken as the raw key: pass it as str.",
    ),
    (
        "key_not_decoded",
        _in_secret(_undecoded),
        "The signature was made with the text of the secret as the key: decode the base64 after whsec_ to get the key.",
    ),
    ("timestamp_in_milliseconds", _seconds_signed, _IN_MILLISECONDS),
    (
        "id_left_out",
        _without_id,
        "The signature was made without the message id: the signed content is <svix-id>.<svix-timestamp>.<body>.",
    ),
    (
        "signature_cut_off",
        _completed,
        "The end of the signature is missing: look for a limit on the length of the svix-signature header.",
    ),
    (
        "signatures_joined_by_comma",
        _in_signatures(lambda signatures: [re.sub(", *v1,", " v1,", signatures)]),
        "A comma stands between two signatures: svix-signature separates them by a space.",
    ),
    (
        "signature_without_version",
        _in_signatures(lambda signatures: ["v1," + signatures.replace(" ", " v1,")]),
        "The signature lacks its version: send v1,<signature>.",
    ),
    (
        "signature_hexadecimal",
        _in_signatures(_from_hexadecimal),
        "The signature is in hexadecimal: send v1,<signature> with the signature in base64.",
    ),
    (
        "signature_url_safe",
        _in_signatures(_from_url_safe),
        "The signature is in url-safe base64: send standard base64, with + and / instead of - and _.",
    ),
)
