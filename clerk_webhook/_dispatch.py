"""One event, applied once: its transaction or its lease, and its handlers in between."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, aclosing, closing, suppress
from functools import partial
from secrets import token_hex
from typing import Any, Literal, NamedTuple, NoReturn, TypeAlias, TypeVar

from ._annotations import name_of
from ._cancellation import Request, in_task, in_thread, in_thread_or_here, start_in_thread, wait_shielded
from ._problems import database_code, log_problem
from .events import WebhookEvent
from .inbox import Version, record_newest, record_once
from .inbox._connections import mark
from .stores import Claim, Store

ConnectionT = TypeVar("ConnectionT")
ResultT = TypeVar("ResultT")

Transaction: TypeAlias = Callable[[], AbstractContextManager[ConnectionT] | AbstractAsyncContextManager[ConnectionT]]
"""A function that begins a transaction: a context manager that gives a connection, and commits or rolls back."""

DispatchOutcome: TypeAlias = Literal["handled", "ignored", "duplicate", "in_progress"]
"""The result of a dispatch.

`"handled"`: a handler ran, and what was done in the transaction is committed. `"ignored"`: no handler takes the event.
`"duplicate"`: no handler was due. `"in_progress"`: another attempt has the lease of the message.
"""

Outcome: TypeAlias = Literal[DispatchOutcome, "aborted", "failed", "unavailable", "cancelled"]
"""The result of a dispatch, exceptions included.

