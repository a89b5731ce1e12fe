"""Compare verifying and parsing with the hand-written minimum and with svix: `python benchmarks/speed.py`.

All contestants run in turns in one process, so a machine whose speed drifts is the same for all of them. The ratios are
medians of the ratios of each turn. On a busy machine the fastest turns say more, because other work draws a median of
ratios towards 1. Each shape of headers has a minimum of its own, written for what the framework
passes. The benchmark needs the groups `dev` (svix, orjson) and `interop` (the frameworks).
"""

from __future__ import annotations

import base64
import gc
import hmac
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import django.http.request
import multidict
import orjson
import starlette.datastructures
import svix.webhooks
import werkzeug.datastructures

import clerk_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
SMALL = Path(__file__).with_name("user_created.json").read_bytes().strip()
TOLERANCE = 300
RIVALS = ("by hand", "floor", "floor with orjson", "svix")
Receive = Callable[[Mapping[str, str], bytes], Any]

ours = clerk_webhook.Webhook(SECRET)
ours_with_orjson = clerk_webhook.Webhook(SECRET, loads=orjson.loads)
theirs = svix.webhooks.Webhook(SECRET)
os.environ["CLERK_WEBHOOK_SIGNING_SECRET"] = SECRET


def floor(headers: Mapping[str, str], body: bytes, loads: Callable[[bytes], Any] = json.loads) -> Any:
    """Do the least by hand, without a look for headers that are there twice."""
    return least(headers["svix-id"], headers["svix-timestamp"], headers["svix-signature"], body, loads)


def least(
    message_id: str, timestamp: str, signatures: str, body: bytes, loads: Callable[[bytes], Any] = json.loads
) -> Any:
    """Do the least by hand with the values of the three headers, as Svix's documentation describes it."""
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = hmac.digest(KEY, signed, "sha256")
    for entry in signatures.split(" "):
        version, signature = entry.split(",", 1)
        if version == "v1" and hmac.compare_digest(base64.b64decode(signature), expected):
            return loads(body)
    raise ValueError


def floor_of_pairs(headers: list[tuple[bytes, bytes]], body: bytes) -> Any:
    """Do the least by hand with the pairs of an ASGI scope."""
    named = dict(headers)
    values = named[b"svix-id"].decode(), named[b"svix-timestamp"].decode(), named[b"svix-signature"].decode()
    return least(*values, body)


def floor_of_environ(headers: Mapping[str, str], body: bytes) -> Any:
    """Do the least by hand with a WSGI environ."""
    return least(headers["HTTP_SVIX_ID"], headers["HTTP_SVIX_TIMESTAMP"], headers["HTTP_SVIX_SIGNATURE"], body)


def floor_with_orjson(headers: Mapping[str, str], body: bytes) -> Any:
    """Do the least by hand, with the fastest parser of JSON."""
    return floor(headers, body, orjson.loads)


def with_svix(headers: Mapping[str, str], body: bytes) -> Any:
    """Verify with svix, which returns nothing, and parse."""
    theirs.verify(body, dict(headers))
    return json.loads(body)


def delivery(body: bytes) -> dict[str, str]:
    """Return the twelve headers of a delivery behind a proxy."""
    now = int(time.time())
    return {
        "host": "app.example.com",
        "user-agent": "Svix-Webhooks/1.81.0",
        "content-length": str(len(body)),
        "accept": "*/*",
        "content-type": "application/json",
        "svix-id": "msg_34cWqn0XbYtP5rVk8mLzQ2sDfGh",
        "svix-signature": ours.sign("msg_34cWqn0XbYtP5rVk8mLzQ2sDfGh", now, body),
        "svix-timestamp": str(now),
        "x-forwarded-for": "203.0.113.7",
        "x-forwarded-proto": "https",
        "x-request-id": "5f6b2c1e-8d2f-4c8e-9a51-0a6e1c2b7d90",
        "accept-encoding": "gzip",
    }


