"""The inbox over sqlite3. tests/services has the other libraries."""

import asyncio
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from dispatching import AsyncConnection
from histories import CREATE_USERS, NOON, Mirror, MirrorMachine, check_every_order, history, rank, user_event
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import imported
from tracing import Traced

from clerk_webhook import events, mirror, parse_event
from clerk_webhook.inbox import (
    CREATE_TABLE,
    AwaitableBool,
    Version,
    purge,
    record_newest,
    record_once,
    sqlite_transactions,
)
from clerk_webhook.testing import sample_event

CREATED, UPDATED, LATER, DELETED = history("user.created", "user.updated", "user.updated", "user.deleted")


@pytest.fixture
def connection():
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(CREATE_TABLE)
        yield connection


def rows(connection):
    return connection.execute("SELECT kind, id, version FROM clerk_webhook_inbox ORDER BY kind, id").fetchall()


# The version of an event.


@pytest.mark.parametrize("event_type", events.EVENT_CLASSES)
def test_every_event_type_has_a_version(event_type):
    event = sample_event(events.EVENT_CLASSES[event_type])
    version = Version.of(event)
    assert (version.kind, version.id) == (event_type.split(".")[0], event.data["id"])
    assert version.timestamp == event.timestamp
    assert version.message_id == event.message_id
    assert version.deleted == (event_type == f"{version.kind}.deleted")


def test_a_type_newer_than_this_release_has_a_version_too():
    event = parse_event({"type": "team.member.deleted", "data": {"id": "team_1"}})
    assert Version.of(event) == Version("team", "team_1", 0, 0, "", deleted=True)


@pytest.mark.parametrize("wire_type", ["session.ended", "organizationInvitation.revoked", "user.undeleted", "deleted"])
def test_only_a_type_that_ends_in_deleted_is_a_deletion(wire_type):
    assert not Version.of(parse_event({"type": wire_type, "data": {"id": "x_1"}})).deleted


@pytest.mark.parametrize("data", [{}, {"id": None}, {"id": ""}, {"id": 7}, None, "id", ["id"], 7])
def test_an_event_without_an_id_has_no_version(data, connection):
    event = parse_event({"type": "team.created", "data": data})
    with pytest.raises(ValueError, match=r"team\.created has no data\.id"):
        record_newest(connection, event)


@pytest.mark.parametrize("sent", [10**15, -1, None, True, NOON + 0.5, float("inf"), float("nan"), str(NOON), [NOON]])
def test_the_timestamp_stands_in_for_an_updated_at_that_is_no_time(sent):
    version = Version.of(user_event("user.updated", updated_at=sent, timestamp=NOON))
    assert (version.updated_at, version.timestamp) == (NOON, NOON)
    version = Version.of(user_event("user.updated", updated_at=NOON, timestamp=sent))
    assert (version.updated_at, version.timestamp) == (NOON, 0)
    version = Version.of(user_event("user.updated", updated_at=sent, timestamp=sent))
    assert (version.updated_at, version.timestamp) == (0, 0)


@pytest.mark.parametrize("sent", [0, NOON, 10**15 - 1])
@pytest.mark.parametrize("number", [int, float])
def test_a_whole_number_in_range_is_a_time(number, sent):
    version = Version.of(user_event("user.updated", updated_at=number(sent), timestamp=number(sent)))
    assert (version.updated_at, version.timestamp) == (sent, sent)
    assert {type(version.updated_at), type(version.timestamp)} == {int}


def test_a_later_event_without_updated_at_is_newer_than_an_earlier_one_that_has_it(connection):
    assert record_newest(
        connection, user_event("user.created", updated_at=NOON, timestamp=NOON + 5, message_id="msg_1")
    )
    assert record_newest(connection, user_event("user.updated", timestamp=NOON + 1000, message_id="msg_2"))
    assert record_newest(connection, user_event("user.updated", updated_at=NOON + 2000.0, timestamp=NOON + 2005))


@pytest.mark.parametrize(
    ("sent", "milliseconds"),
    [(1_654_012_591, 1_654_012_591_000), (10**11 - 1, (10**11 - 1) * 1000), (10**11, 10**11), (1, 1000)],
)
def test_the_seconds_of_send_example_become_milliseconds(sent, milliseconds):
    version = Version.of(user_event("user.updated", timestamp=sent, updated_at=sent))
    assert (version.timestamp, version.updated_at) == (milliseconds, sent)


