"""Write `reference/events.md` from the code. Run it after a change to an event class, a data type or a sample."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from clerk_webhook import events as all_events
from clerk_webhook.cli._reference import (
    DataType,
    data_of,
    data_types,
    fires,
    nested,
)
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.testing import sample_event

PAGE = Path(__file__).parent / "reference" / "events.md"

INTRODUCTION = """\
# Events

<!-- docs/make_events.py writes this page. Change the docstrings in the code, and run it again. -->

`clerk-webhook events TYPE` shows the same in a terminal, and `clerk_webhook.testing.sample_event(TYPE)` returns a
sample of every type. Parsing never refuses an event because it differs from its data type;
`clerk_webhook.conformance.check` lists the differences.

- A key with a question mark can be absent: read it with `data.get(key)`.
- `UnixMillis` is an `int`: milliseconds since the Unix epoch. `clerk_webhook.users.to_datetime` converts it.
- `Metadata` is a `dict[str, Any]`: any JSON object.
- † marks keys of Clerk's TypeScript that its schema had for `paymentAttempt.*` until November 2025.
"""

# Sentences that the introduction says once.
SHORTER = {
    "In Clerk's TypeScript; in its schema for paymentAttempt until November 2025.": "†",
    "In milliseconds since the epoch.": "",
}


def page() -> str:
    """Return the page."""
    return "\n".join(
        [INTRODUCTION, *index(), *unions(), *events(), *data_sections()]
    )


def index() -> Iterator[str]:
    """Yield a table of all event types."""
    yield "| type | data type | sent when |"
    yield "|---|---|---|"
    for event_type in EVENT_CLASSES:
        yield f"| {link(event_type)} | {link(data_of(event_type).name)} | {fires(event_type)} |"
    yield ""


def unions() -> Iterator[str]:
    """Yield a table of the unions, named as in Clerk's TypeScript."""
    yield "## Unions\n"
    yield "`WebhookEvent` is the union of all classes. `WebhookEventType` is the literal of all types.\n"
    yield "| union | classes |"
    yield "|---|---|"
    for name in (
        name
        for name in all_events.__all__
        if name.endswith("WebhookEvent") and name != "WebhookEvent"
    ):
        union = getattr(all_events, name)
        yield f"| `{name}` | {', '.join(f'`{cls.__name__}`' for cls in get_args(union) or (union,))} |"
    yield ""


def events() -> Iterator[str]:
    """Yield a section for each event type, with a sample if it is the first of its data type."""
    yield "## Event types\n"
    first: dict[str, str] = {}
    for event_type, event_class in EVENT_CLASSES.items():
        name = data_of(event_type).name
        has_sample = first.setdefault(name, event_type) == event_type
        yield f"### `{event_type}`\n"
        see = "" if has_sample else f", as in {link(first[name])}"
        yield f"`events.{event_class.__name__}`: `data` is {link(name)}{see}.\n"
        if has_sample:
            sample = json.dumps(
                sample_event(event_type).payload, indent=2, ensure_ascii=False
            )
            yield f"<details><summary>A sample</summary>\n\n```json\n{sample}\n```\n\n</details>\n"


def data_sections() -> Iterator[str]:
    """Yield a section for each data type, in the order of the events and keys that lead to them."""
    yield "## Data types\n"
    reached = {
        "WebhookEventJSON": None,
        "EventAttributesJSON": None,
        "HttpRequestJSON": None,
    }
    for event_type in EVENT_CLASSES:
        reached |= dict.fromkeys(
            data_type.name for data_type in nested(data_of(event_type))
        )
    for name in reached:
        yield from data_section(data_types()[name])


def data_section(data_type: DataType) -> Iterator[str]:
    """Yield a section for a data type, with a row per key."""
    yield f"### `{data_type.name}`\n"
    yield f"{data_type.meaning}\n"
    yield "| key | type | meaning |"
    yield "|---|---|---|"
    for key in data_type.keys:
        annotation = f"`{key.annotation}`".replace("|", "\\|")
        inner = next(
            (
                word
                for word in re.findall(r"\w+", key.annotation)
                if word in data_types()
            ),
            None,
        )
        name = key.name if key.required else f"{key.name}?"
        meaning = key.meaning
        for sentence, shorter in SHORTER.items():
            meaning = meaning.replace(sentence, shorter)
        yield f"| `{name}` | {f'[{annotation}](#{anchor(inner)})' if inner else annotation} | {meaning.strip()} |"
    yield ""


def link(name: str) -> str:
    """Return a link to the section of an event type or a data type."""
    return f"[`{name}`](#{anchor(name)})"


def anchor(heading: str) -> str:
    """Return the anchor of a heading in Markdown: lower case, without punctuation."""
    return re.sub(r"[^\w-]", "", heading.lower())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
