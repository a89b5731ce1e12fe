"""The event types and the data types, with the docstrings of their keys, which only the source code has."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from ..events import EVENT_CLASSES, data_type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Key", "PayloadType", "data_types", "fires", "nested", "payload_of"]


class Key(NamedTuple):
    """A key of a data type.

    Attributes:
        name: The key.
        annotation: The type as written in the source: `"UnixMillis | None"`.
        required: True if every body has the key.
        meaning: The docstring of the key, with its unit for example. `""` if the key has no docstring.
    """

    name: str
    annotation: str
    required: bool
    meaning: str


class PayloadType(NamedTuple):
    """A data type: a TypedDict.

    Attributes:
        name: The name in `clerk_webhook.types`.
        meaning: The docstring, with the events that carry the type.
        keys: All keys, those of the base first.
    """

    name: str
    meaning: str
    keys: tuple[Key, ...]


@cache
def data_types() -> Mapping[str, PayloadType]:
    """Return all data types by name.

    Example:
        ```python
        user_keys = data_types()["UserJSON"].keys
        ```
    """
    sources = (source for source in files("clerk_webhook.types").iterdir() if source.name.endswith(".py"))
    statements = [statement for source in sources for statement in ast.parse(source.read_text("utf-8")).body]
    classes = {statement.name: statement for statement in statements if isinstance(statement, ast.ClassDef)}
    # Other aliases stay as they are, because UnixMillis and Metadata say more than int and dict.
    enums = {
        statement.target.id: _source(statement.value)
        for statement in statements
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(statement.value, ast.Subscript)
        and _source(statement.value.value) == "Literal"
    }
    return {
        name: PayloadType(name, _one_line(ast.get_docstring(cls)), tuple(_keys(cls, classes, enums).values()))
        for name, cls in classes.items()
        if not name.startswith("_")
    }


def fires(event_type: str) -> str:
    """Say when Clerk sends an event type: the docstring of its class.

    Example:
        ```python
        print(fires("user.created"))
        ```
    """
    return _one_line(EVENT_CLASSES[event_type].__doc__)


def payload_of(event_type: str) -> PayloadType:
    """Return the data type of an event type.

    Example:
        ```python
        assert payload_of("user.created").name == "UserJSON"
        ```
    """
    data_type: Any = data_type_of(event_type)
    return data_types()[data_type.__name__]


def nested(data_type: PayloadType) -> tuple[PayloadType, ...]:
    """Return a data type and all types inside it, each once, in the order of the keys that lead to them.

    Example:
        ```python
        names = [inner.name for inner in nested(data_types()["UserJSON"])]
        ```
    """
    reached: dict[str, PayloadType] = {}
    pending = [data_type]
    while pending:
        current = pending.pop(0)
        if current.name not in reached:
            reached[current.name] = current
            words = (word for key in current.keys for word in re.findall(r"\w+", key.annotation))
            pending += [data_types()[word] for word in words if word in data_types()]
    return tuple(reached.values())


def _keys(cls: ast.ClassDef, classes: Mapping[str, ast.ClassDef], enums: Mapping[str, str]) -> dict[str, Key]:
    """Return the keys of a class by name, those of its base first."""
    keys: dict[str, Key] = {}
    for base in cls.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            keys |= _keys(classes[base.id], classes, enums)
    for statement, following in zip(cls.body, [*cls.body[1:], ast.Pass()], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            annotation, required = _annotation(statement.annotation)
            annotation = enums.get(annotation, annotation)
            keys[statement.target.id] = Key(statement.target.id, annotation, required, _docstring(following))
    return keys


def _annotation(node: ast.expr) -> tuple[str, bool]:
    """Return an annotation without `NotRequired`, and whether the key is required."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "NotRequired":
        return _source(node.slice), False
    return _source(node), True


def _source(node: ast.expr) -> str:
    # ast.unparse writes 'x'. The sources write "x".
    return ast.unparse(node).replace("'", '"')


def _docstring(statement: ast.stmt) -> str:
    """Return the text of a statement that is nothing but a text, else `""`."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return _one_line(str(statement.value.value))
    return ""


def _one_line(text: str | None) -> str:
    # Single backticks are Markdown, and a terminal shows them well too.
    return " ".join(inspect.cleandoc(text or "").replace("``", "`").split())
