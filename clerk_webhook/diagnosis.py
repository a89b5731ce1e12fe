"""Why does this request not verify? `diagnose` tries the usual mistakes and names the one that explains the signature.

This module is for developers: for a command line, a test or a log. Do not put a diagnosis into the answer to a
request, because an answer such as "the signature was cut off" helps a forger. Nothing here does I/O.

The causes:

- `missing_header`: one of the three signature headers is missing or empty
- `empty_body`: the signature was made over an empty body
- `newline_added`: the body has a newline at its end that was not signed
- `newline_lost`: the body has lost the newline at its end that was signed
- `white_space_added`: white space or a zero byte stands around the body
- `line_endings`: LF became CRLF in the body, or CRLF became LF
- `byte_order_mark`: a byte order mark was put before the body, or taken away
- `body_charset`: the body went through another character set than UTF-8: Latin-1 or UTF-16 for example
- `body_base64`: the body is still in base64
- `body_hexadecimal`: the body is written in hexadecimal
- `body_percent_encoded`: the body is percent-encoded, as in a form
- `body_compressed`: the body is still compressed
- `body_chunked`: the sizes of HTTP's chunks still stand in the body
- `body_with_headers`: HTTP headers stand before the body
- `body_html_escaped`: the body was escaped for HTML
- `body_in_quotes`: quotes stand around the body
- `body_bytes_repr`: the body is the text of Python bytes: `b'...'`
- `body_dict_repr`: the body is the text of a Python dict: `{'type': ...}`
- `body_list_of_bytes`: the body is a list of numbers: a Buffer of Node.js, written as JSON
- `body_json_string`: the body is a JSON string, and the JSON that was signed is in the string
- `body_inside_json`: the body is a JSON object that has the signed body in its key `body` or `payload`
- `body_reserialised`: the body was parsed as JSON and written again, with other spaces, escapes or order
- `secret_unusable`: the secret is no signing secret: it was cut off, or it is a placeholder or another key
- `secret_miswritten`: the secret has quotes or another text around it, or lacks `whsec_`, or is in url-safe base64
- `secret_as_bytes`: the secret was passed as `bytes`, which are the raw key
- `key_not_decoded`: the signature was made with the text of the secret, not with the key that the text encodes
- `other_secret`: the signature was made with a secret other than the first of those given
- `timestamp_too_old`: the attempt was signed longer ago than the tolerance
- `timestamp_too_new`: the attempt was signed further in the future than the tolerance
- `timestamp_in_milliseconds`: the timestamp is in milliseconds
- `timestamp_left_out`: the timestamp is missing from the signed content
- `invalid_header`: the signature fits, and the message id or the timestamp has a form that is refused
- `id_left_out`: the message id is missing from the signed content
- `signature_space_for_plus`: a `+` of the signature became a space
- `signature_percent_encoded`: the signature is percent-encoded
- `signature_cut_off`: the end of the signature is missing
- `signatures_joined_by_comma`: a comma stands between two signatures instead of a space
- `signature_without_version`: the signature lacks the `v1,` before it, or has another text there
- `signature_hexadecimal`: the signature is in hexadecimal, not in base64
- `signature_url_safe`: the signature is in url-safe base64
"""

from __future__ import annotations

import json
import re
import time
import zlib
from base64 import b64encode
from binascii import a2b_base64
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from secrets import token_bytes
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import unquote

from ._annotations import name_of
from ._headers import Headers, find_signature_headers
from ._pruning import without_deep_values
from ._signature import SigningKey, key_from_secret, matches, split_secrets
from ._tracebacks import our_frames_hidden
from .errors import (
    InvalidHeaderError,
    MissingHeaderError,
    SecretError,
    SignatureMismatchError,
    WebhookVerificationError,
)
from .webhook import Webhook

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

    A cause is claimed only if the signature fits once the mistake is undone. Two causes are seen on the input instead:
    `missing_header`, and `secret_unusable` for the first secret. Mistakes are undone one at a time, so two at once stay
    unknown. The number of trials is fixed, and each takes a time and a memory linear in the size of the body.

    Args:
        headers: All headers of the request, as `Webhook.verify` takes them.
        body: The body, as `Webhook.verify` takes it.
        secrets: The signing secret of the endpoint, and after it any others that may have been used by mistake. A text
            may hold several secrets of the endpoint, separated by white space.
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
    with our_frames_hidden:
        given = tuple(map(_read, secrets))
        if not given:
            raise SecretError("No signing secret was given: pass the endpoint's as the third argument.")
        return _diagnose(headers, body, given, tolerance, clock)


