"""`clerk-webhook diagnose`: tell why a delivery does not verify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..diagnosis import diagnose
from ._arguments import add_delivery, delivery_of, secrets_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["EXAMPLE", "SUMMARY", "configure", "run"]

SUMMARY = "tell why a delivery does not verify"
EXAMPLE = "clerk-webhook diagnose --delivery @deliveries.ndjson"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--secret",
        action="append",
        metavar="WHSEC",
        help="a signing secret, as your application has it; may be given several times; without this flag the "
        "environment is read",
    )
    add_delivery(parser)
    parser.add_argument("--json", action="store_true", help="print the verdict, the cause and the message as JSON")


def run(options: Namespace) -> int:
    """Print the diagnosis; return 0 if the delivery is genuine, else 1."""
    headers, body = delivery_of(options)
    diagnosis = diagnose(headers, body, *secrets_of(options.secret))
    if options.json:
        print(json.dumps(diagnosis._asdict()))
    else:
        print(f"{diagnosis.cause or diagnosis.verdict}: {diagnosis.message}")
    return 0 if diagnosis.verdict == "genuine" else 1
