"""From a body to an event: the accepted forms of a body, the refused ones, and the limits."""

import copy
import json
import logging
import pickle
import traceback
import types as python_types

import pytest
from deliveries import NOW, SECRET, signed
from hypothesis import given
from hypothesis import strategies as st

from clerk_webhook import PayloadError, UnknownEvent, Webhook, events, parse_event

USER = {"id": "user_1", "object": "user", "first_name": "Ada"}


def body(event_type="user.created", data=USER, **others):
    return {"type": event_type, "data": data, "object": "event", **others}


def read_only(text):
    return python_types.MappingProxyType(json.loads(text))


@pytest.mark.parametrize("form", [str, str.encode, json.loads, read_only])
def test_a_body_may_be_text_bytes_or_parsed(form):
    event = parse_event(form(json.dumps(body())), message_id="msg_1")
    assert event == parse_event(body(), message_id="msg_1")
    assert event.payload == body()


def test_a_dict_is_not_copied():
    payload = body()
    assert parse_event(payload).payload is payload


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_body_may_be_bytes_like(kind):
    assert parse_event(kind(json.dumps(body()).encode())).type == "user.created"


def test_an_event_goes_through_a_queue_as_json():
    event = parse_event(body())
    assert parse_event(json.dumps(event.payload)) == event


@pytest.mark.parametrize("payload", [None, 3, [], [body()], object()])
def test_a_payload_of_another_type_is_a_type_error_with_the_cure(payload):
    with pytest.raises(TypeError) as caught:
        parse_event(payload)
    assert str(caught.value) == (
        "payload must be the body as bytes or str, or the JSON object that was parsed from it, "
        f"not {type(payload).__name__}."
    )


@pytest.mark.parametrize("event_type", ["user.teleported", "", "unknown", "USER.CREATED", "user.created "])
@pytest.mark.parametrize("data", [USER, None, [1], "text", 3])
def test_a_type_newer_than_this_release_is_an_unknown_event_with_any_data(event_type, data):
    event = parse_event(body(event_type, data), message_id="msg_1")
    assert type(event) is UnknownEvent
    assert (event.type, event.wire_type, event.data, event.message_id) == ("unknown", event_type, data, "msg_1")
    assert event.user_id is event.organization_id is None or isinstance(data, dict)


NO_EVENT = ": this is not a Clerk event."
NOT_EVENTS = {
    "empty": (b"", "The body is not JSON: Expecting value"),
    "white space": (b" \n", "The body is not JSON: Expecting value"),
    "cut off": (b'{"type": "a"', "The body is not JSON: Expecting ',' delimiter"),
    "more after its end": (b'{"type": "a"} x', "The body is not JSON: there is more after its end, at character 13."),
    "two values": (b'{"type": "a"}{}', "The body is not JSON: there is more after its end, at character 13."),
    "byte order mark": (
        b'\xef\xbb\xbf{"type": "a"}',
        "The body is not JSON: Expecting value",
    ),
    "not UTF-8": (b'{"type": "\xff"}', "The body is not JSON: not UTF-8 (invalid start byte at byte 10)."),
    "UTF-16": (
        '{"type": "a"}'.encode("utf-16"),
        "The body is not JSON: not UTF-8 (invalid start byte at byte 0).",
    ),
    "a lone surrogate in text": (
        '{"type": "\ud800"}',
        "The body is not JSON: not UTF-8 (invalid continuation byte at byte 10).",
    ),
    "NaN": (b'{"type": "a", "data": NaN}', "The body is not JSON: NaN is not a JSON number."),
    "Infinity": (b'{"type": "a", "data": -Infinity}', "The body is not JSON: -Infinity is not a JSON number."),
    "a number beyond a float": (b'{"type": "a", "data": 1e999}', "The body is not JSON: a number is too large."),
    "a list": (b"[]", "The body must be a JSON object, not a Python list" + NO_EVENT),
    "a text": (b'"user.created"', "The body must be a JSON object, not a Python str" + NO_EVENT),
    "null": (b"null", "The body must be a JSON object, not missing or null" + NO_EVENT),
    "no type": (b"{}", "'type' must be a string, not missing or null" + NO_EVENT),
    "type is null": (b'{"type": null}', "'type' must be a string, not missing or null" + NO_EVENT),
    "type is a number": (b'{"type": 3}', "'type' must be a string, not a Python int" + NO_EVENT),
    "type is a list": (b'{"type": ["user.created"]}', "'type' must be a string, not a Python list" + NO_EVENT),
    "no data": (b'{"type": "user.created"}', "'data' of user.created must be an object, not missing or null."),
    "data is a list": (
        b'{"type": "user.created", "data": []}',
        "'data' of user.created must be an object, not a Python list.",
    ),
}


