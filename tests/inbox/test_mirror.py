"""The mirror over sqlite3. tests/services has the other libraries, and PostgreSQL."""

import json
import sqlite3
import sys
from contextlib import closing
from functools import partial, update_wrapper
from operator import methodcaller
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from histories import HISTORIES, arrivals, history, user_event
from hypothesis import settings
from mirroring import MIRROR, Mirroring, MirroringMachine

from clerk_webhook import Handlers, parse_event
from clerk_webhook.inbox import sqlite_transactions
from clerk_webhook.mirror import MEMBERSHIP_COLUMNS, USER_COLUMNS, Mirror
from clerk_webhook.testing import sample, sample_event
from clerk_webhook.types import UserJSON

if TYPE_CHECKING:
    from elsewhere import Plan

CREATED, UPDATED, LATER, DELETED = history("user.created", "user.updated", "user.updated", "user.deleted")


def open_tables(mirror=MIRROR):
    connection = sqlite3.connect(":memory:")
    for statement in mirror.create_tables:
        connection.execute(statement)
    return connection


@pytest.fixture
def connection():
    with closing(open_tables()) as connection:
        yield connection


def users(connection, columns="*"):
    return connection.execute(f"SELECT {columns} FROM clerk_users ORDER BY id").fetchall()


def columns_of(connection, table):
    rows = connection.execute('SELECT name, lower(type), "notnull", pk FROM pragma_table_info(?)', (table,))
    return {name: (sql_type, notnull, pk) for name, sql_type, notnull, pk in rows}


# Tables.


def test_the_default_tables_have_few_columns():
    with closing(open_tables(Mirror())) as connection:
        own = {"id": ("text", 1, 1), "version": ("text", 1, 0), "seen_at": ("bigint", 1, 0)}
        text = ("text", 0, 0)
        assert columns_of(connection, "clerk_users") == own | {"email": text, "first_name": text, "last_name": text}
        assert columns_of(connection, "clerk_organizations") == own | {"name": text, "slug": text}
        assert columns_of(connection, "clerk_memberships") == own | {
            "organization_id": text,
            "user_id": text,
            "role": text,
        }
        indexed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        assert {name for (name,) in indexed} == {"clerk_memberships_organization", "clerk_memberships_user"}


def test_tables_can_be_made_again_and_have_the_prefix():
    mirror = Mirror(prefix="staging_")
    with closing(open_tables(mirror)) as connection:
        mirror.apply(connection, CREATED)
        for statement in mirror.create_tables:
            connection.execute(statement)
        assert connection.execute("SELECT id FROM staging_users").fetchall() == [("user_1",)]


def as_int(user) -> int | None:
    return user.get("n")


def as_json(user) -> dict[str, Any] | None:
    return user.get("n")


def as_text(user) -> "str | None":
    return user.get("n")


Numbers = list[int]


def as_module_says(user) -> "Numbers":
    return user.get("n")


def as_typed(user) -> UserJSON | None:
    return user.get("n")


def as_float(user) -> float:
    return user.get("n")


@pytest.mark.parametrize(
    ("source", "sql_type"),
    [
        ("first_name", "text"),
        ("created_at", "bigint"),
        ("banned", "boolean"),
        ("public_metadata", "jsonb"),
        ("email_addresses", "jsonb"),
        ("object", "text"),
        (lambda user: user["id"], "text"),
        (as_text, "text"),
        (methodcaller("get", "id"), "text"),
        (update_wrapper(partial(as_text), as_text), "text"),
        (as_module_says, "jsonb"),
        (as_typed, "jsonb"),
        (as_int, "bigint"),
        (as_json, "jsonb"),
        (as_float, "double precision"),
    ],
)
def test_a_column_has_the_type_of_its_key_or_function(source, sql_type):
    with closing(open_tables(Mirror(users={"n": source}))) as connection:
        assert columns_of(connection, "clerk_users")["n"] == (sql_type, 0, 0)


