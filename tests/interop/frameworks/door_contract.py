"""The contract of the modules for frameworks: a route of one's own and an endpoint as a route.

A test module imports everything from here and has these fixtures, as `test_fastapi.py` shows. An application that they
share has a route of its own, which answers the type of the event, and an endpoint at "/endpoint".

- `received`: the events that the application has seen
- `path`: each path of the application
- `server`: a server with the application; `unbuffered`: one that does not read a body before it calls the application
- `client`: a function that sends a request to the application, and takes a path, headers, a body and a content type
- `stranger`: the same for headers and an announced length that no server lets through; it returns the status
- `make_route`: a function that makes a route of one's own from a handler and the arguments of its module, and returns a
  function that takes headers, a body and a method
- `send`: as in `status_policy`
- `reason`: a function that returns the text of an answer that refuses
"""

import logging
import socket
import time
from contextlib import suppress

import hypothesis
import pytest
from attacks import CHUNKED, REFUSED, chunk
from deliveries import BODY, OTHER_SECRET, SECRET, signed
from harness import Delivery, connect, head, length, pour, read_answer, request, soon
from harness import send as send_bytes
from hypothesis import strategies as st
from status_policy import *  # noqa: F403  # an endpoint as a route keeps to it

from clerk_webhook import Endpoint, Handlers, Webhook, events
from clerk_webhook.testing import sample_delivery

MEGABYTE = 1 << 20
CODES = {
    *("missing_header", "invalid_header", "timestamp_too_old", "timestamp_too_new"),
    *("signature_mismatch", "invalid_payload", "incomplete_body"),
}