@pytest.mark.parametrize(("payload", "says"), NOT_EVENTS.values(), ids=NOT_EVENTS)
def test_a_body_that_is_not_an_event_is_a_payload_error(payload, says):
    with pytest.raises(PayloadError) as caught:
        parse_event(payload)
    assert str(caught.value).startswith(says)  # the end of some is from the json of this Python
    assert caught.value.status == 400


def test_white_space_around_the_json_is_allowed():
    assert parse_event(b' \r\n\t{"type": "a"}\n').wire_type == "a"


@pytest.mark.parametrize("space", ["\v", "\f", "\x85", "\xa0", "\u2028"])
def test_white_space_that_json_does_not_know_is_refused(space):
    with pytest.raises(PayloadError):
        parse_event(space + '{"type": "a"}')
    with pytest.raises(PayloadError):
        parse_event('{"type": "a"}' + space)


def test_numbers_with_a_fraction_stay_floats():
    assert parse_event(b'{"type": "a", "data": 0.5}').data == 0.5


@pytest.mark.parametrize("payload", [b'{"type": "Ada Lovelace', b'{"type": "Ada Lovelace\xff"}', b'["Ada Lovelace"] '])
def test_a_payload_error_drags_no_body_along(payload):
    with pytest.raises(PayloadError) as caught:
        parse_event(payload)
    assert "Lovelace" not in "".join(traceback.format_exception(caught.value)).replace(repr(payload), "")
    assert caught.value.__context__ is caught.value.__cause__ is None


# The limits. Users write into genuine events: a body that is accepted must compare, copy, pickle and log everywhere.

OPENING = {"arrays": ("[", "]"), "objects": ('{"a":', "}"), "both": ('[{"a":', "}]"), "spread out": (' [1, "]", ', "]")}


def nested(levels, shape):
    """Return a body that is nested this deeply: itself, `data`, and these."""
    opening, closing = OPENING[shape]
    depth = (levels - 2) // (2 if shape == "both" else 1)
    inner = f"{opening * depth}{0}{closing * depth}"
    assert levels == 2 + depth * (2 if shape == "both" else 1)
    return f'{{"type": "user.updated", "data": {{"id": "user_1", "unsafe_metadata": {inner}}}}}'.encode()


