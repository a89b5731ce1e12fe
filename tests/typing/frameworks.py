"""The types of endpoints and doors, as mypy, pyright, ty and pyrefly must see them. Never run."""

from collections.abc import Callable
from typing import Annotated, assert_type

from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.urls import path
from fastapi import Depends, FastAPI
from flask import Flask, Response
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from clerk_webhook import (
    Endpoint,
    Handlers,
    Webhook,
    WebhookEvent,
    asgi,
    aws_lambda,
    django,
    events,
    fastapi,
    flask,
    wsgi,
)
from clerk_webhook.endpoint import AbortDelivery, Attempt
from clerk_webhook.endpoint import Response as Answer
from clerk_webhook.fastapi import ClerkEvent
from clerk_webhook.stores import MemoryStore
from clerk_webhook.types import DeletedObjectJSON, UserJSON

app = FastAPI()
site = Flask(__name__)
webhook = Webhook("whsec_")
endpoint = Endpoint("whsec_")


def observe(attempt: Attempt) -> None:
    assert_type(attempt.message_id, str | None)
    assert_type(attempt.status, int | None)
    assert_type(attempt.duration, float)


assert_type(Endpoint(webhook, store=MemoryStore(), observer=observe, max_body=1000), Endpoint[None])
assert_type(Endpoint(lambda: webhook, log_exceptions=True), Endpoint[None])
in_a_transaction = Endpoint(transaction=sessionmaker().begin, scope="billing", observer=observe)
assert_type(in_a_transaction, Endpoint[Session])
async_endpoint = Endpoint(webhook, transaction=async_sessionmaker().begin)
assert_type(async_endpoint, Endpoint[AsyncSession])


@in_a_transaction.newest
def save(event: events.UserCreated | events.UserUpdated, session: Session) -> None:
    raise AbortDelivery(event.data["id"])


in_django_s_transaction = Endpoint(django.webhook_from_settings, transaction=django.atomic("other"))
assert_type(in_django_s_transaction, Endpoint[BaseDatabaseWrapper])


@in_django_s_transaction.newest
def save_in_django(event: events.UserCreated, connection: BaseDatabaseWrapper) -> None: ...


@async_endpoint.once
async def welcome(event: events.UserCreated, session: AsyncSession) -> None: ...


async def answers(handlers: Handlers[None]) -> None:
    endpoint.include(handlers)
    assert_type(endpoint.handle({}, b""), Answer)
    assert_type(await async_endpoint.handle_async([(b"svix-id", b"x")], b""), Answer)
    assert_type(endpoint.door()("POST", None, {}, lambda enough: b""), Answer)


asgi.application(async_endpoint)
wsgi.application(in_a_transaction)
aws_lambda.handler(endpoint)


@app.post("/api/webhooks")
async def in_fastapi(event: ClerkEvent) -> str:
    assert_type(event, WebhookEvent)
    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            assert_type(user, UserJSON)
            return user["id"]
        case events.UserDeleted(data=deleted):
            assert_type(deleted, DeletedObjectJSON)
        case events.UnknownEvent(wire_type=wire_type):
            assert_type(wire_type, str)
        case _:
            pass
    return event.wire_type


@app.post("/own")
def by_equality(
    event: Annotated[WebhookEvent, Depends(fastapi.clerk_event_from(lambda: webhook, max_body=1000))],
) -> None:
    if event.type == "user.created":
        assert_type(event.data, UserJSON)


app.dependency_overrides[fastapi.clerk_event] = lambda: None
fastapi.clerk_event_from("whsec_", observer=observe)
app.post("/endpoint", openapi_extra=fastapi.OPENAPI)(fastapi.view(async_endpoint))


@site.post("/api/webhooks")
def in_flask() -> str:
    event = flask.clerk_event(webhook, observer=observe, max_body=1000)
    assert_type(event, WebhookEvent)
    match event:
        case events.UserCreated(data=user):
            assert_type(user, UserJSON)
        case _:
            pass
    return flask.clerk_event().wire_type


assert_type(flask.view(endpoint), Callable[[], Response])
site.add_url_rule("/endpoint", view_func=flask.view(endpoint))


@django.clerk_event
def in_django(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    match event:
        case events.UserCreated(data=user):
            assert_type(user, UserJSON)
        case _:
            pass
    return HttpResponse()


@django.clerk_event()
async def in_async_django(request: HttpRequest, event: WebhookEvent, tenant: int) -> HttpResponse:
    return HttpResponse(f"{event.type} {tenant}")


@django.clerk_event(webhook=lambda: webhook, observer=observe, max_body=1000)
def with_a_webhook_of_its_own(request: HttpRequest, event: WebhookEvent, *, tenant: str = "") -> HttpResponse:
    return HttpResponse()


async def a_decorated_view_takes_the_rest(request: HttpRequest) -> None:
    assert_type(in_django(request), HttpResponse)
    assert_type(await in_async_django(request, 3), HttpResponse)
    assert_type(with_a_webhook_of_its_own(request, tenant="a"), HttpResponse)


urlpatterns = [
    path("api/webhooks", in_django),
    path("async/<int:tenant>", in_async_django),
    path("endpoint", django.view(endpoint)),
]
