"""Headers in the shape of each framework, made by hand. tests/interop has the real frameworks."""

import email.message
import http.client
import io
import types
from collections import UserDict
from collections.abc import Mapping, MutableMapping

import pytest
from deliveries import BODY, ID, NOW, OTHER_SECRET, signature, signed

from clerk_webhook import InvalidHeaderError, MissingHeaderError, SignatureMismatchError, WebhookVerificationError
from clerk_webhook._headers import find_signature_headers

OTHER = {"host": "example.com", "content-type": "application/json", "content-length": "100", "accept": "*/*"}
ALL = OTHER | signed()


class CaseInsensitive(Mapping):
    """Like the headers of Django, requests and httpx: they find a name in any case, and keep it as it was sent."""

    def __init__(self, headers):
        self._headers = {name.lower(): (name.title(), value) for name, value in headers.items()}

    def __getitem__(self, name):
        return self._headers[name.lower()][1]

    def __iter__(self):
        return (name for name, _ in self._headers.values())

    def __len__(self):
        return len(self._headers)


class Multi(MutableMapping):
    """Like the multidicts of aiohttp and Sanic: a mapping whose items() repeat a name."""

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
    """Like the headers of Werkzeug (Flask, Quart): they have items(), but iteration gives pairs."""

    def __init__(self, headers):
        self._headers = headers

    def items(self):
        yield from self._headers.items()

    def __iter__(self):
        return iter(self._headers.items())


class Undecodable:
    """Like the headers of Bottle: they raise an error for a value that is not UTF-8."""

    def __init__(self, headers):
        self._headers = headers

    def items(self):
        for name, value in self._headers.items():
            yield name, value.encode("latin-1").decode()


def message(headers):
    result = email.message.Message()
    for name, value in headers.items():
        result[name] = value
    return result


def environ(headers):
    """Return an environ as in PEP 3333: names in capitals behind HTTP_, and keys that are no headers."""
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
    "pairs of both kinds": lambda headers: [("x", "y"), *map(list, headers.items())],
    "pairs of bytes in title case": lambda headers: [(n.title().encode(), v.encode()) for n, v in headers.items()],
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


AROUND = {
    "plain dict": lambda space: {name: space + value + space for name, value in signed().items()},
    "pairs": lambda space: [(name, space + value + space) for name, value in signed().items()],
    "text of another type": lambda space: [(name, Text(space + value + space)) for name, value in signed().items()],
    "bytes": lambda space: [(name, (space + value + space).encode("latin-1")) for name, value in signed().items()],
    "list": lambda space: {name: [space + value + space] for name, value in signed().items()},
}


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("shape", AROUND.values(), ids=AROUND)
def test_space_and_tab_around_a_value_are_trimmed_and_other_white_space_is_not(webhook, shape):
    webhook.verify(shape(" \t "), BODY)
    for space in ("\n", "\r", "\x0c", "\xa0"):
        with pytest.raises(InvalidHeaderError):
            webhook.verify(shape(space), BODY)


@pytest.mark.parametrize("name", signed())
@pytest.mark.parametrize("shape", [dict, lambda headers: list(headers.items())])
def test_other_white_space_is_trimmed_from_no_header(webhook, shape, name):
    with pytest.raises(WebhookVerificationError):
        webhook.verify(shape(ALL | {name: ALL[name] + "\x0c"}), BODY)


def like(module, name, base=(), **attributes):
    """Return a class that looks like one of a framework, which tests/interop has itself."""
    return type(name, base, {"__module__": module, **attributes})


SHORT = {
    "dict": lambda headers: headers,
    "environ": environ,
    "pairs of bytes": lambda headers: [(n.encode(), v.encode()) for n, v in headers.items()],
    "Starlette": lambda headers: like("starlette.datastructures", "Headers", raw=SHORT["pairs of bytes"](headers))(),
    "Flask": lambda headers: like("werkzeug.datastructures.headers", "EnvironHeaders", environ=environ(headers))(),
    "Django": like("django.http.request", "HttpHeaders", (CaseInsensitive,)),
    "aiohttp": lambda headers: like("multidict._multidict", "CIMultiDictProxy", (Multi,), getall=getall)(
        headers.items()
    ),
}


