"""Handlers: what can be registered, for which events, and what may be included where."""

import asyncio
import functools
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial, wraps
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Generic, Optional, TypeVar, Union
from unittest.mock import Mock

import pytest
from dispatching import CREATED, UPDATED, user_event

from clerk_webhook import UnknownEvent, WebhookEvent, events
from clerk_webhook._dispatch import transaction_of_includer
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.handlers import Handlers
from clerk_webhook.inbox import sqlite_transactions
from clerk_webhook.mirror import Mirror
from clerk_webhook.stores import MemoryStore

if TYPE_CHECKING:
    from somewhere import Session


@contextmanager
def transaction():
    yield "connection"


@asynccontextmanager
async def async_transaction():
    yield "connection"


def opaque():
    """Begin a transaction of which nobody knows whether it is async until it is opened."""
    return transaction()


QUOTED = "events.UserCreated | events.UserDeleted"
ITSELF = "ITSELF"
USERS = ["user.created", "user.deleted", "user.updated"]
NEWER = user_event("user.newer")


@pytest.mark.parametrize(
    ("annotation", "event_types", "gets_unknown"),
    [
        (events.UserCreated, ["user.created"], False),
        ("events.UserCreated", ["user.created"], False),
        (events.UserCreated | events.SessionEnded, ["session.ended", "user.created"], False),
        ("events.UserCreated | events.SessionEnded", ["session.ended", "user.created"], False),
        (Union[events.UserCreated, events.UserDeleted], ["user.created", "user.deleted"], False),  # noqa: UP007
        (events.UserWebhookEvent, USERS, False),
        (events.UserWebhookEvent | events.EmailWebhookEvent, ["email.created", *USERS], False),
        (WebhookEvent, sorted(EVENT_CLASSES), True),
        ("WebhookEvent", sorted(EVENT_CLASSES), True),
        (SimpleNamespace(__value__=events.UserWebhookEvent), USERS, False),  # the statement `type` of Python 3.12
        ("'events.UserCreated'", ["user.created"], False),  # quotes under `from __future__ import annotations`
        ("QUOTED", ["user.created", "user.deleted"], False),
        (Union["events.UserCreated", "events.UserDeleted"], ["user.created", "user.deleted"], False),
        (Annotated[WebhookEvent, "ClerkEvent"], sorted(EVENT_CLASSES), True),
        (UnknownEvent, [], True),
        (events.UserCreated | UnknownEvent, ["user.created"], True),
    ],
)
def test_the_annotation_of_the_first_parameter_registers(annotation, event_types, gets_unknown):
    def handler(event):
        seen.append(event)

    handler.__annotations__ = {"event": annotation}
    handlers, seen = Handlers(), []
    assert handlers.on(handler) is handler
    assert handlers.event_types == event_types
    assert handlers.dispatch(CREATED) == ("handled" if "user.created" in event_types else "ignored")
    assert handlers.dispatch(NEWER) == ("handled" if gets_unknown else "ignored")
    assert seen == [CREATED] * ("user.created" in event_types) + [NEWER] * gets_unknown


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement is new in Python 3.12")
def test_an_alias_of_the_type_statement_registers():
    names = {"events": events}
    exec("type Users = events.UserCreated | events.UserUpdated\ndef handler(event: Users): pass", names)
    handlers = Handlers()
    handlers.on(names["handler"])
    assert handlers.event_types == ["user.created", "user.updated"]


class Object:
    def __call__(self, event: "events.UserCreated"):
        pass

    def method(self, event: "events.UserCreated"):
        pass

    async def async_method(self, event: "events.UserCreated"):
        pass


def with_session(handler):
    """Supply a second argument, as decorators do."""

    @wraps(handler)
    def wrapper(event):
        return handler(event, "session")

    return wrapper


def with_session_first(handler):
    @wraps(handler)
    def wrapper(event):
        return handler("session", event)

    return wrapper


def passing(handler):
    """Pass all arguments on, as decorators do."""

    @wraps(handler)
    def wrapper(*args, **kwargs):
        return handler(*args, **kwargs)

    return wrapper