if sys.version_info >= (3, 14):  # which evaluates annotations when somebody asks

    def test_what_a_function_takes_may_be_known_to_type_checkers_alone():
        namespace = {}
        exec("def as_int(user: UserJSON) -> int: ...", namespace)
        with closing(open_tables(Mirror(users={"n": namespace["as_int"]}))) as connection:
            assert columns_of(connection, "clerk_users")["n"] == ("bigint", 0, 0)


def from_elsewhere(user) -> "Plan":
    raise NotImplementedError


def as_either(user) -> int | str:
    raise NotImplementedError


def as_bytes(user) -> bytes:
    raise NotImplementedError


def as_nothing(user) -> None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"prefix": 'a"; --'}, ValueError, "prefix must be"),
        ({"prefix": ""}, ValueError, "prefix must be"),
        ({"prefix": "Clerk_"}, ValueError, "lower-case"),
        ({"prefix": "a" * 31}, ValueError, "at most 30"),
        ({"users": {"first name": "first_name"}}, ValueError, "clerk_users must be a lower-case identifier"),
        ({"users": {"firstName": "first_name"}}, ValueError, "lower-case"),
        ({"users": {'"': "first_name"}}, ValueError, "lower-case"),
        ({"users": {"prénom": "first_name"}}, ValueError, "lower-case"),
        ({"users": {"a" * 64: "first_name"}}, ValueError, "lower-case"),
        ({"users": {"version": "first_name"}}, ValueError, "a column version of its own"),
        ({"organizations": {"id": "name"}}, ValueError, "clerk_organizations has a column id"),
        ({"memberships": {"user_id": "role"}}, ValueError, "clerk_memberships has a column user_id"),
        ({"users": {"name": "fist_name"}}, ValueError, "'fist_name' is no key"),
        ({"organizations": {"name": "first_name"}}, ValueError, "'first_name' is no key"),
        ({"users": {"name": 3}}, TypeError, "a key or a function, not int"),
        ({"users": {"name": None}}, TypeError, "a key or a function"),
        ({"users": {"name": str}}, TypeError, r"^name of clerk_users must be a key or a function, not type\.$"),
        ({"users": ["id", "email"]}, TypeError, r"^The columns of clerk_users must be a mapping.*, not list\.$"),
        ({"organizations": None}, TypeError, r"^The columns of clerk_organizations must be a mapping.*, not NoneType"),
        ({"users": {"plan": from_elsewhere}}, ValueError, "plan of clerk_users: .* at run time: name 'Plan'"),
        ({"users": {"plan": as_either}}, ValueError, "made of one of str, int"),
        ({"users": {"plan": as_bytes}}, ValueError, "made of one of str, int"),
        (
            {"users": {"plan": as_nothing}},
            ValueError,
            r"^plan of clerk_users must be made of one of str, .*: give a function that is annotated with it\.$",
        ),
    ],
)
def test_a_mistake_in_the_arguments_is_an_error_at_construction(options, error, message):
    with pytest.raises(error, match=message):
        Mirror(**options)


def test_words_of_sql_may_be_columns():
    mirror = Mirror(users={"order": "first_name", "user": "last_name"}, prefix="group_")
    with closing(open_tables(mirror)) as connection:
        assert mirror.apply(connection, CREATED)
        assert connection.execute('SELECT "order", "user" FROM group_users').fetchall() == [("name 0", None)]


# One event.


@pytest.mark.parametrize(
    ("kind", "most_duplicates", "orders"),
    [("user", 1, 622), ("organization", 0, 63), ("organizationMembership", 0, 63)],
)
def test_every_arrival_order_of_four_events_ends_in_the_same_row(kind, most_duplicates, orders):
    mirror = Mirror(users={"name": "first_name"}, organizations={"name": "name"}, memberships={"name": "role"})
    table = {"user": "users", "organization": "organizations", "organizationMembership": "memberships"}[kind]
    count = 0
    with closing(open_tables(mirror)) as connection:
        for events in HISTORIES:
            last = events[-1].data["first_name"]
            for arrived in arrivals(events, most_duplicates):
                count += 1
                for event in arrived:
                    name = event.data["first_name"]
                    data = {**event.data, "id": f"x_{count}", "name": name, "role": name}
                    body = {**event.payload, "type": event.type.replace("user", kind), "data": data}
                    mirror.apply(connection, parse_event(body, message_id=event.message_id))
                sql = f"SELECT name, version = 'deleted' FROM clerk_{table} WHERE id = ?"
                assert connection.execute(sql, (f"x_{count}",)).fetchall() == [(last, last is None)], arrived
    assert count == orders