@pytest.mark.parametrize(
    ("paramstyle", "marks"),
    [("format", "%s, %s, %s, %s"), ("qmark", "?, ?, ?, ?"), ("numeric_dollar", "$1, $2, $3, $4")],
)
def test_the_statement_is_one_text_for_all_databases(paramstyle, marks):
    before = int(time.time())
    sql, parameters = Version("user", "user_1", 3, 20, "msg_1").statement(paramstyle, "mailing")
    assert sql == (
        f"INSERT INTO clerk_webhook_inbox AS known (kind, id, version, seen_at) VALUES ({marks}) "
        "ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, seen_at = excluded.seen_at "
        "WHERE known.version < excluded.version RETURNING version"
    )
    assert parameters[:3] == ("user.mailing", "user_1", "000000000000003.000000000000020.msg_1")
    assert type(parameters[3]) is int
    assert before <= parameters[3] <= time.time()


def test_a_statement_is_in_psycopgs_style_and_without_a_scope_unless_told():
    version = Version("user", "user_1", 3, deleted=True)
    assert version.statement()[0] == version.statement("format")[0]
    assert version.statement()[1][:3] == ("user", "user_1", "deleted")


@pytest.mark.parametrize("time", [-1, 10**15, 1.5, 0.0, True, "1", None])
@pytest.mark.parametrize("name", ["updated_at", "timestamp"])
def test_a_version_made_by_hand_has_times_in_milliseconds(name, time):
    version = Version("user", "user_1", 1)._replace(**{name: time})
    with pytest.raises(
        ValueError, match=r"^updated_at and timestamp must be integers: milliseconds since the epoch\.$"
    ):
        version.statement()


times = st.one_of(st.integers(0, 3), st.sampled_from([999, 1000, NOON, 10**15 - 1]))
versions = st.builds(
    Version,
    st.just("user"),
    st.just("user_1"),
    times,
    times,
    st.sampled_from(["", "msg_1", "msg_2", "~"]),
    st.booleans(),
)


@given(st.lists(versions, max_size=8))
@settings(max_examples=200)
def test_newest_is_true_exactly_for_a_version_newer_than_all_before(history):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(CREATE_TABLE)
        best = ()
        for version in history:
            assert record_newest(connection, version) is (rank(version) > best)
            best = max(best, rank(version))


# Orders.


def test_every_arrival_order_of_short_histories_ends_in_the_same_state(connection):
    assert check_every_order(Mirror(connection), most_duplicates=2) == 2_968


class SQLiteMachine(MirrorMachine):
    def open(self):
        connection = sqlite3.connect(":memory:")
        connection.execute(CREATE_TABLE)
        connection.execute(CREATE_USERS)
        return Mirror(connection)

    def teardown(self):
        super().teardown()
        self.mirror.connection.close()


TestMirror = SQLiteMachine.TestCase
TestMirror.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


# In a transaction of sqlite3.


def test_an_event_is_newest_once(connection):
    assert record_newest(connection, UPDATED) is True
    assert record_newest(connection, UPDATED) is False
    assert record_newest(connection, CREATED) is False
    assert record_newest(connection, LATER) is True
    assert rows(connection) == [("user", "user_1", "001700000002000.001700000002004.msg_2")]


def test_nothing_is_newer_than_a_deletion(connection):
    assert record_newest(connection, DELETED)
    assert not record_newest(connection, DELETED)
    assert not record_newest(connection, LATER)
    assert not record_newest(connection, Version("user", "user_1", 10**15 - 1, 10**15 - 1, "~~~~"))
    assert rows(connection) == [("user", "user_1", "deleted")]


def test_resources_of_other_kinds_and_other_scopes_are_others(connection):
    assert record_newest(connection, Version("user", "x_1", 1))
    assert record_newest(connection, Version("session", "x_1", 1))
    assert record_newest(connection, Version("user", "x_2", 1))
    assert record_newest(connection, Version("user", "x_1", 1), "mailing")
    assert not record_newest(connection, Version("user", "x_1", 1), scope="mailing")
    assert [(kind, id_) for kind, id_, _ in rows(connection)] == [
        ("session", "x_1"),
        ("user", "x_1"),
        ("user", "x_2"),
        ("user.mailing", "x_1"),
    ]


def test_a_message_is_handled_once(connection):
    assert record_once(connection, CREATED) is True
    assert record_once(connection, CREATED) is False
    assert record_once(connection, "msg_0") is False
    assert record_once(connection, UPDATED) is True
    assert record_once(connection, CREATED, "mailing") is True
    assert record_once(connection, "msg_0", scope="mailing") is False
    zero = "000000000000000.000000000000000."
    assert rows(connection) == [
        (".message", "msg_0", zero),
        (".message", "msg_1", zero),
        (".message.mailing", "msg_0", zero),
    ]