def keeping_session(handler):
    """Take the second argument, as decorators do."""

    @wraps(handler)
    def wrapper(event, session):
        assert session == "connection"
        return handler(event)

    return wrapper


def two(event: "events.UserCreated", session: "Session"):
    assert session in {"session", "connection"}


def one(event: "events.UserCreated"):
    pass


def with_default(event: events.UserCreated, retries: int = 3, **more: int):
    assert retries == 3


def of_the_rest(event: events.UserCreated, *more: object):
    assert not more


def second_is_the_event(session: object, event: "events.UserCreated"):
    assert event is CREATED


@pytest.mark.parametrize(
    "handler",
    [
        one,
        with_default,
        of_the_rest,
        with_session(two),
        with_session_first(second_is_the_event),
        passing(one),
        passing(passing(one)),
        partial(second_is_the_event, "session"),
        partial(passing(one)),
        Object(),
        Object().method,
        passing(Object().method),
    ],
)
def test_a_handler_is_whatever_can_be_called_with_an_event(handler):
    for handlers in (Handlers(), Handlers(transaction=transaction)):
        handlers.on(handler)
        assert handlers.event_types == ["user.created"]
        assert handlers.dispatch(CREATED) == "handled"


@pytest.mark.parametrize(
    "handler",
    [two, passing(two), keeping_session(one), partial(lambda text, event, session: two(event, session), "text")],
)
def test_a_second_parameter_gets_the_connection(handler):
    if isinstance(handler, partial):
        handler.func.__annotations__ = {"event": events.UserCreated}
    handlers = Handlers(transaction=transaction)
    handlers.on(handler)
    assert handlers.dispatch(CREATED) == "handled"
    with pytest.raises(TypeError) as caught:
        Handlers().on(handler)
    assert str(caught.value) == (
        f"{getattr(handler, '__qualname__', 'partial')} must take one argument, the event: a second one gets the "
        "connection, which needs Handlers(transaction=Session.begin), for example."
    )


def test_a_transaction_may_be_wrapped_and_annotated_for_type_checkers():
    def of(database) -> "Session":
        return transaction()

    @wraps(of)
    def begin():
        return of("database")

    def annotated(more: "Session | None" = None) -> "Session":
        return transaction()

    for function in (begin, annotated):
        handlers = Handlers(transaction=function)
        handlers.on(two)
        assert handlers.dispatch(CREATED) == "handled"


def test_the_annotations_of_the_other_parameters_are_not_resolved():
    def handler(event: "events.UserCreated", session: "Session") -> "Answer":  # noqa: F821
        pass

    handlers = Handlers(transaction=transaction)
    handlers.on(handler)
    assert handlers.event_types == ["user.created"]


def generator(event: events.UserCreated):
    yield


async def async_generator(event: events.UserCreated):
    yield


class GeneratorObject:
    def __call__(self, event: events.UserCreated):
        yield


def misspelled(event: "events.UserCreate"):
    pass


def imported_for_type_checkers(event: "Session"):
    pass


def unannotated(event):
    pass


def no_parameter():
    pass


def three(event: events.UserCreated, session: object, more: object):
    pass


def keyword_only(event: events.UserCreated, *, session: object):
    pass


def event_by_keyword(*, event: events.UserCreated):
    pass


def of(annotation):
    def handler(event):
        pass

    handler.__annotations__ = {"event": annotation}
    return handler


MUST_BE_FUNCTION = "A handler must be a function that takes an event, not "
MUST_TAKE = "must take the event, or the event and the connection, and need no other argument"
MUST_BE_ANNOTATED = "must be annotated with a class of clerk_webhook.events, a union of them or WebhookEvent"


