"""The pitfalls around the inbox, each with its cure, on real databases."""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import psycopg
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from django.db import migrations, transaction
from django.db.migrations.state import ProjectState
from histories import history
from inbox_connections import django_connection, sqlalchemy_url
from sqlalchemy.orm import Session

from clerk_webhook.inbox import CREATE_TABLE, Version, purge, record_newest, record_once

CREATED, UPDATED, LATER, DELETED = history("user.created", "user.updated", "user.updated", "user.deleted")


@pytest.fixture
def url(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE IF EXISTS clerk_webhook_inbox, ledger")
        connection.execute(CREATE_TABLE)
        connection.execute("CREATE TABLE ledger (message_id text)")
    return postgres_url


@pytest.fixture
def path(sqlite_path):
    with closing(sqlite3.connect(sqlite_path)) as connection:
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute(CREATE_TABLE)
        connection.commit()
    return sqlite_path


# Autocommit.


def test_in_autocommit_a_message_is_lost_whose_effect_fails(url):
    statement = Version("job", "msg_1", 0).statement()
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute(*statement).fetchone()  # the effect after it fails, and nothing takes this back
        assert connection.execute(*statement).fetchone() is None  # so the next delivery does nothing
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM clerk_webhook_inbox")
        connection.commit()
        assert record_once(connection, "msg_1")
        connection.rollback()  # the cure: the failure takes the record back
        assert record_once(connection, "msg_1")


# The returned row, and not the row count.


def test_sqlite3_counts_no_row_before_it_has_fetched_one(path):
    with closing(sqlite3.connect(path)) as connection:
        cursor = connection.execute(*Version.of(CREATED).statement("qmark"))
        assert cursor.rowcount < 1
        assert len(cursor.fetchall()) == 1
        assert record_newest(connection, UPDATED)


# The gate first.


def test_on_sqlite_a_transaction_that_read_before_the_gate_is_refused_at_once(path):
    with closing(sqlite3.connect(path, timeout=60)) as late, closing(sqlite3.connect(path)) as other:
        late.execute("BEGIN")
        late.execute("SELECT * FROM clerk_webhook_inbox").fetchall()
        assert record_newest(other, CREATED)
        other.commit()
        started = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            record_newest(late, UPDATED)
        assert time.monotonic() - started < 30  # it did not wait: waiting can't help
        late.rollback()
        late.execute("BEGIN IMMEDIATE")  # the cure, if something has to be read first
        late.execute("SELECT * FROM clerk_webhook_inbox").fetchall()
        assert record_newest(late, UPDATED)
        late.commit()
        assert record_newest(late, LATER)  # the other cure: sqlite3 begins by itself, with the gate


# Serialization failures.


@pytest.mark.parametrize("level", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE])
def test_in_stricter_isolation_the_later_of_two_fails_and_its_next_delivery_is_answered(level, url):
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        first.isolation_level = second.isolation_level = level
        second.execute("SELECT 1 FROM ledger")
        assert record_once(first, "msg_1")
        first.commit()
        with pytest.raises(psycopg.errors.SerializationFailure):
            record_once(second, "msg_1")
        second.rollback()
        assert not record_once(second, "msg_1")


def test_in_read_committed_the_later_of_two_waits_for_the_first(url):
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        answers = []
        assert record_newest(first, CREATED)
        waiting = threading.Thread(target=lambda: answers.append(record_newest(second, CREATED)))
        waiting.start()
        waiting.join(0.2)
        assert not answers
        first.commit()
        waiting.join(30)
        assert answers == [False]


def test_the_one_that_waits_is_the_first_if_the_other_fails(url):
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        answers = []
        assert record_newest(first, CREATED)
        waiting = threading.Thread(target=lambda: answers.append(record_newest(second, CREATED)))
        waiting.start()
        waiting.join(0.2)
        first.rollback()
        waiting.join(30)
        assert answers == [True]


# Scopes.


def test_two_handlers_that_commit_separately_need_a_scope_each(url):
    def handle(scope, fails=False):
        with psycopg.connect(url) as connection:
            due = record_newest(connection, CREATED, scope)
            if fails:
                connection.rollback()
            return due

    assert handle("")
    assert not handle("")  # the second handler never runs
    assert handle("mirror")
    assert handle("mailing", fails=True)
    assert not handle("mirror")
    assert handle("mailing")


