"""`clerk-webhook demo`: a receiver, real HTTP deliveries to it, and the answer to each."""

from __future__ import annotations

import json
import secrets
import sqlite3
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from .. import events
from .._parse import parse_event
from ..errors import ClerkWebhookError
from ..inbox import CREATE_TABLE, record_newest
from ..testing import SignedRequest, sample_event, signed_request
from ..users import full_name, primary_email_address
from ..webhook import Webhook
from ._http import post
from .secret import new_secret

SUMMARY = "start a receiver on this machine, send genuine and bad deliveries to it, and show the answer to each"
EXAMPLE = "clerk-webhook demo"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object per delivery")


class Receiver(BaseHTTPRequestHandler):
    """An application's webhook route, on the bare standard library. Users are kept in order by the inbox."""

    webhook: Webhook
    database: sqlite3.Connection

    def do_POST(self) -> None:  # the name is http.server's
        """Verify, parse and use a delivery. A refusal is answered with the status of the error."""
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = self.webhook.verify_and_parse(self.headers, body)
            status, outcome, detail = 200, type(event).__name__, repr(event)
            if isinstance(event, events.UserCreated | events.UserUpdated):
                detail = f"{full_name(event.data) or 'no name'}, {primary_email_address(event.data)}"
                with self.database:  # commits the gate and the effect together
                    if not record_newest(self.database, event):
                        outcome, detail = "not_newer", "the inbox has this version or a newer one: nothing is written"
        except ClerkWebhookError as error:
            status, outcome, detail = error.status, error.code, str(error)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"outcome": outcome, "detail": detail}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Leave the terminal to the table."""


def deliveries(secret: str) -> Iterator[tuple[str, SignedRequest, int, str]]:
    """Yield the name, the request, and the status and the outcome that are expected."""
    sample = sample_event(events.UserCreated)
    update = sample_event(events.UserUpdated)
    late = sample_event(events.UserUpdated, updated_at=update.data["updated_at"] - 1)
    newer = parse_event({**sample.payload, "type": "user.teleported"})
    now = int(time.time())
    genuine = signed_request(sample, secret, timestamp=now)
    headers, body = genuine
    yield "genuine user.created", genuine, 200, "UserCreated"
    for event in (update, sample_event(events.OrganizationMembershipCreated), newer):
        yield f"genuine {event.wire_type}", signed_request(event, secret), 200, type(event).__name__
    yield "duplicate user.updated", signed_request(update, secret), 200, "not_newer"
    yield "late user.updated", signed_request(late, secret, message_id="msg_late"), 200, "not_newer"
    forged = signed_request(sample, secrets.token_bytes(24))
    yield "forged (another secret)", forged, 400, "signature_mismatch"
    stale = signed_request(sample, secret, timestamp=now - 3600)
    yield "stale (an hour old)", stale, 400, "timestamp_too_old"
    tampered = SignedRequest(headers, body.replace(b"Ada", b"Eve"))
    yield "tampered (a name changed)", tampered, 400, "signature_mismatch"
    yield "unsigned", SignedRequest({}, body), 400, "missing_header"
    malformed = SignedRequest(headers | {"svix-timestamp": f"{now}.0"}, body)
    yield "malformed timestamp", malformed, 400, "invalid_header"
    broken = signed_request(body.replace(b"Ada", b"\xff\xfe"), secret)
    yield "signed, but not UTF-8", broken, 400, "invalid_payload"


def run(options: Namespace) -> int:
    """Print the answer to each delivery; return 0 if all are the expected ones, else 1."""
    secret = new_secret()
    unexpected = 0
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as database:
        database.execute(CREATE_TABLE)
        handler = type("Receiver", (Receiver,), {"webhook": Webhook(secret), "database": database})
        with HTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            for name, (headers, body), status, outcome in deliveries(secret):
                response = post(f"http://127.0.0.1:{server.server_address[1]}/", headers.items(), body)
                answer = json.loads(response.body)
                expected = (response.status, answer["outcome"]) == (status, outcome)
                unexpected += not expected
                if options.json:
                    print(json.dumps({"delivery": name, "status": response.status, **answer, "expected": expected}))
                else:
                    print(f"{'ok' if expected else 'BAD':3} {name:39} {response.status}  {answer['outcome']}")
                    print(f"    {answer['detail']}")
            server.shutdown()
    if unexpected:
        print(f"{unexpected} deliveries were not answered as expected.", file=sys.stderr)
    elif not options.json:
        print("All deliveries were answered as expected.")
    return 1 if unexpected else 0