def _diagnose(
    headers: Headers,
    body: bytes | bytearray | memoryview | str,
    given: tuple[_Secret, ...],
    tolerance: float | timedelta,
    clock: Callable[[], float],
) -> Diagnosis:
    """Say why a request does not verify with the keys of the secrets."""
    try:
        message_id, timestamp, signatures = find_signature_headers(headers)
    except MissingHeaderError as error:
        return Diagnosis("explained", error.code, str(error))
    except InvalidHeaderError as error:
        return Diagnosis("unknown", None, str(error))
    triple = {"svix-id": message_id, "svix-timestamp": timestamp, "svix-signature": signatures}
    refusal: WebhookVerificationError | None = None  # even if the signature fits
    try:
        Webhook(token_bytes(32), tolerance=tolerance, clock=clock).verify(triple, body)
    except WebhookVerificationError as error:
        refusal = None if isinstance(error, SignatureMismatchError) else error
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    entries = " ".join(entry[:_MAX_ENTRY] for entry in signatures.split(" ", _MAX_ENTRIES)[:_MAX_ENTRIES])
    keys = tuple(key for secret in given for key in secret.keys)
    attempt = _Attempt(given, keys, f"{message_id}.{timestamp}.", timestamp, raw, entries)
    for number, secret in enumerate(given, 1):
        if _fits(attempt._replace(keys=secret.keys)):
            return _of_fitting(number, timestamp, refusal)
    for cause, undo, message in _MISTAKES:
        if any(map(_fits, undo(attempt))):
            return Diagnosis("explained", cause, message)
    if given[0].problem:
        return Diagnosis("explained", "secret_unusable", given[0].problem)
    unknown = (
        "Can't tell: no usual mistake makes the signature fit. Another secret signed the message, the content was "
        "changed, or the request is a forgery."
    )
    if refusal is not None:
        unknown += f" {refusal}"
    if not raw:
        unknown += " The body is empty, and Clerk never sends an empty body: perhaps something read it before."
    return Diagnosis("unknown", None, unknown)


_MILLISECONDS = re.compile(r"[1-9][0-9]{12}").fullmatch
_IN_MILLISECONDS = "svix-timestamp is in milliseconds: send whole seconds since the epoch, and sign the same digits."


def _of_fitting(number: int, timestamp: str, refusal: WebhookVerificationError | None) -> Diagnosis:
    """Return the diagnosis if the signature of the secret with this number fits without any change."""
    if number > 1:
        message = f"Secret {number} of those given signed this message, not the first: configure that one instead."
        return Diagnosis("explained", "other_secret", message)
    if refusal is None:
        return Diagnosis("genuine", None, "The signature fits, and the time of signing is within the tolerance.")
    if _MILLISECONDS(timestamp):
        return Diagnosis("explained", "timestamp_in_milliseconds", _IN_MILLISECONDS)
    return Diagnosis("explained", refusal.code, str(refusal))


class _Secret(NamedTuple):
    """The keys of a secret that was given. The text of the secret is not kept.

    Attributes:
        keys: The keys as `Webhook` reads them. Empty if the secret cannot be a signing secret.
        problem: Why it cannot be one, or an empty text.
        misread: The keys of every other way to read the secret, by the cause that such a key proves.
    """

    keys: tuple[SigningKey, ...]
    problem: str
    misread: dict[str, tuple[SigningKey, ...]]


def _read(secret: str | bytes) -> _Secret:
    """Read a secret in every way that a mistake suggests."""
    keys: tuple[SigningKey, ...] = ()
    problem = ""
    try:
        keys = tuple(SigningKey(key_from_secret(part)) for part in split_secrets([secret]))
    except SecretError as error:
        problem = str(error)
    misread: dict[str, tuple[SigningKey, ...]] = {}
    if isinstance(secret, str):
        text = secret.strip().encode("utf-8", "surrogatepass")
        with suppress(SecretError):  # a guessable key proves nothing
            misread["key_not_decoded"] = (SigningKey(key_from_secret(text.removeprefix(b"whsec_"))), SigningKey(text))
        misread["secret_miswritten"] = tuple(_keys_in(secret))
    elif secret:  # it can be None: Webhook(os.environ.get("...")) is a common mistake
        misread["secret_as_bytes"] = tuple(_keys_in(secret.decode("latin-1")))
    return _Secret(keys, problem, misread)


