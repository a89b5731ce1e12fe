"""The command line as a user runs it, and an application that it can talk to."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import NamedTuple

from deliveries import SECRET

# A shell that runs the tests in the background ignores SIGINT, and the commands would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# In seconds. A busy machine may let a process wait for a long time: this only ends a test that hangs.
PATIENCE = 60


class Received(NamedTuple):
    headers: list
    body: bytes

    @property
    def message_id(self):
        return dict(self.headers)["svix-id"]


class Application(NamedTuple):
    url: str
    received: list


@contextmanager
def application(*answers):
    """Serve on a free port. Answers are (status, headers, body); the last one is repeated."""
    answers = list(answers) or [(200, {}, b"done")]
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append(Received([(name.lower(), value) for name, value in self.headers.items()], body))
            status, headers, answer = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield Application(f"http://127.0.0.1:{server.server_address[1]}/api/webhooks", received)
        finally:
            server.shutdown()


class SlowApplication(NamedTuple):
    url: str
    arrived: Semaphore
    go_on: Event


@contextmanager
def slow_application():
    """Serve on a free port. Each request is counted, and answered once `go_on` is set."""
    arrived, go_on = Semaphore(0), Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            arrived.release()
            go_on.wait(PATIENCE)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield SlowApplication(f"http://127.0.0.1:{server.server_address[1]}/", arrived, go_on)
        finally:
            go_on.set()
            server.shutdown()


class Process(NamedTuple):
    url: str
    popen: subprocess.Popen

    def line(self):
        return self.popen.stdout.readline().rstrip("\n")

    def interrupt(self):
        """Press Ctrl-C; return the exit status and the rest of both outputs."""
        self.popen.send_signal(signal.SIGINT)
        out, err = self.popen.communicate(timeout=PATIENCE)
        return self.popen.returncode, out, err


def environment(**variables):
    return {**os.environ, "PYTHONUNBUFFERED": "", **variables}


@contextmanager
def listening(*arguments, secret=SECRET):
    """Run `clerk-webhook listen` on a free port until the end of the block."""
    variables = {"CLERK_WEBHOOK_SIGNING_SECRET": secret} if secret else {}
    command = [sys.executable, "-m", "clerk_webhook", "listen", "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**variables)
    ) as popen:
        ready = popen.stdout.readline()
        url = json.loads(ready)["relay_url"] if ready.startswith("{") else ready.split()[2].rstrip(",")
        try:
            yield Process(url, popen)
        finally:
            if popen.poll() is None:
                popen.send_signal(signal.SIGINT)
                popen.communicate(timeout=PATIENCE)


@contextmanager
def terminal(*arguments, columns=80, **variables):
    """Run a command on a terminal of its own; yield the other end of the terminal, and the process."""
    keyboard, end = pty.openpty()
    termios.tcsetwinsize(end, (24, columns))
    variables = {"TERM": "xterm", "CLERK_WEBHOOK_SIGNING_SECRET": SECRET, **variables}
    unset = {"COLUMNS", "NO_COLOR"} - variables.keys()
    env = {name: value for name, value in environment(**variables).items() if name not in unset}
    with subprocess.Popen(
        [sys.executable, "-m", "clerk_webhook", *arguments],
        stdin=end,
        stdout=end,
        stderr=end,
        env=env,
        # The terminal becomes the controlling one, so that Ctrl-C is a signal.
        preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),  # noqa: PLW1509  # no other thread holds a lock that the child needs
    ) as popen:
        os.close(end)
        try:
            yield keyboard, popen
        finally:
            popen.kill()
            os.close(keyboard)


def screen(keyboard):
    """Return everything that stands on the terminal once its process has ended."""
    shown = b""
    with suppress(OSError):  # EIO: the process has ended
        while part := os.read(keyboard, 1 << 16):
            shown += part
    return shown.decode().replace("\r\n", "\n")


def in_terminal(*arguments, **options):
    """Run a command on a terminal to its end; return what it shows."""
    with terminal(*arguments, **options) as (keyboard, popen):
        shown = screen(keyboard)
        popen.wait(PATIENCE)
        return shown


def wait_until_it_reads_or_serves(popen):
    """Wait until a process sleeps (S), and does not merely wait for its turn (R)."""
    before = None
    while (now := activity_of(popen.pid)) != before or now[0] != "S":
        before = now
        time.sleep(0.1)


def activity_of(pid):
    """Return the state of a process and the time that it has used, as the kernel tells them."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[11], fields[12]
