"""The testing kit makes samples from classes and names, and signs requests."""

import datetime as dt
import inspect
import json
import re
import time
import traceback
from textwrap import dedent
from types import MappingProxyType

import pytest
from deliveries import ID, NOW, OTHER_SECRET, SECRET, signature

from clerk_webhook import InvalidHeaderError, SecretError, SignatureMismatchError, Webhook, events, parse_event, testing
from clerk_webhook.testing import (
    SignedRequest,
    deliver,
    sample,
    sample_delivery,
    sample_event,
    signed_request,
)
from clerk_webhook.testing._samples import PAYLOADS

every_type = pytest.mark.parametrize("event_type", PAYLOADS)


@every_type
def test_two_samples_of_a_type_are_equal(event_type):
    assert sample_event(event_type) == sample_event(event_type)
    assert sample(event_type) == sample_event(event_type).data


@every_type
def test_a_class_gives_the_same_samples_as_its_event_type(event_type):
    event_class = events.EVENT_CLASSES[event_type]
    assert sample_event(event_class) == sample_event(event_type)
    assert sample(event_class) == sample(event_type)
    assert json.loads(sample_delivery(event_class, SECRET).body) == PAYLOADS[event_type]


def test_a_change_to_a_sample_changes_no_other_sample():
    spoilt = sample(events.UserCreated)
    spoilt["email_addresses"][0].clear()
    spoilt["public_metadata"].clear()
    spoilt.clear()
    assert sample(events.UserCreated) == PAYLOADS["user.created"]["data"] != {}


def test_no_object_is_in_two_places_of_a_sample():
    domain = sample(events.OrganizationDomainCreated)
    assert domain["verification"] == domain["affiliation_verification"]
    assert domain["verification"] is not domain["affiliation_verification"]


def test_sample_events_have_message_ids_of_their_own_in_the_form_of_svix():
    message_ids = {sample_event(event_type).message_id for event_type in PAYLOADS}
    assert len(message_ids) == len(PAYLOADS)
    assert all(re.fullmatch("msg_[0-9A-Za-z]{27}", message_id) for message_id in message_ids)


@pytest.mark.parametrize(
    "make",
    [
        sample,
        lambda *args, **overrides: sample_event(*args, **overrides).data,
        lambda *args, **overrides: json.loads(sample_delivery(*args, SECRET, **overrides).body)["data"],
    ],
)
@pytest.mark.parametrize("event_type", ["user.created", events.UserCreated])
def test_overrides_replace_keys_of_the_data_and_nothing_else(make, event_type):
    user = make(event_type, first_name=None, birthday="1815-12-10")
    assert user == sample(event_type) | {"first_name": None, "birthday": "1815-12-10"}
    with pytest.raises(TypeError, match=r"UserJSON, the data type of user\.created, has no key frist_name, last_nam\."):
        make(event_type, last_nam="King", first_name="Ada", frist_name="Ada")


@pytest.mark.parametrize("make", [sample, lambda *args, **overrides: sample_event(*args, **overrides).data])
def test_overrides_are_copied(make):
    addresses = []
    user = make(events.UserCreated, email_addresses=addresses, public_metadata={"addresses": addresses})
    user["email_addresses"].append("ada@example.com")
    assert (addresses, user["public_metadata"]) == ([], {"addresses": []})


makers = pytest.mark.parametrize(
    "make", [sample, sample_event, lambda *args, **kwargs: sample_delivery(*args, SECRET, **kwargs)]
)


@makers
def test_an_override_that_json_cannot_hold_is_a_type_error(make):
    with pytest.raises(TypeError, match="datetime"):
        make(events.UserCreated, created_at=dt.datetime.now(dt.UTC))


@pytest.mark.parametrize("name", ["event_type", "event_class", "self"])
def test_an_override_may_have_the_name_of_a_parameter(name):
    with pytest.raises(TypeError, match=f"has no key {name}"):
        sample("user.created", **{name: "x"})


@pytest.mark.parametrize(
    ("event_type", "advice"),
    [
        ("user.craeted", "did you mean 'user.created'?"),
        ("subscription.past_due", "did you mean 'subscription.pastDue'?"),
        ("", "events.EVENT_CLASSES has all event types."),
        ("unknown", "events.EVENT_CLASSES has all event types."),
    ],
)
@makers
def test_an_unknown_event_type_is_an_error_with_a_cure(make, event_type, advice):
    cure = "For a type newer than this release, pass a whole payload to signed_request or parse_event."
    with pytest.raises(ValueError, match=re.escape(f"{event_type!r} has no sample: {advice} {cure}")):
        make(event_type)


@pytest.mark.parametrize(
    ("event_type", "shown"),
    [(events.Event, "Event"), (events.UnknownEvent, "UnknownEvent"), (dict, "dict"), (None, "NoneType"), (3, "int")],
)
@makers
def test_anything_else_is_a_type_error_with_a_cure(make, event_type, shown):
    with pytest.raises(
        TypeError, match=rf"^{shown} is not an event type or the class of one: pass events\.UserCreated"
    ):
        make(event_type)


# Signing.

USER_CREATED = sample_event(events.UserCreated)


@pytest.mark.parametrize("event", [object(), 5, None, ["user.created"]])
def test_a_value_that_is_not_an_event_is_a_type_error_with_the_cure(event):
    with pytest.raises(TypeError, match=f"event must be an event, .* not {type(event).__name__}"):
        signed_request(event, SECRET)


