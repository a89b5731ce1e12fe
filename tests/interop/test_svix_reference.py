"""The same calls to svix 1.99, the last series whose `verify()` returns the event, and to `svix_compat`.

svix 1.99 needs an environment of its own. The test makes one, or uses the Python that SVIX_REFERENCE_PYTHON names.
Not compared here: svix refuses an attempt whose age is between 300 and 301 seconds, and `svix_compat` accepts it.
"""

import base64
import json
import math
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import NamedTuple

import pytest
from deliveries import BODY, ID, OTHER_SECRET, SECRET, signature, signed

CALLS = Path(__file__).with_name("svix_calls.py")
TEXT = BODY.decode()
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
URL_SAFE = "whsec_MfKQ9r8GKYqr-wjUPD8ILPZIo2La_aSw"
SHORT = "whsec_" + base64.b64encode(b"k" * 16).decode()
ACCEPTED, REFUSED = "accepted", "WebhookVerificationError"


class Call(NamedTuple):
    """A call of a method, and its outcome.

    Attributes:
        arguments: The arguments of the method, by svix's names.
        svix: `ACCEPTED`, a value, or the name of the exception.
        compat: The outcome in `svix_compat`, if it differs.
        why: The reason for the difference.
        secret: The argument of the constructor.
        method: The name of the method.
    """

    arguments: dict
    svix: object
    compat: object = None
    why: str = ""
    secret: object = SECRET
    method: str = "verify"


