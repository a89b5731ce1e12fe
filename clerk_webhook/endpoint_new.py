"""`Endpoint`: handlers behind one URL. It verifies a request, dispatches its event, and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ._dispatch import AbortDelivery, run, run_async
from ._reception import (
    MAX_BODY,
    Arrival,
    Attempt,
    Observer,
    Outcome,
    Reception,
    Refused,
    Response,
    WebhookSource,
    verifier,
)
from .handlers import Handlers
from .webhook import Webhook

if TYPE_CHECKING:
    from ._headers import Headers

__all__ = ["AbortDelivery", "Attempt", "Endpoint", "Observer", "Outcome", "Response", "WebhookSource"]


class Endpoint(Handlers[ConnectionT]):
    """Receives the webhooks that Clerk sends to one URL: `Handlers` with a `Webhook`.

    Each outcome has its status: see `Outcome`. Each attempt is logged to the logger `clerk_webhook`, without a body, a
    secret or an address. A door makes an endpoint part of an application: `clerk_webhook.asgi`, `wsgi`, `aws_lambda`,
    `fastapi`, `flask` and `django` have one each.

    Example:
        ```python
        endpoint = Endpoint()

        @endpoint.on
        def welcome(event: events.UserCreated) -> None: ...

        app = asgi.application(endpoint)
        ```
    """

    def handle(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and dispatch its event in this thread.

        Args:
            headers: All headers of the request, as the framework holds them.
            body: The raw body, exactly as received.

        Returns:
            The answer. No request and no failure of a handler raises an exception.

        Raises:
            TypeError: A handler is async, `headers` are not headers, or `body` is not a raw body.

        Example:
            ```python
            response = endpoint.handle(request.headers, request.body)
            ```
        """
        arrival = Arrival(self._reception)
        try:
            event = arrival.verify(headers, body)
        except Refused as refused:
            return arrival.refuse(refused)
        return run(self, event, arrival.end)

    async def handle_async(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and dispatch its event: async handlers in this task, sync handlers in threads.

        This needs asyncio. If the request is cancelled, an async handler is cancelled too, and nothing of its work is
        committed. A sync handler cannot be stopped: it goes on to its end.

        Args:
            headers: All headers of the request, as the framework holds them.
            body: The raw body, exactly as received.

        Returns:
            The answer. No request and no failure of a handler raises an exception.

        Raises:
            TypeError: `headers` are not headers, or `body` is not a raw body.

        Example:
            ```python
            response = await endpoint.handle_async(request.headers, await request.body())
            ```
        """
        arrival = Arrival(self._reception)
        try:
            event = arrival.verify(headers, body)
        except Refused as refused:
            return arrival.refuse(refused)
        return await run_async(self, event, arrival.end)

    def receive(self, method: str, path: str | None, headers: Headers, read: Callable[[int], bytes]) -> Response:
        """Answer a request whose body is not read yet. A door calls this.

        Args:
            method: The HTTP method.
            path: The path, without the query, for the log.
            headers: All headers of the request.
            read: Reads the body. It gets the number of bytes after which it may stop, because the body is too large
                then. Whatever it raises means that the body is not there.

        Returns:
            The answer.

        Raises:
            TypeError: A handler is async.

        Example:
            ```python
            response = endpoint.receive("POST", "/api/webhooks", headers, stream.read)
            ```
        """
        arrival = Arrival(self._reception, path)
        try:
            event = arrival.verify(headers, arrival.read(method, headers, read))
        except Refused as refused:
            return arrival.refuse(refused)
        return run(self, event, arrival.end)

    async def receive_async(
        self, method: str, path: str | None, headers: Headers, read: Callable[[int], Awaitable[bytes]]
    ) -> Response:
        """Answer a request whose body is not read yet, as `receive` does. A door calls this.

        Args:
            method: The HTTP method.
            path: The path, without the query, for the log.
            headers: All headers of the request.
            read: Reads the body.

        Returns:
            The answer.

        Example:
            ```python
            response = await endpoint.receive_async("POST", "/api/webhooks", headers, stream.read)
            ```
        """
        arrival = Arrival(self._reception, path)
        try:
            event = arrival.verify(headers, await arrival.read_async(method, headers, read))
        except Refused as refused:
            return arrival.refuse(refused)
        return await run_async(self, event, arrival.end)