@pytest.mark.parametrize(
    ("handler", "cure"),
    [
        (None, MUST_BE_FUNCTION + "NoneType"),
        (
            "user.created",
            MUST_BE_FUNCTION + r"str\. The annotation of its parameter names the events: @handlers.on, and",
        ),
        (events.UserCreated, MUST_BE_FUNCTION + "UserCreated"),
        (generator, r"^A handler must not be a generator, because nothing would run it: write it without yield\.$"),
        (async_generator, "must not be a generator"),
        (GeneratorObject(), "must not be a generator"),
        (no_parameter, "no_parameter " + MUST_TAKE),
        (three, "three " + MUST_TAKE),
        (keyword_only, "keyword_only " + MUST_TAKE),
        (event_by_keyword, "event_by_keyword " + MUST_TAKE),
        (partial(one, CREATED), MUST_TAKE),
        (unannotated, f"The first parameter of unannotated {MUST_BE_ANNOTATED}"),
        (unannotated, r"which events it gets: def unannotated\(event: events.UserCreated \| events.UserUpdated\)\.$"),
        (lambda event: None, MUST_BE_ANNOTATED),
        ([].append, rf"list\.append {MUST_BE_ANNOTATED}.*: def append\("),
        (Mock(), MUST_BE_ANNOTATED),
        (max, "max has no annotation: write a function around it"),
        (of(events.Event), MUST_BE_ANNOTATED),
        (of(events.UserCreated | None), MUST_BE_ANNOTATED),
        (of(Optional[events.UserCreated]), MUST_BE_ANNOTATED),  # noqa: UP045
        (of([events.UserCreated]), MUST_BE_ANNOTATED),
        (of(dict), MUST_BE_ANNOTATED),
        (of("str"), MUST_BE_ANNOTATED),
        (of("ITSELF"), MUST_BE_ANNOTATED),
        (of("user.*"), rf"{MUST_BE_ANNOTATED}.* At run time: invalid syntax"),
        (of("'events.UserCreated' | 'events.UserUpdated'"), rf"{MUST_BE_ANNOTATED}.* At run time: unsupported operand"),
        (of("events.UserCreated()"), rf"{MUST_BE_ANNOTATED}.* At run time: "),
        (Object.method, r"^Object\.method is a method: register that of an object, as in handlers\.on\(thing\.me"),
        (misspelled, f"{MUST_BE_ANNOTATED}.* At run time: module .* has no attribute 'UserCreate'"),
        (imported_for_type_checkers, r"name 'Session' is not defined\. Import it outside of .*`if TYPE_CHECKING:`"),
    ],
)
def test_what_cannot_be_a_handler_is_refused_when_it_is_registered(handler, cure):
    handlers = Handlers(transaction=transaction)
    for register in (handlers.on, handlers.newest, handlers.once):
        with pytest.raises(TypeError, match=cure):
            register(handler)
    assert handlers.event_types == []


@pytest.mark.parametrize("how", [{}, {"store": MemoryStore()}])
@pytest.mark.parametrize("kind", ["newest", "once"])
def test_newest_and_once_need_a_transaction(kind, how):
    with pytest.raises(TypeError, match=rf"^{kind}\(\) records events in a transaction: Handlers\(transaction=Session"):
        getattr(Handlers(**how), kind)(one)


class AsyncStore(MemoryStore):
    async def claim(self, message_id, owner=""):
        pass


class Database:
    @contextmanager
    def begin(self):
        yield "connection"

    def session(self):
        return self.begin()

    def __eq__(self, other):
        return self is other

    __hash__ = None  # some objects have no hash


def returning_a_transaction(using: str | None = None) -> Callable[[], AbstractContextManager[str]]:
    return transaction


async def async_handler():
    return transaction()


