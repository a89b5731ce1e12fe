"""Receive webhooks: what becomes of a request, and the answer to it.

Nothing here does I/O: `asgi`, `wsgi` and `aws_lambda` move the bytes.

Svix sends a message again until it gets a 2xx within 15 s: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and
10 h (https://docs.svix.com/retries). So 2xx means "done, or not for us", and everything else "send it again".
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import traceback
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, cast

from ..errors import ClerkWebhookError
from ..stores import Claim
from ..webhook import Webhook
from .handlers import Handler, Handlers, Registered, is_async
from .threads import finish_in_thread, in_thread, outlive, start_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from .._headers import Headers
    from ..events import WebhookEvent
    from ..stores import Store
    from .asgi import ASGIApp
    from .aws_lambda import LambdaHandler
    from .wsgi import WSGIApp

__all__ = ["AbortDelivery", "Attempt", "Endpoint", "Observer", "Outcome", "Response"]

# Clerk's bodies have up to about 350 kB.
_MAX_BODY = 1 << 20
# "within a reasonable time-frame (15s with Svix)" (https://docs.svix.com/retries): this is near enough to be warned of.
_SLOW = 10.0

Outcome: TypeAlias = Literal[
    "handled",
    "ignored",
    "duplicate",
    "in_progress",
    "refused",
    "too_large",
    "method_not_allowed",
    "aborted",
    "failed",
    "cancelled",
]
"""What became of an attempt. `"ignored"`: genuine, and no handler is for it. `"refused"`: not genuine."""

Unread: TypeAlias = Literal["method_not_allowed", "too_large", "refused"]

# The status policy. The bodies are the outcomes, for Svix shows them beside each attempt; that of "handled" is empty.
_ANSWERS: dict[Outcome, tuple[int, dict[str, str]]] = {
    "handled": (200, {}),
    # Anything else would be sent for 27 hours and end with the endpoint disabled.
    "ignored": (200, {}),
    "duplicate": (200, {}),
    "in_progress": (409, {"retry-after": "5"}),
    # It says no more than that: why is for the log, not for who forges.
    "refused": (400, {}),
    "too_large": (413, {}),
    # RFC 9110, section 15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
    "method_not_allowed": (405, {"allow": "POST"}),
    # "stops retries of the message just sent" (https://docs.svix.com/receiving/delivery-control).
    "aborted": (400, {"webhook-delivery": "abort-message"}),
    "failed": (500, {}),
    # By the server, which answers for itself, if at all.
    "cancelled": (503, {}),
}

_LEVELS: dict[Outcome, int] = {
    "refused": logging.WARNING,
    "too_large": logging.WARNING,
    "aborted": logging.WARNING,
    "cancelled": logging.WARNING,
    "failed": logging.ERROR,
}

# How long a cancelled request waits for its message to be released: mostly it is at once.
_PATIENCE = 1.0
_MANY_DIGITS = 20
_MANY_FRAMES = 20  # of a traceback are enough to find the place

_logger = logging.getLogger("clerk_webhook")
_now = time.perf_counter


class AbortDelivery(Exception):  # noqa: N818  # it is an order, not an error
    """Raised by a handler: this message can never be handled, so stop sending it.

    The answer is 400 with `webhook-delivery: abort-message`, upon which Svix stops retrying this one message. A manual
    replay runs the handlers again.

    Example:
        ```python
        raise AbortDelivery("the tenant is gone")
        ```
    """


class Response(NamedTuple):
    """What to answer.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case; `content-length` is among them.
        body: The outcome as plain text; empty for what was handled.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class Attempt(NamedTuple):
    """What became of one request, for the observer and the log.

    Attributes:
        outcome: What became of it.
        status: The HTTP status of the answer.
        code: Why it was refused, as the errors' `code`: `"signature_mismatch"`, or `"incomplete_body"`. None for all
            other outcomes.
        event_type: The event type as sent. None for what isn't genuine.
        message_id: The message id. None for what isn't genuine.
        duration: From when the body was there until the answer was known, in seconds.
        error: What was raised, by verification or by a handler. A handler's may hold personal data, so the log has
            only its class and where it was raised.
    """

    outcome: Outcome
    status: int
    code: str | None
    event_type: str | None
    message_id: str | None
    duration: float
    error: BaseException | None