# The base64 of a key, in either alphabet, with whatever stands around it: quotes, "v1,", "Bearer ", a variable's name.
_KEY_IN_TEXT = re.compile(r"(?:whsec_|(?<![\w+/-]))([A-Za-z0-9+/_-]{32,}={0,2})")


def _keys_in(text: str) -> Iterator[SigningKey]:
    """Yield the keys that stand somewhere in a text."""
    for encoded in _KEY_IN_TEXT.findall(text)[:_MAX_ENTRIES]:
        with suppress(SecretError):
            yield SigningKey(key_from_secret("whsec_" + encoded.translate(_STANDARD_BASE64)))


class _Attempt(NamedTuple):
    """The parts of a request that a mistake can be in.

    Attributes:
        given: The secrets.
        keys: The keys that the signature is held against.
        prefix: The signed content before the body: `"<id>.<timestamp>."`.
        timestamp: The timestamp as sent.
        body: The raw body.
        signatures: The signature header, with its entries between spaces.
    """

    given: tuple[_Secret, ...]
    keys: tuple[SigningKey, ...]
    prefix: str
    timestamp: str
    body: bytes
    signatures: str


# Any, because isinstance with dict itself narrows to a dict of unknown types.
_DICT: Any = dict
_LIST: Any = list
# Svix sends one or two entries of 47 characters, and `Webhook` looks at no more than 64 either.
_MAX_ENTRIES = 64
_MAX_ENTRY = 1024
# As much as an endpoint accepts.
_MAX_DECOMPRESSED = 1 << 20
_STANDARD_BASE64 = str.maketrans("-_", "+/")


def _fits(attempt: _Attempt) -> bool:
    """Return whether the signature header holds a signature of this content."""
    entries = attempt.signatures.encode("ascii", "replace").split(b" ")[:_MAX_ENTRIES]
    return matches(attempt.keys, attempt.prefix.encode("utf-8", "surrogatepass"), attempt.body, entries) != 0


# Undoes one mistake. If the mistake was made, one of the results is as it was signed.
_Undo: TypeAlias = Callable[[_Attempt], Iterable[_Attempt]]
_UndoPart = TypeVar("_UndoPart", bound=Callable[[Any], Iterable[Any]])

# The cause, the function that undoes it, and the message, in the order of this file. JSON that is written again loses a
# newline too, so `body_reserialised` stands below the newlines. Some functions make an empty body of another form.
_MISTAKES: list[tuple[str, _Undo, str]] = []


def _in(part: Literal["body", "signatures"], message: str) -> Callable[[_UndoPart], _UndoPart]:
    """Take a function that undoes a mistake in a part of the request, and is named after it."""

    def register(undo: _UndoPart) -> _UndoPart:
        def undone(attempt: _Attempt) -> Iterator[_Attempt]:
            # Each body of another form fails in its own way. The encoder of JSON needs more stack than the decoder.
            with suppress(ValueError, TypeError, RecursionError):
                yield from (attempt._replace(**{part: mended}) for mended in undo(getattr(attempt, part)))

        _MISTAKES.append((name_of(undo)[1:], undone, message))
        return undo

    return register


_in_body, _in_signatures = partial(_in, "body"), partial(_in, "signatures")


def _in_request(message: str) -> Callable[[_Undo], _Undo]:
    """Take a function that undoes a mistake of another kind, and is named after it."""

    def register(undo: _Undo) -> _Undo:
        _MISTAKES.append((name_of(undo)[1:], undo, message))
        return undo

    return register


@_in_body("The signature was made over an empty body: sign the body that is sent.")
def _empty_body(_: bytes) -> list[bytes]:
    return [b""]


@_in_body("The body has a newline at its end that was not signed: pass the body as it was received.")
def _newline_added(body: bytes) -> list[bytes]:
    return [body.removesuffix(b"\n"), body.removesuffix(b"\r\n"), body.rstrip(b"\r\n")]


@_in_body("The body has lost the newline at its end that was signed: do not strip the body.")
def _newline_lost(body: bytes) -> list[bytes]:
    return [body + b"\n", body + b"\r\n"]


