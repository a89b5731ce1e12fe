"""The rules of verification: secret, several secrets, timestamp, id, signatures, body, and the errors of callers."""

import base64
import datetime as dt
import decimal
import hashlib
import hmac
import inspect
import json
import math
import os
import pydoc
import string
import traceback
from functools import partial

import pytest
from deliveries import BODY, ID, NOW, OTHER_SECRET, SECRET, signature, signed
from hypothesis import given
from hypothesis import strategies as st
from strategies import binary

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
    assert webhook.verify(headers, body) == Message(message_id, timestamp, secret_index=0)


def test_nothing_can_be_added_to_a_webhook(webhook):
    with pytest.raises(AttributeError):
        webhook.secret = SECRET


def test_a_genuine_delivery_gives_the_typed_event(webhook):
    event = webhook.verify_and_parse(signed(), BODY)
    assert type(event) is events.UserCreated
    assert event.data["first_name"] == "Ada"
    assert event.message_id == ID


# Rule 1: the secret


KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
KEYS = [bytes(range(length)) for length in (24, 25, 26, 65)]


@pytest.mark.parametrize("secret", [SECRET, f"  {SECRET}\n", f"\u2003{SECRET}\xa0", KEY])
def test_every_way_to_write_a_secret_is_the_same_key(secret):
    Webhook(secret, clock=lambda: NOW).verify(signed(), BODY)


EMPTY = "The signing secret is empty."
TOO_SHORT = "The signing secret is shorter than 24 bytes: it looks cut off, or like a placeholder."
TOO_UNIFORM = "The signing secret has fewer than 12 different bytes: it is a placeholder."
NO_PREFIX = (
    "The signing secret does not start with 'whsec_': it is a placeholder, the secret of another service, or a part of "
    "a secret that white space cuts in two."
)
QUOTED = "Remove the quotes around the signing secret."
SEPARATE = "Separate several signing secrets by white space alone."
NOT_BASE64 = "The signing secret has characters that are not base64."
URL_SAFE = "The signing secret is written in url-safe base64, with '-' or '_'."
CUT_OFF = "The signing secret is cut off: no base64 has this length."
WRITTEN = "Bytes are taken as the raw key: pass a secret that starts with 'whsec_' as str."
WHERE = (
    "Copy the endpoint's Signing Secret, which starts with 'whsec_', from the Clerk Dashboard (Webhooks, the endpoint, "
    "Signing Secret)."
)


def written(key):
    return "whsec_" + base64.b64encode(key).decode()


def before(count):
    return f"Remove the {count} characters before 'whsec_' in the signing secret: some may be invisible."


