"""`clerk-webhook replay`: send saved deliveries again."""

from __future__ import annotations

import math
import sys
import time
from argparse import ArgumentParser, Namespace

from ..errors import InvalidHeaderError, WebhookVerificationError
from ..webhook import Webhook
from ._arguments import CommandError, add_secret, file_content, http_url, webhook_of
from ._attempts import deliver, signature_headers
from ._captures import Capture, message_id_of, read_captures

SUMMARY = "send saved deliveries again, with their message ids"
EXAMPLE = "clerk-webhook replay deliveries.ndjson --url http://127.0.0.1:8000/api/webhooks"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a file that `clerk-webhook listen --save` or `clerk webhooks listen --json` wrote; - for standard input",
    )
    parser.add_argument("--url", required=True, type=http_url, help="the URL of your route")
    add_secret(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--include-refused",
        action="store_true",
        help="send refused deliveries too; signs again, so that a forgery becomes genuine for your application",
    )
    which.add_argument("--as-recorded", action="store_true", help="send the recorded signature; an old one is refused")
    parser.add_argument("--json", action="store_true", help="print one JSON object per delivery")


def run(options: Namespace) -> int:
    """Send the deliveries in the order of the file; return 0 if each got a 2xx, else 1."""
    # An old capture is as genuine as it was: its age does not count.
    webhook = None if options.as_recorded else webhook_of(options, tolerance=math.inf)
    name = options.file.removeprefix("@")
    captures = list(read_captures(file_content("-" if name == "-" else f"@{name}")))
    if not captures:
        raise CommandError(f"{name} holds no delivery: no line has `headers` and `body_b64`.")
    chosen = [each for each in captures if webhook is None or options.include_refused or _genuine(each, webhook)]
    answered = [_send(capture, webhook, options) for capture in chosen]
    if left_out := len(captures) - len(chosen):
        print(
            f"clerk-webhook replay: left out {left_out} of {len(captures)}: `listen` refused them, or they do not fit "
            "the secret. --include-refused signs them again.",
            file=sys.stderr,
        )
    return 0 if chosen and all(answered) else 1


def _genuine(capture: Capture, webhook: Webhook) -> bool:
    """Return whether a delivery was verified. One without a verdict is verified now."""
    if capture.verdict in {"verified", "refused"}:
        return capture.verdict == "verified"
    try:
        webhook.verify(capture.headers, capture.body)
    except WebhookVerificationError:
        return False
    return True


def _send(capture: Capture, webhook: Webhook | None, options: Namespace) -> bool:
    """Send one delivery, and return whether it got a 2xx."""
    message_id = message_id_of(capture.headers) or ""
    if webhook is None:
        signature = {n: value for n, value in capture.headers.items() if n.startswith(("svix-", "webhook-"))}
    else:
        try:
            signature = signature_headers(webhook, message_id, int(time.time()), capture.body)
        except InvalidHeaderError as error:
            print(f"clerk-webhook replay: a saved delivery cannot be signed: {error}", file=sys.stderr)
            return False
    answer = deliver(options, signature, capture.body, message_id=message_id)
    return answer is not None and answer.status // 100 == 2  # noqa: PLR2004  # 2xx