def getall(multi, name):
    return [value for each, value in multi.pairs if each.lower() == name]


@pytest.mark.parametrize("shape", SHORT.values(), ids=SHORT)
def test_the_usual_shapes_take_a_short_path(webhook, shape, monkeypatch):
    """A benchmark shows the gain, and this test that the path is taken."""
    headers = shape(ALL | {name: f" {value}\t" for name, value in signed().items()})
    monkeypatch.setattr("clerk_webhook._headers._search", None)
    webhook.verify(headers, BODY)


@pytest.mark.parametrize("name", signed())
@pytest.mark.parametrize("value", ["", " \t"])
@pytest.mark.parametrize("shape", [shape for name, shape in SHORT.items() if name not in ("Starlette", "Flask")])
def test_a_blank_header_is_missing_in_each_usual_shape(webhook, shape, value, name):
    with pytest.raises(MissingHeaderError) as caught:
        webhook.verify(shape(ALL | {name: value}), BODY)
    assert caught.value.missing == (name,)


@pytest.mark.parametrize("empty", ["", " \t", b"", None, [], [""], [None, ""]])
@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
def test_an_empty_header_is_missing(webhook, name, empty):
    with pytest.raises(MissingHeaderError, match=name) as caught:
        webhook.verify(ALL | {name: empty}, BODY)
    assert caught.value.missing == (name,)


def test_the_error_names_all_missing_headers(webhook):
    with pytest.raises(MissingHeaderError) as caught:
        webhook.verify({"svix-timestamp": str(NOW)}, BODY)
    assert str(caught.value) == (
        "The request has no svix-id, svix-signature: Clerk did not send it, or a proxy drops headers."
    )
    assert caught.value.missing == ("svix-id", "svix-signature")


def test_the_error_names_the_unbranded_header_if_the_others_are_unbranded(webhook):
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


def test_unbranded_headers_are_ignored_beside_branded_ones(webhook):
    webhook.verify(signed(prefix="webhook", secret=OTHER_SECRET) | signed(), BODY)


TWICE = {
    "pairs": lambda name, _one, two: [*ALL.items(), (name, two)],
    "pairs, the other first": lambda name, _one, two: [(name, two), *ALL.items()],
    "pairs of bytes": lambda name, _one, two: [(n.encode(), v.encode()) for n, v in [*ALL.items(), (name, two)]],
    "two spellings": lambda name, _one, two: ALL | {name.title(): two},
    "two odd spellings": lambda name, _one, two: ALL | {name[:-1] + name[-1].upper(): two},
    "spelled as in an environ": lambda name, _one, two: ALL | {"HTTP_" + name.upper().replace("-", "_"): two},
    "bytes and str": lambda name, _one, two: [*ALL.items(), (name.encode(), two)],
    "list": lambda name, one, two: ALL | {name: [one, two]},
    "multidict": lambda name, _one, two: Multi([*ALL.items(), (name, two)]),
    "aiohttp": lambda name, _one, two: type(SHORT["aiohttp"](ALL))([*ALL.items(), (name, two)]),
    "bytes in two spellings": lambda name, _one, two: (
        SHORT["pairs of bytes"](ALL) + [(name.title().encode(), two.encode())]
    ),
    "an environ and a header": lambda name, _one, two: environ(ALL) | {name: two},
}


