"""`clerk-webhook diagnose`: tell why a delivery does not verify."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..diagnosis import Diagnosis, diagnose
from ..webhook import SECRET_VARIABLES
from ._arguments import CommandError, add_delivery, configured_secrets, delivery_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from .._headers import Headers

__all__ = ["EXAMPLE", "SUMMARY", "configure", "diagnose_any", "run"]

SUMMARY = "tell why a delivery does not verify"
EXAMPLE = "clerk-webhook diagnose --delivery @deliveries.ndjson"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--secret",
        action="append",
        metavar="WHSEC",
        help="the signing secret, as your application has it; give the flag again for each secret that may have been "
        "used by mistake; without this flag the environment is read",
    )
    add_delivery(parser)
    parser.add_argument("--json", action="store_true", help="print the verdict, the cause and the message as JSON")


def run(options: Namespace) -> int:
    """Print the diagnosis; return 0 if the delivery is genuine, else 1."""
    headers, body = delivery_of(options)
    if options.secret:
        diagnosis = diagnose(headers, body, *options.secret)
    elif secrets := configured_secrets():
        diagnosis = diagnose_any(headers, body, secrets)
    else:
        raise CommandError(f"no signing secret is configured: pass --secret, or set {SECRET_VARIABLES[0]}.")
    if options.json:
        print(json.dumps(diagnosis._asdict()))
    else:
        print(f"{diagnosis.cause or diagnosis.verdict}: {diagnosis.message}")
    return 0 if diagnosis.verdict == "genuine" else 1


def diagnose_any(headers: Headers, body: bytes, secrets: Sequence[str]) -> Diagnosis:
    """Diagnose a request that any of the secrets may have signed: two are right while a secret is rotated.

    Args:
        headers: As for `diagnose`.
        body: As for `diagnose`.
        secrets: At least one.
    """
    best_first = ("genuine", "explained", "unknown")
    return min((diagnose(headers, body, secret) for secret in secrets), key=lambda one: best_first.index(one.verdict))