@pytest.mark.parametrize(
    ("how", "cure"),
    [
        (
            {"transaction": transaction, "store": MemoryStore()},
            r"^Give a transaction or a store: in a transaction, the inbox remembers the messages\.$",
        ),
        (
            {"transaction": transaction()},
            r"^transaction must be the function itself, which is called for each event: Session\.begin\.$",
        ),
        ({"transaction": async_transaction()}, "must be the function itself"),
        ({"transaction": generator}, r"^transaction must return a context manager: decorate generator by contextlib"),
        ({"transaction": async_generator}, r"decorate async_generator by contextlib\.asynccontextmanager, and commit"),
        ({"transaction": async_handler}, r"decorate async_handler by"),
        ({"transaction": sqlite_transactions}, r"^transaction is called without arguments, and sqlite_transactions ne"),
        ({"transaction": Database.session}, r"without arguments, and Database\.session needs some: "),
        (
            {"transaction": returning_a_transaction},
            r"^returning_a_transaction returns a function.*: call it, as in trans",
        ),
        (
            {"transaction": "sqlite://"},
            "must be a function that begins one, such as Session.begin or sqlite_transactions",
        ),
        ({"store": MemoryStore}, r"store must be an object such as MemoryStore\(\), not type"),
        ({"store": {}}, r"store must be an object such as MemoryStore\(\), not dict"),
        ({"store": AsyncStore()}, r"^store must have sync methods: with asyncio they are called in threads\.$"),
        ({"scope": "billing"}, r"^scope belongs to a transaction: a store remembers messages for itself\.$"),
        ({"scope": "billing", "store": MemoryStore()}, "scope belongs to a transaction"),
    ],
)
def test_handlers_that_could_not_be_applied_once_are_refused_when_they_are_made(how, cure):
    with pytest.raises(TypeError, match=cure):
        Handlers(**how)


def test_the_way_of_a_class_of_events_is_worked_out_once(monkeypatch):
    """A benchmark shows the gain, and this test that the short path is taken."""
    handlers = Handlers()
    handlers.on(one)
    handlers.dispatch(CREATED)
    monkeypatch.setattr("clerk_webhook.handlers.Plan", None)
    handlers.dispatch(CREATED)


def test_a_handler_registered_after_the_first_dispatch_is_called_too():
    handlers = Handlers()
    assert handlers.dispatch(CREATED) == "ignored"
    handlers.on(one)
    assert handlers.dispatch(CREATED) == "handled"


# Included handlers.


def registering(seen, name, annotation=events.UserCreated):
    def handler(event):
        seen.append(name)

    handler.__annotations__ = {"event": annotation}
    return handler


def test_included_handlers_run_after_the_own_handlers():
    ours, theirs, seen = Handlers(), Handlers(), []
    ours.on(registering(seen, "own"))
    theirs.on(registering(seen, "included"))
    theirs.on(registering(seen, "deleted", events.UserDeleted))
    ours.include(theirs)
    theirs.on(registering(seen, "too late"))
    ours.on(registering(seen, "own again"))
    assert ours.dispatch(CREATED) == "handled"
    assert seen == ["own", "included", "own again"]
    assert ours.event_types == ["user.created", "user.deleted"]


def test_handlers_that_are_included_by_two_ways_run_once():
    seen = []
    shared, left, right, whole = (Handlers() for _ in range(4))
    shared.on(registering(seen, "shared"))
    for part in (left, right):
        part.include(shared)
        whole.include(part)
    whole.include(shared)
    whole.dispatch(CREATED)
    assert seen == ["shared"]


def test_included_handlers_are_handlers_of_another_object():
    handlers = Handlers()
    for other in (Handlers, "billing", None, Mirror()):
        cure = rf"^include\(\) takes .*, such as mirror\.handlers, not {type(other).__name__}\."
        with pytest.raises(TypeError, match=cure):
            handlers.include(other)
    with pytest.raises(ValueError, match=r"^include\(\) takes other handlers than those of the object itself\.$"):
        handlers.include(handlers)