NOT_SECRETS = {
    "None": (None, "The signing secret is None: its environment variable is not set."),
    "empty": ("", EMPTY),
    "blank": (" \n", EMPTY),
    "prefix only": ("whsec_", EMPTY),
    "empty bytes": (b"", EMPTY),
    "API key": (
        "sk_live_abcdefghijkl",
        "This is Clerk's API secret key (sk_...), not a webhook signing secret.",
    ),
    "publishable key": (
        "pk_test_abcdefghijkl",
        "This is Clerk's publishable key (pk_...), not a webhook signing secret.",
    ),
    "asymmetric public key": (
        "whpk_MfKQ9r8GKYqrTwjU",
        "This is a public key for asymmetric signatures (whpk_...), not a webhook signing secret.",
    ),
    "asymmetric private key": (
        "whsk_MfKQ9r8GKYqrTwjU",
        "This is a private key for asymmetric signatures (whsk_...), not a webhook signing secret.",
    ),
    "url-safe base64 with -": ("whsec_MfKQ9r8GKYqr-wjUPD8ILPZIo2LaLaSw", URL_SAFE),
    "url-safe base64 with _": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La_aSw=", URL_SAFE),
    "signature's version": ("v1," + SECRET, "Remove 'v1,' before 'whsec_' in the signing secret."),
    "double quotes": (f'"{SECRET}"', QUOTED),
    "single quotes": (f"'{SECRET}'", QUOTED),
    "backticks": (f"`{SECRET}`", QUOTED),
    "typographic quotes": (f"\u201c{SECRET}\u201d", QUOTED),
    "a quote in front": ('"' + SECRET, QUOTED),
    "a quote behind": (SECRET + "'", QUOTED),
    "a variable and a quote": (f'WEBHOOK_SECRET="{SECRET}', QUOTED),
    "quotes around two": (f'"{SECRET} {OTHER_SECRET}"', QUOTED),
    "a variable": ("WEBHOOK_SECRET=" + SECRET, before(15)),
    "byte order mark": ("\ufeff" + SECRET, before(1)),
    "zero-width space": ("\u200b" + SECRET, before(1)),
    "comma": (f"{SECRET},{OTHER_SECRET}", SEPARATE),
    "nothing between two": (SECRET + OTHER_SECRET, SEPARATE),
    "other alphabet": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS€", NOT_BASE64),
    "other letters": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSé", NOT_BASE64),
    "padding inside": ("whsec_MfKQ=9r8GKYqrTwjUPD8ILPZIo2LaLaSw", NOT_BASE64),
    "too much padding": (SECRET + "===", NOT_BASE64),
    "impossible length": (SECRET + "A", CUT_OFF),
    "impossible length with padding": (SECRET + "A=", CUT_OFF),
    "cut in two": (f"{SECRET} {OTHER_SECRET.removeprefix('whsec_')}", NO_PREFIX),
    "cut in two by a line break": (f"{SECRET[:-4]}\n{SECRET[-4:]}", TOO_SHORT),
    "cut behind the prefix": (SECRET.replace("_", "_ "), EMPTY),
    "the second is short": (f"{SECRET} whsec_aa", TOO_SHORT),
    "written secret as bytes": (SECRET.encode(), WRITTEN),
    # A stranger can guess these.
    "without its prefix": (SECRET.removeprefix("whsec_"), NO_PREFIX),
    "prefix in capitals": (SECRET.replace("whsec", "WHSEC"), NO_PREFIX),
    "text": ("mysupersecretwebhooksigningkeyfordev", NO_PREFIX),
    "another service's key": ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", NO_PREFIX),
    "placeholder": ("changeme", NO_PREFIX),
    "placeholder with spaces": ("<the secret>", NO_PREFIX),
    "placeholder with its prefix": ("whsec_aa", TOO_SHORT),
    "placeholder with dashes": ("whsec_your_secret", TOO_SHORT),
    "dots": ("whsec_...", TOO_SHORT),
    "32 times x": ("whsec_" + "x" * 32, TOO_UNIFORM),
    "zeros": (b"\0" * 24, TOO_UNIFORM),
    "11 different bytes": (bytes(range(11)) * 6, TOO_UNIFORM),
    "11 different bytes, written": (written(bytes(range(11)) * 6), TOO_UNIFORM),
    "23 bytes": (written(bytes(range(23))), TOO_SHORT),
    "23 bytes without padding": (written(bytes(range(23))).rstrip("="), TOO_SHORT),
    "23 raw bytes": (bytes(range(23)), TOO_SHORT),
}


@pytest.mark.parametrize(("secret", "says"), NOT_SECRETS.values(), ids=NOT_SECRETS)
def test_a_value_that_cannot_be_a_secret_is_refused_with_the_cure_and_never_repeated(secret, says):
    for call in (
        lambda: Webhook(secret),
        lambda: Webhook(KEY, secret),
        lambda: Webhook(secret=secret) if secret is not None else Webhook(secret),
        lambda: verify({}, b"", secret=secret) if secret is not None else Webhook(secret),
        lambda: (
            Webhook.from_env({"WEBHOOK_SECRET": secret})
            if isinstance(secret, str) and secret.strip()
            else Webhook(secret)
        ),
    ):
        with pytest.raises(SecretError) as caught:
            call()
        assert str(caught.value) == f"{says} {WHERE}"
        assert caught.value.status == 500


@pytest.mark.parametrize("length", range(len("whsec_"), len(SECRET)))
def test_a_genuine_secret_that_is_cut_off_anywhere_is_refused(length):
    with pytest.raises(SecretError):
        Webhook(SECRET[:length])


@pytest.mark.parametrize("last", string.ascii_letters + string.digits + "+/")
def test_every_character_of_base64_may_end_a_secret(last):
    secret = SECRET[:-1] + last
    Webhook(secret, clock=lambda: NOW).verify(signed(secret=secret), BODY)


@pytest.mark.parametrize("key", [*KEYS, bytes(range(12)) * 2], ids=len)
def test_a_key_of_24_bytes_and_12_different_ones_is_accepted_raw_and_written(key):
    for secret in (key, written(key), written(key).rstrip("=")):
        Webhook(secret, clock=lambda: NOW).verify(signed(secret=key), BODY)


def test_no_random_key_is_taken_for_a_placeholder():
    for _ in range(2000):
        Webhook(os.urandom(24))


