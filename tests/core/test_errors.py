import copy
import pickle

import pytest

from clerk_webhook import errors

EXAMPLES = [
    errors.SecretError("message"),
    errors.MissingHeaderError("message", ("svix-id",)),
    errors.InvalidHeaderError("message", "svix-id"),
    errors.TimestampTooOldError("message", 1, 301, 300),
    errors.TimestampTooNewError("message", 1, -301, 300),
    errors.SignatureMismatchError("message", ("v1",)),
    errors.PayloadError("message"),
    errors.PayloadError("message", "msg_1"),
]


def test_the_tree_is_by_cause():
    tree = {name: getattr(errors, name).__base__.__name__ for name in errors.__all__}
    assert tree == {
        "ClerkWebhookError": "Exception",
        "SecretError": "ClerkWebhookError",
        "WebhookVerificationError": "ClerkWebhookError",
        "MissingHeaderError": "WebhookVerificationError",
        "InvalidHeaderError": "WebhookVerificationError",
        "TimestampError": "WebhookVerificationError",
        "TimestampTooOldError": "TimestampError",
        "TimestampTooNewError": "TimestampError",
        "SignatureMismatchError": "WebhookVerificationError",
        "PayloadError": "ClerkWebhookError",
    }


def test_codes_and_statuses_are_stable():
    assert {error.code: error.status for error in EXAMPLES} == {
        "invalid_secret": 500,
        "missing_header": 400,
        "invalid_header": 400,
        "timestamp_too_old": 400,
        "timestamp_too_new": 400,
        "signature_mismatch": 400,
        "invalid_payload": 400,
    }


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.code)
def test_errors_are_their_message_and_survive_copy_and_pickle(error):
    assert str(error) == "message"
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


@pytest.mark.parametrize("message_id", [None, "msg_1"])
def test_a_payload_error_names_its_message(message_id):
    error = errors.PayloadError("message", message_id)
    for twin in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert twin.message_id == message_id
    assert errors.PayloadError("message").message_id is None


def test_an_error_without_message_has_an_empty_one():
    assert str(errors.PayloadError()) == ""
