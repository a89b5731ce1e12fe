"""Deliveries in a file: one JSON object per line, in the format of Clerk's own command line.

Clerk's `clerk webhooks listen --json` writes these lines, and `clerk webhooks verify --delivery` reads them:
https://github.com/clerk/cli (packages/cli-core/src/commands/webhooks/README.md)
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["Capture", "capture_record", "message_id_of", "read_captures"]


class Capture(NamedTuple):
    """A delivery as it was received.

    Attributes:
        headers: Names in lower case.
        body: The raw body.
    """

    headers: dict[str, str]
    body: bytes


def read_captures(content: bytes) -> Iterator[Capture]:
    """Yield the deliveries of a file, and pass over all other lines.

    Args:
        content: The file.
    """
    for line in content.splitlines():
        try:
            record: Any = json.loads(line)
            headers = {str(name).lower(): str(value) for name, value in record["headers"].items()}
            yield Capture(headers, b64decode(record["body_b64"], validate=True))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # a "ready" line, for example


def message_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the message id, from either spelling of its header.

    Args:
        headers: Names in lower case.
    """
    return headers.get("svix-id", headers.get("webhook-id"))


def capture_record(
    headers: Mapping[str, str], body: bytes, event_type: str | None, forward_status: int | None, latency_ms: int
) -> dict[str, Any]:
    """Return a delivery as the JSON object of its line.

    Args:
        headers: All headers of the request, names in lower case.
        body: The raw body.
        event_type: The event type, if the body has one.
        forward_status: The status that the application answered. None if the delivery was not forwarded, or not
            answered.
        latency_ms: The time that the answer took, in milliseconds.
    """
    return {
        "type": "event",
        "svix_id": message_id_of(headers),
        "event_type": event_type,
        "headers": dict(headers),
        "body_b64": b64encode(body).decode(),
        "forward_status": forward_status,
        "latency_ms": latency_ms,
    }
