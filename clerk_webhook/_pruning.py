r"""Take out of a JSON text what not every parser, copy, log and database can hold.

Users write into genuine events (`unsafe_metadata`). Without this module a user could hide an event from a receiver: by
201 brackets, or by half of a surrogate pair. The text is mended before a parser sees it, so no parser's stack can
overflow. All loops over characters run in C, so a hostile body of 1 MiB takes about twice the time of `json.loads`.
"""

from __future__ import annotations

import re
from itertools import accumulate

__all__ = ["MAX_DEPTH", "without_deep_values", "without_lone_surrogates"]

# Far above the five levels of Clerk's events. Python cannot copy or pickle much deeper values, and orjson writes no
# more than 254 levels.
MAX_DEPTH = 200

# A string may lack its end, so that the pattern matches any text.
_STRING = rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?'
_PLAIN = rb'[^"\[\]{}]++|' + _STRING
_FLAT = rb"[\[{](?:" + _PLAIN + rb")*+[\]}]"
_TWO_LEVELS = rb"[\[{](?:" + _PLAIN + rb"|" + _FLAT + rb")*+[\]}]"
# The next bracket that opens more than two levels, or the next ones that close.
_NEXT = re.compile(rb"(?:" + _PLAIN + rb"|" + _TWO_LEVELS + rb")*+(?:([\[{])|([\]}]++))", re.DOTALL).match
_UP_TO_A_CLOSING_ONE = re.compile(rb"(?:[^\"\]}]++|" + _STRING + rb")*+", re.DOTALL).finditer

_STEPS = bytes.maketrans(b"[{]}", b"\1\1\xff\xff")  # as signed bytes: 1 and -1
_NOT_STEPS = bytes(set(range(256)) - set(b'[{]}"'))


def without_deep_values(raw: bytes) -> bytes:
    """Return a JSON text with null for each value that is nested too deeply.

    A body with 201 levels keeps 199 of them: the container on level 199 that holds the others becomes null.

    Args:
        raw: Any bytes. If they are not JSON, the result is not JSON either.
    """
    # Empty values side by side are as deep as one.
    steps = memoryview(_brackets(raw).replace(b"\1\xff\1\xff\1\xff", b"\1\xff")).cast("b")
    if not any(map(MAX_DEPTH.__lt__, accumulate(steps))):
        return raw
    kept: list[bytes] = []
    start = end = depth = 0
    while found := _NEXT(raw, end):
        end = found.end()
        if found.lastindex == 1:
            depth += 1
            # It has more than two levels, so it ends below the limit.
            if depth == MAX_DEPTH - 1:
                kept += raw[start : end - 1], b"null"
                start, end = end, next(_UP_TO_A_CLOSING_ONE(raw, end)).end()
                depth += _brackets(raw[start:end]).count(1)
                start = len(raw)
        else:
            above, depth = depth, depth - end + found.start(2)
            if depth < MAX_DEPTH - 1 <= above:
                start = end - (MAX_DEPTH - 2 - depth)
    kept.append(raw[start:])
    return b"".join(kept)


def _brackets(raw: bytes) -> bytes:
    """Return 1 for each opening and 255 for each closing bracket outside of the strings of a JSON text."""
    outline = raw.replace(rb"\\", b"").replace(rb"\"", b"").translate(_STEPS, _NOT_STEPS)
    # The ends of two strings with nothing between them make one string of both.
    return b"".join(outline.replace(b'""', b"").split(b'"')[::2])


_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_SURROGATE = re.compile(f"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}")


def without_lone_surrogates(text: str) -> str:
    r"""Return a JSON text with U+FFFD for each escaped half of a surrogate pair.

    Args:
        text: JSON. `"\ud83d\ude00"` is one character, and `"\ud83d"` is none.
    """
    # An escaped backslash is no part of another escape. No text that was UTF-8 holds its stand-in.
    return _LONE_SURROGATE.sub(r"\\ufffd", text.replace(r"\\", "\ud800")).replace("\ud800", r"\\")
