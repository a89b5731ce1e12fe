"""The verification rules, by the numbers of the design: secret, several secrets, timestamp, id, signatures, body."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import math
import traceback

import pytest
from deliveries import BODY, ID, NOW, OTHER_SECRET, SECRET, signature, signed
from hypothesis import given
from hypothesis import strategies as st

from clerk_webhook import (
    ClerkWebhookError,
    InvalidHeaderError,
    Message,
    PayloadError,
    SecretError,
    SignatureMismatchError,
    TimestampTooNewError,
    TimestampTooOldError,
    Webhook,
    WebhookVerificationError,
    events,
    verify,
    verify_and_parse,
)

KNOWN_ANSWERS = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        '{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1649367553,
        '{"email":"test@example.com","username":"test_user"}',
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
]


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "expected"), KNOWN_ANSWERS)
def test_known_answers_are_signed_and_verified(secret, message_id, timestamp, body, expected):
    webhook = Webhook(secret, clock=lambda: timestamp)
    assert webhook.sign(message_id, timestamp, body) == expected
    headers = {"svix-id": message_id, "svix-timestamp": str(timestamp), "svix-signature": expected}
    assert webhook.verify(headers, body) == Message(id=message_id, timestamp=timestamp)


def test_a_genuine_delivery_gives_the_typed_event(webhook):
    event = webhook.verify_and_parse(signed(), BODY)
    assert type(event) is events.UserCreated
    assert event.data["first_name"] == "Ada"
    assert event.message_id == ID


# Rule 1: the secret


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        SECRET.removeprefix("whsec_"),
        f"  {SECRET}\n",
        base64.b64decode(SECRET.removeprefix("whsec_")),
    ],
    ids=["whsec_", "without prefix", "white space around", "raw bytes"],
)
def test_every_way_to_write_a_secret_is_the_same_key(secret):
    Webhook(secret, clock=lambda: NOW).verify(signed(), BODY)


@pytest.mark.parametrize("key", [b"k" * 16, b"k" * 17, b"k" * 18])
def test_a_secret_without_its_padding_is_the_same_key(key):
    secret = "whsec_" + base64.b64encode(key).decode().rstrip("=")
    Webhook(secret, clock=lambda: NOW).verify(signed(secret=key), BODY)


NOT_SECRETS = {
    "None": (None, "None"),
    "empty": ("", "empty"),
    "blank": (" \n", "empty"),
    "prefix only": ("whsec_", "empty"),
    "empty bytes": (b"", "empty"),
    "API key": ("sk_live_abcdefghijkl", "API secret key"),
    "publishable key": ("pk_test_abcdefghijkl", "publishable"),
    "asymmetric public key": ("whpk_MfKQ9r8GKYqrTwjU", "public key"),
    "asymmetric private key": ("whsk_MfKQ9r8GKYqrTwjU", "private key"),
    "url-safe base64": ("whsec_MfKQ9r8GKYqr-wjUPD8ILPZIo2La_aSw", "url-safe"),
    "quotes": (f'"{SECRET}"', "quotes"),
    "other alphabet": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2L€", "aren't base64"),
    "padding inside": ("whsec_MfKQ=9r8GKYq", "aren't base64"),
    "impossible length": (SECRET + "A", "cut off"),
    "two in one": (f"{SECRET} {OTHER_SECRET}", "one by one"),
    "written secret as bytes": (SECRET.encode(), "as str"),
}


@pytest.mark.parametrize(("secret", "says"), NOT_SECRETS.values(), ids=NOT_SECRETS)
def test_what_cannot_be_a_secret_is_refused_with_the_cure_and_never_repeated(secret, says):
    with pytest.raises(SecretError, match=says) as caught:
        Webhook(secret)
    assert "Clerk Dashboard" in str(caught.value)
    assert caught.value.status == 500
    if secret and len(secret.strip()) > len("whsec_"):
        assert (secret if isinstance(secret, str) else secret.decode()) not in str(caught.value)


@pytest.mark.parametrize("secret", [3, [SECRET]])
def test_a_secret_of_another_type_is_a_type_error(secret):
    with pytest.raises(TypeError, match="must be str or bytes"):
        Webhook(secret)


def test_no_secret_is_never_a_reason_to_skip_verification():
    with pytest.raises(SecretError, match="no signing secret"):
        Webhook()


@pytest.mark.parametrize("name", ["CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "WEBHOOK_SECRET"])
def test_from_env_reads_each_name(name):
    Webhook.from_env({name: SECRET}, clock=lambda: NOW).verify(signed(), BODY)


def test_from_env_prefers_clerks_own_name_and_passes_over_blank_ones():
    environ = {"CLERK_WEBHOOK_SIGNING_SECRET": " ", "CLERK_WEBHOOK_SECRET": SECRET, "WEBHOOK_SECRET": "sk_live_x"}
    Webhook.from_env(environ, clock=lambda: NOW).verify(signed(), BODY)


def test_from_env_takes_several_secrets():
    webhook = Webhook.from_env({"WEBHOOK_SECRET": f"{OTHER_SECRET}\n {SECRET}"}, clock=lambda: NOW)
    webhook.verify(signed(), BODY)
    webhook.verify(signed(secret=OTHER_SECRET), BODY)


def test_from_env_refuses_a_secret_that_a_line_break_cut_in_two():
    """The second half would be a key of a few bytes, that anyone can guess."""
    with pytest.raises(SecretError, match="cut in two"):
        Webhook.from_env({"WEBHOOK_SECRET": f"{SECRET[:-4]}\n{SECRET[-4:]}"})


def test_from_env_names_all_variables_where_none_is_set():
    with pytest.raises(SecretError, match=r"CLERK_WEBHOOK_SIGNING_SECRET.*CLERK_WEBHOOK_SECRET.*WEBHOOK_SECRET"):
        Webhook.from_env({})


# Rule 2: several secrets


def test_any_of_several_secrets_may_match():
    webhook = Webhook(OTHER_SECRET, SECRET, clock=lambda: NOW)
    webhook.verify(signed(), BODY)
    webhook.verify(signed(secret=OTHER_SECRET), BODY)
    with pytest.raises(SignatureMismatchError):
        webhook.verify(signed(secret=b"a third"), BODY)


def test_signing_uses_the_first_secret():
    assert Webhook(OTHER_SECRET, SECRET).sign(ID, NOW, BODY) == signature(secret=OTHER_SECRET)


# Rule 4: the timestamp


@pytest.mark.parametrize("skew", [-300, -1, 0, 1, 300])
def test_within_the_tolerance_either_way_is_accepted(webhook, skew):
    webhook.verify(signed(timestamp=NOW - skew), BODY)


@pytest.mark.parametrize(("skew", "error"), [(301, TimestampTooOldError), (-301, TimestampTooNewError)])
def test_outside_the_tolerance_is_refused_and_carries_the_skew(webhook, skew, error):
    with pytest.raises(error) as caught:
        webhook.verify(signed(timestamp=NOW - skew), BODY)
    assert (caught.value.timestamp, caught.value.skew, caught.value.tolerance) == (NOW - skew, skew, 300)


def test_the_clocks_fraction_does_not_count():
    Webhook(SECRET, clock=lambda: NOW + 300.999).verify(signed(), BODY)


@pytest.mark.parametrize("tolerance", [10, 10.5, dt.timedelta(seconds=10)])
def test_the_tolerance_is_seconds_or_a_timedelta(tolerance):
    webhook = Webhook(SECRET, tolerance=tolerance, clock=lambda: NOW)
    webhook.verify(signed(timestamp=NOW - 10), BODY)
    with pytest.raises(TimestampTooOldError):
        webhook.verify(signed(timestamp=NOW - 11), BODY)


def test_an_infinite_tolerance_accepts_an_old_capture():
    Webhook(SECRET, tolerance=math.inf).verify(signed(timestamp=1), BODY)


@pytest.mark.parametrize("tolerance", [-1, math.nan, dt.timedelta(seconds=-1)])
def test_a_tolerance_that_makes_no_sense_is_refused(tolerance):
    with pytest.raises(ValueError, match="0 or more seconds"):
        Webhook(SECRET, tolerance=tolerance)


@pytest.mark.parametrize(
    "timestamp",
    ["1761912345.0", "+1761912345", "-5", "1e9", "1_761_912_345", "01761912345", "0", "1761912345000", "٣", "0x10", "x"]
    + ["1761912345 1", "1761912345\n", "17619\x0012345", "²", "NaN", "inf"],
)
def test_a_timestamp_that_is_not_plain_whole_seconds_is_refused(webhook, timestamp):
    with pytest.raises(InvalidHeaderError, match="whole seconds") as caught:
        webhook.verify(signed() | {"svix-timestamp": timestamp}, BODY)
    assert caught.value.name == "svix-timestamp"


# Rule 5: the message id


@pytest.mark.parametrize("message_id", ["a", "!~", "x" * 256])
def test_a_visible_ascii_id_is_accepted(webhook, message_id):
    assert webhook.verify(signed(message_id=message_id), BODY).id == message_id


@pytest.mark.parametrize("message_id", ["a.b", "x" * 257, "a b", "é", "a\tb", "a\x00", "a\n", "msg_\xff", "\ud800"])
def test_an_id_that_is_not_visible_ascii_without_dot_is_refused(webhook, message_id):
    with pytest.raises(InvalidHeaderError, match="visible ASCII") as caught:
        webhook.verify(signed() | {"svix-id": message_id}, BODY)
    assert caught.value.name == "svix-id"


def test_an_id_with_byte_ff_is_refused_not_an_exception_from_decoding(webhook):
    with pytest.raises(InvalidHeaderError):
        webhook.verify([(name.encode(), value.encode() + b"\xff") for name, value in signed().items()], BODY)


# Rule 6: the signatures


@pytest.mark.parametrize(
    "surround",
    [
        "{}",
        "v1,AAAA {}",
        "{} v1,AAAA",
        "v1a,AAAA {} v2,x",
        " {} ",
        "  {}",
        "v1 {}",
        "{} \xe9",
        "v1,\xe9 {}",
        "{} ,",
        "x {}",
    ],
)
def test_any_entry_may_match_and_all_others_are_passed_over(webhook, surround):
    webhook.verify(signed() | {"svix-signature": surround.format(signature())}, BODY)


GENUINE = signature().removeprefix("v1,")


@pytest.mark.parametrize(
    ("signatures", "versions"),
    [
        (GENUINE, ()),
        ("v1" + GENUINE, ()),
        ("v1," + GENUINE.rstrip("="), ("v1",)),
        ("v1," + GENUINE + "=", ("v1",)),
        ("v1, " + GENUINE, ("v1",)),
        ("v1," + GENUINE.lower(), ("v1",)),
        ("V1," + GENUINE, ()),
        ("v1=" + GENUINE, ()),
        ("v1a," + GENUINE, ("v1a",)),
        ("v2," + GENUINE + " v1a,x v2,y", ("v2", "v1a")),
        ("v1," + GENUINE + ",v1,A", ("v1",)),
        ("v1,A\tv1," + GENUINE, ("v1",)),
        ("v1,A", ("v1",)),
        ("v1,", ("v1",)),
        (",", ()),
        ("v1,\xe9", ("v1",)),
        ("v1,\ud800", ("v1",)),
        ("v1," + hashlib.sha256(BODY).hexdigest(), ("v1",)),
        ("t=1761912345,v1=abcdef", ()),
    ],
)
def test_an_entry_that_is_not_exactly_the_signature_does_not_match(webhook, signatures, versions):
    with pytest.raises(SignatureMismatchError) as caught:
        webhook.verify(signed() | {"svix-signature": signatures}, BODY)
    assert caught.value.versions == versions
    assert ("no v1 entry" in str(caught.value)) == ("v1" not in versions)


def test_every_key_and_every_entry_is_compared_whichever_matches(monkeypatch):
    compared = []

    def spy(entry, expected):
        compared.append((entry, expected))
        return hmac.compare_digest(entry, expected)

    monkeypatch.setattr("clerk_webhook._signature.compare_digest", spy)
    headers = signed() | {"svix-signature": f"{signature()} v1,A v2,B"}
    Webhook(SECRET, OTHER_SECRET, clock=lambda: NOW).verify(headers, BODY)
    assert len(compared) == 6


@pytest.mark.parametrize(
    ("secret", "headers", "body"),
    [
        (OTHER_SECRET, signed(), BODY),
        (SECRET, signed(), BODY + b" "),
        (SECRET, signed() | {"svix-id": "msg_other"}, BODY),
        (SECRET, signed() | {"svix-timestamp": str(NOW + 1)}, BODY),
    ],
    ids=["secret", "body", "id", "timestamp"],
)
def test_what_was_changed_after_signing_is_refused(secret, headers, body):
    with pytest.raises(SignatureMismatchError):
        Webhook(secret, clock=lambda: NOW).verify(headers, body)


# Rule 7: the body


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode, type("Bytes", (bytes,), {})])
def test_the_body_may_be_bytes_like_or_text(webhook, kind):
    assert webhook.verify_and_parse(signed(), kind(BODY)).type == "user.created"


def test_text_is_signed_as_utf8(webhook):
    body = '{"type": "user.deleted", "data": {"id": "é"}}'
    webhook.verify(signed(body.encode()), body)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (json.loads(BODY), "raw body"),
        ([], "raw body"),
        (None, "raw body"),
        (3, "raw body"),
        (BODY.decode, "call it"),
    ],
)
def test_a_body_that_is_no_raw_body_is_a_type_error_with_the_cure(webhook, body, says):
    with pytest.raises(TypeError, match=says):
        webhook.verify(signed(), body)


def test_a_body_that_was_not_awaited_is_a_type_error_that_says_await(webhook):
    async def read():
        return BODY

    body = read()
    with pytest.raises(TypeError, match="await"):
        webhook.verify(signed(), body)
    body.close()


def test_a_signed_body_that_is_not_utf8_is_a_payload_error(webhook):
    with pytest.raises(PayloadError, match="UTF-8"):
        webhook.verify_and_parse(signed(b"\xff"), b"\xff")


def test_text_with_lone_surrogates_is_refused_not_an_exception_from_encoding(webhook):
    with pytest.raises(SignatureMismatchError):
        webhook.verify(signed(), "\ud800")


# Rule 8 is in test_events.py; here what depends on `loads`


def test_another_json_parser_can_be_used():
    webhook = Webhook(SECRET, clock=lambda: NOW, loads=lambda body: json.loads(body) | {"type": "user.updated"})
    assert webhook.verify_and_parse(signed(), BODY).type == "user.updated"


def test_whatever_another_json_parser_raises_is_a_payload_error_without_the_body():
    def loads(body):
        raise KeyError(body)

    with pytest.raises(PayloadError, match="KeyError") as caught:
        Webhook(SECRET, clock=lambda: NOW, loads=loads).verify_and_parse(signed(), BODY)
    assert "Ada" not in "".join(traceback.format_exception(caught.value))


def test_a_parser_that_cannot_be_called_is_a_type_error():
    with pytest.raises(TypeError, match="loads must be a function"):
        Webhook(SECRET, loads=json)


# Rule 9: an event or our error, nothing else

HEADER_TEXT = st.one_of(
    st.text(),
    st.sampled_from(["", " ", ID, str(NOW), signature(), "v1,", "v1,A", "1.5", "٣", "\xe9"]),
)
HEADER_VALUE = st.one_of(st.none(), HEADER_TEXT, st.binary(), st.lists(st.one_of(HEADER_TEXT, st.binary()), max_size=3))
NAME = st.one_of(
    st.sampled_from(
        ["svix-id", "Svix-Id", "sViX-iD", "HTTP_SVIX_ID", "svix-timestamp", "svix-signature", "SVIX-SIGNATURE"]
        + ["webhook-id", "webhook-timestamp", "webhook-signature", "HTTP_SVIX_TIMESTAMP", "HTTP_SVIX_SIGNATURE"]
    ),
    st.text(max_size=20),
)
HEADERS = st.one_of(
    st.dictionaries(NAME, HEADER_VALUE, max_size=8),
    st.lists(st.tuples(NAME, HEADER_VALUE), max_size=8),
    st.lists(st.tuples(NAME.map(lambda name: name.encode("utf-8", "replace")), HEADER_VALUE), max_size=8),
)
ANY_BODY = st.one_of(st.binary(), st.text(), st.just(BODY), st.binary().map(bytearray), st.binary().map(memoryview))


@given(headers=HEADERS, body=ANY_BODY)
def test_any_headers_and_any_body_give_an_event_or_an_error_of_ours(headers, body):
    try:
        event = Webhook(SECRET, clock=lambda: NOW).verify_and_parse(headers, body)
    except ClerkWebhookError as error:
        assert error.status in (400, 500)
        assert error.code
        assert str(error)
    else:
        assert isinstance(event, events.Event)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EVENT_LIKE = st.fixed_dictionaries(
    {"type": st.sampled_from([*events.EVENT_CLASSES, "unknown", "new.type"]) | JSON, "data": JSON},
    optional={"timestamp": JSON, "instance_id": JSON, "event_attributes": JSON, "object": JSON},
)
SIGNED_BODY = st.binary() | (JSON | EVENT_LIKE).map(lambda value: json.dumps(value).encode())


@given(body=SIGNED_BODY)
def test_any_signed_body_gives_an_event_whose_properties_and_repr_work_or_a_payload_error(body):
    try:
        event = Webhook(SECRET, clock=lambda: NOW).verify_and_parse(signed(body), body)
    except PayloadError:
        return
    for name in dir(event):
        getattr(event, name)
    assert repr(event)


@given(data=st.data(), body=st.binary(min_size=1, max_size=100))
def test_any_bit_flipped_in_a_genuine_message_is_refused(data, body):
    part = data.draw(st.sampled_from(["id", "timestamp", "body", "secret", "signature"]))
    message = {
        "id": ID.encode(),
        "timestamp": str(NOW).encode(),
        "body": body,
        "secret": base64.b64decode(SECRET[6:]),
        "signature": signature(body).encode(),
    }
    bits = bytearray(message[part])
    place = data.draw(st.integers(0, len(bits) * 8 - 1))
    bits[place // 8] ^= 1 << place % 8
    message[part] = bytes(bits)
    headers = [(f"svix-{name}".encode(), message[name]) for name in ("id", "timestamp", "signature")]
    webhook = Webhook(message["secret"], tolerance=math.inf, clock=lambda: NOW)
    with pytest.raises(WebhookVerificationError):
        webhook.verify(headers, message["body"])


@given(length=st.integers(1, 200), body=st.binary(), filler=st.randoms(use_true_random=False))
def test_our_signature_is_that_of_hmac_for_every_length_of_key(length, body, filler):
    key = filler.randbytes(length)
    if not key.startswith(b"whsec_"):
        assert Webhook(key).sign(ID, NOW, body) == signature(body, secret=key)


def test_our_signature_is_that_of_hmac_for_each_length_of_key_around_the_block():
    for length in range(1, 201):
        key = bytes(range(length))
        assert Webhook(key).sign(ID, NOW, BODY) == signature(secret=key)


# Rule 10: the secret stays inside


def _frames_of_ours(error):
    walked = error.__traceback__
    while walked:
        if "/clerk_webhook/" in walked.tb_frame.f_code.co_filename.replace("\\", "/"):
            yield walked.tb_frame
        walked = walked.tb_next


def _provoke(kind):
    secret = "whsec_" + base64.b64encode(b"a very secret key of 27 byt").decode()
    if kind == "mismatch":
        verify(signed(timestamp=NOW), BODY, secret=secret, tolerance=math.inf)
    elif kind == "stale":
        verify_and_parse(signed(timestamp=5), BODY, secret=secret)
    elif kind == "cut":
        Webhook(SECRET, secret + "A")
    elif kind == "cut explicit":
        verify(signed(), BODY, secret=secret + "A")
    elif kind == "cut environ":
        Webhook.from_env({"WEBHOOK_SECRET": secret + "A"})
    elif kind == "two words":
        Webhook.from_env({"WEBHOOK_SECRET": secret + " AAAA"})
    elif kind == "type":
        Webhook([secret])
    elif kind == "tolerance":
        Webhook(secret, tolerance=-1)


@pytest.mark.parametrize(
    "kind", ["mismatch", "stale", "cut", "cut explicit", "cut environ", "two words", "type", "tolerance"]
)
def test_no_error_nor_its_frames_hold_the_secret(kind):
    with pytest.raises((ClerkWebhookError, TypeError, ValueError)) as caught:
        _provoke(kind)
    written = base64.b64encode(b"a very secret key of 27 byt").decode()
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    for frame in _frames_of_ours(error):
        shown += repr(frame.f_locals)
    # The source lines of a traceback show this test's own code: the key is spelled in two ways there, not like this.
    assert written not in shown
    assert list(_frames_of_ours(error))


# The module-level functions


def test_the_functions_take_the_secret_as_an_argument():
    verify(signed(), BODY, secret=SECRET, tolerance=math.inf)
    assert verify_and_parse(signed(), BODY, secret=SECRET, tolerance=math.inf).type == "user.created"


def test_the_functions_read_the_environment_again_when_it_changes(monkeypatch):
    with pytest.raises(SecretError):
        verify(signed(), BODY)
    monkeypatch.setenv("CLERK_WEBHOOK_SECRET", OTHER_SECRET)
    with pytest.raises(SignatureMismatchError):
        verify(signed(), BODY, tolerance=math.inf)
    monkeypatch.setenv("CLERK_WEBHOOK_SECRET", SECRET)
    assert verify(signed(), BODY, tolerance=math.inf).id == ID
    assert verify_and_parse(signed(), BODY, tolerance=math.inf).message_id == ID


def test_the_functions_build_the_webhook_of_an_unchanged_environment_once(monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    verify(signed(), BODY, tolerance=math.inf)
    monkeypatch.setattr("clerk_webhook.webhook.SigningKey", None)
    verify(signed(), BODY, tolerance=math.inf)


def test_an_explicitly_empty_secret_is_refused_though_the_environment_has_one(monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    with pytest.raises(SecretError, match="empty"):
        verify(signed(), BODY, secret="", tolerance=math.inf)


# Signing


def test_signing_takes_an_aware_datetime(webhook):
    assert webhook.sign(ID, dt.datetime.fromtimestamp(NOW + 0.9, dt.UTC), BODY) == signature()


def test_signing_refuses_a_datetime_without_time_zone(webhook):
    with pytest.raises(TypeError, match="time zone"):
        webhook.sign(ID, dt.datetime(2025, 1, 1), BODY)  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize(("message_id", "timestamp"), [("a.b", NOW), ("", NOW), (ID, -1), (ID, 0), (ID, NOW * 1000)])
def test_signing_refuses_what_verification_would(webhook, message_id, timestamp):
    with pytest.raises(InvalidHeaderError):
        webhook.sign(message_id, timestamp, BODY)
