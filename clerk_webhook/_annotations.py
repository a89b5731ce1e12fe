"""The annotations of functions: the events that a handler takes, and whether a transaction is async."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from .events import EVENT_CLASSES, UnknownEvent

Function: TypeAlias = Callable[..., Any]

_CLASSES = {*EVENT_CLASSES.values(), UnknownEvent}
# From Python 3.14 on, annotations are evaluated when somebody asks, and some are there for type checkers alone.
_LENIENT: Any = import_module("annotationlib").Format.FORWARDREF if sys.version_info >= (3, 14) else None


def annotations_of(function: Function) -> dict[str, object]:
    """Return the annotations of a function. Those that nobody can evaluate are strings or forward references."""
    return inspect.get_annotations(function, **({"format": _LENIENT} if _LENIENT else {}))


def name_of(function: Function) -> str:
    """Return the name of a function, for messages."""
    return getattr(function, "__qualname__", type(function).__qualname__)


def is_a(kind: Callable[[object], bool], function: Function) -> bool:
    """Return whether a function is of a kind that `inspect` tells, or an object whose `__call__` is."""
    return kind(function) or kind(type(function).__call__)


def is_async_transaction(transaction: Function) -> bool | None:
    """Return whether a transaction is async. None if that cannot be known without opening one.

    Raises:
        TypeError: The function cannot begin a transaction.
    """
    name = name_of(transaction)
    for kind in (inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.iscoroutinefunction):
        if is_a(kind, transaction):
            way = "contextmanager" if kind is inspect.isgeneratorfunction else "asynccontextmanager"
            raise TypeError(
                f"transaction must return a context manager: decorate {name} by contextlib.{way}, and commit at its "
                "end."
            )
    with suppress(ValueError):  # some built-in functions do not show their parameters
        if not _takes(_signature(transaction), 0):
            raise TypeError(
                f"transaction is called without arguments, and {name} needs some: give the result of a call, such as "
                'sqlite_transactions("app.db"), or the method of an object, such as sessionmaker(engine).begin.'
            )
    function = _innermost(transaction)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return inspect.isasyncgenfunction(function)  # under a decorator of contextlib
    try:
        returned = get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001  # an annotation is not there at run time
        return None
    manager = get_origin(returned) or returned
    if manager is Callable:
        raise TypeError(f"{name} returns a function, and no context manager: call it, as in transaction={name}().")
    ways = hasattr(manager, "__enter__"), hasattr(manager, "__aenter__")
    return ways[1] if ways[0] is not ways[1] else None


def parameters(function: Function) -> tuple[frozenset[type], bool]:
    """Return the event classes in the annotation of the first parameter, and whether a second one gets the connection.

    Raises:
        TypeError: The function cannot be a handler.
    """
    if isinstance(function, type) or not callable(function):
        what = getattr(function, "__name__", type(function).__name__)
        raise TypeError(
            f"A handler must be a function that takes an event, not {what}. The annotation of its parameter names the "
            "events: @handlers.on, and below it def handler(event: events.UserCreated)."
        )
    if is_a(inspect.isgeneratorfunction, function) or is_a(inspect.isasyncgenfunction, function):
        raise TypeError("A handler must not be a generator, because nothing would run it: write it without yield.")
    name = name_of(function)
    try:
        own, wrapped = _signature(function), _signature(function, of_wrapped=True)
    except ValueError:  # some built-in functions do not show their parameters
        raise TypeError(f"{name} has no annotation: write a function around it.") from None
    first = next(iter(own.parameters.values()), None)
    if first and first.name == "self" and first.annotation is inspect.Parameter.empty:
        raise TypeError(f"{name} is a method: register that of an object, as in handlers.on(thing.method).")
    # The parameters of a wrapper count: a decorator may supply the other parameters of the function in it.
    takes_connection = _takes(own, 2) and not (_takes(own, 1) and _takes(wrapped, 1))
    if not takes_connection and not _takes(own, 1):
        raise TypeError(f"{name} must take the event, or the event and the connection, and need no other argument.")
    annotation, of_wrapped = (next(iter(signature.parameters.values())).annotation for signature in (own, wrapped))
    if annotation is inspect.Parameter.empty:  # a wrapper may take *args
        annotation = of_wrapped
    return _event_classes(annotation, function, name), takes_connection


def _signature(function: Function, *, of_wrapped: bool = False) -> inspect.Signature:
    lenient = {"annotation_format": _LENIENT} if _LENIENT else {}
    return inspect.signature(function, follow_wrapped=of_wrapped, **lenient)


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _event_classes(annotation: object, function: Function, name: str) -> frozenset[type]:
    """Return the event classes of an annotation. Others of the function may name what only type checkers know."""
    hint = ""
    classes: list[Any] = []
    parts: list[Any] = [annotation]
    for part in parts:
        text = getattr(part, "__forward_arg__", part)  # of a ForwardRef, as in Union["UserCreated", "UserUpdated"]
        if isinstance(text, str):  # perhaps in quotes, or an alias in quotes
            try:
                named = eval(text, _innermost(function).__globals__)  # noqa: S307  # get_type_hints does it too
            except Exception as error:  # noqa: BLE001  # an annotation may be any text
                hint = f" At run time: {error}."
                if isinstance(error, NameError | AttributeError):
                    hint += " Import it outside of functions and of `if TYPE_CHECKING:`."
                named = None
            (classes if named in parts else parts).append(named)
        elif get_origin(part) in {Union, UnionType}:
            parts += get_args(part)
        elif get_origin(part) is Annotated:
            parts.append(part.__origin__)
        elif hasattr(part, "__value__"):
            parts.append(part.__value__)  # of a `type` statement
        else:
            classes.append(part)
    if not all(isinstance(cls, type) and cls in _CLASSES for cls in classes):
        raise TypeError(
            f"The first parameter of {name} must be annotated with a class of clerk_webhook.events, a union of them or "
            "WebhookEvent, because the annotation says which events it gets: "
            f"def {name.rpartition('.')[2]}(event: events.UserCreated | events.UserUpdated).{hint}"
        )
    return frozenset(classes)


def _innermost(function: Any) -> Any:
    """Return the function, or the method, that a decorator, a partial or an object with `__call__` is made of."""
    while True:
        if isinstance(function, partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif not inspect.isroutine(function):
            function = type(function).__call__
        else:
            return function
