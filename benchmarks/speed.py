"""Compare verifying and parsing with the hand-written minimum and with svix: `python benchmarks/speed.py`.

All contestants run in turns in one process, so a machine whose speed drifts is the same for all of them. The ratios are
medians of the ratios of each turn. The benchmark needs `svix` and `orjson`, which the group `dev` installs.
"""

from __future__ import annotations

import base64
import gc
import hmac
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import svix.webhooks

import clerk_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
SMALL = Path(__file__).with_name("user_created.json").read_bytes().strip()
RIVALS = ("floor", "floor with orjson", "svix", "by hand")
Receive = Callable[[Mapping[str, str], bytes], Any]

ours = clerk_webhook.Webhook(SECRET)
ours_with_orjson = clerk_webhook.Webhook(SECRET, loads=orjson.loads)
theirs = svix.webhooks.Webhook(SECRET)
os.environ["CLERK_WEBHOOK_SIGNING_SECRET"] = SECRET


def floor(headers: Mapping[str, str], body: bytes, loads: Callable[[bytes], Any] = json.loads) -> Any:
    """Do the least by hand, without a check of the timestamp or of anything else."""
    signed = f"{headers['svix-id']}.{headers['svix-timestamp']}.".encode() + body
    expected = hmac.digest(KEY, signed, "sha256")
    for entry in headers["svix-signature"].split(" "):
        version, signature = entry.split(",", 1)
        if version == "v1" and hmac.compare_digest(base64.b64decode(signature), expected):
            return loads(body)
    raise ValueError


def floor_with_orjson(headers: Mapping[str, str], body: bytes) -> Any:
    """Do the least by hand, with the fastest parser of JSON."""
    return floor(headers, body, orjson.loads)


def with_svix(headers: Mapping[str, str], body: bytes) -> Any:
    """Verify with svix, which returns nothing, and parse."""
    theirs.verify(body, dict(headers))
    return json.loads(body)


def delivery(body: bytes) -> dict[str, str]:
    """Return the headers of a delivery behind a proxy."""
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


def race(title: str, contestants: dict[str, Receive], headers: Mapping[str, str], body: bytes, turns: int) -> None:
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
        print(f"  {name:22} {statistics.median(own) * 1e6:9.1f} µs   {',  '.join(ratios)}")


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
