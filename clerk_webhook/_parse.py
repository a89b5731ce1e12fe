"""Turn JSON into an event: the decoder, its limits, and the rules of a body.

This module verifies no signature, and it does no I/O.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isinf
from typing import TYPE_CHECKING, Any

from .errors import PayloadError
from .events import EVENT_CLASSES, UnknownEvent

if TYPE_CHECKING:
    from .events import WebhookEvent

__all__ = ["event_from_json", "parse_event", "parse_json", "to_bytes"]

# Users write into genuine events (`unsafe_metadata`), and Python cannot copy or pickle a value that is nested too
# deeply. 200 is far above the five levels of Clerk's events, and orjson writes no more than 254.
_MAX_DEPTH = 200

# Any, because a check against dict itself gives a dict of Unknown, and a check by a function takes noticeable time.
_DICT: Any = dict
_CONTAINERS: Any = (dict, list)
_BYTES: Any = (bytes, bytearray, memoryview)


def parse_event(
    payload: bytes | bytearray | memoryview | str | Mapping[str, Any], *, message_id: str | None = None
) -> WebhookEvent:
    """Parse the body of a webhook that you trust already: from a queue, from a file, or from `event.payload`.

    This function verifies nothing. Use `verify_and_parse` for a request.

    The body must be a JSON object with a string `type`. `data` must be an object if the type is a known one. Nothing
    else is required, because Clerk adds fields and leaves some out.

    Args:
        payload: The body as UTF-8 bytes or text, or the JSON object that was parsed from the body.
        message_id: The `svix-id` header. The event keeps it.

    Returns:
        The event: one of the classes in `clerk_webhook.events`. An `UnknownEvent` if the type is newer than this
        release.

    Raises:
        PayloadError: The body is not a Clerk event, it is nested deeper than 200 levels, or it has an integer of more
            than 4,300 digits.
        TypeError: The payload is neither text nor bytes nor a mapping.

    Example:
        ```python
        event = parse_event(b'{"type": "user.deleted", "data": {"id": "user_1", "deleted": true}}')
        ```
    """
    if isinstance(payload, Mapping):
        value = payload if isinstance(payload, dict) else dict(payload)
        _refuse_deep(value)
        return event_from_json(value, message_id)
    return event_from_json(parse_json(payload), message_id)


def parse_json(body: bytes | bytearray | memoryview | str, loads: Callable[[bytes], object] | None = None) -> object:
    """Return the JSON value of a body.

    `json.loads` would guess the encoding first and accept NaN, and its errors hold the whole body.

    Args:
        body: The body as UTF-8 bytes or text.
        loads: The parser to use instead of the standard library's.

    Raises:
        PayloadError: The body is not JSON, or it exceeds the limits.
        TypeError: The body is neither text nor bytes.
    """
    raw = body if type(body) is bytes else to_bytes(body)
    if raw is None:
        raise TypeError(
            "payload must be the body as bytes or str, or the JSON object that was parsed from it, "
            f"not {type(body).__name__}."
        )
    # A usual body has 20 opening brackets and is not walked. This count takes 4 % of a request, and bytes.count would
    # take 12 % (CPython 3.11, a body of 1.5 kB).
    many_brackets = 2 * len(raw) - len(raw.replace(b"{", b"")) - len(raw.replace(b"[", b"")) > _MAX_DEPTH
    value: object = None
    problem = ""
    try:
        if loads is not None:
            value = loads(raw)
        else:
            text = raw.decode().strip(_WHITE_SPACE)
            value, end = _DECODER.raw_decode(text)
            if end < len(text):
                problem = f"there is more after its end, at character {end}"
    except MemoryError:  # not the fault of the body
        raise
    except Exception as error:  # noqa: BLE001  # each parser has exceptions of its own for a bad body
        problem = _problem(error) if loads is None else f"{type(error).__name__} from the JSON parser"
    if problem:
        # Raised out here because the errors of parsers hold the body.
        raise PayloadError(f"The body is not JSON: {problem}.")
    if many_brackets:
        _refuse_deep(value)
    return value


def to_bytes(body: Any) -> bytes | None:
    """Return a raw body as the bytes that were signed. None if it is not a raw body."""
    if isinstance(body, str):
        # A lenient framework may leave lone surrogates in a text, and a strict codec would raise an error for them.
        # Encoded like this they are not UTF-8, and they match no genuine signature.
        return body.encode("utf-8", "surrogatepass")
    return bytes(body) if isinstance(body, _BYTES) else None


def _problem(error: Exception) -> str:
    """Describe an error of the standard library's parser, without the body."""
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 ({error.reason} at byte {error.start})"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)


def _refuse_deep(value: object) -> None:
    """Raise an error if a JSON value is nested deeper than the limit."""
    level: list[Any] = [[value]]
    for _ in range(_MAX_DEPTH + 1):
        level = [
            inner
            for container in level
            for inner in (container.values() if isinstance(container, _DICT) else container)
            if isinstance(inner, _CONTAINERS)
        ]
        if not level:
            return
    raise PayloadError(f"The body is nested deeper than {_MAX_DEPTH} levels.")


def event_from_json(value: Any, message_id: str | None = None) -> WebhookEvent:
    """Return the event that a parsed JSON value is.

    Args:
        value: Any JSON value.
        message_id: The `svix-id` header. The event keeps it.

    Raises:
        PayloadError: The value is not a Clerk event.
    """
    if not isinstance(value, _DICT):
        raise PayloadError(f"The body must be a JSON object, not {_json_name(value)}: this is not a Clerk event.")
    wire_type = value.get("type")
    if not isinstance(wire_type, str):
        raise PayloadError(f"'type' must be a string, not {_json_name(wire_type)}: this is not a Clerk event.")
    data = value.get("data")
    event_class = EVENT_CLASSES.get(wire_type)
    if event_class is None:
        return UnknownEvent("unknown", data, value, message_id)
    if not isinstance(data, _DICT):
        raise PayloadError(f"'data' of {wire_type} must be an object, not {_json_name(data)}.")
    construct: Any = event_class  # type checkers cannot see that the class is a member of the union
    event: WebhookEvent = construct(wire_type, data, value, message_id)
    return event


def _json_name(value: object) -> str:
    """Name the type of a JSON value, and nothing of its content."""
    return "missing or null" if value is None else f"a Python {type(value).__name__}"


def _refuse_constant(name: str) -> float:
    # RFC 8259, section 6: "Numeric values that cannot be represented in the grammar below (such as Infinity and
    # NaN) are not permitted." Python's json accepts them.
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError("a number is too large")
    return number


# RFC 8259, section 2: "ws".
_WHITE_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
