"""Endpoints, and deliveries to them, for the tests of the doors and of what stands behind them."""

import json
import time

from deliveries import SECRET, signed

from clerk_webhook import WebhookEvent, events
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.stores import MemoryStore

HANDLED = (200, {"content-type": "text/plain; charset=utf-8", "content-length": "0"}, b"")
CODE = "424242"


def delivery(event_type="user.created", *, message_id="msg_1", timestamp=None, **data):
    """Return the headers and the body of a delivery that is genuine now."""
    body = json.dumps({"type": event_type, "data": {"id": "user_1", **data}, "object": "event"}).encode()
    return signed(body, message_id=message_id, timestamp=timestamp or int(time.time())), body


def genuine(body):
    """Return the headers and the body of a delivery of any body that is genuine now."""
    return signed(body, message_id="msg_1", timestamp=int(time.time())), body


def taking(annotation, step):
    """Return a handler of events of these types that calls a step with each."""

    def handler(event):
        step(event)

    handler.__annotations__["event"] = annotation
    return handler


def handled(raises=None, **arguments):
    """Return an endpoint with a handler for user.created, and the events that it saw."""
    endpoint = Endpoint(SECRET, **{"store": MemoryStore(), **arguments})
    seen = []

    @endpoint.on
    def handler(event: events.UserCreated):
        seen.append(event)
        if raises is not None:
            raise raises

    return endpoint, seen


class AsyncObject:
    async def __call__(self, event: WebhookEvent):
        pass
