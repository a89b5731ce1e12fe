"""The inbox over sqlite3, and over connections that have the shape of each library's. tests/services has real ones."""

import asyncio
import re
import sqlite3
import sys
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from histories import CREATE_USERS, NOON, Mirror, MirrorMachine, check_every_order, history, rank, user_event
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import python

from clerk_webhook import events, inbox, parse_event
from clerk_webhook.inbox import CREATE_TABLE, AwaitableBool, Version, record_newest, record_once
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


@pytest.mark.parametrize(
    ("sent", "milliseconds"),
    [
        (NOON, NOON),
        (0, 0),
        (10**15 - 1, 10**15 - 1),
        (10**15, 0),
        (-1, 0),
        (None, 0),
        (True, 0),
        (float(NOON), 0),
        (str(NOON), 0),
    ],
)
def test_a_time_that_is_not_an_integer_in_range_counts_as_missing(sent, milliseconds):
    assert Version.of(user_event("user.updated", updated_at=sent)).updated_at == milliseconds
    assert Version.of(user_event("user.updated", timestamp=sent)).timestamp == milliseconds


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
    assert parameters[:3] == ("user:mailing", "user_1", "000000000000003.000000000000020.msg_1")
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
    with pytest.raises(ValueError, match="milliseconds"):
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
        ("user:mailing", "x_1"),
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
        ("message:", "msg_0", zero),
        ("message:", "msg_1", zero),
        ("message:mailing", "msg_0", zero),
    ]


def test_newest_and_once_do_not_know_of_each_other(connection):
    assert record_once(connection, CREATED)
    assert record_newest(connection, CREATED)


@pytest.mark.parametrize("event", ["", user_event("user.created")])
def test_a_message_without_an_id_is_refused(event, connection):
    with pytest.raises(ValueError, match="no message id"):
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


def test_the_purge_forgets_old_messages_and_no_deletion(connection):
    record_newest(connection, DELETED)
    record_once(connection, "msg_old")
    record_once(connection, "msg_old", "mailing")
    connection.execute("UPDATE clerk_webhook_inbox SET seen_at = seen_at - 91 * 86400")
    record_once(connection, "msg_new")
    purge = "DELETE FROM clerk_webhook_inbox WHERE kind LIKE 'message:%' AND seen_at < ?"
    assert connection.execute(purge, (time.time() - 90 * 86400,)).rowcount == 2
    assert record_once(connection, "msg_old")
    assert not record_once(connection, "msg_new")
    assert not record_newest(connection, LATER)


@pytest.mark.parametrize("row_factory", [None, sqlite3.Row, lambda cursor, row: dict(enumerate(row))])
def test_a_row_factory_does_not_matter(row_factory, connection):
    connection.row_factory = row_factory
    assert record_newest(connection, CREATED) is True
    assert record_newest(connection, CREATED) is False


# Autocommit.


