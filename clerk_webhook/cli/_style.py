"""Colour, on a terminal only."""

from __future__ import annotations

import os
import sys
from typing import Any, Literal

# ECMA-48, section 8.3.117 (SGR).
_CODES = {"good": "32", "bad": "31", "faint": "2"}


def is_terminal() -> bool:
    """Return whether standard output is a terminal."""
    stdout: Any = sys.stdout  # None if it was closed
    return stdout is not None and stdout.isatty()


def paint(text: str, style: Literal["good", "bad", "faint"]) -> str:
    """Return a text with the escape codes of a style, if standard output is a terminal that shows them.

    `NO_COLOR` (https://no-color.org) and `TERM=dumb` switch colour off.

    Args:
        text: The text.
        style: Its meaning.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not is_terminal():
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def printable(text: str) -> str:
    """Return a text in one line and without control characters, because a stranger must not steer the terminal.

    Args:
        text: The text.
    """
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))