def calls(now):
    """Return all calls, with genuine messages that are signed now."""

    def verify(headers, svix, compat=None, why="", *, data=BODY, secret=SECRET):
        return Call({"data": data, "headers": headers}, svix, compat, why, secret)

    def sign(timestamp, svix, compat=None, why="", *, msg_id=ID, data=TEXT):
        arguments = {"msg_id": msg_id, "timestamp": timestamp, "data": data}
        return Call(arguments, svix, compat, why, method="sign")

    def body(data, svix, compat=None, why=""):
        return verify(signed(data, timestamp=now), svix, compat, why, data=data)

    def timestamp(text, svix, compat=None, why=""):
        return verify(genuine | {"svix-timestamp": text}, svix, compat, why)

    def signatures(text, svix, compat=None, why=""):
        return verify(genuine | {"svix-signature": text}, svix, compat, why)

    genuine = signed(timestamp=now)
    entry = genuine["svix-signature"]
    moment = 1_761_912_345
    strict_secret = "A signing secret is checked when the object is made, so a wrong one never verifies anything."
    no_leak = "A stranger can send this, so it must be the error that applications catch."
    whole_seconds = "Svix sends whole seconds in plain digits, and nothing else is signed."
    replaced = "A user may have written this, and must not hide an event by it."
    lenient = "Frameworks hold headers in this form, and svix fails on it."
    return {
        # Genuine messages
        "bytes": verify(genuine, ACCEPTED),
        "text": verify(genuine, ACCEPTED, data=TEXT),
        "upper-case names": verify({name.upper(): value for name, value in genuine.items()}, ACCEPTED),
        "other headers beside": verify(genuine | {"content-type": "application/json"}, ACCEPTED),
        "unbranded headers": verify(signed(timestamp=now, prefix="webhook"), ACCEPTED),
        "both kinds of headers": verify(signed(b"", timestamp=now, prefix="webhook") | genuine, ACCEPTED),
        "a secret without whsec_": verify(genuine, ACCEPTED, secret=SECRET.removeprefix("whsec_")),
        "a secret with a newline behind": verify(genuine, ACCEPTED, secret=SECRET + "\n"),
        "a raw key": verify(genuine, ACCEPTED, secret=KEY),
        "250 seconds old": verify(signed(timestamp=now - 250), ACCEPTED),
        "250 seconds new": verify(signed(timestamp=now + 250), ACCEPTED),
        "two entries": signatures(f"{signature(secret=OTHER_SECRET, timestamp=now)} {entry}", ACCEPTED),
        "an entry of v1a": signatures(f"v1a,AAAA {entry}", ACCEPTED),
        "JSON of another kind": body(b' [1, 2.5, "a", null, true]\n', [1, 2.5, "a", None, True]),
        "JSON without type": body(b"{}", {}),
        "JSON null": body(b"null", None),
        "JSON with a lone surrogate": body(b'"\\ud800"', "\ud800", "\ufffd", replaced),
        "JSON with a key twice": body(b'{"a": 1, "a": 2}', {"a": 2}),
        # Refused messages
        "no headers": verify({}, REFUSED),
        **{f"no {name}": verify({**genuine, name: ""}, REFUSED) for name in genuine},
        "too old": verify(signed(timestamp=now - 350), REFUSED),
        "too new": verify(signed(timestamp=now + 350), REFUSED),
        "forged": verify(signed(secret=OTHER_SECRET, timestamp=now), REFUSED),
        "another body": verify(genuine, REFUSED, data=BODY + b" "),
        "only an entry of v1a": signatures("v1a" + entry.removeprefix("v1"), REFUSED),
        "a timestamp in words": timestamp("soon", REFUSED),
        "a timestamp that is not a number": timestamp("nan", REFUSED),
        # Genuine, and not JSON
        "an empty body": body(b"", "JSONDecodeError"),
        "text as a body": body(b"hello", "JSONDecodeError"),
        "a byte order mark": body(b"\xef\xbb\xbf{}", "JSONDecodeError"),
        "more after the JSON": body(b"{}{}", "JSONDecodeError"),
        "an integer of 5,000 digits": body(b"[" + b"9" * 5000 + b"]", "ValueError", [None], replaced),
        "NaN": body(b"[NaN]", pytest.approx([math.nan], nan_ok=True), [None], replaced),
        "-Infinity": body(b"[-Infinity]", [-math.inf], [None], replaced),
        "a number beyond a float": body(b"[1e999]", [math.inf], [None], replaced),
        "deep nesting": body(b"[" * 100_000, "RecursionError", "JSONDecodeError", no_leak),
        "not UTF-8": body(b'"\xff"', "UnicodeDecodeError", "JSONDecodeError", no_leak),
        # Headers, and bodies that no signature covers
        "not UTF-8, and forged": verify(genuine, "UnicodeDecodeError", REFUSED, no_leak, data=b"\xff"),
        "an entry without comma": signatures(f"AAAA {entry}", "ValueError", ACCEPTED, no_leak),
        "an entry with two commas": signatures("v1,AAAA,AAAA", "ValueError", REFUSED, no_leak),
        "an entry that is not base64": signatures("v1,A", "Error", REFUSED, no_leak),
        "an entry that is not ASCII": signatures("v1,\u20ac", "ValueError", REFUSED, no_leak),
        "base64 with more in it": signatures(
            entry.replace("v1,", "v1,!"), ACCEPTED, REFUSED, "An entry is compared as it stands, never decoded."
        ),
        "a timestamp with a fraction": timestamp(f"{now}.5", ACCEPTED, REFUSED, whole_seconds),
        "a timestamp with an exponent": timestamp(f"{now}e0", ACCEPTED, REFUSED, whole_seconds),
        "a timestamp with a zero before it": timestamp(f"0{now}", ACCEPTED, REFUSED, whole_seconds),
        "a timestamp with a sign": timestamp(f"+{now}", ACCEPTED, REFUSED, whole_seconds),
        "a timestamp with underscores": timestamp(f"{now // 1000}_{now % 1000:03}", ACCEPTED, REFUSED, whole_seconds),
        "an id with a full stop": verify(
            signed(message_id="msg.1", timestamp=now),
            ACCEPTED,
            REFUSED,
            "A full stop separates the signed parts: with one in the id, two messages have the same signature.",
        ),
        "an id that is not ASCII": verify(
            signed(message_id="msg_\u20ac", timestamp=now), ACCEPTED, REFUSED, "Svix's ids are ASCII."
        ),
        "half branded headers": verify(
            {name.replace("svix-id", "webhook-id"): value for name, value in genuine.items()},
            ACCEPTED,
            REFUSED,
            "Headers of two senders are never mixed.",
        ),
        "a header in two spellings": verify(
            {"SVIX-ID": "msg_other", **genuine},
            ACCEPTED,
            REFUSED,
            "A proxy in front may have looked at the other value.",
        ),
        "headers of bytes": verify(
            {name.encode(): value.encode() for name, value in genuine.items()}, REFUSED, ACCEPTED, lenient
        ),
        "headers in pairs": verify(list(genuine.items()), "AttributeError", ACCEPTED, lenient),
        "a parsed body": verify(
            genuine, "AttributeError", "TypeError", "The message names the cure.", data=json.loads(BODY)
        ),
        # Secrets
        "a short key": verify(
            signed(secret=b"k" * 16, timestamp=now), ACCEPTED, "SecretError", strict_secret, secret=SHORT
        ),
        "an API key": verify(genuine, REFUSED, "SecretError", strict_secret, secret="sk_test_" + "a" * 40),
        "a url-safe secret": verify(genuine, REFUSED, "SecretError", strict_secret, secret=URL_SAFE),
        "a secret in quotes": verify(genuine, "Error", "SecretError", strict_secret, secret=f'"{SECRET}"'),
        "a written secret as bytes": verify(genuine, REFUSED, "SecretError", strict_secret, secret=SECRET.encode()),
        "an empty secret": verify(
            genuine, "EmptyWebhookSecretError", "SecretError", "svix does not export its error.", secret=""
        ),
        "no secret": verify(
            genuine, "EmptyWebhookSecretError", "SecretError", "svix does not export its error.", secret=None
        ),
        "a number as the secret": verify(
            genuine, "RuntimeError", "TypeError", "A wrong type is a TypeError in Python.", secret=3
        ),
        "a secret with a space before": verify(
            genuine,
            "Error",
            ACCEPTED,
            "White space around a secret is trimmed. svix ignores white space behind it only.",
            secret=" " + SECRET,
        ),
        # Signing
        "sign at a naive time": sign("2025-10-31T12:05:45.9", signature(timestamp=moment)),
        "sign in UTC": sign("2025-10-31T12:05:45+00:00", signature(timestamp=moment)),
        "sign elsewhere": sign(
            "2025-10-31T14:05:45+02:00",
            signature(timestamp=moment + 7200),
            signature(timestamp=moment),
            "svix replaces the time zone by UTC: two hours wrong here.",
        ),
        "sign bytes": sign(
            "2025-10-31T12:05:45",
            signature(repr(BODY).encode(), timestamp=moment),
            signature(timestamp=moment),
            "svix signs the text that Python prints for bytes.",
            data=BODY,
        ),
        "sign an id with a full stop": sign(
            "2025-10-31T12:05:45",
            signature(message_id="msg.1", timestamp=moment),
            "InvalidHeaderError",
            "It could not be verified.",
            msg_id="msg.1",
        ),
    }


