"""Hold a newer schema of Clerk's webhooks against the pinned one, and print the differences as a Markdown check-list.

The exit status is 1 if an event, a key or an enum differs, 2 if NEW is not such a schema, and 0 otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from schema import PINNED, Node, Schema, examples, pinned_form, read

from clerk_webhook.cli._reference import data_of, data_types
from clerk_webhook.conformance import check
from clerk_webhook.events import EVENT_CLASSES

ORIGIN = "github.com/clerk/openapi-specs webhooks/2025-04-15.yml"

ANNOTATIONS = {
    (data_type.name, key.name): key.annotation if key.required else f"NotRequired[{key.annotation}]"
    for data_type in data_types().values()
    for key in data_type.keys
}

Place = tuple[str, ...]  # an event type, and the keys that lead to a value


class Key(NamedTuple):
    """A key of an object, as a schema describes it."""

    owner: str  # the TypedDict of the object, or the place of an object without a TypedDict
    name: str
    shape: str  # the `object` of the object, if the schema offers a choice
    kind: str
    nullable: bool
    required: bool
    values: frozenset[Any]  # of the enum
    shapes: frozenset[str]  # the choice of objects that the value can be

    def description(self) -> str:
        """Describe the values of the key."""
        kind = f"{code(self.kind)} or null" if self.nullable else code(self.kind)
        values = [f"one of {codes(self.values)}"] if self.values else []
        return ", ".join([kind, "required" if self.required else "not required", *values])

    def changes(self, before: Key) -> Iterator[str]:
        """Yield each difference from the same key in an older schema."""
        if self.kind != before.kind:
            yield f"{code(before.kind)} became {code(self.kind)}"
        if self.nullable != before.nullable:
            yield "can be null now" if self.nullable else "never null now"
        if self.required != before.required:
            yield "required now" if self.required else "not required now"
        if bool(self.values) != bool(before.values):
            yield "an enum now" if self.values else "no longer an enum"
        for noun, now, then in (("value", self.values, before.values), ("object", self.shapes, before.shapes)):
            if now - then:
                yield f"new {noun} {codes(now - then)}"
            if then - now:
                yield f"{noun} {codes(then - now)} gone"

    def line(self, news: str) -> str:
        """Return a line of the check-list: the key, its news, and its annotation in the types."""
        shape = f" of {code(self.shape)}" if self.shape else ""
        annotation = ANNOTATIONS.get((self.owner, self.name))
        types = f"The type has {code(annotation)}." if annotation else "The types lack it."
        return f"{code(f'{self.owner}.{self.name}')}{shape}: {news}. {types}"


def event_line(event_type: str, news: str) -> str:
    """Return a line of the check-list: the event type, its news, and its class."""
    event_class = EVENT_CLASSES.get(event_type)
    types = f"Its class is {code(event_class.__name__)}." if event_class else "It has no class."
    return f"{code(event_type)}: {news}. {types}"


def code(text: str) -> str:
    """Return text as code."""
    return f"`{text}`"


def codes(values: Iterable[Any]) -> str:
    """Return values as code, sorted."""
    return ", ".join(map(code, sorted(map(str, values))))


def keys_below(schema: Schema, node: Node, owner: str, place: Place) -> Iterator[tuple[Place, Key]]:
    """Yield the keys of an object, and of all objects inside it."""
    for label, shape in node.shapes.items():
        inside = (*place, label) if label else place
        for name, property_ in shape["properties"].items():
            value = leaf = schema.node(property_)
            while leaf.items is not None:
                leaf = leaf.items
            kind, required = value.kind.replace("record", "object"), name in shape["required"]
            values = leaf.known | {"any other"} if leaf.is_open else leaf.known
            yield (
                (*inside, name),
                Key(owner, name, label, kind, value.nullable, required, values, frozenset(filter(None, leaf.shapes))),
            )
            words = re.findall(r"\w+", ANNOTATIONS.get((owner, name), ""))
            inner_owner = next((word for word in words if word in data_types()), f"{owner}.{name}")
            yield from keys_below(schema, leaf, inner_owner, (*inside, name))


def keys_of(schema: Schema, event_types: Iterable[str]) -> dict[Place, Key]:
    """Return the keys of a payload, and of the data of some event types."""
    keys = dict(keys_below(schema, schema.node(schema.payload), "WebhookEventJSON", ("every event",)))
    for event_type in event_types:
        data = schema.webhooks[event_type]
        name = data.get("$ref", event_type).rpartition("/")[2]
        owner = data_of(event_type).name if event_type in EVENT_CLASSES else name
        keys |= keys_below(schema, schema.node(data), owner, (event_type,))
    return keys


def only_in(keys: dict[Place, Key], others: dict[Place, Key]) -> Iterator[tuple[Place, Key]]:
    """Yield the keys that the others lack, without the keys of an object that the others have at another place."""
    objects = {place[:-1] for place in others} | others.keys()
    known = {*others.values(), *(key for place, key in keys.items() if place in others)}
    for place, key in keys.items():
        if place not in others and (place[:-1] in objects or key not in known):
            yield place, key


def by_line(lines: dict[Place, str], known: Iterable[str]) -> list[str]:
    """Return each line once, with its event types. `user.*` stands for all known ones of a family."""
    event_types: dict[str, dict[str, str]] = {}
    for (event_type, *_), line in lines.items():
        event_types.setdefault(line, {})[event_type] = event_type.partition(".")[0]
    sizes = Counter(event_type.partition(".")[0] for event_type in known)
    texts: list[str] = []
    for line, families in event_types.items():
        whole = {each for each, count in Counter(families.values()).items() if count == sizes[each] > 1}
        names = [f"{family}.*" if family in whole else event_type for event_type, family in families.items()]
        texts.append(f"{line} In {', '.join(dict.fromkeys(names))}.")
    return texts


def check_list(old: Schema, new: Schema) -> dict[str, list[str]]:
    """Return a line for each event type and each key that differs, by heading."""
    common = [each for each in new.webhooks if each in old.webhooks]
    added = [each for each in new.webhooks if each not in old.webhooks]
    gone = [each for each in old.webhooks if each not in new.webhooks]
    # The data of a new event type is often a known one.
    alike = {each: known for each in added for known in reversed(common) if new.webhooks[known] == new.webhooks[each]}
    before, now = keys_of(old, common), keys_of(new, [each for each in new.webhooks if each not in alike])
    keys_added = {place: key.line(key.description()) for place, key in only_in(now, before)}
    keys_gone = {place: key.line("gone") for place, key in only_in(before, now)}
    changes = ((place, key, "; ".join(key.changes(before[place]))) for place, key in now.items() if place in before)
    changed = {place: key.line(news) for place, key, news in changes if news}
    return {
        "Events added": [event_line(each, f"data of {alike.get(each, 'its own')}") for each in added],
        "Events gone": [event_line(each, "gone") for each in gone],
        "Keys added": by_line(keys_added, common),
        "Keys gone": by_line(keys_gone, common),
        "Keys changed": by_line(changed, common),
    }


def refused_examples(document: dict[str, Any], schema: Schema) -> Iterator[str]:
    """Yield a line for each place where the types refuse an example of the schema."""
    for event_type, payload in examples(document):
        departures = [
            *schema.departures(payload, schema.payload),
            *schema.departures(payload["data"], schema.webhooks[event_type], ".data"),
        ]
        refused = {departure.partition(" ")[0] for departure in departures}
        for mismatch in check(payload):
            verdict = " The schema refuses it too." if f".{mismatch.path}" in refused else ""
            yield f"{code(event_type)}: {mismatch}.{verdict}"


def print_check_list(sections: dict[str, list[str]]) -> bool:
    """Print lines under their headings, and return whether there was any line."""
    differs = any(sections.values())
    if not differs:
        print("\nNo event, key or enum differs.")
    for heading, lines in sections.items():
        print_section(heading, [f"[ ] {line}" for line in lines])
    return differs


def print_section(heading: str, lines: Iterable[str]) -> None:
    """Print a heading and its lines, if there are lines."""
    if items := [f"- {line}" for line in lines]:
        print(f"\n## {heading}\n", *items, sep="\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the tool, and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("new", metavar="NEW", type=Path, help="Clerk's OpenAPI file, or a schema in the pinned form")
    parser.add_argument("--pin", action="store_true", help="make NEW the pinned schema")
    options = parser.parse_args(arguments)
    try:
        document = read(options.new)
        new = pinned_form(document)
    except (OSError, ValueError) as error:
        parser.error(f"{options.new}: {error}")
    pinned = json.loads(PINNED.read_text("utf-8"))
    schema = Schema(new)
    print(f"# Clerk's schema\n\nPinned: {pinned['source']}.")
    differs = print_check_list(check_list(Schema(pinned), schema))
    print_section("For information: what the types refuse in the examples", refused_examples(document, schema))
    if options.pin and new != {key: pinned[key] for key in new}:
        content = options.new.read_bytes()
        blob = hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
        source = f"{ORIGIN}, Git blob {blob}, pinned on {datetime.now(UTC).date()}, MIT licence; examples removed"
        text = json.dumps({"source": document.get("source", source)} | new, indent=1)
        PINNED.write_text(f"{text}\n", encoding="utf-8")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
