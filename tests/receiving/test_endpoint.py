"""The configuration of an endpoint."""

import asyncio
import json
import time
import traceback
from functools import partial

import pytest
from deliveries import OTHER_SECRET, SECRET, signed
from endpoints import AsyncObject, async_handler, delivery

from clerk_webhook import Headers, SecretError, Webhook
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.stores import MemoryStore


class AsyncStore(MemoryStore):
    async def complete(self, message_id):
        pass


def test_a_misconfigured_endpoint_fails_at_start_up(monkeypatch):
    with pytest.raises(SecretError, match="CLERK_WEBHOOK_SIGNING_SECRET"):
        Endpoint()
    with pytest.raises(SecretError, match="sk_"):
        Endpoint("sk_live_0123456789")
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    assert Endpoint().handle(*delivery()).status == 200


def loads_that_adds(body):
    return json.loads(body) | {"parsed_by": "loads"}


@pytest.mark.parametrize("secrets", [(SECRET,), (OTHER_SECRET, SECRET), ("environment",)])
@pytest.mark.parametrize("by", ["position", "secret", "webhook"])
@pytest.mark.parametrize(
    ("arguments", "age", "status"),
    [
        ({}, 299, 200),
        ({}, 302, 400),
        ({"tolerance": 10}, 9, 200),
        ({"tolerance": 10}, 12, 400),
        ({"clock": lambda: time.time() - 1000}, 1000, 200),
        ({"clock": lambda: time.time() - 1000}, 0, 400),
        ({"loads": loads_that_adds}, 0, 200),
    ],
)
def test_an_endpoint_verifies_as_a_webhook_with_the_same_arguments(monkeypatch, secrets, by, arguments, age, status):
    if secrets == ("environment",):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        make = Webhook.from_env if by == "webhook" else Endpoint
    elif by == "secret":
        make = partial(Endpoint, *secrets[:-1], secret=secrets[-1])
    else:
        make = partial(Webhook if by == "webhook" else Endpoint, *secrets)
    endpoint = Endpoint(webhook=make(**arguments)) if by == "webhook" else make(**arguments)
    seen = []
    endpoint.on_any(seen.append)
    assert endpoint.handle(*delivery(timestamp=int(time.time()) - age)).status == status
    assert [event.payload.get("parsed_by") for event in seen] == ["loads" if "loads" in arguments else None] * len(seen)


def frames_of(error):
    """Return the local variables of each frame of the package that an error has passed through."""
    return [
        frame.f_locals
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if "clerk_webhook/" in frame.f_code.co_filename
    ]


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"store": MemoryStore}, r"store must be an object such as MemoryStore\(\), not type"),
        ({"store": "redis://"}, r"store must be an object such as MemoryStore\(\), not str"),
        ({"store": False}, "store must .*, not bool"),
        ({"store": AsyncStore()}, "store must have sync methods: under ASGI they are called in threads.$"),
        ({"max_body": "1MB"}, "max_body must be an int, in bytes, not str"),
        ({"max_body": None}, "max_body must .*, not NoneType"),
        ({"max_body": True}, "max_body must .*, not bool"),
        ({"max_body": 0}, "max_body must be positive, in bytes, not 0"),
        ({"max_body": -1}, "max_body must .*, not -1"),
        ({"observer": async_handler}, "observer must .*, and not async: nothing awaits it.$"),
        ({"observer": AsyncObject()}, "observer must .*, and not async: nothing awaits it.$"),
        ({"observer": "print"}, "observer must be a function that takes an Attempt"),
        ({"observer": 0}, "observer must be a function that takes an Attempt"),
        ({"clock": 0}, "clock must"),
        ({"tolerance": None}, "tolerance must"),
        ({"tolerance": "5"}, "tolerance must"),
        ({"tolerance": -1}, "tolerance must"),
        ({"loads": "orjson"}, "loads must"),
        ({"webhook": Webhook(SECRET)}, "webhook stands alone"),
        ({"webhook": SECRET}, "webhook must be a Webhook, not str"),
        ({"webhook": Webhook}, "webhook must be a Webhook, not type"),
    ],
)
@pytest.mark.parametrize("by", ["position", "secret", "both"])
def test_a_wrong_argument_fails_at_start_up_and_shows_no_secret_in_its_frames(by, arguments, cure):
    secrets = [] if by == "secret" else [SECRET]
    secret = None if by == "position" else SECRET
    with pytest.raises((TypeError, ValueError), match=f"^{cure}") as caught:
        Endpoint(*secrets, secret=secret, **arguments)
    assert frames_of(caught.value)
    assert SECRET not in repr(frames_of(caught.value))


@pytest.mark.parametrize("secrets", [(SECRET, "sk_test_" + SECRET), (SECRET, None), ([SECRET],)])
def test_a_wrong_secret_shows_no_secret_in_its_frames(secrets):
    with pytest.raises((TypeError, SecretError)) as caught:
        Endpoint(*secrets)
    assert SECRET not in repr(frames_of(caught.value))


@pytest.mark.parametrize(
    "arguments",
    [
        {"secret": SECRET},
        {"secret": ""},
        {"tolerance": 300},
        {"tolerance": 300.0},
        {"tolerance": 10},
        {"clock": lambda: 0.0},
        {"loads": json.loads},
    ],
)
def test_a_webhook_stands_alone(arguments):
    with pytest.raises(TypeError, match=r"^webhook stands alone: give .* to the Webhook\.$"):
        Endpoint(webhook=Webhook(SECRET), **arguments)


@pytest.mark.parametrize(("skew", "status"), [(300, 200), (301, 400), (-300, 200), (-301, 400)])
def test_an_endpoint_tolerates_300_seconds_both_ways_unless_told_otherwise(skew, status):
    now = int(time.time())
    assert Endpoint(SECRET, clock=lambda: now + skew).handle(*delivery(timestamp=now)).status == status


def test_an_endpoint_reads_at_most_one_mebibyte_unless_told_otherwise():
    assert Endpoint(SECRET).max_body == 1_048_576
    assert Endpoint(SECRET, max_body=1).max_body == 1


def test_a_text_body_is_limited_by_its_bytes():
    headers, body = delivery(first_name="\u2603" * 100)
    body = json.dumps(json.loads(body), ensure_ascii=False)
    headers = signed(body.encode(), timestamp=int(time.time()))
    assert Endpoint(SECRET, max_body=len(body.encode())).handle(headers, body).status == 200
    assert Endpoint(SECRET, max_body=len(body.encode()) - 1).handle(headers, body).status == 413


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


def test_an_endpoint_shows_no_secret():
    assert "Mf" not in repr(Endpoint(SECRET))
    assert all("whsec" not in repr(value) for value in vars(Endpoint(SECRET)).values())
