"""Clerk's schema of its webhooks, with its references followed. schema_drift.py and the tests of the types walk it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PINNED = Path(__file__).parents[1] / "tests" / "data" / "webhook-schemas.json"

JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass
class Node:
    """A place in the schema.

    Attributes:
        kind: The JSON type. `"record"` is an object with known keys, and an array says what it holds.
        nullable: True if null may stand there.
        known: The values of the enum. It is empty if there is no enum.
        is_open: True if values outside the enum may come too.
        is_time: True for milliseconds since the epoch.
        shapes: The objects that may stand there, each by its `object` if the schema offers a choice.
        items: The place inside an array.
    """

    kind: str
    nullable: bool
    known: frozenset[Any]
    is_open: bool
    is_time: bool
    shapes: dict[str, dict[str, Any]]
    items: Node | None = None


class Schema:
    """The data of each event type, the payload around the data, and the named schemas inside."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.named: dict[str, dict[str, Any]] = document["schemas"]
        self.payload = self.named["WebhookEventPayload"]
        self.webhooks: dict[str, dict[str, Any]] = {
            event_type: webhook["data"] for event_type, webhook in document["webhooks"].items()
        }

    def flat(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference and merge `allOf`. The result may still offer a choice by `oneOf`."""
        flat: dict[str, Any] = {"properties": {}, "required": []}
        parts = [self.flat(part) for part in schema.get("allOf", [])]
        if "$ref" in schema:
            parts.append(self.flat(self.named[schema["$ref"].rpartition("/")[2]]))
        for part in [*parts, schema]:
            nullable = flat.get("nullable") or part.get("nullable", False)
            flat |= {key: part[key] for key in part.keys() - {"properties", "required", "$ref", "allOf"}}
            flat["properties"] |= part.get("properties", {})
            flat["required"] += part.get("required", [])
            flat["nullable"] = nullable
        return flat

    def node(self, schema: dict[str, Any], key: str = "") -> Node:
        """Return the node of a schema. The key that leads to it helps to recognise times."""
        flat = self.flat(schema)
        own = {"properties": flat["properties"], "required": flat["required"]}
        # An `anyOf` can also be a choice between keys that are required, which has no shapes of its own.
        choice = [
            self.flat({**own, "allOf": [each]})
            for each in [*flat.get("oneOf", []), *flat.get("anyOf", [])]
            if each.keys() != {"required"}
        ]
        options = {_label(each, index): each for index, each in enumerate(choice)} or {"": flat}
        kinds = {"record" if each["properties"] else each.get("type", "anything") for each in options.values()}
        items = self.node(flat["items"]) if "items" in flat else None
        kind = " or ".join(sorted(kinds))
        if items is not None:
            kind = f"array of {items.kind} or null" if items.nullable else f"array of {items.kind}"
        return Node(
            kind,
            nullable=any(each["nullable"] for each in [flat, *choice]),
            known=frozenset(flat.get("enum", ())),
            is_open=flat.get("x-speakeasy-unknown-values") == "allow",
            is_time=kind == "integer" and (key.endswith("_at") or "Unix timestamp" in flat.get("description", "")),
            shapes={label: each for label, each in options.items() if each["properties"]},
            items=items,
        )

    def departures(self, value: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
        """Yield the places where a value breaks a schema, by the part of JSON Schema that Clerk uses.

        `additionalProperties` is left out, because Clerk forbids keys that it sends.
        """
        flat = self.flat(schema)
        if value is None:
            if not flat["nullable"]:
                yield f"{path} is null"
            return
        for choice in (flat[key] for key in ("oneOf", "anyOf") if key in flat):
            yield from min((list(self.departures(value, each, path)) for each in choice), key=len)
        kind = flat.get("type", "object" if flat["properties"] else None)
        if kind and type(value) not in JSON_TYPES[kind]:  # not `isinstance`, because `true` is no integer
            yield f"{path} is no {kind}"
            return
        # A sample has a known value even if the enum is open.
        if value not in flat.get("enum", [value]) or ("pattern" in flat and not re.search(flat["pattern"], value)):
            yield f"{path} is {value}"
        yield from (f"{path}.{key} is missing" for key in flat["required"] if key not in value)
        for key in flat["properties"].keys() & value.keys() if flat["properties"] else ():
            yield from self.departures(value[key], flat["properties"][key], f"{path}.{key}")
        for index, each in enumerate(value if "items" in flat else ()):
            yield from self.departures(each, flat["items"], f"{path}[{index}]")


def _label(shape: dict[str, Any], index: int) -> str:
    """Return the `object` of a shape. The first shape needs none."""
    label: str = shape["properties"].get("object", {}).get("enum", [""])[0]
    return label or (f"alternative {index + 1}" if index else "")


def read(path: Path) -> dict[str, Any]:
    """Read a JSON or YAML file.

    Raises:
        ValueError: The file is neither, or it is YAML and PyYAML is not installed.
    """
    text = path.read_text("utf-8")
    if path.suffix == ".json":
        document: dict[str, Any] = json.loads(text)
        return document
    try:
        import yaml  # noqa: PLC0415  # JSON can be read without it
    except ImportError as error:
        raise ValueError("YAML needs PyYAML: pip install pyyaml") from error
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"this is not YAML: {error}") from error
    return document


def pinned_form(document: dict[str, Any]) -> dict[str, Any]:
    """Return the data of each event type and the named schemas of a document, without examples.

    Args:
        document: Clerk's OpenAPI file, or a file in the pinned form.

    Raises:
        ValueError: The document is neither.
    """
    try:
        form = (
            _reduced(document) if "x-webhooks" in document else {key: document[key] for key in ("webhooks", "schemas")}
        )
        Schema(form)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"this is not Clerk's schema of its webhooks: {error!r}") from error
    return form


def _reduced(document: dict[str, Any]) -> dict[str, Any]:
    """Return the pinned form of Clerk's OpenAPI file."""
    named = document["components"]["schemas"]
    schema = Schema({"schemas": named, "webhooks": {}})
    webhooks = {
        event_type: {
            "description": webhook["post"]["description"],
            "data": _without_examples(schema.flat(_media(webhook)["schema"])["properties"]["data"]),
        }
        for event_type, webhook in document["x-webhooks"].items()
    }
    return {"webhooks": webhooks, "schemas": {name: _without_examples(each) for name, each in named.items()}}


def _without_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what says nothing about data. A property can still be called `example`."""
    kept = {word: value for word, value in schema.items() if word not in {"example", "x-speakeasy-name-override"}}
    if "properties" in kept:
        kept["properties"] = {name: _without_examples(each) for name, each in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = _without_examples(kept["items"])
    for choice in kept.keys() & {"allOf", "anyOf", "oneOf"}:
        kept[choice] = [_without_examples(each) for each in kept[choice]]
    return kept


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the payloads that Clerk's OpenAPI file has as examples, with their event types."""
    for event_type, webhook in document.get("x-webhooks", {}).items():
        media = _media(webhook)
        if "example" in media:
            yield event_type, media["example"]
        for named in media.get("examples", {}).values():
            yield event_type, document["components"]["examples"][named["$ref"].rpartition("/")[2]]["value"]


def _media(webhook: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a body in Clerk's OpenAPI file."""
    media: dict[str, Any] = webhook["post"]["requestBody"]["content"]["application/json"]
    return media


SCHEMA = Schema(json.loads(PINNED.read_text(encoding="utf-8")))
