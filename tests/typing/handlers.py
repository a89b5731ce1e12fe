"""The types of handlers and endpoints. Nothing runs this: mypy, pyright, ty and pyrefly read it."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import assert_type

from clerk_webhook import Webhook, WebhookEvent, events
from clerk_webhook.endpoint import AbortDelivery, Attempt, Endpoint, Handlers, Response
from clerk_webhook.stores import MemoryStore

endpoint = Endpoint("whsec_", store=MemoryStore())


@endpoint.on(events.UserDeleted)
def forget(event: events.UserDeleted) -> int:
    return len(event.data["id"])


@endpoint.on(events.UserCreated, events.UserUpdated)
async def upsert(event: events.UserCreated | events.UserUpdated) -> str:
    return event.data["id"]


@endpoint.on(events.SessionCreated, events.SessionEnded, events.SessionRemoved)
def of_a_family(event: events.SessionWebhookEvent) -> None:
    """A handler may take more than it is registered for."""


@endpoint.on(events.RoleCreated, events.RoleUpdated, events.RoleDeleted, events.EmailCreated)
def four(event: events.RoleCreated | events.RoleUpdated | events.RoleDeleted | events.EmailCreated) -> None: ...


@endpoint.on(
    events.UserCreated, events.UserUpdated, events.UserDeleted, events.OrganizationCreated, events.OrganizationDeleted
)
def five(
    event: events.UserWebhookEvent | events.OrganizationCreated | events.OrganizationDeleted,
) -> None: ...


@endpoint.on(
    events.UserCreated,
    events.UserUpdated,
    events.UserDeleted,
    events.RoleCreated,
    events.RoleUpdated,
    events.RoleDeleted,
    events.UnknownEvent,
)
def more_than_five(event: WebhookEvent) -> None: ...


class Mirror:
    def __call__(self, event: events.WaitlistEntryCreated) -> None: ...


endpoint.on(events.WaitlistEntryCreated)(Mirror())
endpoint.on(events.WaitlistEntryCreated)(lambda event: event.data["email_address"])


@endpoint.on_any
def count(event: WebhookEvent) -> float:
    return event.timestamp or 0.0


@endpoint.on_unknown
async def report(event: events.UnknownEvent) -> None:
    raise AbortDelivery(event.wire_type)


async def a_decorated_function_keeps_its_type(
    deleted: events.UserDeleted, created: events.UserCreated, event: WebhookEvent, unknown: events.UnknownEvent
) -> None:
    assert_type(forget(deleted), int)
    assert_type(await upsert(created), str)
    assert_type(count(event=event), float)
    await report(event=unknown)
    sync: Callable[[events.UserDeleted], int] = forget
    asynchronous: Callable[[events.UserCreated], Awaitable[str]] = upsert
    print(sync, asynchronous)


async def answers(handlers: Handlers) -> None:
    endpoint.include(handlers)
    assert_type(endpoint.handle({}, b""), Response)
    assert_type(await endpoint.handle_async([(b"svix-id", b"x")], b""), Response)


def observe(attempt: Attempt) -> None:
    assert_type(attempt.message_id, str | None)
    assert_type(attempt.duration, float)


Endpoint("whsec_", observer=observe, tolerance=60, max_body=1000, log_exceptions=True)
Endpoint(b"raw", secret="whsec_", tolerance=timedelta(minutes=1), clock=time.time, loads=json.loads)
Endpoint(webhook=Webhook("whsec_"))
