"""The types of the modules for frameworks, as mypy, pyright, ty and pyrefly must see them. Never run."""

from collections.abc import Callable
from typing import Annotated, assert_type

from django.http import HttpRequest, HttpResponse
from django.urls import path
from fastapi import Depends, FastAPI
from flask import Flask, Response

from clerk_webhook import Webhook, WebhookEvent, django, events, fastapi, flask
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.fastapi import ClerkEvent
from clerk_webhook.types import DeletedObjectJSON, UserJSON

app = FastAPI()
site = Flask(__name__)
webhook = Webhook("whsec_")
endpoint = Endpoint("whsec_")


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
def by_equality(event: Annotated[WebhookEvent, Depends(fastapi.verified(lambda: webhook, max_body=1000))]) -> None:
    if event.type == "user.created":
        assert_type(event.data, UserJSON)


app.dependency_overrides[fastapi.clerk_event] = lambda: None


@site.post("/api/webhooks")
def in_flask() -> str:
    event = flask.clerk_event(webhook, max_body=1000)
    assert_type(event, WebhookEvent)
    match event:
        case events.UserCreated(data=user):
            assert_type(user, UserJSON)
        case _:
            pass
    return flask.clerk_event().wire_type


assert_type(flask.view(endpoint), Callable[[], Response])
site.add_url_rule("/endpoint", view_func=flask.view(endpoint))


@django.webhook
def in_django(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    match event:
        case events.UserCreated(data=user):
            assert_type(user, UserJSON)
        case _:
            pass
    return HttpResponse()


@django.webhook()
async def in_async_django(request: HttpRequest, event: WebhookEvent, tenant: int) -> HttpResponse:
    return HttpResponse(f"{event.type} {tenant}")


@django.webhook(webhook=lambda: webhook, max_body=1000)
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