COMPACT = '{"data":{"first_name":"Zoë"},"object":"event","type":"user.created"}'


@pytest.mark.parametrize(
    "event",
    [
        parse_event(COMPACT),
        json.loads(COMPACT),
        MappingProxyType(json.loads(COMPACT)),
        COMPACT,
        COMPACT.encode(),
    ],
    ids=["event", "dict", "mapping", "str", "bytes"],
)
@pytest.mark.parametrize("secret", [SECRET, b"a raw key of 24 bytes or more"])
def test_every_form_of_an_event_is_signed_as_the_same_compact_body(event, secret):
    request = signed_request(event, secret, message_id=ID, timestamp=NOW)
    assert request == SignedRequest(
        {
            "content-type": "application/json",
            "svix-id": ID,
            "svix-timestamp": str(NOW),
            "svix-signature": signature(COMPACT.encode(), secret=secret),
        },
        COMPACT.encode(),
    )
    assert Webhook(secret, clock=lambda: NOW).verify_and_parse(*request).payload == json.loads(COMPACT)


def test_a_body_is_compact_with_keys_sorted_at_every_level_as_clerks():
    request = signed_request({"type": "user.created", "data": {"b": [{"d": "ö", "c": 1}], "a": None}}, SECRET)
    assert request.body.decode() == '{"data":{"a":null,"b":[{"c":1,"d":"ö"}]},"type":"user.created"}'


@pytest.mark.parametrize("body", [b"\xff", b"", b"{", '{"type": "user.created", "data": {}}'])
def test_a_raw_body_is_signed_as_it_is(body):
    request = signed_request(body, SECRET)
    assert request.body == (body if isinstance(body, bytes) else body.encode())
    Webhook(SECRET).verify(*request)


@pytest.mark.parametrize(
    ("event", "message_id", "expected"),
    [
        (USER_CREATED, None, re.escape(USER_CREATED.message_id)),
        (USER_CREATED, ID, ID),
        (parse_event(USER_CREATED.payload), None, "msg_[0-9A-Za-z]{27}"),
        (USER_CREATED.payload, None, "msg_[0-9A-Za-z]{27}"),
        (b"{}", None, "msg_[0-9A-Za-z]{27}"),
        (b"{}", ID, ID),
    ],
)
def test_the_message_id_is_the_argument_or_that_of_the_event_or_random(event, message_id, expected):
    request = signed_request(event, SECRET, message_id=message_id)
    assert re.fullmatch(expected, request.headers["svix-id"])
    assert Webhook(SECRET).verify(*request).id == request.headers["svix-id"]


def test_random_message_ids_differ():
    made = [sample_delivery(events.UserCreated, SECRET) for _ in range(50)]
    made += [signed_request(USER_CREATED.payload, SECRET) for _ in range(50)]
    assert len({request.headers["svix-id"] for request in made}) == 100
    assert {request.body for request in made} == {made[0].body}


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [(NOW, NOW), (dt.datetime.fromtimestamp(NOW + 0.9, dt.UTC), NOW)],
)
def test_a_request_can_be_signed_at_another_time(timestamp, seconds):
    request = signed_request(USER_CREATED, SECRET, timestamp=timestamp)
    assert Webhook(SECRET, clock=lambda: NOW).verify(*request).timestamp == seconds


def test_a_request_is_signed_now():
    before = int(time.time())
    for request in (signed_request(b"{}", SECRET), sample_delivery(events.UserDeleted, SECRET)):
        assert before <= int(request.headers["svix-timestamp"]) <= time.time()


def test_another_secret_does_not_verify_a_request():
    with pytest.raises(SignatureMismatchError):
        Webhook(OTHER_SECRET).verify(*sample_delivery(events.UserCreated, SECRET))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"message_id": ""}, InvalidHeaderError),
        ({"message_id": "with.dot"}, InvalidHeaderError),
        ({"timestamp": 0}, InvalidHeaderError),
        ({"timestamp": dt.datetime(2025, 1, 1)}, TypeError),  # noqa: DTZ001
        ({"event": None}, TypeError),
    ],
)
def test_a_request_that_cannot_be_signed_is_an_error(arguments, error):
    with pytest.raises(error):
        signed_request(**{"event": b"{}", "secret": SECRET} | arguments)


@pytest.mark.parametrize(
    "make",
    [
        lambda secret: signed_request(b"{}", secret),
        lambda secret: sample_delivery(events.UserCreated, secret),
        lambda secret: deliver([USER_CREATED], len, secret),
    ],
)
def test_a_bad_secret_is_in_no_message_and_in_no_frame_of_ours(make):
    with pytest.raises(SecretError) as caught:
        make("sk_test_" + "unlikely")
    modules = [frame.f_globals["__name__"] for frame, _ in traceback.walk_tb(caught.tb)]
    assert modules[0] == __name__
    assert [module for module in modules if module.startswith("clerk_webhook.")] == []
    assert "unlikely" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in testing.__all__ if name not in ("check_store", "deliver_async")])
def test_the_example_of_a_docstring_runs_as_it_stands(name):
    (example,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(getattr(testing, name)), re.DOTALL)
    assert "assert" in example
    exec(dedent(example), {})


def test_a_lone_surrogate_is_sent_as_json_writes_it():
    request = signed_request({"type": "user.created", "data": {"first_name": "\ud83d"}}, SECRET)
    assert request.body == b'{"data":{"first_name":"\\ud83d"},"type":"user.created"}'
    Webhook(SECRET).verify_and_parse(*request)
