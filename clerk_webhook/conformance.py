"""Hold what arrived against the payload types: which keys are missing, new, or of another type.

Parsing never asks this. The types list what arrives, so a mismatch says that Clerk has changed something or that a
type here is wrong, never that a delivery is bad: log it, or fail a test on it, but refuse nothing because of it::

    for mismatch in conformance.check(event):
        logger.warning("%s: %s", event.type, mismatch)  # user.created: data.first_name: expected str | None, found int

What is reported holds keys, types and the values of enums, so it can be logged: no name, address or code is in it.
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
    TypeGuard,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from . import types
from .events import EVENT_CLASSES, Event

__all__ = ["Mismatch", "annotation_text", "check", "is_body", "payload_type_of"]


class Mismatch(NamedTuple):
    """One place where what arrived differs from its type. As text it is a line for a log.

    Attributes:
        path: Where: `"data.email_addresses[0].verification.status"`, `'data["odd key"]'`. `""` is the whole.
        kind: `"missing"` and `"unexpected"` are about a key; `"type"` is another JSON type, `"value"` a value that an
            enum doesn't have.
        expected: The annotation as one would write it: `"str | None"`, `"list[EmailAddressJSON]"`.
        found: The Python name of the JSON type, `"int"` or `"None"` for example, or `"nothing"`. Of an enum it is the
            value, cut to 40 characters.

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
        """Return a line for people."""
        where = f"{self.path}: " if self.path else ""
        return f"{where}expected {self.expected}, found {self.found}"


def check(event_or_payload: object, payload_type: type[Any] | None = None) -> list[Mismatch]:
    """List where an event, or a payload, differs from its type.

    Takes an event, the body of one as parsed JSON, or a payload alone, and never raises for any JSON value. A body
    has its `type` to go by, and a payload its `object`; of an event type newer than this release only what is
    around the payload is checked. Metadata may hold anything, and is not looked into.

    Args:
        event_or_payload: An `Event`, a body, or a payload such as `event.data`.
        payload_type: The TypedDict that the payload should be, instead of the one that its event type or its
            `object` stands for: for a part of a payload, or for a TypedDict of your own. With it, a mapping is taken
            for a payload.

    Returns:
        The mismatches, in the order in which the types list their keys; after those, keys that the type doesn't
        have. An empty list if there are none.

    Raises:
        TypeError: The `payload_type` is no TypedDict.

    Example:
        ```python
        assert check(event) == []
        assert check(event.data["email_addresses"][0], types.EmailAddressJSON) == []
        ```
    """
    if payload_type is not None and not is_typeddict(payload_type):
        raise TypeError("payload_type must be a TypedDict, such as types.UserJSON.")  # no repr: it may be the payload
    if isinstance(event_or_payload, Event):
        return _check_body(event_or_payload.raw, payload_type)
    if payload_type is not None:
        return _check_value(event_or_payload, payload_type)
    if not _is_object(event_or_payload):
        return _check_value(event_or_payload, types.WebhookEventJSON)
    if is_body(event_or_payload):
        return _check_body(event_or_payload, None)
    return _check_payload(event_or_payload)


