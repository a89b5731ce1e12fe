"""Handlers, registered by event class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar, overload

from ..events import EVENT_CLASSES, Event, UnknownEvent, WebhookEvent

__all__ = ["Handler", "HandlerDecorator", "Handlers", "Registration", "handler_name", "is_async", "refuse_async"]

Handler: TypeAlias = Callable[[Any], Any]
"""A function, sync or async, that is called with the events that it was registered for."""

EventT = TypeVar("EventT")
Event1 = TypeVar("Event1", bound=Event[Any, Any])
Event2 = TypeVar("Event2", bound=Event[Any, Any])
Event3 = TypeVar("Event3", bound=Event[Any, Any])
Event4 = TypeVar("Event4", bound=Event[Any, Any])
Event5 = TypeVar("Event5", bound=Event[Any, Any])
ResultT = TypeVar("ResultT")
AnyHandlerT = TypeVar("AnyHandlerT", bound=Callable[[WebhookEvent], object])
UnknownHandlerT = TypeVar("UnknownHandlerT", bound=Callable[[UnknownEvent], object])


class HandlerDecorator(Protocol[EventT]):
    """The decorator that `on` returns. It takes functions that accept each of the given events."""

    def __call__(self, handler: Callable[[EventT], ResultT], /) -> Callable[[EventT], ResultT]:
        """Register a handler, sync or async, and return it unchanged."""
        ...


class Registration(NamedTuple):
    """A handler with the classes of its events."""

    event_classes: frozenset[type] | None
    """None stands for every event."""

    handler: Handler

    is_async: bool
    """Whether the handler is a coroutine function, or an object whose `__call__` is one."""


class Handlers:
    """Handlers by event, which an `Endpoint` can include: each module of an application can have its own.

    An `Endpoint` has all methods of this class.

    Example:
        ```python
        handlers = Handlers()

        @handlers.on(events.UserDeleted)
        def forget(event: events.UserDeleted) -> None: ...

        endpoint.include(handlers)
        ```
    """

    def __init__(self) -> None:
        """Start without handlers."""
        self._registrations: list[Registration] = []
        self._by_class: dict[type, tuple[Registration, ...]] = {}

    @overload
    def on(self, event_class: type[Event1], /) -> HandlerDecorator[Event1]: ...
    @overload
    def on(self, first: type[Event1], second: type[Event2], /) -> HandlerDecorator[Event1 | Event2]: ...
    @overload
    def on(
        self, first: type[Event1], second: type[Event2], third: type[Event3], /
    ) -> HandlerDecorator[Event1 | Event2 | Event3]: ...
    @overload
    def on(
        self, first: type[Event1], second: type[Event2], third: type[Event3], fourth: type[Event4], /
    ) -> HandlerDecorator[Event1 | Event2 | Event3 | Event4]: ...
    @overload
    def on(
        self,
        first: type[Event1],
        second: type[Event2],
        third: type[Event3],
        fourth: type[Event4],
        fifth: type[Event5],
        /,
    ) -> HandlerDecorator[Event1 | Event2 | Event3 | Event4 | Event5]: ...
    @overload
    def on(
        self,
        first: type[Event[Any, Any]],
        second: type[Event[Any, Any]],
        third: type[Event[Any, Any]],
        fourth: type[Event[Any, Any]],
        fifth: type[Event[Any, Any]],
        sixth: type[Event[Any, Any]],
        /,
        *more: type[Event[Any, Any]],
    ) -> HandlerDecorator[WebhookEvent]: ...
    def on(self, *event_classes: Any) -> Any:
        """Register the decorated function for events of one or more types.

        Handlers run in the order in which they were registered. If a handler raises, the handlers after it do not run.
        With the next attempt all handlers run again, so each has to tolerate that.

        Args:
            event_classes: Classes from `clerk_webhook.events`. Type checkers check that the handler accepts each of up
                to five classes. With six or more the handler has to accept every `WebhookEvent`.

        Returns:
            The decorator. It returns the function unchanged.

        Raises:
            TypeError: An argument is not an event class. The decorator raises it if the decorated object is not a
                function that takes one argument, or is a generator.

        Example:
            ```python
            @endpoint.on(events.UserCreated, events.UserUpdated)
            def upsert(event: events.UserCreated | events.UserUpdated) -> None: ...
            ```
        """
        known = {*EVENT_CLASSES.values(), UnknownEvent}
        if not event_classes or not all(isinstance(cls, type) and cls in known for cls in event_classes):
            raise TypeError(
                "on() takes event classes, such as @endpoint.on(events.UserCreated). For all events use "
                "@endpoint.on_any."
            )

        def register(handler: Any) -> Any:
            self._add([_registration(frozenset(event_classes), handler)])
            return handler

        return register

    def on_any(self, handler: AnyHandlerT, /) -> AnyHandlerT:
        """Register the decorated function for every event, including events of unknown types.

        Args:
            handler: A function, sync or async, that takes any `WebhookEvent`.

        Returns:
            The function, unchanged.

        Raises:
            TypeError: The handler is not a function that takes one argument, or is a generator.

        Example:
            ```python
            @endpoint.on_any
            def count(event: WebhookEvent) -> None: ...
            ```
        """
        self._add([_registration(None, handler)])
        return handler

    def on_unknown(self, handler: UnknownHandlerT, /) -> UnknownHandlerT:
        """Register the decorated function for events of types that are newer than this release.

        Args:
            handler: A function, sync or async, that takes an `UnknownEvent`.

        Returns:
            The function, unchanged.

        Raises:
            TypeError: The handler is not a function that takes one argument, or is a generator.

        Example:
            ```python
            @endpoint.on_unknown
            def report(event: events.UnknownEvent) -> None: ...
            ```
        """
        self._add([_registration(frozenset({UnknownEvent}), handler)])
        return handler

    def include(self, other: Handlers, /) -> None:
        """Register all handlers that another object has now, in their order, after the own handlers.

        Args:
            other: A `Handlers`, or another endpoint.

        Raises:
            TypeError: `other` is not a `Handlers`, or has an async handler that nothing here would run.
            ValueError: `other` is this object.

        Example:
            ```python
            endpoint.include(billing.handlers)
            ```
        """
        registrations = getattr(other, "_registrations", None)
        if registrations is None:
            raise TypeError(f"include() takes an object such as Handlers() or Endpoint(), not {type(other).__name__}.")
        if other is self:
            raise ValueError("include() takes other handlers: an object that includes itself would run each twice.")
        self._add(tuple(registrations))

    def _handlers_for(self, event: WebhookEvent) -> tuple[Registration, ...]:
        """Return the handlers for an event, in the order registered."""
        event_class = type(event)
        by_class = self._by_class  # another thread that registers a handler replaces the dict
        found = by_class.get(event_class)
        if found is None:
            found = tuple(
                registration
                for registration in self._registrations
                if registration.event_classes is None or event_class in registration.event_classes
            )
            by_class[event_class] = found
        return found

    def _add(self, registrations: Sequence[Registration]) -> None:
        self._registrations.extend(registrations)
        self._by_class = {}


def _registration(event_classes: frozenset[type] | None, handler: Handler) -> Registration:
    if isinstance(handler, type):
        raise TypeError(
            f"A handler must be a function, not the class {handler.__name__}. For events of one class use "
            "@endpoint.on(events.UserCreated)."
        )
    if not callable(handler):
        raise TypeError(f"A handler must be a function that takes an event, not {type(handler).__name__}.")
    if _is(inspect.isgeneratorfunction, handler) or _is(inspect.isasyncgenfunction, handler):
        raise TypeError("A handler must not be a generator, because nothing would run it: write it without yield.")
    with suppress(ValueError):  # some built-in functions do not show their parameters
        # The parameters of a wrapper count: a decorator may supply the other parameters of the function in it.
        signature = inspect.signature(handler, follow_wrapped=False)
        try:
            signature.bind(None)
        except TypeError as error:
            raise TypeError(f"{handler_name(handler)} must take one argument, the event: {error}.") from None
    return Registration(event_classes, handler, is_async(handler))


def is_async(function: Callable[..., object]) -> bool:
    """Tell whether a function is a coroutine function, or an object whose `__call__` is one."""
    return _is(inspect.iscoroutinefunction, function)


def handler_name(handler: Handler) -> str:
    """Return the name of a handler, for messages."""
    return getattr(handler, "__qualname__", type(handler).__qualname__)


def refuse_async(registrations: Iterable[Registration]) -> None:
    """Refuse async handlers, because nothing here would run them.

    Raises:
        TypeError: A handler is async.
    """
    for registration in registrations:
        if registration.is_async:
            raise TypeError(
                f"{handler_name(registration.handler)} is async, and nothing here runs async handlers: write it as "
                "def, or mount endpoint.asgi()."
            )


def _is(kind: Callable[[object], bool], function: Callable[..., object]) -> bool:
    return kind(function) or kind(type(function).__call__)
