"""An endpoint as an ASGI application: transport only.

The specification: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .answers import Receiver, Response

__all__ = ["ASGIApp"]

# Wide enough for every framework's own types, some of which are TypedDicts.
Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]

_NAME_LENGTH = len(b"content-length")


class ASGIApp:
    """An endpoint as an ASGI application, made by `Endpoint.asgi`. It answers at every path.

    Svix follows no redirects, and `mount("/api/webhooks", ...)` of Starlette and FastAPI redirects that path to
    `/api/webhooks/`. So use a `Route`, or give Clerk the URL with the slash.

    Example:
        ```python
        app.router.routes.append(Route("/api/webhooks", endpoint.asgi()))
        ```
    """

    def __init__(self, endpoint: Receiver) -> None:
        """Keep the endpoint.

        Args:
            endpoint: The endpoint that answers.
        """
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Args:
            scope: The request without its body.
            receive: Awaits the next part of the request.
            send: Sends a part of the answer.

        Raises:
            RuntimeError: The scope is not HTTP, WebSocket or lifespan.
        """
        if scope["type"] == "http":
            response = await self._respond(scope, receive)
            # "If send() is called on a closed connection the server should raise a server-specific subclass of
            # OSError": the client has gone, and the effect of the handlers stays.
            with suppress(OSError):
                await _send(response, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            # A server answers 403 if the connection is closed before it is accepted.
            await send({"type": "websocket.close"})
        else:
            # "Applications should actively reject any protocol that they do not understand with an Exception":
            # https://asgi.readthedocs.io/en/latest/specs/main.html#applications
            raise RuntimeError(f"A webhook does not arrive by {scope['type']!r}: mount this application for HTTP.")

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        endpoint = self._endpoint
        refused = endpoint.precheck(scope["method"], _content_length(scope["headers"]))
        if refused is not None:
            return refused
        body = BytesIO()  # a list of many small parts, and its join, would take 100 times their size
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                # The client has gone. Some servers say this of a malformed body, too.
                return endpoint.refuse("refused")
            body.write(event.get("body", b""))
            if body.tell() > endpoint.max_body:
                return endpoint.refuse("too_large")
            more = event.get("more_body", False)
        return await endpoint.handle_async(scope["headers"], body.getvalue())


def _content_length(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the content-length header, if the request has one."""
    for name, value in headers:
        # Names "should be lowercased, but it is not required".
        if len(name) == _NAME_LENGTH and name.lower() == b"content-length":
            return value
    return None


async def _send(response: Response, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _live(receive: Receive, send: Send) -> None:
    """Confirm start-up and shutdown: an endpoint needs neither."""
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
