"""Work that goes on when its request is cancelled: in threads, which cannot be stopped, and in tasks of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

# A cancelled request waits this long for its message to be released, in seconds. Mostly that takes no time.
_PATIENCE = 1.0

# asyncio itself keeps only weak references to tasks: https://docs.python.org/3/library/asyncio-task.html
_tasks: set[asyncio.Task[Any]] = set()


class Request:
    """The request that waits for a task of `in_task`. It can be cancelled while the task is at work."""

    def __init__(self) -> None:
        self.gone = False
        """Whether the request was cancelled."""
        self._interruptible = False

    async def interrupts(self, step: Awaitable[T]) -> T:
        """Await a step that the end of the request may cancel. Nothing else in the task is cancelled by it."""
        self._interruptible = True
        try:
            return await step
        finally:
            self._interruptible = False

    def leave(self, task: asyncio.Task[Any]) -> None:
        """Tell the task that the request was cancelled."""
        self.gone = True
        if self._interruptible:
            task.cancel()


def start_in_thread(step: Callable[[], T]) -> asyncio.Future[T]:
    """Start a step in a thread of the loop's default executor, in the context of the caller."""

    def run() -> T:
        try:
            return step()
        except StopIteration as error:  # no future accepts one; a coroutine replaces it likewise
            raise RuntimeError("The function raised StopIteration.").with_traceback(error.__traceback__) from error

    future = asyncio.get_running_loop().run_in_executor(None, partial(copy_context().run, run))
    future.add_done_callback(_retrieve)
    return future


async def wait_shielded(future: asyncio.Future[T]) -> T:
    """Wait for a future. If the waiting task is cancelled, the future goes on."""
    await asyncio.wait([future])
    try:
        return future.result()
    finally:
        del future  # the exception of the future holds this frame: break the reference cycle


async def in_task(work: Callable[[Request], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a task of its own, so that it can clean up when the request is cancelled.

    Args:
        work: Makes the coroutine. It gets the request that waits.
    """
    request = Request()
    task = asyncio.create_task(work(request))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    task.add_done_callback(_retrieve)
    try:
        return await wait_shielded(task)
    except asyncio.CancelledError:
        if not task.done():
            request.leave(task)
            await asyncio.wait([task], timeout=_PATIENCE)
        raise
    finally:
        del task  # as above


async def in_thread(step: Callable[[], T]) -> T:
    """Run a step in a thread, and return only when the step is done, even if the task is cancelled."""
    future = start_in_thread(step)
    while not future.done():
        with suppress(asyncio.CancelledError):  # a loop that shuts down cancels every task
            await asyncio.wait([future])
    try:
        return future.result()
    finally:
        del future  # as above


async def in_thread_or_here(step: Callable[[], T]) -> T:
    """Run a step that raises nothing in a thread, or here if the loop starts no more threads."""
    try:
        return await in_thread(step)
    except RuntimeError:
        return step()  # the loop is shutting down


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Mark the exception of a future as retrieved; otherwise asyncio logs it, including its text."""
    if not future.cancelled():
        future.exception()