@pytest.mark.parametrize("secret", [3, [SECRET], bytearray(24)])
def test_a_secret_of_another_type_is_a_type_error(secret):
    for call in (Webhook, lambda secret: Webhook(secret=secret), lambda secret: verify({}, b"", secret=secret)):
        with pytest.raises(TypeError, match=f"^The signing secret must be str or bytes, not {type(secret).__name__}.$"):
            call(secret)


@pytest.mark.parametrize("arguments", [{}, {"secret": None}])
def test_no_secret_is_never_a_reason_to_skip_verification(arguments):
    with pytest.raises(SecretError) as caught:
        Webhook(**arguments)
    assert str(caught.value) == "There is no signing secret: pass one, or use Webhook.from_env()."


def test_a_secret_by_its_name_is_one_more_secret():
    webhook = Webhook(OTHER_SECRET, secret=SECRET, clock=lambda: NOW)
    webhook.verify(signed(), BODY)
    webhook.verify(signed(secret=OTHER_SECRET), BODY)
    assert webhook.sign(ID, NOW, BODY) == signature(secret=OTHER_SECRET)
    Webhook(secret=SECRET, clock=lambda: NOW).verify(signed(), BODY)


@pytest.mark.parametrize("name", ["CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", "WEBHOOK_SECRET"])
def test_from_env_reads_each_name(name):
    Webhook.from_env({name: SECRET}, clock=lambda: NOW).verify(signed(), BODY)


def test_from_env_prefers_clerks_own_name_and_passes_over_blank_ones():
    environ = {"CLERK_WEBHOOK_SIGNING_SECRET": " ", "CLERK_WEBHOOK_SECRET": SECRET, "WEBHOOK_SECRET": "sk_live_x"}
    Webhook.from_env(environ, clock=lambda: NOW).verify(signed(), BODY)


TWO = f"{OTHER_SECRET}\n {SECRET}"


@pytest.mark.parametrize(
    "make",
    [
        lambda **more: Webhook(TWO, **more),
        lambda **more: Webhook(secret=TWO, **more),
        lambda **more: Webhook.from_env({"WEBHOOK_SECRET": TWO}, **more),
        lambda **more: Webhook(OTHER_SECRET, secret=SECRET, **more),
        lambda **more: Webhook(OTHER_SECRET, SECRET, **more),
    ],
)
def test_white_space_separates_several_secrets_wherever_a_secret_is_text(make):
    """Before, a rotation written `"whsec_new whsec_old"` worked in the environment alone."""
    webhook = make(clock=lambda: NOW)
    assert webhook.verify(signed(secret=OTHER_SECRET), BODY).secret_index == 0
    assert webhook.verify(signed(), BODY).secret_index == 1


def test_white_space_separates_several_secrets_of_the_functions_too():
    assert verify(signed(), BODY, secret=TWO, tolerance=math.inf).secret_index == 1
    assert verify_and_parse(signed(), BODY, secret=TWO, tolerance=math.inf).type == "user.created"


def test_from_env_names_all_variables_if_none_is_set():
    with pytest.raises(SecretError) as caught:
        Webhook.from_env({})
    assert str(caught.value) == (
        "No signing secret is configured in the environment: set CLERK_WEBHOOK_SIGNING_SECRET (or "
        "CLERK_WEBHOOK_SECRET, or WEBHOOK_SECRET) to the endpoint's Signing Secret from the Clerk Dashboard, which "
        "starts with 'whsec_'."
    )


def test_from_env_passes_its_other_arguments_on():
    environ = {"WEBHOOK_SECRET": SECRET}
    webhook = Webhook.from_env(environ, tolerance=10, clock=lambda: NOW, loads=lambda _: {"type": "by loads"})
    assert webhook.verify_and_parse(signed(timestamp=NOW - 10), BODY).wire_type == "by loads"
    with pytest.raises(TimestampTooOldError):
        webhook.verify(signed(timestamp=NOW - 11), BODY)