Observer: TypeAlias = "Callable[[Attempt], object]"
"""Called with what became of a request, in whatever thread that was: for metrics and error reporters."""


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
        self._workers: set[asyncio.Task[Response]] = set()

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
        _refuse_async(self._registered)
        started = _now()
        event = self._open(headers, body, started)
        if isinstance(event, Response):
            return event
        return self._attempt(event, self._registered_for(event), started)

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
        event = self._open(headers, body, started)
        if isinstance(event, Response):
            return event
        handlers = self._registered_for(event)
        async_count = sum(registered.is_async for registered in handlers)
        if handlers and not async_count:
            # In one thread from the claim to the record, so that a cancelled request leaves nothing half done.
            return await outlive(start_in_thread(partial(self._attempt, event, handlers, started)))
        if self._store is None and async_count == len(handlers):
            return await self._attempt_async(event, handlers, started, None)
        # Steps in threads go on when the request is cancelled, so a task of their own sees to what follows.
        gone = asyncio.Event()
        worker = asyncio.create_task(self._attempt_async(event, handlers, started, gone))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)
        try:
            return await outlive(worker)
        except asyncio.CancelledError:
            if not worker.done():
                gone.set()
                worker.cancel()
                await asyncio.wait([worker], timeout=_PATIENCE)
            raise

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
        from .asgi import ASGIApp  # noqa: PLC0415  # nobody needs all transports

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
        from .wsgi import WSGIApp  # noqa: PLC0415  # nobody needs all transports

        self._allow_sync_only()
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
        from .aws_lambda import LambdaHandler  # noqa: PLC0415  # nobody needs all transports

        self._allow_sync_only()
        return LambdaHandler(self)

    def _register(self, registered: Registered) -> None:
        if self._sync_only:
            _refuse_async([registered])
        super()._register(registered)

    def _allow_sync_only(self) -> None:
        _refuse_async(self._registered)
        self._sync_only = True

    def _open(self, headers: Headers, body: bytes | str, started: float) -> WebhookEvent | Response:
        """Return the event that a request brings, or the answer to one that brings none."""
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        if hasattr(body, "__len__") and len(body) > self._max_body:  # what has none isn't a body: verify says so
            return self._answer(started, "too_large", None)
        try:
            return self._webhook.verify_and_parse(headers, body)
        except ClerkWebhookError as error:
            return self._answer(started, "refused", error, code=error.code)

    def _attempt(self, event: WebhookEvent, handlers: tuple[Registered, ...], started: float) -> Response:
        return self._answer(started, *self._work(event, handlers), event=event)

    async def _attempt_async(
        self,
        event: WebhookEvent,
        handlers: tuple[Registered, ...],
        started: float,
        gone: asyncio.Event | None,
    ) -> Response:
        outcome, error = await self._work_async(event, handlers, gone)
        response = self._answer(started, outcome, error, event=event)
        if outcome == "cancelled" and error is not None:
            raise error
        return response

    def _work(self, event: WebhookEvent, handlers: tuple[Registered, ...]) -> _Result:
        """Run the handlers of an event in this thread, once."""
        if not handlers:
            return "ignored", None
        lease = _Lease(self._store, event.message_id)
        try:
            claim = lease.claim()
        except Exception as error:
            return "failed", error
        if claim is not Claim.NEW:
            return _CLAIMED[claim], None
        try:
            for _, handler, _ in handlers:
                _refuse_unfinished(handler, handler(event))
        except (Exception, asyncio.CancelledError) as error:
            lease.release()
            return _raised(error)
        except BaseException:
            lease.release()
            raise
        lease.complete()
        return "handled", None

    async def _work_async(
        self, event: WebhookEvent, handlers: tuple[Registered, ...], gone: asyncio.Event | None
    ) -> _Result:
        """Run the handlers of an event here, and the sync ones and the store in threads, once.

        `gone` is set when the request was cancelled and this wasn't, as it is in a task of its own.
        """
        if not handlers:
            return "ignored", None
        lease = _Lease(self._store, event.message_id)
        try:
            claim = lease.claim() if self._store is None else await in_thread(lease.claim)
        except Exception as error:
            return "failed", error
        if claim is not Claim.NEW:
            return _CLAIMED[claim], None
        try:
            for _, handler, handler_is_async in handlers:
                _stop_if(gone)
                result = await (handler(event) if handler_is_async else in_thread(partial(handler, event)))
                _refuse_unfinished(handler, result)
        except asyncio.CancelledError as error:
            # A handler may let one pass that was meant for another task.
            cancelled = _cancelling() if gone is None else gone.is_set()
            outcome: _Result = ("cancelled" if cancelled else "failed"), error
        except Exception as error:
            outcome = _raised(error)
        except BaseException:
            lease.release()
            raise
        else:
            outcome = ("handled", None)
        if self._store is not None:
            await finish_in_thread(lease.complete if outcome[0] == "handled" else lease.release)
        return outcome

    def _answer(
        self,
        started: float,
        outcome: Outcome,
        error: BaseException | None,
        *,
        event: WebhookEvent | None = None,
        code: str | None = None,
    ) -> Response:
        """Return the answer for an outcome, once it is logged and observed."""
        status, headers = _ANSWERS[outcome]
        duration = _now() - started
        event_type, message_id = (event.wire_type, event.message_id) if event else (None, None)
        attempt = Attempt(outcome, status, code, event_type, message_id, duration, error)
        self._log(attempt)
        if self._observer is not None:
            try:
                self._observer(attempt)
            except Exception as observer_error:
                _report("The observer failed", observer_error, message_id)
        # Of what was handled there is nothing to say, and servers send a body in a packet of its own.
        body = b"" if outcome == "handled" else outcome.encode()
        always = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
        return Response(status, always | headers, body)

    def _log(self, attempt: Attempt) -> None:
        slow = attempt.duration >= _SLOW
        level = max(_LEVELS.get(attempt.outcome, logging.INFO), logging.WARNING if slow else logging.INFO)
        if not _logger.isEnabledFor(level):
            return
        parts = [
            f"{attempt.event_type} {attempt.message_id}: {attempt.outcome}" if attempt.message_id else attempt.outcome
        ]
        if attempt.code:
            parts.append(f"({attempt.code})")
        parts.append(f"in {attempt.duration * 1000:.1f} ms")
        if slow:
            parts.append("- after 15 s Svix takes it for failed and sends it again: hand long work to a queue")
        text = " ".join(parts)
        if attempt.error is not None and attempt.outcome != "cancelled":
            # The errors of verification are this package's own.
            text += f": {attempt.error if attempt.outcome == 'refused' else _where(attempt.error)}"
        extra = attempt._asdict()
        del extra["error"]
        with suppress(Exception):  # a filter or handler that raises must not change the answer
            _logger.log(level, "%s", text, extra=extra)