SCOPES = ["", "s", ".s", "message", ".message", "message.s"]


@pytest.mark.parametrize("kind", ["message", "user"])
@pytest.mark.parametrize("scope", SCOPES)
def test_no_record_of_one_gate_and_scope_is_taken_for_another(kind, scope, connection):
    for other in SCOPES:
        assert record_once(connection, "x_1", other)
    assert record_newest(connection, Version(kind, "x_1", 1), scope)
    connection.execute("UPDATE clerk_webhook_inbox SET seen_at = 0")
    purge(connection, 0)
    assert not record_newest(connection, Version(kind, "x_1", 1), scope)
    for other in SCOPES:
        assert record_once(connection, "x_1", other)
        assert record_newest(connection, Version(kind, "x_1", 1), other) == (other != scope)


@pytest.mark.parametrize("kind", ["", "user.mailing", ".message"])
def test_a_kind_that_could_be_taken_for_a_scope_is_refused(kind, connection):
    says = '^The kind of a Version is the part of the event type before the dot: "user".$'
    with pytest.raises(ValueError, match=says):
        Version(kind, "x_1", 1).statement()
    with pytest.raises(ValueError, match=says):
        record_newest(connection, Version(kind, "x_1", 1))


@pytest.mark.parametrize("event", ["", user_event("user.created")])
def test_a_message_without_an_id_is_refused(event, connection):
    cure = r"^The event has no message id\. parse_event\(payload, message_id=message_id\) keeps it\.$"
    with pytest.raises(ValueError, match=cure):
        record_once(connection, event)


def test_a_rollback_takes_the_record_back(connection):
    connection.commit()
    assert record_newest(connection, CREATED)
    connection.rollback()
    assert record_newest(connection, CREATED)
    connection.commit()
    connection.rollback()
    assert not record_newest(connection, CREATED)


def test_a_record_says_when_it_was_written_in_seconds(connection):
    def seen_at():
        return connection.execute("SELECT seen_at FROM clerk_webhook_inbox").fetchone()[0]

    record_newest(connection, CREATED)
    assert time.time() - 60 < seen_at() <= time.time()
    connection.execute("UPDATE clerk_webhook_inbox SET seen_at = 1")
    assert not record_newest(connection, CREATED)
    assert seen_at() == 1
    assert record_newest(connection, LATER)
    assert seen_at() > 1


def test_the_table_can_be_created_again_and_demands_everything(connection):
    record_newest(connection, CREATED)
    connection.execute(CREATE_TABLE)
    assert len(rows(connection)) == 1
    columns = connection.execute(
        "SELECT name, lower(type), \"notnull\", pk FROM pragma_table_info('clerk_webhook_inbox')"
    )
    assert columns.fetchall() == [
        ("kind", "text", 1, 1),
        ("id", "text", 1, 2),
        ("version", "text", 1, 0),
        ("seen_at", "bigint", 1, 0),
    ]


def test_a_row_comes_back_although_none_is_counted(connection):
    cursor = connection.execute(*Version.of(CREATED).statement("qmark"))
    assert cursor.rowcount < 1
    assert cursor.fetchone() is not None
    assert not record_newest(connection, CREATED)


@pytest.mark.parametrize("age", [timedelta(days=90), 90 * 86400, 90 * 86400.0])
def test_the_purge_forgets_old_messages_and_no_deletion(age, connection):
    record_newest(connection, DELETED)
    record_newest(connection, DELETED, "mailing")
    record_once(connection, "msg_old")
    record_once(connection, "msg_old", "mailing")
    connection.execute("UPDATE clerk_webhook_inbox SET seen_at = seen_at - 91 * 86400")
    record_once(connection, "msg_new")
    assert purge(connection, age) == 2
    assert [kind for kind, *_ in rows(connection)] == [".message", "user", "user.mailing"]
    assert record_once(connection, "msg_old")
    assert not record_once(connection, "msg_new")
    assert not record_newest(connection, LATER)


@pytest.mark.parametrize("age", [-1, float("nan"), timedelta(days=-1)])
def test_a_purge_of_what_is_still_to_come_is_refused(age, connection):
    record_once(connection, "msg_1")
    with pytest.raises(ValueError, match=r"^older_than must not be negative: it is the age of a record, in seconds\.$"):
        purge(connection, age)
    assert not record_once(connection, "msg_1")


