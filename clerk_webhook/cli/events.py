"""`clerk-webhook events`: the event types, and what one of them carries."""

from __future__ import annotations

import json
import shutil
import textwrap
from argparse import ArgumentTypeError
from difflib import get_close_matches
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ..events import EVENT_CLASSES
from ..testing import sample_event
from ._reference import PayloadType, fires, nested, payload_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Sequence

__all__ = ["SUMMARY", "configure", "run"]

SUMMARY = "list the event types, or show what one of them carries"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("type", nargs="?", type=_known_type, metavar="TYPE", help="an event type, such as user.created")
    parser.add_argument("--json", action="store_true", help="print one JSON object per event type")


def run(options: Namespace) -> int:
    """Print the list, or one event type; return 0."""
    if options.type is None:
        print("\n".join(map(json.dumps, map(_summary, EVENT_CLASSES)) if options.json else _list()))
    else:
        print(json.dumps(_details(options.type)) if options.json else "\n".join(_page(options.type)))
    return 0


def _known_type(text: str) -> str:
    if text not in EVENT_CLASSES:
        close = get_close_matches(text, EVENT_CLASSES, 1)
        advice = f"did you mean {close[0]}?" if close else "`clerk-webhook events` lists all."
        raise ArgumentTypeError(f"there is no event type {text!r}: {advice}")
    return text


def _summary(event_type: str) -> dict[str, Any]:
    return {
        "type": event_type,
        "class": EVENT_CLASSES[event_type].__name__,
        "payload": payload_of(event_type).name,
        "fires": fires(event_type),
    }


def _details(event_type: str) -> dict[str, Any]:
    types = {
        payload_type.name: {"meaning": payload_type.meaning, "keys": [key._asdict() for key in payload_type.keys]}
        for payload_type in nested(payload_of(event_type))
    }
    return _summary(event_type) | {"types": types, "sample": sample_event(event_type).raw}


def _list() -> Iterator[str]:
    """Yield a line per event type, as wide as it needs."""
    return _columns([tuple(_summary(event_type).values()) for event_type in EVENT_CLASSES], 1 << 16)


def _page(event_type: str) -> Iterator[str]:
    """Yield the lines that tell all of an event type."""
    payload_type = payload_of(event_type)
    yield from textwrap.wrap(f"{event_type}: {fires(event_type)}", _width())
    yield f"event class   events.{EVENT_CLASSES[event_type].__name__}"
    yield f"payload type  types.{payload_type.name}"
    for each in nested(payload_type):
        yield ""
        yield from _table(each)
    yield ""
    yield "A sample:"
    yield json.dumps(sample_event(event_type).raw, indent=2, ensure_ascii=False)


def _table(payload_type: PayloadType) -> Iterator[str]:
    """Yield a row per key, as wide as the terminal; `?` marks a key that isn't always there."""
    width = _width()
    yield payload_type.name
    yield from textwrap.wrap(payload_type.meaning, width, break_on_hyphens=False)
    rows = [(f"  {key.name}{'' if key.required else '?'}", key.annotation, key.meaning) for key in payload_type.keys]
    yield from _columns(rows, width)


def _columns(rows: Sequence[tuple[str, ...]], width: int) -> Iterator[str]:
    """Yield rows in columns, the last two of which share what the others leave of a width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = width - sum(widths[:-2]) - 2 * len(widths)
    widths[-2] = min(widths[-2], left // 2)
    widths[-1] = left - widths[-2]
    for row in rows:
        folded = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
        for line in zip_longest(*folded, fillvalue=""):
            yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _width() -> int:
    """Return the width of the terminal, or of the narrowest in which a table can be read."""
    return max(shutil.get_terminal_size((120, 24)).columns, 80)