class _Lease:
    """The claim of one attempt on its message. Without a store every attempt has it."""

    def __init__(self, store: Store | None, message_id: str | None) -> None:
        self._store = store
        self._message_id = message_id or ""
        self._owner = "" if store is None else token_hex(8)

    def claim(self) -> Claim:
        if self._store is None:
            return Claim.NEW
        claim = self._store.claim(self._message_id, self._owner)
        if type(claim) is not Claim:
            raise TypeError(f"The claim() of a store must return a Claim, not {type(claim).__name__}.")
        return claim

    def complete(self) -> None:
        if self._store is not None:
            try:
                self._store.complete(self._message_id)
            except Exception as error:
                # The effect is there, so the answer stays 2xx: to have it sent again would be worse.
                _report("The store failed to complete a message", error, self._message_id)

    def release(self) -> None:
        if self._store is not None:
            try:
                self._store.release(self._message_id, self._owner)
            except Exception as error:
                _report("The store failed to release a message, which its lease will", error, self._message_id)


_Result: TypeAlias = tuple[Outcome, BaseException | None]

_CLAIMED: dict[Claim, Outcome] = {Claim.DONE: "duplicate", Claim.IN_PROGRESS: "in_progress"}


def _raised(error: BaseException) -> _Result:
    """Return what it comes to that a handler, or the store, raised."""
    return ("aborted" if isinstance(error, AbortDelivery) else "failed"), error


def _report(problem: str, error: Exception, message_id: str | None) -> None:
    """Log a failure that changes no answer."""
    with suppress(Exception):
        _logger.error("%s: %s", problem, _where(error), extra={"message_id": message_id})


def _where(error: BaseException) -> str:
    """Say what was raised and where, without its text: that is often the data which led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, TypeError) and frames and frames[-1].filename == __file__:
        # Of the call itself, or raised here: it says that the handler takes no event, for example.
        return f"{type(error).__qualname__}: {error}"
    theirs = [frame for frame in frames if frame.filename != __file__]
    parts = [f"{type(error).__qualname__}\n", *traceback.format_list(theirs[-_MANY_FRAMES:])]
    if isinstance(error, BaseExceptionGroup):
        # What is in it isinstance can't say.
        group = cast("BaseExceptionGroup[BaseException]", error)
        parts += [f"in it: {_where(inner)}\n" for inner in group.exceptions]
    return "".join(parts).rstrip()


def _name(handler: Handler) -> str:
    return getattr(handler, "__qualname__", type(handler).__qualname__)


def _refuse_async(handlers: Iterable[Registered]) -> None:
    """Refuse async handlers where nothing would run them."""
    for registered in handlers:
        if registered.is_async:
            raise TypeError(
                f"{_name(registered.handler)} is async, and here nothing runs async handlers: write it as def, or "
                "mount endpoint.asgi()."
            )


def _refuse_unfinished(handler: Handler, result: object) -> None:
    """Refuse a handler that is async or a generator and doesn't look it: nothing would run what it returned."""
    if result is None:
        return
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError(f"{_name(handler)} returned a generator, which nothing runs: write it without yield.")
    if hasattr(result, "__await__"):
        if inspect.iscoroutine(result):
            result.close()  # or it would warn that nobody awaited it
        raise TypeError(f"{_name(handler)} returned something to await: declare it as async def.")


def _stop_if(gone: asyncio.Event | None) -> None:
    """Stop what works for a request that was cancelled while it waited for a thread."""
    if gone is not None and gone.is_set():
        raise asyncio.CancelledError


def _cancelling() -> bool:
    """Tell whether the task that runs this has been cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