STORE, DATABASE = MemoryStore(), Database()


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [
        ({}, {}, None),
        ({"store": STORE}, {}, None),
        ({"store": STORE}, {"store": STORE}, None),
        ({"store": STORE}, {"store": MemoryStore()}, "store"),
        ({}, {"store": STORE}, "store"),
        ({"transaction": transaction}, {}, None),
        ({"transaction": transaction}, {"transaction": transaction}, None),
        ({"transaction": DATABASE.begin}, {"transaction": DATABASE.begin}, None),
        ({"transaction": DATABASE.begin}, {"transaction": Database().begin}, "transaction"),
        ({"transaction": transaction}, {"transaction": async_transaction}, "transaction"),
        ({"transaction": transaction}, {"store": STORE}, "store"),
        ({}, {"transaction": transaction}, "transaction"),
        ({"store": STORE}, {"transaction": transaction}, "transaction"),
        ({"transaction": transaction}, {"transaction": transaction_of_includer}, None),
        ({"transaction": async_transaction}, {"transaction": transaction_of_includer}, None),
        ({"transaction": transaction_of_includer}, {"transaction": transaction_of_includer}, None),
        ({"transaction": transaction, "scope": "a"}, {"transaction": transaction, "scope": "a"}, None),
        ({"transaction": transaction, "scope": "a"}, {"transaction": transaction}, None),
        ({"transaction": transaction}, {"transaction": transaction, "scope": "a"}, "scope"),
        ({"transaction": transaction, "scope": "a"}, {"transaction": transaction, "scope": "b"}, "scope"),
    ],
)
def test_handlers_are_included_only_where_they_run_as_they_would_alone(ours, theirs, differs):
    handlers = Handlers(**ours)
    if differs:
        with pytest.raises(TypeError) as caught:
            handlers.include(Handlers(**theirs))
        assert str(caught.value) == (
            f"The included handlers have another {differs}, and would run in that of this object: give both the same, "
            "or give the included none."
        )
    else:
        handlers.include(Handlers(**theirs))


@pytest.mark.parametrize("how", [{}, {"store": STORE}])
def test_the_handlers_of_a_library_are_not_said_to_have_a_transaction_that_their_reader_could_change(how):
    handlers = Handlers(**how)
    with pytest.raises(TypeError, match=r"has no transaction\. Give it one, such as transaction=Session\.begin\.$"):
        handlers.include(Handlers(transaction=transaction_of_includer))


# Sync and async.


async def async_one(event: events.UserCreated):
    pass


async def async_two(event: events.UserCreated, session: object):
    pass


async def async_second(session: object, event: events.UserCreated):
    pass


class AsyncObject:
    async def __call__(self, event: events.UserCreated):
        pass


ASYNC_HANDLERS = [async_one, partial(async_second, "session"), AsyncObject(), Object().async_method]


@pytest.mark.parametrize("handler", ASYNC_HANDLERS)
def test_an_async_handler_is_refused_before_anything_runs_if_nothing_would_run_it(handler):
    handlers, seen = Handlers(), []
    handlers.on(registering(seen, "sync"))
    handlers._refuse_async()
    handlers.on(handler)
    name = getattr(handler, "__qualname__", type(handler).__qualname__)
    for refused in (handlers._refuse_async, partial(handlers.dispatch, CREATED), partial(handlers.dispatch, UPDATED)):
        with pytest.raises(TypeError, match=rf"^{name} is async, and nothing here .*asgi\.application\(endpoint\)\.$"):
            refused()
    assert seen == []


def annotated(returned):
    def begin():
        raise AssertionError

    begin.__annotations__ = {"return": returned}
    return begin


class Begin:
    @asynccontextmanager
    async def __call__(self):
        yield "connection"

    @contextmanager
    def sync(self):
        yield "connection"


class OwnManager(Generic[TypeVar("T")]):
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


class Both:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass

    __aenter__ = __aexit__ = None


SYNC = [
    transaction,
    functools.partial(transaction),
    passing(transaction),
    Begin().sync,
    annotated(AbstractContextManager),
    annotated(AbstractContextManager[str]),
    annotated("AbstractContextManager[str]"),
    annotated(OwnManager),
    annotated(OwnManager[str]),
]
ASYNC = [
    async_transaction,
    functools.partial(async_transaction),
    passing(async_transaction),
    Begin(),
    annotated(AbstractAsyncContextManager),
    annotated(AbstractAsyncContextManager[str]),
    annotated("AbstractAsyncContextManager[str]"),
]
UNKNOWN = [
    opaque,
    annotated(None),
    annotated("Session"),
    annotated("1 +"),
    annotated(AbstractContextManager | AbstractAsyncContextManager),
    annotated(Both),
    lambda: None,
    max,
]


