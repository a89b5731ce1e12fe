"""Set one key of the data of a sample, by a path that the data type has."""

from __future__ import annotations

from difflib import get_close_matches
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from ._arguments import CommandError

# Any, because isinstance with dict itself narrows to a dict of unknown types.
_DICT: Any = dict
_LIST: Any = list


def assign(data: Any, data_type: type[Any] | None, path: str, value: object) -> None:
    """Set the value at a path, such as `email_addresses.0.email_address` or `public_metadata.plan`.

    Args:
        data: The data. It is changed.
        data_type: Its TypedDict. None: any path is taken.
        path: The keys, and the indexes of lists, with a dot between them.
        value: The value.

    Raises:
        CommandError: The data type does not have this path. The message names the keys that exist there.
    """
    *parents, last = path.split(".")
    annotation: Any = data_type
    for key in parents:
        annotation = _annotation_at(annotation, key, path)
        place = _place(data, key, path)
        if isinstance(data, _DICT) and data.get(place) is None:
            data[place] = [] if _LIST in map(get_origin, _options(annotation)) else {}
        data = data[place]
    _annotation_at(annotation, last, path)
    data[_place(data, last, path)] = value


def _options(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation itself."""
    return get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)


def _annotation_at(annotation: Any, key: str, path: str) -> Any:
    """Return the annotation of a key. None: any key and any value are taken there."""
    keys: dict[str, Any] = {}
    for option in _options(annotation):
        if is_typeddict(option):
            keys |= get_type_hints(option)
        elif get_origin(option) is list:
            return get_args(option)[0]
        elif option is None or get_origin(option) is dict:
            return None
    if key in keys:
        return keys[key]
    if not keys:
        raise CommandError(f"--data {path}: {key!r} has no place, because its parent is not an object.")
    close = get_close_matches(key, keys, 1)
    advice = f"did you mean {close[0]!r}? " if close else ""
    raise CommandError(f"--data {path}: {key!r} does not exist: {advice}The keys there are {', '.join(keys)}.")


def _place(container: Any, key: str, path: str) -> Any:
    """Return a key as its container takes it."""
    if isinstance(container, _DICT):
        return key
    size = len(container) if isinstance(container, _LIST) else 0
    if key not in map(str, range(size)):
        raise CommandError(f"--data {path}: {key!r} is not one of the {size} entries there, counted from 0.")
    return int(key)
