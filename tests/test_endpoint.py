"""The configuration of an endpoint."""

import asyncio
import json
import time

import pytest
from deliveries import OTHER_SECRET, SECRET, signed
from endpoints import AsyncObject, async_handler, delivery

from clerk_webhook import Headers, SecretError
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


def test_several_secrets_and_a_tolerance_are_those_of_webhook():
    endpoint = Endpoint(OTHER_SECRET, SECRET, tolerance=10)
    assert endpoint.handle(*delivery()).status == 200
    assert endpoint.handle(*delivery(timestamp=int(time.time()) - 60)).status == 400


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        ({"store": MemoryStore}, r"MemoryStore\(\)"),
        ({"max_body": "1MB"}, "max_body must be an int, in bytes, not str"),
        ({"max_body": None}, "not NoneType"),
        ({"observer": async_handler}, "must not be async"),
        ({"observer": AsyncObject()}, "must not be async"),
        ({"store": AsyncStore()}, "sync methods"),
    ],
)
def test_a_wrong_argument_fails_at_start_up(arguments, cure):
    with pytest.raises(TypeError, match=cure):
        Endpoint(SECRET, **arguments)


def test_the_limit_is_in_bytes_for_text_too():
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