@pytest.mark.parametrize("begin", SYNC)
def test_a_sync_transaction_takes_sync_handlers(begin):
    handlers = Handlers(transaction=begin)
    for register in (handlers.on, handlers.newest, handlers.once):
        with pytest.raises(TypeError, match=r"^async_two is async, and the transaction or .* is sync: all in one tran"):
            register(async_two)
    handlers.on(one)
    handlers._refuse_async()


@pytest.mark.parametrize("begin", ASYNC)
def test_an_async_transaction_takes_async_handlers(begin):
    handlers = Handlers(transaction=begin)
    for register in (handlers.on, handlers.newest, handlers.once):
        with pytest.raises(TypeError, match=r"^two is sync, and the transaction or a handler before it is async"):
            register(two)
    for refused in (handlers._refuse_async, partial(handlers.dispatch, CREATED)):
        with pytest.raises(TypeError, match=r"^The transaction is async, and nothing here runs async handlers"):
            refused()
    handlers.on(async_two)
    assert handlers.event_types == ["user.created"]


@pytest.mark.parametrize("begin", UNKNOWN)
def test_in_a_transaction_of_unknown_kind_all_handlers_are_as_the_first(begin):
    for first, other in [(one, async_one), (async_one, one)]:
        handlers = Handlers(transaction=begin)
        handlers.on(first)
        with pytest.raises(TypeError, match=f"^{other.__name__} is a?sync, and the transaction or a handler before it"):
            handlers.on(other)
        handlers.on(first)


def test_included_handlers_are_of_the_kind_of_the_transaction():
    theirs = Handlers()
    theirs.on(one)
    theirs.on(async_one)  # without a transaction both kinds mix
    for begin, refused in [(transaction, "async_one is async"), (async_transaction, "one is sync"), (opaque, "async_")]:
        handlers = Handlers(transaction=begin)
        with pytest.raises(TypeError, match=f"^{refused}"):
            handlers.include(theirs)
        assert handlers.event_types == []
        handlers.on(async_one if begin is async_transaction else one)
    handlers = Handlers(store=STORE)
    handlers.include(theirs)
    assert handlers.event_types == ["user.created"]


def test_a_library_has_one_function_for_both_kinds_of_transactions():
    """Over a sync connection it returns nothing to await, and over an async one it does: as `record_newest`."""
    seen = []

    async def later(connection):
        seen.append(("async", connection))

    def both(event: events.UserCreated, connection: object):
        return later(connection) if is_async else seen.append(("sync", connection))

    library = Handlers(transaction=transaction_of_includer)
    library.on(both)
    for begin, is_async in [(transaction, False), (async_transaction, True)]:
        handlers = Handlers(transaction=begin)
        handlers.include(library)
        handlers.on(async_one if is_async else one)
        way = handlers.dispatch_async(CREATED) if is_async else None
        assert (asyncio.run(way) if is_async else handlers.dispatch(CREATED)) == "handled"
    assert seen == [("sync", "connection"), ("async", "connection")]
    is_async = True  # and wrongly so
    handlers = Handlers(transaction=transaction)
    handlers.include(library)
    with pytest.raises(TypeError, match=r"both returned something to await: declare it as async def"):
        handlers.dispatch(CREATED)
    is_async = False
    handlers = Handlers(transaction=async_transaction)
    handlers.include(library)
    with pytest.raises(TypeError, match=r"can't be used in 'await' expression"):
        asyncio.run(handlers.dispatch_async(CREATED))
    with pytest.raises(RuntimeError, match=r"^These handlers have .*: include\(\) them into an object that has one\.$"):
        library.dispatch(CREATED)
    with pytest.raises(TypeError, match=r"^one is sync"):
        handlers.on(one)


