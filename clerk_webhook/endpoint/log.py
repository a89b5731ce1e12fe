"""The log of an endpoint: one record per attempt, without a body, a secret or an address."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

from .answers import LEVELS, Outcome

__all__ = ["Attempt", "Observer", "log_attempt", "log_problem"]

# "within a reasonable time-frame (15s with Svix)" (https://docs.svix.com/retries): a slower attempt is warned of.
_SLOW = 10.0
_MANY_FRAMES = 20  # of a traceback are enough to find the place
_LONGEST_TYPE = 100
_LONGEST_REASON = 1000
_HERE = str(Path(__file__).parent)

_logger = logging.getLogger("clerk_webhook")


class Attempt(NamedTuple):
    """The result of one request, for the observer and the log.

    Attributes:
        outcome: The result.
        status: The HTTP status of the answer.
        code: The reason for a refusal, as the errors' `code`: `"signature_mismatch"`, or `"incomplete_body"`. None for
            all other outcomes.
        event_type: The event type as sent. None if the message is not genuine, or not readable.
        message_id: The message id. None if the message is not genuine, or not readable.
        duration: The time from the last byte of the body until the answer was known, in seconds.
        error: The exception of verification, of a handler or of the store. The exception of a handler may hold
            personal data.
    """

    outcome: Outcome
    status: int
    code: str | None
    event_type: str | None
    message_id: str | None
    duration: float
    error: BaseException | None


Observer: TypeAlias = "Callable[[Attempt], object]"
"""A function that is called with each attempt, in the thread of that attempt: for metrics and error reporters."""


def log_attempt(attempt: Attempt, *, log_exceptions: bool = False) -> None:
    """Log one attempt in one record, with the fields of the attempt as attributes of the record.

    Args:
        attempt: The attempt.
        log_exceptions: Log the exception of a handler, or of the store, with its text and its traceback. If false, only
            its class and its place are logged.
    """
    slow = attempt.duration >= _SLOW
    level = LEVELS.get(attempt.outcome, logging.WARNING if slow else logging.INFO)
    if not _logger.isEnabledFor(level):
        return
    try:
        event_type = attempt.event_type and _one_line(attempt.event_type, _LONGEST_TYPE)
        text = f"{event_type} {attempt.message_id}: {attempt.outcome}" if attempt.message_id else attempt.outcome
        if attempt.code:
            text += f" ({attempt.code})"
        text += f" in {attempt.duration * 1000:.1f} ms"
        if slow:
            text += " - after 15 s Svix counts it as failed and sends it again: hand long work to a queue"
        exception = None
        if attempt.error is not None and attempt.outcome != "cancelled":
            if attempt.code or attempt.outcome == "aborted":  # an error of this package, or the application's own word
                text += f": {_one_line(str(attempt.error) or type(attempt.error).__name__, _LONGEST_REASON)}"
            elif log_exceptions:
                exception = attempt.error
            else:
                text += f": {_where(attempt.error)}"
        extra = {**attempt._asdict(), "event_type": event_type}
        del extra["error"]
        _logger.log(level, "%s", text, exc_info=exception, extra=extra)
    except Exception as error:  # a filter, a log handler or a __str__ that raises must not change the answer
        log_problem("An attempt could not be logged", error, attempt.message_id)


def log_problem(problem: str, error: BaseException, message_id: str | None) -> None:
    """Log a failure that changes no answer.

    Args:
        problem: The failure in words.
        error: The exception.
        message_id: The message.
    """
    with suppress(Exception):
        _logger.error("%s: %s", problem, _where(error), extra={"message_id": message_id})


def _one_line(text: str, limit: int) -> str:
    """Return a text without line breaks and lone surrogates, cut off at a limit."""
    if not text.isprintable():
        text = repr(text)[1:-1]
    return text if len(text) <= limit else f"{text[:limit]}..."


def _where(error: BaseException) -> str:
    """Say which exception was raised and where. Its text is left out, because it often holds personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_HERE)]
    if isinstance(error, TypeError) and frames and frames[-1] not in theirs:
        # The call itself failed, or this package raised the error: a handler takes no event, for example.
        return f"{type(error).__qualname__}: {error}"
    parts = [f"{type(error).__qualname__}\n", *traceback.format_list(theirs[-_MANY_FRAMES:])]
    if isinstance(error, BaseExceptionGroup):
        # isinstance does not know the type of the exceptions inside.
        group = cast("BaseExceptionGroup[BaseException]", error)
        parts += [f"in it: {_where(inner)}\n" for inner in group.exceptions]
    return "".join(parts).rstrip()