@_in_body("White space or a zero byte stands around the body: pass the body as it was received.")
def _white_space_added(body: bytes) -> list[bytes]:
    return [body.strip(b" \t\r\n\0")]


@_in_body("The line endings of the body were changed: read and write the body as bytes, not as text.")
def _line_endings(body: bytes) -> list[bytes]:
    return [body.replace(b"\r\n", b"\n"), body.replace(b"\n", b"\r\n")]


@_in_body("A byte order mark was put before the body, or taken away: save and read the body as bytes.")
def _byte_order_mark(body: bytes) -> list[bytes]:
    return [body.removeprefix(BOM_UTF8), BOM_UTF8 + body]


@_in_body("The body was read or written in another character set than UTF-8: pass the bytes as they were received.")
def _body_charset(body: bytes) -> Iterator[bytes]:
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):  # PowerShell's ">" writes this, with a newline
        text = body.decode("utf-16")
        yield from (text.encode(), text.removesuffix("\r\n").encode())
    for codec in ("latin-1", "cp1252"):  # browsers mean cp1252 when they say latin-1
        with suppress(UnicodeError):
            yield body.decode().encode(codec)
        with suppress(UnicodeError):
            yield body.decode(codec).encode()


@_in_body("The body is still in base64: decode it first. AWS Lambda marks such a body with isBase64Encoded.")
def _body_base64(body: bytes) -> Iterator[bytes]:
    yield a2b_base64(body.translate(bytes.maketrans(b"-_", b"+/")))


@_in_body("The body is in hexadecimal: decode it.")
def _body_hexadecimal(body: bytes) -> Iterator[bytes]:
    yield bytes.fromhex(body.decode())


# urllib's unquote takes 190 MB for a million of "%".
_decode_percent = partial(re.compile(rb"%([0-9A-Fa-f]{2})").sub, lambda digits: bytes((int(digits[1], 16),)))


@_in_body("The body is percent-encoded, as in a form: send it as application/json, byte for byte.")
def _body_percent_encoded(body: bytes) -> Iterator[bytes]:
    for text in (body, body.partition(b"=")[2]):  # the value of a form's only field
        yield _decode_percent(text)
        yield _decode_percent(text.replace(b"+", b" "))


@_in_body("The body is compressed: decompress it first, or let no proxy compress it.")
def _body_compressed(body: bytes) -> Iterator[bytes]:
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by their head; deflate without one
        with suppress(zlib.error):
            yield zlib.decompressobj(window).decompress(body, _MAX_DECOMPRESSED)


_CHUNK_HEAD = re.compile(rb"([0-9A-Fa-f]{1,6})\r\n").match


@_in_body("The sizes of HTTP's chunks stand in the body: let the server decode `transfer-encoding: chunked`.")
def _body_chunked(body: bytes) -> Iterator[bytes]:
    chunks: list[bytes] = []
    position = 0
    while head := _CHUNK_HEAD(body, position):
        end = head.end() + int(head[1], 16)
        chunks.append(body[head.end() : end])
        position = end + len(b"\r\n")
    yield b"".join(chunks)


@_in_body("HTTP headers stand before the body: pass the body alone.")
def _body_with_headers(body: bytes) -> list[bytes]:
    return [body.partition(b"\r\n\r\n")[2], body.partition(b"\n\n")[2]]


@_in_body("The body was escaped for HTML: pass the body as it was received.")
def _body_html_escaped(body: bytes) -> Iterator[bytes]:
    for entity, character in ((b"&quot;", b'"'), (b"&#34;", b'"'), (b"&#39;", b"'"), (b"&#x27;", b"'")):
        body = body.replace(entity, character)
    yield body.replace(b"&lt;", b"<").replace(b"&gt;", b">").replace(b"&amp;", b"&")


@_in_body("Quotes stand around the body: Windows' shell keeps single quotes, for example.")
def _body_in_quotes(body: bytes) -> list[bytes]:
    return [body.strip().strip(quote) for quote in (b"'", b'"', b"`")]


_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U(00[01][0-9a-f]{5})|(.))", re.DOTALL)
_BYTES_REPR = re.compile(r"""(?:bytearray\()?b(['"])(.*)\1\)?""", re.DOTALL).fullmatch
_IN_DICT_REPR = re.compile(
    r"""'([^'\\]*+(?:\\.[^'\\]*+)*+)'|"([^"\\]*+(?:\\.[^"\\]*+)*+)"|\b(?:None|True|False)\b""", re.DOTALL
)


