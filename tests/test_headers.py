"""The headers in the shape of each framework, made by hand; the real frameworks are a matter of tests/interop."""

import email.message
import http.client
import io
import types
from collections.abc import Mapping, MutableMapping

import pytest
from deliveries import BODY, ID, NOW, OTHER_SECRET, signature, signed

from clerk_webhook import InvalidHeaderError, MissingHeaderError, SignatureMismatchError

OTHER = {"host": "example.com", "content-type": "application/json", "content-length": "100", "accept": "*/*"}
ALL = OTHER | signed()


class CaseInsensitive(Mapping):
    """Django's request.headers, requests' and httpx's headers: lookups in any case, names as they were sent."""

    def __init__(self, headers):
        self._headers = {name.lower(): (name.title(), value) for name, value in headers.items()}

    def __getitem__(self, name):
        return self._headers[name.lower()][1]

    def __iter__(self):
        return (name for name, _ in self._headers.values())

    def __len__(self):
        return len(self._headers)


class Multi(MutableMapping):
    """A multidict, as aiohttp's and Sanic's: a mapping whose items() repeat a name."""

    def __init__(self, pairs):
        self.pairs = list(pairs)

    def __getitem__(self, name):
        return next(value for each, value in self.pairs if each.lower() == name.lower())

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def __len__(self):
        return len(self.pairs)

    def items(self):
        return list(self.pairs)

    def __setitem__(self, name, value):
        raise AssertionError("headers must not be changed")

    __delitem__ = __setitem__


class NoMapping:
    """Werkzeug's headers (Flask, Quart): items() like a mapping's, but iteration gives pairs."""

    def __init__(self, headers):
        self._headers = headers

    def items(self):
        yield from self._headers.items()

    def __iter__(self):
        return iter(self._headers.items())


def message(headers):
    result = email.message.Message()
    for name, value in headers.items():
        result[name] = value
    return result


def environ(headers):
    """PEP 3333: names in capitals, behind HTTP_; and much that is no header."""
    named = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    return named | {"wsgi.input": io.BytesIO(), "wsgi.version": (1, 0), "REQUEST_METHOD": "POST", "HTTP_HOST": "x"}


def http_message(headers):
    text = "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    return http.client.parse_headers(io.BytesIO(text.encode("latin-1")))


