"""The answer over an async connection."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, NoReturn


def as_answer(result: bool | Coroutine[Any, Any, bool], /) -> bool | AwaitableBool:  # noqa: FBT001  # no flag
    """Return the result of a program, so that a forgotten `await` is an error."""
    return AwaitableBool(result) if isinstance(result, Coroutine) else result


class AwaitableBool:
    """The answer over an async connection. It must be awaited: a forgotten `await` raises `TypeError`.

    Example:
        ```python
        if await record_newest(session, event):
            await session.merge(user)
        ```
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: Coroutine[Any, Any, bool]) -> None:
        self._answer = answer

    def __await__(self) -> Generator[Any, Any, bool]:
        return self._answer.__await__()

    def __bool__(self) -> NoReturn:
        self._answer.close()  # or Python would warn as well that nobody awaited it
        raise TypeError("The answer over an async connection must be awaited, as in `if await record_newest(...)`.")
