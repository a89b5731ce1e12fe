"""`clerk-webhook listen`: receive deliveries on this machine, explain them, and pass them on."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from base64 import b64encode
from collections.abc import Mapping
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .._parse import parse_event
from .._reception import MAX_BODY, Refused, respond
from ..diagnosis import diagnose
from ..errors import PayloadError, WebhookVerificationError
from ..webhook import Webhook
from ._arguments import CommandError, add_secret, http_url, secret_in_environment, webhook_of
from ._captures import message_id_of
from ._http import NoAnswerError, explained, post
from ._masks import shown_payload
from ._style import paint, printable

SUMMARY = "receive deliveries on this machine: verify, explain, print, and pass them on"
EXAMPLE = "clerk-webhook listen --forward-to http://127.0.0.1:8000/api/webhooks --save deliveries.ndjson"

# A stranger's delivery of this size takes 100 MB while its cause is looked for.
_AT_ONCE = 8
# The sizes of all chunks, and the trailers. A chunk of one byte takes four bytes here.
_MAX_FRAMING = 1 << 16
# RFC 9110, section 7.6.1: "intermediaries SHOULD remove or replace fields that are known to require removal before
# forwarding".
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"}
# A new request has a host and a length of its own. A compressed answer could be neither shown nor passed back.
_NOT_FORWARDED = _HOP_BY_HOP | {"transfer-encoding", "upgrade", "expect", "host", "content-length", "accept-encoding"}
# The headers of an application's answer that Svix reads.
_PASSED_BACK = ("retry-after", "webhook-delivery")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,6})[ \t]*(?:;[^\n]*)?\r?\n").fullmatch


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--port", type=_port, default=3000, help="the port on 127.0.0.1 (default 3000; 0: a free one)")
    parser.add_argument("--path", type=_path, default="/api/webhooks", help="the path (default /api/webhooks)")
    add_secret(parser)
    parser.add_argument("--forward-to", type=http_url, metavar="URL", help="pass verified deliveries on to this URL")
    parser.add_argument("--forward-unverified", action="store_true", help="pass all other deliveries on too")
    parser.add_argument(
        "--save",
        metavar="FILE",
        help="append every delivery with its verdict and its codes to a file that only you may read",
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print the payloads, with codes, tokens and links masked"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line, as --save writes them")


def run(options: Namespace) -> int:
    """Listen until Ctrl-C."""
    secret = secret_in_environment() if options.secret is None else options.secret
    webhook = webhook_of(options) if secret or options.secret is not None else None
    target = urlsplit(options.forward_to or "")
    if target.port == options.port and target.hostname in {"127.0.0.1", "localhost"}:
        raise CommandError("--forward-to is the address of this listener: choose another port for it by --port.")
    listener = _Listener(options, webhook, secret, _open(options.save), Lock(), BoundedSemaphore(_AT_ONCE), [])
    try:
        server = _Server(("127.0.0.1", options.port), type("Handler", (_Handler,), {"listener": listener}))
    except OSError as error:
        raise CommandError(
            f"can't listen on port {options.port}: {error.strerror}. Choose another by --port.", 1
        ) from None
    with server:
        if not webhook:
            warning = "NO SIGNING SECRET, SO NOTHING IS VERIFIED. Pass --secret, or set CLERK_WEBHOOK_SIGNING_SECRET."
            print(f"clerk-webhook listen: {warning}", file=sys.stderr, flush=True)
        url = f"http://127.0.0.1:{server.server_address[1]}{options.path}"
        ready = {"type": "ready", "relay_url": url, "forward_to": options.forward_to}
        forwarding = f", forwarding to {options.forward_to}" if options.forward_to else ""
        print(json.dumps(ready) if options.json else f"Listening on {url}{forwarding}", flush=True)
        server.serve_forever(poll_interval=0.1)
    raise listener.failures[0]  # nothing else ends it, besides Ctrl-C


def _open(path: str | None) -> int | None:
    """Open the file of `--save`. The deliveries are personal data, so other users may not read them."""
    if path is None:
        return None
    try:
        saved = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        mode = os.fstat(saved).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):  # it existed before
            Path(path).chmod(0o600)
    except OSError as error:
        raise CommandError(f"can't write {path}: {error.strerror}.") from None
    return saved


class _Reply(NamedTuple):
    """The answer to the sender, and the words that explain the answer in the terminal."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    words: str = ""
    forward_status: int | None = None
    latency_ms: int = 0