def test_help_for_from_env_does_not_print_the_environment(monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    assert SECRET not in pydoc.render_doc(Webhook)
    assert SECRET not in str(inspect.signature(Webhook.from_env))
    Webhook.from_env(clock=lambda: NOW).verify(signed(), BODY)


# Rule 2: several secrets


def test_any_of_several_secrets_may_match():
    webhook = Webhook(OTHER_SECRET, SECRET, clock=lambda: NOW)
    webhook.verify(signed(), BODY)
    webhook.verify(signed(secret=OTHER_SECRET), BODY)
    with pytest.raises(SignatureMismatchError):
        webhook.verify(signed(secret=b"a third"), BODY)


@pytest.mark.parametrize("matching", [(0,), (1,), (2,), (0, 1), (1, 2), (2, 1), (0, 1, 2)])
def test_the_message_tells_the_first_secret_that_matched(matching):
    """Before, one URL for production and staging could not tell who had signed a message."""
    secrets = [SECRET, OTHER_SECRET, KEYS[0]]
    entries = " ".join(signature(secret=secrets[index]) for index in matching)
    headers = signed() | {"svix-signature": f"v1,A {entries}"}
    message = Webhook(*secrets, clock=lambda: NOW).verify(headers, BODY)
    assert message == (ID, NOW, min(matching))
    assert message.secret_index == min(matching)


def test_signing_uses_the_first_secret():
    assert Webhook(OTHER_SECRET, SECRET).sign(ID, NOW, BODY) == signature(secret=OTHER_SECRET)


# Rule 4: the timestamp


@pytest.mark.parametrize("skew", [-300, -1, 0, 1, 300])
def test_within_the_tolerance_either_way_is_accepted(webhook, skew):
    webhook.verify(signed(timestamp=NOW - skew), BODY)


TOO_OLD = (
    "The attempt was signed 301 s ago, and 300 s are tolerated: it was delayed, it is a replay, or the clock of this "
    "machine is ahead."
)
TOO_NEW = (
    "The attempt was signed 301 s in the future, and 300 s are tolerated: the clock of this machine is probably behind."
)


@pytest.mark.parametrize(
    ("skew", "error", "says"), [(301, TimestampTooOldError, TOO_OLD), (-301, TimestampTooNewError, TOO_NEW)]
)
def test_outside_the_tolerance_is_refused_and_carries_the_skew(webhook, skew, error, says):
    with pytest.raises(error) as caught:
        webhook.verify(signed(timestamp=NOW - skew), BODY)
    assert str(caught.value) == says
    assert (caught.value.timestamp, caught.value.skew, caught.value.tolerance) == (NOW - skew, skew, 300)


def test_the_fraction_of_the_clock_does_not_count():
    Webhook(SECRET, clock=lambda: NOW + 300.999).verify(signed(), BODY)


@pytest.mark.parametrize("timestamp", [1, 10**11 - 1, 10**11, 10**12 - 1])
def test_a_timestamp_has_1_to_12_digits(timestamp):
    Webhook(SECRET, clock=lambda: timestamp).verify(signed(timestamp=timestamp), BODY)


def test_the_default_tolerance_is_300_seconds_everywhere():
    functions = (Webhook, Webhook.from_env, verify, verify_and_parse)
    assert {inspect.signature(function).parameters["tolerance"].default for function in functions} == {300}


@pytest.mark.parametrize("now", [math.nan, math.inf, "1761912345", None])
def test_a_clock_that_gives_no_time_is_a_value_error_with_the_cure(now):
    with pytest.raises(ValueError, match=f"^clock must return the seconds since the epoch, not {now!r}.$"):
        Webhook(SECRET, clock=lambda: now).verify(signed(), BODY)


def test_a_tolerance_of_0_accepts_this_very_second_alone():
    webhook = Webhook(SECRET, tolerance=0, clock=lambda: NOW)
    webhook.verify(signed(), BODY)
    for timestamp, error in ((NOW - 1, TimestampTooOldError), (NOW + 1, TimestampTooNewError)):
        with pytest.raises(error):
            webhook.verify(signed(timestamp=timestamp), BODY)


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
    with pytest.raises(ValueError, match=r"^tolerance must be 0 or more seconds, not (-1|nan|-1\.0)\.$"):
        Webhook(SECRET, tolerance=tolerance)


@pytest.mark.parametrize(
    "timestamp",
    ["1761912345.0", "+1761912345", "-5", "1e9", "1_761_912_345", "01761912345", "0", "1761912345000", "٣", "0x10", "x"]
    + ["1761912345 1", "1761912345\n", "17619\x0012345", "1²", "1٣", "NaN", "inf"],
)
def test_a_timestamp_that_is_not_plain_whole_seconds_is_refused(webhook, timestamp):
    with pytest.raises(InvalidHeaderError, match="whole seconds") as caught:
        webhook.verify(signed() | {"svix-timestamp": timestamp}, BODY)
    assert caught.value.name == "svix-timestamp"


# Rule 5: the message id

VISIBLE = string.ascii_letters + string.digits + string.punctuation


@pytest.mark.parametrize("message_id", ["a", VISIBLE.replace(".", ""), "x" * 256])
def test_a_visible_ascii_id_is_accepted(webhook, message_id):
    assert webhook.verify(signed(message_id=message_id), BODY).id == message_id


@pytest.mark.parametrize(
    "message_id", ["a.b", "x" * 257, "a b", "é", "a\tb", "a\x00", "a\n", "a\x7f", "msg_\xff", "\ud800"]
)
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
        ("v123xyz,A v1234,A v1abcd,A v,A va,A 1,A", ("v123xyz",)),
        ("v1," + GENUINE + ",v1,A", ("v1",)),
        ("v1,A\tv2," + GENUINE, ("v1",)),
        ("v1," + GENUINE + "\n", ("v1",)),
        ("v1," + GENUINE + "\x0c", ("v1",)),
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


@pytest.fixture
def compared(monkeypatch):
    """Return a list of all comparisons that are made from now on."""
    pairs = []

    def compare(entry, expected):
        pairs.append((entry, expected))
        return hmac.compare_digest(entry, expected)

    monkeypatch.setattr("clerk_webhook._signature.compare_digest", compare)
    return pairs


def test_every_key_is_compared_with_every_entry_even_after_a_match(compared):
    headers = signed() | {"svix-signature": f"{signature()} v1,A v2,B"}
    Webhook(SECRET, OTHER_SECRET, clock=lambda: NOW).verify(headers, BODY)
    assert len(compared) == 6


def test_a_header_of_20000_entries_costs_64_comparisons_and_keeps_32_versions(webhook, compared):
    entries = [f"v{number},A" for number in range(100, 20_100)]
    with pytest.raises(SignatureMismatchError) as caught:
        webhook.verify(signed() | {"svix-signature": " ".join(entries)}, BODY)
    assert len(compared) == 64
    assert caught.value.versions == tuple(f"v{number}" for number in range(100, 132))


def test_one_of_the_first_64_entries_may_match_and_a_later_one_may_not(webhook):
    for place, others in ((0, 100), (63, 64), (63, 100)):
        entries = ["v1,A"] * others
        entries.insert(place, signature())
        webhook.verify(signed() | {"svix-signature": " ".join(entries)}, BODY)
    with pytest.raises(SignatureMismatchError):
        webhook.verify(signed() | {"svix-signature": " ".join(["v1,A"] * 64 + [signature()])}, BODY)


def test_versions_after_the_64th_entry_are_not_reported(webhook):
    with pytest.raises(SignatureMismatchError) as caught:
        webhook.verify(signed() | {"svix-signature": " ".join(["v1,A"] * 63 + ["v2,A", "v3,A"])}, BODY)
    assert caught.value.versions == ("v1", "v2")


NO_MATCH = (
    "No v1 signature matches: check that the signing secret is the one of this endpoint, and that the body is the raw "
    "bytes of the request, not JSON that was parsed and written again."
)


@pytest.mark.parametrize(
    ("signatures", "says"),
    [
        ("v1,A v2,A", NO_MATCH),
        ("v2,A v3,A v4,A v5,A v6,A", "svix-signature has no v1 entry (only v2, v3, v4, v5), and Clerk signs with v1."),
        ("nothing", "svix-signature has no v1 entry, and Clerk signs with v1."),
    ],
)
def test_a_mismatch_says_what_to_check(webhook, signatures, says):
    with pytest.raises(SignatureMismatchError) as caught:
        webhook.verify(signed() | {"svix-signature": signatures}, BODY)
    assert str(caught.value) == says


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
def test_a_change_after_signing_is_refused(secret, headers, body):
    with pytest.raises(SignatureMismatchError):
        Webhook(secret, clock=lambda: NOW).verify(headers, body)


# Rule 7: the body


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode, type("Bytes", (bytes,), {})])
def test_the_body_may_be_bytes_like_or_text(webhook, kind):
    assert webhook.verify_and_parse(signed(), kind(BODY)).type == "user.created"


