"""Count the claims per second of each store: `python benchmarks/stores.py [turns]`.

Each store runs in turns with the statement that it sends, on a connection that stays open: the ratio is the cost of the
store beside its database. One thread claims new messages. PostgreSQL and Redis are those of tests/services, on their
usual local ports; without them their rows are missing. Needs the `services` group.
"""

from __future__ import annotations

import itertools
import os
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import redis

from clerk_webhook.stores import MemoryStore, PostgresStore, RedisStore, SQLiteStore, _sql

POSTGRES = os.environ.get("CLERK_WEBHOOK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
REDIS = os.environ.get("CLERK_WEBHOOK_TEST_REDIS", "redis://127.0.0.1:6379/0")
CLAIMS = 200
EXPIRING = 200_000

Claim = Callable[[str, str], Any]
message_ids = map("msg_{}".format, itertools.count())


@contextmanager
def memory() -> Iterator[tuple[Claim, Claim]]:
    """Yield a store in memory, and a dict."""
    known: dict[str, str] = {}
    yield MemoryStore().claim, known.setdefault


@contextmanager
def sqlite() -> Iterator[tuple[Claim, Claim]]:
    """Yield a store in a new file, and a connection to another one that stays open."""
    with tempfile.TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "store.db")
        SQLiteStore(Path(folder) / "floor.db")
        connection = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
        statement = _sql._CLAIM.format(now=store._now, mark=store._mark)  # noqa: SLF001
        yield store.claim, lambda *claim: connection.execute(statement, (*claim, 240)).fetchall()
        connection.close()


@contextmanager
def postgres() -> Iterator[tuple[Claim, Claim]]:
    """Yield a store in a new database, and a connection that commits by itself."""
    name = f"clerk_webhook_benchmark_{secrets.token_hex(6)}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            with (
                psycopg_pool.ConnectionPool(f"{POSTGRES}/{name}", min_size=1) as pool,
                psycopg.connect(f"{POSTGRES}/{name}", autocommit=True) as connection,
            ):
                store = PostgresStore(pool.connection)
                store.create()
                statement = _sql._CLAIM.format(now=store._now, mark=store._mark)  # noqa: SLF001
                yield store.claim, lambda *claim: connection.execute(statement, (*claim, 240)).fetchall()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def in_redis() -> Iterator[tuple[Claim, Claim]]:
    """Yield a store with a prefix of its own, and its client."""
    prefix = f"clerk_webhook_benchmark_{secrets.token_hex(6)}:"
    with redis.Redis.from_url(REDIS, socket_connect_timeout=3) as client:
        client.ping()
        store = RedisStore(client, prefix=prefix)
        try:
            yield store.claim, lambda message_id, owner: client.set(prefix + message_id, owner, nx=True, px=240_000)
        finally:
            for key in client.scan_iter(match=f"{prefix}*"):
                client.delete(key)


def claim_all(claim: Claim, number: int) -> float:
    """Claim as many new messages, and return the seconds of one claim."""
    messages = list(itertools.islice(message_ids, number))
    started = time.perf_counter()
    for message_id in messages:
        claim(message_id, "a1b2c3d4e5f60718")
    return (time.perf_counter() - started) / number


def main(turns: int) -> None:
    """Print a line for each store."""
    with ExitStack() as stack:
        contestants: dict[str, Claim] = {}
        for make in (memory, sqlite, postgres, in_redis):
            try:
                contestants[make.__name__], contestants[f"{make.__name__}, bare"] = stack.enter_context(make())
            except (psycopg.OperationalError, redis.ConnectionError) as error:
                print(f"{make.__name__} does not answer: {type(error).__name__}")
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(turns):
            for name, claim in contestants.items():
                times[name].append(claim_all(claim, CLAIMS))
    print(f"medians of {turns} turns of {CLAIMS} claims")
    for name, own in times.items():
        line = f"  {name:16} {1 / statistics.median(own):9.0f} a second {statistics.median(own) * 1e6:9.1f} µs"
        if bare := times.get(f"{name}, bare"):
            line += f"   {statistics.median(a / b for a, b in zip(own, bare, strict=True)):6.2f} of bare"
        print(line)
    expiry()


def expiry() -> None:
    """Print what a claim costs while a store in memory forgets messages, and while it has none to forget."""
    now = [0.0]
    store = MemoryStore(lease=1, clock=lambda: now[0])
    claim_all(store.claim, EXPIRING)
    for phase in ("with nothing to forget", "while it forgets"):
        print(f"  memory, {phase}: {claim_all(store.claim, EXPIRING // 100) * 1e6:.1f} µs a claim")
        now[0] += 2


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
