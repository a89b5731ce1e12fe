"""FastAPI: a verified, typed event as a dependency of a route, and an endpoint as a route.

```python
from clerk_webhook import events
from clerk_webhook.fastapi import ClerkEvent

@app.post("/api/webhooks")
async def clerk(event: ClerkEvent) -> None:
    match event:
        case events.UserCreated(data=user):
            print("new user", user["id"])
```
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from io import BytesIO
from typing import Annotated, Any, TypeAlias

try:
    from fastapi import Depends, HTTPException, Request, Response
except ImportError as _error:
    raise ImportError("clerk_webhook.fastapi needs FastAPI: pip install fastapi") from _error

from ._reception import MAX_BODY, Arrival, Observer, Reception, Refused, WebhookSource, checked, verifier
from ._tracebacks import our_frames_hidden
from .endpoint import Endpoint
from .events import WebhookEvent
from .webhook import verify_and_parse

__all__ = ["OPENAPI", "ClerkEvent", "clerk_event", "clerk_event_from", "view"]

OPENAPI: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {
        "400": {"description": "The request is not genuine, or its body is not a Clerk event."},
        "413": {"description": "The body is too large."},
        "500": {"description": "The handling failed: Svix sends the message again."},
    },
}
"""The description of a route that FastAPI cannot know: `@app.post("/api/webhooks", openapi_extra=OPENAPI)`."""


def clerk_event_from(
    webhook: WebhookSource, *, observer: Observer | None = None, max_body: int = MAX_BODY
) -> Callable[[Request], Awaitable[WebhookEvent]]:
    """Return a dependency that gives the event of a genuine request, for a `Webhook` of your own.

    Args:
        webhook: The `Webhook`, a signing secret as text, or a function that returns a `Webhook`. The function is called
            at each request, in the event loop, so it must not block.
        observer: Is called once with each attempt. Its exceptions are logged, and change no answer.
        max_body: The size of the largest body that is read, in bytes.

    Returns:
        The dependency. It raises FastAPI's `HTTPException` for everything else, as `clerk_event` does.

    Raises:
        SecretError: A text is not a signing secret.
        TypeError: An argument has the wrong type.
        ValueError: `max_body` is not positive.

    Example:
        ```python
        BillingEvent = Annotated[WebhookEvent, Depends(clerk_event_from(Webhook("whsec_...", tolerance=60)))]
        ```
    """
    with our_frames_hidden:
        reception = Reception(verifier(webhook), observer=observer, max_body=max_body)

    async def event_of(request: Request) -> WebhookEvent:
        return await _event(request, reception)

    return event_of


_DEFAULT = Reception(verify_and_parse, observer=None, max_body=MAX_BODY)


async def clerk_event(request: Request) -> WebhookEvent:
    """Give the event of a genuine request. The signing secret is read from the environment at each request.

    The body has at most 1 MiB. A test overrides this dependency: `app.dependency_overrides[clerk_event]`.

    Args:
        request: The request. A route reads its body again by `await request.body()`.

    Raises:
        HTTPException: 400 with the code of the error as detail (`"signature_mismatch"`), or `"incomplete_body"` if the
            body is not all there; 413 with `"too_large"`; 500 with `"misconfigured"` if the secret is missing or wrong.

    Example:
        ```python
        app.dependency_overrides[clerk_event] = lambda: sample_event("user.created")
        ```
    """
    return await _event(request, _DEFAULT)


ClerkEvent: TypeAlias = Annotated[WebhookEvent, Depends(clerk_event)]
"""The event of a genuine request, as the type of a route's parameter."""


def view(endpoint: Endpoint[Any]) -> Callable[[Request], Awaitable[Response]]:
    """Return a route that answers with an endpoint.

    Args:
        endpoint: The endpoint. Its sync handlers run in threads.

    Raises:
        TypeError: This is no endpoint.

    Example:
        ```python
        app.post("/api/webhooks", openapi_extra=OPENAPI)(view(endpoint))
        ```
    """
    respond = checked(endpoint).door_async()

    async def clerk_webhook(request: Request) -> Response:
        read = partial(_read, request)
        answer = await respond(request.method, request.scope["path"], request.scope["headers"], read)
        return Response(answer.body, answer.status, answer.headers)

    return clerk_webhook


async def _event(request: Request, reception: Reception) -> WebhookEvent:
    # The scope has each header as it was sent: a copy by name would hide the second of two.
    headers = request.scope["headers"]
    arrival = Arrival(reception, request.scope["path"])
    try:
        return arrival.accept(headers, await arrival.read_async(request.method, headers, partial(_read, request)))
    except Refused as refused:
        answer = arrival.refuse(refused)
        # An application's handler for FastAPI's HTTPException would not see Starlette's.
        raise HTTPException(answer.status, refused.reason, refused.headers) from None


async def _read(request: Request, enough: int) -> bytes:
    """Return the body, or its first part if that is as large as `enough`."""
    body = BytesIO()  # a list of many small parts would take a hundred times their size
    async with aclosing(request.stream()) as stream:
        async for chunk in stream:
            body.write(chunk)
            if body.tell() >= enough:
                break
    # Starlette's own `body()` keeps the body like this, and a route can read the body again.
    request._body = whole = body.getvalue()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return whole
