"""`clerk-webhook secret`: make a signing secret for tests."""

from __future__ import annotations

import json
import secrets
import sys
from base64 import b64encode
from typing import TYPE_CHECKING

from ._style import is_terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["EXAMPLE", "SUMMARY", "configure", "run"]

SUMMARY = "make a signing secret, for tests and for trying things out offline"
EXAMPLE = "clerk-webhook secret"

# Svix's own secrets have 24 bytes: https://docs.svix.com/receiving/verifying-payloads/how-manual
_LENGTH = 24


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help='print {"secret": "whsec_..."}')


def run(options: Namespace) -> int:
    """Print a new secret; return 0."""
    secret = "whsec_" + b64encode(secrets.token_bytes(_LENGTH)).decode()
    print(json.dumps({"secret": secret}) if options.json else secret)
    if is_terminal() and not options.json:
        print(
            "Clerk does not know this secret. Set CLERK_WEBHOOK_SIGNING_SECRET to it for your application and for "
            "clerk-webhook send.",
            file=sys.stderr,
        )
    return 0
