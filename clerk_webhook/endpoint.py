"""`Endpoint`: handlers behind one URL. It verifies a request, dispatches its event, and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeAlias, TypeVar, overload

from ._dispatch import AbortDelivery
from ._headers import Headers
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
from ._tracebacks import our_frames_hidden
from .handlers import Handlers, Transaction
from .stores import Store
from .webhook import Webhook

__all__ = ["AbortDelivery", "Attempt", "Endpoint", "Observer", "Outcome", "Response", "WebhookSource"]

ConnectionT = TypeVar("ConnectionT")

_Door: TypeAlias = Callable[[str, str | None, Headers, Callable[[int], bytes]], Response]
_AsyncDoor: TypeAlias = Callable[[str, str | None, Headers, Callable[[int], Awaitable[bytes]]], Awaitable[Response]]


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

    @overload
    def __init__(
        self: Endpoint[None],
        webhook: WebhookSource | None = None,
        *,
        transaction: None = None,
        store: Store | None = None,
        scope: str = "",
        observer: Observer | None = None,
        max_body: int = MAX_BODY,
        log_exceptions: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self,
        webhook: WebhookSource | None = None,
        *,
        transaction: Transaction[ConnectionT],
        store: None = None,
        scope: str = "",
        observer: Observer | None = None,
        max_body: int = MAX_BODY,
        log_exceptions: bool = False,
    ) -> None: ...
    def __init__(  # noqa: PLR0913  # most users give one or two of them
        self,
        webhook: WebhookSource | None = None,
        *,
        transaction: Transaction[Any] | None = None,
        store: Store | None = None,
        scope: str = "",
        observer: Observer | None = None,
        max_body: int = MAX_BODY,
        log_exceptions: bool = False,
    ) -> None:
        """Check the configuration, so that a mistake is found at start-up.

        Args:
            webhook: Verifies the requests: a `Webhook`, a signing secret as text, or a function that returns a
                `Webhook` and is called at each request. None: the secret of the environment, as it is now.
            transaction: As for `Handlers`.
            store: As for `Handlers`. Each endpoint needs a store of its own, because Svix sends one message to several
                endpoints under one id.
            scope: As for `Handlers`.
            observer: Is called once with each attempt. Its exceptions are logged, and change no answer.
            max_body: The size of the largest body that is read, in bytes.
            log_exceptions: Log the exceptions of handlers and of the database with their text and their traceback. The
                text often holds personal data, so use this for development.

        Raises:
            SecretError: No secret is configured, or a secret cannot be a signing secret.
            TypeError: An argument has the wrong type, or both `transaction` and `store` are given.
            ValueError: `max_body` is not positive.
        """
        how: Any = {"transaction": transaction, "store": store, "scope": scope}  # one of the overloads, as here
        with our_frames_hidden:
            super().__init__(**how)
            verify = Webhook.from_env().verify_and_parse if webhook is None else verifier(webhook)
            self._reception = Reception(verify, observer=observer, max_body=max_body, log_exceptions=log_exceptions)

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
        return self._run(event, arrival.end)

    async def handle_async(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and dispatch its event: async handlers in this task, sync handlers in threads.

        This needs asyncio. `dispatch_async` says what becomes of handlers if the request is cancelled.

        Args:
            headers: As for `handle`.
            body: As for `handle`.

        Returns:
            As `handle`.

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
        return await self._run_async(event, arrival.end)

    def door(self) -> _Door:
        """Return the function by which a door answers requests whose bodies are not read yet.

        The function takes the method, the path without the query (for the log, or None), all headers, and a function
        that reads the body. That function gets the number of bytes after which it may stop, because the body is too
        large then. An exception from it means that the body is not there.

        Raises:
            TypeError: A handler is async. The answering function raises it for one that is registered later.

        Example:
            ```python
            answer = endpoint.door()
            response = answer("POST", "/api/webhooks", headers, stream.read)
            ```
        """
        self._refuse_async()
        return self._receive

    def door_async(self) -> _AsyncDoor:
        """Return the function by which an async door answers, as `door` does. The function that reads is async too.

        Example:
            ```python
            answer = endpoint.door_async()
            response = await answer("POST", "/api/webhooks", headers, stream.read)
            ```
        """
        return self._receive_async

    def _receive(self, method: str, path: str | None, headers: Headers, read: Callable[[int], bytes]) -> Response:
        arrival = Arrival(self._reception, path)
        try:
            event = arrival.verify(headers, arrival.read(method, headers, read))
        except Refused as refused:
            return arrival.refuse(refused)
        return self._run(event, arrival.end)

    async def _receive_async(
        self, method: str, path: str | None, headers: Headers, read: Callable[[int], Awaitable[bytes]]
    ) -> Response:
        arrival = Arrival(self._reception, path)
        try:
            event = arrival.verify(headers, await arrival.read_async(method, headers, read))
        except Refused as refused:
            return arrival.refuse(refused)
        return await self._run_async(event, arrival.end)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> NoReturn:
        """Refuse to be a part of a request, because FastAPI would ask for one in `app.post(path)(view)`."""
        raise TypeError("An endpoint is no part of a request: app.post(path)(view(endpoint)) makes a route of it.")