def is_body(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether `check` takes a value for the body of an event.

    Args:
        value: Any JSON value.

    Example:
        ```python
        assert is_body(event.raw) and not is_body(event.data)
        ```
    """
    # No payload has both keys: permissions have a `type`, messages and invitations have `data`.
    return _is_object(value) and (value.get("object") == "event" or {"type", "data"} <= value.keys())


def payload_type_of(event_type: str) -> type[Any] | None:
    """Return the TypedDict that the payload of an event type is.

    Args:
        event_type: The event type, such as `"user.created"`.

    Returns:
        The class, one of those in `clerk_webhook.types`. None for a type newer than this release.

    Example:
        ```python
        assert payload_type_of("user.created") is types.UserJSON
        ```
    """
    event_class = EVENT_CLASSES.get(event_type)
    if event_class is None:
        return None
    (base,) = event_class.__dict__["__orig_bases__"]
    payload_type: type[Any] = getattr(types, base.__args__[1])  # on the class line it is a string
    return payload_type


def annotation_text(annotation: Any) -> str:
    """Return an annotation as one would write it, without the modules of its names.

    Aliases are gone at run time: `UnixMillis` reads `int`, and `Metadata` reads `dict[str, Any]`.

    Args:
        annotation: The annotation, resolved: from `typing.get_type_hints` for example.

    Example:
        ```python
        assert annotation_text(list[types.EmailAddressJSON] | None) == "list[EmailAddressJSON] | None"
        ```
    """
    if annotation is NoneType:
        return "None"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in _UNIONS:
        return " | ".join(map(annotation_text, arguments))
    if origin is Literal:
        values = (json.dumps(value) if isinstance(value, str) else repr(value) for value in arguments)
        return f"Literal[{', '.join(values)}]"
    if origin is not None:
        return f"{annotation_text(origin)}[{', '.join(map(annotation_text, arguments))}]"
    name: str = getattr(annotation, "__name__", repr(annotation))
    return name


# `X | None` is the one or the other, by what X is, up to Python 3.13.
_UNIONS = (UnionType, Union)

_PLAIN = (str, int, bool, list, NoneType)

_LONGEST_VALUE = 40


class _Field(NamedTuple):
    """What a TypedDict says of a key."""

    annotation: Any
    required: bool


class _Place(NamedTuple):
    """A value that is still to be held against its annotation."""

    path: str
    value: Any
    annotation: Any


@cache
def _fields(typed_dict: type[Any]) -> dict[str, _Field]:
    """Return what a TypedDict says of its keys, in its order."""
    qualified = get_type_hints(typed_dict, include_extras=True)

    def required(key: str) -> bool:
        # __required_keys__ alone is wrong for a TypedDict from a module with `from __future__ import annotations`.
        qualifier = get_origin(qualified[key])
        return qualifier is Required or (qualifier is not NotRequired and key in typed_dict.__required_keys__)

    return {key: _Field(annotation, required(key)) for key, annotation in get_type_hints(typed_dict).items()}


@cache
def _payload_types_by_object() -> dict[str, list[type[Any]]]:
    """Return the payload types of all events by what they call themselves. Two kinds of invitation share a name."""
    # A dict for a set in order, as several events have one payload type; Any, as all of these types have one.
    payload_types: Iterable[Any] = dict.fromkeys(map(payload_type_of, EVENT_CLASSES))
    by_object: dict[str, list[type[Any]]] = {}
    for payload_type in payload_types:
        for name in get_args(_fields(payload_type)["object"].annotation):  # none for `str`, that of DeletedObjectJSON
            by_object.setdefault(name, []).append(payload_type)
    return by_object


def _check_body(body: Mapping[str, Any], payload_type: type[Any] | None) -> list[Mismatch]:
    """Check the body of an event, with the payload inside it."""
    event_type = body.get("type")
    if payload_type is None and isinstance(event_type, str):
        payload_type = payload_type_of(event_type)
    fields = _fields(types.WebhookEventJSON)
    if payload_type is not None:
        fields = fields | {"data": fields["data"]._replace(annotation=payload_type)}
    return _settle(_members("", body, fields))


def _check_payload(payload: Mapping[str, Any]) -> list[Mismatch]:
    """Check a payload alone, as the type that its keys tell it is."""
    if payload.get("deleted") is True:
        return _check_value(payload, types.DeletedObjectJSON)
    by_object = _payload_types_by_object()
    name = payload.get("object")
    if isinstance(name, str) and name in by_object:
        return min((_check_value(payload, payload_type) for payload_type in by_object[name]), key=len)
    if "object" not in payload:
        for payload_type in (each for one_name in by_object.values() for each in one_name):
            # E-mails, text messages and payments come without it, and are known by the keys that they always have.
            if payload.keys() >= payload_type.__required_keys__:
                return _check_value(payload, payload_type)
    # There is no telling what it is: one mismatch that says so, instead of one per key.
    literal: Any = Literal
    known = _Field(literal[("event", *by_object)], required=True)
    return _settle(_members("", {"object": name} if "object" in payload else {}, {"object": known}))


def _check_value(value: object, annotation: Any) -> list[Mismatch]:
    """Check any value against any annotation."""
    return _settle([_Place("", value, annotation)])


def _settle(items: Iterable[Mismatch | _Place]) -> list[Mismatch]:
    """Return the mismatches, in order, once every place has been looked at.

    Without recursion: a type that holds itself would let the data say how deep to go.
    """
    mismatches: list[Mismatch] = []
    pending = [*items][::-1]
    while pending:
        item = pending.pop()
        if isinstance(item, Mismatch):
            mismatches.append(item)
        else:
            pending += [*_look(*item)][::-1]
    return mismatches


def _look(path: str, value: Any, annotation: Any) -> Iterator[Mismatch | _Place]:
    """Yield what is wrong with a value itself, or else the places inside it."""
    alternatives = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
    fitting = next((alternative for alternative in alternatives if _fits(value, alternative)), None)
    if fitting is None:
        in_enum = isinstance(value, str) and any(get_origin(alternative) is Literal for alternative in alternatives)
        found = _shown(value) if in_enum else _type_name(value)
        yield Mismatch(path, "value" if in_enum else "type", annotation_text(annotation), found)
    elif is_typeddict(fitting):
        yield from _members(path, value, _fields(fitting))
    elif get_origin(fitting) is list:
        (item_annotation,) = get_args(fitting)
        yield from (_Place(f"{path}[{index}]", item, item_annotation) for index, item in enumerate(value))


def _members(path: str, value: Mapping[str, Any], fields: Mapping[str, _Field]) -> Iterator[Mismatch | _Place]:
    """Yield the keys of an object that are wrong, and the places of the others."""
    for key, (annotation, required) in fields.items():
        if key in value:
            yield _Place(_member_path(path, key), value[key], annotation)
        elif required:
            yield Mismatch(_member_path(path, key), "missing", annotation_text(annotation), "nothing")
    for key, member in value.items():
        if key not in fields:
            yield Mismatch(_member_path(path, key), "unexpected", "no such key", _type_name(member))


def _fits(value: object, annotation: Any) -> bool:
    """Tell whether a value has the JSON type, or for an enum the value, of an annotation that is no union."""
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
        return type(value) is kind  # and so true is no int
    return True  # no payload type has such an annotation; one of your own that has is not judged by it


def _member_path(path: str, key: str) -> str:
    """Return the path of a key, such that no two keys have the same."""
    if not key.isidentifier():
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def _type_name(value: object) -> str:
    """Say what a JSON value is, never what it holds."""
    return "None" if value is None else type(value).__name__


def _shown(text: str) -> str:
    """Return the value of an enum, such that it fits on a line."""
    return repr(text) if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]!r}..."


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether this is a JSON object."""
    return isinstance(value, Mapping)
