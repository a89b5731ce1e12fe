"""Hold the webhook types of a newer `@clerk/backend` against ours, and print the differences as a Markdown check-list.

Clerk's TypeScript has led its schema by two months. `webhook_types.mjs` writes the file:

    npm install --prefix new --ignore-scripts @clerk/backend typescript@5
    node tools/webhook_types.mjs new > new.json
    python tools/typescript_drift.py new.json

Our types are wider than Clerk's, because they describe older bodies too. So a line says where they are narrower: an
event, a key or a value that they lack, a key that can be absent or null. The exit status is 1 if there is a line, 2 if
FILE is not of `webhook_types.mjs`, and 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schema_drift import ANNOTATIONS, code, codes, event_line, print_check_list

from clerk_webhook.cli._reference import data_of, data_types
from clerk_webhook.events import EVENT_CLASSES

# Pairs of a type of Clerk's and a type of ours that differ on purpose.
MEANT_PAIRS = {
    ("RoleJSON", "DeletedObjectJSON"): "Clerk's schema has the remains of a deleted object.",
    ("PermissionJSON", "DeletedObjectJSON"): "Clerk's schema has the remains of a deleted object.",
}
MEANT_NEWS = {
    ("DeletedObjectJSON", "id", "can be absent"): "All recorded bodies have it.",
}


def check_list(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return a line for each event type and each key in which our types are narrower, by heading."""
    types = document["types"]
    added = [event_type for event_type in document["events"] if event_type not in EVENT_CLASSES]
    pending = [(document["payload"], "WebhookEventJSON")]
    pending += [(name, data_of(each).name) for each, name in document["events"].items() if each not in added]
    lines: dict[str, list[str]] = {
        "Events added": [
            event_line(event_type, f"data is {code(document['events'][event_type])}") for event_type in added
        ],
        "Keys added": [],
        "Keys changed": [],
    }
    reached = {*MEANT_PAIRS}
    while pending:
        pair = name, owner = pending.pop(0)
        if pair in reached:
            continue
        reached.add(pair)
        for key, value in types[name].items():
            annotation = ANNOTATIONS.get((owner, key))
            if annotation is None:
                text = " or ".join([code(value["text"]), *["null"] * value["nullable"]])
                required = "not required" if value["optional"] else "required"
                lines["Keys added"].append(f"{code(f'{owner}.{key}')}: {text}, {required}. The types lack it.")
                continue
            news = [each for each in changes(key, value, annotation) if (owner, key, each) not in MEANT_NEWS]
            if news:
                line = f"{code(f'{owner}.{key}')}: {'; '.join(news)}. The type has {code(annotation)}."
                lines["Keys changed"].append(line)
            inner = next((word for word in re.findall(r"\w+", annotation) if word in data_types()), None)
            if value["type"] and inner:
                pending.append((value["type"], inner))
    return {heading: list(dict.fromkeys(texts)) for heading, texts in lines.items()}


def changes(key: str, value: dict[str, Any], annotation: str) -> Iterator[str]:
    """Yield each way in which a value can differ from an annotation of ours that is narrower."""
    if value["optional"] and not annotation.startswith("NotRequired"):
        yield "can be absent"
    if value["nullable"] and not re.search(r"\b(None|Any)\b", annotation):
        yield "can be null"
    new = {*value["values"]} - {*re.findall(r'"([^"]*)"', annotation)}
    # In Clerk's TypeScript many an `object` can be that of any resource, sent or not.
    if new and "Literal" in annotation and key != "object":
        yield f"new value {codes(new)}"


def main(arguments: list[str] | None = None) -> int:
    """Run the tool, and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", type=Path, help="what webhook_types.mjs printed")
    path = parser.parse_args(arguments).file
    try:
        document = json.loads(path.read_text("utf-8"))
        sections = check_list(document)
        source = document["source"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        parser.error(f"{path}: this is not what webhook_types.mjs prints: {error!r}")
    print(f"# Clerk's TypeScript\n\nRead: {source}.")
    return 1 if print_check_list(sections) else 0


if __name__ == "__main__":
    sys.exit(main())
