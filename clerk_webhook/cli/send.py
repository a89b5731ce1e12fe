"""`clerk-webhook send`: send a signed sample to an application, as the Dashboard's "Send Example" does."""

from __future__ import annotations

import secrets
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from .._parse import parse_event, parse_json
from ..errors import PayloadError
from ..events import data_type_of
from ..testing import sample_event
from ..testing._requests import as_body
from ..webhook import Webhook
from ._arguments import CommandError, add_secret, file_content, http_url, positive_int, webhook_of
from ._assign import assign
from ._attempts import deliver, new_message_id, signature_headers
from .events import known_type

SUMMARY = "send a signed sample to your application, as the Dashboard's Send Example does"
EXAMPLE = "clerk-webhook send user.created --url http://127.0.0.1:8000/api/webhooks --data first_name=Grace"

_HOUR = 3600


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("event", metavar="TYPE|@FILE", help="an event type, or a file with the body of an event")
    parser.add_argument("--url", required=True, type=http_url, help="the URL of your route")
    add_secret(parser)
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        type=_assignment,
        metavar="KEY=VALUE",
        help="set a key of the data, such as first_name=Grace or public_metadata.plan=pro; the value may be JSON",
    )
    parser.add_argument("--times", type=positive_int, default=1, metavar="N", help="send N messages")
    parser.add_argument("--same-id", action="store_true", help="send all messages under one message id, as duplicates")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--stale", action="store_true", help="sign as of an hour ago, and want a 4xx")
    modes.add_argument("--tamper", action="store_true", help="change the body after signing, and want a 4xx")
    modes.add_argument("--wrong-secret", action="store_true", help="sign with another secret, and want a 4xx")
    parser.add_argument("--json", action="store_true", help="print one JSON object per attempt")


def run(options: Namespace) -> int:
    """Send the messages; return 0 if each got the wanted answer, else 1."""
    webhook = Webhook(secrets.token_bytes(24)) if options.wrong_secret else webhook_of(options)
    body = _body(options)
    same_id = new_message_id()
    answered = [
        _deliver(options, webhook, same_id if options.same_id else new_message_id(), body) for _ in range(options.times)
    ]
    return 0 if all(answered) else 1


def _deliver(options: Namespace, webhook: Webhook, message_id: str, body: bytes) -> bool:
    """Send one message; return whether the wanted answer came."""
    wanted = 4 if options.stale or options.tamper or options.wrong_secret else 2
    signature = signature_headers(webhook, message_id, int(time.time()) - _HOUR * options.stale, body)
    sent = body + b" " if options.tamper else body
    answer = deliver(options, signature, sent, wanted=wanted, event_type=_event_type(body), message_id=message_id)
    return answer is not None and answer.status // 100 == wanted


def _body(options: Namespace) -> bytes:
    """Return the body to send, with the keys of --data set."""
    if options.event.startswith("@"):
        raw = file_content(options.event)
        if not options.data:
            return raw
        try:
            event = parse_event(raw)
        except PayloadError as error:
            raise CommandError(f"--data needs the body of an event in {options.event[1:]}: {error}") from None
    else:
        try:
            event = sample_event(known_type(options.event))
        except ArgumentTypeError as error:
            raise CommandError(str(error)) from None
    data_type = data_type_of(event.wire_type)
    for path, value in options.data:
        assign(event.data, data_type, path, value)
    return as_body(event)


def _event_type(body: bytes) -> str:
    try:
        return parse_event(body).wire_type
    except PayloadError:
        return "-"


def _assignment(argument: str) -> tuple[str, object]:
    """Return the path and the value of KEY=VALUE."""
    path, equals, text = argument.partition("=")
    if not (path and equals):
        raise ArgumentTypeError(f"{argument!r} is not KEY=VALUE.")
    try:
        return path, parse_json(text)
    except PayloadError:
        return path, text
