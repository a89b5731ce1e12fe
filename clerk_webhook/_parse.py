"""Turn JSON into an event: the decoder, and the rules that a body has to keep.

Nothing here verifies a signature, and nothing here does I/O.
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

__all__ = ["event_from_json", "parse_event", "parse_json"]


def parse_event(
    payload: bytes | bytearray | memoryview | str | Mapping[str, Any], *, message_id: str | None = None
) -> WebhookEvent:
    """Parse the body of a webhook that is already trusted: from a queue, a file, or `event.raw`.

    This verifies nothing: for a request use `verify_and_parse`.

    It is lenient: the body must be a JSON object with a string `type`, and `data` an object where the type is a
    known one. Clerk adds fields and leaves some out, so nothing else is demanded.

    Args:
        payload: The body as UTF-8 bytes or text, or the JSON object that it was parsed to.
        message_id: The `svix-id` header, to be kept with the event.

    Returns:
        The event: one of the classes of `clerk_webhook.events`. `UnknownEvent` for a type newer than this release.

    Raises:
        PayloadError: It isn't a Clerk event.
        TypeError: It is neither text nor bytes nor a mapping.

    Example:
        ```python
        event = parse_event(b'{"type": "user.deleted", "data": {"id": "user_1", "deleted": true}}')
        ```
    """
    if isinstance(payload, Mapping):
        return event_from_json(payload if isinstance(payload, dict) else dict(payload), message_id)
    return event_from_json(parse_json(payload), message_id)


def parse_json(payload: bytes | bytearray | memoryview | str) -> object:
    """Return the JSON value that a body is.

    `json.loads` guesses at the encoding first and lets NaN pass; its errors hold the whole body.

    Args:
        payload: The body as UTF-8 bytes or text.

    Raises:
        PayloadError: It isn't JSON.
        TypeError: It is neither text nor bytes.
    """
    try:
        if type(payload) is bytes:  # the path of a request; the others are those of parse_event
            text = payload.decode()
        else:
            text = payload if isinstance(payload, str) else str(payload, "utf-8")
        text = text.strip(_WHITE_SPACE)
        value, end = _scan(text, 0)
        if end == len(text):
            return value
        problem = f"there is more after its end, at character {end}"
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.reason} at byte {error.start})"
    except StopIteration as error:
        problem = f"no value at character {error.value}"
    except RecursionError:
        problem = "nested too deeply"
    except ValueError as error:
        problem = str(error)
    # Raised out here, or the error would drag along those of json, and the body in them.
    raise PayloadError(f"The body isn't JSON: {problem}.")


# Any, for a check against dict itself makes a dict of Unknown, and one by a function is noticeable here.
_DICT: Any = dict


def event_from_json(value: Any, message_id: str | None = None) -> WebhookEvent:
    """Return the event that a parsed JSON value is.

    Args:
        value: Any JSON value.
        message_id: The `svix-id` header, to be kept with the event.

    Raises:
        PayloadError: It isn't a Clerk event.
    """
    if not isinstance(value, _DICT):
        raise PayloadError(f"The body must be a JSON object, not {_json_name(value)}: this isn't a Clerk event.")
    wire_type = value.get("type")
    if not isinstance(wire_type, str):
        raise PayloadError(f"'type' must be a string, not {_json_name(wire_type)}: this isn't a Clerk event.")
    data = value.get("data")
    event_class = EVENT_CLASSES.get(wire_type)
    if event_class is None:
        return UnknownEvent("unknown", data, value, message_id)
    if not isinstance(data, _DICT):
        raise PayloadError(f"'data' of {wire_type} must be an object, not {_json_name(data)}.")
    construct: Any = event_class  # that it makes a member of the union a type checker can't see
    event: WebhookEvent = construct(wire_type, data, value, message_id)
    return event


def _json_name(value: object) -> str:
    """Say what a JSON value is, never what it holds."""
    return "missing or null" if value is None else f"a Python {type(value).__name__}"


def _refuse_constant(name: str) -> float:
    # RFC 8259, section 6: "Numeric values that cannot be represented in the grammar below (such as Infinity and
    # NaN) are not permitted." Python's json lets them pass.
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError("a number is too large")
    return number


# RFC 8259, section 2: "ws".
_WHITE_SPACE = " \t\n\r"
# What JSONDecoder.raw_decode calls, and all that it does but for the exception. typeshed doesn't know the attribute.
_DECODER: Any = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_scan: Callable[[str, int], tuple[object, int]] = _DECODER.scan_once