def _unescaped(text: str) -> str:
    """Return the text that `repr` wrote with escapes."""

    def character(escape: re.Match[str]) -> str:
        digits = escape[1] or escape[2] or escape[3]
        return chr(int(digits, 16)) if digits else {"n": "\n", "r": "\r", "t": "\t"}.get(escape[4], escape[4])

    return _ESCAPE.sub(character, text)


@_in_body("The body is the text of Python bytes, b'...': str(body) makes it. Pass the bytes, or body.decode().")
def _body_bytes_repr(body: bytes) -> Iterator[bytes]:
    if found := _BYTES_REPR(body.decode().strip()):
        yield _unescaped(found[2]).encode("latin-1")


@_in_body("The body is the text of a Python dict: str(data) makes it. Pass the raw bytes of the request.")
def _body_dict_repr(body: bytes) -> Iterator[bytes]:
    def in_json(found: re.Match[str]) -> str:
        text = found[1] or found[2]
        if text is None and found[0][0] not in "'\"":
            return {"None": "null", "True": "true", "False": "false"}[found[0]]
        return json.dumps(_unescaped(text or ""))

    text = body.decode()
    if text.startswith("{'"):
        yield from _body_reserialised(_IN_DICT_REPR.sub(in_json, text).encode())


def _json_value(text: bytes) -> Any:
    return json.loads(without_deep_values(text))  # a parser needs little stack for 200 levels


@_in_body("The body is a list of numbers: Node.js writes a Buffer so as JSON. Pass the bytes.")
def _body_list_of_bytes(body: bytes) -> Iterator[bytes]:
    value = _json_value(body)
    numbers = value.get("data") if isinstance(value, _DICT) else value
    if isinstance(numbers, _LIST):  # bytes(10 ** 9) has a gigabyte
        yield bytes(numbers)


@_in_body("The body is a JSON string with the signed JSON inside: it was serialised twice.")
def _body_json_string(body: bytes) -> Iterator[bytes]:
    for text in (body, b'"%b"' % body):  # a shell or a settings file can take the quotes away, and leave the escapes
        if text.startswith(b'"') and isinstance(value := _json_value(text), str):
            yield value.encode("utf-8", "surrogatepass")


@_in_body("The signed body is in a key of the body, as in an event of AWS Lambda: pass that value alone.")
def _body_inside_json(body: bytes) -> Iterator[bytes]:
    value = _json_value(body)
    for inner in map(value.get, ("body", "payload")) if isinstance(value, _DICT) else ():
        if isinstance(inner, str):
            yield inner.encode("utf-8", "surrogatepass")
            with suppress(ValueError):
                yield a2b_base64(inner)
        elif inner:
            yield from _in_styles(inner, _JSON_STYLES[:1])


# Go escapes these in JSON unless told otherwise: https://pkg.go.dev/encoding/json#Marshal
_ESCAPED_BY_GO = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
_FLOAT_THAT_IS_AN_INT = re.compile(r"\.0(?=[,\]}])")
# The indentation, and the separators of items and of keys.
_JSON_STYLES = ((None, (",", ":")), (None, (", ", ": ")), (2, (",", ": ")), (4, (",", ": ")))
# An indented rendering can be 200 times as large as the body, because the body can be nested 200 levels deep.
_MAX_INDENTED = 1 << 15


@_in_body("The body was parsed as JSON and written again, with other spaces, escapes or order: pass the raw bytes.")
def _body_reserialised(body: bytes) -> Iterator[bytes]:
    styles = _JSON_STYLES if len(body) <= _MAX_INDENTED else _JSON_STYLES[:2]
    yield from _in_styles(_json_value(body), styles)


def _in_styles(value: object, styles: Iterable[tuple[int | None, tuple[str, str]]]) -> Iterator[bytes]:
    """Yield a JSON value as the usual encoders write it. Clerk's bodies are compact, with the keys sorted."""
    for indent, separators in styles:
        for sort_keys in (True, False):
            write = partial(json.dumps, value, indent=indent, separators=separators, sort_keys=sort_keys)
            text = write(ensure_ascii=False)
            yield from _in_escapes(text)
            if not text.isascii() or "\x7f" in text:
                yield from _in_escapes(write())


