"""Turn JSON into an event: the decoder, its limits, and the rules of a body.

This module verifies no signature, and it does no I/O but one warning in the log.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from math import isinf
from typing import TYPE_CHECKING, Any, NoReturn

from ._pruning import MAX_DEPTH, without_deep_values, without_lone_surrogates
from .errors import PayloadError
from .events import EVENT_CLASSES, UnknownEvent

if TYPE_CHECKING:
    from .events import WebhookEvent

# The limit of Python's own int(), by default. A conversion takes the square of the number of digits.
_MAX_DIGITS = 4300


def parse_event(
    payload: bytes | bytearray | memoryview | str | Mapping[str, Any], *, message_id: str | None = None
) -> WebhookEvent:
    """Parse the body of a webhook that you trust already: from a queue, from a file, or from `event.payload`.

    This function verifies nothing. Use `verify_and_parse` for a request.

    The body must be a JSON object with a string `type`. `data` must be an object if the type is a known one. Nothing
    else is required, because Clerk adds fields and leaves some out. Values that not every parser and database can hold
    are replaced: null stands for numbers of more than 4,300 digits or beyond a float, for NaN, and for values nested
    deeper than 200 levels; U+FFFD stands for half of a surrogate pair.

    Args:
        payload: The body as UTF-8 bytes or text, or the JSON object that was parsed from the body. Of an object, only
            values that are nested too deeply are replaced, in a copy.
        message_id: The `svix-id` header. The event keeps it.

    Returns:
        The event: one of the classes in `clerk_webhook.events`. An `UnknownEvent` if the type is newer than this
        release.

    Raises:
        PayloadError: The body is not a Clerk event.
        TypeError: The payload is neither text nor bytes nor a mapping.

    Example:
        ```python
        event = parse_event(b'{"type": "user.deleted", "data": {"id": "user_1", "deleted": true}}')
        ```
    """
    if isinstance(payload, Mapping):
        value = payload if isinstance(payload, dict) else dict(payload)
        if _is_deep(value):
            value = _shallow(value, MAX_DEPTH)
            _warn(message_id)
        return event_from_json(value, message_id)
    return event_from_json(parse_json(payload, message_id=message_id), message_id)


def parse_json(
    body: bytes | bytearray | memoryview | str,
    loads: Callable[[bytes], object] | None = None,
    message_id: str | None = None,
) -> object:
    """Return the JSON value of a body, without what a user can write to hide an event.

    `json.loads` would guess the encoding first and accept NaN, and its errors hold the whole body.

    Args:
        body: The body as UTF-8 bytes or text.
        loads: The parser to try before the standard library's.
        message_id: For the warning and the error.

    Raises:
        PayloadError: The body is not JSON in UTF-8.
        TypeError: The body is neither text nor bytes.
    """
    raw = body if type(body) is bytes else to_bytes(body)
    if raw is None:
        raise TypeError(
            "payload must be the body as bytes or str, or the JSON object that was parsed from it, "
            f"not {type(body).__name__}."
        )
    try:
        text = mended = raw.decode()
        # A usual body has 20 opening brackets. Deleting them is the fastest way to count up to a limit: bytes.count
        # takes twice the time for a body of 1.5 kB, on CPython 3.11 to 3.13.
        most = MAX_DEPTH + 1
        if 2 * len(raw) - len(raw.replace(b"{", b"", most)) - len(raw.replace(b"[", b"", most)) > MAX_DEPTH:
            mended = without_deep_values(raw).decode()
        if "\\" in text and ("\\ud" in text or "\\uD" in text):  # one character is found faster than three
            mended = without_lone_surrogates(mended)
        changed = mended != text
        if loads is None or (value := _loaded(loads, mended.encode() if changed else raw)) is None:
            text = mended.strip(_WHITE_SPACE)
            try:
                # Without the limit of digits that Python has by default, one number could take seconds.
                unlimited = len(text) > _MAX_DIGITS and not 0 < sys.get_int_max_str_digits() <= _MAX_DIGITS
                # The scanner itself, because each method of the decoder around it takes 1 % of a request.
                value, end = (_LENIENT if unlimited else _STRICT).scan_once(text, 0)
            except (StopIteration, ValueError):
                value, end = _LENIENT.raw_decode(text)
                changed = True
            if end < len(text):
                _refuse(f"there is more after its end, at character {end}")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.reason} at byte {error.start})"
    except (RecursionError, ValueError) as error:
        problem = str(error)
    else:
        if changed:
            _warn(message_id)
        return value
    # Raised out here because the errors of parsers hold the body.
    raise PayloadError(f"The body is not JSON: {problem}.", message_id)


def to_bytes(body: Any) -> bytes | None:
    """Return a raw body as the bytes that were signed. None if it is not a raw body."""
    if isinstance(body, str):
        # A lenient framework may leave lone surrogates in a text, and a strict codec would raise an error for them.
        # Encoded like this they are not UTF-8, and they match no genuine signature.
        return body.encode("utf-8", "surrogatepass")
    raw: Any = body
    return bytes(raw) if isinstance(body, bytes | bytearray | memoryview) else None


def _loaded(loads: Callable[[bytes], object], raw: bytes) -> object:
    """Return the value that the caller's parser gives; None if the parser refuses the text."""
    try:
        return loads(raw)
    except MemoryError:  # not the fault of the body
        raise
    except Exception:  # noqa: BLE001  # each parser has exceptions of its own, and the standard library is next
        return None


