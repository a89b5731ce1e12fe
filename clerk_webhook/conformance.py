"""Check an event against its data type: find keys that are missing, unexpected or of another type.

Parsing does not check this. A mismatch means that Clerk has changed something, or that a type of this package is wrong.
It never means that a delivery is bad, so log it or fail a test on it, but do not refuse the delivery::

    for mismatch in conformance.check(event):
        logger.warning("%s: %s", event.type, mismatch)  # user.created: data.first_name: expected str | None, found int

A mismatch is safe to log. It holds keys, types and the values of enums, but no name, address or code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    TypeAlias,
    TypeGuard,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from . import types
from .events import EVENT_CLASSES, Event, data_type_of

__all__ = ["Mismatch", "check", "is_payload"]


class Mismatch(NamedTuple):
    """One place where an event differs from its type. `str(mismatch)` is a line for a log.

    Attributes:
        path: The place: `"data.email_addresses[0].verification.status"`, `'data["odd key"]'`. `""` is the whole value.
        kind: `"missing"` or `"unexpected"` for a key, `"type"` for another JSON type, `"value"` for a value outside an
            enum.
        expected: The annotation as written in source, without aliases: `"str | None"`, `"list[EmailAddressJSON]"`.
        found: The Python name of the JSON type, such as `"int"` or `"None"`. `"nothing"` for a missing key. For an enum
            the value itself, cut to 40 characters.

    Example:
        ```python
        unknown_keys = [mismatch.path for mismatch in check(event) if mismatch.kind == "unexpected"]
        ```
    """

    path: str
    kind: Literal["missing", "unexpected", "type", "value"]
    expected: str
    found: str

    def __str__(self) -> str:
        """Return the mismatch as a line of text."""
        where = f"{self.path}: " if self.path else ""
        return f"{where}expected {self.expected}, found {self.found}"


def check(event_or_payload: object, data_type: type[Any] | None = None) -> list[Mismatch]:
    """List the places where an event, a payload or data differ from their type.

    The `type` of a payload decides which data type applies, and the `object` of data does. The data of an event type
    that is newer than this release is not checked. Metadata may hold anything, so it is not checked either. No JSON
    value makes this function raise.

    Args:
        event_or_payload: An `Event`, a payload (the whole body as parsed JSON), or data such as `event.data`.
        data_type: The TypedDict to check the data against: for a part of the data, or a TypedDict of your own. With it,
            a mapping counts as data. Without it, the event type or the `object` decides.

    Returns:
        The mismatches. In each object, the keys of the type come first, in the type's order, and unexpected keys last.
        The list is empty if nothing differs.

    Raises:
        TypeError: The `data_type` is not a TypedDict, or the two arguments are swapped.

    Example:
        ```python
        assert check(event) == []
        assert check(event.data["email_addresses"][0], types.EmailAddressJSON) == []
        ```
    """
    if data_type is not None and not is_typeddict(data_type):
        # The message has no repr, because a swapped argument is the data.
        raise TypeError("data_type must be a TypedDict: check(data, types.UserJSON).")
    if isinstance(event_or_payload, Event):
        return _check_payload(event_or_payload.payload, data_type)
    if data_type is not None:
        return _check_value(event_or_payload, data_type)
    if not _is_object(event_or_payload):
        return _check_value(event_or_payload, types.WebhookEventJSON)
    if is_payload(event_or_payload):
        return _check_payload(event_or_payload, None)
    return _check_data(event_or_payload)


def is_payload(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether `check` takes a value for the payload of an event, and not for data.

    Args:
        value: Any JSON value.

    Example:
        ```python
        assert is_payload(event.payload) and not is_payload(event.data)
        ```
    """
    # No data has both keys: permissions have a `type`, messages and invitations have `data`.
    return _is_object(value) and (
        value.get("object") == "event" or {"type", "data"} <= value.keys() or value.get("type") in [*EVENT_CLASSES]
    )


# Up to Python 3.13, `X | None` is one or the other, depending on X.
_UNIONS = (UnionType, Union)

_PLAIN = (str, int, bool, list, NoneType)

_LONGEST_VALUE = 40


class _Key(NamedTuple):
    """A key of a TypedDict."""

    annotation: Any
    required: bool


@cache
def _keys(typed_dict: type[Any]) -> Mapping[str, _Key]:
    """Return the keys of a TypedDict, in its order."""
    qualified = get_type_hints(typed_dict, include_extras=True)

    def required(key: str) -> bool:
        # __required_keys__ alone is wrong if the TypedDict's module has `from __future__ import annotations`.
        qualifier = get_origin(qualified[key])
        return qualifier is Required or (qualifier is not NotRequired and key in typed_dict.__required_keys__)

    return {key: _Key(annotation, required(key)) for key, annotation in get_type_hints(typed_dict).items()}


@cache
def _data_types_by_object() -> Mapping[str, list[type[Any]]]:
    """Return the data types of all events by their `object`. Two types of invitation share one."""
    by_object: dict[str, list[type[Any]]] = {}
    # A dict is a set in order, because several events share a data type.
    data_types: Iterable[Any] = dict.fromkeys(map(data_type_of, EVENT_CLASSES))
    for data_type in data_types:
        for name in get_args(_keys(data_type)["object"].annotation):  # DeletedObjectJSON has `str`, so no names
            by_object.setdefault(name, []).append(data_type)
    return by_object


