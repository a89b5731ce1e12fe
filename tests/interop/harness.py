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

    def __init__(self, port, pid, log):
        self.port, self.pid = port, pid
        self._log = log

    def output(self):
        """Return what it has written so far, to standard output and standard error."""
        return self._log.read_text(errors="replace")

    def writes(self, text):
        """Tell whether this is in its output, soon."""
        return soon(lambda: text in self.output())


@contextmanager
def start_server(arguments, log, directory=EXAMPLES):
    """Run `python <arguments>` in a directory for as long as the block lasts.

    `{port}` stands for the port in the arguments. Examples that are their own server read it from `PORT`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET, "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments.format(port=port).split()],
            cwd=directory,
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
        yield Server(port, process.pid, log)
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

    The id of the user is in the output of a server once for each time that a handler has seen the event.
    """

    def __init__(self):
        self.user_id, self.message_id = f"user_{uuid.uuid4().hex}", f"msg_{uuid.uuid4().hex}"
        event = {"data": {"id": self.user_id, "first_name": "Zoë"}, "object": "event", "type": "user.created"}
        self.body = json.dumps(event, ensure_ascii=False).encode()
        self.headers = {"content-type": [b"application/json"]}
        self.sign()

    def sign(self, *, secret=SECRET, age=0, fraction=""):
        """Sign the body as it is now, as of so many seconds ago."""
        timestamp = f"{int(time.time()) - age}{fraction}"
        headers = signed(self.body, secret=secret, message_id=self.message_id, timestamp=timestamp)
        self.headers |= {name: [value.encode()] for name, value in headers.items()}


class Answer:
    """An answer, with the names of its headers in lower case."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


def head(path, headers, *, method="POST"):
    """Return the bytes of a request before its body. The values of headers are lists, one line for each item."""
    headers = {"host": [b"127.0.0.1"], "connection": [b"close"]} | headers
    lines = [f"{method} {path} HTTP/1.1".encode()]
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


def statuses(server, data, *, half_close=False):
    """Send bytes over a connection of their own, and return the status of each answer until the server closes it."""
    answers = b""
    with connect(server) as connection, suppress(ConnectionError):
        with suppress(OSError):  # closed already
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(1 << 16):
            answers += piece
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", answers)]


def send_http_2(server, path, delivery, *, ends=True):
    """Send a delivery over HTTP/2, and return the status of the answer, or None if the connection or the stream ends.

    With `ends=False` the body stays out.
    """
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import ConnectionTerminated, ResponseReceived, StreamReset

    unchecked = H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    http_2 = H2Connection(unchecked)
    http_2.initiate_connection()
    target = [(b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"127.0.0.1"), (b":path", path.encode())]
    lines = [(name.encode(), value) for name, values in delivery.headers.items() for value in values]
    http_2.send_headers(1, [*target, *lines])
    if ends:
        http_2.send_data(1, delivery.body, end_stream=True)
    with connect(server) as connection, suppress(ConnectionError):
        connection.sendall(http_2.data_to_send())
        while data := connection.recv(1 << 16):
            for event in http_2.receive_data(data):
                if isinstance(event, ResponseReceived):
                    return int(dict(event.headers)[b":status"])
                if isinstance(event, ConnectionTerminated | StreamReset):
                    return None
    return None


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
