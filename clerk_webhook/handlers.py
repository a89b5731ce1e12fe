"""Handlers: functions that are called with events, registered by the annotation of their first parameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import Any, Generic, Literal, TypeVar, overload

from ._annotations import Function, is_a, is_async_transaction, name_of, parameters
from ._dispatch import (
    FAILURES,
    AbortDelivery,
    Dispatch,
    DispatchOutcome,
    Finish,
    Handler,
    How,
    Outcome,
    Plan,
    Transaction,
    transaction_of_includer,
)
from .events import EVENT_CLASSES, Event, UnknownEvent, WebhookEvent
from .inbox._version import refuse_others
from .stores import Store

__all__ = ["AbortDelivery", "DispatchOutcome", "Handlers", "Transaction"]

ConnectionT = TypeVar("ConnectionT")
EventT = TypeVar("EventT", bound=Event[Any, Any])
ResultT = TypeVar("ResultT")

_TYPES: dict[type, str] = {cls: event_type for event_type, cls in EVENT_CLASSES.items()}


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
    def __init__(
        self: Handlers[None], *, transaction: None = None, store: Store | None = None, scope: str = ""
    ) -> None: ...
    @overload
    def __init__(self, *, transaction: Transaction[ConnectionT], store: None = None, scope: str = "") -> None: ...
    def __init__(
        self, *, transaction: Transaction[Any] | None = None, store: Store | None = None, scope: str = ""
    ) -> None:
        """Start without handlers.

        Args:
            transaction: Begins a transaction: a function that returns a context manager, sync or async, which gives a
                connection, commits at the end, and rolls back if there was an exception. `Session.begin` and
                `engine.begin` of SQLAlchemy are such functions, and so is `pool.connection` of psycopg.
            store: Remembers which messages are done, for effects outside of your database.
            scope: The name of this part of the application. Two `Handlers` on one database that are dispatched
                separately need two names; otherwise the inbox takes the events of one for duplicates of the other's.

        Raises:
            TypeError: An argument has the wrong type, or both `transaction` and `store` are given.
        """
        if isinstance(transaction, (AbstractContextManager, AbstractAsyncContextManager)):
            raise TypeError("transaction must be the function itself, which is called for each event: Session.begin.")
        if transaction is not None and not callable(transaction):
            raise TypeError(
                "transaction must be a function that begins one, such as Session.begin or "
                f'sqlite_transactions("app.db"), not {type(transaction).__name__}.'
            )
        if store is not None:
            _check_store(store)
            if transaction is not None:
                raise TypeError("Give a transaction or a store: in a transaction, the inbox remembers the messages.")
        if scope and transaction is None:
            raise TypeError("scope belongs to a transaction: a store remembers messages for itself.")
        self._how = How(transaction, store, scope)
        # Whether the handlers in the transaction are async. None if that is not known yet.
        self._is_async = None if transaction is None else is_async_transaction(transaction)
        # The part that is async, for a message. None if everything can run without an event loop.
        self._async_part = "The transaction" if self._is_async else None
        self._handlers: list[Handler] = []
        self._plans: dict[tuple[type, bool], Plan] = {}

    @overload
    def on(self, handler: Callable[[EventT], ResultT], /) -> Callable[[EventT], ResultT]: ...
    @overload
    def on(self, handler: Callable[[EventT, ConnectionT], ResultT], /) -> Callable[[EventT, ConnectionT], ResultT]: ...
    def on(self, handler: Function, /) -> Function:
        """Register a function that runs at every attempt at the events that its first parameter is annotated with.

        An event can come twice, so the function has to tolerate that. With a transaction it runs inside, and what it
        did there is rolled back if any handler fails. With a store it runs until it succeeds.

        Args:
            handler: The function, sync or async. The annotation is a class of `clerk_webhook.events`, a union of them,
                or `WebhookEvent`. A second parameter gets the connection.

        Returns:
            The function, unchanged.

        Raises:
            TypeError: The annotation names no events, the function cannot be called with an event or is a generator,
                or it is async and the transaction is sync, or the reverse.

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
    def newest(self, handler: Function, /) -> Function:
        """Register a function for state: it runs if the event is the newest of its resource, as `record_newest` says.

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
    def once(self, handler: Function, /) -> Function:
        """Register a function for effects that add up: it runs once a message, in any order, as `record_once` says.

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

        A handler that is registered already is not registered again.

        They run here: in this transaction, or under this store. So the other object must have the same `transaction`,
        `store` and `scope`, or none. The handlers of a library, such as the mirror's, have no transaction of their own
        and take the connection of the object that includes them, sync or async: that object needs a transaction.

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
        if not isinstance(other, Handlers):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
            raise TypeError(
                f"include() takes Handlers() or an Endpoint(), such as mirror.handlers, not {type(other).__name__}."
            )
        if other is self:
            raise ValueError("include() takes other handlers than those of the object itself.")
        how, handlers = other._how, other._handlers  # noqa: SLF001  # of this class
        if how.transaction is transaction_of_includer and self._how.transaction is None:
            raise TypeError(
                "The included handlers run in the transaction of the object that includes them, and this one has no "
                "transaction. Give it one, such as transaction=Session.begin."
            )
        for name, theirs, ours in zip(How._fields, how, self._how, strict=True):
            if theirs not in (None, "", ours, transaction_of_includer):
                raise TypeError(
                    f"The included handlers have another {name}, and would run in that of this object: give both the "
                    "same, or give the included none."
                )
        self._add(handlers)

    @property
    def event_types(self) -> list[str]:
        """The event types that have a handler, sorted: compare them with the endpoint's subscription in the Dashboard.

        Example:
            ```python
            print(endpoint.event_types)
            ```
        """
        classes = {cls for handler in self._handlers for cls in handler.event_classes}
        return sorted(_TYPES[cls] for cls in classes - {UnknownEvent})

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
            Exception: A handler or the database raised it. Everything in the transaction is rolled back.

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
        return await self._result_of(event, state_only=False)

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
        return await self._result_of(event, state_only=True)

    def _run(self, event: WebhookEvent, finish: Finish[ResultT], *, state_only: bool = False) -> ResultT:
        """Dispatch an event in this thread. `Dispatch.run` says what `finish` is."""
        self._refuse_async()
        return self._dispatch_of(event, state_only=state_only).run(finish)

    async def _run_async(self, event: WebhookEvent, finish: Finish[ResultT], *, state_only: bool = False) -> ResultT:
        """Dispatch an event. `Dispatch.run` says what `finish` is."""
        if self._is_async is None and self._handlers and self._how.transaction is not None:
            self._find_out(self._how.transaction)
        return await self._dispatch_of(event, state_only=state_only).run_async(finish)

    def _find_out(self, transaction: Transaction[Any]) -> None:
        """Find out whether the transaction is async, because all handlers are of libraries, which take both kinds."""
        with suppress(*FAILURES):  # the dispatch raises it again
            manager: Any = transaction()  # and never enter it
            is_sync = isinstance(manager, AbstractContextManager)
            self._is_async = not is_sync and isinstance(manager, AbstractAsyncContextManager)
            self._async_part = "The transaction" if self._is_async else None
            self._plans = {}

    async def _result_of(self, event: WebhookEvent, *, state_only: bool) -> DispatchOutcome:
        """Raise here, and not in the task of the handlers, because asyncio ends its loop there for a SystemExit."""
        ends: list[tuple[Outcome, BaseException | None]] = []
        try:
            await self._run_async(event, lambda outcome, error: ends.append((outcome, error)), state_only=state_only)
            return _result(*ends.pop())
        finally:
            ends.clear()  # as below

    def _refuse_async(self) -> None:
        """Refuse async handlers, because nothing here would run them. A sync door calls this when it is made.

        Raises:
            TypeError: A handler or the transaction is async.
        """
        if self._async_part is not None:
            raise TypeError(
                f"{self._async_part} is async, and nothing here runs async handlers: write it as def, use "
                "dispatch_async(), or mount clerk_webhook.asgi.application(endpoint)."
            )

    def _dispatch_of(self, event: WebhookEvent, *, state_only: bool) -> Dispatch:
        event_class = type(event)
        plans = self._plans  # another thread that registers a handler replaces the dict
        plan = plans.get((event_class, state_only))
        if plan is None:
            refuse_others(event)
            found = [
                handler
                for handler in self._handlers
                if event_class in handler.event_classes and (handler.kind == "newest" or not state_only)
            ]
            plan = plans[event_class, state_only] = Plan(self._how, found, is_async=bool(self._is_async))
        return Dispatch(plan, event)

    def _register(self, kind: Literal["on", "newest", "once"], function: Function) -> Function:
        transaction = self._how.transaction
        if kind != "on" and transaction is None:
            raise TypeError(
                f"{kind}() records events in a transaction: Handlers(transaction=Session.begin), for example."
            )
        event_classes, takes_connection = parameters(function)
        if takes_connection and transaction is None:
            raise TypeError(
                f"{name_of(function)} must take one argument, the event: a second one gets the connection, which "
                "needs Handlers(transaction=Session.begin), for example."
            )
        is_async = is_a(inspect.iscoroutinefunction, function)
        either = transaction is transaction_of_includer and takes_connection and not is_async
        self._add([Handler(kind, function, event_classes, takes_connection, None if either else is_async)])
        return function

    def _add(self, handlers: Sequence[Handler]) -> None:
        known = self._is_async
        for handler in handlers if self._how.transaction is not None else ():
            if known is None:
                known = handler.is_async
            if handler.is_async not in {None, known}:
                ours, theirs = ("async", "sync") if handler.is_async else ("sync", "async")
                raise TypeError(
                    f"{name_of(handler.function)} is {ours}, and the transaction or a handler before it is "
                    f"{theirs}: all in one transaction have to be of one kind."
                )
        self._is_async = known
        self._async_part = self._async_part or next((name_of(h.function) for h in handlers if h.is_async), None)
        # Two parts of an application may include the same third one, whose effects must not happen twice.
        self._handlers += [handler for handler in handlers if handler not in self._handlers]
        self._plans = {}


def _result(outcome: Any, error: BaseException | None) -> DispatchOutcome:
    try:
        if error is not None:
            raise error
        result: DispatchOutcome = outcome  # the other outcomes come with an exception
        return result
    finally:
        del error  # its traceback holds this frame: break the reference cycle


def _check_store(store: object) -> None:
    steps = [getattr(store, step, None) for step in ("claim", "complete", "release")]
    if isinstance(store, type) or not all(map(callable, steps)):
        raise TypeError(f"store must be an object such as MemoryStore(), not {type(store).__name__}.")
    if any(map(inspect.iscoroutinefunction, steps)):
        raise TypeError("store must have sync methods: with asyncio they are called in threads.")
