"""The types of handlers. Nothing runs this: mypy, pyright, ty and pyrefly read it."""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, assert_type

import aiosqlite
import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from clerk_webhook import WebhookEvent, events, parse_event
from clerk_webhook.handlers import AbortDelivery, DispatchOutcome, Handlers
from clerk_webhook.inbox import sqlite_transactions
from clerk_webhook.stores import MemoryStore

sync_session = sessionmaker()
async_session = async_sessionmaker()


@contextmanager
def own_transaction() -> Generator[sqlite3.Connection]:
    yield sqlite3.connect("app.db")


@asynccontextmanager
async def own_async_transaction() -> AsyncGenerator[aiosqlite.Connection]:
    async with aiosqlite.connect("app.db") as connection:
        yield connection
        await connection.commit()


def the_connection_is_inferred(
    engine: Engine,
    async_engine: AsyncEngine,
    pool: ConnectionPool[psycopg.Connection[Any]],
    async_pool: AsyncConnectionPool[psycopg.AsyncConnection[Any]],
) -> None:
    assert_type(Handlers(), Handlers[None])
    assert_type(Handlers(store=MemoryStore()), Handlers[None])
    assert_type(Handlers(transaction=sync_session.begin), Handlers[Session])
    assert_type(Handlers(transaction=async_session.begin), Handlers[AsyncSession])
    assert_type(Handlers(transaction=engine.begin, scope="billing"), Handlers[Connection])
    assert_type(Handlers(transaction=async_engine.begin), Handlers[AsyncConnection])
    assert_type(Handlers(transaction=pool.connection), Handlers[psycopg.Connection[Any]])
    assert_type(Handlers(transaction=async_pool.connection), Handlers[psycopg.AsyncConnection[Any]])
    assert_type(Handlers(transaction=sqlite_transactions("app.db")), Handlers[sqlite3.Connection])
    assert_type(Handlers(transaction=own_transaction), Handlers[sqlite3.Connection])
    assert_type(Handlers(transaction=own_async_transaction), Handlers[aiosqlite.Connection])


handlers = Handlers(transaction=sync_session.begin)
async_handlers = Handlers(transaction=async_session.begin)
bare = Handlers()


@handlers.newest
def save(event: events.UserCreated | events.UserUpdated, session: Session) -> int:
    session.add(event.data["id"])
    return len(event.data["email_addresses"])


@handlers.once
def welcome(event: events.UserCreated, session: Session) -> str:
    return event.data["id"]


@handlers.on
def of_a_family(event: events.SessionWebhookEvent) -> None: ...


@handlers.on
@handlers.once
def any_event(event: WebhookEvent, session: object) -> float:
    """A handler may take more than it gets."""
    return event.timestamp or 0.0


@bare.on
async def report(event: events.UnknownEvent) -> None:
    raise AbortDelivery(event.wire_type)


@async_handlers.newest
async def save_async(event: events.UserCreated, session: AsyncSession) -> str:
    await session.merge(event.data)
    return event.data["id"]


@bare.on
def with_default(event: events.UserDeleted, retries: int = 3) -> None: ...


class Mirror:
    def __call__(self, event: events.WaitlistEntryCreated) -> None: ...
    def method(self, event: events.WaitlistEntryUpdated, session: Session) -> None: ...


bare.on(Mirror())
handlers.newest(Mirror().method)


async def a_decorated_function_keeps_its_type(
    created: events.UserCreated, session: Session, async_session: AsyncSession
) -> None:
    assert_type(save(created, session), int)
    assert_type(welcome(created, session), str)
    assert_type(await save_async(created, async_session), str)
    sync: Callable[[events.UserCreated, Session], str] = welcome
    asynchronous: Callable[[events.UserCreated, AsyncSession], Awaitable[str]] = save_async
    print(sync, asynchronous)


async def dispatched(payload: dict[str, Any]) -> None:
    event = parse_event(payload, message_id="msg_1")
    assert_type(handlers.dispatch(event), DispatchOutcome)
    assert_type(await async_handlers.dispatch_async(event), DispatchOutcome)
    assert_type(handlers.apply_state(event), DispatchOutcome)
    assert_type(await async_handlers.apply_state_async(event), DispatchOutcome)
    assert_type(handlers.event_types, list[str])


def included(of_any_connection: Handlers[Any], of_the_same: Handlers[Session]) -> None:
    handlers.include(of_the_same)
    handlers.include(bare)
    handlers.include(of_any_connection)
    async_handlers.include(of_any_connection)
    bare.include(Handlers())
