"""A stranger's request costs `diagnose` little: real limits of the kernel, and the time that a thread really used."""

import subprocess
import sys

from commands import environment

CHILD = r"""
import gzip, resource, time
from pathlib import Path
from clerk_webhook.diagnosis import diagnose

def filled(start, unit, end):
    return start + b",".join([unit] * (((1 << 20) - len(start) - len(end)) // (len(unit) + 1))) + end

BODIES = {
    "deep": filled(b"[" * 199, b"0", b"]" * 199),
    "many that are deep": filled(b"[", b"[" * 198 + b"]" * 198, b"]"),
    "as long as an indented one may be": b"[" * 199 + b"0," * 16_000 + b"0" + b"]" * 199,
    "wide": filled(b"[", '"\u00fc",1e1'.encode(), b"]"),
    "many objects": filled(b"[", b'{"":0}', b"]"),
    "many keys": filled(b"{", '"\u00fc":0'.encode(), b"}"),
    "escapes": b"%41" * ((1 << 20) // 3),
    "a dict in Python": filled(b"{'a':[", b"''", b"]}"),
    "chunks": b"1\r\na\r\n" * ((1 << 20) // 6),
    "a bomb": gzip.compress(b"[" + b"0," * (1 << 23) + b"0]"),
    "a size": b"999999999999",
}
HEADERS = {"svix-id": "msg_1", "svix-timestamp": "1761912345", "svix-signature": "v1," + "A" * 43 + "="}
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 100_000_000, resource.RLIM_INFINITY))
for name, body in BODIES.items():
    begun = time.thread_time()
    assert diagnose(HEADERS, body, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verdict == "unknown"
    assert (took := time.thread_time() - begun) < 2, (name, took)
"""


def test_a_mebibyte_of_a_stranger_costs_two_seconds_and_a_hundred_megabytes_at_most():
    command = [sys.executable, "-c", CHILD]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, env=environment(), timeout=60)
    assert ended.stderr == ""
