"""Start an example under its server, or an application in a thread, and talk to it over raw sockets.

So every byte is the test's own. A socket gives up after `PATIENCE` seconds, and the start of a server after `START`.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from select import select
from threading import Thread
from typing import NamedTuple

from deliveries import SECRET, signed

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATIENCE = 5
START = 30


class NotInstalledError(Exception):
    """The framework or the server isn't there."""


class Server:
    """An example that is running."""

    def __init__(self, port, log):
        self.port = port
        self._log = log

    def output(self):
        """Return what it has written so far, to standard output and standard error."""
        return self._log.read_text(errors="replace")

    def writes(self, text):
        """Tell whether this is in its output, soon."""
        return soon(lambda: text in self.output())


@contextmanager
def start_server(arguments, log):
    """Run `python <arguments>` among the examples for as long as the block lasts.

    `{port}` stands for the port in the arguments. Examples that are their own server read it from `PORT`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET, "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments.format(port=port).split()],
            cwd=EXAMPLES,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # which makes a group of it and its workers
        )
    try:
        soon(lambda: process.poll() is not None or _listens(port), START)
        if process.poll() is not None or not _listens(port):
            text = log.read_text(errors="replace")
            missing = re.search(r"No module named '?(?!clerk_webhook)(\w+)", text)
            if missing:
                raise NotInstalledError(f"{missing[1]} is not installed")
            raise RuntimeError(f"python {arguments} doesn't start: {text}")
        yield Server(port, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


class Served(NamedTuple):
    """An application that is running in a thread of the test's process."""

    port: int


@contextmanager
def serve_asgi(app, **options):
    """Run an ASGI application under uvicorn for as long as the block lasts."""
    from uvicorn import Config
    from uvicorn import Server as Uvicorn

    server = Uvicorn(Config(app, port=0, log_config=None, **options))
    thread = Thread(target=server.run)
    thread.start()
    try:
        assert soon(lambda: server.started, START)
        yield Served(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        thread.join(START)


@contextmanager
def serve_wsgi(server):
    """Run a server of the standard library's kind for as long as the block lasts."""
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Served(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(START)


def locals_below(error):
    """Return the local variables of all frames that an exception passed through, except the test's own, as text."""
    frames = error.__traceback__.tb_next
    shown = []
    while frames:
        shown.append(repr(frames.tb_frame.f_locals))
        frames = frames.tb_next
    return "\n".join(shown)


def soon(condition, seconds=PATIENCE):
    """Wait until a condition holds, and tell whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Delivery:
    """A delivery, genuine at first, which the cases change before they send it. No other delivery has its user.

    That user's id is in the output of a server once a handler has seen the event, and not before.
    """

    def __init__(self):
        self.user_id = f"user_{uuid.uuid4().hex}"
        event = {"data": {"id": self.user_id, "first_name": "Zoë"}, "object": "event", "type": "user.created"}
        self.body = json.dumps(event, ensure_ascii=False).encode()
        self.headers = {"content-type": [b"application/json"]}
        self.sign()

    def sign(self, *, secret=SECRET, age=0, fraction=""):
        """Sign the body as it is now, as of so many seconds ago."""
        timestamp = f"{int(time.time()) - age}{fraction}"
        headers = signed(self.body, secret=secret, message_id="msg_" + self.user_id, timestamp=timestamp)
        self.headers |= {name: [value.encode()] for name, value in headers.items()}


class Answer:
    """An answer, with the names of its headers in lower case."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


def head(path, headers, *, method="POST"):
    """Return the bytes of a request before its body. The values of headers are lists, one line for each item."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"host: 127.0.0.1", b"connection: close"]
    lines += [name.encode() + b": " + value for name, values in headers.items() for value in values]
    return b"\r\n".join([*lines, b"", b""])


def length(size):
    """Return the header that announces a body of this size."""
    return {"content-length": [b"%d" % size]}


def request(path, delivery):
    """Return the bytes of a delivery, the length of its body announced."""
    return head(path, delivery.headers | length(len(delivery.body))) + delivery.body


def connect(server):
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE)


def read_answer(connection):
    """Read the answer from a connection."""
    with HTTPResponse(connection) as response:
        response.begin()
        return Answer(response)


def send(server, *pieces, pause=0.0):
    """Send bytes over a connection of their own, and return the answer."""
    with connect(server) as connection:
        for number, piece in enumerate(pieces):
            time.sleep(pause if number else 0)
            # A client that is answered before the end may find the connection closed.
            with suppress(ConnectionError):
                connection.sendall(piece)
        return read_answer(connection)


def pour(server, start, size, end=b""):
    """Send `start` and so many bytes after it, but no more once there is an answer.

    Returns:
        The answer, and how many of the bytes were sent.
    """
    piece = bytes(16 << 10)
    sent = 0
    with connect(server) as connection:
        # Small, so that what was sent is little more than what was read.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, len(piece))
        connection.sendall(start)
        with suppress(ConnectionError):
            while sent < size:
                answered, writable, _ = select([connection], [connection], [], PATIENCE)
                if answered:
                    break
                if not writable:
                    raise TimeoutError(f"It neither reads on nor answers after {sent} bytes.")
                sent += connection.send(piece[: size - sent])
            else:
                connection.sendall(end)
        return read_answer(connection), sent