@pytest.mark.parametrize("age", [float("inf"), 1e30, timedelta.max])
def test_nothing_is_older_than_everything(age, connection):
    record_once(connection, "msg_1")
    assert purge(connection, age) == 0


@pytest.mark.parametrize("age", ["90d", None, datetime.now(UTC)])
def test_an_age_of_another_type_is_named_by_its_type(age, connection):
    with pytest.raises(
        TypeError, match=f"^older_than must be a number of seconds or a timedelta, not {type(age).__name__}"
    ):
        purge(connection, age)


class OddCursor(sqlite3.Cursor):
    """A cursor of an application: it gives rows one by one."""

    def fetchall(self):
        return iter(super().fetchall())


class OddConnection(sqlite3.Connection):
    def cursor(self):
        return super().cursor(OddCursor)


@pytest.mark.parametrize(
    "row_factory",
    [sqlite3.Row, lambda cursor, row: dict(enumerate(row)), lambda cursor, row: None, lambda cursor, row: 0],
)
@pytest.mark.parametrize("text_factory", [str, bytes, lambda text: None])
def test_factories_and_classes_of_the_callers_do_not_matter(row_factory, text_factory):
    with closing(sqlite3.connect(":memory:", factory=OddConnection)) as connection:
        connection.execute(CREATE_TABLE)
        connection.row_factory, connection.text_factory = row_factory, text_factory
        for target in (connection, connection.cursor()):
            assert record_newest(target, CREATED, str(target)) is True
            assert record_newest(target, CREATED, str(target)) is False
        assert (connection.row_factory, connection.text_factory) == (row_factory, text_factory)


def test_the_proxies_of_tracing_tools_are_connections(connection):
    traced = Traced(connection)
    traced.text_factory = bytes
    for target in (traced, traced.cursor()):
        assert record_newest(target, CREATED, str(target)) is True
        assert record_newest(target, CREATED, str(target)) is False
    assert connection.text_factory is bytes


# Autocommit.