def test_text_is_signed_as_utf8(webhook):
    body = '{"type": "user.deleted", "data": {"id": "é"}}'
    webhook.verify(signed(body.encode()), body)


PARSED = (
    "Clerk did not sign parsed JSON. FastAPI and Starlette: `await request.body()`; Flask: `request.get_data()`; "
    'Django: `request.body`; aiohttp: `await request.read()`; AWS Lambda: `event["body"]`.'
)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (json.loads(BODY), "not dict: " + PARSED),
        ([], "not list: " + PARSED),
        (None, "not NoneType: " + PARSED),
        (3, "not int: " + PARSED),
        (BODY.decode, "not builtin_function_or_method: it is a function: call it."),
    ],
)
def test_a_body_that_is_not_raw_is_a_type_error_with_the_cure(webhook, body, says):
    for call in (lambda: webhook.verify(signed(), body), lambda: webhook.sign(ID, NOW, body)):
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == f"body must be the raw body, bytes or str, {says}"


@pytest.mark.parametrize("body", [BODY, BODY.decode(), bytearray(BODY), memoryview(BODY)])
@pytest.mark.parametrize("headers", [signed(), list(signed().items()), None])
def test_headers_and_body_in_the_order_of_svix_are_a_type_error_that_says_swapped(webhook, headers, body):
    for function in (webhook.verify, webhook.verify_and_parse):
        with pytest.raises(TypeError) as caught:
            function(body, headers)
        says = "The headers and the body are swapped: pass the headers first, then the raw body."
        assert str(caught.value) == says


