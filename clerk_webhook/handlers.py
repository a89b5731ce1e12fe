"""Handlers: functions that are called with events, registered by the annotation of their first parameter."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from functools import partial
from types import UnionType
from typing import Any, Generic, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints, overload

from ._dispatch import (
    AbortDelivery,
    Application,
    DispatchOutcome,
    Finish,
    Handler,
    How,
    Transaction,
    handler_name,
    run,
    run_async,
    transaction_of_includer,
)
from .events import EVENT_CLASSES, Event, UnknownEvent, WebhookEvent
from .stores import Store

__all__ = ["AbortDelivery", "DispatchOutcome", "Handlers", "Transaction"]

ConnectionT = TypeVar("ConnectionT")
EventT = TypeVar("EventT", bound=Event[Any, Any])
ResultT = TypeVar("ResultT")

_Function: TypeAlias = Callable[..., Any]
_Kind: TypeAlias = Literal["on", "newest", "once"]

_TYPES: dict[type, str] = {cls: event_type for event_type, cls in EVENT_CLASSES.items()}
_CLASSES = frozenset({*_TYPES, UnknownEvent})


class Handlers(Generic[ConnectionT]):
    """The functions of an application that are called with events, and the way in which each is applied once.

    Example:
        ```python
        handlers = Handlers(transaction=Session.begin)

        @handlers.newest  # state: runs if the event is the newest of its resource
        def save(event: events.UserCreated | events.UserUpdated, session: Session) -> None:
            session.merge(User(id=event.data["id"], email=primary_email_address(event.data)))

        @handlers.once  # effects that add up: runs once a message
        def welcome(event: events.UserCreated, session: Session) -> None:
            session.add(Mail(user_id=event.data["id"]))
        ```
    """

    @overload
    def __init__(self: Handlers[None], *, transaction: None = None, store: Store | None = None) -> None: ...
    @overload
    def __init__(self, *, transaction: Transaction[ConnectionT], scope: str = "") -> None: ...
    def __init__(
        self, *, transaction: Transaction[Any] | None = None, store: Store | None = None, scope: str = ""
    ) -> None:
        """Start without handlers.

        Args:
            transaction: Begins a transaction: a function that returns a context manager, sync or async, which gives a
                connection, commits at the end, and rolls back if there was an exception. `Session.begin` and
                `engine.begin` of SQLAlchemy are such functions, and `pool.connection` of psycopg.
            store: Remembers which messages are done, for effects outside of your database.
            scope: As in `record_newest`: the name of a part of an application that commits separately.

        Raises:
            TypeError: An argument has the wrong type, or both `transaction` and `store` are given.
        """
        if transaction is not None and not callable(transaction):
            raise TypeError(
                f"transaction must be a function that begins one, such as Session.begin, not a "
                f"{type(transaction).__name__}."
            )
        if store is not None:
            _check_store(store)
            if transaction is not None:
                raise TypeError("Give transaction or store: in a transaction, the inbox knows which messages are done.")
        if scope and transaction is None:
            raise TypeError("scope belongs to a transaction: a store has a name or a prefix of its own.")
        self._how = How(transaction, store, scope)
        # Whether the handlers in the transaction are async. None if nobody knows yet.
        self._is_async = None if transaction is None else _is_async_transaction(transaction)
        self._handlers: list[Handler] = []
        self._by_class: dict[type, tuple[Handler, ...]] = {}

    @overload
    def on(self, handler: Callable[[EventT], ResultT], /) -> Callable[[EventT], ResultT]: ...
    @overload
    def on(self, handler: Callable[[EventT, ConnectionT], ResultT], /) -> Callable[[EventT, ConnectionT], ResultT]: ...
    def on(self, handler: _Function, /) -> _Function:
        """Register the decorated function for every attempt at the events that its first parameter is annotated with.

        An attempt that failed comes again, and so do messages, so the function has to tolerate an event that comes
        twice. With a transaction it runs inside, and everything that it did there is rolled back if any handler fails.
        With a store it runs until it succeeds.

        Args:
            handler: A function, sync or async, that takes an event. The annotation is a class of
                `clerk_webhook.events`, a union of them, or `WebhookEvent`. A second parameter gets the connection.

        Returns:
            The function, unchanged.

        Raises:
            TypeError: The annotation is missing or names no events, the object cannot be called with an event, or it
                is a generator, or it is async and the transaction is sync, or the reverse.

        Example:
            ```python
            @handlers.on
            def upsert(event: events.UserCreated | events.UserUpdated) -> None: ...
            ```
        """
        return self._register("on", handler)

    @overload
    def newest(self, handler: Callable[[EventT], ResultT], /) -> Callable[[EventT], ResultT]: ...
    @overload
    def newest(
        self, handler: Callable[[EventT, ConnectionT], ResultT], /
    ) -> Callable[[EventT, ConnectionT], ResultT]: ...
    def newest(self, handler: _Function, /) -> _Function:
        """Register the decorated function for events that are the newest of their resource: for state.

        It runs if the event is newer than all that were applied to the resource, as `record_newest` says.

        Args:
            handler: As for `on`.

        Returns:
            The function, unchanged.

        Raises:
            TypeError: As for `on`, or there is no transaction.

        Example:
            ```python
            @handlers.newest
            def save(event: events.UserCreated | events.UserUpdated, session: Session) -> None: ...
            ```
        """
        return self._register("newest", handler)

    @overload
    def once(self, handler: Callable[[EventT], ResultT], /) -> Callable[[EventT], ResultT]: ...
    @overload
    def once(
        self, handler: Callable[[EventT, ConnectionT], ResultT], /
    ) -> Callable[[EventT, ConnectionT], ResultT]: ...
    def once(self, handler: _Function, /) -> _Function:
        """Register the decorated function for messages that come for the first time: for effects that add up.

        It runs once a message, in any order, as `record_once` says.

        Args:
            handler: As for `on`.

        Returns:
            The function, unchanged.

        Raises:
            TypeError: As for `on`, or there is no transaction.

        Example:
            ```python
            @handlers.once
            def welcome(event: events.UserCreated, session: Session) -> None: ...
            ```
        """
        return self._register("once", handler)

    def include(self, other: Handlers[ConnectionT] | Handlers[None], /) -> None:
        """Register all handlers that another object has now, in their order, after the own handlers.

        They run here: in this transaction, or under this store. So the other object has the same `transaction`,
        `store` and `scope`, or none.

        Args:
            other: A `Handlers`, or another endpoint.

        Raises:
            TypeError: `other` is not a `Handlers`, it has another `transaction`, `store` or `scope`, or it has an async
                handler and the transaction is sync, or the reverse.
            ValueError: `other` is this object.

        Example:
            ```python
            endpoint.include(billing.handlers)
            ```
        """
        how = getattr(other, "_how", None)
        if not isinstance(how, How):
            raise TypeError(f"include() takes an object such as Handlers() or Endpoint(), not {type(other).__name__}.")
        if other is self:
            raise ValueError("include() takes other handlers: an object that includes itself would run each twice.")
        for name, theirs, ours in zip(How._fields, how, self._how, strict=True):
            anything = theirs in (None, "") or (theirs is transaction_of_includer and ours is not None)
            if not anything and theirs != ours:
                raise TypeError(
                    f"include() takes handlers with the same {name}, or without one: they run in the {name} of the "
                    "object that includes them."
                )
        self._add(other._handlers)

    @property
    def event_types(self) -> list[str]:
        """The event types that have a handler, sorted: compare them with the endpoint's subscription in the Dashboard.

        Example:
            ```python
            print(*endpoint.event_types, sep="\\n")
            ```
        """
        classes = frozenset[type]().union(*(handler.event_classes for handler in self._handlers))
        return sorted(_TYPES[cls] for cls in classes if cls in _TYPES)

    def dispatch(self, event: WebhookEvent) -> DispatchOutcome:
        """Run the handlers of an event: in a worker, a backfill, a test or a route of one's own.

        Args:
            event: The event, from `verify_and_parse` or `parse_event`.

        Returns:
            `"handled"`, `"ignored"` if no handler takes the event, `"duplicate"` if no handler was due, and
            `"in_progress"` if another attempt has the lease of the store.

        Raises:
            TypeError: A handler or the transaction is async.
            ValueError: The event has no message id and there is a store or a `once` handler, or it has no `data.id` and
                there is a `newest` handler. Nothing ran.
            Exception: Whatever a handler or the database raised. Everything in the transaction is rolled back.

        Example:
            ```python
            handlers.dispatch(parse_event(job.payload, message_id=job.message_id))
            ```
        """
        return self._run(event, _result)

    async def dispatch_async(self, event: WebhookEvent) -> DispatchOutcome:
        """Run the handlers of an event: async handlers in the event loop, sync handlers in a thread.

        This needs asyncio. If the caller is cancelled, an async handler is cancelled too, and the transaction is rolled
        back. A sync handler cannot be stopped: with others of its kind it goes on to the end, and commits.

        Args:
            event: The event.

        Returns:
            As `dispatch`.

        Raises:
            TypeError: The transaction is sync and the handlers are async, or the reverse.
            ValueError: As `dispatch`.
            Exception: As `dispatch`.

        Example:
            ```python
            await handlers.dispatch_async(event)
            ```
        """
        return await self._run_async(event, _result)

    def apply_state(self, event: WebhookEvent) -> DispatchOutcome:
        """Run the `newest` handlers of an event alone: for a backfill, whose events are made of the API's objects.

        Args:
            event: The event. It needs no message id.

        Returns:
            As `dispatch`.

        Raises:
            TypeError: As `dispatch`.
            ValueError: The event has no `data.id`. Nothing ran.
            Exception: As `dispatch`.

        Example:
            ```python
            handlers.apply_state(parse_event({"type": "user.updated", "data": user}))
            ```
        """
        return self._run(event, _result, state_only=True)

    async def apply_state_async(self, event: WebhookEvent) -> DispatchOutcome:
        """Run the `newest` handlers of an event alone, as `dispatch_async` runs all.

        Args:
            event: The event. It needs no message id.

        Returns:
            As `dispatch`.

        Raises:
            TypeError: As `dispatch_async`.
            ValueError: As `apply_state`.
            Exception: As `dispatch`.

        Example:
            ```python
            await handlers.apply_state_async(parse_event({"type": "user.updated", "data": user}))
            ```
        """
        return await self._run_async(event, _result, state_only=True)

    def _run(self, event: WebhookEvent, finish: Finish[ResultT], *, state_only: bool = False) -> ResultT:
        """Dispatch an event in this thread. `_dispatch.run` says what `finish` is."""
        self._refuse_async()
        return run(self._application(event, state_only), finish)

    async def _run_async(self, event: WebhookEvent, finish: Finish[ResultT], *, state_only: bool = False) -> ResultT:
        """Dispatch an event. `_dispatch.run_async` says what `finish` is."""
        return await run_async(self._application(event, state_only), finish)

    def _refuse_async(self) -> None:
        """Refuse async handlers, because nothing here would run them. A sync door calls this when it is made.

        Raises:
            TypeError: A handler or the transaction is async.
        """
        for handler in self._handlers:
            if handler.is_async:
                raise TypeError(
                    f"{handler_name(handler.function)} is async, and nothing here runs async handlers: write it as "
                    "def, use dispatch_async(), or mount clerk_webhook.asgi.application(endpoint)."
                )
        if self._is_async:
            raise TypeError("The transaction is async, and nothing here runs async handlers: use dispatch_async().")

    def _application(self, event: WebhookEvent, state_only: bool) -> Application:  # noqa: FBT001  # from the two above
        by_class = self._by_class  # another thread that registers a handler replaces the dict
        found = by_class.get(type(event))
        if found is None:
            found = tuple(handler for handler in self._handlers if type(event) in handler.event_classes)
            by_class[type(event)] = found
        if state_only:
            found = tuple(handler for handler in found if handler.kind == "newest")
        return Application(self._how, bool(self._is_async), event, found)

    def _register(self, kind: _Kind, function: _Function) -> _Function:
        if kind != "on" and self._how.transaction is None:
            raise TypeError(
                f"{kind}() needs a transaction, in which it records what was handled: "
                "Handlers(transaction=Session.begin). Without one, use on()."
            )
        event_classes, takes_connection = _parameters(function)
        if takes_connection and self._how.transaction is None:
            raise TypeError(
                f"{handler_name(function)} takes a connection, and there is none: give "
                "Handlers(transaction=Session.begin), or remove its second parameter."
            )
        is_async = _is(inspect.iscoroutinefunction, function)
        either = self._how.transaction is transaction_of_includer and takes_connection and not is_async
        self._add([Handler(kind, function, event_classes, takes_connection, None if either else is_async)])
        return function

    def _add(self, handlers: Iterable[Handler]) -> None:
        added = list(handlers)
        known = self._is_async
        if self._how.transaction is not None:
            for handler in added:
                if known is not None and handler.is_async is (not known):
                    kinds = ("async", "sync") if handler.is_async else ("sync", "async")
                    raise TypeError(
                        "{} is {}, and the transaction or a handler before it is {}: they have to be of one kind.".format(
                            handler_name(handler.function), *kinds
                        )
                    )
                if known is None:
                    known = handler.is_async
        self._is_async = known
        self._handlers += added
        self._by_class = {}


def _result(outcome: Any, error: BaseException | None) -> DispatchOutcome:
    if error is not None:
        raise error
    result: DispatchOutcome = outcome  # without an exception it is none of the others
    return result


def _check_store(store: object) -> None:
    steps = [getattr(store, step, None) for step in ("claim", "complete", "release")]
    if isinstance(store, type) or not all(map(callable, steps)):
        raise TypeError(f"store must be an object such as MemoryStore(), not {type(store).__name__}.")
    if any(map(inspect.iscoroutinefunction, steps)):
        raise TypeError("store must have sync methods: with asyncio they are called in threads.")


def _is_async_transaction(transaction: _Function) -> bool | None:
    """Return whether a transaction is async. None if that cannot be known without opening one."""
    function = inspect.unwrap(transaction)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return inspect.isasyncgenfunction(function)  # of contextlib's decorators
    try:
        returned = get_type_hints(function)["return"]
    except Exception:  # noqa: BLE001  # no annotation, or one that only a type checker can read
        return None
    manager = get_origin(returned) or returned
    ways = (hasattr(manager, "__enter__"), hasattr(manager, "__aenter__"))
    return ways[1] if any(ways) and not all(ways) else None


def _parameters(function: _Function) -> tuple[frozenset[type], bool]:
    """Return the event classes in the annotation of the first parameter, and whether there is a second one."""
    if isinstance(function, type) or not callable(function):
        what = f"the class {function.__name__}" if isinstance(function, type) else type(function).__name__
        raise TypeError(f"A handler must be a function that takes an event, not {what}.")
    name = handler_name(function)
    if _is(inspect.isgeneratorfunction, function) or _is(inspect.isasyncgenfunction, function):
        raise TypeError("A handler must not be a generator, because nothing would run it: write it without yield.")
    try:
        signature = _signature(function, follow_wrapped=False)
        wrapped = _signature(function)
    except ValueError:  # some built-in functions do not show their parameters
        raise TypeError(f"{name} does not show its parameters: wrap it in a function of your own.") from None
    # The parameters of a wrapper count: a decorator may supply the other parameters of the function in it.
    takes_connection = _fits(signature, 2) and not (_fits(signature, 1) and _fits(wrapped, 1))
    if not takes_connection and not _fits(signature, 1):
        raise TypeError(f"{name} must take the event, or the event and the connection, and nothing else.")
    first = next(iter(wrapped.parameters.values()))
    return _event_classes(name, _resolve(first.annotation, function)), takes_connection


def _signature(function: _Function, *, follow_wrapped: bool = True) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        from annotationlib import Format  # noqa: PLC0415  # a newer Python's

        # The annotation of the second parameter may be known to type checkers alone.
        return inspect.signature(function, follow_wrapped=follow_wrapped, annotation_format=Format.FORWARDREF)
    return inspect.signature(function, follow_wrapped=follow_wrapped)


def _fits(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _resolve(annotation: object, function: _Function) -> object:
    """Return the object that an annotation names, or the text if there is none."""
    if not isinstance(annotation, str):
        return annotation
    while not hasattr(function, "__globals__") or hasattr(function, "__wrapped__"):
        if isinstance(function, partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        else:
            function = getattr(function, "__func__", type(function).__call__)
    try:
        return eval(annotation, function.__globals__)  # noqa: S307  # as typing.get_type_hints, but this one alone
    except NameError:
        return annotation


def _event_classes(name: str, annotation: Any) -> frozenset[type]:
    classes: set[Any] = set()
    waiting = [annotation]
    while waiting:
        part = waiting.pop()
        part = getattr(part, "__value__", part)  # of a `type` statement
        if get_origin(part) in {Union, UnionType}:
            waiting += get_args(part)
        else:
            classes.add(part)
    if not classes <= _CLASSES:
        raise TypeError(
            f"The first parameter of {name} must be annotated with a class of clerk_webhook.events, a union of them, or "
            "WebhookEvent, because the annotation says for which events it is called: "
            "def save(event: events.UserCreated | events.UserUpdated)."
        )
    return frozenset(classes)


def _is(kind: Callable[[object], bool], function: _Function) -> bool:
    return kind(function) or kind(type(function).__call__)