`"aborted"`: a handler raised `AbortDelivery`. `"unavailable"`: the database or the store could not be asked.
"""

Finish: TypeAlias = Callable[[Outcome, BaseException | None], ResultT]
"""A function that ends a dispatch: it takes the outcome and the exception that led to it."""

# A handler that calls sys.exit() must not end the server, and can raise a CancelledError that was meant for another
# task. KeyboardInterrupt and GeneratorExit are meant for the worker.
FAILURES = (Exception, SystemExit, asyncio.CancelledError)
"""The exceptions that are a failure of the code that raised them."""

# mark() raises these for a connection that the inbox does not know. All handlers are `on` handlers then.
_UNKNOWN = (TypeError, RuntimeError)

# Their sessions and connections are context managers that roll back at the end, unless somebody has committed.
_NEVER_COMMIT = {"sqlalchemy", "aiosqlite"}


# The root modules of the responses of web frameworks. FastAPI's are Starlette's.
_WEB = {"django", "flask", "starlette", "werkzeug"}


class AbortDelivery(Exception):  # noqa: N818  # it is an order, not an error
    """A handler raises this for a message that can never be handled: Svix then stops sending the message.

    The transaction is rolled back. The answer of an endpoint is 400 with `webhook-delivery: abort-message`. Svix stops
    retrying this one message. A manual replay runs the handlers again. The text of the exception is logged.

    Example:
        ```python
        raise AbortDelivery("the tenant is gone")
        ```
    """


class Handler(NamedTuple):
    """A registered function."""

    kind: Literal["on", "newest", "once"]

    function: Callable[..., Any]

    event_classes: frozenset[type]

    takes_connection: bool

    is_async: bool | None
    """None if the function returns something to await with an async connection, and nothing with a sync one."""

    def call(self, event: WebhookEvent, connection: Any) -> Any:
        """Call the function, with the connection if it takes one."""
        return self.function(event, connection) if self.takes_connection else self.function(event)


class How(NamedTuple):
    """How events are applied: in a transaction, under a lease of a store, or neither."""

    transaction: Transaction[Any] | None
    store: Store | None
    scope: str


class Plan:
    """The way of the events of one class, worked out before the first of them comes."""

    def __init__(self, how: How, handlers: Sequence[Handler], *, is_async: bool) -> None:
        """Work it out.

        Args:
            how: The transaction or the store.
            handlers: The handlers of these events, in the order registered.
            is_async: Whether the transaction is async, and so are all handlers. Without a transaction both kinds mix.
        """
        self.how = how
        self.handlers = tuple(handlers)
        self.is_bare = how.transaction is None and how.store is None
        kinds = {handler.kind for handler in handlers}
        self.asks_newest, self.asks_once = "newest" in kinds, "once" in kinds
        self.any_async = is_async or any(handler.is_async for handler in handlers)
        self.all_async = is_async or all(handler.is_async for handler in handlers)


class Dispatch:
    """One event on its way through its handlers."""

    def __init__(self, plan: Plan, event: WebhookEvent) -> None:
        """Prepare a dispatch.

        Args:
            plan: The plan for events of this class.
            event: The event.
        """
        self._plan = plan
        self._event = event
        # Whether an exception comes from the database or the store now, and not from the application.
        self._is_outside = False

    def run(self, finish: Finish[ResultT]) -> ResultT:
        """Apply the event in this thread. All handlers are sync.

        Args:
            finish: Is called once, at the end. It gets the exception, because a returned exception would be in a
                reference cycle.

        Returns:
            The result of `finish`.
        """
        try:
            outcome = self._apply()
        except FAILURES as error:
            return finish(self._outcome_of(error), error)
        return finish(outcome, None)

    async def run_async(self, finish: Finish[ResultT]) -> ResultT:
        """Apply the event: async handlers in the event loop, sync handlers and the store in threads.

        Args:
            finish: As in `run`.

        Returns:
            The result of `finish`.
        """
        plan = self._plan
        if not plan.handlers:
            return self.run(finish)
        if not plan.any_async:
            # One thread runs everything from the claim to the log, so a cancelled request leaves nothing half done.
            return await wait_shielded(start_in_thread(partial(self.run, finish)))
        if plan.all_async and plan.is_bare:
            return await self._run_here(finish, None)  # there is nothing to clean up
        return await in_task(partial(self._run_here, finish))

    async def _run_here(self, finish: Finish[ResultT], request: Request | None) -> ResultT:
        """Apply the event in a task that a request waits for, or in the task of the request itself."""
        try:
            outcome = await self._apply_async(request)
        except FAILURES as error:
            if isinstance(error, asyncio.CancelledError) and (request.gone if request else _cancelling()):
                finish("cancelled", error)
                raise
            return finish(self._outcome_of(error), error)
        return finish(outcome, None)

    def _apply(self) -> DispatchOutcome:
        handlers = self._plan.handlers
        if not handlers:
            return "ignored"
        if self._plan.is_bare:
            self._call(handlers, None)
            return "handled"
        outcome: DispatchOutcome | None = None
        scope = self._plan.how.scope
        try:
            questions = self._questions()
            with self._begin(AbstractContextManager) as connection:
                with _Savepoint(connection):
                    due = self._due({kind for kind, record, what in questions if record(connection, what, scope)})
                    self._call(due, connection)
                outcome = "handled" if due else "duplicate"
        except _Claimed as claimed:
            return claimed.outcome
        return outcome or _refuse_silence()

    async def _apply_async(self, request: Request | None) -> DispatchOutcome:
        if self._plan.is_bare:
            await self._call_async(self._plan.handlers, None, request)
            return "handled"
        outcome: DispatchOutcome | None = None
        scope = self._plan.how.scope
        try:
            questions = self._questions()
            async with self._begin(AbstractAsyncContextManager) as connection:
                async with _Savepoint(connection):
                    due = self._due({k for k, record, what in questions if await record(connection, what, scope)})
                    await self._call_async(due, connection, request)
                outcome = "handled" if due else "duplicate"
        except _Claimed as claimed:
            return claimed.outcome
        return outcome or _refuse_silence()

    def _questions(self) -> list[tuple[str, Callable[..., Any], object]]:
        """Return the kinds of handlers that have to be due, and for each the question of the inbox that says so.

        Raises:
            ValueError: The event cannot be recorded. Nothing has run.
        """
        plan, event = self._plan, self._event
        if not event.message_id and (plan.asks_once or plan.how.store is not None):
            raise ValueError(
                "The event has no message id, so nobody can know whether it was handled before. "
                "parse_event(payload, message_id=message_id) keeps it."
            )
        # Always in this order: of two transactions with two orders, each could wait for the other.
        questions: list[tuple[str, Callable[..., Any], object]] = []
        if plan.asks_newest:
            questions.append(("newest", record_newest, Version.of(event)))
        if plan.asks_once:
            questions.append(("once", record_once, event))
        return questions

    def _begin(self, kind: type) -> Any:
        """Return the context manager in which the handlers run."""
        transaction, store, _ = self._plan.how
        self._is_outside = True
        if store is not None:
            return _Lease(store, self._event.message_id or "")
        manager = transaction() if transaction is not None else None
        name = type(manager).__qualname__
        if not isinstance(manager, kind):
            statement, handlers = ("async with", "async") if self._plan.any_async else ("with", "sync")
            cure = " Call it: transaction=atomic(), for example." if inspect.isroutine(manager) else ""
            raise TypeError(
                f"The handlers are {handlers}, so `{statement} transaction():` has to work, and {name} cannot do that."
                f"{cure}"
            )
        modules = {cls.__module__.partition(".")[0] for cls in type(manager).__mro__}
        if isinstance(manager, closing | aclosing) or (hasattr(manager, "execute") and modules & _NEVER_COMMIT):
            raise TypeError(
                f"{name} does not commit at the end of `with`, so everything would be lost. Give a function whose "
                "context manager commits: Session.begin or engine.begin of SQLAlchemy, for example."
            )
        return manager

    def _due(self, kinds: set[str]) -> list[Handler]:
        """Return the handlers that are to run. From here on an exception is a failure of the application."""
        self._is_outside = False
        return [handler for handler in self._plan.handlers if handler.kind == "on" or handler.kind in kinds]

    def _call(self, handlers: Sequence[Handler], connection: Any) -> None:
        for handler in handlers:
            result = handler.call(self._event, connection)
            if result is not None:
                _refuse_unfinished(handler, result)

    async def _call_async(self, handlers: Sequence[Handler], connection: Any, request: Request | None) -> None:
        for handler in handlers:
            if request and request.gone:  # it was cancelled while a thread or the database was at work
                raise asyncio.CancelledError
            if handler.is_async is False:
                result = await in_thread(partial(handler.call, self._event, None))
            else:
                step = handler.call(self._event, connection)
                result = await (request.interrupts(step) if request else step)
            if result is not None:
                _refuse_unfinished(handler, result)

    def _outcome_of(self, error: BaseException) -> Outcome:
        if not self._is_outside:
            return "aborted" if isinstance(error, AbortDelivery) else "failed"
        # The inbox refuses autocommit by a RuntimeError, for example: the database is there.
        mistakes = (
            (TypeError, ValueError) if self._plan.how.store is not None else (TypeError, ValueError, RuntimeError)
        )
        return "failed" if isinstance(error, mistakes) else "unavailable"


class _Claimed(Exception):  # noqa: N818  # it is an answer, not an error
    """Another attempt has the message, or had it."""

    def __init__(self, outcome: DispatchOutcome) -> None:
        super().__init__()
        self.outcome: DispatchOutcome = outcome


class _Lease:
    """The claim of one attempt on its message."""

    def __init__(self, store: Store, message_id: str) -> None:
        self._store = store
        self._message_id = message_id
        self._owner = token_hex(8)

    def __enter__(self) -> None:
        claim = self._store.claim(self._message_id, self._owner)
        if type(claim) is not Claim:
            raise TypeError(f"The claim() of a store must return a Claim, not {type(claim).__name__}.")
        if claim is not Claim.NEW:
            raise _Claimed("duplicate" if claim is Claim.DONE else "in_progress")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._complete()
        else:
            self._release()

    async def __aenter__(self) -> None:
        await in_thread(self.__enter__)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, FAILURES):
            await in_thread_or_here(partial(self.__exit__, kind))
        else:
            self._release()  # an interrupt: there is no time to wait

    def _complete(self) -> None:
        try:
            self._store.complete(self._message_id)
        except FAILURES as error:
            # The effect is there, so the outcome stays "handled": another attempt would double the effect.
            log_problem("The store failed to complete a message", error, self._message_id)

    def _release(self) -> None:
        try:
            self._store.release(self._message_id, self._owner)
        except FAILURES as error:
            log_problem("The store failed to release a message; its lease will end", error, self._message_id)


class _Savepoint:
    """A savepoint around the record and the handlers.

    Its release fails if they would not be committed together: after a commit and a rollback by a handler, and after an
    error of PostgreSQL that a handler caught, because PostgreSQL then answers COMMIT by a rollback, and no library
    raises an error for that. After a failure nothing is left, so nothing is lost if somebody commits in a `finally`.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        try:
            mark(self._connection, "SAVEPOINT")
        except _UNKNOWN:
            self._connection = None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._connection is None:
            return
        if kind is None:
            self._of_session("flush")
            try:
                mark(self._connection, "RELEASE")
            except Exception as error:  # noqa: BLE001  # each library has its own
                raise _explained(error)  # noqa: B904  # it has its cause
        else:
            with suppress(Exception):  # the transaction has ended, or the database is gone
                self._of_session("expunge_all")
                mark(self._connection, "ROLLBACK TO")

    async def __aenter__(self) -> None:
        try:
            await _settled(mark(self._connection, "SAVEPOINT"))
        except _UNKNOWN:
            self._connection = None

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._connection is None:
            return
        if kind is None:
            await _settled(self._of_session("flush"))
            try:
                await _settled(mark(self._connection, "RELEASE"))
            except Exception as error:  # noqa: BLE001  # as above
                raise _explained(error)  # noqa: B904  # as above
        elif issubclass(kind, FAILURES):  # a coroutine that is closed cannot wait
            with suppress(Exception):  # as above
                self._of_session("expunge_all")
                await _settled(mark(self._connection, "ROLLBACK TO"))

    def _of_session(self, method: str) -> Any:
        """Call a method of a session of SQLAlchemy, whose commit writes what waits there. Others have none."""
        return getattr(self._connection, method, bool)()