@pytest.fixture(autouse=True)
def secret_in_the_environment(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def now(body=BODY, **how):
    """Return the headers and the body of a genuine delivery."""
    return signed(body, timestamp=int(time.time()), **how), body


def records(caplog):
    return [record for record in caplog.records if record.name == "clerk_webhook"]


# Over raw sockets


def test_a_genuine_delivery_reaches_the_route(server, received, path):
    delivery = Delivery()
    assert send_bytes(server, request(path, delivery)).status == 200
    assert received[-1].data["id"] == delivery.user_id


@pytest.mark.parametrize("case", REFUSED)
def test_a_stranger_is_refused_and_logged(server, received, caplog, path, case):
    before = len(received)
    stranger = Delivery()
    REFUSED[case](stranger)
    answer = send_bytes(server, request(path, stranger))
    assert answer.status == 400
    assert len(received) == before
    (record,) = records(caplog)
    assert (record.status, record.path) == (400, path)
    assert record.levelname == ("ERROR" if record.outcome == "unreadable" else "WARNING")
    assert record.code in CODES
    assert (record.outcome if path == "/endpoint" else record.code).encode() in answer.body
    assert stranger.user_id not in caplog.text


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_a_header_with_two_lines_is_refused(server, path, name, genuine_line):
    doubled = Delivery()
    doubled.headers[name].insert(1 if genuine_line == "first" else 0, b"1")
    assert send_bytes(server, request(path, doubled)).status == 400


def test_an_announced_gigabyte_is_refused_at_once(unbuffered, path):
    answer, sent = pour(unbuffered, head(path, Delivery().headers | length(1 << 30)), 1 << 30)
    assert answer.status == 413
    assert b"too_large" in answer.body
    assert sent < MEGABYTE


def test_chunks_without_end_are_refused_at_the_limit(unbuffered, path):
    start = head(path, Delivery().headers | CHUNKED)
    answer, sent = pour(unbuffered, start + b"%x\r\n" % (1 << 40), 1 << 30)
    assert answer.status == 413
    assert sent < 3 * MEGABYTE  # the limit, and the buffers of sockets


@pytest.mark.parametrize("size", [MEGABYTE, MEGABYTE + 1])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_is_exact(server, path, size, chunked):
    large = Delivery()
    large.body = large.body.ljust(size)
    large.sign()
    start = large.headers | (CHUNKED if chunked else length(size))
    body = chunk(large.body[:1]) + chunk(large.body[1:]) + chunk(b"") if chunked else large.body
    assert send_bytes(server, head(path, start), body).status == (200 if size == MEGABYTE else 413)


def test_slow_clients_hold_up_nobody(server, path):
    whole = request(path, Delivery())
    with connect(server) as connection:
        connection.sendall(whole[:-20])
        assert send_bytes(server, request(path, Delivery())).status == 200
        connection.sendall(whole[-20:-10])
        time.sleep(0.1)
        connection.sendall(whole[-10:])
        assert read_answer(connection).status == 200


@pytest.mark.parametrize("framing", [length(100), CHUNKED])
def test_a_client_that_hangs_up_is_an_incomplete_body_and_no_exception(unbuffered, caplog, path, framing):
    with connect(unbuffered) as connection:
        connection.sendall(head(path, Delivery().headers | framing) + b"20\r\n{")
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    assert soon(lambda: "incomplete_body" in caplog.text)
    assert "Traceback" not in caplog.text


# Beside HTTP: no server lets these through


def test_a_stranger_gets_a_refusal_whatever_is_sent(stranger):
    @hypothesis.given(
        headers=st.dictionaries(
            st.sampled_from(["svix-id", "svix-timestamp", "svix-signature", "webhook-id", "content-type"]),
            st.text(st.characters(max_codepoint=255), max_size=40),
        ),
        announced=st.none() | st.integers(max_value=1 << 70).map(str) | st.text(st.characters(max_codepoint=255)),
        body=st.binary(max_size=100),
    )
    @hypothesis.settings(deadline=None)
    def refused(headers, announced, body):
        for path in ("/route", "/endpoint"):
            assert stranger(path, headers, announced, body) in {400, 413}

    refused()


@pytest.mark.parametrize("announced", ["abc", "-1", "9" * 5000, "\xb2", "1_0"])
def test_a_length_that_is_no_number_is_refused(stranger, announced):
    for path in ("/route", "/endpoint"):
        assert stranger(path, now()[0], announced, BODY) == 400


# In the framework's own machinery


@pytest.mark.parametrize("event_type", events.EVENT_CLASSES)
def test_every_sample_arrives_typed(client, received, path, event_type):
    received.clear()
    sample = sample_delivery(event_type, SECRET)
    assert client(path, sample.headers, sample.body).status == 200
    assert [type(event) for event in received] == [events.EVENT_CLASSES[event_type]]
    assert received[0].message_id == sample.headers["svix-id"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
def test_the_content_type_does_not_matter(client, path, content_type):
    assert client(path, *now(), content_type=content_type).status == 200


def test_headers_without_the_brand_and_several_signatures_pass(client, path):
    headers, body = now(prefix="webhook")
    headers["webhook-signature"] = f"v1a,AAAA v1,AAAA {headers['webhook-signature']}"
    assert client(path, headers, body).status == 200


@pytest.mark.parametrize(
    ("delivery", "outcome", "code", "status"),
    [
        (now, "accepted", None, 200),
        (lambda: now(secret=OTHER_SECRET), "refused", "signature_mismatch", 400),
        (lambda: ({}, BODY), "refused", "missing_header", 400),
        (lambda: (now()[0], b""), "refused", "incomplete_body", 400),
        (lambda: now(b'{"type": 1}'), "unreadable", "invalid_payload", 400),
        (lambda: now(BODY.ljust(1001)), "too_large", None, 413),
    ],
)
def test_a_route_of_ones_own_answers_the_code_and_tells_its_observer(
    make_route, reason, delivery, outcome, code, status
):
    seen, observed = [], []
    route = make_route(seen.append, webhook=Webhook(SECRET), observer=observed.append, max_body=1000)
    answer = route(*delivery())
    assert answer.status == status
    accepted = outcome == "accepted"
    if not accepted:
        assert reason(answer) == (code or outcome)
    assert answer.headers.get("webhook-delivery") == ("abort-message" if outcome == "unreadable" else None)
    assert len(seen) == accepted
    (attempt,) = observed
    assert (attempt.outcome, attempt.code, attempt.path) == (outcome, code, "/api/webhooks")
    assert attempt.status == (None if accepted else status)  # the route answers later
    assert attempt.event_type == ("user.created" if accepted else None)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_route_of_ones_own_takes_post_alone(make_route, method):
    seen = []
    answer = make_route(seen.append)(*now(), method=method)
    assert (answer.status, "POST" in answer.headers["allow"], seen) == (405, True, [])


def test_an_accepted_event_is_one_record_at_info(make_route, caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    make_route(lambda event: None)(*now())
    (record,) = records(caplog)
    assert (record.levelname, record.outcome, record.event_type) == ("INFO", "accepted", "user.created")


@pytest.mark.parametrize("wrong", [None, "sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_a_missing_or_wrong_secret_is_logged_and_not_told_and_not_cached(
    make_route, reason, monkeypatch, caplog, wrong
):
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
    if wrong:
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", wrong)
    route = make_route(lambda event: None)
    answer = route(*now())
    assert (answer.status, reason(answer)) == (500, "misconfigured")
    (record,) = records(caplog)
    assert (record.levelname, record.code) == ("ERROR", "invalid_secret")
    assert "Clerk Dashboard" in record.getMessage()
    assert "MfKQ" not in caplog.text
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    assert route(*now()).status == 200


def test_a_secret_may_be_given_as_text(make_route):
    route = make_route(lambda event: None, webhook=OTHER_SECRET)
    assert route(*now(secret=OTHER_SECRET)).status == 200
    assert route(*now()).status == 400


def test_a_function_that_returns_the_webhook_is_called_at_requests_only(make_route, reason):
    secrets = ["whsec_", OTHER_SECRET]
    route = make_route(lambda event: None, webhook=lambda: Webhook(secrets[0]))
    answer = route(*now(secret=OTHER_SECRET))
    assert (answer.status, reason(answer)) == (500, "misconfigured")
    secrets.pop(0)
    assert route(*now(secret=OTHER_SECRET)).status == 200
    assert route(*now()).status == 400


@pytest.mark.parametrize("arguments", [{"webhook": 42}, {"webhook": Webhook}, {"observer": 1}, {"max_body": "1"}])
def test_an_argument_that_can_not_work_is_a_type_error(make_route, arguments):
    with pytest.raises(TypeError, match="must be"):
        make_route(lambda event: None, **arguments)(*now())


def test_a_view_is_made_of_an_endpoint(request):
    for other in (Endpoint, Handlers(), request):
        with pytest.raises(TypeError, match=r"^A door takes an Endpoint\(\), not \w+\."):
            request.module.view(other)