def test_the_statement_is_complete_before_the_commit(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute(CREATE_TABLE)
        cursor = connection.cursor()
        assert record_newest(cursor, CREATED)
        connection.commit()
        with closing(sqlite3.connect(tmp_path / "a.db", timeout=0)) as other:
            assert not record_newest(other, CREATED)


@pytest.mark.parametrize("gate", [record_newest, record_once])
def test_autocommit_is_refused_before_anything_is_executed(gate):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for target in (connection, connection.cursor()):
            with pytest.raises(RuntimeError, match=r'would be lost\. Execute "BEGIN IMMEDIATE" first\.$'):
                gate(target, CREATED)  # the table does not exist, and nobody noticed
        connection.execute(CREATE_TABLE)
        connection.execute("BEGIN IMMEDIATE")
        assert gate(connection, CREATED)
        connection.rollback()
        connection.execute("BEGIN")
        assert gate(connection.cursor(), CREATED)


if sys.version_info >= (3, 12):  # which brought the attribute

    @pytest.mark.parametrize("isolation_level", [None, ""])
    def test_autocommit_by_the_attribute_of_python_3_12_is_refused_too(isolation_level):
        with closing(sqlite3.connect(":memory:", autocommit=True, isolation_level=isolation_level)) as connection:
            with pytest.raises(RuntimeError, match="autocommit"):
                record_newest(connection, CREATED)
            connection.autocommit = False
            connection.execute(CREATE_TABLE)
            assert record_newest(connection, CREATED)
            connection.rollback()
            connection.execute(CREATE_TABLE)
            assert record_newest(connection, CREATED)


# Other objects.


@pytest.mark.parametrize(
    "connection",
    [
        "postgresql://",
        3,
        sqlite3,
        sqlite3.connect,
        SimpleNamespace(execute=None, in_transaction=True, isolation_level=""),
    ],
)
def test_anything_but_a_connection_is_refused(connection):
    with pytest.raises(TypeError) as caught:
        record_newest(connection, CREATED)
    kind = type(connection)
    assert str(caught.value) == (
        f"The inbox does not know how to execute over {kind.__module__}.{kind.__qualname__}. It takes a session, "
        "connection or cursor of SQLAlchemy, psycopg, psycopg2, asyncpg, sqlite3, aiosqlite or Django. "
        "Version.statement() is for other drivers."
    )


def test_a_transaction_is_told_that_a_connection_is_wanted():
    """`transaction=session.begin` gives one to the handlers, and so does psycopg's `connection.transaction`."""
    with pytest.raises(
        TypeError, match=r"The with statement has to give one, as sessionmaker\(engine\)\.begin and pool"
    ):
        record_newest(type("SessionTransaction", (), {})(), CREATED)


@pytest.mark.parametrize("record", [record_newest, record_once, mirror.Mirror().apply])
@pytest.mark.parametrize("event", [CREATED.data, CREATED.payload, sqlite3, None, Version("user", "user_1", 1)])
def test_anything_but_an_event_is_refused(record, event, connection):
    if record is record_newest and isinstance(event, Version):
        return
    with pytest.raises(TypeError, match=rf"^An event is wanted, not {type(event).__name__}: parse_event\(payload, me"):
        record(connection, event)


def test_a_transaction_that_gives_no_connection_is_told_which_one_of_django_does():
    with pytest.raises(
        TypeError, match=r"transaction\.atomic gives None: clerk_webhook\.django\.atomic\(\) gives its con"
    ):
        record_newest(None, CREATED)


def test_other_objects_of_sqlite3_are_refused(connection):
    connection.execute("CREATE TABLE blobs (value)")
    connection.execute("INSERT INTO blobs VALUES (zeroblob(1))")
    with connection.blobopen("blobs", "value", 1) as blob, pytest.raises(TypeError, match=r"over sqlite3\.Blob\."):
        record_newest(blob, CREATED)


def test_a_driver_of_mysql_is_refused_by_name():
    connection = type("Connection", (), {"__module__": "pymysql.connections"})()
    with pytest.raises(RuntimeError) as caught:
        record_newest(connection, CREATED)
    assert str(caught.value) == (
        "MySQL or MariaDB has no ON CONFLICT ... RETURNING as PostgreSQL and SQLite have it, and the inbox is made of "
        "it. Connect to one of the two, or use a store for messages: clerk_webhook.stores."
    )


def test_the_answer_over_an_async_connection_is_awaited(connection):
    async def story():
        answer = record_newest(AsyncConnection(connection), CREATED)
        assert type(answer) is AwaitableBool
        return await answer, await record_newest(AsyncConnection(connection), CREATED)

    assert asyncio.run(story()) == (True, False)


def test_a_forgotten_await_is_an_error_and_leaves_no_warning():
    async def answer():
        raise AssertionError

    forgotten = AwaitableBool(answer())
    with pytest.raises(TypeError) as caught:
        bool(forgotten)
    assert str(caught.value) == (
        "The answer over an async connection must be awaited, as in `if await record_newest(...)`."
    )


# Transactions on a file.


def test_a_transaction_is_committed_at_its_end_and_rolled_back_by_an_exception(tmp_path):
    transaction = sqlite_transactions(tmp_path / "app.db")
    with transaction() as connection:
        connection.execute(CREATE_TABLE)
    with suppress(KeyboardInterrupt), transaction() as connection:
        assert record_newest(connection, CREATED)
        raise KeyboardInterrupt
    with transaction() as connection:
        assert record_newest(connection, CREATED)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
    with transaction() as connection:
        assert not record_newest(connection, CREATED)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_transaction_holds_the_lock_from_its_begin_and_lets_others_read(tmp_path):
    transaction = sqlite_transactions(str(tmp_path / "app.db"))
    with transaction() as connection:
        connection.execute(CREATE_TABLE)
    with transaction(), closing(sqlite3.connect(tmp_path / "app.db", timeout=0)) as other:
        assert other.execute("SELECT * FROM clerk_webhook_inbox").fetchall() == []
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


def test_many_threads_wait_for_each_other_from_the_first_transaction_on(tmp_path):
    transaction = sqlite_transactions(tmp_path / "app.db")

    def work(number):
        with transaction() as connection:
            connection.execute(CREATE_TABLE)
            return record_once(connection, f"msg_{number % 10}")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(80))) == 10


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transaction = sqlite_transactions("app.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    with transaction():
        pass
    assert (tmp_path / "app.db").exists()


@pytest.mark.parametrize("path", [":memory:", "", "file::memory:?cache=shared"])
def test_a_database_in_memory_is_refused(path):
    with pytest.raises(ValueError, match=r"^sqlite_transactions needs a file, .* in memory of its own\.$"):
        sqlite_transactions(path)


def test_a_url_is_no_path():
    with pytest.raises(ValueError, match=r'^The path of a file is wanted, such as "app\.db", and not a URL\.$'):
        sqlite_transactions("sqlite:///app.db")


def test_no_driver_is_imported():
    drivers = {"sqlite3", "sqlalchemy", "psycopg", "psycopg2", "asyncpg", "aiosqlite", "django"}
    assert drivers & imported("clerk_webhook.inbox") == set()