PARSERS = {
    "verify_and_parse": lambda raw: Webhook(SECRET, clock=lambda: NOW).verify_and_parse(signed(raw), raw),
    "verify_and_parse with loads": lambda raw: Webhook(SECRET, clock=lambda: NOW, loads=json.loads).verify_and_parse(
        signed(raw), raw
    ),
    "parse_event of bytes": parse_event,
    "parse_event of text": lambda raw: parse_event(raw.decode()),
    "parse_event of a dict": lambda raw: parse_event(json.loads(raw)),
    "parse_event of a mapping": lambda raw: parse_event(read_only(raw)),
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize("shape", OPENING)
def test_an_event_of_200_levels_is_accepted_and_compares_copies_pickles_and_logs(shape, parse, caplog):
    event = parse(nested(200, shape))
    assert type(event) is events.UserUpdated
    assert (
        copy.deepcopy(event)
        == pickle.loads(pickle.dumps(event))
        == parse_event(event.payload, message_id=event.message_id)
    )
    logging.getLogger("test").warning("%s of %s", event, event.payload)
    assert "unsafe_metadata" in caplog.text
    assert json.loads(json.dumps(event.payload)) == event.payload


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
@pytest.mark.parametrize(("levels", "shape"), [(201, "arrays"), (201, "objects"), (202, "both"), (201, "spread out")])
def test_an_event_of_201_levels_is_a_payload_error_on_every_python(levels, shape, parse):
    with pytest.raises(PayloadError, match="nested deeper than 200 levels") as caught:
        parse(nested(levels, shape))
    assert caught.value.code == "invalid_payload"


@pytest.mark.parametrize("shape", OPENING)
@pytest.mark.parametrize("loads", [None, json.loads])
def test_an_event_of_100000_levels_is_a_payload_error_and_no_crash(shape, loads):
    raw = nested(100_000, shape)
    with pytest.raises(PayloadError) as caught:
        Webhook(SECRET, clock=lambda: NOW, loads=loads).verify_and_parse(signed(raw), raw)
    assert str(caught.value) in {
        "The body is not JSON: nested too deeply.",
        "The body is not JSON: RecursionError from the JSON parser.",
        "The body is nested deeper than 200 levels.",
    }


def test_the_limit_of_levels_holds_for_a_parser_without_one():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    raw = b"[" * 201
    with pytest.raises(PayloadError, match="nested deeper"):
        Webhook(SECRET, clock=lambda: NOW, loads=lambda _: body(data=deep)).verify_and_parse(signed(raw), raw)


@pytest.mark.parametrize("value", [None, 3, "[" * 201])
def test_a_parser_that_gives_no_object_for_many_brackets_is_a_payload_error(value):
    raw = json.dumps("[" * 201).encode()
    with pytest.raises(PayloadError, match="must be a JSON object"):
        Webhook(SECRET, clock=lambda: NOW, loads=lambda _: value).verify_and_parse(signed(raw), raw)


def test_a_body_that_is_not_closed_is_not_json_at_any_depth():
    with pytest.raises(PayloadError, match="not JSON"):
        parse_event(b'{"type": "a", "data": ' + b"[" * 200_000)


def test_a_wide_event_is_not_a_deep_one():
    data = {"many": [[{}]] * 1000}
    assert parse_event(json.dumps(body(data=data))).data == data


def test_only_bodies_with_more_than_200_opening_brackets_are_walked(monkeypatch):
    walked = []
    monkeypatch.setattr("clerk_webhook._parse._refuse_deep", walked.append)
    for brackets in ("[" * 198, "{" * 198, "[{" * 99):
        parse_event(json.dumps(body(data={"text": brackets})))
    assert not walked
    for brackets in ("[" * 199, "{" * 199):
        parse_event(json.dumps(body(data={"text": brackets})))
    assert len(walked) == 2


def test_an_integer_of_4300_digits_is_accepted_and_compares_copies_pickles_and_logs(caplog):
    for digits in ("9" * 4300, "-" + "9" * 4300):
        event = parse_event(f'{{"type": "user.updated", "data": {{"unsafe_metadata": {digits}}}}}')
        assert copy.deepcopy(event) == pickle.loads(pickle.dumps(event)) == parse_event(json.dumps(event.payload))
        logging.getLogger("test").warning("%s", event.payload)
        assert digits in caplog.text


@pytest.mark.parametrize("loads", [None, json.loads])
def test_an_integer_of_4301_digits_is_a_payload_error_on_every_python(loads):
    raw = b'{"type": "user.updated", "data": {"unsafe_metadata": ' + b"9" * 4301 + b"}}"
    with pytest.raises(PayloadError, match=r"limit \(4300 digits\)|ValueError"):
        Webhook(SECRET, clock=lambda: NOW, loads=loads).verify_and_parse(signed(raw), raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=30,
)


@given(value=JSON, message_id=st.none() | st.just("msg_1"))
def test_any_json_in_an_event_arrives_and_compares_copies_and_pickles(value, message_id):
    event = parse_event(json.dumps(body(data={"value": value})), message_id=message_id)
    assert event.data == {"value": value}
    assert copy.deepcopy(event) == pickle.loads(pickle.dumps(event)) == event
    assert event == parse_event(body(data={"value": value}), message_id=message_id)