class SQLiteMachine(MirroringMachine):
    def open(self):
        return Mirroring(open_tables())

    def teardown(self):
        super().teardown()
        self.mirror.connection.close()


TestMirroring = SQLiteMachine.TestCase
TestMirroring.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def test_a_deletion_empties_the_row_and_keeps_the_id():
    mirror = Mirror()
    with closing(open_tables(mirror)) as connection:
        membership = sample_event("organizationMembership.created")
        assert mirror.apply(connection, membership)
        organization, user = membership.data["organization"]["id"], membership.data["public_user_data"]["user_id"]
        rows = "SELECT id, organization_id, user_id, role FROM clerk_memberships"
        assert connection.execute(rows).fetchall() == [(membership.data["id"], organization, user, "org:admin")]
        assert mirror.apply(connection, sample_event("organizationMembership.deleted", id=membership.data["id"]))
        assert connection.execute(rows).fetchall() == [(membership.data["id"], None, None, None)]
        assert not mirror.apply(connection, membership)


@pytest.mark.parametrize("data", [{}, {"organization": None}, {"organization": [], "public_user_data": "user_1"}])
def test_a_membership_without_its_parts_has_a_row_all_the_same(data, connection):
    event = parse_event({"type": "organizationMembership.created", "data": {"id": "orgmem_1", **data}})
    assert MIRROR.apply(connection, event)
    assert connection.execute("SELECT organization_id, user_id FROM clerk_memberships").fetchall() == [(None, None)]


@pytest.mark.parametrize("event_type", ["session.created", "organizationDomain.created", "email.created"])
def test_other_events_are_not_applied(event_type, connection):
    assert MIRROR.apply(connection, sample_event(event_type)) is False


@pytest.mark.parametrize("wire_type", ["user.merged", "user", "user.created.twice", "organization.deleted.soon"])
def test_types_newer_than_this_release_are_not_applied(wire_type, connection):
    assert MIRROR.apply(connection, parse_event({"type": wire_type, "data": {"id": "user_1"}})) is False
    assert users(connection) == []


def test_an_event_without_an_id_is_refused(connection):
    with pytest.raises(ValueError, match=r"no data\.id"):
        MIRROR.apply(connection, parse_event({"type": "user.created", "data": {}}))


def test_autocommit_is_refused_for_events_that_are_not_applied_too():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for event in (CREATED, sample_event("session.created")):
            with pytest.raises(RuntimeError, match="autocommit"):
                MIRROR.apply(connection, event)


# Values.


@pytest.mark.parametrize(
    ("source", "value", "stored"),
    [
        (as_text, "Ada", "Ada"),
        (as_text, "A\0da \ud800", "A\ufffdda \ufffd"),
        (as_text, 5, "5"),
        (lambda user: user["n"], {"a": ["\0"]}, '{"a": ["\\u0000"]}'),
        (as_int, 5, 5),
        (as_int, True, 1),
        (as_int, "5", None),
        (as_int, 5.0, None),
        (as_int, 2**63 - 1, 2**63 - 1),
        (as_int, 2**63, None),
        (as_int, -(2**63), -(2**63)),
        (as_int, -(2**63) - 1, None),
        (as_float, 5, 5.0),
        (as_float, 0.5, 0.5),
        (as_float, "x", None),
        (as_json, {"a": [1, None, "é"]}, '{"a": [1, null, "é"]}'),
        (as_json, [], "[]"),
        (as_json, "x", None),
        (
            as_json,
            {"a\0": "\\u0000 \\\0 \ud800"},
            json.dumps({"a\ufffd": "\\u0000 \\\ufffd \ufffd"}, ensure_ascii=False),
        ),
        *((source, None, None) for source in (as_text, as_int, as_float, as_json)),
    ],
)
def test_a_value_is_stored_as_its_column_takes_it(source, value, stored):
    mirror = Mirror(users={"n": source})
    with closing(open_tables(mirror)) as connection:
        mirror.apply_many(connection, "user", [{"id": "user_1", "n": value}])
        assert users(connection, "n") == [(stored,)]


