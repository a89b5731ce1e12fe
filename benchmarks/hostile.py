"""Time bodies of 1 MiB that somebody fills to keep a receiver busy: `python benchmarks/hostile.py`.

Each time is the fastest of five. It stands beside that of `json.loads` on a user of 1 MiB with many addresses, and that
of `json.loads` on the body itself.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clerk_webhook import parse_event

SIZE = 1 << 20
DEEP = "[" * 1000 + "]" * 1000
# In `unsafe_metadata` level 3 is the first.
ABOVE = "[" * 196
FILLED_WITH = {
    "escaped pairs": ('"', r"\ud83d\ude00", '"'),
    "halves of pairs": ('"', r"\ud800", '"'),
    "pairs after a half": (r'"\ud800', r"\ud83d\ude00", '"'),
    "values of 1,000 levels": ("[", DEEP + ",", "0]"),
    "values of 3 levels beside a deep one": ("[" + DEEP + ",", "[[[]]],", "0]"),
    "numbers beside a deep value": ("[" + DEEP + ",", "1,", "0]"),
    "strings with brackets beside a deep value": ("[" + DEEP + ",", '"[",', "0]"),
    "small values from level 200 on": (ABOVE + "[", "[[]],", "0]" + "]" * 196),
    "small values on level 201": (ABOVE + "[[", "{},", "0]]" + "]" * 196),
    "1e400": ("[", "1e400,", "0]"),
}
CHAINS = {"chain of arrays": ("[", "]"), "chain of objects": ('{"a":', "}"), "chain with brackets": ('[1,"]",', "]")}


def around(metadata: str) -> bytes:
    """Return a body in which a user has written this JSON text."""
    return f'{{"data": {{"id": "user_1", "unsafe_metadata": {metadata}}}, "type": "user.updated"}}'.encode()


def bodies() -> dict[str, bytes]:
    """Return the bodies by what fills them."""
    usual = json.loads(Path(__file__).with_name("user_created.json").read_bytes())
    addresses = usual["data"]["email_addresses"]
    addresses *= SIZE // len(json.dumps(addresses))
    filled = {
        name: around(before + unit * (SIZE // len(unit)) + after) for name, (before, unit, after) in FILLED_WITH.items()
    }
    chains = {
        name: around(opening * depth + "0" + closing * depth)
        for name, (opening, closing) in CHAINS.items()
        for depth in [SIZE // len(opening + closing)]
    }
    return {"many addresses": json.dumps(usual).encode(), **filled, **chains}


def fastest(parse: Callable[[bytes], Any], body: bytes) -> float:
    """Return the shortest time of five, after a first one, in seconds of this process."""
    times: list[float] = []
    for _ in range(6):
        started = time.process_time()
        parse(body)
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    """Print the times."""
    logging.disable()  # each of these events is worth a warning
    sent = bodies()
    unit = min(fastest(json.loads, sent["many addresses"]) for _ in range(3))
    for name, body in sent.items():
        taken = fastest(parse_event, body)
        try:
            own = f"{fastest(json.loads, body) * 1e3:6.1f} ms"
        except RecursionError:
            own = "too deep"
        ratio = taken / unit
        print(f"{name:42} {taken * 1e3:6.1f} ms   {ratio:4.1f} of many addresses   json.loads alone: {own}")


if __name__ == "__main__":
    main()