@pytest.mark.parametrize("shape", TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
def test_one_header_with_two_values_is_refused_however_it_is_shown(webhook, shape, name):
    with pytest.raises(InvalidHeaderError, match=f"^{name} was sent more than once, with different values.$") as caught:
        webhook.verify(shape(name, ALL[name], "other"), BODY)
    assert caught.value.name == name


@pytest.mark.parametrize("shape", TWICE.values(), ids=TWICE)
def test_one_header_twice_with_the_same_value_is_one(webhook, shape):
    webhook.verify(shape("svix-signature", ALL["svix-signature"], ALL["svix-signature"]), BODY)


def test_two_lines_that_a_server_joined_with_a_comma_do_not_match(webhook):
    with pytest.raises(SignatureMismatchError):
        webhook.verify(ALL | {"svix-signature": f"{signature()},{signature()}"}, BODY)


@pytest.mark.parametrize("name", ["x-note", *signed()])
def test_headers_that_the_framework_cannot_decode_are_refused_without_their_value(webhook, name):
    headers = Undecodable(ALL | {name: "Ada \xff"})
    with pytest.raises(InvalidHeaderError) as caught:
        webhook.verify(headers, BODY)
    assert str(caught.value) == (
        "The framework cannot decode one of the headers. Pass the headers as they came: environ (WSGI) or "
        "scope['headers'] (ASGI)."
    )
    assert caught.value.name == ""
    assert caught.value.__context__ is caught.value.__cause__ is None
    webhook.verify(Undecodable(ALL), BODY)


def test_a_generator_of_headers_that_cannot_be_decoded_is_refused(webhook):
    with pytest.raises(InvalidHeaderError):
        webhook.verify((pair for pair in Undecodable({"x-note": "\xff"}).items()), BODY)


@pytest.mark.parametrize("name", signed())
def test_an_email_header_outside_ascii_is_refused_not_a_type_error(webhook, name):
    sent = "".join(f"{name}: {value}\r\n" for name, value in (ALL | {name: "Ada \xff"}).items())
    with pytest.raises(InvalidHeaderError, match=f"^{name} has characters outside ASCII.$") as caught:
        webhook.verify(email.message_from_bytes(sent.encode("latin-1")), BODY)
    assert caught.value.name == name


NO_HEADERS = [None, "svix-id: x", b"svix-id", 3, object(), [1], ["ab"], [("a", "b", "c")], [()], [{"a": 1, "b": 2}]]


@pytest.mark.parametrize("headers", NO_HEADERS)
def test_headers_of_another_type_are_a_type_error_with_the_cure(webhook, headers):
    with pytest.raises(TypeError) as caught:
        webhook.verify(headers, BODY)
    assert str(caught.value) == (
        f"headers must be a mapping or pairs, not {type(headers).__name__}: pass request.headers (FastAPI, Starlette, "
        "Flask, Django, aiohttp), scope['headers'] (ASGI), environ (WSGI) or event['headers'] (AWS Lambda)."
    )


@pytest.mark.parametrize("value", [3, {}, ("a",), [3], object(), True])
def test_a_value_of_another_type_is_a_type_error(webhook, value):
    kind = type(value[0] if type(value) is list else value).__name__
    with pytest.raises(TypeError) as caught:
        webhook.verify(ALL | {"svix-id": value}, BODY)
    assert str(caught.value) == f"The value of svix-id must be str, bytes, a list of those or None, not {kind}."


@pytest.mark.parametrize("name", [3, None, ("svix-id",) * 7])
def test_a_name_of_another_type_is_a_type_error(webhook, name):
    for headers in ({name: "x", **ALL}, [(name, "x"), *ALL.items()]):
        with pytest.raises(TypeError):
            webhook.verify(headers, BODY)


def test_headers_over_an_environ_that_is_no_dict_are_searched():
    """A mapping of three names would be taken for the three values."""
    environ = UserDict.fromkeys(("HTTP_SVIX_ID", "HTTP_SVIX_TIMESTAMP", "HTTP_SVIX_SIGNATURE"), "x")
    kind = type("EnvironHeaders", (dict,), {"__module__": "werkzeug.datastructures.headers", "environ": environ})
    named = {"svix-id": "msg_1", "svix-timestamp": "1", "svix-signature": "v1,a"}
    assert find_signature_headers(kind(named)) == ("msg_1", "1", "v1,a")
