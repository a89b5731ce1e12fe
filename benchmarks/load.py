"""Load three receivers under uvicorn, in turns: `python benchmarks/load.py [seconds per turn] [turns]`.

Each receiver is one worker in a process of its own. This process sends it genuine deliveries of 1.5 kB over connections
that stay open. A connection sends its next request when the answer to the last one is there. All receivers have an
empty handler:

- floor: an ASGI application that reads the body and answers 200: the cost of uvicorn and of this client
- ours: an endpoint by `clerk_webhook.asgi`
- by hand: a FastAPI route with svix, as svix's documentation shows it, except that the `Webhook` is made once
  (https://docs.svix.com/receiving/verifying-payloads/how)

This needs the dependency groups `dev` and `interop`. uvicorn runs on httptools and uvloop from the latter.
"""

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response, status
from svix.webhooks import Webhook, WebhookVerificationError

from clerk_webhook import Endpoint, events
from clerk_webhook.asgi import application
from clerk_webhook.testing import signed_request

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = Path(__file__).with_name("user_created.json").read_bytes().strip()
CONNECTIONS = 8
CONTESTANTS = ("floor", "ours", "by hand")


def floor() -> Any:
    """Return an application that only reads and answers."""

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001  # ASGI's
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app


def ours() -> Any:
    """Return an endpoint with an empty handler."""
    endpoint = Endpoint(SECRET)

    @endpoint.on
    async def handle(event: events.UserCreated) -> None:
        pass

    return application(endpoint)


def by_hand() -> Any:
    """Return a FastAPI application with a route for svix."""
    app = FastAPI()
    webhook = Webhook(SECRET)

    @app.post("/api/webhooks", status_code=status.HTTP_204_NO_CONTENT)
    async def handle(request: Request, response: Response) -> None:
        body = await request.body()
        try:
            webhook.verify(body, dict(request.headers))
        except WebhookVerificationError:
            response.status_code = status.HTTP_400_BAD_REQUEST
            return
        event = json.loads(body)  # verify() returns nothing since svix 2.0
        if event["type"] == "user.created":
            pass

    return app


def serve(contestant: str, port: int) -> None:
    """Serve one receiver until the process is ended."""
    app = {"floor": floor, "ours": ours, "by hand": by_hand}[contestant]()
    uvicorn.run(app, port=port, lifespan="off", access_log=False, log_level="warning")


def requests(count: int = 500) -> list[bytes]:
    """Return requests with the headers that a proxy adds, each with an id of its own."""
    ready = []
    for _ in range(count):
        headers, body = signed_request(BODY, SECRET)
        headers |= {
            "host": "app.example.com",
            "user-agent": "Svix-Webhooks/1.81.0",
            "content-length": str(len(body)),
            "accept": "*/*",
            "accept-encoding": "gzip",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-proto": "https",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        ready.append(f"POST /api/webhooks HTTP/1.1\r\n{head}\r\n".encode() + body)
    return ready


class Client(asyncio.Protocol):
    """One connection. It sends the next request when the answer to the last one is there."""

    transport: asyncio.Transport

    def __init__(self, ready: list[bytes], until: float, done: asyncio.Future[None]) -> None:
        self.ready = ready
        self.until = until
        self.done = done
        self.sent = 0
        self.started = 0.0
        self.answer = b""
        self.latencies: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the next request."""
        self.started = time.perf_counter()
        self.transport.write(self.ready[self.sent % len(self.ready)])
        self.sent += 1

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(body) < int(length or 0):
            return
        now = time.perf_counter()
        self.latencies.append(now - self.started)
        if not self.answer.startswith(b"HTTP/1.1 20"):
            self.done.set_exception(RuntimeError(self.answer.decode()))
        elif now < self.until:
            self.answer = b""
            self.send()
        else:
            self.transport.close()
            self.done.set_result(None)


async def load(port: int, seconds: float) -> list[float]:
    """Send requests for some seconds, and return how long each answer took, in seconds."""
    loop = asyncio.get_running_loop()
    ready = requests()
    until = time.perf_counter() + seconds
    clients = [Client(ready, until, loop.create_future()) for _ in range(CONNECTIONS)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    return [latency for client in clients for latency in client.latencies]


def start(contestant: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server, and wait until it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, "serve", contestant, str(port)], env=os.environ)
    for _ in range(100):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.1)
    raise RuntimeError(f"{contestant} did not start")


def main(seconds: float, turns: int) -> None:
    """Load all receivers in turns, and print requests per second, latencies and ratios."""
    servers = {contestant: start(contestant) for contestant in CONTESTANTS}
    rates: dict[str, list[float]] = {contestant: [] for contestant in CONTESTANTS}
    latencies: dict[str, list[float]] = {contestant: [] for contestant in CONTESTANTS}
    try:
        for turn in range(turns + 1):  # the first warms up
            for contestant, (_, port) in servers.items():
                measured = asyncio.run(load(port, seconds if turn else 0.5))
                if turn:
                    rates[contestant].append(len(measured) / seconds)
                    latencies[contestant] += measured
    finally:
        for process, _ in servers.values():
            process.terminate()
    print(f"{CONNECTIONS} connections, {len(BODY)} bytes, {turns} turns of {seconds} s; medians")
    for contestant in CONTESTANTS:
        percentiles = statistics.quantiles(latencies[contestant], n=100)
        print(
            f"{contestant:8} {statistics.median(rates[contestant]):8.0f} requests/s   "
            f"p50 {percentiles[49] * 1000:.2f} ms   p99 {percentiles[98] * 1000:.2f} ms"
        )
    for other in ("by hand", "floor"):
        ratios = [mine / theirs for mine, theirs in zip(rates["ours"], rates[other], strict=True)]
        print(f"ours / {other}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        seconds, turns = [*sys.argv[1:], *("2", "7")[len(sys.argv) - 1 :]]
        main(float(seconds), int(turns))
