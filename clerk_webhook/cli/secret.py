"""`clerk-webhook secret`: make a signing secret for tests."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from base64 import b64encode
from secrets import token_bytes

from ._style import is_terminal

SUMMARY = "make a signing secret, for tests and for trying things out offline"
EXAMPLE = "clerk-webhook secret"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help='print {"secret": "whsec_..."}')


def new_secret() -> str:
    """Return a random secret. Svix's own have 24 bytes too.

    https://docs.svix.com/receiving/verifying-payloads/how-manual
    """
    return "whsec_" + b64encode(token_bytes(24)).decode()


def run(options: Namespace) -> int:
    """Print a new secret; return 0."""
    secret = new_secret()
    print(json.dumps({"secret": secret}) if options.json else secret)
    if is_terminal() and not options.json:
        print(
            "Clerk does not know this secret. Set CLERK_WEBHOOK_SIGNING_SECRET to it for your application and for "
            "clerk-webhook send.",
            file=sys.stderr,
        )
    return 0
