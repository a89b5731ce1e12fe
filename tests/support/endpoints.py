"""Endpoints, and deliveries to them, for the tests of the doors and of what stands behind them."""

import json
import time

from deliveries import SECRET, signed

from clerk_webhook import WebhookEvent, events
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.stores import MemoryStore

HANDLED = (200, {"content-type": "text/plain; charset=utf-8", "content-length": "0"}, b"")
CODE, ADDRESS = "424242", "ada@example.com"


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


# How a handler can run under ASGI: in a thread, in the task of the request, or in a thread beside an async handler.
KINDS = ["sync", "async", "mixed"]


def handled_by(kind, step, **arguments):
    """Return an endpoint whose handler of this kind calls a step with each event, and the events that it saw."""
    endpoint = Endpoint(SECRET, **{"store": MemoryStore(), **arguments})
    seen = []

    def sync(event: events.UserCreated):
        seen.append(event)
        step(event)

    async def asynchronous(event: events.UserCreated):
        sync(event)

    endpoint.on(asynchronous if kind == "async" else sync)
    if kind == "mixed":
        endpoint.on(async_handler)
    return endpoint, seen


def raise_(error):
    """Raise an error, unless it is None."""
    if error is not None:
        raise error


class AsyncObject:
    async def __call__(self, event: WebhookEvent):
        pass


async def async_handler(event: WebhookEvent):
    pass


class FailingStore(MemoryStore):
    def __init__(self, fails, error=ConnectionError):
        super().__init__()
        self.fails = fails
        self.error = error

    def _fail(self, step):
        if step == self.fails:
            raise self.error(f"of {step}, to {ADDRESS}")

    def claim(self, message_id, owner=""):
        self._fail("claim")
        return super().claim(message_id, owner)

    def complete(self, message_id):
        self._fail("complete")
        super().complete(message_id)

    def release(self, message_id, owner=""):
        self._fail("release")
        super().release(message_id, owner)
