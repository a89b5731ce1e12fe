"""The payload types, held against Clerk's schema key by key, and against themselves."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from clerk_webhook import events, types

PROJECT = Path(__file__).resolve().parents[1]
SCHEMAS = PROJECT.parent / "shared" / "clerk" / "webhook-schemas.json"
MODULES = sorted((PROJECT / "clerk_webhook" / "types").glob("*.py"))

PUBLIC_TYPED_DICTS: dict[str, Any] = {
    name: value for name in types.__all__ if is_typeddict(value := getattr(types, name, None))
}


def _payload(event_class: Any) -> Any:
    (base,) = event_class.__dict__["__orig_bases__"]
    return getattr(types, base.__args__[1].__forward_arg__)


PAYLOADS: dict[str, Any] = {event_type: _payload(cls) for event_type, cls in events.EVENT_CLASSES.items()}


# What the sources of the modules say: only there are field docstrings, and UnixMillis told from int.


@dataclass
class SourceField:
    annotation: str
    docstring: str | None


def _source_fields(body: list[ast.stmt]) -> Iterator[tuple[str, SourceField]]:
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            docstring = None
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                docstring = following.value.value
            yield statement.target.id, SourceField(ast.unparse(statement.annotation), docstring)


CLASSES: dict[str, ast.ClassDef] = {
    node.name: node
    for module in MODULES
    for node in ast.parse(module.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
}
OWN_FIELDS: dict[str, dict[str, SourceField]] = {name: dict(_source_fields(cls.body)) for name, cls in CLASSES.items()}


def _all_fields(name: str) -> dict[str, SourceField]:
    bases = [base.id for base in CLASSES[name].bases if isinstance(base, ast.Name) and base.id in CLASSES]
    inherited = {key: value for base in bases for key, value in _all_fields(base).items()}
    return inherited | OWN_FIELDS[name]


def _is_unix_millis(annotation: str) -> bool:
    return re.search(r"\bUnixMillis\b", annotation) is not None


@dataclass(frozen=True)
class Value:
    """What a key can hold, in the terms that a schema and an annotation have in common."""

    kind: str
    nullable: bool = False
    choices: frozenset[Any] | None = None
    typed_dict: Any = None
    items: "Value | None" = None


def _value(annotation: Any) -> Value:
    if get_origin(annotation) is NotRequired:
        return _value(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        (inner,) = (argument for argument in get_args(annotation) if argument is not NoneType)
        plain = _value(inner)
        return Value(plain.kind, True, plain.choices, plain.typed_dict, plain.items)
    if get_origin(annotation) is Literal:
        return Value("string", choices=frozenset(get_args(annotation)))
    if get_origin(annotation) is list:
        return Value("array", items=_value(get_args(annotation)[0]))
    if annotation == dict[str, Any]:
        return Value("object")
    if is_typeddict(annotation):
        return Value("record", typed_dict=annotation)
    return Value({str: "string", int: "integer", float: "number", bool: "boolean", Any: "anything"}[annotation])


# What Clerk's schema says, with every shape that arrives at one TypedDict.


@dataclass
class Node:
    """A place in the schema, its references followed and its allOf and oneOf resolved."""

    kind: str
    nullable: bool
    choices: frozenset[Any] | None
    is_time: bool
    shapes: list[dict[str, Any]] = field(default_factory=list)
    items: Any = None


class Schema:
    def __init__(self, document: dict[str, Any]) -> None:
        self.named = document["schemas"]
        self.webhooks = {event_type: webhook["data"] for event_type, webhook in document["webhooks"].items()}

    def flat(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference and merge allOf: what is left has at most a oneOf, of shapes to choose from."""
        flat: dict[str, Any] = {"properties": {}, "required": []}
        parts = [self.flat(part) for part in schema.get("allOf", [])]
        if "$ref" in schema:
            parts.append(self.flat(self.named[schema["$ref"].rpartition("/")[2]]))
        for part in [*parts, schema]:
            flat |= {key: value for key, value in part.items() if key not in ("properties", "required", "$ref", "allOf")}
            flat["properties"] |= part.get("properties", {})
            flat["required"] += part.get("required", [])
        return flat

    def node(self, schema: dict[str, Any], key: str = "") -> Node:
        flat = self.flat(schema)
        kind = flat.get("type", "object" if flat["properties"] else None)
        choices = None
        if "enum" in flat and flat.get("x-speakeasy-unknown-values") != "allow":
            choices = frozenset(flat["enum"])
        is_time = kind == "integer" and (key.endswith("_at") or "Unix timestamp" in flat.get("description", ""))
        node = Node(kind, bool(flat.get("nullable")), choices, is_time, items=flat.get("items"))
        alternatives = [self.flat(alternative) for alternative in flat.get("oneOf", [])]
        node.shapes = alternatives or ([flat] if flat["properties"] else [])
        if node.shapes:
            node.kind = "record"
            node.nullable = node.nullable or any(shape.get("nullable") for shape in node.shapes)
        return node