@pytest.mark.parametrize(("value", "stored"), [(True, 1), (False, 0), (None, None), ("yes", None), (1, None)])
def test_a_boolean_is_stored_as_one(value, stored):
    mirror = Mirror(users={"n": "banned"})
    with closing(open_tables(mirror)) as connection:
        mirror.apply(connection, parse_event({"type": "user.created", "data": {"id": "user_1", "banned": value}}))
        assert users(connection, "n") == [(stored,)]


def nested():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [1, float("nan"), {"ada@example.com"}, nested()])
def test_a_function_that_fails_for_one_user_is_an_error_with_its_place_and_no_data(value):
    address = "ada@example.com"

    def column(user) -> list[Any]:
        if user.get("n") == 1:
            raise KeyError(address)
        return [user.get("n")]

    mirror = Mirror(users={"n": column})
    with closing(open_tables(mirror)) as connection:
        event = parse_event({"type": "user.created", "data": {"id": "user_2", "n": 0}})
        broken = parse_event({"type": "user.created", "data": {"id": "user_1"}})
        broken.data["n"] = value
        for call in (
            lambda: mirror.apply(connection, broken),
            lambda: mirror.apply_many(connection, "user", [event.data, broken.data]),
        ):
            with pytest.raises(
                ValueError, match=r"^n of clerk_users could not be made of user_1: \w+Error\n"
            ) as caught:
                call()
            assert caught.value.__suppress_context__
            assert address not in str(caught.value)
        assert users(connection) == []
        assert mirror.apply(connection, event)
        assert mirror.apply(connection, parse_event({"type": "user.deleted", "data": {"id": "user_1"}}))


def test_more_columns_are_added_to_the_default_ones():
    mirror = Mirror(
        users={**USER_COLUMNS, "plan": lambda user: user["public_metadata"].get("plan")},
        memberships={**MEMBERSHIP_COLUMNS, "permissions": "permissions"},
    )
    with closing(open_tables(mirror)) as connection:
        mirror.apply(connection, sample_event("user.created", public_metadata={"plan": "pro"}))
        assert users(connection, "email, first_name, last_name, plan") == [
            ("ada@example.com", "Ada", "Lovelace", "pro")
        ]


# Pages.


def page(*versions, name="page"):
    return [{"id": user, "updated_at": updated_at, "first_name": name} for user, updated_at in versions]


def test_a_page_writes_what_is_newer_and_counts_as_seen(connection):
    for user, updated_at in (("user_1", 10), ("user_2", 10), ("user_3", 10)):
        MIRROR.apply(connection, user_event("user.updated", user, name="event", updated_at=updated_at, timestamp=12))
    MIRROR.apply(connection, user_event("user.deleted", "user_4", timestamp=1))
    connection.execute("UPDATE clerk_users SET seen_at = 7")
    MIRROR.apply_many(connection, "user", page(("user_3", 11), ("user_4", 99), ("user_2", 10), ("user_5", 1)))
    assert users(connection, "id, name, seen_at > 7") == [
        ("user_1", "event", 0),
        ("user_2", "event", 1),
        ("user_3", "page", 1),
        ("user_4", None, 1),
        ("user_5", "page", 1),
    ]


def test_again_writes_rows_of_the_same_time_and_keeps_their_place_in_the_order(connection):
    late = user_event("user.updated", "user_1", name="late", updated_at=10, timestamp=12)
    MIRROR.apply(connection, late)
    MIRROR.apply(connection, user_event("user.updated", "user_2", name="event", updated_at=11, timestamp=12))
    MIRROR.apply(connection, user_event("user.deleted", "user_3", timestamp=1))
    MIRROR.apply_many(connection, "user", page(("user_1", 10), ("user_2", 10), ("user_3", 10)), again=True)
    assert users(connection, "id, name") == [("user_1", "page"), ("user_2", "event"), ("user_3", None)]
    assert not MIRROR.apply(connection, late)


