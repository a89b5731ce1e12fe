"""Steps in threads, for requests that may be cancelled: a thread can't be stopped, so none of them is given up."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["finish_in_thread", "in_thread", "outlive", "start_in_thread"]

T = TypeVar("T")


def start_in_thread(step: Callable[[], T]) -> asyncio.Future[T]:
    """Start a step in a thread of the loop's default executor, in the context of its caller."""
    return asyncio.get_running_loop().run_in_executor(None, partial(copy_context().run, step))


async def outlive(future: asyncio.Future[T]) -> T:
    """Wait for something that goes on when this is cancelled."""
    # What it raises then is nobody's: asyncio would log it, text and all.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait([future])
    return future.result()


async def in_thread(step: Callable[[], T]) -> T:
    """Take a step in a thread, and don't return before it is done, even when cancelled."""

    def call() -> tuple[T | None, BaseException | None]:
        try:
            return step(), None
        except BaseException as error:  # noqa: BLE001  # raised below: a future would never be done for StopIteration
            return None, error

    future = start_in_thread(call)
    while not future.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([future])
    result, error = future.result()
    if error is not None:
        raise error
    return cast("T", result)  # None only where that is what the step returned


async def finish_in_thread(step: Callable[[], None]) -> None:
    """Take a last step that raises nothing in a thread, or here where the loop has no more threads to give."""
    try:
        await in_thread(step)
    except RuntimeError:
        step()  # the loop is being shut down