class _Listener(NamedTuple):
    """Verifies, forwards, saves and prints each delivery.

    Attributes:
        options: The parsed arguments.
        webhook: Verifies. None if no secret is configured.
        secret: The secret of the webhook, or several with white space between them.
        saved: The file descriptor of `--save`.
        lock: Keeps the lines of two deliveries apart.
        slots: Bounds the deliveries that are at work at once.
        failures: The errors that end the command: a delivery could not be saved or printed.
    """

    options: Namespace
    webhook: Webhook | None
    secret: str
    saved: int | None
    lock: Lock
    slots: BoundedSemaphore
    failures: list[OSError | CommandError]

    def receive(self, headers: Message[str, str], body: bytes) -> _Reply:
        """Process a delivery, and return the answer to the sender."""
        verdict, explanation = self._verdict(headers.items(), body)
        reply = self._forward(headers.items(), body, verdict)
        joined = {name.lower(): ", ".join(headers.get_all(name, [])) for name in headers}
        message_id = message_id_of(joined)
        try:
            event = parse_event(body, message_id=printable(message_id or "-")[:64])
        except PayloadError:
            event = None
        name = event.wire_type if event else None
        record = {
            "type": "event",
            "svix_id": message_id,
            "event_type": name,
            "headers": joined,
            "body_b64": b64encode(body).decode(),
            "forward_status": reply.forward_status,
            "latency_ms": reply.latency_ms,
            "verdict": verdict,
        }
        with self.lock:
            try:
                self._save(record)
                if self.options.json:
                    print(json.dumps(record | {"explanation": explanation}), flush=True)
                else:
                    shown = [printable(text or "-")[:64] for text in (name, message_id)]
                    painted = paint(verdict, "good" if verdict == "verified" else "bad")
                    words = f"{explanation} {reply.words}".strip()
                    print("  ".join([time.strftime("%H:%M:%S"), *shown, painted, words]).rstrip(), flush=True)
                    if self.options.verbose and event:
                        print(shown_payload(event), flush=True)
            except (OSError, CommandError) as error:
                self.failures.append(error)
        return reply

    def _save(self, record: Mapping[str, Any]) -> None:
        """Append a delivery to the file of `--save`."""
        if self.saved is not None:
            line = json.dumps(record).encode() + b"\n"
            try:
                while line:  # a disk that is nearly full takes a part first
                    line = line[os.write(self.saved, line) :]
            except OSError as error:
                raise CommandError(f"can't write {self.options.save}: {error.strerror}.", 1) from None

    def _verdict(self, pairs: list[tuple[str, str]], body: bytes) -> tuple[str, str]:
        """Return `verified`, `refused` or `unverified`, and the reason."""
        if self.webhook is None:
            return "unverified", ""
        try:
            self.webhook.verify(pairs, body)
        except WebhookVerificationError as error:
            return "refused", f"({error.code}) {diagnose(pairs, body, self.secret).message}"
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
        words = f"-> {answer.status} in {answer.milliseconds} ms  {explained(answer)}".rstrip()
        passed_back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        return _Reply(answer.status, passed_back, answer.body, words, answer.status, answer.milliseconds)


class _Server(ThreadingHTTPServer):
    """Accepts connections from this machine."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  # socketserver's
        """Say in one line that a connection broke."""
        print(f"clerk-webhook listen: a connection broke: {type(sys.exception()).__name__}.", file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    """Reads one request, writes the answer of the listener, and ends the connection.

    A connection of one request has one answer, whatever the request says about its length.
    """

    protocol_version = "HTTP/1.1"
    server_version = "clerk-webhook"
    sys_version = ""
    timeout = 30
    listener: _Listener

    def do_POST(self) -> None:  # the name is http.server's
        """Receive a delivery."""
        path = self.listener.options.path
        if self.path.partition("?")[0] != path:
            self._refuse(_Reply(HTTPStatus.NOT_FOUND, {}, f"listening at {path}".encode()))
            return
        try:
            body = self._chunks() if "transfer-encoding" in self.headers else self._sized()
        except Refused as error:
            self._refuse(_Reply(*respond(error.outcome)))
            return
        with self.listener.slots:
            reply = self.listener.receive(self.headers, body)
        self._send(reply)
        if self.listener.failures:
            self.server.shutdown()

    def do_GET(self) -> None:  # the name is http.server's
        """Refuse every other method."""
        self._refuse(_Reply(*respond("method_not_allowed")))

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # the names are http.server's

    def _sized(self) -> bytes:
        """Return a body whose length the headers say."""
        length, *more = self.headers.get_all("content-length", ["0"])
        if more or not re.fullmatch(r"[0-9]{1,19}", length):
            raise Refused("refused")
        if int(length) > MAX_BODY:
            raise Refused("too_large")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise Refused("refused")
        return body

    def _chunks(self) -> bytes:
        """Return a body that comes in chunks: RFC 9112, section 7.1. Tunnels send such bodies."""
        # RFC 9112, section 6.3: a message with both "might indicate an attempt to perform request smuggling".
        if "content-length" in self.headers or self.headers.get_all("transfer-encoding") != ["chunked"]:
            raise Refused("refused")
        body = bytearray()
        left = _MAX_FRAMING

        def line() -> bytes:
            nonlocal left
            text = self.rfile.readline(left)
            left -= len(text)
            if not text.endswith(b"\n"):
                raise Refused("refused")
            return text

        while True:
            head = _CHUNK_SIZE(line())
            if head is None:
                raise Refused("refused")
            size = int(head[1], 16)
            if size == 0:
                break
            if len(body) + size > MAX_BODY:
                raise Refused("too_large")
            body += self.rfile.read(size)
            if line().strip():
                raise Refused("refused")
        while line().strip():
            pass  # trailers
        return bytes(body)

    def _refuse(self, reply: _Reply) -> None:
        """Answer a request that is not a delivery."""
        asked = printable(f"{self.command} {self.path}")[:64]
        print(f"clerk-webhook listen: answered {asked} with {reply.status} ({reply.body.decode()}).", file=sys.stderr)
        self._send(reply)

    def _send(self, reply: _Reply) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, "content-length": str(len(reply.body)), "connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Print nothing, because the listener prints one line per delivery."""


def _port(argument: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", argument) or int(argument) >= 1 << 16:
        raise ArgumentTypeError(f"{argument!r} is not a port from 0 to 65535.")
    return int(argument)


def _path(argument: str) -> str:
    # The path of a request has other characters in percent-encoding.
    if not re.fullmatch(r"/[!-~]*", argument) or "?" in argument:
        raise ArgumentTypeError(f"{argument!r} is not a path such as /api/webhooks.")
    return argument
