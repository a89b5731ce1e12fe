"""An endpoint as an ASGI application: transport only.

The specification: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .answers import Receiver, Response

__all__ = ["ASGIApp"]

# Wide enough for the types that frameworks have for these: some have a TypedDict for each.
Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]

_NAME_LENGTH = len(b"content-length")


class ASGIApp:
    """Answers at whatever path it is mounted. Made by `Endpoint.asgi`.

    Svix follows no redirects. `mount("/api/webhooks", ...)` of Starlette and FastAPI sends whoever asks for that very
    path on to `/api/webhooks/`, so give Clerk the URL with the slash, or use a `Route`.

    Example:
        ```python
        app.router.routes.append(Route("/api/webhooks", endpoint.asgi()))
        ```
    """

    def __init__(self, endpoint: Receiver) -> None:
        """Keep the endpoint.

        Args:
            endpoint: What answers.
        """
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Args:
            scope: What is known of the request before its body.
            receive: Awaits the next part of the request.
            send: Sends a part of the answer.
        """
        if scope["type"] == "http":
            response = await self._respond(scope, receive)
            # "If send() is called on a closed connection the server should raise a server-specific subclass of
            # OSError": the client has gone, and what was done stays done.
            with suppress(OSError):
                await _send(response, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            # Closed before it is accepted, which servers answer by 403.
            await send({"type": "websocket.close"})
        else:
            # "Applications should actively reject any protocol that they do not understand with an Exception":
            # https://asgi.readthedocs.io/en/latest/specs/main.html#applications
            raise RuntimeError(f"{scope['type']!r} is nothing that a webhook comes by.")

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        """Return the answer."""
        endpoint = self._endpoint
        refused = endpoint.precheck(scope["method"], _content_length(scope["headers"]))
        if refused is not None:
            return refused
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                # The client has gone, or to some servers, its body is malformed.
                return endpoint.refuse("refused")
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
            if size > endpoint.max_body:
                return endpoint.refuse("too_large")
            more = event.get("more_body", False)
        return await endpoint.handle_async(scope["headers"], b"".join(chunks))


def _content_length(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the length that is announced, where it is."""
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
    """Agree to start and to stop: there is nothing to do for either."""
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
