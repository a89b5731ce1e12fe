"""The status policy of an endpoint, row by row: the contract of its doors.

A test module imports everything from here, and has a fixture `send` that sends a request to an endpoint through a door.
"""

import contextlib
import json
import sqlite3
import time

import pytest
from deliveries import OTHER_SECRET, SECRET, signed
from dispatching import FailingStore
from endpoints import HANDLED, delivery, genuine, handled

from clerk_webhook import Webhook, WebhookEvent, events
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.inbox import CREATE_TABLE
from clerk_webhook.stores import Claim, MemoryStore


def assert_handled(answer):
    assert (answer.status, answer.body) == (200, b"")
    assert {name: answer.headers[name] for name in HANDLED[1]} == HANDLED[1]


def test_a_handled_event_is_200(send):
    endpoint, seen = handled()
    assert_handled(send(endpoint, *delivery(first_name="Ada")))
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
    assert_handled(send(endpoint, *delivery(timestamp=now - 5)))
    answer = send(endpoint, *delivery(timestamp=now))
    assert (answer.status, answer.body, len(seen)) == (200, b"duplicate", 1)


def test_a_message_in_progress_is_409_and_is_sent_again_later(send):
    store = MemoryStore()
    endpoint, seen = handled(store=store)
    assert store.claim("msg_1") is Claim.NEW
    answer = send(endpoint, *delivery())
    assert (answer.status, answer.headers["retry-after"], answer.body, seen) == (409, "5", b"in_progress", [])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda _, body: ({}, body), "missing_header"),
        (lambda headers, body: (headers | {"svix-signature": "v1,A"}, body), "signature_mismatch"),
        (lambda headers, body: (headers | {"svix-timestamp": "1.5"}, body), "invalid_header"),
        (lambda _, body: (signed(body, timestamp=int(time.time()) - 301), body), "timestamp_too_old"),
        (lambda _, body: (signed(body, timestamp=int(time.time()) + 400), body), "timestamp_too_new"),
        (lambda _, body: (signed(body, secret=OTHER_SECRET, timestamp=int(time.time())), body), "signature_mismatch"),
        (lambda headers, body: (headers, body + b" "), "signature_mismatch"),
        (lambda headers, _: (headers, b""), "incomplete_body"),
    ],
    ids=["unsigned", "malformed", "fraction", "stale", "future", "forged", "tampered", "empty"],
)
def test_a_request_that_is_not_genuine_is_400_and_the_log_alone_has_the_reason(send, spoil, code):
    observed = []
    endpoint, seen = handled(observer=observed.append)
    answer = send(endpoint, *spoil(*delivery()))
    assert (answer.status, answer.body, seen) == (400, b"refused", [])
    assert [(attempt.outcome, attempt.code) for attempt in observed] == [("refused", code)]


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"{", b"[]", b'{"type": 5}', b'{"type": "user.created"}', b'{"type": "user.created", "data": []}'],
)
def test_a_genuine_body_that_is_no_clerk_event_is_400_and_svix_stops_sending_it(send, body):
    endpoint, seen = handled()
    answer = send(endpoint, *genuine(body))
    assert (answer.status, answer.headers["webhook-delivery"], answer.body) == (400, "abort-message", b"unreadable")
    assert seen == []


@pytest.mark.parametrize(
    "value", ["9" * 4300, "9" * 4301, "1e400", "[" * 199 + "]" * 199, "[" * 100_000 + "]" * 100_000]
)
def test_whatever_a_user_wrote_into_an_event_the_event_is_handled(send, value):
    """Before, Svix was told to stop sending such an event."""
    endpoint, seen = handled()
    body = f'{{"type": "user.created", "data": {{"id": "user_1", "unsafe_metadata": {value}}}}}'
    answer = send(endpoint, *genuine(body.encode()))
    assert (answer.status, len(seen)) == (200, 1)
    assert "webhook-delivery" not in answer.headers


