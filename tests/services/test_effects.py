"""The claims of inbox.md, in-production.md and welcome-mail.md about PostgreSQL and Alembic hold."""

import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import psycopg
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations

from clerk_webhook import inbox
from clerk_webhook.mirror import Mirror
from clerk_webhook.testing import sample, sample_event

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
CREATED = sample_event("user.created")
UPDATED = sample_event("user.updated")


def block(page, word):
    """Return the one block of a page that a word is in."""
    blocks = re.findall(r"```python\n(.*?)```", (HOW_TO / page).read_text(), re.DOTALL)
    (found,) = (code for code in blocks if word in code)
    return found


@pytest.fixture
def url(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE IF EXISTS clerk_webhook_inbox")
        connection.execute(inbox.CREATE_TABLE)
    return postgres_url


@pytest.fixture
def empty_url(postgres_url):
    """Return the URL of a schema without tables, because other tests have tables of the same names."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE SCHEMA of_a_page")
    yield f"{postgres_url}?options=-csearch_path%3Dof_a_page"
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP SCHEMA of_a_page CASCADE")


def test_a_stricter_isolation_level_raises_and_the_next_attempt_works(url):
    with psycopg.connect(url) as one, psycopg.connect(url) as two:
        one.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        one.execute("SELECT 1")
        inbox.record_newest(two, CREATED)
        two.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            inbox.record_newest(one, UPDATED)
        one.rollback()
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        assert inbox.record_newest(connection, UPDATED)


def test_many_resources_in_one_transaction_deadlock(url):
    together = Barrier(2)
    failures = []

    def run(first, second):
        try:
            with psycopg.connect(url) as connection:
                inbox.record_newest(connection, first)
                together.wait(10)  # each transaction has its first row
                inbox.record_newest(connection, second)
        except psycopg.errors.DeadlockDetected as error:
            failures.append(error)

    ada, grace = sample_event("user.created"), sample_event("user.created", id="user_grace")
    threads = [Thread(target=run, args=pair) for pair in [(ada, grace), (grace, ada)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(failures) == 1


@pytest.mark.parametrize("driver", ["sqlite", "postgresql"])
def test_alembic_makes_the_tables_and_drops_them_only_without_the_function_of_the_page(driver, empty_url):
    engine = sa.create_engine("sqlite://" if driver == "sqlite" else empty_url.replace(":", "+psycopg:", 1))
    page = {}
    exec(block("inbox.md", "def include_name"), page)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context) as operations:
            for statement in (inbox.CREATE_TABLE, *Mirror().create_tables):
                operations.execute(statement)
        dropped = [table.name for kind, table in compare_metadata(context, sa.MetaData()) if kind == "remove_table"]
        assert sorted(dropped) == ["clerk_memberships", "clerk_organizations", "clerk_users", "clerk_webhook_inbox"]
        hidden = MigrationContext.configure(connection, opts={"include_name": page["include_name"]})
        assert compare_metadata(hidden, sa.MetaData()) == []
    engine.dispose()


def test_a_move_from_sqlite_to_postgresql_keeps_ids_deletions_and_messages(empty_url):
    mirror = Mirror()
    alive, deleted = sample("user.updated", id="user_alive"), sample_event("user.deleted", id="user_gone")
    with closing(sqlite3.connect(":memory:")) as old, psycopg.connect(empty_url) as new:
        for connection in (old, new):
            for statement in (inbox.CREATE_TABLE, *mirror.create_tables):
                connection.execute(statement)
        mirror.apply_many(old, "user", [alive])
        mirror.apply(old, deleted)
        assert inbox.record_once(old, "msg_1")
        for _ in range(2):  # again, as after a failure
            exec(block("in-production.md", "def copy"), {"sqlite": old, "postgres": new})
        assert not inbox.record_once(new, "msg_1")
        assert mirror.ensure(new, "user", "user_alive")
        mirror.apply_many(new, "user", [alive, sample("user.updated", id="user_gone")])
        rows = new.execute("SELECT id, email FROM clerk_users ORDER BY id").fetchall()
        assert rows == [("user_alive", "ada@example.com"), ("user_gone", None)]


def test_several_workers_on_postgresql_take_each_mail_once(empty_url):
    """With the words that welcome-mail.md adds for PostgreSQL."""
    names = {}
    exec(block("welcome-mail.md", "TAKE = "), names)
    take = names["TAKE"].replace("LIMIT 1", "LIMIT 1 FOR UPDATE SKIP LOCKED").replace(":now", "%(now)s")
    (outbox,) = re.findall(r'OUTBOX = """(.*?)"""', block("welcome-mail.md", "OUTBOX"), re.DOTALL)
    with psycopg.connect(empty_url) as connection:
        for statement in (*Mirror().create_tables, outbox):
            connection.execute(statement)
        connection.cursor().executemany(
            "INSERT INTO mails (id, user_id) VALUES (%s, 'user_1')", [(f"msg_{number}",) for number in range(200)]
        )

    def work(_):
        taken = []
        with psycopg.connect(empty_url, autocommit=True) as connection:
            while mail := connection.execute(take, {"now": int(time.time())}).fetchone():
                taken.append(mail[0])
        return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [mail for mails in threads.map(work, range(8)) for mail in mails]
    assert sorted(taken) == sorted({f"msg_{number}" for number in range(200)})
