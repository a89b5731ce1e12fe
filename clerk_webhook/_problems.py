"""The log of failures that change no answer, and the place of an exception without its text."""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from pathlib import Path
from typing import cast

_MANY_FRAMES = 20  # of a traceback are enough to find the place
_HERE = str(Path(__file__).parent)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_HINTS = {
    "25P02": ": a handler caught an error of PostgreSQL, which commits nothing after one. Use a savepoint",
    "42703": ": a column does not exist, so run your migration",
    "42P01": ": a table does not exist, so run your migration",
}
# SQLite has one code for both.
_OF_SQLITE = {"has no column named": "42703", "no such column": "42703", "no such table": "42P01"}

_logger = logging.getLogger("clerk_webhook")


def log_problem(problem: str, error: BaseException, message_id: str | None) -> None:
    """Log a failure that changes no answer.

    Args:
        problem: The failure in words.
        error: The exception.
        message_id: The message.
    """
    with suppress(Exception):
        _logger.error("%s: %s", problem, where_raised(error), extra={"message_id": message_id})


def where_raised(error: BaseException) -> str:
    """Say which exception was raised and where. Its text is left out, because it often holds personal data.

    A database's exception shows its SQLSTATE or SQLite's code, which says as much without the text.
    """
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_HERE)]
    if type(error) in {TypeError, ValueError, RuntimeError} and frames and frames[-1] not in theirs:
        # This package raised the error, or the call itself failed: a handler takes no event, for example.
        return f"{type(error).__qualname__}: {error}"
    parts = [f"{type(error).__qualname__}{database_code(error)}\n", *traceback.format_list(theirs[-_MANY_FRAMES:])]
    if isinstance(error, BaseExceptionGroup):
        # isinstance does not know the type of the exceptions inside.
        group = cast("BaseExceptionGroup[BaseException]", error)
        parts += [f"in it: {where_raised(inner)}\n" for inner in group.exceptions]
    return "".join(parts).rstrip()


def database_code(error: BaseException) -> str:
    """Return the code of a database's exception in parentheses, with a hint if there is one. Otherwise nothing."""
    # SQLAlchemy keeps the driver's exception as `orig`, Django as the cause. psycopg2 calls the SQLSTATE `pgcode`.
    for origin in (error, getattr(error, "orig", None), error.__cause__):
        for name, words in (("sqlstate", "SQLSTATE "), ("pgcode", "SQLSTATE "), ("sqlite_errorname", "")):
            code = getattr(origin, name, None)
            if isinstance(code, str):
                states = (state for part, state in _OF_SQLITE.items() if part in str(origin))
                hint = _HINTS.get(next(states, code) if name == "sqlite_errorname" else code, "")
                return f" ({words}{code}{hint})"
    return ""
