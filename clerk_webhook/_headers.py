"""Find the three signature headers in the headers of any framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, cast

from .errors import InvalidHeaderError, MissingHeaderError

__all__ = ["Headers", "find_signature_headers"]


class HasItems(Protocol):
    """Headers that have `items()`. In some frameworks such headers are not a `Mapping`."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Return the pairs of name and value."""
        ...


# The values are Any because a WSGI environ and Django's META hold more than header values.
Headers: TypeAlias = Mapping[str, Any] | HasItems | Iterable[tuple[str | bytes, str | bytes]]

# "svix-id", "svix-timestamp", "svix-signature": https://docs.svix.com/receiving/verifying-payloads/how-manual
# The names without the brand: https://github.com/standard-webhooks/standard-webhooks
_SVIX = ("svix-id", "svix-timestamp", "svix-signature")
_UNBRANDED = ("webhook-id", "webhook-timestamp", "webhook-signature")

_BLANK = " \t"
_DICT: Any = dict  # Any, because a check against dict itself gives a dict of Unknown

# The usual spellings; HTTP_SVIX_ID is that of WSGI (PEP 3333, "HTTP_ Variables"). Lower-casing finds all others.
# Most headers of a request have another length, so the length alone rules them out.
_NAMES: dict[str, str] = {}
for _name in (*_SVIX, *_UNBRANDED):
    for _spelling in (_name, _name.title(), "HTTP_" + _name.upper().replace("-", "_")):
        _NAMES[_spelling] = _name
# Two dicts, because `python -bb` refuses to compare bytes with str.
_NAMES_IN_BYTES = {spelling.encode(): name for spelling, name in _NAMES.items()}
_LENGTHS = frozenset(map(len, _NAMES))


def find_signature_headers(headers: Headers) -> tuple[str, str, str]:
    """Return the message id, the timestamp and the signatures as they were sent, trimmed.

    The `webhook-*` headers count only if no `svix-*` header has a value. The two are never mixed.

    Args:
        headers: All headers of the request.

    Raises:
        MissingHeaderError: At least one of the headers is missing or empty.
        InvalidHeaderError: One of the headers has two different values, or the headers cannot be read.
        TypeError: `headers` is neither a mapping nor pairs, or a name or a value has the wrong type.
    """
    plain: Any = headers
    try:
        # The most common shape; this path takes 10 % off a request of 1.5 kB. If all names are in lower case, no header
        # is there in a second spelling.
        if type(plain) is _DICT and (all_names := "".join(plain)) == all_names.lower():
            message_id = plain["svix-id"].strip(_BLANK)
            timestamp = plain["svix-timestamp"].strip(_BLANK)
            signatures = plain["svix-signature"].strip(_BLANK)
            if message_id and timestamp and signatures:
                return message_id, timestamp, signatures
    except (AttributeError, KeyError, TypeError):
        pass
    found: dict[str, str] = {}
    readable = True
    try:
        for spelling, value in _pairs(headers):
            if len(spelling) in _LENGTHS:
                if type(spelling) is bytes:
                    name = _NAMES_IN_BYTES.get(spelling) or _NAMES_IN_BYTES.get(spelling.lower())
                else:  # str.lower refuses all other types
                    name = _NAMES.get(spelling) or _NAMES.get(str.lower(spelling))
                if name:
                    text = value.strip(_BLANK) if type(value) is str else _text(name, value)
                    if text and found.setdefault(name, text) != text:
                        raise _doubled(name)
    except UnicodeError:
        readable = False
    if not readable:  # raised out here because the other error holds the value of a header
        raise InvalidHeaderError(
            "The framework cannot decode one of the headers. Pass the headers as they came: environ (WSGI) or "
            "scope['headers'] (ASGI).",
            "",
        )
    try:
        return found["svix-id"], found["svix-timestamp"], found["svix-signature"]
    except KeyError:
        return _fall_back(found)


def _fall_back(found: dict[str, str]) -> tuple[str, str, str]:
    """Return the unbranded headers if there are no others, or raise an error with the names of the missing ones."""
    names = _UNBRANDED if found and found.keys() <= set(_UNBRANDED) else _SVIX
    missing = tuple(name for name in names if name not in found)
    if missing:
        raise MissingHeaderError(
            f"The request has no {', '.join(missing)}: Clerk did not send it, or a proxy drops headers.",
            missing,
        )
    message_id, timestamp, signatures = map(found.__getitem__, names)
    return message_id, timestamp, signatures


def _pairs(headers: Any) -> Iterable[tuple[Any, Any]]:
    """Return the headers as pairs of name and value."""
    items = getattr(headers, "items", None)
    if items is not None:
        named: Iterable[tuple[Any, Any]] = items()
        return named
    try:
        pairs: list[Any] = list(headers)
    except TypeError:
        pairs = [None]
    if {*map(type, pairs)} <= {tuple, list} and {*map(len, pairs)} <= {2}:
        return pairs
    raise TypeError(
        f"headers must be a mapping or pairs, not {type(headers).__name__}: pass request.headers (FastAPI, Starlette, "
        "Flask, Django, aiohttp), scope['headers'] (ASGI), environ (WSGI) or event['headers'] (AWS Lambda)."
    )


def _text(name: str, value: object) -> str:
    """Return the value of a header as text; empty if the header has none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip(_BLANK)
    if isinstance(value, bytes):
        # Latin-1 cannot fail, and WSGI decodes with it (PEP 3333, "Unicode Issues"). Later checks refuse a character
        # outside ASCII, or the signature does not match.
        return value.decode("latin-1").strip(_BLANK)
    if isinstance(value, list):
        # isinstance cannot tell the type of the items; the recursion checks them.
        texts = {text for text in (_text(name, item) for item in cast("list[object]", value)) if text}
        if len(texts) > 1:
            raise _doubled(name)
        return texts.pop() if texts else ""
    if type(value).__module__ == "email.header":  # email.message has a Header for a value outside ASCII
        raise InvalidHeaderError(f"{name} has characters outside ASCII.", name)
    raise TypeError(f"The value of {name} must be str, bytes, a list of those or None, not {type(value).__name__}.")


def _doubled(name: str) -> InvalidHeaderError:
    """Return the error for a header with two values. Nobody can know which of the two a proxy has checked."""
    return InvalidHeaderError(f"{name} was sent more than once, with different values.", name)
