"""`Endpoint`: the configuration of a receiver, and the path of a request through it."""

from __future__ import annotations

import inspect
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..errors import PayloadError, WebhookVerificationError
from ..webhook import Webhook
from .answers import Response, respond
from .asgi import ASGIApp
from .attempt import FAILURES, run_handlers, run_handlers_async
from .aws_lambda import LambdaHandler
from .handlers import Handlers, is_async, refuse_async
from .log import Attempt, log_attempt, log_problem
from .threads import in_task, start_in_thread, wait_shielded
from .wsgi import WSGIApp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from .._headers import Headers
    from ..events import WebhookEvent
    from ..stores import Store
    from .answers import Outcome, Unread
    from .handlers import Registration
    from .log import Observer

__all__ = ["Endpoint"]

# An object of its own: another tolerance of 300 is not this object, so a tolerance that was given can be told.
_TOLERANCE: Final = int("300")
_MAX_BODY: Final = 1 << 20  # Clerk sends up to about 350 kB
_MANY_DIGITS: Final = 20

_now = time.perf_counter


class Endpoint(Handlers):
    """Receives the webhooks that Clerk sends to one URL, and answers as Svix expects.

    Each outcome has its status: see `Outcome`. Each attempt is logged to the logger `clerk_webhook`, without a body, a
    secret or an address.

    Example:
        ```python
        endpoint = Endpoint()

        @endpoint.on(events.UserCreated)
        def welcome(event: events.UserCreated) -> None: ...

        app = endpoint.asgi()
        ```
    """

    def __init__(  # noqa: PLR0913  # most users give one or two of them
        self,
        *secrets: str | bytes,
        secret: str | bytes | None = None,
        webhook: Webhook | None = None,
        tolerance: float | timedelta = _TOLERANCE,
        clock: Callable[[], float] = time.time,
        loads: Callable[[bytes], Any] | None = None,
        store: Store | None = None,
        max_body: int = _MAX_BODY,
        observer: Observer | None = None,
        log_exceptions: bool = False,
    ) -> None:
        """Check the configuration, so that a mistake is found at start-up.

        Args:
            secrets: The signing secrets, as for `Webhook`. Without any, `Webhook.from_env` reads the environment.
            secret: One more signing secret.
            webhook: A ready `Webhook`, instead of secrets, `tolerance`, `clock` and `loads`.
            tolerance: The largest difference between now and the time of signing, either way, in seconds.
            clock: Returns the seconds since the epoch.
            loads: Parses JSON, from UTF-8 bytes, instead of the standard library: `orjson.loads`, for example.
            store: Remembers which messages are done, so that a retry or a replay has no second effect. Without a store,
                handlers have to tolerate messages that come twice. Each endpoint needs a store of its own, because Svix
                sends one message to several endpoints under one id.
            max_body: The size of the largest body that is read, in bytes.
            observer: Is called once with each attempt. Its exceptions are logged, and change no answer.
            log_exceptions: Log the exceptions of handlers with their text and their traceback. The text often holds
                personal data, so use this for development.

        Raises:
            SecretError: No secret is configured, or a secret cannot be a signing secret.
            TypeError: An argument has the wrong type, or `webhook` is given with a secret, `tolerance`, `clock` or
                `loads`.
            ValueError: `tolerance` is negative or not a number, or `max_body` is not positive.
        """
        super().__init__()
        alone = not secrets and secret is None and tolerance is _TOLERANCE and clock is time.time and loads is None
        try:
            if webhook is not None:
                if not isinstance(webhook, Webhook):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
                    raise TypeError(f"webhook must be a Webhook, not {type(webhook).__name__}.")
                if not alone:
                    raise TypeError("webhook stands alone: give secrets, tolerance, clock and loads to the Webhook.")
                self._webhook = webhook
            elif secrets or secret is not None:
                self._webhook = Webhook(*secrets, secret=secret, tolerance=tolerance, clock=clock, loads=loads)
            else:
                self._webhook = Webhook.from_env(tolerance=tolerance, clock=clock, loads=loads)
        finally:
            # Error reporters record the local variables of every frame that a traceback passes through.
            del secrets, secret, webhook
        steps = [] if store is None else [getattr(store, step, None) for step in ("claim", "complete", "release")]
        if isinstance(store, type) or not all(map(callable, steps)):
            raise TypeError(f"store must be an object such as MemoryStore(), not {type(store).__name__}.")
        if any(map(inspect.iscoroutinefunction, steps)):
            raise TypeError("store must have sync methods: under ASGI they are called in threads.")
        if type(max_body) is not int:
            raise TypeError(f"max_body must be an int, in bytes, not {type(max_body).__name__}.")
        if max_body <= 0:
            raise ValueError(f"max_body must be positive, in bytes, not {max_body}: every body would be too large.")
        if observer is not None and (not callable(observer) or is_async(observer)):
            raise TypeError("observer must be a function that takes an Attempt, and not async: nothing awaits it.")
        self._store = store
        self._max_body = max_body
        self._observer = observer
        self._log_exceptions = log_exceptions
        self._sync_only = False

    @property
    def max_body(self) -> int:
        """The size of the largest body that is read, in bytes."""
        return self._max_body

    def handle(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and run its handlers in this thread.

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
        refuse_async(self._registrations)
        started = _now()
        event = self._verify(headers, body, started)
        if isinstance(event, Response):
            return event
        return run_handlers(event, self._handlers_for(event), self._store, partial(self._answer, started, event))

    async def handle_async(self, headers: Headers, body: bytes | str) -> Response:
        """Verify a request and run its handlers: async handlers in this task, sync handlers and the store in threads.

        This needs asyncio. If the request is cancelled, an async handler is cancelled too, and the message is released.
        A sync handler cannot be stopped: it goes on to its end. Then the message is completed if that was the last
        handler, and released otherwise.

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
        started = _now()
        event = self._verify(headers, body, started)
        if isinstance(event, Response):
            return event
        handlers = self._handlers_for(event)
        work = (event, handlers, self._store, partial(self._answer, started, event))
        async_count = sum(registration.is_async for registration in handlers)
        if handlers and not async_count:
            # One thread runs everything from the claim to the log, so a cancelled request leaves nothing half done.
            return await wait_shielded(start_in_thread(partial(run_handlers, *work)))
        if self._store is None and async_count == len(handlers):
            return await run_handlers_async(*work, gone=None)
        return await in_task(partial(run_handlers_async, *work))

    def precheck(self, method: str, content_length: str | bytes | int | None) -> Response | None:
        """Answer a request whose body need not be read. A transport calls this before it reads the body.

        Args:
            method: The HTTP method.
            content_length: The `content-length` header as it was sent, or as the framework has parsed it.

        Returns:
            The answer. None if the body is to be read: then a given length is a number, and not more than `max_body`.
            Without a length the transport applies `max_body` while it reads.

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
        """Answer a request whose body cannot be read. A transport calls this.

        Args:
            outcome: `"too_large"` if the body is larger than `max_body`, `"refused"` if the body is incomplete or
                cannot be decoded.

        Returns:
            The answer.

        Example:
            ```python
            response = endpoint.refuse("too_large")
            ```
        """
        return self._answer(_now(), None, outcome, None, "incomplete_body" if outcome == "refused" else None)

    def asgi(self) -> ASGIApp:
        """Return an ASGI application: for Starlette, FastAPI, Litestar, Quart, Django, or a server alone.

        Example:
            ```python
            app.router.routes.append(Route("/api/webhooks", endpoint.asgi()))
            ```
        """
        return ASGIApp(self)

    def wsgi(self) -> WSGIApp:
        """Return a WSGI application: for Flask, Django, Bottle, or a server alone.

        Raises:
            TypeError: A handler is async. From now on the registration of an async handler raises it.

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
            TypeError: A handler is async. From now on the registration of an async handler raises it.

        Example:
            ```python
            lambda_handler = endpoint.aws_lambda()
            ```
        """
        self.require_sync_handlers()
        return LambdaHandler(self)

    def require_sync_handlers(self) -> None:
        """Refuse async handlers, now and whenever one is registered. A transport without asyncio calls this.

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
        """Return the event of a genuine request, or the answer to any other request."""
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        if hasattr(body, "__len__") and len(body) > self._max_body:  # verify refuses a body without a length
            return self._answer(started, None, "too_large", None)
        try:
            return self._webhook.verify_and_parse(headers, body)
        except WebhookVerificationError as error:
            return self._answer(started, None, "refused", error, error.code)
        except PayloadError as error:
            return self._answer(started, None, "unreadable", error, error.code)

    def _answer(
        self,
        started: float,
        event: WebhookEvent | None,
        outcome: Outcome,
        error: BaseException | None,
        code: str | None = None,
    ) -> Response:
        """Log and observe an attempt, and return its answer."""
        response = respond(outcome)
        event_type, message_id = (event.wire_type, event.message_id) if event else (None, None)
        attempt = Attempt(outcome, response.status, code, event_type, message_id, _now() - started, error)
        log_attempt(attempt, log_exceptions=self._log_exceptions)
        if self._observer is not None:
            try:
                self._observer(attempt)
            except FAILURES as observer_error:
                log_problem("The observer failed", observer_error, message_id)
        return response
