"""Clerk's schema of its webhooks, with its references followed: the tests of types and samples walk it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")
JSON_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


@dataclass
class Node:
    """A place in the schema. `shapes` are the objects that may stand there."""

    kind: str | None
    nullable: bool
    choices: frozenset[Any] | None
    is_time: bool
    shapes: list[dict[str, Any]]
    items: Any = None


class Schema:
    def __init__(self, document: dict[str, Any]) -> None:
        self.named: dict[str, dict[str, Any]] = document["schemas"]
        self.webhooks = {event_type: webhook["data"] for event_type, webhook in document["webhooks"].items()}

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
        kind = flat.get("type", "object" if flat["properties"] else None)
        choices = None
        if "enum" in flat and flat.get("x-speakeasy-unknown-values") != "allow":
            choices = frozenset(flat["enum"])
        is_time = kind == "integer" and (key.endswith("_at") or "Unix timestamp" in flat.get("description", ""))
        alternatives = [self.flat(alternative) for alternative in flat.get("oneOf", [])]
        shapes = alternatives or ([flat] if flat["properties"] else [])
        nullable = any(shape["nullable"] for shape in [flat, *shapes])
        return Node("record" if shapes else kind, nullable, choices, is_time, shapes, flat.get("items"))

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
        kind = flat.get("type")
        if kind and (not isinstance(value, JSON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
            yield f"{path} is no {kind}"
            return
        # A sample has a known value even if the enum is open.
        if value not in flat.get("enum", [value]) or ("pattern" in flat and not re.search(flat["pattern"], value)):
            yield f"{path} is {value}"
        yield from (f"{path}.{key} is missing" for key in flat["required"] if key not in value)
        for key in flat["properties"].keys() & value.keys() if isinstance(value, dict) else ():
            yield from self.departures(value[key], flat["properties"][key], f"{path}.{key}")
        for index, each in enumerate(value if "items" in flat else ()):
            yield from self.departures(each, flat["items"], f"{path}[{index}]")


SCHEMA = Schema(json.loads((DATA / "webhook-schemas.json").read_text(encoding="utf-8")))
