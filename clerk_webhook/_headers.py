"""Find the three signature headers in the headers of any framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from .errors import InvalidHeaderError, MissingHeaderError


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
# Names are compared in lower case, but those of a WSGI environ as they are (PEP 3333, "HTTP_ Variables"). Most headers
# of a request have another length, so the length alone rules them out.
_NAMES = {name: name for name in (*_SVIX, *_UNBRANDED)}
_NAMES_IN_BYTES = {name.encode(): name for name in _NAMES}
_NAMES_IN_ENVIRON = {"HTTP_" + name.upper().replace("-", "_"): name for name in _NAMES}
_LENGTHS = frozenset(map(len, (*_NAMES, *_NAMES_IN_ENVIRON)))
_PAIR_TYPES = {tuple, list}


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
    # The most common shapes are looked up, as fast as by hand, if each of the three is certain to be there once. Any
    # error of a lookup means that the headers have to be searched.
    try:
        sent: Any = headers
        kind: object = type(sent)  # pyright: ignore[reportUnknownVariableType]  # the class of anything
        if kind is not dict:
            sent = _as_sent(headers)
            kind = type(sent)  # pyright: ignore[reportUnknownVariableType]  # as above
        if kind is dict:
            names = "".join(sent)
            # No header is there in a second spelling if no name has a "-", as in an environ, or if all are in lower
            # case.
            if "-" not in names:
                message_id, timestamp, signatures = (
                    sent["HTTP_SVIX_ID"],
                    sent["HTTP_SVIX_TIMESTAMP"],
                    sent["HTTP_SVIX_SIGNATURE"],
                )
            elif names == names.lower():
                message_id, timestamp, signatures = sent["svix-id"], sent["svix-timestamp"], sent["svix-signature"]
            else:
                return _search(headers)
        else:
            message_id, timestamp, signatures = sent
        message_id, timestamp, signatures = message_id.strip(_BLANK), timestamp.strip(_BLANK), signatures.strip(_BLANK)
        if message_id and timestamp and signatures:
            return message_id, timestamp, signatures
    # `python -bb` does not compare names in bytes with names in str.
    except (AttributeError, BytesWarning, LookupError, TypeError, ValueError):
        pass
    return _search(headers)


# The classes of frameworks that are looked up, and their attribute with the headers as the server sent them.
_DJANGO = ("django.http.request", "HttpHeaders")
_AIOHTTP = ("multidict._multidict", "CIMultiDictProxy")
_AS_SENT = {
    ("starlette.datastructures", "Headers"): "raw",
    ("werkzeug.datastructures.headers", "EnvironHeaders"): "environ",
}


def _as_sent(headers: Any) -> Any:
    """Return the values of the three `svix-*` headers if each is there once, or a dict of all headers."""
    kind: Any = type(headers)  # pyright: ignore[reportUnknownVariableType]  # the class of anything
    if kind is not list:
        name = kind.__module__, kind.__name__
        if name == _DJANGO:  # made of an environ, and finds a name in any case
            return headers["svix-id"], headers["svix-timestamp"], headers["svix-signature"]
        if name == _AIOHTTP:  # finds a name in any case, too
            (message_id,), (timestamp,), (signatures,) = map(headers.getall, _SVIX)
            return message_id, timestamp, signatures
        headers = getattr(headers, _AS_SENT[name])
        kind = type(headers)  # pyright: ignore[reportUnknownVariableType]  # as above
    if kind is list:
        return _look_up_pairs(headers)
    if kind is not dict:
        raise LookupError
    return headers


def _look_up_pairs(pairs: list[tuple[bytes, bytes]]) -> tuple[str, str, str]:
    """Return the values of the three `svix-*` headers in the pairs of an ASGI scope, if no name comes twice."""
    headers = dict(pairs)
    names = b"".join(headers)
    if len(headers) != len(pairs) or names != names.lower():
        raise LookupError
    message_id, timestamp, signatures = headers[b"svix-id"], headers[b"svix-timestamp"], headers[b"svix-signature"]
    return message_id.decode("latin-1"), timestamp.decode("latin-1"), signatures.decode("latin-1")


def _search(headers: Headers) -> tuple[str, str, str]:
    """Return the values of the three headers, however they are spelled and shown."""
    found: dict[str, str] = {}
    try:
        for spelling, value in _pairs(headers):
            if len(spelling) in _LENGTHS:
                if type(spelling) is bytes:
                    name = _NAMES_IN_BYTES.get(spelling.lower())
                else:
                    # str.lower refuses any other type.
                    name = _NAMES.get(str.lower(spelling)) or _NAMES_IN_ENVIRON.get(spelling)
                if name:
                    text = _text(name, value)
                    if text and found.setdefault(name, text) != text:
                        raise _doubled(name)
    except UnicodeError:
        pass
    else:
        return _all_of_one_brand(found)
    # Raised out here because the other error holds the value of a header.
    raise InvalidHeaderError(
        "The framework cannot decode one of the headers. Pass the headers as they came: environ (WSGI) or "
        "scope['headers'] (ASGI).",
        "",
    )


def _all_of_one_brand(found: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the values of the `svix-*` headers, or of the `webhook-*` headers if there is no other."""
    names = _UNBRANDED if found and found.keys().isdisjoint(_SVIX) else _SVIX
    missing = tuple(name for name in names if name not in found)
    if missing:
        raise MissingHeaderError(
            f"The request has no {', '.join(missing)}: Clerk did not send it, or a proxy drops headers.", missing
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
    for pair in pairs:
        if type(pair) not in _PAIR_TYPES or len(pair) != 2:  # noqa: PLR2004  # a pair
            raise TypeError(
                f"headers must be a mapping or pairs, not {type(headers).__name__}: pass request.headers (FastAPI, "
                "Starlette, Flask, Django, aiohttp), scope['headers'] (ASGI), environ (WSGI) or event['headers'] (AWS "
                "Lambda)."
            )
    return pairs


def _text(name: str, value: Any) -> str:
    """Return the value of a header as text; empty if the header has none."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip(_BLANK)
    if isinstance(value, bytes):
        # Latin-1 cannot fail, and WSGI decodes with it (PEP 3333, "Unicode Issues"). Later checks refuse a character
        # outside ASCII, or the signature does not match.
        return value.decode("latin-1").strip(_BLANK)
    values: Iterable[Any] = value  # which it is after the next line; a narrowed `value` would be a list of Unknown
    if isinstance(value, list):
        texts = {text for text in (_text(name, item) for item in values) if text}
        if len(texts) > 1:
            raise _doubled(name)
        return texts.pop() if texts else ""
    if type(value).__module__ == "email.header":  # email.message has a Header for a value outside ASCII
        raise InvalidHeaderError(f"{name} has characters outside ASCII.", name)
    raise TypeError(f"The value of {name} must be str, bytes, a list of those or None, not {type(value).__name__}.")


def _doubled(name: str) -> InvalidHeaderError:
    """Return the error for a header with two values. Nobody can know which of the two a proxy has checked."""
    return InvalidHeaderError(f"{name} was sent more than once, with different values.", name)
