"""From a body to an event: the accepted forms of a body, the refused ones, and the limits."""

import copy
import json
import logging
import pickle
import sys
import threading
import traceback
import types as python_types

import pytest
from deliveries import ID, NOW, SECRET, signed
from hypothesis import given
from hypothesis import strategies as st

from clerk_webhook import PayloadError, UnknownEvent, Webhook, _parse, _pruning, events, parse_event

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


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b'{"type": "user.created"}', b"\xff", b"[]", b'{"type": "\\ud800\xff"}']
)
def test_a_payload_error_carries_the_message_id(payload):
    with pytest.raises(PayloadError) as caught:
        parse_event(payload, message_id="msg_1")
    assert caught.value.message_id == "msg_1"
    with pytest.raises(PayloadError) as caught:
        Webhook(SECRET, clock=lambda: NOW).verify_and_parse(signed(payload), payload)
    assert caught.value.message_id == ID


# The limits. Users write into genuine events: such an event must arrive, and compare, copy, pickle and log everywhere.

PARSERS = {
    "verify_and_parse": lambda raw: Webhook(SECRET, clock=lambda: NOW).verify_and_parse(signed(raw), raw),
    "verify_and_parse with json.loads": lambda raw: Webhook(
        SECRET, clock=lambda: NOW, loads=json.loads
    ).verify_and_parse(signed(raw), raw),
    "verify_and_parse with a strict parser": lambda raw: Webhook(
        SECRET, clock=lambda: NOW, loads=strict_loads
    ).verify_and_parse(signed(raw), raw),
    "parse_event of bytes": lambda raw: parse_event(raw, message_id=ID),
    "parse_event of text": lambda raw: parse_event(raw.decode(), message_id=ID),
}
every_parser = pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)


def strict_loads(raw):
    """Refuse what orjson refuses."""
    value = json.loads(raw)
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value


def around(metadata):
    """Return a body in which a user has written this JSON text, and data around it."""
    rest = r'"banned": true, "name": "a\\\"]}["'
    return f'{{"data": {{"id": "user_1", "unsafe_metadata": {metadata}, {rest}}}, "type": "user.updated"}}'.encode()


REPLACED_SOME = (
    f"WARNING: Message {ID}: values that are nested too deeply, too large or not Unicode were replaced by null or "
    "U+FFFD."
)


def warnings(caplog):
    """Return what we have logged."""
    return [f"{each.levelname}: {each.getMessage()}" for each in caplog.records if each.name == "clerk_webhook"]


def assert_usable(event):
    """Assert that this is the event, and that it compares, copies, pickles and goes through a log and a queue."""
    assert type(event) is events.UserUpdated
    assert event.data == {
        "id": "user_1",
        "unsafe_metadata": event.data["unsafe_metadata"],
        "banned": True,
        "name": 'a\\"]}[',
    }
    assert copy.deepcopy(event) == pickle.loads(pickle.dumps(event)) == event
    text = json.dumps(event.payload, ensure_ascii=False, allow_nan=False).encode()
    assert parse_event(text, message_id=event.message_id) == event
    logging.getLogger("test").info("%s of %s", event, event.payload)


REPLACED = {
    "NaN": ("NaN", None),
    "Infinity": ("Infinity", None),
    "-Infinity": ("-Infinity", None),
    "constants in a list": ("[NaN, Infinity, -Infinity, 5]", [None, None, None, 5]),
    "numbers beside": ("[NaN, 1.5, -1e5, 7, -7]", [None, 1.5, -1e5, 7, -7]),
    "beyond a float": ("1e400", None),
    "below a float": ("-1e400", None),
    "beyond a float in capitals": ("[1E400, 1E+400, 9.9e999]", [None, None, None]),
    "an exponent of many digits": ("[1e" + "9" * 5000 + "]", [None]),
    "400 digits and a fraction": ("9" * 400 + ".5", None),
    "4301 digits": ("9" * 4301, None),
    "-4301 digits": ("-" + "9" * 4301, None),
    "4301 digits and zeros": ('{"a": [0, ' + "1" + "0" * 4300 + ', 7], "b": 8}', {"a": [0, None, 7], "b": 8}),
    "a high surrogate": (r'"\ud800"', "\ufffd"),
    "a low surrogate": (r'"x\uDFFFy"', "x\ufffdy"),
    "surrogates in the wrong order": (r'"\udc00\ud800"', "\ufffd\ufffd"),
    "two high ones and a pair": (r'"\ud83d\ud83d\ude00\ude00"', "\ufffd\U0001f600\ufffd"),
    "a surrogate in a key": (r'{"\ud800": 1, "\\\udc00": 2}', {"\ufffd": 1, "\\\ufffd": 2}),
    "a surrogate after an escaped backslash": (r'"\\ud800 \ud800"', "\\ud800 \ufffd"),
    "half a pair and an escape": (r'"\ud800\n\uD83D\u0041"', "\ufffd\n\ufffdA"),
}


