"""Handlers, registered by the events that they are for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
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
    """What `on` returns: a decorator for functions that take any of the events it was given."""

    def __call__(self, handler: Callable[[EventT], ResultT], /) -> Callable[[EventT], ResultT]:
        """Register a handler, sync or async, and return it as it is."""
        ...


class Registration(NamedTuple):
    """A handler, and what it is for."""

    event_classes: frozenset[type] | None
    """None stands for every event."""

    handler: Handler

    is_async: bool
    """Whether it is a coroutine function, or an object whose `__call__` is one."""


class Handlers:
    """Handlers by event, to be included in an `Endpoint`: what a module of an application can register its own with.

    An `Endpoint` has these methods itself.

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

        Handlers run in the order in which they were registered. If one raises, those after it don't run, and all run
        again with the next attempt: a handler has to bear that.

        Args:
            event_classes: Classes from `clerk_webhook.events`. With up to five the handler's parameter is
                type-checked to take all of them; with more it has to take any `WebhookEvent`.

        Returns:
            The decorator. It returns the function as it is; to type checkers it is then a function of one of these
            events, given by position.

        Raises:
            TypeError: These are no event classes, or what is decorated is no function, or a generator.

        Example:
            ```python
            @endpoint.on(events.UserCreated, events.UserUpdated)
            def upsert(event: events.UserCreated | events.UserUpdated) -> None: ...
            ```
        """
        known = {*EVENT_CLASSES.values(), UnknownEvent}
        if not event_classes or not all(isinstance(cls, type) and cls in known for cls in event_classes):
            raise TypeError(
                "on() takes the classes of events, such as @endpoint.on(events.UserCreated). For all events there is "
                "@endpoint.on_any."
            )

        def register(handler: Any) -> Any:
            self._add([_registration(frozenset(event_classes), handler)])
            return handler

        return register

    def on_any(self, handler: AnyHandlerT, /) -> AnyHandlerT:
        """Register the decorated function for every event, those of unknown types included.

        Args:
            handler: A function, sync or async, that takes any `WebhookEvent`.

        Returns:
            The function as it is.

        Raises:
            TypeError: It is no function.

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
            The function as it is.

        Raises:
            TypeError: It is no function.

        Example:
            ```python
            @endpoint.on_unknown
            def report(event: events.UnknownEvent) -> None: ...
            ```
        """
        self._add([_registration(frozenset({UnknownEvent}), handler)])
        return handler

    def include(self, other: Handlers, /) -> None:
        """Register all handlers that another has now, in their order, after those that are here already.

        Args:
            other: Where they are registered: a `Handlers`, or another endpoint.

        Example:
            ```python
            endpoint.include(billing.handlers)
            ```
        """
        self._add(tuple(other._registrations))

    def _handlers_for(self, event: WebhookEvent) -> tuple[Registration, ...]:
        """Return the handlers for an event, in the order registered."""
        event_class = type(event)
        by_class = self._by_class  # which is another once anything is registered meanwhile
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
    if not callable(handler):
        raise TypeError(f"A handler must be a function that takes an event, not {type(handler).__name__}.")
    if _is(inspect.isgeneratorfunction, handler) or _is(inspect.isasyncgenfunction, handler):
        raise TypeError("A handler must not be a generator, for nothing would run it: write it without yield.")
    return Registration(event_classes, handler, is_async(handler))


def is_async(function: Callable[..., object]) -> bool:
    """Tell whether this is a coroutine function, or an object whose `__call__` is one."""
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
