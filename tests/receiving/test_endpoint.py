"""The configuration of an endpoint, and `handle`."""

import asyncio
import json
import time
import traceback

import pytest
from deliveries import OTHER_SECRET, SECRET, signed
from dispatching import async_handler
from endpoints import AsyncObject, delivery, handled, taking

from clerk_webhook import Headers, SecretError, Webhook, WebhookEvent
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.stores import MemoryStore


def test_a_misconfigured_endpoint_fails_at_start_up(monkeypatch):
    with pytest.raises(SecretError, match="CLERK_WEBHOOK_SIGNING_SECRET"):
        Endpoint()
    with pytest.raises(SecretError, match="sk_"):
        Endpoint("sk_live_0123456789")
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    endpoint = Endpoint()
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")  # it was read when the endpoint was made
    assert endpoint.handle(*delivery()).status == 200


def loads_that_adds(body):
    return json.loads(body) | {"parsed_by": "loads"}


@pytest.mark.parametrize(
    ("arguments", "age", "status"),
    [
        ({}, 299, 200),
        ({}, 302, 400),
        ({"tolerance": 10}, 12, 400),
        ({"clock": lambda: time.time() - 1000}, 1000, 200),
        ({"loads": loads_that_adds}, 0, 200),
    ],
)
def test_an_endpoint_verifies_as_its_webhook_does(arguments, age, status):
    endpoint = Endpoint(Webhook(OTHER_SECRET, SECRET, **arguments))
    seen = []
    endpoint.on(taking(WebhookEvent, seen.append))
    assert endpoint.handle(*delivery(timestamp=int(time.time()) - age)).status == status
    assert [event.payload.get("parsed_by") for event in seen] == ["loads" if "loads" in arguments else None] * len(seen)


def test_a_function_for_the_webhook_is_called_at_each_request_and_not_before():
    secrets = []
    endpoint = Endpoint(lambda: Webhook(secrets[-1]))
    for secret, status in [(SECRET, 200), (OTHER_SECRET, 400), (SECRET, 200)]:
        secrets.append(secret)
        assert endpoint.handle(*delivery()).status == status


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (SECRET, "TypeError: The function for webhook must return a Webhook, not str."),
        (None, "TypeError: The function for webhook must return a Webhook, not NoneType."),
    ],
)
def test_a_function_that_returns_something_else_is_a_misconfiguration(returned, reason, caplog):
    assert Endpoint(lambda: returned).handle(*delivery()).body == b"misconfigured"
    (message,) = caplog.messages
    assert message.startswith("misconfigured in ")
    assert message.endswith(reason)
    assert SECRET not in caplog.text


def test_the_text_of_a_failing_function_is_not_logged(caplog):
    def vault():
        raise LookupError(SECRET)

    assert Endpoint(vault).handle({}, b"").body == b"misconfigured"
    assert "LookupError" in caplog.text
    assert SECRET not in caplog.text


def frames_of(error):
    """Return the local variables of each frame of the package that an error has passed through."""
    return [
        frame.f_locals
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if "clerk_webhook/" in frame.f_code.co_filename
    ]


async def async_source():
    pass


SOURCES = "webhook must be a Webhook, a signing secret as text, or a function that returns a Webhook, not"


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"store": MemoryStore}, r"store must be an object such as MemoryStore\(\), not type"),
        ({"max_body": "1MB"}, "max_body must be an int, in bytes, not str"),
        ({"max_body": None}, "max_body must .*, not NoneType"),
        ({"max_body": True}, "max_body must .*, not bool"),
        ({"max_body": 0}, "max_body must be positive, in bytes, not 0: every body would be too large.$"),
        ({"max_body": -1}, "max_body must .*, not -1"),
        ({"observer": async_handler}, "observer must .*, and not async: nothing awaits it.$"),
        ({"observer": AsyncObject()}, "observer must .*, and not async: nothing awaits it.$"),
        ({"observer": "print"}, "observer must be a function that takes an Attempt"),
        ({"observer": 0}, "observer must be a function that takes an Attempt"),
        ({"webhook": Webhook}, f"{SOURCES} type.$"),
        ({"webhook": b"0123456789abcdef01234567"}, f"{SOURCES} bytes.$"),
        ({"webhook": [SECRET]}, f"{SOURCES} list.$"),
        ({"webhook": async_source}, f"{SOURCES} an async one.$"),
        ({"webhook": AsyncObject()}, f"{SOURCES} an async one.$"),
    ],
)
def test_a_wrong_argument_fails_at_start_up_with_its_cure(arguments, cure):
    with pytest.raises((TypeError, ValueError), match=f"^{cure}"):
        Endpoint(**{"webhook": SECRET, **arguments})


@pytest.mark.parametrize(
    ("webhook", "arguments"), [("sk_test_" + SECRET, {}), ([SECRET], {}), (SECRET, {"max_body": "1MB"})]
)
def test_a_mistake_at_start_up_shows_no_secret_in_its_frames(webhook, arguments):
    with pytest.raises((TypeError, SecretError)) as caught:
        Endpoint(webhook, **arguments)
    assert frames_of(caught.value) == []


def test_a_text_body_is_limited_by_its_bytes():
    headers, body = delivery(first_name="\u2603" * 100)
    body = json.dumps(json.loads(body), ensure_ascii=False)
    headers = signed(body.encode(), timestamp=int(time.time()))
    assert Endpoint(SECRET, max_body=len(body.encode())).handle(headers, body).status == 200
    assert Endpoint(SECRET, max_body=len(body.encode()) - 1).handle(headers, body).status == 413
    assert Endpoint(SECRET, max_body=1).handle({}, "x").status == 400


def test_one_mebibyte_is_read_unless_told_otherwise():
    headers, body = delivery(padding="")
    for size, status in [(1 << 20, 200), ((1 << 20) + 1, 413)]:
        padded = body.ljust(size)
        headers = signed(padded, timestamp=int(time.time()))
        assert Endpoint(SECRET).handle(headers, padded).status == status


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [(None, b"", "headers"), ({}, {"type": "user.created"}, "raw body"), ({}, None, "raw body")],
)
def test_wrong_types_are_type_errors(headers: Headers, body: bytes, message):
    endpoint = Endpoint(SECRET)
    with pytest.raises(TypeError, match=message):
        endpoint.handle(headers, body)
    with pytest.raises(TypeError, match=message):
        asyncio.run(endpoint.handle_async(headers, body))


def test_handle_and_handle_async_know_no_path():
    observed = []
    endpoint, _ = handled(observer=observed.append)
    endpoint.handle(*delivery())
    asyncio.run(endpoint.handle_async(*delivery(message_id="msg_2")))
    asyncio.run(endpoint.handle_async({}, b""))
    assert [(attempt.outcome, attempt.path) for attempt in observed] == [
        ("handled", None),
        ("handled", None),
        ("refused", None),
    ]


def test_an_endpoint_shows_no_secret():
    assert "Mf" not in repr(Endpoint(SECRET))
    assert all("whsec" not in repr(value) for value in vars(Endpoint(SECRET)).values())
