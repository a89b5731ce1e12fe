"""The mirror for type checkers: answers over sync and async connections, columns, and its handlers.

Never run: mypy, pyright, ty and pyrefly read it.
"""

import sqlite3
from typing import Any, assert_type

import asyncpg
import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from clerk_webhook import Endpoint, Handlers, WebhookEvent, events
from clerk_webhook.inbox import AwaitableBool, sqlite_transactions
from clerk_webhook.mirror import MEMBERSHIP_COLUMNS, USER_COLUMNS, Mirror, Mirrored
from clerk_webhook.types import OrganizationJSON, OrganizationMembershipJSON, UserJSON
from clerk_webhook.users import primary_email_address


def last_sign_in(user: UserJSON) -> int | None:
    return user["last_sign_in_at"]


def owner(organization: OrganizationJSON) -> str | None:
    return organization.get("created_by")


def permissions(membership: OrganizationMembershipJSON) -> list[str] | None:
    return membership.get("permissions")


mirror = Mirror(
    users={"email": primary_email_address, "first_name": "first_name", "last_sign_in_at": last_sign_in},
    organizations={"name": "name", "owner": owner},
    memberships={**MEMBERSHIP_COLUMNS, "permissions": permissions},
    prefix="staging_",
)
more = Mirror(users={**USER_COLUMNS, "plan": lambda user: user["id"]})
assert_type(mirror.create_tables, tuple[str, ...])


def sync(
    event: WebhookEvent,
    created: events.UserCreated,
    page: list[UserJSON],
    objects: list[dict[str, Any]],
    kind: Mirrored,
    session: Session,
    connection: Connection,
    psycopg_connection: psycopg.Connection[tuple[Any, ...]],
    sqlite: sqlite3.Connection,
) -> None:
    assert_type(mirror.apply(session, event), bool)
    assert_type(mirror.apply(psycopg_connection, created), bool)
    assert_type(mirror.ensure(connection, "user", "user_1"), bool)
    assert_type(mirror.unseen(sqlite, "organizationMembership", 1_700_000_000.5), list[str])
    mirror.apply_many(session, "user", page)
    mirror.apply_many(sqlite, kind, objects, again=True)


async def asynchronous(
    event: WebhookEvent,
    page: list[UserJSON],
    session: AsyncSession,
    connection: AsyncConnection,
    asyncpg_connection: asyncpg.Connection[asyncpg.Record],
) -> None:
    assert_type(mirror.apply(session, event), AwaitableBool)
    assert_type(await mirror.apply(session, event), bool)
    assert_type(await mirror.ensure(connection, "organization", "org_1"), bool)
    assert_type(await mirror.unseen(asyncpg_connection, "user", 0), list[str])
    await mirror.apply_many(session, "user", page)


def included(engine: Engine, async_engine: AsyncEngine) -> None:
    endpoint = Endpoint(transaction=engine.begin)
    endpoint.include(mirror.handlers)
    async_endpoint = Endpoint(transaction=async_engine.begin)
    async_endpoint.include(mirror.handlers)
    handlers = Handlers(transaction=sqlite_transactions("app.db"))
    handlers.include(mirror.handlers)
