"""`clerk-webhook demo`: a receiver, real HTTP deliveries to it, and the answer to each."""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
import time
from base64 import b64encode
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING

from .. import events
from .._parse import parse_event
from ..errors import ClerkWebhookError
from ..inbox import CREATE_TABLE, record_newest
from ..testing import sample_event, signed_request
from ..users import full_name, primary_email_address
from ..webhook import Webhook
from ._http import post

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["EXAMPLE", "SUMMARY", "configure", "run"]

SUMMARY = "start a receiver on this machine, send genuine and bad deliveries to it, and show the answer to each"
EXAMPLE = "clerk-webhook demo"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object per delivery")


def read_typed(event: events.WebhookEvent) -> str:
    """Read the keys that only this type of event has, as a handler would."""
    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            return f"{full_name(user) or 'no name'}, {primary_email_address(user) or 'no address'}"
        case events.OrganizationMembershipCreated(data=membership):
            return f"{membership['role']} of {membership['organization']['name']}"
        case events.SessionCreated(data=session):
            return f"session {session['status']}, client {session['client_id']}"
        case events.UnknownEvent(wire_type=wire_type):
            return f"a type newer than this release: {wire_type}"
        case _:
            return f"nothing is read from {event.type}"


class Receiver(BaseHTTPRequestHandler):
    """An application's webhook route, on the bare standard library. Users are kept in order by the inbox."""

    webhook: Webhook
    database: sqlite3.Connection
    lock: Lock

    def do_POST(self) -> None:  # the name is http.server's
        """Verify, parse and use a delivery. A refusal is answered with the status of the error."""
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = self.webhook.verify_and_parse(self.headers, body)
            status, outcome, detail = 200, type(event).__name__, read_typed(event)
            if isinstance(event, events.UserCreated | events.UserUpdated):
                with self.lock, self.database:  # the connection commits the gate and the effect together
                    if not record_newest(self.database, event):
                        outcome, detail = "not_newer", "the inbox has this version or a newer one: nothing is written"
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
    """A request, and the answer that is expected."""

    name: str
    headers: dict[str, str]
    body: bytes
    status: int
    outcome: str


@dataclass(frozen=True)
class Result:
    """The answer to a delivery."""

    delivery: str
    status: int
    outcome: str
    detail: str
    expected: bool


def deliveries(secret: str) -> list[Delivery]:
    """Return genuine deliveries of five types, a duplicate, a late one, and one for each reason to refuse."""
    sample = sample_event(events.UserCreated)
    update = sample_event(events.UserUpdated)
    late = sample_event(events.UserUpdated, updated_at=update.data["updated_at"] - 1)
    genuine = [
        sample,
        update,
        sample_event(events.OrganizationMembershipCreated),
        sample_event(events.SessionCreated),
        parse_event(sample.payload | {"type": "user.teleported"}),
    ]
    now = int(time.time())
    request = signed_request(sample, secret, timestamp=now)
    tampered = request.body.replace(b"Ada", b"Eve")
    broken = signed_request(request.body.replace(b"Ada", b"\xff\xfe"), secret)
    forged = signed_request(sample, secrets.token_bytes(24))
    stale = signed_request(sample, secret, timestamp=now - 3600)
    malformed = request.headers | {"svix-timestamp": f"{now}.0"}
    unsigned = {"content-type": "application/json"}
    return [
        *(
            Delivery(f"genuine {event.wire_type}", *signed_request(event, secret), 200, type(event).__name__)
            for event in genuine
        ),
        Delivery("duplicate user.updated", *signed_request(update, secret), 200, "not_newer"),
        Delivery("late user.updated", *signed_request(late, secret, message_id="msg_late"), 200, "not_newer"),
        Delivery("forged (another secret)", *forged, 400, "signature_mismatch"),
        Delivery("stale (an hour old)", *stale, 400, "timestamp_too_old"),
        Delivery("tampered (a name changed)", request.headers, tampered, 400, "signature_mismatch"),
        Delivery("unsigned", unsigned, request.body, 400, "missing_header"),
        Delivery("malformed timestamp", malformed, request.body, 400, "invalid_header"),
        Delivery("signed, but not UTF-8", *broken, 400, "invalid_payload"),
    ]


def deliver(delivery: Delivery, port: int) -> Result:
    """Send a delivery over HTTP, and return the receiver's answer."""
    answer = post(f"http://127.0.0.1:{port}/", delivery.headers.items(), delivery.body)
    told = json.loads(answer.body)
    expected = (answer.status, told["outcome"]) == (delivery.status, delivery.outcome)
    return Result(delivery.name, answer.status, told["outcome"], told["detail"], expected)


@contextmanager
def receiver(webhook: Webhook) -> Generator[int, None, None]:
    """Serve a receiver on a free loopback port, and yield the port."""
    # Each connection has a thread of its own, and the lock lets one of them in.
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute(CREATE_TABLE)
    handler = type("Receiver", (Receiver,), {"webhook": webhook, "database": database, "lock": Lock()})
    with closing(database), ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def run(options: Namespace) -> int:
    """Run the demo; return 0 if every answer is the expected one, else 1."""
    secret = "whsec_" + b64encode(secrets.token_bytes(24)).decode()
    with receiver(Webhook(secret)) as port:
        results = [deliver(delivery, port) for delivery in deliveries(secret)]
    return report(results, as_json=options.json)


def report(results: list[Result], *, as_json: bool) -> int:
    """Print the answers; return 0 if each is the expected one, else 1."""
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
        print(f"{unexpected} of {len(results)} deliveries were not answered as expected.", file=sys.stderr)
    elif not as_json:
        print(f"All {len(results)} deliveries were answered as expected.")
    return 1 if unexpected else 0
