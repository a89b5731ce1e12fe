"""`clerk-webhook verify`: tell whether a delivery is genuine."""

from __future__ import annotations

import json
import math
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import MissingHeaderError, WebhookVerificationError
from ._arguments import add_delivery, add_secret, delivery_of, webhook_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["EXAMPLE", "SUMMARY", "configure", "run"]

SUMMARY = "tell whether a delivery is genuine, with the flags of Clerk's own verify"
EXAMPLE = "clerk-webhook verify --delivery @deliveries.ndjson"

# Svix's tolerance: https://docs.svix.com/receiving/verifying-payloads/how-manual
_TOLERANCE = 300


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_secret(parser)
    add_delivery(parser)
    parser.add_argument("--json", action="store_true", help='print {"valid": true}, or false with the code')


def run(options: Namespace) -> int:
    """Print the verdict; return 0 if the delivery is genuine, else 1."""
    # An old capture still verifies: the time is a hint here, not a verdict.
    webhook = webhook_of(options, tolerance=math.inf)
    headers, body = delivery_of(options)
    try:
        message = webhook.verify(headers, body)
    except WebhookVerificationError as error:
        hint = ""
        if isinstance(error, MissingHeaderError):
            hint = " Pass --id, --timestamp and --signature, or --delivery."
        elif options.payload is not None and body.endswith(b"\n"):
            hint = " The payload ends with a newline: editors and echo add one."
        if options.json:
            print(json.dumps({"valid": False, "code": error.code, "message": f"{error}{hint}"}))
        else:
            print(
                f"not genuine ({error.code}): {error}{hint} `clerk-webhook diagnose` looks for the cause.",
                file=sys.stderr,
            )
        return 1
    age = int(time.time()) - message.timestamp
    if options.json:
        print(json.dumps({"valid": True, "id": message.id, "timestamp": message.timestamp}))
    else:
        print(f"genuine: {message.id}")
        if abs(age) > _TOLERANCE:
            print(f"Signed {_span(age)}: a receiver refuses it, because it accepts {_TOLERANCE} s either way.")
    return 0


def _span(seconds: int) -> str:
    """Say how far a time is from now."""
    size = str(timedelta(seconds=abs(seconds) // 60 * 60))[:-3]
    return f"{size} hours ago" if seconds > 0 else f"{size} hours ahead of this machine's clock"