@every_parser
@pytest.mark.parametrize(("sent", "arrives"), REPLACED.values(), ids=REPLACED)
def test_a_user_cannot_hide_an_event_by_a_value_that_not_everything_can_hold(sent, arrives, parse, caplog):
    """Before, a ban after `unsafe_metadata: 1e400` was unreadable, and was never sent again."""
    event = parse(around(sent))
    assert_usable(event)
    assert event.data["unsafe_metadata"] == arrives
    assert warnings(caplog) == [REPLACED_SOME]


KEPT = {
    "4300 digits": ("9" * 4300, int("9" * 4300)),
    "-4300 digits": ("-" + "9" * 4300, -int("9" * 4300)),
    "400 digits": ("9" * 400, int("9" * 400)),
    "the largest float": ("1.7976931348623157e308", 1.7976931348623157e308),
    "a small float": ("1e-400", 0.0),
    "minus zero": ("[-0, -0.0]", [0, 0.0]),
    "a pair": (r'"\ud83d\ude00\uD83D\uDE00"', "\U0001f600\U0001f600"),
    "text that looks like a surrogate": (r'"\\ud800"', "\\ud800"),
    "text that looks like numbers": ('"NaN Infinity -Infinity 1e400"', "NaN Infinity -Infinity 1e400"),
    "digits in a text": (f'"{"9" * 5000}"', "9" * 5000),
    "300 brackets in a text": (f'"{"[" * 300}"', "[" * 300),
    "300 brackets behind a quote": (r'"\"' + "[" * 300 + r'\\"', '"' + "[" * 300 + "\\"),
    "300 brackets in keys": ('{"a": {"' + "{" * 300 + '": [1]}}', {"a": {"{" * 300: [1]}}),
    "many values": ("[" + "[{}], " * 500 + "0]", [[{}]] * 500 + [0]),
    "many empty values": ("[" + "[], {}, " * 500 + "0]", [[], {}] * 500 + [0]),
    "the same key twice": ('{"a": 1, "a": 2}', {"a": 2}),
}


@every_parser
@pytest.mark.parametrize(("sent", "arrives"), KEPT.values(), ids=KEPT)
def test_what_everything_can_hold_arrives_as_it_is(sent, arrives, parse, caplog):
    event = parse(around(sent))
    assert event.data["unsafe_metadata"] == arrives
    assert_usable(event)
    assert not warnings(caplog)


@pytest.mark.parametrize(
    "sent", [sent for sent, _ in KEPT.values()] + ["[" * 99 + "[], " * 500 + "[]" + "]" * 99], ids=[*KEPT, "200 levels"]
)
def test_few_bodies_are_read_bracket_by_bracket(sent):
    """A benchmark shows the gain, and this test that the short path is taken."""
    raw = sent.encode()
    assert _pruning.without_deep_values(raw) is raw


def test_strings_without_brackets_are_not_masked(monkeypatch):
    """A benchmark shows the gain, and this test that the short path is taken."""
    monkeypatch.setattr(_pruning, "_with_strings_masked", None)
    raw = b"[" + rb'{"a": "b\n\u005b"}, ' * 500 + b"0]"
    assert _pruning.without_deep_values(raw) is raw


