"""`clerk-webhook sign`: sign a body as Svix does."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace

from ..errors import InvalidHeaderError
from ._arguments import CommandError, add_delivery, add_secret, delivery_of, webhook_of
from ._attempts import new_message_id, signature_headers

SUMMARY = "sign a body as Svix does, and print the headers"
EXAMPLE = "clerk-webhook sign --payload @body.json"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_secret(parser)
    add_delivery(parser)
    parser.add_argument("--json", action="store_true", help="print the headers as one JSON object")


def run(options: Namespace) -> int:
    """Print the three headers; return 0."""
    webhook = webhook_of(options)
    given, body, _ = delivery_of(options)
    timestamp = given.get("svix-timestamp", str(int(time.time())))
    try:
        headers = signature_headers(webhook, given.get("svix-id", new_message_id()), int(timestamp), body)
    except (InvalidHeaderError, ValueError) as error:  # of a saved delivery
        raise CommandError(f"the delivery cannot be signed: {error}") from None
    if options.json:
        print(json.dumps(headers))
    else:
        print("\n".join(f"{name}: {value}" for name, value in headers.items()))
    return 0
