"""One event, applied once: its transaction or its lease, and its handlers in between."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar

from ._cancellation import in_task, in_thread, in_thread_or_here, start_in_thread, wait_shielded
from ._problems import log_problem
from .inbox import Version
from .inbox import newest as record_newest
from .inbox import once as record_once
from .stores import Claim

if TYPE_CHECKING:
    from ._cancellation import Request
    from .events import WebhookEvent
    from .stores import Store

__all__ = [
    "FAILURES",
    "AbortDelivery",
    "Application",
    "DispatchOutcome",
    "Finish",
    "Handler",
    "How",
    "Transaction",
    "handler_name",
    "run",
    "run_async",
    "transaction_of_includer",
]

ConnectionT = TypeVar("ConnectionT")
ResultT = TypeVar("ResultT")

Transaction: TypeAlias = Callable[[], AbstractContextManager[ConnectionT] | AbstractAsyncContextManager[ConnectionT]]
"""A function that begins a transaction: a context manager that gives a connection, and commits or rolls back."""

DispatchOutcome: TypeAlias = Literal["handled", "ignored", "duplicate", "in_progress"]
"""The result of a dispatch.

`"handled"`: at least one handler ran, and what it did is committed. `"ignored"`: no handler takes the event.
`"duplicate"`: no handler was due. `"in_progress"`: another attempt has the lease of the message.
"""

Outcome: TypeAlias = Literal[DispatchOutcome, "aborted", "failed", "unavailable", "cancelled"]

Finish: TypeAlias = Callable[[Outcome, BaseException | None], ResultT]
"""A function that ends a dispatch: it takes the outcome and the exception that led to it."""

# A handler that calls sys.exit() must not end the server, and can raise a CancelledError that was meant for another
# task. KeyboardInterrupt and GeneratorExit are meant for the worker.
FAILURES = (Exception, SystemExit, asyncio.CancelledError)
"""The exceptions that are a failure of the code that raised them."""

_MISTAKES = (TypeError, ValueError, RuntimeError)


class AbortDelivery(Exception):  # noqa: N818  # it is an order, not an error
    """A handler raises this for a message that can never be handled: Svix then stops sending the message.

    Everything that the handlers did in the transaction is rolled back. The answer of an endpoint is 400 with
    `webhook-delivery: abort-message`. Svix stops retrying this one message. A manual replay runs the handlers again.
    The text of the exception is logged.

    Example:
        ```python
        raise AbortDelivery("the tenant is gone")
        ```
    """


class Handler(NamedTuple):
    """A registered function."""

    kind: Literal["on", "newest", "once"]

    function: Callable[..., Any]

    event_classes: frozenset[type]

    takes_connection: bool

    is_async: bool | None
    """None if the function is sync with a sync connection, and returns something to await with an async one."""

    def __call__(self, event: WebhookEvent, connection: Any) -> Any:
        """Call the function."""
        return self.function(event, connection) if self.takes_connection else self.function(event)


class How(NamedTuple):
    """How events are applied: in a transaction, under a lease of a store, or neither."""

    transaction: Transaction[Any] | None
    store: Store | None
    scope: str


class Application:
    """One event and the handlers that it concerns."""

    def __init__(self, how: How, is_async: bool, event: WebhookEvent, handlers: tuple[Handler, ...]) -> None:
        self._how = how
        self.is_async = is_async
        """Whether the transaction is async."""
        self._event = event
        self.handlers = handlers
        self._owner = token_hex(8)
        # The functions that say whether the handlers of a kind are due.
        self._questions: list[tuple[str, Callable[..., Any], object]] = []
        # The outcome if there is an exception now.
        self._failure: Literal["failed", "unavailable"] = "failed"

    @property
    def needs_loop(self) -> bool:
        """Whether a part of the work is async."""
        return self.is_async or any(handler.is_async for handler in self.handlers)

    @property
    def is_bare(self) -> bool:
        """Whether nothing but async handlers is to run: there is nothing to clean up when they are cancelled."""
        return (
            self._how.transaction is None
            and self._how.store is None
            and all(handler.is_async for handler in self.handlers)
        )

    def outcome_of(self, error: BaseException) -> Outcome:
        """Return the outcome of an application that raised an exception."""
        if self._how.transaction is not None and isinstance(error, _MISTAKES):
            return "failed"  # autocommit, for example: the database is there
        return "aborted" if self._failure == "failed" and isinstance(error, AbortDelivery) else self._failure

    def apply(self) -> DispatchOutcome:
        """Apply the event in this thread."""
        if not self.handlers:
            return "ignored"
        transaction, store, _ = self._how
        self._check()
        if transaction is not None:
            return self._apply_in(transaction)
        if store is None:
            self._call_all(self.handlers)
            return "handled"
        claimed = self._claim(store)
        if claimed is not None:
            return claimed
        try:
            self._call_all(self.handlers)
        except BaseException:
            self._release(store)
            raise
        self._complete(store)
        return "handled"

    async def apply_async(self, request: Request | None) -> DispatchOutcome:
        """Apply the event: async handlers here, sync handlers and the store in threads.

        Args:
            request: The request that waits for this task. None if this runs in the task of the request itself.
        """
        transaction, store, _ = self._how
        self._check()
        if transaction is not None:
            return await self._apply_async_in(transaction, request)
        if store is None:
            await self._call_all_async(self.handlers, None, request)
            return "handled"
        claimed = await in_thread(partial(self._claim, store))
        if claimed is not None:
            return claimed
        try:
            await self._call_all_async(self.handlers, None, request)
        except FAILURES:
            await in_thread_or_here(partial(self._release, store))
            raise
        except BaseException:
            self._release(store)
            raise
        await in_thread_or_here(partial(self._complete, store))
        return "handled"

    def _check(self) -> None:
        """Refuse an event that cannot be recorded, before anything runs."""
        kinds = {handler.kind for handler in self.handlers}
        message_id = self._event.message_id
        if not message_id and ("once" in kinds or self._how.store is not None):
            raise ValueError(
                "The event has no message id, so nobody can know whether it was handled before. "
                "parse_event(payload, message_id=message_id) keeps it."
            )
        # Always in this order: two transactions that ask in two orders can wait for each other for ever.
        if "newest" in kinds:
            self._questions.append(("newest", record_newest, Version.of(self._event)))
        if "once" in kinds:
            self._questions.append(("once", record_once, message_id))

    def _apply_in(self, transaction: Transaction[Any]) -> DispatchOutcome:
        outcome: DispatchOutcome | None = None
        self._failure = "unavailable"
        manager = transaction()
        if not isinstance(manager, AbstractContextManager):
            raise _not_a("with", manager)
        with manager as connection:
            scope = self._how.scope
            due = self._due({kind for kind, record, what in self._questions if record(connection, what, scope)})
            self._call_all(due, connection)
            outcome = "handled" if due else "duplicate"
        return outcome or _refuse_suppression()

    async def _apply_async_in(self, transaction: Transaction[Any], request: Request | None) -> DispatchOutcome:
        outcome: DispatchOutcome | None = None
        self._failure = "unavailable"
        manager = transaction()
        if not isinstance(manager, AbstractAsyncContextManager):
            raise _not_a("async with", manager)
        async with manager as connection:
            scope = self._how.scope
            due = self._due({kind for kind, record, what in self._questions if await record(connection, what, scope)})
            await self._call_all_async(due, connection, request)
            outcome = "handled" if due else "duplicate"
        return outcome or _refuse_suppression()

    def _due(self, kinds: set[str]) -> tuple[Handler, ...]:
        """Return the handlers that are to run, in the order registered."""
        self._failure = "failed"
        return tuple(handler for handler in self.handlers if handler.kind == "on" or handler.kind in kinds)

    def _call_all(self, handlers: tuple[Handler, ...], connection: Any = None) -> None:
        for handler in handlers:
            _refuse_unfinished(handler, handler(self._event, connection))

    async def _call_all_async(self, handlers: tuple[Handler, ...], connection: Any, request: Request | None) -> None:
        for handler in handlers:
            if request is not None and request.gone:
                raise asyncio.CancelledError  # the request was cancelled while a thread or the database was at work
            if handler.is_async is False:
                result = await in_thread(partial(handler, self._event, connection))
            else:
                step = handler(self._event, connection)
                result = await (step if request is None else request.interrupts(step))
            _refuse_unfinished(handler, result)

    def _claim(self, store: Store) -> DispatchOutcome | None:
        """Claim the message. Return None if the handlers have to run, otherwise the outcome."""
        self._failure = "unavailable"
        claim = store.claim(self._event.message_id or "", self._owner)
        self._failure = "failed"
        if type(claim) is not Claim:
            raise TypeError(f"The claim() of a store must return a Claim, not {type(claim).__name__}.")
        return _CLAIMED[claim]

    def _complete(self, store: Store) -> None:
        try:
            store.complete(self._event.message_id or "")
        except FAILURES as error:
            # The effect is there, so the outcome stays "handled": another attempt would double the effect.
            log_problem("The store failed to complete a message", error, self._event.message_id)

    def _release(self, store: Store) -> None:
        try:
            store.release(self._event.message_id or "", self._owner)
        except FAILURES as error:
            log_problem("The store failed to release a message; its lease will end", error, self._event.message_id)


_CLAIMED: dict[Claim, DispatchOutcome | None] = {
    Claim.NEW: None,
    Claim.IN_PROGRESS: "in_progress",
    Claim.DONE: "duplicate",
}


def run(application: Application, finish: Finish[ResultT]) -> ResultT:
    """Apply an event in this thread.

    Args:
        application: The event and its handlers, all of them sync.
        finish: Ends the dispatch. It gets the exception, because a returned exception would be in a reference cycle.

    Returns:
        What `finish` returns.
    """
    try:
        outcome = application.apply()
    except FAILURES as error:
        return finish(application.outcome_of(error), error)
    return finish(outcome, None)


async def run_async(application: Application, finish: Finish[ResultT]) -> ResultT:
    """Apply an event: async handlers in a task, sync handlers and the store in threads.

    Args:
        application: The event and its handlers.
        finish: Ends the dispatch.

    Returns:
        What `finish` returns.
    """
    if not application.handlers:
        return run(application, finish)
    if not application.needs_loop:
        # One thread runs everything from the claim to the log, so a cancelled request leaves nothing half done.
        return await wait_shielded(start_in_thread(partial(run, application, finish)))
    if application.is_bare:
        return await _run_async_for(application, finish, None)
    return await in_task(partial(_run_async_for, application, finish))


async def _run_async_for(application: Application, finish: Finish[ResultT], request: Request | None) -> ResultT:
    try:
        outcome = await application.apply_async(request)
    except FAILURES as error:
        if isinstance(error, asyncio.CancelledError) and (request.gone if request else _cancelling()):
            finish("cancelled", error)
            raise
        return finish(application.outcome_of(error), error)
    return finish(outcome, None)


def transaction_of_includer() -> NoReturn:
    """Stand for the transaction of the endpoint that includes the handlers: with it, they can do nothing else.

    Raises:
        RuntimeError: Always, because the handlers were dispatched without an endpoint.
    """
    raise RuntimeError("These handlers have no transaction of their own: include() them where one is.")


def handler_name(function: Callable[..., Any]) -> str:
    """Return the name of a handler, for messages."""
    return getattr(function, "__qualname__", type(function).__qualname__)


def _cancelling() -> bool:
    """Return whether the current task has been cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _not_a(statement: str, manager: object) -> TypeError:
    return TypeError(
        f"The transaction must work in `{statement} transaction():`, because the handlers are "
        f"{'async' if statement == 'async with' else 'sync'}, and a {type(manager).__name__} does not."
    )


def _refuse_suppression() -> NoReturn:
    raise RuntimeError(
        "The transaction hid an exception: a context manager for a transaction must let exceptions pass, after it has "
        "rolled back."
    )


def _refuse_unfinished(handler: Handler, result: object) -> None:
    """Refuse a handler that returns a coroutine or a generator, because its work has not been done."""
    if result is None:
        return
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError(
            f"{handler_name(handler.function)} returned a generator, which nothing runs: write it without yield."
        )
    if hasattr(result, "__await__"):
        if inspect.iscoroutine(result):
            result.close()  # otherwise Python warns that nobody awaited it
        raise TypeError(f"{handler_name(handler.function)} returned something to await: declare it as async def.")
