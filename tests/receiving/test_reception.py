"""The part that all doors have in common, as a route of one's own uses it. Frameworks are tested in interop."""

import asyncio
import logging

import pytest
from deliveries import OTHER_SECRET, SECRET
from endpoints import delivery, genuine

from clerk_webhook import SecretError, SignatureMismatchError, Webhook
from clerk_webhook._reception import Arrival, Reception, Refused, verifier
from clerk_webhook.endpoint import Endpoint

LIMIT = 1000


@pytest.fixture
def observed():
    return []


@pytest.fixture
def arrival(observed):
    reception = Reception(verifier(SECRET), observer=observed.append, max_body=LIMIT)
    return lambda: Arrival(reception, "/api/webhooks")


def test_an_event_is_accepted_once_and_its_attempt_has_no_status_yet(arrival, observed, caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    headers, body = delivery()
    event = arrival().accept(headers, body)
    assert (event.type, event.message_id) == ("user.created", "msg_1")
    (attempt,) = observed
    assert attempt[:7] == ("accepted", None, None, "user.created", "msg_1", None, "/api/webhooks")
    assert (attempt.error, 0 < attempt.duration < 10) == (None, True)
    (record,) = caplog.records
    assert (record.levelname, record.status) == ("INFO", None)
    assert record.getMessage().startswith("user.created msg_1: accepted in ")


@pytest.mark.parametrize(
    ("request_", "outcome", "reason", "headers"),
    [
        (lambda: ({}, b""), "refused", "missing_header", {}),
        (lambda: genuine(b"[]"), "unreadable", "invalid_payload", {"webhook-delivery": "abort-message"}),
        (lambda: (delivery()[0], b"x" * (LIMIT + 1)), "too_large", "too_large", {}),
    ],
)
def test_a_refusal_is_raised_and_has_the_reason_that_a_route_answers(
    arrival, observed, request_, outcome, reason, headers
):
    arriving = arrival()
    with pytest.raises(Refused) as raised:
        arriving.accept(*request_())
    refused = raised.value
    assert (refused.outcome, refused.reason, refused.headers, str(refused)) == (outcome, reason, headers, outcome)
    assert observed == []
    answer = arriving.refuse(refused)
    assert [attempt.outcome for attempt in observed] == [outcome]
    assert observed[0].error is refused.error
    assert answer.status == observed[0].status


@pytest.mark.parametrize(
    ("webhook", "status", "kind"),
    [(OTHER_SECRET, 400, SignatureMismatchError), (lambda: Webhook("x"), 500, SecretError)],
)
def test_the_observer_gets_the_error_itself(webhook, status, kind, observed):
    Endpoint(webhook, observer=observed.append).handle(*delivery())
    assert (observed[0].status, type(observed[0].error)) == (status, kind)


HINT = "the client hung up, or something else read the request first, such as a middleware."


class TooLargeError(Exception):
    status_code = 413


class WerkzeugTooLargeError(Exception):
    code = 413


class NotFoundError(Exception):
    status_code = 404
    code = 404


@pytest.mark.parametrize(
    ("error", "outcome", "text"),
    [
        (OSError("secret"), "refused", f"The body could not be read (OSError): {HINT}"),
        (NotFoundError(), "refused", f"The body could not be read (NotFoundError): {HINT}"),
        (TooLargeError(), "too_large", "too_large in 0.0 ms"),
        (WerkzeugTooLargeError(), "too_large", "too_large in 0.0 ms"),
        (Refused("too_large"), "too_large", "too_large in 0.0 ms"),
    ],
)
def test_whatever_reading_raises_is_a_refusal(observed, caplog, error, outcome, text):
    def read(_):
        raise error

    async def read_async(_):
        raise error

    endpoint = Endpoint(SECRET, observer=observed.append)
    headers, _ = delivery()
    endpoint.door()("POST", "/", headers, read)
    asyncio.run(endpoint.door_async()("POST", "/", headers, read_async))
    assert [attempt.outcome for attempt in observed] == [outcome, outcome]
    assert [message.endswith(text) for message in caplog.messages] == [True, True]


def test_the_log_says_which_length_was_wrong(caplog):
    headers, body = delivery()
    answer = Endpoint(SECRET).door()
    answer("POST", "/", headers | {"content-length": "many"}, None)
    answer("POST", "/", headers | {"content-length": "9"}, lambda enough: body[:5])
    answer("POST", "/", headers, lambda enough: b"")
    assert [message.partition(" ms: ")[2] for message in caplog.messages] == [
        "content-length is not a number.",
        f"The body has 5 bytes of the 9 that content-length announces: {HINT}",
        f"The body has 0 bytes: {HINT}",
    ]


@pytest.mark.parametrize("length", [5000, 3, [], ["5000"], (), ("5000",), 5.5])
def test_a_length_that_is_no_text_does_not_make_a_forgery_raise(observed, length):
    headers, body = delivery()
    endpoint = Endpoint(SECRET, observer=observed.append)
    assert endpoint.handle(headers | {"content-length": length}, b" " + body).status == 400
    assert [attempt.outcome for attempt in observed] == ["refused"]