def test_a_page_of_any_length_is_written():
    mirror = Mirror(users={f"c{number}": "first_name" for number in range(97)})
    for columns, rows in ((MIRROR, 0), (MIRROR, 1201), (mirror, 1201)):
        with closing(open_tables(columns)) as connection:
            columns.apply_many(connection, "user", ({"id": f"user_{n:05}", "updated_at": n} for n in range(rows)))
            assert users(connection, "count(*)") == [(rows,)]


def test_an_object_without_a_time_is_older_than_any_other(connection):
    MIRROR.apply_many(connection, "user", [{"id": "user_1"}])
    assert users(connection, "version") == [("000000000000000.000000000000000.",)]
    MIRROR.apply_many(connection, "user", page(("user_1", 1)))
    assert users(connection, "name") == [("page",)]


@pytest.mark.parametrize("resource", [SimpleNamespace(id="user_1"), CREATED, "user_1"])
def test_the_objects_of_a_page_are_json(resource, connection):
    with pytest.raises(TypeError, match=rf"^A page has the objects .* as dicts.*, not {type(resource).__name__}\.$"):
        MIRROR.apply_many(connection, "user", [resource])


def test_a_user_who_is_twice_in_a_page_has_the_newer_row(connection):
    MIRROR.apply_many(connection, "user", [*page(("user_1", 10), name="newer"), *page(("user_1", 9), ("user_1", 8))])
    assert users(connection, "name") == [("newer",)]


@pytest.mark.parametrize("resource", [{}, {"id": None}, {"id": ""}, {"id": 3}])
def test_a_resource_without_an_id_is_refused(resource, connection):
    with pytest.raises(ValueError, match="An object of the kind user has no id"):
        MIRROR.apply_many(connection, "user", [*page(("user_1", 1)), resource])
    assert users(connection) == []


def test_the_objects_of_the_other_kinds_are_written_too():
    mirror = Mirror()
    with closing(open_tables(mirror)) as connection:
        mirror.apply_many(connection, "organization", [sample_event("organization.created").data])
        mirror.apply_many(connection, "organizationMembership", [sample_event("organizationMembership.created").data])
        for table in ("organizations", "memberships"):
            assert connection.execute(f"SELECT count(*) FROM clerk_{table}").fetchone() == (1,)


@pytest.mark.parametrize("kind", ["users", "session", "clerk_users", ""])
def test_another_kind_is_refused(kind, connection):
    for call in (
        lambda: MIRROR.apply_many(connection, kind, []),
        lambda: MIRROR.ensure(connection, kind, "x_1"),
        lambda: MIRROR.unseen(connection, kind, 0),
    ):
        with pytest.raises(ValueError, match="kind must be one of user, organization, organizationMembership"):
            call()


# Just in time.


def test_a_row_is_made_just_in_time_and_filled_by_the_event(connection):
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("CREATE TABLE notes (user_id text NOT NULL REFERENCES clerk_users (id))")
    assert MIRROR.ensure(connection, "user", "user_1")
    assert MIRROR.ensure(connection, "user", "user_1")
    connection.execute("INSERT INTO notes VALUES ('user_1')")
    assert users(connection, "id, name") == [("user_1", None)]
    assert MIRROR.apply(connection, CREATED)
    assert MIRROR.ensure(connection, "user", "user_1")
    assert users(connection, "id, name") == [("user_1", "name 0")]
    assert MIRROR.apply(connection, DELETED)
    assert not MIRROR.ensure(connection, "user", "user_1")
    assert users(connection, "id, name") == [("user_1", None)]


def test_ensure_needs_an_id(connection):
    with pytest.raises(ValueError, match=r"^ensure\(\) needs the id of the resource\.$"):
        MIRROR.ensure(connection, "user", "")


