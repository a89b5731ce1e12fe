"""An event in the signature of a FastAPI route: FastAPI must not take an unverified body for one."""

from typing import Annotated, Any

import pytest
from fastapi import Body, Depends, FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter

from clerk_webhook import UnknownEvent, WebhookEvent, events, verify_and_parse
from clerk_webhook.testing import sample_delivery, sample_event

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def verified(event_class):
    """Return the dependency that verifies a request, annotated with the event class."""

    async def dependency(request: Request):
        return verify_and_parse(request.headers, await request.body(), secret=SECRET)

    return Annotated[event_class, Depends(dependency)]


def app_with(annotation, returned=None):
    app = FastAPI()

    async def route(event):
        return {"id": event.data["id"]}

    route.__annotations__ = {"event": annotation, "return": returned}
    app.post("/", response_model=None if returned is None else returned)(route)
    return app


@pytest.mark.parametrize(
    "annotation",
    [
        events.UserCreated,
        events.UserCreated | None,
        list[events.UserCreated],
        Annotated[events.UserCreated, Body()],
        UnknownEvent,
        WebhookEvent,
        events.Event,
        events.Event[Any, Any],
    ],
    ids=str,
)
def test_a_forged_request_gets_no_200_because_the_route_is_refused_when_it_is_defined(annotation):
    with pytest.raises(TypeError, match=r"clerk_webhook\.fastapi.*Depends\(clerk_event_from\(webhook\)\)"):
        app_with(annotation)


def test_a_response_model_is_refused_too():
    with pytest.raises(TypeError, match="UserCreated cannot be"):
        app_with(verified(events.UserCreated), events.UserCreated)


@pytest.mark.parametrize("event_class", [events.UserCreated, WebhookEvent, events.Event[Any, Any]], ids=str)
def test_a_dependency_that_verifies_still_works(event_class):
    client = TestClient(app_with(verified(event_class)), raise_server_exceptions=False)
    genuine = sample_delivery("user.created", SECRET)
    answer = client.post("/", headers=genuine.headers, content=genuine.body)
    assert (answer.status_code, answer.json()) == (200, {"id": sample_event(events.UserCreated).data["id"]})
    forged = client.post("/", json=sample_event(events.UserCreated).payload)
    assert forged.status_code == 500  # this app has no handler for a MissingHeaderError


def test_pydantic_itself_refuses_an_event():
    with pytest.raises(TypeError, match="nothing would verify the signature"):
        TypeAdapter(events.UserCreated)
    with pytest.raises(TypeError, match="nothing would verify the signature"):
        type("Model", (BaseModel,), {"__annotations__": {"event": events.UserCreated}, "__module__": __name__})