def test_the_statement_is_complete_before_the_commit(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute(CREATE_TABLE)
        cursor = connection.cursor()
        assert record_newest(cursor, CREATED)
        connection.commit()
        with closing(sqlite3.connect(tmp_path / "a.db", timeout=0)) as other:
            assert not record_newest(other, CREATED)


@pytest.mark.parametrize("gate", [newest, once])
def test_autocommit_is_refused_before_anything_is_executed(gate):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for target in (connection, connection.cursor()):
            with pytest.raises(RuntimeError, match="BEGIN IMMEDIATE"):
                gate(target, CREATED)  # the table does not exist, and nobody noticed
        connection.execute(CREATE_TABLE)
        connection.execute("BEGIN IMMEDIATE")
        assert gate(connection, CREATED)
        connection.rollback()
        connection.execute("BEGIN")
        assert gate(connection.cursor(), CREATED)


@pytest.mark.parametrize(
    ("isolation_level", "attribute", "in_transaction", "fine"),
    [
        ("", {}, False, True),
        ("", {"autocommit": -1}, False, True),
        (None, {"autocommit": -1}, False, False),
        (None, {"autocommit": -1}, True, True),
        ("", {"autocommit": True}, False, False),
        ("", {"autocommit": True}, True, True),
        ("", {"autocommit": False}, True, True),
    ],
)
def test_each_mode_of_sqlite3_is_autocommit_or_is_not(isolation_level, attribute, in_transaction, fine, connection):
    mode = SimpleNamespace(isolation_level=isolation_level, in_transaction=in_transaction, **attribute)
    cursor = SimpleNamespace(connection=mode, execute=connection.execute)
    if fine:
        assert record_newest(cursor, CREATED)
    else:
        with pytest.raises(RuntimeError, match="autocommit"):
            record_newest(cursor, CREATED)


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


# Connections in the shape of each library's, on SQLite: what each is asked, and that nothing else is asked before.


class Database:
    """An SQLite database behind a driver that understands every style of parameters."""

    def __init__(self, *, autocommit=False, status=0):
        self.autocommit = autocommit
        self.info = SimpleNamespace(transaction_status=status)
        self.sqlite = sqlite3.connect(":memory:", isolation_level=None if autocommit else "")
        self.sqlite.execute(CREATE_TABLE)
        self.executed = []

    def execute(self, sql, parameters):
        self.executed.append(sql)
        self.row = self.sqlite.execute(re.sub(r"%s|\$\d", "?", sql), parameters).fetchone()
        return SimpleNamespace(first=self.fetchone)

    def fetchone(self):
        return self.row

    async def execute_async(self, *statement):
        return self.execute(*statement)

    async def fetchone_async(self):
        return self.row


def sqlalchemy_aiosqlite(database):
    """Return an adapter, whose connection tells nothing about autocommit: the connection's own thread can tell."""
    connection = aiosqlite(database, _conn=database.sqlite)
    return SimpleNamespace(run_async=lambda function: asyncio.run(function(connection)))


def sqlalchemy_connection(database, name="postgresql", driver="psycopg", *, begun=False):
    begun = [None] if begun else []

    def execute(*statement):
        assert begun == [None]
        return database.execute(*statement)

    return SimpleNamespace(
        dialect=SimpleNamespace(name=name, driver=driver, is_async=driver == "aiosqlite"),
        # Autocommit is known to the first for PostgreSQL (an adapter, for asyncpg), and to the second for pysqlite.
        connection=SimpleNamespace(
            dbapi_connection=sqlalchemy_aiosqlite(database) if driver == "aiosqlite" else database,
            driver_connection=database.sqlite if driver == "pysqlite" else None,
        ),
        in_transaction=lambda: bool(begun),
        begin=lambda: begun.append(None),
        exec_driver_sql=execute,
    )


def session(database, **dialect):
    return SimpleNamespace(get_bind=None, connection=lambda: sqlalchemy_connection(database, **dialect))


def asynchronous(sync):
    async def run_sync(function, *arguments):
        return function(sync, *arguments)

    return SimpleNamespace(run_sync=run_sync, get_bind=None, exec_driver_sql=None)


class Scoped:
    session_factory = None
    get_bind = None

    def __init__(self, session):
        self.session = session

    def __call__(self):
        return self.session


def asyncpg(database):
    async def fetchrow(sql, *parameters):
        database.execute(sql, parameters)
        return database.row

    return SimpleNamespace(is_in_transaction=lambda: not database.autocommit, fetchrow=fetchrow)


def cursor(database, **others):
    return SimpleNamespace(execute=database.execute, fetchone=database.fetchone, **others)


def async_cursor(database, **others):
    return SimpleNamespace(__aenter__=None, execute=database.execute_async, fetchone=database.fetchone_async, **others)


def psycopg(database, make=cursor):
    return SimpleNamespace(
        set_isolation_level=None, autocommit=database.autocommit, info=database.info, cursor=lambda: make(database)
    )


def django(database):
    return SimpleNamespace(
        connection=None, get_autocommit=lambda: database.autocommit, cursor=lambda: django_cursor(database)
    )


def django_cursor(database):
    return cursor(database, db=SimpleNamespace(get_autocommit=lambda: database.autocommit), connection=database.sqlite)


def aiosqlite(database, **others):
    async def execute(function, *arguments):
        return function(*arguments)

    return SimpleNamespace(_execute=execute, **others)


SHAPES = {
    "SQLAlchemy Connection": sqlalchemy_connection,
    "SQLAlchemy Connection that has begun": lambda database: sqlalchemy_connection(database, begun=True),
    "SQLAlchemy Session": session,
    "SQLAlchemy scoped_session": lambda database: Scoped(session(database)),
    "SQLAlchemy AsyncConnection": lambda database: asynchronous(sqlalchemy_connection(database, driver="asyncpg")),
    "SQLAlchemy AsyncSession": lambda database: asynchronous(session(database, driver="asyncpg")),
    "SQLAlchemy async_scoped_session": lambda database: Scoped(asynchronous(session(database))),
    "SQLAlchemy Session on SQLite": lambda database: session(database, name="sqlite", driver="pysqlite"),
    "SQLAlchemy Session on aiosqlite": lambda database: session(database, name="sqlite", driver="aiosqlite"),
    "asyncpg": asyncpg,
    "psycopg connection": psycopg,
    "psycopg cursor": lambda database: cursor(database, connection=psycopg(database)),
    "psycopg async connection": lambda database: psycopg(database, async_cursor),
    "psycopg async cursor": lambda database: async_cursor(database, connection=psycopg(database, async_cursor)),
    "Django connection": django,
    "Django cursor": django_cursor,
    "aiosqlite connection": lambda database: aiosqlite(database, in_transaction=None, _conn=database.sqlite),
    "aiosqlite cursor": lambda database: aiosqlite(database, connection=database.sqlite),
}
PARAMSTYLES = {
    "SQLAlchemy AsyncConnection": "numeric_dollar",
    "SQLAlchemy AsyncSession": "numeric_dollar",
    "SQLAlchemy Session on SQLite": "qmark",
    "SQLAlchemy Session on aiosqlite": "qmark",
    "asyncpg": "numeric_dollar",
}


def settled(answer):
    async def awaited():
        return await answer

    return asyncio.run(awaited()) if isinstance(answer, AwaitableBool) else answer


@pytest.fixture(params=SHAPES)
def shape(request):
    return request.param


def test_each_kind_of_connection_gives_the_same_answers(shape):
    database = Database()
    connection = SHAPES[shape](database)
    answers = [record_newest(connection, event) for event in (UPDATED, UPDATED, CREATED, DELETED, LATER)]
    assert [settled(answer) for answer in answers] == [True, False, False, True, False]
    assert settled(record_newest(connection, CREATED, "mailing")) is True
    assert [settled(record_once(connection, CREATED)) for _ in range(2)] == [True, False]
    database.sqlite.rollback()
    assert settled(record_newest(connection, CREATED)) is True
    if not shape.startswith("aiosqlite"):  # there the statement is executed by sqlite3 itself
        assert {*database.executed} == {Version("", "", 0).statement(PARAMSTYLES.get(shape, "format"))[0]}
    database.sqlite.close()


def test_each_kind_of_connection_in_autocommit_is_refused_before_anything_is_executed(shape):
    database = Database(autocommit=True)
    connection = SHAPES[shape](database)
    for gate in (newest, once):
        with pytest.raises(RuntimeError, match="autocommit"):
            settled(gate(connection, CREATED))
    assert database.executed == rows(database.sqlite) == []
    database.sqlite.close()


@pytest.mark.parametrize(("status", "fine"), [(0, False), (1, False), (2, True), (3, True)])
def test_psycopg_in_autocommit_inside_a_transaction_is_fine(status, fine):
    database = Database(autocommit=True, status=status)
    for connection in (psycopg(database), cursor(database, connection=psycopg(database))):
        if fine:
            assert record_newest(connection, CREATED, str(connection))
        else:
            with pytest.raises(RuntimeError, match="autocommit"):
                record_newest(connection, CREATED)
    database.sqlite.close()


def test_a_forgotten_await_is_an_error_and_executes_nothing(shape):
    database = Database()
    answer = record_newest(SHAPES[shape](database), CREATED)
    if isinstance(answer, AwaitableBool):
        with pytest.raises(TypeError, match="await newest"):
            bool(answer)
        assert database.executed == rows(database.sqlite) == []
    assert isinstance(answer, AwaitableBool) == ("async" in shape.lower() or shape.startswith("aiosqlite"))
    database.sqlite.close()


@pytest.mark.parametrize(
    "connection",
    [
        None,
        "postgresql://",
        3,
        sqlite3,
        SimpleNamespace(connect=None),
        SimpleNamespace(autocommit=None, execute=None),
    ],
)
def test_anything_but_a_connection_is_refused(connection):
    with pytest.raises(TypeError, match=rf"over {type(connection).__name__}\. Use Version\.statement"):
        record_newest(connection, CREATED)


def test_all_names_that_are_defined_here_are_public_or_have_an_underscore():
    defined = {name for name, value in vars(inbox).items() if getattr(value, "__module__", None) == inbox.__name__}
    assert {name for name in defined if not name.startswith("_")} | {"CREATE_TABLE"} == {*inbox.__all__}


@pytest.mark.parametrize("module", ["sqlite3", "sqlalchemy", "psycopg", "psycopg2", "asyncpg", "aiosqlite", "django"])
def test_no_driver_is_imported(module):
    assert python(f"import sys, clerk_webhook.inbox; print({module!r} in sys.modules)") == "False"