class Comparison:
    """Walks the payloads of all events, schema and types side by side, and tells every difference.

    Where several shapes of the schema are one TypedDict, a key of theirs is required if each of them requires it,
    nullable if one of them says so, and a closed choice, of all their values, if it is one in each.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.shapes: dict[str, list[dict[str, Any]]] = {}
        self.typed_dicts: dict[str, Any] = {}

    def reach(self, shapes: Iterable[dict[str, Any]], typed_dict: Any) -> None:
        name = typed_dict.__name__
        self.typed_dicts[name] = typed_dict
        hints = get_type_hints(typed_dict)
        for shape in shapes:
            if shape in self.shapes.setdefault(name, []):
                continue
            self.shapes[name].append(shape)
            for key, property_ in shape["properties"].items():
                if key in hints:
                    self.reach_inner(self.schema.node(property_, key), _value(hints[key]))

    def reach_inner(self, node: Node, value: Value) -> None:
        if node.kind == "array" and value.items is not None:
            self.reach_inner(self.schema.node(node.items), value.items)
        elif node.kind == "record" and value.typed_dict is not None:
            self.reach(node.shapes, value.typed_dict)

    def differences(self) -> set[str]:
        return {
            f"{name}.{key} {difference}"
            for name, typed_dict in self.typed_dicts.items()
            for key, difference in self._differences(name, typed_dict)
        }

    def _differences(self, name: str, typed_dict: Any) -> Iterator[tuple[str, str]]:
        hints = get_type_hints(typed_dict, include_extras=True)
        fields = _all_fields(name)
        shapes = self.shapes[name]
        described = {key for shape in shapes for key in shape["properties"]}
        yield from ((key, "extra") for key in hints.keys() - described)
        yield from ((key, "missing") for key in described - hints.keys())
        for key in hints.keys() & described:
            nodes = [self.schema.node(shape["properties"][key], key) for shape in shapes if key in shape["properties"]]
            value = _value(hints[key])
            if (get_origin(hints[key]) is not NotRequired) != all(key in shape["required"] for shape in shapes):
                yield key, "not required" if get_origin(hints[key]) is NotRequired else "required"
            if value.nullable != any(node.nullable for node in nodes):
                yield key, "nullable" if value.nullable else "not nullable"
            if any(not self._same_kind(node, value) for node in nodes):
                yield key, "type"
            if value.choices != self._choices(nodes):
                yield key, "values"
            if _is_unix_millis(fields[key].annotation) != any(node.is_time for node in nodes):
                yield key, "time"

    def _same_kind(self, node: Node, value: Value) -> bool:
        if node.kind == "array" and value.items is not None:
            return self._same_kind(self.schema.node(node.items), value.items)
        return node.kind == value.kind

    @staticmethod
    def _choices(nodes: list[Node]) -> frozenset[Any] | None:
        choices: frozenset[Any] = frozenset()
        for node in nodes:
            if node.choices is None:
                return None
            choices |= node.choices
        return choices


@pytest.fixture(scope="module")
def schema() -> Schema:
    if not SCHEMAS.exists():
        pytest.skip(f"Clerk's schema is no part of this repository; it was looked for in {SCHEMAS}.")
    return Schema(json.loads(SCHEMAS.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def comparison(schema: Schema) -> Comparison:
    comparison = Comparison(schema)
    comparison.reach([schema.flat(schema.named["WebhookEventPayload"])], types.WebhookEventJSON)
    for event_type, data in schema.webhooks.items():
        comparison.reach(schema.node(data).shapes, PAYLOADS[event_type])
    return comparison


# Where the types mean to differ from the schema, by reason.
EXCEPTIONS: dict[str, str] = {}


def test_every_difference_from_the_schema_is_meant(comparison: Comparison) -> None:
    assert comparison.differences() - EXCEPTIONS.keys() == set()