@pytest.fixture(scope="module")
def svix_python(tmp_path_factory):
    """Return the Python of an environment that has svix 1.99."""
    given = os.environ.get("SVIX_REFERENCE_PYTHON")
    if given:
        return given
    environment = tmp_path_factory.mktemp("svix")
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "svix==1.99.*"]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"svix 1.99 can't be installed: {installed.stderr.strip().splitlines()[-1]}")
    return python


@pytest.fixture(scope="module")
def outcomes(svix_python):
    """Return the outcome of each call in svix and in `svix_compat`, by the name of the call."""
    made = calls(int(time.time()))
    text = repr([(call.secret, call.method, call.arguments) for call in made.values()])

    def run(python, module):
        command = [python, CALLS, module]
        answered = subprocess.run(command, input=text, capture_output=True, text=True, check=True, encoding="utf-8")
        return json.loads(answered.stdout)

    pairs = zip(run(svix_python, "svix.webhooks"), run(sys.executable, "clerk_webhook.svix_compat"), strict=True)
    return dict(zip(made, pairs, strict=True))


def agrees(found, expected):
    if "value" in found:
        return expected == ACCEPTED or found["value"] == expected
    return expected in found["raised"]


@pytest.mark.parametrize("name", calls(0))
def test_a_call_does_in_both_what_the_table_says(outcomes, name):
    call = calls(0)[name]
    in_svix, in_compat = outcomes[name]
    assert agrees(in_svix, call.svix), in_svix
    if call.why:
        assert agrees(in_compat, call.compat), in_compat
        assert not agrees(in_compat, call.svix), "a difference is listed that does not exist"
    elif "value" in in_svix:
        assert in_compat == in_svix
    else:
        assert in_svix["raised"][0] in in_compat["raised"], "code that catches svix's exception must catch this one"