@pytest.mark.parametrize(
    ("before", "unit", "after"),
    [
        ("[", "[" * 1000 + "]" * 1000 + ",", "0]"),
        ("[" * 1000 + "]" * 999, ", 1", "]"),
        ("[" * 1000 + "]" * 999, ', "["', "]"),
        ("[" * 200, "{}, ", "{}" + "]" * 200),
    ],
)
def test_little_of_a_large_body_is_read_bracket_by_bracket(before, unit, after, monkeypatch):
    """A benchmark shows the gain, and this test that the short paths are taken."""
    read, keep = [], _pruning._keep_shallow
    monkeypatch.setattr(_pruning, "_keep_shallow", lambda part, *more: read.append(part) or keep(part, *more))
    _pruning.without_deep_values((before + unit * (20_000 // len(unit)) + after).encode())
    assert len("".join(read)) < 400


def test_a_usual_body_is_not_mended(monkeypatch):
    """A benchmark shows the gain, and this test that the short path is taken."""
    monkeypatch.setattr(_parse, "without_deep_values", None)
    monkeypatch.setattr(_parse, "without_lone_surrogates", None)
    raw = around("[" + "{}, [], " * 98 + "0]")
    assert raw.count(b"[") + raw.count(b"{") == 200
    given = []
    Webhook(SECRET, clock=lambda: NOW, loads=given.append).verify_and_parse(signed(raw), raw)
    assert given[0] is raw


# Each pair opens and closes some levels.
LEVELS = {
    "arrays": ("[", "]", 1),
    "objects": ('{"a":', "}", 1),
    "both": ('[{"a":', "}]", 2),
    "spread out": (' [1, "]", ', "]", 1),
    "with keys like brackets": ('{"}\\"]":', "}", 1),
    "with values beside": ('[[], {"b": "["}, ', ", [[]]]", 1),
}


def nested(levels, shape, innermost="0"):
    """Return a value with so many levels below the two of a body."""
    opening, closing, each = LEVELS[shape]
    depth, rest = divmod(levels - 2, each)
    assert not rest
    return opening * depth + innermost + closing * depth


def depth_of(value):
    """Return how many containers are nested in each other."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


ALL_PARSERS = PARSERS | {
    "parse_event of a dict": lambda raw: parse_event(json.loads(raw), message_id=ID),
    "parse_event of a mapping": lambda raw: parse_event(read_only(raw), message_id=ID),
}


@pytest.mark.parametrize("parse", ALL_PARSERS.values(), ids=ALL_PARSERS)
@pytest.mark.parametrize("shape", LEVELS)
def test_an_event_of_200_levels_arrives_as_it_is(shape, parse, caplog):
    sent = nested(198 if shape == "with values beside" else 200, shape)
    event = parse(around(sent))
    assert event.data["unsafe_metadata"] == json.loads(sent)
    assert_usable(event)
    assert not warnings(caplog)


@pytest.mark.parametrize("parse", ALL_PARSERS.values(), ids=ALL_PARSERS)
@pytest.mark.parametrize("innermost", ["0", "[]", "[[], [], []]", '"["', "[[[]]]"])
@pytest.mark.parametrize(("levels", "shape"), [(201, "arrays"), (201, "objects"), (202, "both"), (201, "spread out")])
def test_a_user_cannot_hide_an_event_by_201_levels(levels, shape, innermost, parse, caplog):
    """Before, 201 brackets in `unsafe_metadata` made each later event of the user unreadable."""
    event = parse(around(nested(levels, shape, innermost)))
    assert_usable(event)
    assert depth_of(event.payload) == 200
    assert warnings(caplog) == [REPLACED_SOME]


@every_parser
@pytest.mark.parametrize("shape", LEVELS)
@pytest.mark.parametrize("levels", [300, 5000, 100_000])
def test_any_number_of_levels_takes_the_stack_of_200(levels, shape, parse):
    value = nested(levels, shape)
    event = parse(around(f'{{"deep": {value}, "shallow": [1, {{"a": []}}], "deep too": {value}, "last": "]"}}'))
    assert_usable(event)
    metadata = event.data["unsafe_metadata"]
    assert metadata["shallow"] == [1, {"a": []}]
    assert metadata["last"] == "]"
    assert depth_of(metadata["deep"]) == depth_of(metadata["deep too"])
    assert depth_of(event.payload) <= 200


@pytest.mark.parametrize("parse", ALL_PARSERS.values(), ids=ALL_PARSERS)
def test_the_containers_on_level_201_are_null_and_everything_else_stays(parse):
    """Before, the container on level 199 that held them was null."""
    event = parse(around("[" * 196 + '[0], [1, [2, {"a": [3], "b": 4}], "]", 5], [[{}]], [[[[]]]]' + "]" * 196))
    value = event.data["unsafe_metadata"]
    for _ in range(195):
        (value,) = value
    assert value == [[0], [1, [2, None], "]", 5], [[None]], [[None]]]


def test_brackets_between_escaped_quotes_do_not_close_a_level():
    value = r'["\"]\"", ' * 300 + "0" + r', "\"[\""]' * 300
    assert depth_of(parse_event(f'{{"type": "a", "data": {value}}}').payload) == 200


@pytest.mark.skipif(sys.platform == "emscripten", reason="WebAssembly starts no threads")
def test_a_thread_with_512_kb_of_stack_is_enough():
    """Before, 4,000 nested arrays crashed the parser of Python 3.13 in a thread with 256 kB."""
    sent = [around(nested(levels, shape)) for levels in (200, 5000, 100_000) for shape in LEVELS if shape != "both"]
    arrived = []
    before = threading.stack_size(512 << 10)
    try:
        thread = threading.Thread(target=lambda: arrived.extend(map(parse_event, sent)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert len(arrived) == len(sent)


@pytest.mark.parametrize("opened", ["[" * 200_000, '{"a":' * 200_000, '["' + "[" * 200_000, "[" * 300 + "]" * 200_000])
def test_a_body_that_is_not_closed_is_not_json_at_any_depth(opened):
    with pytest.raises(PayloadError, match="not JSON"):
        parse_event('{"type": "a", "data": ' + opened)


def test_a_parser_that_gives_no_object_is_a_payload_error():
    for value in (3, "[" * 201, []):
        raw = json.dumps("[" * 201).encode()
        with pytest.raises(PayloadError, match="must be a JSON object"):
            Webhook(SECRET, clock=lambda: NOW, loads=lambda _, value=value: value).verify_and_parse(signed(raw), raw)


def test_a_mapping_that_is_too_deep_is_not_changed():
    payload = json.loads(around(nested(300, "arrays")))
    assert depth_of(payload) == 300
    assert depth_of(parse_event(payload).payload) == 200
    assert depth_of(payload) == 300


def test_numbers_are_replaced_even_if_the_application_lifts_pythons_limit():
    """Without a limit a number of 1 MB takes seconds."""
    before = sys.get_int_max_str_digits()
    try:
        for limit in (0, 10_000):
            sys.set_int_max_str_digits(limit)
            assert parse_event(around("9" * 4301)).data["unsafe_metadata"] is None
            assert parse_event(around("9" * 4300)).data["unsafe_metadata"] == 10**4300 - 1
    finally:
        sys.set_int_max_str_digits(before)


ANYTHING = st.recursive(
    st.sampled_from(
        [
            "NaN",
            "-Infinity",
            "1e400",
            "-1E+999",
            "9" * 4301,
            "-0",
            "1.5",
            "null",
            "true",
            r'"\ud800"',
            r'"\\ud800\uDC00\\"',
        ]
        + ['"' + "[{" * 150 + '"', '"\\""', '"NaN"', "[" * 250 + "]" * 250, '{"a":' * 199 + "[]" + "}" * 199]
    )
    | st.text().map(json.dumps)
    | st.text().map(lambda text: json.dumps(text, ensure_ascii=False))
    | st.integers().map(str),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda values: "[" + ", ".join(values) + "]")
        | st.dictionaries(st.text().map(json.dumps) | st.just(r'"\udfff["'), inner, max_size=4).map(
            lambda values: "{" + ",".join(f"{key} :{value}" for key, value in values.items()) + "}"
        )
    ),
    max_leaves=20,
)


@given(metadata=ANYTHING, parse=st.sampled_from(list(PARSERS.values())))
def test_whatever_a_user_writes_the_event_arrives_and_the_rest_of_data_is_untouched(metadata, parse):
    event = parse(around(metadata.encode("utf-8", "replace").decode()))
    assert type(event) is events.UserUpdated
    assert event.data.keys() == {"id", "unsafe_metadata", "banned", "name"}
    assert (event.data["id"], event.data["banned"], event.data["name"]) == ("user_1", True, 'a\\"]}[')
    assert depth_of(event.payload) <= 200
    assert_usable(event)


STRUCTURE = st.recursive(
    st.sampled_from(["0", '"]"', '"[{"', r'"\\"', r'"\"["']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: f"[{','.join(values)}]")
        | st.lists(inner, max_size=3).map(
            lambda values: "{" + ",".join(f'"{{{number}" :{value}' for number, value in enumerate(values)) + "}"
        )
    ),
    max_leaves=60,
)


@given(structure=STRUCTURE, times=st.integers(1, 40))
def test_only_what_is_too_deep_is_pruned(structure, times):
    """The limit is lowered here, so that Hypothesis reaches it."""
    structure = f"[{', '.join([structure] * times)}]"
    value = json.loads(structure)
    for limit in (2, 3, 4, 5, 8):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_pruning, "MAX_DEPTH", limit)
            pruned = _pruning.without_deep_values(structure.encode())
        assert json.loads(pruned) == cut(value, limit)
        if depth_of(value) <= limit:
            assert pruned == structure.encode()


def cut(value, levels):
    """Return a value with None for each container below so many levels."""
    if isinstance(value, dict):
        return {key: cut(inner, levels - 1) for key, inner in value.items()} if levels else None
    if isinstance(value, list):
        return [cut(inner, levels - 1) for inner in value] if levels else None
    return value


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
