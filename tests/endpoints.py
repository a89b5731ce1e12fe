"""Endpoints, and deliveries to them, for the tests of `clerk_webhook.endpoint`."""

import json
import time

from deliveries import SECRET, signed

from clerk_webhook import events
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.stores import MemoryStore

HANDLED = (200, {"content-type": "text/plain; charset=utf-8", "content-length": "0"}, b"")


CODE, ADDRESS = "424242", "ada@example.com"


def body_of(event_type="user.created", **data):
    return json.dumps({"type": event_type, "data": {"id": "user_1", **data}, "object": "event"}).encode()


def delivery(event_type="user.created", *, message_id="msg_1", timestamp=None, **data):
    """Return the headers and the body of a delivery that is genuine now."""
    body = body_of(event_type, **data)
    return signed(body, message_id=message_id, timestamp=timestamp or int(time.time())), body


def handled(seen=None, raises=None):
    """Return an endpoint with a handler for user.created, and the events that it saw."""
    endpoint = Endpoint(SECRET, store=MemoryStore())
    seen = [] if seen is None else seen

    @endpoint.on(events.UserCreated)
    def handler(event):
        seen.append(event)
        if raises is not None:
            raise raises

    return endpoint, seen


class AsyncObject:
    async def __call__(self, event):
        pass


async def async_handler(event):
    pass