def _in_escapes(text: str) -> Iterator[bytes]:
    by_php = text.replace("/", "\\/")
    for written in (text, text.translate(_ESCAPED_BY_GO), by_php, _FLOAT_THAT_IS_AN_INT.sub("", text)):
        yield written.encode("utf-8", "surrogatepass")


def _misread(attempt: _Attempt, cause: str) -> list[_Attempt]:
    return [attempt._replace(keys=secret.misread.get(cause, ())) for secret in attempt.given]


@_in_request("The secret has another text around it, or lacks whsec_: configure it as the Clerk Dashboard shows it.")
def _secret_miswritten(attempt: _Attempt) -> list[_Attempt]:
    return _misread(attempt, "secret_miswritten")


@_in_request("The secret was passed as bytes, which are taken as the raw key: pass it as str.")
def _secret_as_bytes(attempt: _Attempt) -> list[_Attempt]:
    return _misread(attempt, "secret_as_bytes")


@_in_request(
    "The signature was made with the text of the secret as the key: decode the base64 after whsec_ to get the key."
)
def _key_not_decoded(attempt: _Attempt) -> list[_Attempt]:
    return _misread(attempt, "key_not_decoded")


@_in_request(_IN_MILLISECONDS)
def _timestamp_in_milliseconds(attempt: _Attempt) -> list[_Attempt]:
    return [attempt._replace(prefix=attempt.prefix[:-4] + ".")] if _MILLISECONDS(attempt.timestamp) else []


@_in_request("The signature was made without the message id: the signed content is <svix-id>.<svix-timestamp>.<body>.")
def _id_left_out(attempt: _Attempt) -> list[_Attempt]:
    return [attempt._replace(prefix=f"{attempt.timestamp}."), attempt._replace(prefix="")]


@_in_request("The signature was made without the timestamp: the signed content is <svix-id>.<svix-timestamp>.<body>.")
def _timestamp_left_out(attempt: _Attempt) -> list[_Attempt]:
    return [attempt._replace(prefix=attempt.prefix.removesuffix(f"{attempt.timestamp}."))]


@_in_signatures("A + of the signature became a space: something decoded the svix-signature header as a form.")
def _signature_space_for_plus(signatures: str) -> list[str]:
    return [re.sub(r" (?!v\d+a?,)", "+", signatures)]


@_in_signatures("The signature is percent-encoded: pass the svix-signature header as it was received.")
def _signature_percent_encoded(signatures: str) -> list[str]:
    return [unquote(signatures)]


# A guess fits 16 characters of base64 once in 2 ** 96 times.
_LEAST_OF_SIGNATURE = len("v1,") + 16


@_in_request("The end of the signature is missing: look for a limit on the length of the svix-signature header.")
def _signature_cut_off(attempt: _Attempt) -> Iterator[_Attempt]:
    entries = [entry for entry in attempt.signatures.split(" ") if len(entry) >= _LEAST_OF_SIGNATURE]
    for key in attempt.keys:
        signature = key.sign(attempt.prefix.encode("utf-8", "surrogatepass"), attempt.body).decode()
        if any(map(signature.startswith, entries)):
            yield attempt._replace(signatures=signature)


@_in_signatures("A comma stands between two signatures: svix-signature separates them by a space.")
def _signatures_joined_by_comma(signatures: str) -> list[str]:
    return [re.sub(", *v1,", " v1,", signatures)]


_HEXADECIMAL = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])")
_BASE64_OF_32_BYTES = re.compile(r"[A-Za-z0-9+/]{43}=")


@_in_signatures("The signature lacks its version, or has another text there: send v1,<signature>.")
def _signature_without_version(signatures: str) -> list[str]:
    return [" ".join(f"v1,{each}" for each in _BASE64_OF_32_BYTES.findall(signatures)[:_MAX_ENTRIES])]


@_in_signatures("The signature is in hexadecimal: send v1,<signature> with the signature in base64.")
def _signature_hexadecimal(signatures: str) -> list[str]:
    digests = map(bytes.fromhex, _HEXADECIMAL.findall(signatures)[:_MAX_ENTRIES])
    return [" ".join(f"v1,{b64encode(digest).decode()}" for digest in digests)]


@_in_signatures("The signature is in url-safe base64: send standard base64, with + and / instead of - and _.")
def _signature_url_safe(signatures: str) -> list[str]:
    standard = signatures.translate(_STANDARD_BASE64)
    return [standard, standard.replace(" ", "= ") + "="]  # many encoders leave out the padding
