"""An endpoint as an ASGI application: for Starlette, FastAPI, Litestar, Quart, Django, or a server alone.

The specification: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any, TypeAlias

from ._reception import checked
from .endpoint import Endpoint

__all__ = ["application"]

# Wide enough for every framework's own types, some of which are TypedDicts.
Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]


class _Application:
    """An object, because Starlette's `Route` takes a function for one that takes a request."""

    def __init__(self, endpoint: Endpoint[Any]) -> None:
        self._answer = checked(endpoint).door_async()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            read = partial(_read, receive)
            response = await self._answer(scope["method"], scope["path"], scope["headers"], read)
            # "If send() is called on a closed connection the server should raise a server-specific subclass of
            # OSError": the client has gone, and the effect of the handlers stays.
            with suppress(OSError):
                headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
                await send({"type": "http.response.start", "status": response.status, "headers": headers})
                await send({"type": "http.response.body", "body": response.body})
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            # A server answers 403 if the connection is closed before it is accepted.
            await send({"type": "websocket.close"})
        else:
            # "Applications should actively reject any protocol that they do not understand with an Exception":
            # https://asgi.readthedocs.io/en/latest/specs/main.html#applications
            raise RuntimeError(f"A webhook does not arrive by {scope['type']!r}: mount this application for HTTP.")


def application(endpoint: Endpoint[Any]) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Return an ASGI application that answers with an endpoint, at every path.

    Svix follows no redirects, and `app.mount("/api/webhooks", ...)` of Starlette and FastAPI redirects that path to
    `/api/webhooks/`. So use a `Route`, or give Clerk the URL with the slash.

    Args:
        endpoint: The endpoint.

    Raises:
        TypeError: This is no endpoint.

    Example:
        ```python
        app.router.routes.append(Route("/api/webhooks", application(endpoint)))
        ```
    """
    return _Application(endpoint)


async def _read(receive: Receive, enough: int) -> bytes:
    """Return the body, or its first part if that is as large as `enough`."""
    body = BytesIO()  # a list of many small parts, and its join, would take 100 times their size
    more = True
    while more and body.tell() < enough:
        event = await receive()
        if event["type"] == "http.disconnect":  # some servers say this of a malformed body, too
            raise EOFError
        body.write(event.get("body", b""))
        more = event.get("more_body", False)
    return body.getvalue()


async def _live(receive: Receive, send: Send) -> None:
    """Confirm start-up and shutdown: an endpoint needs neither."""
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
