"""Deliveries in a file: one JSON object per line, in the format of Clerk's own command line.

Clerk's `clerk webhooks listen --json` writes these lines, and `clerk webhooks verify --delivery` reads them:
https://github.com/clerk/cli (packages/cli-core/src/commands/webhooks/README.md). `verdict` is ours.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Capture(NamedTuple):
    """A delivery as it was received.

    Attributes:
        headers: Names in lower case.
        body: The raw body.
        verdict: What `listen` found: `"verified"`, `"refused"`, or `"unverified"` if it had no secret. `""` if a
            command that does not verify has written the line.
    """

    headers: dict[str, str]
    body: bytes
    verdict: str = ""


def read_captures(content: bytes) -> Iterator[Capture]:
    """Yield the deliveries of a file, and pass over all other lines.

    Args:
        content: The file.
    """
    for line in content.splitlines():
        try:
            record: Any = json.loads(line)
            headers = {str(name).lower(): str(value) for name, value in record["headers"].items()}
            body = b64decode(record["body_b64"], validate=True)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # a "ready" line, for example
        yield Capture(headers, body, str(record.get("verdict", "")))


def message_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the message id, from either spelling of its header.

    Args:
        headers: Names in lower case.
    """
    return headers.get("svix-id", headers.get("webhook-id"))