def test_a_row_that_exists_is_read_and_not_written(connection):
    """Each request of a user asks for the row."""
    MIRROR.ensure(connection, "user", "user_1")
    statements = []
    connection.set_trace_callback(statements.append)
    MIRROR.ensure(connection, "user", "user_1")
    assert [statement.split()[0] for statement in statements] == ["SELECT"]


@pytest.mark.parametrize(
    "row_factory", [sqlite3.Row, lambda cursor, row: dict(enumerate(row)), lambda cursor, row: None]
)
@pytest.mark.parametrize("text_factory", [bytes, lambda text: None])
def test_factories_of_the_callers_do_not_matter(row_factory, text_factory, connection):
    connection.row_factory, connection.text_factory = row_factory, text_factory
    assert MIRROR.ensure(connection, "user", "user_1")
    assert MIRROR.apply(connection, user_event("user.deleted", "user_2"))
    assert not MIRROR.ensure(connection, "user", "user_2")
    assert MIRROR.unseen(connection, "user", 2**40) == ["user_1"]


# Mark and sweep.


def test_the_rows_that_nothing_brought_since_are_unseen(connection):
    MIRROR.apply_many(connection, "user", page(("user_2", 1), ("user_1", 1), ("user_3", 1), ("user_4", 1)))
    MIRROR.apply(connection, user_event("user.deleted", "user_4"))
    connection.execute("UPDATE clerk_users SET seen_at = 1000")
    MIRROR.ensure(connection, "user", "user_5")
    assert MIRROR.unseen(connection, "user", 1000.9) == []  # it was the same second
    MIRROR.apply_many(connection, "user", page(("user_3", 1)))
    assert MIRROR.unseen(connection, "user", 1001) == ["user_1", "user_2"]
    assert MIRROR.unseen(connection, "organization", 1001) == []


def test_a_million_unseen_rows_do_not_stand_in_memory_beside_their_ids(connection):
    ids = [f"user_{number:05}" for number in range(25_000)]
    connection.executemany("INSERT INTO clerk_users (id, version, seen_at) VALUES (?, '', 0)", zip(ids))
    statements = []
    connection.set_trace_callback(statements.append)
    assert MIRROR.unseen(connection, "user", 1) == ids
    assert len(statements) > 2


# Handlers.


def test_the_handlers_of_a_mirror_run_in_the_transaction_of_who_includes_them(tmp_path):
    mirror, begin = Mirror(), sqlite_transactions(tmp_path / "app.db")
    with begin() as connection:
        for statement in mirror.create_tables:
            connection.execute(statement)
    handlers = Handlers(transaction=begin)
    handlers.include(mirror.handlers)
    created = sample_event("user.created")
    assert [handlers.dispatch(created), handlers.dispatch(created)] == ["handled", "handled"]
    assert handlers.dispatch(sample_event("session.created")) == "ignored"
    assert handlers.event_types == sorted(
        f"{kind}.{verb}"
        for kind in ("user", "organization", "organizationMembership")
        for verb in ("created", "updated", "deleted")
    )
    with begin() as connection:
        assert users(connection, "id, email") == [(created.data["id"], "ada@example.com")]


def test_the_row_is_rolled_back_with_everything_else_if_a_handler_fails(tmp_path):
    mirror, begin = Mirror(), sqlite_transactions(tmp_path / "app.db")
    with begin() as connection:
        for statement in mirror.create_tables:
            connection.execute(statement)
    handlers = Handlers(transaction=begin)
    handlers.include(mirror.handlers)

    @handlers.on
    def fail(event: type(CREATED), connection: sqlite3.Connection) -> None:
        assert users(connection, "id") == [("user_1",)]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        handlers.dispatch(CREATED)
    with begin() as connection:
        assert users(connection) == []


def test_the_handlers_of_a_mirror_have_no_transaction_of_their_own():
    with pytest.raises(RuntimeError, match="include"):
        MIRROR.handlers.dispatch(CREATED)


def test_samples_of_the_api_have_the_shape_that_a_page_has(connection):
    MIRROR.apply_many(connection, "user", [sample("user.created")])
    assert len(users(connection)) == 1