def test_a_body_that_was_not_awaited_is_a_type_error_that_says_await(webhook):
    async def read():
        return BODY

    body = read()
    with pytest.raises(TypeError, match=r"not coroutine: it was not awaited: pass `await request\.body\(\)`\.$"):
        webhook.verify(signed(), body)
    body.close()


def test_a_signed_body_that_is_not_utf8_is_a_payload_error(webhook):
    with pytest.raises(PayloadError, match="UTF-8"):
        webhook.verify_and_parse(signed(b"\xff"), b"\xff")


def test_text_with_lone_surrogates_is_refused_not_an_exception_from_encoding(webhook):
    with pytest.raises(SignatureMismatchError):
        webhook.verify(signed(), "\ud800")


# Rule 8 is in test_parse.py. These tests are about `loads`.


def test_another_json_parser_can_be_used():
    webhook = Webhook(SECRET, clock=lambda: NOW, loads=lambda body: json.loads(body) | {"type": "user.updated"})
    assert webhook.verify_and_parse(signed(), BODY).type == "user.updated"


@pytest.mark.parametrize("error", [ValueError, KeyError, RecursionError])
def test_a_body_that_the_given_parser_refuses_is_read_by_the_standard_library(error):
    def loads(body):
        raise error(body)

    event = Webhook(SECRET, clock=lambda: NOW, loads=loads).verify_and_parse(signed(), BODY)
    assert event.data["first_name"] == "Ada"


def test_what_no_parser_reads_is_a_payload_error_without_the_body():
    raw = BODY[:-1]
    with pytest.raises(PayloadError, match="not JSON: Expecting") as caught:
        Webhook(SECRET, clock=lambda: NOW, loads=lambda raw: {}[raw]).verify_and_parse(signed(raw), raw)
    assert "Ada" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert caught.value.message_id == ID


def test_a_lack_of_memory_is_not_the_fault_of_the_body():
    """A PayloadError would stop the retries of a genuine message."""

    def loads(body):
        raise MemoryError

    with pytest.raises(MemoryError):
        Webhook(SECRET, clock=lambda: NOW, loads=loads).verify_and_parse(signed(), BODY)


# Mistakes of the caller


@pytest.mark.parametrize("function", [partial(Webhook, SECRET), partial(Webhook.from_env, {"WEBHOOK_SECRET": SECRET})])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"tolerance": "300"}, "tolerance must be seconds, as int or float, or a timedelta, not str."),
        ({"tolerance": None}, "tolerance must be seconds, as int or float, or a timedelta, not NoneType."),
        (
            {"tolerance": decimal.Decimal(300)},
            "tolerance must be seconds, as int or float, or a timedelta, not Decimal.",
        ),
        ({"tolerance": [300]}, "tolerance must be seconds, as int or float, or a timedelta, not list."),
        ({"loads": json}, "loads must be a function such as json.loads, not module."),
        ({"clock": NOW}, "clock must be a function such as time.time, not int."),
    ],
)
def test_an_argument_of_the_wrong_type_is_a_type_error_with_the_cure(function, arguments, says):
    with pytest.raises(TypeError) as caught:
        function(**arguments)
    assert str(caught.value) == says


@pytest.mark.parametrize("tolerance", ["300", None, decimal.Decimal(300)])
def test_a_tolerance_of_the_wrong_type_is_a_type_error_of_the_functions_too(tolerance):
    for function in (verify, verify_and_parse):
        with pytest.raises(TypeError, match="tolerance must be seconds"):
            function(signed(), BODY, secret=SECRET, tolerance=tolerance)


