"""FastAPI: a verified, typed event as a dependency of a route.

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

import logging
from contextlib import aclosing, suppress
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, TypeAlias

try:
    from fastapi import Depends, HTTPException, Request
    from starlette.requests import ClientDisconnect
except ImportError as _error:
    raise ImportError("clerk_webhook.fastapi needs FastAPI: pip install fastapi") from _error

from ._route import MAX_BODY, Refusal, WebhookSource, check_source, receive
from .events import WebhookEvent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .endpoint.answers import Unread

__all__ = ["ClerkEvent", "clerk_event", "verified"]

_logger = logging.getLogger("clerk_webhook")


def verified(webhook: WebhookSource, *, max_body: int = MAX_BODY) -> Callable[[Request], Awaitable[WebhookEvent]]:
    """Return a dependency that gives the event of a genuine request, for a `Webhook` of your own.

    Args:
        webhook: The `Webhook`, or a function that returns it. The function is called at each request, in the event
            loop, so it must not block.
        max_body: The largest body that is read, in bytes.

    Returns:
        The dependency. It raises FastAPI's `HTTPException` for everything else, as `clerk_event` does.

    Raises:
        TypeError: `webhook` is neither.

    Example:
        ```python
        @app.post("/api/webhooks")
        def clerk(event: Annotated[WebhookEvent, Depends(verified(Webhook("whsec_...")))]) -> None: ...
        ```
    """
    try:
        check_source(webhook)
    except TypeError:
        del webhook  # a secret, perhaps, and error reporters record local variables
        raise

    async def verified_event(request: Request) -> WebhookEvent:
        return await _event(request, webhook, max_body)

    return verified_event


async def clerk_event(request: Request) -> WebhookEvent:
    """Give the event of a genuine request. The signing secret is read from the environment at each request.

    The body has at most 1 MiB. A test overrides this dependency: `app.dependency_overrides[clerk_event]`.

    Args:
        request: The request. A route reads its body again by `await request.body()`.

    Raises:
        HTTPException: 400 with the code of the error as detail (`"signature_mismatch"`), or `"incomplete_body"` if no
            body is left; 413 with `"too_large"`; 500 if the secret is missing or wrong.

    Example:
        ```python
        app.dependency_overrides[clerk_event] = lambda: sample_event("user.created")
        ```
    """
    return await _event(request, None, MAX_BODY)


ClerkEvent: TypeAlias = Annotated[WebhookEvent, Depends(clerk_event)]
"""The event of a genuine request, as the type of a route's parameter."""


async def _event(request: Request, webhook: WebhookSource | None, max_body: int) -> WebhookEvent:
    # The scope has each header as it was sent: a copy by name would hide the second of two.
    event = receive(webhook, request.scope["headers"], await _read(request, max_body))
    if isinstance(event, Refusal):
        # An application's handler for FastAPI's HTTPException would not see Starlette's.
        raise HTTPException(*event)
    return event


async def _read(request: Request, max_body: int) -> bytes | Unread:
    """Return the body, or the reason why it cannot be read."""
    with suppress(ValueError):  # an odd length announces nothing
        if int(request.headers.get("content-length", 0)) > max_body:
            return "too_large"
    body = BytesIO()  # a list of many small parts would take a hundred times their size
    try:
        async with aclosing(request.stream()) as stream:
            async for chunk in stream:
                body.write(chunk)
                if body.tell() > max_body:
                    return "too_large"
    except ClientDisconnect:
        return "refused"
    except RuntimeError:  # "Stream consumed"
        _logger.warning("Something read the request first (request.stream(), request.form()): no body is left.")
        return "refused"
    # Starlette's own `body()` keeps the body like this, and a route can read the body again.
    request._body = whole = body.getvalue()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return whole
