"""One attempt at a message: claim the message, run its handlers, complete or release the message."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, TypeAlias

from ..stores import Claim
from .handlers import handler_name
from .log import log_problem
from .threads import in_thread, in_thread_or_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..events import WebhookEvent
    from ..stores import Store
    from .answers import Outcome, Response
    from .handlers import Handler, Registration

__all__ = ["FAILURES", "AbortDelivery", "Answer", "run_handlers", "run_handlers_async"]

Answer: TypeAlias = "Callable[[Outcome, BaseException | None], Response]"
"""A function that ends an attempt: it takes the outcome and the exception that led to it."""

# A handler that calls sys.exit() must not end the server, and can raise a CancelledError that was meant for another
# task. KeyboardInterrupt and GeneratorExit are meant for the worker.
FAILURES = (Exception, SystemExit, asyncio.CancelledError)
"""The exceptions that are a failure of the code that raised them."""

_CLAIMED: dict[Claim, Outcome | None] = {
    Claim.NEW: None,
    Claim.IN_PROGRESS: "in_progress",
    Claim.DONE: "duplicate",
}


class AbortDelivery(Exception):  # noqa: N818  # it is an order, not an error
    """A handler raises this for a message that can never be handled: Svix then stops sending the message.

    The answer is 400 with `webhook-delivery: abort-message`. Svix stops retrying this one message. A manual replay runs
    the handlers again. The text of the exception is logged.

    Example:
        ```python
        raise AbortDelivery("the tenant is gone")
        ```
    """


def run_handlers(
    event: WebhookEvent, handlers: tuple[Registration, ...], store: Store | None, answer: Answer
) -> Response:
    """Run the handlers of an event in this thread, once.

    Args:
        event: The event.
        handlers: The handlers for it, all of them sync.
        store: Remembers which messages are done.
        answer: Ends the attempt. It gets the exception, because a returned exception would be in a reference cycle.
    """
    if not handlers:
        return answer("ignored", None)
    lease = _Lease(store, event.message_id)
    try:
        claimed = lease.claim()
    except FAILURES as error:
        return answer(_outcome_without_claim(error), error)
    if claimed is not None:
        return answer(claimed, None)
    try:
        for _, handler, _ in handlers:
            _refuse_unfinished(handler, handler(event))
    except FAILURES as error:
        lease.release()
        return answer(_outcome_of(error), error)
    except BaseException:
        lease.release()
        raise
    lease.complete()
    return answer("handled", None)


async def run_handlers_async(
    event: WebhookEvent,
    handlers: tuple[Registration, ...],
    store: Store | None,
    answer: Answer,
    gone: asyncio.Event | None,
) -> Response:
    """Run the handlers of an event once: async handlers here, sync handlers and the store in threads.

    Args:
        event: The event.
        handlers: The handlers for it.
        store: Remembers which messages are done.
        answer: Ends the attempt.
        gone: Is set when the request was cancelled. None if this runs in the task of the request itself.
    """
    if not handlers:
        return answer("ignored", None)
    lease = _Lease(store, event.message_id)
    try:
        claimed = None if store is None else await in_thread(lease.claim)
    except FAILURES as error:
        return answer(_outcome_without_claim(error), error)
    if claimed is not None:
        return answer(claimed, None)
    try:
        for _, handler, is_async in handlers:
            if gone is not None and gone.is_set():
                raise asyncio.CancelledError  # noqa: TRY301  # the request was cancelled while a thread was at work
            _refuse_unfinished(handler, await (handler(event) if is_async else in_thread(partial(handler, event))))
    except FAILURES as error:
        cancelled = isinstance(error, asyncio.CancelledError) and (_cancelling() if gone is None else gone.is_set())
        if store is not None:
            await in_thread_or_here(lease.release)
        response = answer("cancelled" if cancelled else _outcome_of(error), error)
        if cancelled:
            raise
        return response
    except BaseException:
        lease.release()
        raise
    if store is not None:
        await in_thread_or_here(lease.complete)
    return answer("handled", None)


class _Lease:
    """The claim of one attempt on its message. Without a store every attempt has it."""

    def __init__(self, store: Store | None, message_id: str | None) -> None:
        self._store = store
        self._message_id = message_id or ""
        self._owner = "" if store is None else token_hex(8)

    def claim(self) -> Outcome | None:
        """Claim the message. Return None if the handlers have to run, otherwise the outcome of the attempt."""
        if self._store is None:
            return None
        claim = self._store.claim(self._message_id, self._owner)
        if type(claim) is not Claim:
            raise _NoClaimError(f"The claim() of a store must return a Claim, not {type(claim).__name__}.")
        return _CLAIMED[claim]

    def complete(self) -> None:
        if self._store is not None:
            try:
                self._store.complete(self._message_id)
            except FAILURES as error:
                # The effect is there, so the answer stays 2xx: another attempt would double the effect.
                log_problem("The store failed to complete a message", error, self._message_id)

    def release(self) -> None:
        if self._store is not None:
            try:
                self._store.release(self._message_id, self._owner)
            except FAILURES as error:
                log_problem("The store failed to release a message; its lease will end", error, self._message_id)


class _NoClaimError(TypeError):
    """A store does not keep to its protocol."""


def _outcome_without_claim(error: BaseException) -> Outcome:
    return "failed" if isinstance(error, _NoClaimError) else "unavailable"


def _outcome_of(error: BaseException) -> Outcome:
    return "aborted" if isinstance(error, AbortDelivery) else "failed"


def _cancelling() -> bool:
    """Tell whether the current task has been cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refuse_unfinished(handler: Handler, result: object) -> None:
    """Refuse a handler that returns a coroutine or a generator, because its work has not been done."""
    if result is None:
        return
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError(f"{handler_name(handler)} returned a generator, which nothing runs: write it without yield.")
    if hasattr(result, "__await__"):
        if inspect.iscoroutine(result):
            result.close()  # otherwise Python warns that nobody awaited it
        raise TypeError(f"{handler_name(handler)} returned something to await: declare it as async def.")