CONTAINERS = {
    "dict": dict,
    "dict in title case": lambda headers: {name.title(): value for name, value in headers.items()},
    "dict in capitals (Falcon)": lambda headers: {name.upper(): value for name, value in headers.items()},
    "read-only mapping": types.MappingProxyType,
    "case-insensitive mapping (Django request.headers, httpx)": CaseInsensitive,
    "multidict (aiohttp, Sanic)": lambda headers: Multi(headers.items()),
    "no mapping, with items() (Flask)": NoMapping,
    "email.message.Message": message,
    "http.client.HTTPMessage (http.server)": http_message,
    "WSGI environ, Django META": environ,
    "lists (Lambda multi-value)": lambda headers: {name: [value] for name, value in headers.items()},
    "dict of bytes": lambda headers: {name.encode(): value.encode() for name, value in headers.items()},
    "pairs of str": lambda headers: list(headers.items()),
    "pairs as lists": lambda headers: [list(pair) for pair in headers.items()],
    "pairs of bytes (ASGI scope)": lambda headers: [(n.lower().encode(), v.encode()) for n, v in headers.items()],
    "a generator of pairs": lambda headers: (pair for pair in headers.items()),
    "a tuple of pairs": lambda headers: tuple(headers.items()),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_each_container_is_read(webhook, container):
    assert webhook.verify(container(ALL), BODY).id == ID
    assert webhook.verify(container(OTHER | signed(prefix="webhook")), BODY).id == ID


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_each_container_without_a_signature_is_refused(webhook, container):
    with pytest.raises(MissingHeaderError) as caught:
        webhook.verify(container(OTHER), BODY)
    assert caught.value.missing == ("svix-id", "svix-timestamp", "svix-signature")


@pytest.mark.parametrize("container", [dict, lambda headers: list(headers.items())])
def test_headers_are_not_changed(webhook, container):
    headers = container(ALL)
    before = container(ALL)
    webhook.verify(headers, BODY)
    assert headers == before


def test_space_and_tab_around_a_value_are_trimmed(webhook):
    webhook.verify({name: f" \t{value}\t " for name, value in signed().items()}, BODY)
    webhook.verify([(name, f" {value}\t".encode()) for name, value in signed().items()], BODY)


@pytest.mark.parametrize("empty", ["", " \t", b"", None, [], [""], [None, ""]])
@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
def test_an_empty_header_is_missing(webhook, name, empty):
    with pytest.raises(MissingHeaderError, match=name) as caught:
        webhook.verify(ALL | {name: empty}, BODY)
    assert caught.value.missing == (name,)


def test_the_error_names_all_that_are_missing(webhook):
    with pytest.raises(MissingHeaderError, match="svix-id, svix-signature") as caught:
        webhook.verify({"svix-timestamp": str(NOW)}, BODY)
    assert caught.value.missing == ("svix-id", "svix-signature")


def test_unbranded_headers_are_named_where_they_are_the_ones_used(webhook):
    with pytest.raises(MissingHeaderError) as caught:
        webhook.verify({"webhook-id": ID, "webhook-timestamp": str(NOW)}, BODY)
    assert caught.value.missing == ("webhook-signature",)


@pytest.mark.parametrize("name", ["id", "timestamp", "signature"])
def test_branded_and_unbranded_headers_are_never_mixed(webhook, name):
    headers = signed()
    headers[f"webhook-{name}"] = headers.pop(f"svix-{name}")
    with pytest.raises(MissingHeaderError) as caught:
        webhook.verify(headers, BODY)
    assert caught.value.missing == (f"svix-{name}",)


def test_unbranded_headers_are_ignored_where_there_are_branded_ones(webhook):
    webhook.verify(signed(prefix="webhook", secret=OTHER_SECRET) | signed(), BODY)


TWICE = {
    "pairs": lambda name, _one, two: [*ALL.items(), (name, two)],
    "pairs, the other first": lambda name, _one, two: [(name, two), *ALL.items()],
    "pairs of bytes": lambda name, _one, two: [(n.encode(), v.encode()) for n, v in [*ALL.items(), (name, two)]],
    "two spellings": lambda name, _one, two: ALL | {name.title(): two},
    "two odd spellings": lambda name, _one, two: ALL | {name[:-1] + name[-1].upper(): two},
    "spelled as in an environ": lambda name, _one, two: ALL | {"HTTP_" + name.upper().replace("-", "_"): two},
    "bytes and str": lambda name, _one, two: ALL | {name.encode(): two},
    "list": lambda name, one, two: ALL | {name: [one, two]},
    "multidict": lambda name, _one, two: Multi([*ALL.items(), (name, two)]),
}


@pytest.mark.parametrize("shape", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
def test_one_header_with_two_values_is_refused_however_it_is_shown(webhook, shape, name):
    with pytest.raises(InvalidHeaderError, match="more than once") as caught:
        webhook.verify(shape(name, ALL[name], "other"), BODY)
    assert caught.value.name == name


@pytest.mark.parametrize("shape", TWICE.values(), ids=TWICE)
def test_one_header_twice_with_the_same_value_is_one(webhook, shape):
    webhook.verify(shape("svix-signature", ALL["svix-signature"], ALL["svix-signature"]), BODY)


def test_two_lines_that_a_server_joined_with_a_comma_do_not_match(webhook):
    with pytest.raises(SignatureMismatchError):
        webhook.verify(ALL | {"svix-signature": f"{signature()},{signature()}"}, BODY)


@pytest.mark.parametrize("headers", [None, "svix-id: x", b"svix-id", 3, object(), [1], ["ab"], [("a", "b", "c")], [()]])
def test_what_is_no_headers_is_a_type_error_with_the_cure(webhook, headers):
    with pytest.raises(TypeError, match=r"request\.headers"):
        webhook.verify(headers, BODY)


@pytest.mark.parametrize("value", [3, {}, ("a",), [3], object()])
def test_a_value_of_another_type_is_a_type_error(webhook, value):
    with pytest.raises(TypeError, match="svix-id must be str"):
        webhook.verify(ALL | {"svix-id": value}, BODY)


@pytest.mark.parametrize("name", [3, None, ("svix-id",) * 7])
def test_a_name_of_another_type_is_a_type_error(webhook, name):
    with pytest.raises(TypeError):
        webhook.verify({name: "x", **ALL}, BODY)
