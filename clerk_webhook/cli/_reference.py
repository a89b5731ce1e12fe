"""The event types and the data types, with the docstrings of their keys, which only the source code has."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from ..events import EVENT_CLASSES, data_type_of


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


class DataType(NamedTuple):
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
def data_types() -> Mapping[str, DataType]:
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
        _source(statement.target): value
        for statement in statements
        if isinstance(statement, ast.AnnAssign) and (value := _source(statement.value)).startswith("Literal[")
    }
    return {
        name: DataType(name, _one_line(ast.get_docstring(cls)), tuple(_keys(cls, classes, enums).values()))
        for name, cls in classes.items()
        if not name.startswith("_")
    }


def fires(event_type: str) -> str:
    """Return when Clerk sends an event type: the docstring of its class.

    Example:
        ```python
        print(fires("user.created"))
        ```
    """
    return _one_line(EVENT_CLASSES[event_type].__doc__)


def data_of(event_type: str) -> DataType:
    """Return the data type of an event type.

    Example:
        ```python
        assert data_of("user.created").name == "UserJSON"
        ```
    """
    data_type: Any = data_type_of(event_type)
    return data_types()[data_type.__name__]


def nested(data_type: DataType) -> tuple[DataType, ...]:
    """Return a data type and all types inside it, each once, in the order of the keys that lead to them.

    Example:
        ```python
        names = [inner.name for inner in nested(data_types()["UserJSON"])]
        ```
    """
    reached: dict[str, DataType] = {}
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
    for base in map(_source, cls.bases):
        if base in classes:
            keys |= _keys(classes[base], classes, enums)
    for statement, following in zip(cls.body, [*cls.body[1:], ast.Pass()], strict=True):
        if isinstance(statement, ast.AnnAssign):
            name, annotation = _source(statement.target), _source(statement.annotation)
            required = not annotation.startswith("NotRequired[")
            annotation = annotation if required else annotation.removeprefix("NotRequired[")[:-1]
            keys[name] = Key(name, enums.get(annotation, annotation), required, _docstring(following))
    return keys


def _source(node: ast.AST | None) -> str:
    # ast.unparse writes 'x'. The sources write "x".
    return ast.unparse(node).replace("'", '"') if node else ""


def _docstring(statement: ast.stmt) -> str:
    """Return the text of a statement that is nothing but a text, else `""`."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return _one_line(str(statement.value.value))
    return ""


def _one_line(text: str | None) -> str:
    # Single backticks are Markdown, and a terminal shows them well too.
    return " ".join(inspect.cleandoc(text or "").replace("``", "`").split())