# The purge.


@pytest.mark.parametrize("database", ["url", "path"])
def test_the_purge_forgets_old_messages_and_keeps_deletions(database, request):
    target = request.getfixturevalue(database)
    connect = psycopg.connect if database == "url" else sqlite3.connect
    with closing(connect(target)) as connection:
        record_newest(connection, DELETED)
        record_newest(connection, DELETED, "mailing")
        for message_id in ("msg_1", "msg_2"):
            record_once(connection, message_id)
            record_once(connection, message_id, "mailing")
        connection.execute("UPDATE clerk_webhook_inbox SET seen_at = seen_at - 91 * 86400 WHERE id <> 'msg_2'")
        assert purge(connection, timedelta(days=90)) == 2
        assert [record_once(connection, "msg_1"), record_once(connection, "msg_1", "mailing")] == [True, True]
        assert [record_once(connection, "msg_2"), record_once(connection, "msg_2", "mailing")] == [False, False]
        assert [record_newest(connection, LATER), record_newest(connection, LATER, "mailing")] == [False, False]


# The order of texts.


def test_versions_sort_the_same_under_every_collation(url):
    ordered = [
        Version("user", "user_1", 0),
        Version("user", "user_1", 9, 10**15 - 1, "~"),
        Version("user", "user_1", 10),
        Version("user", "user_1", 10, 0, "msg_1"),
        Version("user", "user_1", 10, 1),
        Version("user", "user_1", 10**15 - 1, 10**15 - 1, "zzz"),
        Version("user", "user_1", 0, deleted=True),
    ]
    texts = [version.statement()[1][2] for version in ordered]
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT collname FROM pg_collation WHERE collprovider IN ('c', 'i') AND collencoding IN (-1, 6)"
        )
        collations = [name for (name,) in rows]
        assert {"C", "en-US-x-icu", "tr-x-icu"} <= {*collations}
        for collation in collations:
            sql = f'SELECT text FROM unnest(%s::text[]) AS text ORDER BY text COLLATE "{collation}"'
            assert [text for (text,) in connection.execute(sql, (texts[::-1],))] == texts, collation


# Migrations.


def sqlalchemy_table():
    """Return what a model's metadata needs for Alembic to know of the table."""
    metadata = sa.MetaData()
    sa.Table(
        "clerk_webhook_inbox",
        metadata,
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
    )
    return metadata


@pytest.fixture(params=["postgres", "sqlite"])
def engine(request):
    if request.param == "postgres":
        engine = sa.create_engine(sqlalchemy_url(request.getfixturevalue("postgres_url"), "psycopg"))
    else:
        engine = sa.create_engine(sqlalchemy_url(request.getfixturevalue("sqlite_path"), "pysqlite"))
    with engine.begin() as connection:
        for name in sa.inspect(connection).get_table_names():
            connection.exec_driver_sql(f"DROP TABLE {name}")
    yield engine
    engine.dispose()


def test_alembic_sees_no_difference_between_the_table_and_its_five_lines(engine):
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert [difference[0] for difference in compare_metadata(context, sqlalchemy_table())] == ["add_table"]
        Operations(context).execute(CREATE_TABLE)
        assert compare_metadata(context, sqlalchemy_table()) == []


def test_the_table_that_sqlalchemy_makes_is_as_good(engine):
    sqlalchemy_table().create_all(engine)
    with Session(engine) as session:
        assert [record_newest(session, event) for event in (UPDATED, UPDATED, CREATED, DELETED)] == [
            True,
            False,
            False,
            True,
        ]
        session.commit()


@pytest.mark.parametrize("database", ["postgres_url", "sqlite_path"])
def test_djangos_run_sql_makes_the_table_and_drops_it(database, request):
    target = request.getfixturevalue(database)
    state = ProjectState()
    operation = migrations.RunSQL(CREATE_TABLE, reverse_sql="DROP TABLE clerk_webhook_inbox")
    with django_connection(target) as connection:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS clerk_webhook_inbox")
        with connection.schema_editor() as editor:
            operation.database_forwards("app", editor, state, state)
        with transaction.atomic(using=connection.alias):
            assert record_newest(connection, CREATED)
        with connection.schema_editor() as editor:
            operation.database_backwards("app", editor, state, state)
        assert "clerk_webhook_inbox" not in connection.introspection.table_names()
