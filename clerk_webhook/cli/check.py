"""`clerk-webhook check`: compare an event with its types."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from codecs import BOM_UTF8

from .._parse import parse_json
from ..conformance import check, is_payload
from ..errors import PayloadError
from ..events import data_type_of
from ._arguments import CommandError, file_content
from ._style import printable

SUMMARY = "list the differences between an event and the types of this release"
EXAMPLE = "clerk-webhook check @event.json"


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "event",
        metavar="EVENT",
        help="a payload, or the data in it, as JSON: @event.json for a file, - for standard input",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: Namespace) -> int:
    """Print the mismatches; return 1 if the event has any, else 0."""
    named = options.event == "-" or options.event.startswith("@")
    try:
        event = parse_json(file_content(options.event).removeprefix(BOM_UTF8) if named else options.event)
    except PayloadError as error:
        # The hint does not repeat the argument, because the argument may be an event.
        hint = "" if named else " For a file, write @ before its name."
        raise CommandError(f"{error}{hint}") from None
    mismatches = check(event)
    checked_as = _checked_as(event)
    if options.json:
        rows = [mismatch._asdict() for mismatch in mismatches]
        print(json.dumps({"checked_as": checked_as, "mismatches": rows}))
    else:
        for mismatch in mismatches:
            print(f"{mismatch.kind:10} {mismatch}")
        print(f"{checked_as}: {len(mismatches) or 'no'} mismatch{'' if len(mismatches) == 1 else 'es'}.")
    return 1 if mismatches else 0


def _checked_as(value: object) -> str:
    """Name the type that a value was compared with."""
    if not is_payload(value):
        return "As data"
    event_type = str(value.get("type"))
    if data_type := data_type_of(event_type):
        return f"As {event_type} with {data_type.__name__}"
    return f"As {printable(event_type)[:64]}, which is newer than this release, so its data was not looked into"
