"""`clerk-webhook check`: hold an event against its types."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from .._parse import parse_json
from ..conformance import check, is_body, payload_type_of
from ..errors import PayloadError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["SUMMARY", "configure", "run"]

SUMMARY = "tell where an event, or a payload, differs from the types of this release"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "event",
        type=_json_value,
        metavar="EVENT",
        help="the body of an event, or its payload, as JSON: @event.json for a file, - for standard input",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: Namespace) -> int:
    """Print the mismatches; return 0 if there are none, else 1."""
    mismatches = check(options.event)
    checked_as = _checked_as(options.event)
    if options.json:
        rows = [mismatch._asdict() for mismatch in mismatches]
        print(json.dumps({"checked_as": checked_as, "mismatches": rows}))
    else:
        for mismatch in mismatches:
            print(f"{mismatch.kind:10} {mismatch}")
        print(f"{checked_as}: {len(mismatches) or 'no'} mismatch{'' if len(mismatches) == 1 else 'es'}.")
    return 1 if mismatches else 0


def _json_value(argument: str) -> object:
    """Return the JSON value that an argument stands for."""
    try:
        if argument == "-":
            if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # it is, where it was closed
                raise ArgumentTypeError("there is no standard input.")
            return parse_json(sys.stdin.buffer.read())
        if argument.startswith("@"):
            return parse_json(Path(argument[1:]).read_bytes())
        return parse_json(argument)
    except OSError as error:
        raise ArgumentTypeError(f"can't read {argument[1:]}: {error.strerror}.") from error
    except PayloadError as error:
        hint = "" if argument.startswith(("@", "-")) else f" For a file, write @{argument}."
        raise ArgumentTypeError(f"{error}{hint}") from error


def _checked_as(value: object) -> str:
    """Say what a value was taken for."""
    if not is_body(value):
        return "As a payload"
    event_type = value.get("type")
    payload_type = payload_type_of(event_type) if isinstance(event_type, str) else None
    if payload_type is None:
        return f"As {event_type}, which is newer than this release, so its data was not looked into"
    return f"As {event_type} with {payload_type.__name__}"
