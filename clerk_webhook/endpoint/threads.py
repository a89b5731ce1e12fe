"""Work that goes on when its request is cancelled: in threads, which cannot be stopped, and in tasks of its own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["finish_in_thread", "in_task", "in_thread", "start_in_thread", "wait_shielded"]

T = TypeVar("T")

# A cancelled request waits this long for its message to be released, in seconds. Mostly that takes no time.
_PATIENCE = 1.0

# asyncio itself keeps only weak references to tasks: https://docs.python.org/3/library/asyncio-task.html
_tasks: set[asyncio.Task[Any]] = set()


def start_in_thread(step: Callable[[], T]) -> asyncio.Future[T]:
    """Start a step in a thread of the loop's default executor, in the context of the caller."""
    return asyncio.get_running_loop().run_in_executor(None, partial(copy_context().run, step))


async def wait_shielded(future: asyncio.Future[T]) -> T:
    """Wait for a future. If the waiting task is cancelled, the future goes on."""
    # Mark the exception as retrieved; otherwise asyncio logs it, including its text.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait([future])
    return future.result()


async def in_task(work: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a task of its own, so that it can clean up when the request is cancelled.

    Args:
        work: Makes the coroutine. It gets an event that is set when the request was cancelled.
    """
    gone = asyncio.Event()
    task = asyncio.create_task(work(gone))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    try:
        return await wait_shielded(task)
    except asyncio.CancelledError:
        if not task.done():
            gone.set()
            task.cancel()
            await asyncio.wait([task], timeout=_PATIENCE)
        raise


async def in_thread(step: Callable[[], T]) -> T:
    """Run a step in a thread, and return only when the step is done, even if the task is cancelled."""

    def call() -> tuple[T | None, BaseException | None]:
        try:
            return step(), None
        except BaseException as error:  # raised below: a future never finishes with a StopIteration
            return None, error

    future = start_in_thread(call)
    while not future.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([future])
    result, error = future.result()
    if error is not None:
        raise error
    return cast("T", result)  # it is None only if the step returned None


async def finish_in_thread(step: Callable[[], None]) -> None:
    """Run a last step that raises nothing in a thread, or here if the loop starts no more threads."""
    try:
        await in_thread(step)
    except RuntimeError:
        step()  # the loop is shutting down
