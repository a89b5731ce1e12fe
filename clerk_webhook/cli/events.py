"""`clerk-webhook events`: the event types, and the data of each."""

from __future__ import annotations

import json
import shutil
import textwrap
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from .. import events
from ..events import EVENT_CLASSES
from ..testing import sample_event
from ._reference import DataType, data_of, data_types, fires, nested
from ._style import is_terminal

SUMMARY = "list the event types, or show an event type, a union or a data type"
EXAMPLE = "clerk-webhook events user.created"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "name",
        nargs="?",
        default="WebhookEvent",
        type=_known_name,
        metavar="TYPE|UNION|DATA TYPE",
        help="an event type (user.created) or class (UserCreated), a family (user), a union or a data type (UserJSON)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object per event type")


def run(options: Namespace) -> int:
    """Print the list, or one page; return 0."""
    types = {cls.__name__: event_type for event_type, cls in EVENT_CLASSES.items()}
    name: str = types.get(options.name) or options.name
    if name in EVENT_CLASSES:
        print(json.dumps(_details(name)) if options.json else "\n".join(_page(name)))
    elif data_type := data_types().get(name):
        print(json.dumps(_data_details(data_type)) if options.json else "\n".join(_data_page(data_type)))
    else:
        print("\n".join(map(json.dumps, map(_summary, _groups()[name])) if options.json else _list(_groups()[name])))
    return 0


def known_type(text: str) -> str:
    """Return an event type as it is.

    Raises:
        ArgumentTypeError: The event type does not exist.
    """
    return _one_of(text, "event type", EVENT_CLASSES)


def _known_name(text: str) -> str:
    classes = (cls.__name__ for cls in EVENT_CLASSES.values())
    return _one_of(text, "event type, union or data type", [*EVENT_CLASSES, *classes, *_groups(), *data_types()])


def _one_of(text: str, kind: str, known: Iterable[str]) -> str:
    if text not in known:
        close = get_close_matches(text, known, 1)
        advice = f"did you mean {close[0]}?" if close else "`clerk-webhook events` lists all."
        raise ArgumentTypeError(f"the {kind} {text!r} does not exist: {advice}")
    return text


def _groups() -> dict[str, list[str]]:
    """Return the event types of each family and of each union."""
    groups: dict[str, list[str]] = {}
    for event_type in EVENT_CLASSES:
        groups.setdefault(event_type.partition(".")[0], []).append(event_type)
    for name in events.__all__:
        if name.endswith("WebhookEvent"):
            union = getattr(events, name)  # of one class: the class itself
            groups[name] = [each for each, cls in EVENT_CLASSES.items() if cls in (get_args(union) or (union,))]
    return groups


def _summary(event_type: str) -> dict[str, Any]:
    return {
        "type": event_type,
        "class": EVENT_CLASSES[event_type].__name__,
        "data_type": data_of(event_type).name,
        "fires": fires(event_type),
    }


def _details(event_type: str) -> dict[str, Any]:
    types = _data_details(data_of(event_type))
    return _summary(event_type) | {"types": types, "sample": sample_event(event_type).payload}


def _data_details(data_type: DataType) -> dict[str, Any]:
    return {
        each.name: {"meaning": each.meaning, "keys": [key._asdict() for key in each.keys]} for each in nested(data_type)
    }


def _list(event_types: Sequence[str]) -> Iterator[str]:
    """Yield a row per event type. A row is as wide as the terminal, or one line if the output is not a terminal."""
    width = _width() if is_terminal() else 1 << 16
    return _columns([tuple(_summary(event_type).values()) for event_type in event_types], width)


def _page(event_type: str) -> Iterator[str]:
    """Yield the lines that describe an event type."""
    data_type = data_of(event_type)
    yield from textwrap.wrap(f"{event_type}: {fires(event_type)}", _width())
    yield f"event class   events.{EVENT_CLASSES[event_type].__name__}"
    yield f"data type     types.{data_type.name}"
    yield from _tables(data_type)
    yield ""
    yield "A sample:"
    yield json.dumps(sample_event(event_type).payload, indent=2, ensure_ascii=False)


def _data_page(data_type: DataType) -> Iterator[str]:
    """Yield the lines that describe a data type."""
    carriers = [event_type for event_type in EVENT_CLASSES if data_type in nested(data_of(event_type))]
    yield from textwrap.wrap(f"types.{data_type.name}, in {', '.join(carriers)}", _width())
    yield from _tables(data_type)


def _tables(data_type: DataType) -> Iterator[str]:
    """Yield a table per data type, as wide as the terminal; `?` marks a key that may be absent."""
    width = _width()
    for each in nested(data_type):
        yield ""
        yield each.name
        yield from textwrap.wrap(each.meaning, width, break_on_hyphens=False)
        rows = [(f"  {key.name}{'' if key.required else '?'}", key.annotation, key.meaning) for key in each.keys]
        yield from _columns(rows, width)


def _columns(rows: Sequence[tuple[str, ...]], width: int) -> Iterator[str]:
    """Yield rows in columns. A row that is wider than the terminal has its last cell below."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-2]
    for row in rows:
        *cells, last = (cell.ljust(size) for cell, size in zip(row, [*widths, 0, 0], strict=True))
        whole = "  ".join([*cells, last]).rstrip()
        for text in [whole] if len(whole) <= width else ["  ".join(cells), f"    {last}"]:
            yield from textwrap.wrap(text, width, subsequent_indent="    ", break_on_hyphens=False)


def _width() -> int:
    """Return the width of the terminal. Without a terminal it is 120."""
    return shutil.get_terminal_size((120, 24)).columns
