"""One attempt to deliver a message: the signature, the request, and the line that shows the answer."""

from __future__ import annotations

import json
import secrets
import sys
from argparse import Namespace
from collections.abc import Mapping

from ..webhook import Webhook
from ._http import Answer, NoAnswerError, explained, post
from ._style import paint, printable


def new_message_id() -> str:
    """Return a random message id."""
    return f"msg_{secrets.token_hex(12)}"


def signature_headers(webhook: Webhook, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers that sign a body.

    Args:
        webhook: Has the secret.
        message_id: The message id.
        timestamp: The time of signing, in seconds since the epoch.
        body: The raw body.

    Raises:
        InvalidHeaderError: `verify` refuses such an id or timestamp.
    """
    signature = webhook.sign(message_id, timestamp, body)
    return {"svix-id": message_id, "svix-timestamp": str(timestamp), "svix-signature": signature}


def deliver(
    options: Namespace, signature: Mapping[str, str], body: bytes, *, wanted: int = 2, **about: str | int
) -> Answer | None:
    """Send one attempt, and print the answer.

    Args:
        options: Has the `command`, the `url`, and whether to print `json`.
        signature: The signature headers.
        body: The raw body.
        wanted: The first digit of the status that is wanted.
        about: More keys for the JSON object. The line shows those whose value is a text.

    Returns:
        The answer. None if the application did not answer.
    """
    headers = {"content-type": "application/json", "user-agent": "clerk-webhook", **signature}
    try:
        answer = post(options.url, headers.items(), body)
    except NoAnswerError as error:
        if options.json:
            print(json.dumps({**about, "status": None, "error": str(error), "wanted": False}), flush=True)
        else:
            print(f"clerk-webhook {options.command}: {error}", file=sys.stderr)
        return None
    good = answer.status // 100 == wanted
    if options.json:
        facts = {"status": answer.status, "latency_ms": answer.milliseconds, "body": answer.text(), "wanted": good}
        print(json.dumps(about | facts), flush=True)
    else:
        status = paint(str(answer.status), "good" if good else "bad")
        texts = [printable(value) for value in about.values() if isinstance(value, str)]
        parts = [f"{status} in {answer.milliseconds} ms", *texts, explained(answer, wanted=wanted)]
        print("  ".join(filter(None, parts)), flush=True)
    return answer