@pytest.mark.parametrize("environ", ["WEBHOOK_SECRET", SECRET, [("WEBHOOK_SECRET", SECRET)]])
def test_an_environment_that_is_no_mapping_is_a_type_error_with_the_cure(environ):
    with pytest.raises(
        TypeError, match=rf"^environ must be a mapping such as os\.environ, not {type(environ).__name__}\.$"
    ):
        Webhook.from_env(environ)


# Rule 9: an event or one of our errors, and nothing else

HEADER_TEXT = st.one_of(
    st.text(),
    st.sampled_from(["", " ", ID, str(NOW), signature(), "v1,", "v1,A", "1.5", "٣", "\xe9"]),
)
HEADER_VALUE = st.one_of(st.none(), HEADER_TEXT, binary(), st.lists(st.one_of(HEADER_TEXT, binary()), max_size=3))
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
ANY_BODY = st.one_of(binary(), st.text(), st.just(BODY), binary().map(bytearray), binary().map(memoryview))


@given(headers=HEADERS, body=ANY_BODY)
def test_any_headers_and_any_body_give_an_event_or_one_of_our_errors(headers, body):
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
SIGNED_BODY = binary() | (JSON | EVENT_LIKE).map(lambda value: json.dumps(value).encode())


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


@given(length=st.integers(24, 200), body=st.binary(), filler=st.randoms(use_true_random=False))
def test_our_signature_is_that_of_hmac_for_every_length_of_key(length, body, filler):
    key = filler.randbytes(length)
    if not key.startswith(b"whsec_") and len(set(key)) >= 12:
        assert Webhook(key).sign(ID, NOW, body) == signature(body, secret=key)


def test_our_signature_is_that_of_hmac_for_each_length_of_key_around_the_block():
    for length in range(24, 201):
        key = bytes(range(length))
        assert Webhook(key).sign(ID, NOW, BODY) == signature(secret=key)


# Rule 10: the secret stays inside

RAW_SECRET = b"a very secret key of 27 byt"
WRITTEN_SECRET = base64.b64encode(RAW_SECRET).decode()
LEAKING = "whsec_" + WRITTEN_SECRET
HERE = {"svix-id": ID, "svix-timestamp": "5", "svix-signature": "v1,A"}

# Each row raises an error while it has the secret. A function or an argument that is new gets its rows here.
CALLS_WITH_A_SECRET = {
    "Webhook: a secret that is cut off": lambda: Webhook(LEAKING + "A"),
    "Webhook: the second secret": lambda: Webhook(SECRET, LEAKING + "A"),
    "Webhook: the secret by its name": lambda: Webhook(SECRET, secret=LEAKING + "A"),
    "Webhook: raw bytes": lambda: Webhook(b"whsec_" + RAW_SECRET),
    "Webhook: a list": lambda: Webhook([LEAKING]),
    "Webhook: a list by its name": lambda: Webhook(secret=[LEAKING]),
    "Webhook: tolerance": lambda: Webhook(LEAKING, tolerance=-1),
    "Webhook: tolerance as text": lambda: Webhook(secret=LEAKING, tolerance="5"),
    "Webhook: clock": lambda: Webhook(LEAKING, secret=LEAKING, clock=5),
    "Webhook: loads": lambda: Webhook(LEAKING, loads=json),
    "from_env: a secret that is cut off": lambda: Webhook.from_env({"WEBHOOK_SECRET": LEAKING + "A"}),
    "from_env: two words": lambda: Webhook.from_env({"WEBHOOK_SECRET": LEAKING + " AAAA"}),
    "from_env: another variable": lambda: Webhook.from_env({"SECRET": LEAKING}),
    "from_env: tolerance": lambda: Webhook.from_env({"WEBHOOK_SECRET": LEAKING}, tolerance="5"),
    "from_env: clock": lambda: Webhook.from_env({"WEBHOOK_SECRET": LEAKING}, clock=5),
    "from_env: loads": lambda: Webhook.from_env({"WEBHOOK_SECRET": LEAKING}, loads=json),
    "from_env: the secret itself": lambda: Webhook.from_env(LEAKING),
    "verify_and_parse: no event": lambda: verify_and_parse(
        signed(b"{}", secret=RAW_SECRET), b"{}", secret=LEAKING, tolerance=math.inf
    ),
} | {
    f"{function.__name__}: {name}": partial(function, *arguments, secret=secret, **others)
    for function in (verify, verify_and_parse)
    for name, arguments, secret, others in [
        ("a secret that is cut off", (HERE, BODY), LEAKING + "A", {}),
        ("raw bytes", (HERE, BODY), b"whsec_" + RAW_SECRET, {}),
        ("a list", (HERE, BODY), [LEAKING], {}),
        ("tolerance", (HERE, BODY), LEAKING, {"tolerance": -1}),
        ("tolerance as text", (HERE, BODY), LEAKING, {"tolerance": "5"}),
        ("tolerance as a list", (HERE, BODY), LEAKING, {"tolerance": [5]}),
        ("no headers", (None, BODY), LEAKING, {}),
        ("no raw body", (HERE, {}), LEAKING, {}),
        ("headers and body swapped", (BODY, HERE), LEAKING, {}),
        ("a mismatch", (HERE, BODY), LEAKING, {"tolerance": math.inf}),
        ("a replay", (HERE, BODY), LEAKING, {}),
    ]
}


