"""Events, a database, and the two ways to dispatch, for the tests of `clerk_webhook.handlers`."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager, closing, contextmanager

from clerk_webhook import WebhookEvent, events, parse_event
from clerk_webhook.handlers import Handlers
from clerk_webhook.inbox import CREATE_TABLE
from clerk_webhook.stores import MemoryStore

ADDRESS = "ada@example.com"  # of nobody: for texts that must not be logged


def user_event(event_type="user.created", *, message_id="msg_1", updated_at=1_761_912_345_000, **data):
    """Return an event about one user."""
    data = {"id": "user_1", "updated_at": updated_at, **data}
    return parse_event({"type": event_type, "data": data}, message_id=message_id)


CREATED = user_event()
UPDATED = user_event("user.updated", message_id="msg_2", updated_at=1_761_912_346_000)


class AsyncConnection:
    """Looks like a connection of aiosqlite to the inbox. tests/services has aiosqlite itself."""

    __module__ = "aiosqlite"
    in_transaction = property(lambda self: self._conn.in_transaction)

    def __init__(self, connection):
        self._conn = connection
        self.execute = connection.execute

    async def _execute(self, function, *arguments):
        return function(*arguments)


class Database:
    """An SQLite file with the inbox and a table of effects."""

    def __init__(self, path):
        self.path = path
        with self.transaction() as connection:
            connection.execute(CREATE_TABLE)
            connection.execute("CREATE TABLE effects (handler text, message_id text)")

    @contextmanager
    def transaction(self):
        """Begin a transaction as `sqlite_transactions` does, without its waiting for the disk."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def effects(self):
        """Return the names of the handlers whose effects are committed, in order."""
        with self.transaction() as connection:
            return [name for (name,) in connection.execute("SELECT handler FROM effects ORDER BY rowid")]

    @asynccontextmanager
    async def async_transaction(self):
        """Begin an async transaction."""
        with self.transaction() as connection:
            yield AsyncConnection(connection)


def effect(connection, name, event):
    """Write a row of the table of effects."""
    connection.execute("INSERT INTO effects VALUES (?, ?)", (name, event.message_id))


def asynchronously(method):
    """Return the counterpart of `Handlers.dispatch` or `Handlers.apply_state`, in a loop of its own."""
    return lambda *arguments: asyncio.run(method(*arguments))


# How events are dispatched to sync handlers.
WAYS = {"sync": Handlers.dispatch, "async": asynchronously(Handlers.dispatch_async)}

# What handlers are, without a transaction: in a thread, in the task of the caller, or in a thread beside an async one.
KINDS = ["sync", "async", "mixed"]


async def async_handler(event: WebhookEvent):
    """Do nothing, asynchronously."""


def handled_by(kind, step, **how):
    """Return handlers whose one of this kind calls a step with each event, and the events that it saw."""
    handlers = Handlers(**how)
    seen = []

    def sync(event: events.UserCreated):
        seen.append(event)
        step(event)

    async def asynchronous(event: events.UserCreated):
        sync(event)

    handlers.on(asynchronous if kind == "async" else sync)
    if kind == "mixed":
        handlers.on(async_handler)
    return handlers, seen


def finished(handlers, event):
    """Dispatch an event as an endpoint does, and return the outcome and the exception."""
    return asyncio.run(handlers._run_async(event, lambda *end: end))


def raise_(error):
    """Raise an error, unless it is None."""
    if error is not None:
        raise error


class Gate:
    """Where a handler waits until the test lets it go."""

    def __init__(self):
        self.entered, self.leave = threading.Event(), threading.Event()

    def wait(self):
        self.entered.set()
        assert self.leave.wait(10)


class FailingStore(MemoryStore):
    def __init__(self, fails, error=ConnectionError):
        super().__init__()
        self.fails = fails
        self.error = error

    def _fail(self, step):
        if step == self.fails:
            raise self.error(f"of {step}, to {ADDRESS}")

    def claim(self, message_id, owner=""):
        self._fail("claim")
        return super().claim(message_id, owner)

    def complete(self, message_id):
        self._fail("complete")
        super().complete(message_id)

    def release(self, message_id, owner=""):
        self._fail("release")
        super().release(message_id, owner)