def test_a_body_that_is_too_large_is_413(send):
    endpoint, seen = handled(max_body=100)
    answer = send(endpoint, *delivery(first_name="A" * 100))
    assert (answer.status, answer.body, seen) == (413, b"too_large", [])


def test_the_largest_body_allowed_is_handled(send):
    headers, body = delivery()
    endpoint, _ = handled(max_body=len(body))
    assert send(endpoint, headers, body).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_than_post_is_405_and_the_answer_names_post(send, method):
    endpoint, seen = handled()
    answer = send(endpoint, *delivery(), method=method)
    assert (answer.status, "POST" in answer.headers["allow"], seen) == (405, True, [])


def test_a_handler_that_fails_is_500_and_the_next_attempt_is_handled(send):
    endpoint, seen = handled(raises=OSError("the database is down"))
    for _ in range(2):
        answer = send(endpoint, *delivery())
        assert (answer.status, answer.body) == (500, b"failed")
    assert len(seen) == 2


def test_nothing_is_applied_of_a_handler_that_fails(send, tmp_path):
    @contextlib.contextmanager
    def transaction():
        with contextlib.closing(sqlite3.connect(tmp_path / "users.db")) as connection:
            connection.execute(CREATE_TABLE)
            connection.execute("CREATE TABLE IF NOT EXISTS users (id)")
            with connection:
                connection.execute("BEGIN")
                yield connection

    endpoint = Endpoint(SECRET, transaction=transaction)
    failures = [OSError(), AbortDelivery(), None]

    @endpoint.newest
    def save(event: events.UserCreated, connection: sqlite3.Connection):
        connection.execute("INSERT INTO users VALUES (?)", (event.data["id"],))

    @endpoint.once
    def fail(event: WebhookEvent):
        failure = failures.pop(0)
        if failure:
            raise failure

    assert [send(endpoint, *delivery()).body for _ in range(4)] == [b"failed", b"aborted", b"", b"duplicate"]
    with contextlib.closing(sqlite3.connect(tmp_path / "users.db")) as connection:
        assert connection.execute("SELECT id FROM users").fetchall() == [("user_1",)]


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
    assert_handled(send(endpoint, *delivery()))
    assert send(endpoint, *delivery()).body == b"duplicate"
    assert len(seen) == 1


def test_a_transaction_that_cannot_be_opened_is_503(send):
    def transaction():
        raise ConnectionError("the database is down")

    endpoint = Endpoint(SECRET, transaction=transaction)

    @endpoint.on
    def handler(event: WebhookEvent): ...

    answer = send(endpoint, *delivery())
    assert (answer.status, answer.headers["retry-after"], answer.body) == (503, "30", b"unavailable")


def test_a_missing_secret_is_500_and_the_message_is_handled_once_it_is_there(send, caplog):
    secrets = {}
    endpoint = Endpoint(lambda: Webhook(secrets["clerk"]))

    @endpoint.on
    def handler(event: WebhookEvent): ...

    answer = send(endpoint, *delivery())
    assert (answer.status, answer.body) == (500, b"misconfigured")
    assert "KeyError" in caplog.text
    secrets["clerk"] = "whsec_"
    assert send(endpoint, *delivery()).status == 500
    assert "(invalid_secret)" in caplog.text
    secrets["clerk"] = SECRET
    assert_handled(send(endpoint, *delivery()))


def test_every_attempt_is_observed_with_its_path_and_its_instance(send):
    observed = []
    endpoint, _ = handled(observer=observed.append)
    body = json.dumps({"type": "user.created", "data": {"id": "user_1"}, "instance_id": "ins_1"}).encode()
    send(endpoint, *genuine(body))
    send(endpoint, *genuine(b"[]"))
    send(endpoint, {}, b"{}")
    assert [(attempt.outcome, attempt.event_type, attempt.message_id, attempt.instance_id) for attempt in observed] == [
        ("handled", "user.created", "msg_1", "ins_1"),
        ("unreadable", None, "msg_1", None),
        ("refused", None, None, None),
    ]
    assert {attempt.path for attempt in observed} == {"/api/webhooks"}
