"""`svix_compat` behaves as code that was written for svix before 2.0 expects. tests/interop compares it with svix."""

import copy
import json
import pickle
import time
from datetime import UTC, datetime, timedelta, timezone
from unittest import mock

import pytest
from deliveries import BODY, ID, OTHER_SECRET, SECRET, signature, signed

from clerk_webhook import InvalidHeaderError, PayloadError, SecretError, errors, svix_compat
from clerk_webhook.svix_compat import InvalidBodyError, Webhook, WebhookVerificationError


def now():
    return int(time.time())


def deliver(body, data=None):
    """Verify a genuine message as svix's users do, by the names of the parameters."""
    return Webhook(whsecret=SECRET).verify(data=body if data is None else data, headers=signed(body, timestamp=now()))


def test_verify_returns_the_parsed_body():
    assert deliver(BODY) == json.loads(BODY)
    assert deliver(BODY, BODY.decode()) == json.loads(BODY)


@pytest.mark.parametrize("body", [b"{}", b"[1, 2.5]", b'"text"', b"17", b"true", b"null", b' {"type": null} '])
def test_any_json_value_is_returned_and_no_type_is_demanded(body):
    assert deliver(body) == json.loads(body)


def test_the_unbranded_headers_are_accepted():
    headers = signed(timestamp=now(), prefix="webhook")
    assert Webhook(SECRET).verify(BODY, headers)["type"] == "user.created"


def test_the_raw_key_is_accepted():
    key = bytes(range(24))
    assert Webhook(key).verify(BODY, signed(secret=key, timestamp=now()))["type"] == "user.created"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(timestamp=now() - 4000),
        signed(timestamp=now() + 4000),
        signed(secret=OTHER_SECRET, timestamp=now()),
        signed(timestamp=now()) | {"svix-timestamp": "soon"},
        signed(timestamp=now()) | {"svix-signature": "no comma"},
        signed(timestamp=now()) | {"svix-signature": "v1,not base64"},
        signed(timestamp=now()) | {"svix-signature": "v1,a,b"},
    ],
    ids=["missing", "old", "new", "forged", "timestamp", "without comma", "not base64", "two commas"],
)
def test_every_refusal_is_the_packages_own_error(headers):
    assert WebhookVerificationError is errors.WebhookVerificationError
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, headers)


def test_applications_and_their_tests_can_make_the_error():
    assert str(WebhookVerificationError()) == ""
    assert str(WebhookVerificationError("text")) == "text"


@pytest.mark.parametrize("caught_as", [json.JSONDecodeError, ValueError, PayloadError, WebhookVerificationError])
@pytest.mark.parametrize("body", [b"", b"hello", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000])
def test_a_genuine_message_that_is_not_json_is_caught_in_each_way(body, caught_as):
    with pytest.raises(caught_as, match="JSON") as caught:
        deliver(body)
    assert type(caught.value) is InvalidBodyError


def test_the_error_of_a_bad_body_does_not_hold_the_body():
    with pytest.raises(InvalidBodyError) as caught:
        deliver(b'{"email": "ada@example.com"')
    error = caught.value
    assert (error.doc, error.pos, error.lineno, error.colno) == ("", 0, 1, 1)
    assert "ada" not in f"{error!r} {error} {vars(error)}"
    assert error.__context__ is None
    assert (error.status, error.code) == (400, "invalid_payload")


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_the_error_of_a_bad_body_survives_copy_and_pickle(twin):
    error = twin(InvalidBodyError("The body isn't JSON."))
    assert type(error) is InvalidBodyError
    assert str(error) == error.msg == "The body isn't JSON."
    assert error.doc == ""


NAIVE = datetime(2025, 10, 31, 12, 5, 45, 999_999)  # noqa: DTZ001  # svix's own tests sign with such
MOMENT = int(NAIVE.replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        (NAIVE, MOMENT),
        (NAIVE.replace(tzinfo=UTC), MOMENT),
        (NAIVE.replace(tzinfo=timezone(timedelta(hours=2))), MOMENT - 7200),
    ],
    ids=["naive", "UTC", "elsewhere"],
)
@pytest.mark.parametrize("body", [BODY, BODY.decode()])
def test_sign_takes_a_naive_time_as_utc_and_an_aware_one_as_it_is(timestamp, seconds, body):
    signed_by_us = Webhook(SECRET).sign(msg_id=ID, timestamp=timestamp, data=body)
    assert signed_by_us == signature(timestamp=seconds)


def test_an_id_that_verify_would_refuse_is_not_signed():
    with pytest.raises(InvalidHeaderError):
        Webhook(SECRET).sign("msg.1", NAIVE, "{}")


@pytest.mark.parametrize("timestamp", [None, "1761912345", 1761912345.5])
def test_a_time_of_another_type_is_a_type_error_with_the_cure(timestamp):
    with pytest.raises(TypeError, match="timestamp must be"):
        Webhook(SECRET).sign(ID, timestamp, "{}")


@pytest.mark.parametrize("secret", ["", b"", "sk_test_abcdefghijkl", "whsec_c2hvcnQ="])
def test_a_wrong_secret_is_found_at_once(secret):
    with pytest.raises(SecretError) as caught:
        Webhook(secret)
    assert {entry.path.name for entry in caught.traceback} == {"test_svix_compat.py"}


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), f" {SECRET.removeprefix('whsec_')}\n"])
def test_a_secret_may_lack_its_prefix_as_in_svix(secret):
    assert Webhook(secret).verify(BODY, signed(timestamp=now()))["type"] == "user.created"


def test_a_number_that_json_cannot_hold_is_null():
    assert deliver(b'{"a": [NaN, 1e400, 5]}') == {"a": [None, None, 5]}


def test_tests_of_applications_can_patch_verify_on_the_object():
    webhook = Webhook(SECRET)
    with mock.patch.object(webhook, "verify", return_value={"type": "user.created"}):
        assert webhook.verify(b"", {}) == {"type": "user.created"}


def test_the_public_names_are_those_of_svix_and_one_error():
    assert svix_compat.__all__ == ["InvalidBodyError", "Webhook", "WebhookVerificationError"]