def environ_of(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the headers as gunicorn passes them: an environ of 30 keys."""
    named = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    named["CONTENT_TYPE"], named["CONTENT_LENGTH"] = named.pop("HTTP_CONTENT_TYPE"), named.pop("HTTP_CONTENT_LENGTH")
    return {
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": object,
        "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": "gunicorn/27.0.0",
        "wsgi.input": io.BytesIO(),
        "gunicorn.socket": None,
        "REQUEST_METHOD": "POST",
        "QUERY_STRING": "",
        "RAW_URI": "/api/webhooks",
        "SERVER_PROTOCOL": "HTTP/1.1",
        **named,
        "wsgi.url_scheme": "https",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PORT": "443",
        "PATH_INFO": "/api/webhooks",
    }


def shapes(headers: dict[str, str]) -> dict[str, tuple[Any, Callable[[Any, bytes], Any]]]:
    """Return the headers as each framework passes them, and the minimum written for this shape."""
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    environ = environ_of(headers)
    # Lambda behind API Gateway adds these.
    added = {"x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793", "x-forwarded-port": "443"}
    return {
        "dict": (headers, floor),
        "Lambda's dict": (headers | added, floor),
        "ASGI pairs": (pairs, floor_of_pairs),
        "WSGI environ": (environ, floor_of_environ),
        "Starlette's headers": (starlette.datastructures.Headers(raw=pairs), floor),
        "Flask's headers": (werkzeug.datastructures.EnvironHeaders(environ), floor),
        "Django's headers": (django.http.request.HttpHeaders(environ), floor),
        "Django's META": (environ, floor_of_environ),
        "aiohttp's headers": (multidict.CIMultiDictProxy(multidict.CIMultiDict(headers)), floor),
    }


def refusing(receive: Receive) -> Receive:
    """Return a receiver of requests that have to be refused."""

    def receive_forged(headers: Mapping[str, str], body: bytes) -> None:
        try:
            receive(headers, body)
        except Exception:  # noqa: BLE001  # each contestant has an exception of its own
            return
        raise AssertionError

    return receive_forged


def race(
    title: str, contestants: Mapping[str, Callable[[Any, bytes], Any]], headers: Any, body: bytes, turns: int
) -> None:
    """Run the contestants in turns, and print the median time of each and its ratio to the rivals."""
    started = time.perf_counter()
    next(iter(contestants.values()))(headers, body)
    calls = max(1, int(0.004 / (time.perf_counter() - started)))
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, receive in contestants.items():
            started = time.perf_counter()
            for _ in range(calls):
                receive(headers, body)
            times[name].append((time.perf_counter() - started) / calls)
    print(f"\n{title}, {len(body)} bytes: medians of {turns} turns of {calls} calls")
    for name, own in times.items():
        ratios = (
            f"{statistics.median(a / b for a, b in zip(own, times[rival], strict=True)):5.2f} of {rival}"
            for rival in RIVALS
            if rival in times and rival != name
        )
        median, fastest = statistics.median(own) * 1e6, min(own) * 1e6
        print(f"  {name:22} {median:9.1f} µs, fastest {fastest:9.1f} µs   {',  '.join(ratios)}")


def imports(turns: int) -> None:
    """Compare the times of whole processes that import, less the time of a bare process."""
    modules = "collections.abc, dataclasses, functools, hashlib, hmac, json, math, os, re, time, typing"
    code = {"bare": "", "standard": f"import {modules}", "ours": "import clerk_webhook", "svix": "import svix.webhooks"}
    times: dict[str, list[float]] = {name: [] for name in code}
    for _ in range(turns + 1):  # the first turn writes the byte code
        for name, line in code.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", line], check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
            times[name].append(time.perf_counter() - started)
    bare, standard, own, svix_ = ([*map(float, times[name][1:])] for name in code)
    above = [[time - base for time, base in zip(each, bare, strict=True)] for each in (standard, own, svix_)]
    medians = [statistics.median(each) for each in above]
    print(f"\nimport, above a bare process: medians of {turns} turns")
    print(f"  the standard modules   {medians[0] * 1e3:9.1f} ms")
    print(f"  svix.webhooks          {medians[2] * 1e3:9.1f} ms")
    against = [f"{medians[1] / medians[i]:.2f} of {name}" for i, name in ((0, "the standard modules"), (2, "svix"))]
    print(f"  clerk_webhook          {medians[1] * 1e3:9.1f} ms   {',  '.join(against)}")


def main() -> None:
    """Run all comparisons."""
    contestants: dict[str, Receive] = {
        "floor": floor,
        "floor with orjson": floor_with_orjson,
        "svix": with_svix,
        "Webhook": ours.verify_and_parse,
        "Webhook with orjson": ours_with_orjson.verify_and_parse,
        "verify_and_parse": clerk_webhook.verify_and_parse,
    }
    gc.collect()
    race("user.created", contestants, delivery(SMALL), SMALL, 200)
    for shape, (headers, by_hand) in shapes(delivery(SMALL)).items():
        race(shape, {"by hand": by_hand, "Webhook": ours.verify_and_parse}, headers, SMALL, 400)
    event = json.loads(SMALL)
    event["data"]["public_metadata"] = {f"key_{number}": "some text " * 10 for number in range(8600)}
    large = json.dumps(event).encode()
    race("user.created with much metadata", contestants, delivery(large), large, 40)
    forged = delivery(SMALL) | {"svix-signature": "v1," + base64.b64encode(b"f" * 32).decode()}
    refused = {name: refusing(receive) for name, receive in contestants.items()}
    race("forged", refused, forged, SMALL, 200)
    imports(20)


if __name__ == "__main__":
    main()