def _warn(message_id: str | None) -> None:
    """Say that the event is not quite as it was sent."""
    import logging  # noqa: PLC0415  # rarely needed, and its import takes a third of the whole package's

    logging.getLogger("clerk_webhook").warning(
        "Message %s: values that are nested too deeply, too large or not Unicode were replaced by null or U+FFFD.",
        message_id,
    )


def _is_deep(value: object) -> bool:
    """Return whether a JSON value is nested deeper than the limit."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        containers = [each for each in level if _is_container(each)]
        level = [inner for each in containers for inner in (each.values() if hasattr(each, "values") else each)]
    return any(map(_is_container, level))


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list)


def _shallow(value: Any, levels: int) -> Any:
    """Return a copy of a JSON value, with None for containers below so many levels."""
    if not _is_container(value):
        return value
    if not levels:
        return None
    if hasattr(value, "items"):
        return {key: _shallow(inner, levels - 1) for key, inner in value.items()}
    return [_shallow(inner, levels - 1) for inner in value]


def event_from_json(value: Any, message_id: str | None = None) -> WebhookEvent:
    """Return the event that a parsed JSON value is.

    Args:
        value: Any JSON value.
        message_id: The `svix-id` header. The event keeps it.

    Raises:
        PayloadError: The value is not a Clerk event.
    """
    payload: dict[str, Any] = value  # which it is after the next line; a narrowed `value` would be a dict of Unknown
    if not isinstance(value, dict):
        raise PayloadError(
            f"The body must be a JSON object, not {_json_name(value)}: this is not a Clerk event.", message_id
        )
    wire_type: Any = payload.get("type")
    if not isinstance(wire_type, str):
        raise PayloadError(
            f"'type' must be a string, not {_json_name(wire_type)}: this is not a Clerk event.", message_id
        )
    data: Any = payload.get("data")
    event_class = EVENT_CLASSES.get(wire_type)
    if event_class is None:
        return UnknownEvent("unknown", data, payload, message_id)
    if not isinstance(data, dict):
        raise PayloadError(f"'data' of {wire_type} must be an object, not {_json_name(data)}.", message_id)
    construct: Any = event_class  # type checkers cannot see that the class is a member of the union
    event: WebhookEvent = construct(wire_type, data, payload, message_id)
    return event


def _json_name(value: object) -> str:
    """Name the type of a JSON value, and nothing of its content."""
    return "missing or null" if value is None else f"a Python {type(value).__name__}"


def _refuse(problem: str) -> NoReturn:
    raise ValueError(problem)


def _finite(text: str) -> float:
    number = float(text)
    return number if not isinf(number) else _refuse(text)


def _float_or_none(text: str) -> float | None:
    number = float(text)
    return None if isinf(number) else number


def _int_or_none(text: str) -> int | None:
    return int(text) if len(text.lstrip("-")) <= _MAX_DIGITS else None


# RFC 8259, section 2: "ws".
_WHITE_SPACE = " \t\n\r"
# RFC 8259, section 6: "Numeric values that cannot be represented in the grammar below (such as Infinity and
# NaN) are not permitted." Python's json accepts them.
# Any, because typeshed does not have the scanner of a decoder.
_STRICT: Any = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_LENIENT: Any = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_float_or_none, parse_int=_int_or_none)