def _check_payload(payload: Mapping[str, Any], data_type: type[Any] | None) -> list[Mismatch]:
    """Check the payload of an event, and the data inside it."""
    event_type = payload.get("type")
    if data_type is None and isinstance(event_type, str):
        data_type = data_type_of(event_type)
    keys = _keys(types.WebhookEventJSON)
    if data_type is not None:
        keys = {**keys, "data": _Key(data_type, required=True)}
    return _flat(_in_object("", payload, keys))


def _check_data(data: Mapping[str, Any]) -> list[Mismatch]:
    """Check data alone, against the type that its keys suggest."""
    if data.get("deleted") is True:
        return _check_value(data, types.DeletedObjectJSON)
    by_object = _data_types_by_object()
    name = data.get("object")
    if isinstance(name, str) and name in by_object:
        return min((_check_value(data, data_type) for data_type in by_object[name]), key=len)
    if "object" not in data:
        for data_type in (each for one_name in by_object.values() for each in one_name):
            # E-mails, text messages and payments can lack `object`, but always have their required keys.
            if data.keys() >= data_type.__required_keys__:
                return _check_value(data, data_type)
    # No type fits: report one mismatch about `object` instead of one per key.
    literal: Any = Literal
    known = {"object": _Key(literal[("event", *by_object)], required=True)}
    return _flat(_in_object("", {"object": name} if "object" in data else {}, known))


def _check_value(value: object, annotation: Any) -> list[Mismatch]:
    """Check any value against any annotation."""
    return _flat(_in_value("", value, annotation))


# The mismatches of a place, and for each place inside it an iterator of the same kind.
_Found: TypeAlias = "Iterator[Mismatch | _Found]"


def _flat(found: _Found) -> list[Mismatch]:
    """Return all mismatches, in order. There is no recursion here, because the data decides how deep its type goes."""
    mismatches: list[Mismatch] = []
    pending = [found]
    while pending:
        match next(pending[-1], None):
            case None:
                pending.pop()
            case Mismatch() as mismatch:
                mismatches.append(mismatch)
            case inner:
                pending.append(inner)
    return mismatches


def _in_value(path: str, value: Any, annotation: Any) -> _Found:
    """Yield the mismatch of a value itself, or else what is found inside it."""
    alternatives = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
    fitting = next((alternative for alternative in alternatives if _fits(value, alternative)), None)
    if fitting is None:
        in_enum = isinstance(value, str) and any(get_origin(alternative) is Literal for alternative in alternatives)
        found = _shown(value) if in_enum else _type_name(value)
        yield Mismatch(path, "value" if in_enum else "type", _annotation_text(annotation), found)
    elif is_typeddict(fitting):
        yield _in_object(path, value, _keys(fitting))
    elif get_origin(fitting) is list:
        (item_annotation,) = get_args(fitting)
        yield from (_in_value(f"{path}[{index}]", item, item_annotation) for index, item in enumerate(value))


def _in_object(path: str, value: Mapping[str, Any], keys: Mapping[str, _Key]) -> _Found:
    """Yield a mismatch for each wrong key of an object, and what is found in each other key."""
    for key, (annotation, required) in keys.items():
        if key in value:
            yield _in_value(_key_path(path, key), value[key], annotation)
        elif required:
            yield Mismatch(_key_path(path, key), "missing", _annotation_text(annotation), "nothing")
    for key, member in value.items():
        if key not in keys:
            yield Mismatch(_key_path(path, key), "unexpected", "no such key", _type_name(member))


def _fits(value: object, annotation: Any) -> bool:
    """Return whether a value has the JSON type of an annotation, which is no union. An enum must have the value."""
    kind = get_origin(annotation) or annotation
    if kind is Any:
        return True
    if kind is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(annotation))
    if kind is dict or is_typeddict(kind):
        return _is_object(value)
    if kind is float:
        return type(value) in (float, int)  # JSON has one kind of number
    if kind in _PLAIN:
        return type(value) is kind  # `true` is not an int
    return True  # only a TypedDict of your own can have another annotation, which is not checked


def _annotation_text(annotation: Any) -> str:
    """Return an annotation as written in source, without module names.

    Aliases do not exist at run time: `UnixMillis` becomes `int`, and `Metadata` becomes `dict[str, Any]`.
    """
    if annotation is NoneType:
        return "None"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _UNIONS:
        return " | ".join(map(_annotation_text, arguments))
    if origin is Literal:
        values = (json.dumps(value) if isinstance(value, str) else repr(value) for value in arguments)
        return f"Literal[{', '.join(values)}]"
    if origin is not None:
        return f"{_annotation_text(origin)}[{', '.join(map(_annotation_text, arguments))}]"
    name: str = getattr(annotation, "__name__", repr(annotation))
    return name


def _key_path(path: str, key: str) -> str:
    """Return the path of a key. No two keys have the same path."""
    if not key.isidentifier():
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def _type_name(value: object) -> str:
    """Return the name of a value's JSON type."""
    return "None" if value is None else type(value).__name__


def _shown(text: str) -> str:
    """Return the value of an enum, short enough for a line."""
    return repr(text) if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]!r}..."


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether a value is a JSON object."""
    return isinstance(value, Mapping)
