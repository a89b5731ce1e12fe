"""`clerk-webhook demo`: a receiver, real HTTP deliveries to it, and what became of each."""

from __future__ import annotations

import json
import secrets
import sys
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from .. import events
from ..errors import ClerkWebhookError
from ..webhook import Webhook

__all__ = ["run"]


def read_typed(event: events.WebhookEvent) -> str:
    """Return a field that only this type of event has, as a handler would read it."""
    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            return f"first name {user['first_name']}, {len(user['email_addresses'])} address(es)"
        case events.OrganizationMembershipCreated(data=membership):
            return f"{membership['role']} of {membership['organization']['name']}"
        case events.SessionCreated(data=session):
            return f"session {session['status']}, client {session['client_id']}"
        case events.UnknownEvent(wire_type=wire_type):
            return f"a type newer than this release: {wire_type}"
        case _:
            return f"nothing is read from {event.type}"


class Receiver(BaseHTTPRequestHandler):
    """What an application's webhook route does, on the bare standard library."""

    webhook: Webhook

    def do_POST(self) -> None:  # the name is http.server's
        """Verify, parse, use; answer with the status that the error says."""
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = self.webhook.verify_and_parse(self.headers, body)
            status, outcome, detail = 200, type(event).__name__, read_typed(event)
        except ClerkWebhookError as error:
            status, outcome, detail = error.status, error.code, str(error)
        answer = json.dumps({"outcome": outcome, "detail": detail}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Leave the terminal to the table."""


@dataclass(frozen=True)
class Delivery:
    """A request, and what should become of it."""

    name: str
    headers: dict[str, str]
    body: bytes
    status: int
    outcome: str


@dataclass(frozen=True)
class Result:
    """What became of a delivery."""

    delivery: str
    status: int
    outcome: str
    detail: str
    expected: bool


def deliveries(webhook: Webhook) -> list[Delivery]:
    """Return genuine deliveries of five types, and one of each kind that must be refused."""
    now = int(time.time())

    def signed(body: bytes, *, signer: Webhook = webhook, timestamp: int = now) -> dict[str, str]:
        message_id = f"msg_{secrets.token_hex(12)}"
        return {
            "svix-id": message_id,
            "svix-timestamp": str(timestamp),
            "svix-signature": signer.sign(message_id, timestamp, body),
        }

    bodies = {event_type: _body(event_type, data, now) for event_type, data in _payloads(now * 1000).items()}
    genuine = [
        Delivery(f"genuine {event_type}", signed(body), body, 200, _class_name(event_type))
        for event_type, body in bodies.items()
    ]
    body = bodies["user.created"]
    tampered = body.replace(b"Ada", b"Eve")
    broken = body.replace(b"Ada", b"\xff\xfe")
    stranger = Webhook(secrets.token_bytes(24))
    malformed = signed(body) | {"svix-timestamp": f"{now}.0"}
    return [
        *genuine,
        Delivery("forged (another secret)", signed(body, signer=stranger), body, 400, "signature_mismatch"),
        Delivery("stale (an hour old)", signed(body, timestamp=now - 3600), body, 400, "timestamp_too_old"),
        Delivery("tampered (a name changed)", signed(body), tampered, 400, "signature_mismatch"),
        Delivery("unsigned", {}, body, 400, "missing_header"),
        Delivery("malformed timestamp", malformed, body, 400, "invalid_header"),
        Delivery("signed, but not UTF-8", signed(broken), broken, 400, "invalid_payload"),
    ]


def deliver(delivery: Delivery, port: int) -> Result:
    """Send a delivery over HTTP, and return what the receiver made of it."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", delivery.body, {"content-type": "application/json", **delivery.headers})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    expected = (response.status, answer["outcome"]) == (delivery.status, delivery.outcome)
    return Result(delivery.name, response.status, answer["outcome"], answer["detail"], expected)


@contextmanager
def receiver(webhook: Webhook) -> Generator[int, None, None]:
    """Serve a receiver on a free loopback port, and yield the port."""
    handler = type("Receiver", (Receiver,), {"webhook": webhook})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def run(*, as_json: bool) -> int:
    """Run the demo.

    Args:
        as_json: Print one JSON object per delivery, rather than a table.

    Returns:
        0 if every delivery was answered as it should be, else 1.
    """
    webhook = Webhook("whsec_" + b64encode(secrets.token_bytes(24)).decode())
    with receiver(webhook) as port:
        results = [deliver(delivery, port) for delivery in deliveries(webhook)]
    return report(results, as_json=as_json)


def report(results: list[Result], *, as_json: bool) -> int:
    """Print what became of the deliveries; return 0 if that is as it should be, else 1."""
    if as_json:
        for result in results:
            print(json.dumps(asdict(result)))
    else:
        print(f"{'':3} {'delivery':39} {'status':6}  outcome")
        for result in results:
            print(
                f"{'ok' if result.expected else 'BAD':3} {result.delivery:39} {result.status:<6}  {result.outcome}\n"
                f"{'':4}{result.detail}"
            )
    unexpected = sum(not result.expected for result in results)
    if unexpected:
        print(f"{unexpected} of {len(results)} deliveries weren't answered as they should be.", file=sys.stderr)
    elif not as_json:
        print(f"All {len(results)} deliveries were answered as they should be.")
    return 1 if unexpected else 0


def _class_name(event_type: str) -> str:
    return events.EVENT_CLASSES.get(event_type, events.UnknownEvent).__name__


def _body(event_type: str, data: dict[str, Any], now: int) -> bytes:
    """Return the body of an event as Clerk sends it."""
    event = {
        "data": data,
        "event_attributes": {"http_request": {"client_ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}},
        "instance_id": "ins_2demo",
        "object": "event",
        "timestamp": now * 1000,
        "type": event_type,
    }
    return json.dumps(event).encode()


def _payloads(now: int) -> dict[str, dict[str, Any]]:
    """Return payloads by event type, cut down to what the demo reads; `now` is in milliseconds."""
    address: dict[str, Any] = {
        "id": "idn_1",
        "object": "email_address",
        "email_address": "ada@example.com",
        "linked_to": [],
    }
    user: dict[str, Any] = {
        "id": "user_1",
        "object": "user",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email_addresses": [address],
        "primary_email_address_id": "idn_1",
        "created_at": now,
        "updated_at": now,
    }
    organization = {"id": "org_1", "object": "organization", "name": "Analytical Engines", "slug": "engines"}
    return {
        "user.created": user,
        "user.updated": user | {"email_addresses": [address, address | {"id": "idn_2"}]},
        "organizationMembership.created": {
            "id": "orgmem_1",
            "object": "organization_membership",
            "role": "org:admin",
            "organization": organization,
            "public_user_data": {"user_id": "user_1", "first_name": "Ada", "last_name": "Lovelace"},
        },
        "session.created": {
            "id": "sess_1",
            "object": "session",
            "user_id": "user_1",
            "client_id": "client_1",
            "status": "active",
        },
        "user.teleported": {"id": "user_1", "object": "user"},
    }
