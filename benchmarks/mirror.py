"""Say what the mirror costs: `python benchmarks/mirror.py`, with PostgreSQL on its usual local port.

`Mirror.apply` against its statement alone, `Mirror.apply_many` in rows a second, both in tables of 1,000 to 1,000,000
rows, and the memory of `Mirror.unseen` at the end. `benchmarks/inbox.py` says how contestants run. Needs the `services`
group of dependencies. The database that it makes is dropped at the end.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import psycopg2
import sqlalchemy as sa
from inbox import CALLS, SIZES, TURNS, postgres_database, race

from clerk_webhook import WebhookEvent, parse_event
from clerk_webhook.inbox import Version
from clerk_webhook.mirror import Mirror

PAGE = 500
PAGES = 20
MIRROR = Mirror()
DATA = json.loads(Path(__file__).with_name("user_created.json").read_bytes())["data"]
numbers = itertools.count()


def users(count: int) -> list[dict[str, Any]]:
    """Return new users."""
    return [
        {**DATA, "id": f"user_{number * 7919 % 1_000_003:027}", "updated_at": 1_700_000_000_000 + number}
        for number in itertools.islice(numbers, count)
    ]


def events(count: int) -> list[WebhookEvent]:
    """Return events of new users."""
    return [
        parse_event(
            {"type": "user.updated", "data": user, "timestamp": user["updated_at"] + 9}, message_id=f"msg_{user['id']}"
        )
        for user in users(count)
    ]


def against_the_statement(title: str, connection: Any, mark: str, execute: Callable[[str, Any], Any]) -> None:
    """Compare `apply` with its statement, the values of the row ready, executed by hand. Each turn is rolled back."""
    batch = events(CALLS)
    statement = """
        INSERT INTO clerk_users AS known (id, version, seen_at, email, first_name, last_name) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at, email = excluded.email,
        first_name = excluded.first_name, last_name = excluded.last_name
        WHERE known.version < excluded.version RETURNING id
    """.replace("?", mark)
    now = int(time.time())
    rows = [
        (event.data["id"], Version.of(event).statement()[1][2], now, "ada@example.com", "Ada", "Lovelace")
        for event in batch
    ]

    def by_hand() -> None:
        for row in rows:
            assert execute(statement, row) is not None
        connection.rollback()

    def by_apply() -> None:
        for event in batch:
            assert MIRROR.apply(connection, event)
        connection.rollback()

    race(title, {"the statement": by_hand, "Mirror.apply": by_apply}, TURNS, CALLS)


def pages(title: str, write: Callable[[list[dict[str, Any]]], object]) -> None:
    """Write pages, and print the median rate."""
    rates: list[float] = []
    for _ in range(PAGES):
        page = users(PAGE)
        started = time.perf_counter()
        write(page)
        rates.append(PAGE / (time.perf_counter() - started))
    print(f"  {title:44} {statistics.median(rates):8,.0f} rows a second")


def committing(connection: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Return a function that writes a page in a transaction."""

    def write(page: list[dict[str, Any]]) -> None:
        MIRROR.apply_many(connection, "user", page)
        connection.commit()

    return write


def pages_on_postgres(url: str) -> None:
    """Write pages by each driver."""
    with psycopg.connect(url) as connection:
        pages("psycopg", committing(connection))
    with closing(psycopg2.connect(url)) as connection:
        pages("psycopg2", committing(connection))
    engine = sa.create_engine(url.replace("postgresql", "postgresql+psycopg"))
    with engine.connect() as connection:
        pages("SQLAlchemy, psycopg", committing(connection))
    engine.dispose()
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url))

        async def write(page: list[dict[str, Any]]) -> None:
            async with connection.transaction():
                await MIRROR.apply_many(connection, "user", page)

        pages("asyncpg", lambda page: runner.run(write(page)))
        runner.run(connection.close())


def sizes(title: str, connection: Any, size: Callable[[], int]) -> None:
    """Time single events and pages in tables of several sizes, and say what a row takes on disk."""
    print(f"\n{title}, by the rows of the table: medians of {TURNS} events, and of {PAGES} pages of {PAGE}")
    rows = 0
    for wanted in SIZES:
        connection.execute(FILL.format(rows, wanted))
        rows = wanted
        connection.commit()
        times: list[float] = []
        for event in events(TURNS):
            started = time.perf_counter()
            assert MIRROR.apply(connection, event)
            times.append(time.perf_counter() - started)
        connection.rollback()
        print(
            f"  {rows:9,} rows   {statistics.median(times) * 1e6:6.1f} µs an event   {size() / rows:5.0f} bytes a row"
        )
        pages("  pages", lambda page: (MIRROR.apply_many(connection, "user", page), connection.rollback()))
    tracemalloc.start()
    unseen = MIRROR.unseen(connection, "user", time.time())
    print(f"  unseen: {len(unseen):,} ids, {tracemalloc.get_traced_memory()[1] / 1e6:.0f} MB at most in Python")
    tracemalloc.stop()


# Rows as they look in use. The ids are as long as Clerk's, and come in no order.
FILL = """
    INSERT INTO clerk_users (id, version, seen_at, email, first_name, last_name)
    WITH RECURSIVE series(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM series WHERE n < {} - 1)
    SELECT 'user_34cWqn0XbYtP5rVk8m' || (1000000000 + n * CAST(7919 AS bigint) % 1000003),
           '001700000000000.001700000000009.msg_34cWqn0XbYtP5rVk8mLzQ2sDfGh', 1700000000,
           'ada' || n || '@example.com', 'Ada', 'Lovelace'
    FROM series
"""


def tables(connection: Any) -> None:
    """Make the tables."""
    for statement in MIRROR.create_tables:
        connection.execute(statement)
    connection.commit()


def main() -> None:
    """Run all comparisons."""
    with postgres_database() as url:
        with psycopg.connect(url, options="-c synchronous_commit=off") as connection:
            tables(connection)
            against_the_statement(
                "psycopg", connection, "%s", lambda sql, row: connection.execute(sql, row, prepare=False).fetchone()
            )
        print(f"\nPostgreSQL: medians of {PAGES} pages of {PAGE}, committed")
        pages_on_postgres(url)
        with psycopg.connect(url) as connection:
            connection.execute("TRUNCATE clerk_users")

            def size() -> int:
                row = connection.execute("SELECT pg_total_relation_size('clerk_users')").fetchone()
                assert row
                return int(row[0])

            sizes("psycopg", connection, size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mirror.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = wal")
            tables(database)
            against_the_statement("sqlite3, WAL", database, "?", lambda sql, row: database.execute(sql, row).fetchone())
            print()
            pages("sqlite3, WAL", committing(database))
            database.execute("DELETE FROM clerk_users")
            database.commit()

            def file_size() -> int:
                database.execute("PRAGMA wal_checkpoint(truncate)")
                return path.stat().st_size

            sizes("sqlite3, WAL", database, file_size)


if __name__ == "__main__":
    main()
