"""The npm packages svix, standardwebhooks and @clerk/backend take our messages, and we take theirs.

`npm ci --prefix tests/interop/node` installs the packages.
"""

import base64
import json
import random
import shutil
import string
import subprocess
import time
from pathlib import Path

import pytest

from clerk_webhook import SignatureMismatchError, Webhook
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.testing import sample_delivery, signed_request

FOLDER = Path(__file__).with_name("node")
ALL = ["svix", "standardwebhooks", "@clerk/backend"]
COUNT = 1000


@pytest.fixture(scope="module")
def node():
    """Return a function that has Node answer a list of calls."""
    executable = shutil.which("node")
    if executable is None:
        pytest.skip("Node is not installed")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("the npm packages are not installed: npm ci --prefix tests/interop/node")

    def answer(calls):
        command = [executable, FOLDER / "calls.js"]
        answered = subprocess.run(command, input=json.dumps(calls), capture_output=True, check=True, encoding="utf-8")
        return json.loads(answered.stdout)

    return answer


def call(secret, request, body=None):
    return {
        "secret": secret,
        "headers": request.headers,
        "body": base64.b64encode(request.body if body is None else body).decode(),
    }


def random_messages():
    """Yield secrets, message ids and bodies: JSON with every kind of character, compact or not."""
    rng = random.Random(14)
    visible = string.ascii_letters + string.digits + "_-+/~!"
    planes = [(0x20, 0x7F), (0xA0, 0x800), (0x800, 0xD800), (0xE000, 0xFFFE), (0x10000, 0x10FFFF)]
    for _ in range(COUNT):
        key = rng.randbytes(rng.randint(24, 64))
        secret = "whsec_" + base64.b64encode(key).decode()
        message_id = "".join(rng.choices(visible, k=rng.randint(1, 60)))
        text = "".join(chr(rng.randrange(*rng.choice(planes))) for _ in range(rng.randrange(200)))
        event = {"type": "user.created", "data": {"text": text, "number": rng.random()}}
        body = json.dumps(event, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2]))
        yield secret, message_id, body.encode() + rng.choice([b"", b"\n", b"\r\n"])


def test_each_sample_is_accepted_by_all_three_packages(node):
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    accepted = node([call(secret, sample_delivery(event_type, secret)) for event_type in EVENT_CLASSES])
    assert dict(zip(EVENT_CLASSES, accepted, strict=True)) == dict.fromkeys(EVENT_CLASSES, ALL)


def test_random_messages_that_we_sign_are_accepted_and_changed_ones_refused(node):
    requests = [
        (secret, signed_request(body, secret, message_id=message_id)) for secret, message_id, body in random_messages()
    ]
    assert node([call(secret, request) for secret, request in requests]) == [ALL] * COUNT
    assert node([call(secret, request, request.body + b" ") for secret, request in requests]) == [[]] * COUNT


def test_random_messages_that_the_packages_sign_are_accepted_and_changed_ones_refused(node):
    now = int(time.time())
    messages = list(random_messages())
    calls = [
        {"sign": True, "secret": secret, "id": message_id, "timestamp": now, "body": base64.b64encode(body).decode()}
        for secret, message_id, body in messages
    ]
    for (secret, message_id, body), signatures in zip(messages, node(calls), strict=True):
        assert len(signatures) == 2  # @clerk/backend signs nothing
        webhook = Webhook(secret)
        for signature in signatures:
            headers = {"svix-id": message_id, "svix-timestamp": str(now), "svix-signature": signature}
            assert webhook.verify_and_parse(headers, body).payload == json.loads(body)
            with pytest.raises(SignatureMismatchError):
                webhook.verify(headers, body + b" ")
