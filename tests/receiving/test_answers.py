"""The status policy, row by row, through every transport."""

import json
import time

import pytest
from deliveries import OTHER_SECRET, SECRET, signed
from endpoints import HANDLED, FailingStore, delivery, genuine, handled

from clerk_webhook import events
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.stores import Claim, MemoryStore


def test_a_handled_event_is_200(send):
    endpoint, seen = handled()
    answer = send(endpoint, *delivery(first_name="Ada"))
    assert answer == HANDLED
    (event,) = seen
    assert type(event) is events.UserCreated
    assert (event.data["first_name"], event.message_id) == ("Ada", "msg_1")


@pytest.mark.parametrize("event_type", ["user.updated", "a.type.of.tomorrow"])
def test_an_event_without_a_handler_is_200(send, event_type):
    endpoint, seen = handled()
    answer = send(endpoint, *delivery(event_type))
    assert (answer.status, answer.body, seen) == (200, b"ignored", [])


def test_a_message_that_was_done_before_is_200_and_not_handled_again(send):
    endpoint, seen = handled()
    now = int(time.time())
    assert send(endpoint, *delivery(timestamp=now - 5)) == HANDLED
    answer = send(endpoint, *delivery(timestamp=now))
    assert (answer.status, answer.body, len(seen)) == (200, b"duplicate", 1)


def test_a_message_in_progress_is_409_and_is_sent_again_later(send):
    store = MemoryStore()
    endpoint = Endpoint(SECRET, store=store)
    seen = []
    endpoint.on(events.UserCreated)(seen.append)
    assert store.claim("msg_1") is Claim.NEW
    answer = send(endpoint, *delivery())
    assert (answer.status, answer.headers["retry-after"], answer.body, seen) == (409, "5", b"in_progress", [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _, body: ({}, body),
        lambda headers, body: (headers | {"svix-signature": "v1,A"}, body),
        lambda headers, body: (headers | {"svix-timestamp": "1.5"}, body),
        lambda _, body: (signed(body, timestamp=int(time.time()) - 301), body),
        lambda _, body: (signed(body, secret=OTHER_SECRET, timestamp=int(time.time())), body),
        lambda headers, body: (headers, body + b" "),
        lambda headers, _: (headers, b""),
    ],
    ids=["unsigned", "malformed", "fraction", "stale", "forged", "tampered", "empty"],
)
def test_a_request_that_is_not_genuine_is_400_and_the_answer_gives_no_reason(send, spoil):
    endpoint, seen = handled()
    answer = send(endpoint, *spoil(*delivery()))
    assert (answer.status, answer.body, seen) == (400, b"refused", [])


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"", b"{", b"[]", b'{"type": 5}', b'{"type": "user.created"}', b'{"type": "user.created", "data": []}'],
)
def test_a_genuine_body_that_is_no_clerk_event_is_400_and_svix_stops_sending_it(send, body):
    endpoint, seen = handled()
    answer = send(endpoint, *genuine(body))
    assert (answer.status, answer.headers["webhook-delivery"], answer.body) == (400, "abort-message", b"unreadable")
    assert seen == []


@pytest.mark.parametrize("loads", [None, json.loads])
@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("9" * 4300, 200),
        ("9" * 4301, 400),
        ("[" * 198 + "]" * 198, 200),
        ("[" * 199 + "]" * 199, 400),
        ("[" * 100_000 + "]" * 100_000, 400),
    ],
)
def test_svix_stops_sending_an_event_whose_user_wrote_unreadable_metadata(send, loads, value, status):
    endpoint, seen = handled(loads=loads)
    body = f'{{"type": "user.created", "data": {{"id": "user_1", "unsafe_metadata": {value}}}}}'
    answer = send(endpoint, *genuine(body.encode()))
    assert (answer.status, len(seen)) == (status, status == 200)
    assert answer.headers.get("webhook-delivery") == (None if status == 200 else "abort-message")


def test_a_body_that_is_too_large_is_413(send):
    seen = []
    endpoint = Endpoint(SECRET, max_body=100)
    endpoint.on_any(seen.append)
    answer = send(endpoint, *delivery(first_name="A" * 100))
    assert (answer.status, answer.body, seen) == (413, b"too_large", [])


def test_the_largest_body_allowed_is_handled(send):
    headers, body = delivery()
    endpoint = Endpoint(SECRET, max_body=len(body))
    assert send(endpoint, headers, body).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_another_method_than_post_is_405_and_the_answer_names_post(send, method):
    endpoint, seen = handled()
    answer = send(endpoint, *delivery(), method=method)
    assert (answer.status, answer.headers["allow"], seen) == (405, "POST", [])


def test_a_handler_that_fails_is_500_and_the_next_attempt_is_handled(send):
    endpoint, seen = handled(raises=OSError("the database is down"))
    for _ in range(2):
        answer = send(endpoint, *delivery())
        assert (answer.status, answer.body) == (500, b"failed")
    assert len(seen) == 2


def test_a_handler_that_aborts_is_400_and_svix_is_told_to_stop(send):
    endpoint, seen = handled(raises=AbortDelivery("the tenant is gone"))
    for _ in range(2):  # a manual replay runs it again
        answer = send(endpoint, *delivery())
        assert (answer.status, answer.headers["webhook-delivery"], answer.body) == (400, "abort-message", b"aborted")
    assert len(seen) == 2


def test_a_store_that_cannot_claim_is_503_and_is_used_again_once_it_is_back(send):
    store = FailingStore("claim")
    endpoint, seen = handled(store=store)
    answer = send(endpoint, *delivery())
    assert (answer.status, answer.headers["retry-after"], answer.body, seen) == (503, "30", b"unavailable", [])
    store.fails = None
    assert send(endpoint, *delivery()) == HANDLED
    assert send(endpoint, *delivery()).body == b"duplicate"
    assert len(seen) == 1
