"""One attempt at a message: claim the message, run its handlers, complete or release the message."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, TypeAlias

from ..stores import Claim
from .answers import Outcome
from .handlers import handler_name
from .log import log_problem
from .threads import finish_in_thread, in_thread

if TYPE_CHECKING:
    from ..events import WebhookEvent
    from ..stores import Store
    from .handlers import Handler, Registration

__all__ = ["AbortDelivery", "Result", "run_handlers", "run_handlers_async"]

Result: TypeAlias = tuple[Outcome, BaseException | None]
"""The outcome of an attempt, and the exception that led to it."""

_CLAIMED: dict[Claim, Outcome] = {Claim.DONE: "duplicate", Claim.IN_PROGRESS: "in_progress"}


class AbortDelivery(Exception):  # noqa: N818  # it is an order, not an error
    """A handler raises this for a message that can never be handled: Svix then stops sending the message.

    The answer is 400 with `webhook-delivery: abort-message`. Svix stops retrying this one message. A manual replay runs
    the handlers again.

    Example:
        ```python
        raise AbortDelivery("the tenant is gone")
        ```
    """


def run_handlers(event: WebhookEvent, handlers: tuple[Registration, ...], store: Store | None) -> Result:
    """Run the handlers of an event in this thread, once.

    Args:
        event: The event.
        handlers: The handlers for it, all of them sync.
        store: Remembers which messages are done.
    """
    if not handlers:
        return "ignored", None
    lease = _Lease(store, event.message_id)
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
        return _outcome_of(error), error
    except BaseException:
        lease.release()
        raise
    lease.complete()
    return "handled", None


async def run_handlers_async(
    event: WebhookEvent, handlers: tuple[Registration, ...], store: Store | None, gone: asyncio.Event | None
) -> Result:
    """Run the handlers of an event once: async ones here, sync ones and the store in threads.

    Args:
        event: The event.
        handlers: The handlers for it.
        store: Remembers which messages are done.
        gone: Is set when the request was cancelled. None if this runs in the task of the request itself.
    """
    if not handlers:
        return "ignored", None
    lease = _Lease(store, event.message_id)
    try:
        claim = lease.claim() if store is None else await in_thread(lease.claim)
    except Exception as error:
        return "failed", error
    if claim is not Claim.NEW:
        return _CLAIMED[claim], None
    try:
        result = await _run_each(event, handlers, gone)
    except BaseException:
        lease.release()
        raise
    if store is not None:
        await finish_in_thread(lease.complete if result[0] == "handled" else lease.release)
    return result


async def _run_each(event: WebhookEvent, handlers: tuple[Registration, ...], gone: asyncio.Event | None) -> Result:
    """Run handlers one after the other, up to the first that raises."""
    try:
        for _, handler, is_async in handlers:
            if gone is not None and gone.is_set():  # the request was cancelled while a thread was at work
                return "cancelled", asyncio.CancelledError()
            result = await (handler(event) if is_async else in_thread(partial(handler, event)))
            _refuse_unfinished(handler, result)
    except asyncio.CancelledError as error:
        # A handler can raise a CancelledError that was meant for another task.
        cancelled = _cancelling() if gone is None else gone.is_set()
        return ("cancelled" if cancelled else "failed"), error
    except Exception as error:
        return _outcome_of(error), error
    return "handled", None


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
                # The effect is there, so the answer stays 2xx: another attempt would double the effect.
                log_problem("The store failed to complete a message", error, self._message_id)

    def release(self) -> None:
        if self._store is not None:
            try:
                self._store.release(self._message_id, self._owner)
            except Exception as error:
                log_problem("The store failed to release a message; its lease will end", error, self._message_id)


def _outcome_of(error: BaseException) -> Outcome:
    return "aborted" if isinstance(error, AbortDelivery) else "failed"


def _cancelling() -> bool:
    """Tell whether the current task has been cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refuse_unfinished(handler: Handler, result: object) -> None:
    """Refuse a handler that is async or a generator without looking so: its work has not been done."""
    if result is None:
        return
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError(f"{handler_name(handler)} returned a generator, which nothing runs: write it without yield.")
    if hasattr(result, "__await__"):
        if inspect.iscoroutine(result):
            result.close()  # otherwise Python warns that nobody awaited it
        raise TypeError(f"{handler_name(handler)} returned something to await: declare it as async def.")
