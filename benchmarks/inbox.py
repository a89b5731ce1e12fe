"""Say what the inbox costs: `python benchmarks/inbox.py`, with PostgreSQL on its usual local port.

`record_newest` against the statement alone, a transaction with the gate against one without, and both in tables of
1,000 to 1,000,000 rows. Contestants run in turns on one connection, so that a machine whose speed drifts is the same
for all; quoted are medians of the ratios turn by turn. `CLERK_WEBHOOK_TEST_POSTGRES` names another server, as in
tests/services. Needs the `services` group of dependencies. The database that it makes is dropped at the end.
"""

from __future__ import annotations

import gc
import itertools
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from clerk_webhook import WebhookEvent, parse_event
from clerk_webhook.inbox import CREATE_TABLE, Version, record_newest

POSTGRES = os.environ.get("CLERK_WEBHOOK_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432")
TURNS = 200
CALLS = 50
WARM_UP = 5
SIZES = [10**3, 10**4, 10**5, 10**6]
CREATE_USERS = "CREATE TABLE users (id text PRIMARY KEY, name text)"
numbers = itertools.count()


def events(count: int) -> list[WebhookEvent]:
    """Return events of new users."""
    return [
        parse_event(
            {
                "type": "user.updated",
                "data": {"id": f"user_{number:027}", "updated_at": 1_700_000_000_000 + number},
                "timestamp": 1_700_000_000_009 + number,
            },
            message_id=f"msg_{number:027}",
        )
        for number in itertools.islice(numbers, count)
    ]


def race(title: str, contestants: dict[str, Callable[[], object]], turns: int, calls: int) -> None:
    """Run the contestants in turns, and print each one's median time for a call and its ratio to the first."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(WARM_UP + turns):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            started = time.perf_counter()
            contestants[name]()
            times[name].append((time.perf_counter() - started) / calls)
    times = {name: own[WARM_UP:] for name, own in times.items()}
    first = times[names[0]]
    print(f"\n{title}: medians of {turns} turns of {calls}")
    for name, own in times.items():
        ratio = statistics.median(a / b for a, b in zip(own, first, strict=True))
        print(f"  {name:44} {statistics.median(own) * 1e6:8.1f} µs   {ratio:5.2f}")


def against_the_statement(title: str, connection: Any, execute: dict[str, Callable[[tuple[Any, ...]], Any]]) -> None:
    """Compare `record_newest` with the statement, its parameters ready, executed by hand. Each turn is rolled back."""
    batch = events(CALLS)
    now = int(time.time())
    prepared = [(*Version.of(event).statement()[1][:3], now) for event in batch]

    def by_hand(run: Callable[[tuple[Any, ...]], Any]) -> Callable[[], None]:
        def turn() -> None:
            for parameters in prepared:
                assert run(parameters) is not None
            connection.rollback()

        return turn

    def by_newest() -> None:
        for event in batch:
            assert record_newest(connection, event)
        connection.rollback()

    contestants: dict[str, Callable[[], object]] = {name: by_hand(run) for name, run in execute.items()}
    race(title, contestants | {"newest": by_newest}, TURNS, CALLS)


def with_and_without(title: str, connection: Any, mark: str, turns: int = TURNS) -> None:
    """Compare transactions that write a user with those that ask `record_newest` before."""
    upsert = f"INSERT INTO users VALUES ({mark}, {mark}) ON CONFLICT (id) DO UPDATE SET name = excluded.name"
    calls = 10

    def without() -> None:
        for event in events(calls):
            connection.execute(upsert, (event.data["id"], "Ada"))
            connection.commit()

    def with_gate() -> None:
        for event in events(calls):
            if record_newest(connection, event):
                connection.execute(upsert, (event.data["id"], "Ada"))
            connection.commit()

    race(title, {"a transaction without": without, "a transaction with newest": with_gate}, turns, calls)


def statement(style: str) -> str:
    """Return the statement, in a style of parameters."""
    return Version("", "", 0).statement(style)[0]  # type: ignore[arg-type]  # one of the three


def sqlalchemy_session(session: Session, style: str) -> None:
    """Compare over a session: SQLAlchemy's own ways to execute a text are two."""
    marks = {"kind": "user", "id": "", "version": "", "seen_at": 0}
    text = sa.text(statement("qmark").replace("?, ?, ?, ?", ":kind, :id, :version, :seen_at"))
    driver = statement(style)
    against_the_statement(
        f"SQLAlchemy Session, {session.connection().dialect.driver}",
        session,
        {
            "session.execute(text(...)).first()": lambda values: session.execute(
                text, dict(zip(marks, values, strict=True))
            ).first(),
            "session.connection().exec_driver_sql(...)": lambda values: (
                session.connection().exec_driver_sql(driver, values).first()
            ),
        },
    )