def _text_of(error):
    """Return all that an error reporter can show of an error: messages, attributes, and the variables of our frames."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert frames
    ours = [frame for frame in frames if "/clerk_webhook/" in frame.f_code.co_filename.replace("\\", "/")]
    shown += "".join(repr(frame.f_locals) for frame in ours)
    return shown + "".join(_text_of(other) for other in (error.__cause__, error.__context__) if other)


@pytest.mark.parametrize("call", CALLS_WITH_A_SECRET.values(), ids=CALLS_WITH_A_SECRET)
def test_no_error_and_no_frame_of_its_traceback_has_the_secret(call):
    with pytest.raises((ClerkWebhookError, TypeError, ValueError)) as caught:
        call()
    shown = _text_of(caught.value)
    assert WRITTEN_SECRET not in shown
    assert RAW_SECRET.decode() not in shown


def test_a_traceback_keeps_the_frames_of_others():
    class Environ(dict):
        def get(self, name):
            return {}[name]

    with pytest.raises(KeyError) as caught:
        Webhook.from_env(Environ())
    assert [entry.name for entry in caught.traceback] == ["test_a_traceback_keeps_the_frames_of_others", "get"]


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
    monkeypatch.setattr("clerk_webhook.webhook.Webhook", None)
    verify(signed(), BODY, tolerance=math.inf)


def test_an_explicitly_empty_secret_is_refused_though_the_environment_has_one(monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    with pytest.raises(SecretError, match="empty"):
        verify(signed(), BODY, secret="", tolerance=math.inf)


# Signing


def test_signing_takes_an_aware_datetime(webhook):
    assert webhook.sign(ID, dt.datetime.fromtimestamp(NOW + 0.9, dt.UTC), BODY) == signature()


BAD_ID = "svix-id must be 1 to 256 visible ASCII characters without '.'."
BAD_TIMESTAMP = "svix-timestamp must be whole seconds since the epoch, in 1 to 12 plain digits."


@pytest.mark.parametrize(
    ("message_id", "timestamp", "says"),
    [("a.b", NOW, BAD_ID), ("", NOW, BAD_ID), (ID, -1, BAD_TIMESTAMP), (ID, 0, BAD_TIMESTAMP)]
    + [(ID, NOW * 1000, BAD_TIMESTAMP)],
)
def test_signing_refuses_a_value_that_verification_would_refuse_and_speaks_of_no_request(
    webhook, message_id, timestamp, says
):
    with pytest.raises(InvalidHeaderError) as caught:
        webhook.sign(message_id, timestamp, BODY)
    assert str(caught.value) == says
    assert caught.value.name == says.split()[0]


@pytest.mark.parametrize(
    ("message_id", "timestamp", "says"),
    [
        (None, NOW, "message_id must be str, not NoneType."),
        (5, NOW, "message_id must be str, not int."),
        (b"msg_1", NOW, "message_id must be str, not bytes."),
        (ID, NOW + 0.5, "timestamp must be whole seconds, as int, or an aware datetime, not float."),
        (ID, str(NOW), "timestamp must be whole seconds, as int, or an aware datetime, not str."),
        (ID, None, "timestamp must be whole seconds, as int, or an aware datetime, not NoneType."),
        (ID, True, "timestamp must be whole seconds, as int, or an aware datetime, not bool."),
        (ID, dt.date(2025, 1, 1), "timestamp must be whole seconds, as int, or an aware datetime, not date."),
        (
            ID,
            dt.datetime(2025, 1, 1),  # noqa: DTZ001  # this is the mistake
            "timestamp is a datetime without a time zone, so its moment is not clear.",
        ),
    ],
)
def test_signing_refuses_an_argument_of_the_wrong_type_with_the_cure(webhook, message_id, timestamp, says):
    with pytest.raises(TypeError) as caught:
        webhook.sign(message_id, timestamp, BODY)
    assert str(caught.value) == says