async def _settled(answer: Any) -> None:
    if inspect.isawaitable(answer):
        await answer


def _explained(error: Exception) -> Exception:
    """Return the error of a savepoint that cannot be released, with the mistake that leads to it."""
    if "25P02" in database_code(error):  # the log says it
        return error
    explained = RuntimeError(
        "The transaction commits nothing: a handler has ended it, or has caught an error of the database outside of a "
        "savepoint. Leave commit and rollback to the dispatch."
    )
    explained.__cause__ = error
    return explained


def transaction_of_includer() -> NoReturn:
    """Stand for the transaction of the object that includes the handlers: they run in no other.

    Raises:
        RuntimeError: Always, because nothing has included the handlers.
    """
    raise RuntimeError("These handlers have no transaction of their own: include() them into an object that has one.")


def _cancelling() -> bool:
    """Return whether the current task has been cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refuse_silence() -> NoReturn:
    raise RuntimeError(
        "The transaction hid an exception. Its context manager has to let exceptions pass after it has rolled back; "
        "otherwise a message that failed would count as handled."
    )


def _refuse_unfinished(handler: Handler, result: Any) -> None:
    """Refuse a handler that returns a coroutine or a generator, because its work has not been done.

    An exception and an error of a web framework say so too, and would be answered by 200.
    """
    name = name_of(handler.function)
    if isinstance(result, BaseException):
        raise TypeError(f"{name} returned an exception: raise it if the message has to come again.")
    status = getattr(result, "status_code", None)
    is_error = isinstance(status, int) and status >= 400  # noqa: PLR2004  # RFC 9110, section 15
    if is_error and _WEB & {cls.__module__.partition(".")[0] for cls in type(result).__mro__}:
        raise TypeError(
            f"{name} returned an answer of {status}, which nobody sends: raise if the message has to come "
            "again, and otherwise return nothing."
        )
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise TypeError(f"{name} returned a generator, which nothing runs: write it without yield.")
    if hasattr(result, "__await__"):
        if inspect.iscoroutine(result):
            result.close()  # otherwise Python warns that nobody awaited it
        raise TypeError(f"{name} returned something to await: declare it as async def.")
