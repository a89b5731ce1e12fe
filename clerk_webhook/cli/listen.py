"""`clerk-webhook listen`: receive deliveries on this machine, explain them, and pass them on."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from argparse import ArgumentTypeError
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .._parse import parse_event
from .._reception import MAX_BODY, Response, respond
from ..errors import PayloadError, WebhookVerificationError
from ..webhook import Webhook
from ._arguments import CommandError, add_secret, configured_secrets, http_url, webhook_of
from ._captures import capture_record, message_id_of
from ._http import NoAnswerError, advice, post
from ._style import paint, printable
from .diagnose import diagnose_any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from .._reception import Outcome
    from ..events import WebhookEvent

__all__ = ["EXAMPLE", "SUMMARY", "configure", "run"]

SUMMARY = "receive deliveries on this machine: verify, explain, print, and pass them on"
EXAMPLE = "clerk-webhook listen --forward-to http://127.0.0.1:8000/api/webhooks --save deliveries.ndjson"

# RFC 9110, section 7.6.1: "intermediaries SHOULD remove or replace fields that are known to require removal before
# forwarding".
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"}
# A new request has a host and a length of its own. A compressed answer could be neither shown nor passed back.
_NOT_FORWARDED = _HOP_BY_HOP | {"transfer-encoding", "upgrade", "expect", "host", "content-length", "accept-encoding"}
# The headers of an application's answer that Svix reads.
_PASSED_BACK = ("retry-after", "webhook-delivery")
# The keys of email.created and sms.created that hold one-time codes.
_MASKED = {"subject", "body", "body_plain", "message", "data"}
# Any, because isinstance with dict itself narrows to a dict of unknown types.
_DICT: Any = dict
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,6}[ \t]*(?:;[^\n]*)?\r?\n").fullmatch


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--port", type=_port, default=3000, help="the port on 127.0.0.1 (default 3000; 0: a free one)")
    parser.add_argument("--path", type=_path, default="/api/webhooks", help="the path (default /api/webhooks)")
    add_secret(parser)
    parser.add_argument("--forward-to", type=http_url, metavar="URL", help="pass verified deliveries on to this URL")
    parser.add_argument("--forward-unverified", action="store_true", help="pass all other deliveries on too")
    parser.add_argument("--save", metavar="FILE", help="append every delivery to a file, codes included")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the bodies, with one-time codes masked")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line, as --save writes them")


def run(options: Namespace) -> int:
    """Listen until Ctrl-C."""
    secrets = configured_secrets() if options.secret is None else [options.secret]
    webhook = webhook_of(options) if secrets else None
    target = urlsplit(options.forward_to or "")
    if target.port == options.port and target.hostname in {"127.0.0.1", "localhost"}:
        raise CommandError("--forward-to is the address of this listener: choose another port for it by --port.")
    try:
        saved = None if options.save is None else os.open(options.save, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandError(f"can't write {options.save}: {error.strerror}.") from None
    listener = _Listener(options, webhook, secrets, saved, Lock(), [])
    try:
        server = _Server(("127.0.0.1", options.port), type("Handler", (_Handler,), {"listener": listener}))
    except OSError as error:
        raise CommandError(
            f"can't listen on port {options.port}: {error.strerror}. Choose another by --port.", 1
        ) from None
    with server:
        _announce(f"http://127.0.0.1:{server.server_address[1]}{options.path}", options, verifies=webhook is not None)
        server.serve_forever(poll_interval=0.1)
    raise listener.failures[0]  # nothing else ends it, besides Ctrl-C


def _announce(url: str, options: Namespace, *, verifies: bool) -> None:
    """Print the ready line."""
    if not verifies:
        print(
            "clerk-webhook listen: NO SIGNING SECRET, SO NOTHING IS VERIFIED. Pass --secret, or set "
            "CLERK_WEBHOOK_SIGNING_SECRET.",
            file=sys.stderr,
            flush=True,
        )
    if options.json:
        print(json.dumps({"type": "ready", "relay_url": url, "forward_to": options.forward_to}), flush=True)
    else:
        print(
            f"Listening on {url}" + (f", forwarding to {options.forward_to}" if options.forward_to else ""), flush=True
        )


class _Reply(NamedTuple):
    """The answer to the sender, and the words that explain the answer in the terminal."""

    status: int
    headers: dict[str, str]
    body: bytes
    words: str = ""
    forward_status: int | None = None
    latency_ms: int = 0


class _Listener(NamedTuple):
    """Verifies, forwards, saves and prints each delivery.

    Attributes:
        options: The parsed arguments.
        webhook: Verifies. None if no secret is configured.
        secrets: The secrets of the webhook.
        saved: The file descriptor of `--save`.
        lock: Keeps the lines of two deliveries apart.
        failures: The errors that end the command: a delivery could not be saved or printed.
    """

    options: Namespace
    webhook: Webhook | None
    secrets: list[str]
    saved: int | None
    lock: Lock
    failures: list[OSError | CommandError]

    def receive(self, pairs: list[tuple[str, str]], body: bytes) -> _Reply:
        """Process a delivery, and return the answer to the sender."""
        verdict, explanation = self._verdict(pairs, body)
        reply = self._forward(pairs, body, verdict)
        headers = _joined(pairs)
        event = _event(body)
        name = event.wire_type if event else None
        record = capture_record(headers, body, name, reply.forward_status, reply.latency_ms)
        with self.lock:
            try:
                self._save(record)
                if self.options.json:
                    print(json.dumps(record | {"verdict": verdict, "explanation": explanation}), flush=True)
                else:
                    shown = [printable(text or "-")[:64] for text in (name, message_id_of(headers))]
                    painted = paint(verdict, "good" if verdict == "verified" else "bad")
                    words = f"{explanation} {reply.words}".strip()
                    print("  ".join([time.strftime("%H:%M:%S"), *shown, painted, words]).rstrip(), flush=True)
                    if self.options.verbose and event:
                        print(json.dumps(_masked(event), indent=2), flush=True)
            except (OSError, CommandError) as error:
                self.failures.append(error)
        return reply

    def _save(self, record: dict[str, Any]) -> None:
        """Append a delivery to the file of `--save`."""
        if self.saved is not None:
            try:
                os.write(self.saved, json.dumps(record).encode() + b"\n")
            except OSError as error:
                raise CommandError(f"can't write {self.options.save}: {error.strerror}.", 1) from None

    def _verdict(self, pairs: list[tuple[str, str]], body: bytes) -> tuple[str, str]:
        """Return `verified`, `refused` or `unverified`, and the reason."""
        if self.webhook is None:
            return "unverified", ""
        try:
            self.webhook.verify(pairs, body)
        except WebhookVerificationError as error:
            return "refused", f"({error.code}) {diagnose_any(pairs, body, self.secrets).message}"
        return "verified", ""

    def _forward(self, pairs: list[tuple[str, str]], body: bytes, verdict: str) -> _Reply:
        """Pass a delivery on to the application, unless the options keep it back."""
        if self.options.forward_to is None or not (verdict == "verified" or self.options.forward_unverified):
            return _Reply(*respond("refused" if verdict == "refused" else "handled"))
        forwarded = [(name, value) for name, value in pairs if name.lower() not in _NOT_FORWARDED]
        try:
            answer = post(self.options.forward_to, forwarded, body)
        except NoAnswerError as error:
            return _Reply(HTTPStatus.BAD_GATEWAY, {}, str(error).encode(), f"-> 502: {error}")
        hint = advice(answer.status)
        words = f"-> {answer.status} in {answer.milliseconds} ms  {answer.text()}{f' ({hint})' if hint else ''}"
        passed_back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        return _Reply(answer.status, passed_back, answer.body, words, answer.status, answer.milliseconds)


class _Server(ThreadingHTTPServer):
    """Accepts connections from this machine."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # socketserver's
        """Say in one line that a connection broke."""
        print(f"clerk-webhook listen: a connection broke: {type(sys.exception()).__name__}.", file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, and writes the answer of the listener."""

    protocol_version = "HTTP/1.1"
    server_version = "clerk-webhook"
    sys_version = ""
    timeout = 30
    listener: _Listener

    def do_POST(self) -> None:  # the name is http.server's
        """Receive a delivery."""
        path = self.listener.options.path
        if self.path.partition("?")[0] != path:
            self._refuse(Response(HTTPStatus.NOT_FOUND, {}, f"listening at {path}".encode()))
            return
        body = self._body()
        if not isinstance(body, bytes):
            self._refuse(respond(body))
            return
        reply = self.listener.receive(list(self.headers.items()), body)
        self._send(reply.status, reply.headers, reply.body)
        if self.listener.failures:
            self.server.shutdown()

    def do_GET(self) -> None:  # the name is http.server's
        """Refuse every other method."""
        self._refuse(respond("method_not_allowed"))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # the names are http.server's

    def _body(self) -> bytes | Outcome:
        """Return the body, or the outcome if it cannot be read."""
        if "transfer-encoding" in self.headers:
            return self._chunks()
        length = self.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 20):  # noqa: PLR2004  # digits
            return "refused"
        if int(length) > MAX_BODY:
            return "too_large"
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else "refused"

    def _chunks(self) -> bytes | Outcome:
        """Return a body that comes in chunks: RFC 9112, section 7.1. Tunnels send such bodies."""
        body = bytearray()
        while True:
            line = self.rfile.readline(1000)
            if not _CHUNK_SIZE(line):
                return "refused"
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline(1000).strip():
                    pass  # trailers
                return bytes(body)
            if len(body) + size > MAX_BODY:
                return "too_large"
            body += self.rfile.read(size)
            self.rfile.readline(2)

    def _refuse(self, response: Response) -> None:
        """Answer a request that is not a delivery. Its body is not read to the end, so the connection ends."""
        asked = printable(f"{self.command} {self.path}")[:64]
        print(
            f"clerk-webhook listen: answered {asked} with {response.status} ({response.body.decode()}).",
            file=sys.stderr,
        )
        self.close_connection = True
        self._send(*response)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Print nothing, because the listener prints one line per delivery."""


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return headers as an object, with names in lower case."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _event(body: bytes) -> WebhookEvent | None:
    try:
        return parse_event(body)
    except PayloadError:
        return None


def _masked(event: WebhookEvent) -> dict[str, Any]:
    """Return a body without one-time codes."""
    data: Any = event.payload.get("data")
    if not event.wire_type.startswith(("email.", "sms.")):
        return event.payload
    if not isinstance(data, _DICT):
        return event.payload | {"data": "(masked)"}
    return event.payload | {"data": {key: "(masked)" if key in _MASKED else value for key, value in data.items()}}


def _port(argument: str) -> int:
    if not (argument.isascii() and argument.isdigit() and len(argument) < 6 and int(argument) < 1 << 16):  # noqa: PLR2004
        raise ArgumentTypeError(f"{argument!r} is not a port from 0 to 65535.")
    return int(argument)


def _path(argument: str) -> str:
    # The path of a request has other characters in percent-encoding.
    if not re.fullmatch(r"/[!-~]*", argument) or "?" in argument:
        raise ArgumentTypeError(f"{argument!r} is not a path such as /api/webhooks.")
    return argument
