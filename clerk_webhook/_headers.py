"""Find the three signature headers in whatever a framework calls its headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias, cast

from .errors import InvalidHeaderError, MissingHeaderError

__all__ = ["Headers", "find_signature_headers"]


class HasItems(Protocol):
    """The part of a mapping that is used: the headers of some frameworks have it and are no `Mapping`."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Return the pairs of name and value."""
        ...


# Values are Any because a WSGI environ and Django's META hold far more than header values.
Headers: TypeAlias = Mapping[str, Any] | HasItems | Iterable[tuple[str | bytes, str | bytes]]

# "svix-id", "svix-timestamp", "svix-signature": https://docs.svix.com/receiving/verifying-payloads/how-manual
# and the same names without the brand: https://github.com/standard-webhooks/standard-webhooks
_SVIX = ("svix-id", "svix-timestamp", "svix-signature")
_UNBRANDED = ("webhook-id", "webhook-timestamp", "webhook-signature")

_BLANK = " \t"
_PAIR = (tuple, list)

# The spellings that need no conversion, HTTP_SVIX_ID being the WSGI one (PEP 3333, "HTTP_ Variables"). Any
# other is found by lower-casing, which the lengths spare the other headers of a request.
_NAMES: dict[str | bytes, str] = {}
for _name in (*_SVIX, *_UNBRANDED):
    for _spelling in (_name, _name.title(), "HTTP_" + _name.upper().replace("-", "_")):
        _NAMES[_spelling] = _NAMES[_spelling.encode()] = _name
_LENGTHS = frozenset(map(len, (*_SVIX, *_UNBRANDED)))


def find_signature_headers(headers: Headers) -> tuple[str, str, str]:
    """Return the message id, the timestamp and the signatures as they were sent, trimmed.

    The `webhook-*` headers are looked at only where no `svix-*` header has a value; the two are never mixed.

    Args:
        headers: All headers of the request.

    Raises:
        MissingHeaderError: One or more are missing or empty.
        InvalidHeaderError: One has two different values.
        TypeError: These are no headers.
    """
    if type(headers) is dict:
        triple = _from_plain_dict(headers)
        if triple:
            return triple
    found: dict[str, str] = {}
    get = _NAMES.get
    for spelling, value in _pairs(headers):
        name = get(spelling)
        if name is None:
            if len(spelling) not in _LENGTHS:
                continue
            if not isinstance(spelling, str | bytes):
                raise TypeError(f"The names of headers must be str or bytes, not {type(spelling).__name__}.")
            name = get(spelling.lower())
            if name is None:
                continue
        text = value.strip(_BLANK) if type(value) is str else _text(name, value)
        if text and found.setdefault(name, text) != text:
            raise _doubled(name)
    try:
        return found["svix-id"], found["svix-timestamp"], found["svix-signature"]
    except KeyError:
        return _fall_back(found)


def _from_plain_dict(headers: Any) -> tuple[str, str, str] | None:
    """Return the headers of a dict with lower-case names and plain values, the most common shape, at half the cost.

    None where it isn't that simple: the long way decides then.
    """
    try:
        message_id = headers["svix-id"].strip(_BLANK)
        timestamp = headers["svix-timestamp"].strip(_BLANK)
        signatures = headers["svix-signature"].strip(_BLANK)
        # Where three names hold "svix", they are these three: none is there in a second spelling as well.
        alone = "\n".join(headers).lower().count("svix") == len(_SVIX)
    except (AttributeError, KeyError, TypeError):
        return None
    return (message_id, timestamp, signatures) if alone and message_id and timestamp and signatures else None


def _fall_back(found: dict[str, str]) -> tuple[str, str, str]:
    """Return the unbranded headers where there is no other, or raise what says which headers are missing."""
    names = _UNBRANDED if found and found.keys() <= set(_UNBRANDED) else _SVIX
    missing = tuple(name for name in names if name not in found)
    if missing:
        raise MissingHeaderError(
            f"The request has no {', '.join(missing)}: it wasn't sent by Clerk, or something on its way drops headers.",
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
    if all(type(pair) in _PAIR and len(pair) == 2 for pair in pairs):  # noqa: PLR2004  # a pair
        return pairs
    raise TypeError(
        f"headers must be a mapping or pairs, not {type(headers).__name__}: pass request.headers (FastAPI, Starlette, "
        "Flask, Django, aiohttp), scope['headers'] (ASGI), environ (WSGI) or event['headers'] (AWS Lambda)."
    )


def _text(name: str, value: object) -> str:
    """Return a header's value as text; empty when there is none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip(_BLANK)
    if isinstance(value, bytes):
        # Latin-1 can't fail, and is what WSGI decodes with (PEP 3333, "Unicode Issues"). What isn't ASCII
        # is refused, or doesn't match, later.
        return value.decode("latin-1").strip(_BLANK)
    if isinstance(value, list):
        # What is in it isinstance can't say: that is looked at next.
        texts = {text for text in (_text(name, item) for item in cast("list[object]", value)) if text}
        if len(texts) > 1:
            raise _doubled(name)
        return texts.pop() if texts else ""
    raise TypeError(f"The value of {name} must be str, bytes, a list of those or None, not {type(value).__name__}.")


def _doubled(name: str) -> InvalidHeaderError:
    """Return the error for a header that has two values: which of them a proxy had checked can't be known."""
    return InvalidHeaderError(f"{name} was sent more than once, with different values.", name)