@contextmanager
def postgres_database() -> Iterator[str]:
    """Make a database, and drop it."""
    name = f"clerk_webhook_benchmark_{secrets.token_hex(6)}"
    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def sizes(title: str, connection: Any, size: Callable[[], int]) -> None:
    """Time new and known versions in tables of several sizes, and say what a row takes on disk."""
    print(f"\n{title}, by the rows of the table: medians of {TURNS} calls")
    rows = 0
    for wanted in SIZES:
        connection.execute(FILL.format(rows, wanted))
        rows = wanted
        connection.commit()
        times: dict[str, list[float]] = {"new": [], "known": []}
        for event in events(TURNS):
            for name, own in times.items():
                started = time.perf_counter()
                assert record_newest(connection, event) == (name == "new")
                own.append(time.perf_counter() - started)
        connection.rollback()
        medians = [f"{name} {statistics.median(own) * 1e6:6.1f} µs" for name, own in times.items()]
        print(f"  {rows:9,} rows   {'   '.join(medians)}   {size() / rows:5.0f} bytes a row")


# Rows as they look in use. The ids are as long as Clerk's, and come in no order.
FILL = """
    INSERT INTO clerk_webhook_inbox
    WITH RECURSIVE series(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM series WHERE n < {} - 1)
    SELECT 'user', 'user_34cWqn0XbYtP5rVk8m' || (1000000000 + n * CAST(7919 AS bigint) % 1000003),
           '001700000000000.001700000000009.msg_34cWqn0XbYtP5rVk8mLzQ2sDfGh', 1700000000
    FROM series
"""


def main() -> None:
    """Run all comparisons."""
    gc.collect()
    with postgres_database() as url, psycopg.connect(url) as connection:
        connection.execute(CREATE_TABLE)
        connection.execute(CREATE_USERS)
        connection.commit()
        by_hand = statement("format")
        against_the_statement(
            "psycopg",
            connection,
            {"connection.execute(...)": lambda values: connection.execute(by_hand, values).fetchone()},
        )
        engine = sa.create_engine(url.replace("postgresql", "postgresql+psycopg"))
        with Session(engine) as session:
            sqlalchemy_session(session, "format")
        engine.dispose()
        with_and_without("psycopg, PostgreSQL", connection, "%s")

        def table_size() -> int:
            row = connection.execute("SELECT pg_total_relation_size('clerk_webhook_inbox')").fetchone()
            assert row
            return int(row[0])

        connection.execute("TRUNCATE clerk_webhook_inbox")
        sizes("psycopg, PostgreSQL", connection, table_size)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inbox.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=wal")
            database.execute(CREATE_TABLE)
            database.execute(CREATE_USERS)
            qmark = statement("qmark")
            against_the_statement(
                "sqlite3",
                database,
                {"connection.execute(...)": lambda values: database.execute(qmark, values).fetchone()},
            )
            engine = sa.create_engine(f"sqlite:///{path}")
            with Session(engine) as session:
                sqlalchemy_session(session, "qmark")
            engine.dispose()
            with_and_without("sqlite3, WAL", database, "?")
            database.execute("DELETE FROM clerk_webhook_inbox")
            database.execute("DROP TABLE users")
            database.commit()
            database.execute("VACUUM")

            def file_size() -> int:
                database.execute("PRAGMA wal_checkpoint(truncate)")
                return path.stat().st_size

            sizes("sqlite3, WAL", database, file_size)


if __name__ == "__main__":
    main()
