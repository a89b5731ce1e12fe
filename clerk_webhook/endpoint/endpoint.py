"""`Endpoint`: the configuration of a receiver, and the path of a request through it."""

from __future__ import annotations

import inspect
import time
from functools import partial
from typing import TYPE_CHECKING

from ..errors import ClerkWebhookError
from ..webhook import Webhook
from .answers import Response, respond
from .asgi import ASGIApp
from .attempt import run_handlers, run_handlers_async
from .aws_lambda import LambdaHandler
from .handlers import Handlers, is_async, refuse_async
from .log import Attempt, log_attempt, log_problem
from .threads import in_task, start_in_thread, wait_shielded
from .wsgi import WSGIApp

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from datetime import timedelta

    from .._headers import Headers
    from ..events import WebhookEvent
    from ..stores import Store
    from .answers import Outcome, Unread
    from .handlers import Registration
    from .log import Observer

__all__ = ["Endpoint"]

# Clerk's bodies have up to about 350 kB.
_MAX_BODY = 1 << 20
_MANY_DIGITS = 20

_now = time.perf_counter


class Endpoint(Handlers):
    """Receives what Clerk sends to one URL, and answers as Svix expects.

    Handled, not for any handler, or done before: 200. Being handled by another attempt: 409. Not genuine: 400. Larger
    than `max_body`: 413. Not a POST: 405. A handler raised: 500, and it is sent again.

    Each attempt is logged to the logger `clerk_webhook`, with `outcome`, `code`, `event_type`, `message_id` and
    `duration` as attributes of the record, and never a body, an address or the text of a handler's exception.

    Example:
        ```python
        endpoint = Endpoint()

        @endpoint.on(events.UserCreated)
        def welcome(event: events.UserCreated) -> None: ...

        app = endpoint.asgi()
        ```
    """

    def __init__(
        self,
        *secrets: str | bytes,
        tolerance: float | timedelta = 300,
        store: Store | None = None,
        max_body: int = _MAX_BODY,
        observer: Observer | None = None,
    ) -> None:
        """Decode the signing secrets, so that a wrong configuration is found at start-up.

        Args:
            secrets: The signing secrets, as for `Webhook`. None: those of the environment, as `Webhook.from_env`
                reads them.
            tolerance: How far the time of signing may be from now, either way, in seconds.
            store: Remembers which messages are done, so that a retry or a replay has no second effect. Without one,
                handlers have to bear messages that come twice. Each endpoint needs a store of its own: Svix sends one
                message to several endpoints under one id.
            max_body: The largest body that is read, in bytes.
            observer: Called once for each request whose body came, or was refused, with what became of it. What it
                raises is logged, and changes nothing.

        Raises:
            SecretError: No secret is configured, or one of them can't be a signing secret.
            TypeError: An argument has the wrong type.
        """
        super().__init__()
        if isinstance(store, type):
            raise TypeError(f"store must be a store, not a class: {store.__name__}().")
        steps = () if store is None else (store.claim, store.complete, store.release)
        if any(map(inspect.iscoroutinefunction, steps)):
            raise TypeError("store must have sync methods: under ASGI they are called in threads.")
        if type(max_body) is not int:
            raise TypeError(f"max_body must be an int, in bytes, not {type(max_body).__name__}.")
        if observer is not None and is_async(observer):
            raise TypeError("observer must not be async: nothing awaits it.")
        try:
            if secrets:
                self._webhook = Webhook(*secrets, tolerance=tolerance)
            else:
                self._webhook = Webhook.from_env(tolerance=tolerance)
        finally:
            del secrets
        self._store = store
        self._max_body = max_body
        self._observer = observer
        self._sync_only = False

    @property
    def max_body(self) -> int:
        """The largest body that is read, in bytes."""
        return self._max_body

    def handle(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and run its handlers in this thread.

        Args:
            headers: All headers of the request, as the framework holds them.
            body: The raw body, exactly as received.

        Returns:
            What to answer. Whatever the request or a handler does, it isn't an exception.

        Raises:
            TypeError: A handler is async, or these are no headers, or this is no raw body.

        Example:
            ```python
            response = endpoint.handle(request.headers, request.body)
            ```
        """
        refuse_async(self._registrations)
        started = _now()
        event = self._verify(headers, body, started)
        if isinstance(event, Response):
            return event
        return self._run_handlers(event, self._handlers_for(event), started)

    async def handle_async(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and run its handlers: async ones here, sync ones and the store in threads.

        It needs asyncio. If it is cancelled, an async handler is cancelled too, and the message released. A sync one
        can't be stopped: it goes on to its end without the request, and then the message is completed if that was the
        last one, or else released.

        Args:
            headers: All headers of the request, as the framework holds them.
            body: The raw body, exactly as received.

        Returns:
            What to answer. Whatever the request or a handler does, it isn't an exception.

        Raises:
            TypeError: These are no headers, or this is no raw body.

        Example:
            ```python
            response = await endpoint.handle_async(request.headers, await request.body())
            ```
        """
        started = _now()
        event = self._verify(headers, body, started)
        if isinstance(event, Response):
            return event
        handlers = self._handlers_for(event)
        async_count = sum(registration.is_async for registration in handlers)
        if handlers and not async_count:
            # One thread runs everything from the claim to the log, so a cancelled request leaves nothing half done.
            return await wait_shielded(start_in_thread(partial(self._run_handlers, event, handlers, started)))
        if self._store is None and async_count == len(handlers):
            return await self._run_handlers_async(event, handlers, started, None)
        return await in_task(partial(self._run_handlers_async, event, handlers, started))

    def precheck(self, method: str, content_length: str | bytes | int | None) -> Response | None:
        """Answer a request that need not be read, as a transport asks before it reads the body.

        Args:
            method: The HTTP method.
            content_length: The header of that name as it was sent, or as the framework has read it.

        Returns:
            What to answer. None where the body is to be read: then a length that was given is a number, and not more
            than `max_body`. Without one, `max_body` has to be applied while reading.

        Example:
            ```python
            response = endpoint.precheck(environ["REQUEST_METHOD"], environ.get("CONTENT_LENGTH"))
            ```
        """
        if method != "POST":
            return self.refuse("method_not_allowed")
        if not content_length:
            return None
        if not isinstance(content_length, int):
            # isdigit alone lets other digits pass, and int raises for thousands of them.
            if not (content_length.isascii() and content_length.isdigit() and len(content_length) < _MANY_DIGITS):
                return self.refuse("refused")
            content_length = int(content_length)
        return self.refuse("too_large") if content_length > self._max_body else None

    def refuse(self, outcome: Unread) -> Response:
        """Answer a request whose body can't be had: a transport calls this.

        Args:
            outcome: `"too_large"` where more than `max_body` has come, `"refused"` where the body is broken off or
                not decodable.

        Returns:
            What to answer.

        Example:
            ```python
            response = endpoint.refuse("too_large")
            ```
        """
        return self._answer(_now(), outcome, None, code="incomplete_body" if outcome == "refused" else None)

    def asgi(self) -> ASGIApp:
        """Return an ASGI application: for Starlette, FastAPI, Litestar, Quart, Django, or a server itself.

        Example:
            ```python
            app.router.routes.append(Route("/api/webhooks", endpoint.asgi()))
            ```
        """
        return ASGIApp(self)

    def wsgi(self) -> WSGIApp:
        """Return a WSGI application: for Flask, Django, Bottle, or a server itself.

        Raises:
            TypeError: A handler is async. From now on such are refused when they are registered.

        Example:
            ```python
            application = endpoint.wsgi()
            ```
        """
        self.require_sync_handlers()
        return WSGIApp(self)

    def aws_lambda(self) -> LambdaHandler:
        """Return a handler for AWS Lambda, behind API Gateway, a load balancer or a function URL.

        Raises:
            TypeError: A handler is async. From now on such are refused when they are registered.

        Example:
            ```python
            lambda_handler = endpoint.aws_lambda()
            ```
        """
        self.require_sync_handlers()
        return LambdaHandler(self)

    def require_sync_handlers(self) -> None:
        """Refuse async handlers, those that are registered now and later: a transport without asyncio calls this.

        Raises:
            TypeError: A handler is async.

        Example:
            ```python
            endpoint.require_sync_handlers()
            ```
        """
        refuse_async(self._registrations)
        self._sync_only = True

    def _add(self, registrations: Sequence[Registration]) -> None:
        if self._sync_only:
            refuse_async(registrations)
        super()._add(registrations)

    def _verify(self, headers: Headers, body: bytes | str, started: float) -> WebhookEvent | Response:
        """Return the event of a genuine request, or the answer to a request that is refused."""
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        if hasattr(body, "__len__") and len(body) > self._max_body:  # verify refuses a body without a length
            return self._answer(started, "too_large", None)
        try:
            return self._webhook.verify_and_parse(headers, body)
        except ClerkWebhookError as error:
            return self._answer(started, "refused", error, code=error.code)

    def _run_handlers(self, event: WebhookEvent, handlers: tuple[Registration, ...], started: float) -> Response:
        return self._answer(started, *run_handlers(event, handlers, self._store), event=event)

    async def _run_handlers_async(
        self,
        event: WebhookEvent,
        handlers: tuple[Registration, ...],
        started: float,
        gone: asyncio.Event | None,
    ) -> Response:
        outcome, error = await run_handlers_async(event, handlers, self._store, gone)
        response = self._answer(started, outcome, error, event=event)
        if outcome == "cancelled" and error is not None:
            raise error
        return response

    def _answer(
        self,
        started: float,
        outcome: Outcome,
        error: BaseException | None,
        *,
        event: WebhookEvent | None = None,
        code: str | None = None,
    ) -> Response:
        """Log and observe an attempt, and return its answer."""
        response = respond(outcome)
        event_type, message_id = (event.wire_type, event.message_id) if event else (None, None)
        attempt = Attempt(outcome, response.status, code, event_type, message_id, _now() - started, error)
        log_attempt(attempt)
        if self._observer is not None:
            try:
                self._observer(attempt)
            except Exception as observer_error:
                log_problem("The observer failed", observer_error, message_id)
        return response