def test_the_handlers_of_a_library_alone_run_in_a_transaction_that_does_not_say_its_kind():
    opened = []

    async def later(connection):
        opened.append(("async", connection))

    def both(event: events.UserCreated, connection: object):
        return later(connection) if is_async else opened.append(("sync", connection))

    library = Handlers(transaction=transaction_of_includer)
    library.on(both)
    for begin, is_async in [(lambda: transaction(), False), (lambda: async_transaction(), True)]:  # noqa: PLW0108
        handlers = Handlers(transaction=begin)
        handlers.include(library)
        assert [asyncio.run(handlers.dispatch_async(CREATED)) for _ in range(2)] == ["handled"] * 2
        assert opened == [("async" if is_async else "sync", "connection")] * 2
        opened.clear()
    with pytest.raises(TypeError, match=r"^The transaction is async, and nothing here runs async handlers"):
        handlers.dispatch(CREATED)
    with pytest.raises(TypeError, match=r"^one is sync"):
        handlers.on(one)


def test_a_transaction_that_cannot_be_made_is_unavailable_to_the_handlers_of_a_library_too():
    def no_pool():
        raise OSError

    library = Handlers(transaction=transaction_of_includer)
    library.on(two)
    for register in (lambda handlers: handlers.include(library), lambda handlers: handlers.on(two)):
        handlers = Handlers(transaction=no_pool)
        register(handlers)
        with pytest.raises(OSError):  # noqa: PT011
            asyncio.run(handlers.dispatch_async(CREATED))


def test_a_library_may_have_async_handlers_alone():
    library = Handlers(transaction=transaction_of_includer)
    library.on(async_two)
    with pytest.raises(TypeError, match=r"^async_two is async"):
        Handlers(transaction=transaction).include(library)
    handlers = Handlers(transaction=async_transaction)
    handlers.include(library)
    assert asyncio.run(handlers.dispatch_async(CREATED)) == "handled"
    with pytest.raises(TypeError, match=r"^one is sync"):
        library.on(one)


@pytest.mark.parametrize(
    ("begin", "handler", "cure"),
    [
        (lambda: async_transaction(), two, "are sync, so `with transaction.. has to work, and _AsyncGenerator"),  # noqa: PLW0108
        (lambda: transaction(), async_two, "are async, so `async with transaction.. has to work, and _Generator"),  # noqa: PLW0108
        (lambda: None, two, "and NoneType cannot do that"),
        (lambda: transaction, two, r"and function cannot do that\. Call it"),
    ],
)
def test_a_transaction_of_the_other_kind_is_refused_before_anything_runs(begin, handler, cure):
    handlers = Handlers(transaction=begin)
    handlers.on(handler)
    with pytest.raises(TypeError, match=cure.replace("transaction..", r"transaction\(\):`")):
        asyncio.run(handlers.dispatch_async(CREATED))


class Manager:
    def __enter__(self):
        return "connection"

    def __exit__(self, *error):
        pass


@pytest.mark.parametrize(
    ("module", "more", "is_refused"),
    [
        ("sqlalchemy.orm.session", {"execute": None}, True),
        ("aiosqlite", {"execute": None}, True),
        ("sqlalchemy.engine.base", {}, False),  # what `begin` returns
        ("app.sqlalchemy", {"execute": None}, False),
    ],
)
def test_a_session_is_refused_because_it_never_commits(module, more, is_refused):
    """The module of its class tells. tests/services has the libraries themselves."""
    kind = type("Session", (Manager,), {"__module__": module, **more})
    handlers = Handlers(transaction=type("Subclass", (kind,), {}))
    handlers.on(two)
    if is_refused:
        with pytest.raises(TypeError) as caught:
            handlers.dispatch(CREATED)
        assert str(caught.value) == (
            "Subclass does not commit at the end of `with`, so everything would be lost. Give a function whose context "
            "manager commits: Session.begin or engine.begin of SQLAlchemy, for example."
        )
    else:
        assert handlers.dispatch(CREATED) == "handled"
