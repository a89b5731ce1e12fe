"""`clerk-webhook verify`: tell whether a delivery is genuine, and if not, why."""

from __future__ import annotations

import json
import math
import re
import time
from argparse import ArgumentParser, Namespace
from datetime import timedelta

from ..diagnosis import diagnose
from ..webhook import SECRET_VARIABLES
from ._arguments import CommandError, add_delivery, delivery_of, secret_in_environment
from ._captures import message_id_of
from ._style import printable

SUMMARY = "tell whether a delivery is genuine, and if not, why; with the flags of Clerk's own verify"
EXAMPLE = "clerk-webhook verify --delivery @deliveries.ndjson"

# Svix's tolerance: https://docs.svix.com/receiving/verifying-payloads/how-manual
_TOLERANCE = 300


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--secret",
        action="append",
        metavar="WHSEC",
        help="the signing secret of your application (default: the environment); again for each secret that may have "
        "been used by mistake",
    )
    add_delivery(parser)
    parser.add_argument("--json", action="store_true", help='print {"valid": true}, or false with the cause')


def run(options: Namespace) -> int:
    """Print the verdict; return 0 if the delivery is genuine, 2 if the secret is to be mended, else 1."""
    headers, body, _ = delivery_of(options)
    if options.delivery is None and not (options.id and options.timestamp and options.signature):
        raise CommandError("pass --id, --timestamp and --signature, or --delivery.")
    secrets = options.secret or [secret_in_environment()]
    if secrets == [""]:
        raise CommandError(f"no signing secret is configured: pass --secret, or set {SECRET_VARIABLES[0]}.")
    # An old capture still verifies: its age is a hint here, not a verdict.
    verdict, cause, message = diagnose(headers, body, *secrets, tolerance=math.inf)
    message_id = message_id_of(headers)
    timestamp = headers.get("svix-timestamp", headers.get("webhook-timestamp", ""))
    age = int(time.time()) - int(timestamp) if re.fullmatch(r"[0-9]{1,12}", timestamp) else None
    if options.json:
        found = {"valid": verdict == "genuine", "cause": cause, "message": message, "id": message_id, "age": age}
        print(json.dumps(found))
    else:
        print(f"genuine: {printable(str(message_id))}" if verdict == "genuine" else f"{cause or 'unknown'}: {message}")
        if age is not None and abs(age) > _TOLERANCE:
            span = str(timedelta(seconds=abs(age) // 60 * 60))[:-3]
            when = "ago" if age > 0 else "ahead of this machine's clock"
            print(f"Signed {span} hours {when}: a receiver refuses it, because it accepts {_TOLERANCE} s either way.")
    if verdict == "genuine":
        return 0
    return 2 if cause in {"secret_unusable", "secret_miswritten"} else 1
