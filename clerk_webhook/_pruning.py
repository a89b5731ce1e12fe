r"""Take out of a JSON text what not every parser, copy, log and database can hold.

Users write into genuine events (`unsafe_metadata`). Without this module a user could hide an event from a receiver: by
201 brackets, or by half of a surrogate pair. The text is mended before a parser sees it, so no parser's stack can
overflow. benchmarks/hostile.py measures how long hostile bodies take.
"""

from __future__ import annotations

import re

# Far above the five levels of Clerk's events. Python cannot copy or pickle much deeper values, and orjson writes no
# more than 254 levels.
MAX_DEPTH = 200

# Windows that are smaller than this are read bracket by bracket.
_SMALL = 64
# The patterns of this module are compiled when they are needed, because few processes need them.
_BRACKET = r"([\[{\]}])"
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
# Users can fill a body with small values on the first level that is too deep, so these are found by the loops of re.
_SMALL_VALUE = r"[\[{](?:[^\[\]{}]++|[\[{][^\[\]{}]*+[\]}])*+[\]}]"
_UP_TO_A_LARGE_VALUE = rf"(?:[^\[\]{{}}]++|{_SMALL_VALUE})*+"

# UTF-8 has no such bytes. Each stands for a character that is no structure.
_ESCAPES = {rb"\\": b"\xfc\xfc", rb"\"": b"\xfc\xfd"}
_BRACKETS_IN_STRINGS = {"[": "\xf8", "]": "\xf9", "{": "\xfa", "}": "\xfb"}
_RESTORE = bytes.maketrans(b"\xf8\xf9\xfa\xfb\xfc\xfd", rb"[]{}\"")
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))


def without_deep_values(raw: bytes) -> bytes:
    """Return a JSON text with null for each value that is nested deeper than 200 levels.

    A window of the text is kept or dropped whole if the number of its brackets proves that nothing in it is too deep,
    or that everything is. Other windows are made smaller, and then read bracket by bracket.

    Args:
        raw: Any UTF-8. If it is not JSON, the result is not JSON either, unless only a part that is too deep was wrong.
    """
    brackets = _structure(raw)
    text = ""
    if b'"' in brackets or (b"\\" in raw and b'\\"' in raw):  # one byte is found faster than two
        text = _with_strings_masked(raw)
        brackets = _structure(text.encode("latin-1"))
    # Usual bodies end here: values without others in them go first, and most of the rest goes with each turn.
    before, peeled = 2 * len(brackets) + 1, 0
    while peeled + len(brackets) > MAX_DEPTH and 2 * len(brackets) < before:
        before = len(brackets)
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        peeled += 2
    if peeled + len(brackets) <= MAX_DEPTH:
        return raw
    text = text or _with_strings_masked(raw)
    up_to_a_large_value = re.compile(_UP_TO_A_LARGE_VALUE).match
    kept: list[str] = []
    depth = start = 0
    size = len(text)
    while start < len(text):
        window = text[start : start + size]
        opened = window.count("[") + window.count("{")
        closed = window.count("]") + window.count("}")
        if depth + opened <= MAX_DEPTH:
            kept.append(window)
            depth += opened - closed
        elif depth - closed > MAX_DEPTH:
            depth += opened - closed
        elif size > _SMALL:
            size //= 4
            continue
        else:
            found = up_to_a_large_value(text, start) if depth == MAX_DEPTH else None
            if found and found[0]:
                kept.append(re.sub(_SMALL_VALUE, "null", found[0]))
                start = found.end()
                continue
            depth = _keep_shallow(window, depth, kept)
        start += size
        size *= 4
    return "".join(kept).encode("latin-1").translate(_RESTORE)


def _structure(raw: bytes) -> bytes:
    """Return the brackets of a text without escaped quotes, and the quotes of the strings that have brackets."""
    # A string without brackets leaves just its two quotes.
    return raw.translate(None, _NO_STRUCTURE).replace(b'""', b"")


def _keep_shallow(window: str, depth: int, kept: list[str]) -> int:
    """Add the parts of a window that are not too deep, and return the depth at its end."""
    for part in re.split(_BRACKET, window):
        step = _STEPS.get(part, 0)
        depth += step
        if depth <= MAX_DEPTH:
            kept.append("null" if step < 0 and depth == MAX_DEPTH else part)
    return depth


def _with_strings_masked(raw: bytes) -> str:
    """Return a text of the same length in which only the structure has brackets."""
    if b"\\" in raw:
        for escape, no_structure in _ESCAPES.items():
            raw = raw.replace(escape, no_structure)
    # One character for each byte. The loops of str are faster than those of bytes.
    text = raw.decode("latin-1")
    if b'"' in _structure(raw):
        parts = text.split('"')
        strings = '"'.join(parts[1::2])
        for bracket, stand_in in _BRACKETS_IN_STRINGS.items():
            strings = strings.replace(bracket, stand_in)
        parts[1::2] = strings.split('"')
        text = '"'.join(parts)
    return text


_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_NO_LONE_SURROGATE = rf"(?:[^\\]++|{_HIGH}{_LOW}|(?!{_HIGH}|{_LOW})\\)*+"
# The same start of both halves makes this twice as fast.
_LONE_SURROGATE = rf"\\u[dD](?:[89abAB][0-9a-fA-F]{{2}}(?!{_LOW})|(?<!{_HIGH}\\u[dD])[c-fC-F][0-9a-fA-F]{{2}})"


def without_lone_surrogates(text: str) -> str:
    r"""Return a JSON text with U+FFFD for each escaped half of a surrogate pair.

    Args:
        text: JSON. `"\ud83d\ude00"` is one character, and `"\ud83d"` is none.
    """
    # An escaped backslash is no part of another escape. No text that was UTF-8 holds its stand-in.
    masked = text.replace(r"\\", "\ud800")
    if re.fullmatch(_NO_LONE_SURROGATE, masked):
        return text
    return re.sub(_LONE_SURROGATE, "\ufffd", masked).replace("\ud800", r"\\")
