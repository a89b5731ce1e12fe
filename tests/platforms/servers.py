"""Run a project under its platform's own server, and send requests to it."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from http.client import HTTPConnection

from project import SECRET

START = 60
PATIENCE = 15


class Server:
    """A project that is running."""

    def __init__(self, port, log):
        self._port, self._log = port, log

    def send(self, method, headers, body):
        """Send one request, and return its status."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.putrequest(method, "/api/webhooks")
            for name, value in [*headers, ("content-length", str(len(body)))]:
                connection.putheader(name, value)
            # A server that answers before the end may close the connection.
            with suppress(ConnectionError):
                connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()

    def announce(self, headers, size):
        """Send the head of a request and no body, and return the status of the answer."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("POST", "/api/webhooks", headers=dict(headers) | {"content-length": str(size)})
            return connection.getresponse().status
        finally:
            connection.close()

    def printed(self, text):
        """Return whether the project has printed a text."""
        return text in self._log.read_text(errors="replace")


@contextmanager
def serve(directory, port, *command, **environment):
    """Run a command in a directory for as long as the block lasts. The command listens on the port."""
    log = directory / "log"
    settings = {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            # NiceGUI looks for pytest, and then starts otherwise.
            env={name: value for name, value in os.environ.items() if "PYTEST" not in name} | settings | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # which makes a group of it and its workers
        )
    try:
        end = time.monotonic() + START
        while not listens(port):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end, log.read_text(errors="replace")
            time.sleep(0.05)
        yield Server(port, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


VERCEL = """
import json, sys
from vercel_runtime.vc_init import vc_handler
for line in sys.stdin:
    print("answer", vc_handler(json.loads(line), None)["statusCode"], flush=True)
"""


class Vercel:
    """A project in Vercel's runtime, which is invoked as Vercel does it: with requests as JSON."""

    def __init__(self, process):
        self._process, self._output = process, ""

    def send(self, method, headers, body, *, as_base64=True):
        """Send one request, and return its status."""
        text = base64.b64encode(body).decode() if as_base64 else body.decode()
        lists = {}
        for name, value in headers:
            lists.setdefault(name, []).append(value)
        request = {"method": method, "path": "/api/webhooks", "headers": lists, "body": text}
        if as_base64:
            request["encoding"] = "base64"
        self._process.stdin.write(json.dumps({"Action": "Invoke", "body": json.dumps(request)}) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            self._output += line
            if line.startswith("answer "):
                return int(line.removeprefix("answer "))
        raise AssertionError(self._output)

    def printed(self, text):
        """Return whether the project has printed a text."""
        return text in self._output


@contextmanager
def invoke_vercel(directory, file, variable):
    """Run a file in Vercel's runtime for as long as the block lasts."""
    settings = {
        "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join([str(directory), os.environ.get("PYTHONPATH", "")]),
        "__VC_HANDLER_ENTRYPOINT": file.name,
        "__VC_HANDLER_ENTRYPOINT_ABS": str(file),
        "__VC_HANDLER_MODULE_NAME": file.stem,
        "__VC_HANDLER_VARIABLE_NAME": variable,
    }
    with subprocess.Popen(
        [sys.executable, "-c", VERCEL],
        cwd=directory,
        env=os.environ | settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield Vercel(process)
        process.kill()


def free_port():
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    """Return whether something listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
