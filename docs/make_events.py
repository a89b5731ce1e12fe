"""Write `reference/events.md` from the code. Run it after a change to an event class, a data type or a sample."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from clerk_webhook import events as all_events
from clerk_webhook.cli._reference import DataType, data_of, data_types, fires, nested
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.testing import sample_event

PAGE = Path(__file__).parent / "reference" / "events.md"

INTRODUCTION = """\
# Events

<!-- docs/make_events.py writes this page. Change the docstrings in the code, and run it again. -->

This page lists every event type: when Clerk sends it, its class in `clerk_webhook.events`, its data type in
`clerk_webhook.types`, and a sample. `clerk-webhook events TYPE` shows the same in a terminal.
`clerk_webhook.testing.sample_event(TYPE)` returns the sample.

The data types describe real deliveries. Parsing never refuses an event because it differs from its type;
`clerk_webhook.conformance.check` lists the differences.

- A key that is not marked as required can be absent: read it with `data.get(key)`.
- `UnixMillis` is an `int`: milliseconds since the Unix epoch. `clerk_webhook.users.to_datetime` converts it.
- `Metadata` is a `dict[str, Any]`: any JSON object.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *index(), *unions(), *events(), *data_sections()])


def index() -> Iterator[str]:
    """Yield a table of all event types."""
    yield "| type | class | data type | sent when |"
    yield "|---|---|---|---|"
    for event_type, event_class in EVENT_CLASSES.items():
        cells = (link(event_type), f"`{event_class.__name__}`", link(data_of(event_type).name), fires(event_type))
        yield f"| {' | '.join(cells)} |"
    yield ""


def unions() -> Iterator[str]:
    """Yield a table of the unions, named as in Clerk's TypeScript."""
    yield "## Unions\n"
    yield "`WebhookEvent` is the union of all classes. `WebhookEventType` is the literal of all types.\n"
    yield "| union | classes |"
    yield "|---|---|"
    for name in (name for name in all_events.__all__ if name.endswith("WebhookEvent") and name != "WebhookEvent"):
        union = getattr(all_events, name)
        yield f"| `{name}` | {', '.join(f'`{cls.__name__}`' for cls in get_args(union) or (union,))} |"
    yield ""


def events() -> Iterator[str]:
    """Yield a section for each event type."""
    yield "## Event types\n"
    for event_type, event_class in EVENT_CLASSES.items():
        yield f"### `{event_type}`\n"
        data_link = link(data_of(event_type).name)
        yield f"{fires(event_type)} Class `events.{event_class.__name__}`; `data` is {data_link}.\n"
        sample = json.dumps(sample_event(event_type).payload, indent=2, ensure_ascii=False)
        yield f"<details><summary>A sample</summary>\n\n```json\n{sample}\n```\n\n</details>\n"


def data_sections() -> Iterator[str]:
    """Yield a section for each data type, in the order of the events and keys that lead to them."""
    yield "## Data types\n"
    reached = {"WebhookEventJSON": None, "EventAttributesJSON": None, "HttpRequestJSON": None}
    for event_type in EVENT_CLASSES:
        reached |= dict.fromkeys(data_type.name for data_type in nested(data_of(event_type)))
    for name in reached:
        yield from data_section(data_types()[name])


def data_section(data_type: DataType) -> Iterator[str]:
    """Yield a section for a data type, with a row per key."""
    yield f"### `{data_type.name}`\n"
    yield f"{data_type.meaning}\n"
    yield "| key | type | required | meaning |"
    yield "|---|---|---|---|"
    for key in data_type.keys:
        annotation = f"`{key.annotation}`".replace("|", "\\|")
        inner = next((word for word in re.findall(r"\w+", key.annotation) if word in data_types()), None)
        yield (
            f"| `{key.name}` | {f'[{annotation}](#{anchor(inner)})' if inner else annotation} "
            f"| {'yes' if key.required else ''} | {key.meaning} |"
        )
    yield ""


def link(name: str) -> str:
    """Return a link to the section of an event type or a data type."""
    return f"[`{name}`](#{anchor(name)})"


def anchor(heading: str) -> str:
    """Return the anchor of a heading in Markdown: lower case, without punctuation."""
    return re.sub(r"[^\w-]", "", heading.lower())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
