"""Drivers and clients that type checkers must let into a store. Never run: mypy, pyright, ty and pyrefly read it."""

from typing import Any, assert_type

import psycopg
import psycopg_pool
import redis
import sqlalchemy
from sqlalchemy.orm import Session, sessionmaker

from clerk_webhook.endpoint import Endpoint
from clerk_webhook.stores import Claim, MemoryStore, PostgresStore, RedisStore, SQLiteStore, Store
from clerk_webhook.testing import check_store


def postgres(pool: psycopg_pool.ConnectionPool[psycopg.Connection[dict[str, Any]]]) -> PostgresStore:
    return PostgresStore(pool.connection, lease=60)


def of_psycopg() -> PostgresStore:
    return PostgresStore(lambda: psycopg.connect("postgresql://localhost"))


def of_sqlalchemy(engine: sqlalchemy.Engine, session: sessionmaker[Session]) -> list[PostgresStore]:
    return [PostgresStore(engine.begin), PostgresStore(session.begin)]


class Ours:
    def claim(self, message_id: str, owner: str = "") -> Claim:
        return Claim.NEW

    def complete(self, message_id: str) -> None: ...
    def release(self, message_id: str, owner: str = "") -> None: ...


def stores(pool: psycopg_pool.ConnectionPool) -> list[Store]:
    return [
        MemoryStore(),
        SQLiteStore("webhooks.db"),
        PostgresStore(pool.connection),
        RedisStore(redis.Redis(), prefix="ours:"),
        RedisStore(redis.Redis(decode_responses=True)),
        Ours(),
    ]


Endpoint("whsec_", store=Ours())
check_store(lambda lease: MemoryStore(lease=lease))
check_store(lambda _: Ours())
assert_type(SQLiteStore("webhooks.db").purge(), int)
assert_type(MemoryStore().claim("msg_1"), Claim)
