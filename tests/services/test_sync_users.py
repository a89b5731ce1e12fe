"""examples/sync_users under a real server, on SQLite and on PostgreSQL: deliveries and requests."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest

pytest.importorskip("alembic")
pytest.importorskip("fastapi")
pytest.importorskip("httpx2")
pytest.importorskip("stamina")
pytest.importorskip("uvicorn")
sqlalchemy = pytest.importorskip("sqlalchemy")

from sync_users_runs import (  # noqa: E402
    OWN_TABLES,
    SECRET,
    TABLES,
    UVICORN,
    alive,
    column,
    empty,
    event,
    execute,
    membership,
    migrate,
    organization,
    rows,
    run,
    serve,
    user,
)

from clerk_webhook.testing import signed_request  # noqa: E402


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(request, tmp_path_factory):
    """Return the URL of a database that these tests share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('sync_users')}/app.db"
    return request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(scope="module")
def server(database_url, tmp_path_factory):
    """Yield the application, which is running."""
    migrate(database_url)
    with serve(UVICORN, database_url, tmp_path_factory.mktemp("log") / "log") as running:
        yield running


@pytest.fixture
def database(database_url, server):
    """Yield the engine of the test's own look at the database, whose tables are there and empty."""
    engine = sqlalchemy.create_engine(database_url)
    empty(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def app(server, database):
    """Return the application, which is running on an empty database."""
    return server


def everything(database):
    """Return all rows that an event can write."""
    tables = [table for table in (*TABLES, *OWN_TABLES) if table != "clerk_instances"]
    return {table: found for table in tables if (found := rows(database, table))}


@contextmanager
def broken_writes(database, table, condition):
    """Make each write to a table fail that has this condition."""
    if database.dialect.name == "sqlite":
        trigger = f"CREATE TRIGGER broken BEFORE INSERT ON {table} WHEN NEW.{condition}"
        execute(database, f"{trigger} BEGIN SELECT RAISE(ABORT, 'broken'); END")
        mend = "DROP TRIGGER broken"
    else:
        execute(database, f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (NOT ({condition}))")
        mend = f"ALTER TABLE {table} DROP CONSTRAINT broken"
    try:
        yield
    finally:
        execute(database, mend)


# Deliveries


def test_a_user_is_mirrored_and_welcomed_and_a_deletion_leaves_the_id(app, database):
    data = user("user_1", 1, "ada@example.com", first_name="Ada", last_name="King")
    assert app.deliver(event("user.created", 1, **data)) == 200
    look = "SELECT email || ' ' || first_name || ' ' || last_name FROM clerk_users"
    assert column(database, look) == ["ada@example.com Ada King"]
    assert column(database, "SELECT user_id FROM mails") == ["user_1"]
    assert app.deliver(event("user.deleted", 2, id="user_1", object="user", deleted=True)) == 200
    assert column(database, "SELECT id FROM clerk_users WHERE version = 'deleted'") == ["user_1"]
    assert column(database, look) == [None]
    # The application's own tables are not touched.
    assert column(database, "SELECT user_id FROM mails") == ["user_1"]


def test_an_application_with_a_table_of_users_receives_every_event(app, database):
    """Its NOT NULL columns, its UNIQUE handle and its foreign key are its own: no event can break them."""
    assert app.me("user_1").status_code == 200
    for delivery in [
        event("organizationMembership.created", 3, **membership("orgmem_1", "user_2", "org_1", 3)),
        event("user.created", 1, **user("user_1", 1, "ada@example.com")),
        event("user.created", 1, **user("user_2", 1, "ada@example.com")),
        event("organization.created", 2, **organization("org_1", 2)),
        event("user.deleted", 4, id="user_1", object="user", deleted=True),
    ]:
        assert app.deliver(delivery) == 200
    assert app.me("user_2").json()["handle"] != rows(database, "users")["user_1"][1]


def test_types_that_are_not_mirrored_or_not_known_are_answered_by_200_and_leave_no_rows(app, database):
    for body in [
        {"type": "session.created", "data": {}},
        {"type": "role.deleted", "data": {"id": "role_1"}},
        {"type": "organizationInvitation.accepted", "data": {"id": "orginv_1", "organization_id": "org_1"}},
        {"type": "user.frozen", "data": {"id": "user_1"}},
        {"type": "user.frozen", "data": None},
        {"type": "organization.archived"},
        {"type": "organizationMembership.paused", "data": {"id": 7}},
        {"type": "", "data": {}},
    ]:
        assert app.deliver(body) == 200
    assert everything(database) == {}


def test_a_request_that_is_not_genuine_is_refused(app, database):
    request = signed_request(event("user.created", **user("user_1")), SECRET)
    assert app.http.post("/api/webhooks", headers=request.headers, content=request.body + b" ").status_code == 400
    assert everything(database) == {}


def test_addresses_move_dangle_and_go(app, database):
    def addresses():
        return {user_id: app.me(user_id).json()["email"] for user_id in ("user_1", "user_2")}

    app.deliver(event("user.created", 1, **user("user_1", 1, "ada@example.com")))
    # The event that takes the address comes before the one that gives it up.
    assert app.deliver(event("user.created", 3, **user("user_2", 3, "ada@example.com"))) == 200
    assert addresses() == {"user_1": "ada@example.com", "user_2": "ada@example.com"}
    app.deliver(event("user.updated", 2, **user("user_1", 2)))
    assert addresses() == {"user_1": None, "user_2": "ada@example.com"}
    # "Send Example" names a primary address that is not in the list.
    app.deliver(event("user.updated", 4, **user("user_2", 4) | {"primary_email_address_id": "idn_gone"}))
    assert addresses() == {"user_1": None, "user_2": None}


def test_a_zero_byte_in_a_name_stops_nothing(app, database):
    """PostgreSQL refuses it in text, and users choose their names."""
    assert app.deliver(event("user.created", **user("user_1", 0, "ada@example.com", first_name="A\0da"))) == 200
    assert app.me("user_1").json()["email"] == "ada@example.com"


def test_a_membership_that_comes_first_is_shown_and_completed_by_its_user_and_its_organization(app):
    app.deliver(event("organizationMembership.created", 3, **membership("orgmem_1", "user_1", "org_1", 3)))
    row = {"user_id": "user_1", "role": "org:member", "first_name": None, "last_name": None}
    assert app.members("org_1") == [row]
    app.deliver(event("organization.created", 2, **organization("org_1", 2)))
    app.deliver(event("user.created", 1, **user("user_1", 1, first_name="Ada")))
    assert app.members("org_1") == [row | {"first_name": "Ada"}]


@pytest.mark.parametrize("gone", ["user", "organization", "organizationMembership"])
def test_nothing_late_brings_the_deleted_back(app, database, gone):
    app.deliver(event(f"{gone}.deleted", 5, id={"user": "user_1", "organization": "org_1"}.get(gone, "orgmem_1")))
    app.deliver(event("user.updated", 9, **user("user_1", 9, "ada@example.com")))
    app.deliver(event("organization.updated", 9, **organization("org_1", 9)))
    app.deliver(event("organizationMembership.updated", 9, **membership("orgmem_1", "user_1", "org_1", 9)))
    assert app.members("org_1") == 404
    assert app.me("user_1").status_code == (403 if gone == "user" else 200)


def test_members_are_listed_for_members_alone(app):
    for number in (1, 2):
        joined = membership(f"orgmem_{number}", f"user_{number}", "org_1", number)
        app.deliver(event("organizationMembership.created", number, **joined))
    assert [member["user_id"] for member in app.members("org_1", "user_2")] == ["user_1", "user_2"]
    assert app.members("org_1", "user_3") == 404


@pytest.mark.parametrize("gone", ["user", "organizationMembership"])
def test_members_are_listed_without_the_deleted(app, gone):
    for number in (1, 2):
        joined = membership(f"orgmem_{number}", f"user_{number}", "org_1", number)
        app.deliver(event("organizationMembership.created", number, **joined))
    app.deliver(event(f"{gone}.deleted", 3, id={"user": "user_1"}.get(gone, "orgmem_1")))
    assert [member["user_id"] for member in app.members("org_1", "user_2")] == ["user_2"]


def test_who_leaves_and_joins_again_is_a_member_by_the_new_membership(app):
    first = membership("orgmem_1", "user_1", "org_1", 1, role="org:admin")
    second = membership("orgmem_2", "user_1", "org_1", 3)
    for delivery in [
        event("organizationMembership.created", 3, **second),
        event("organizationMembership.deleted", 2, **first),
        event("organizationMembership.created", 1, **first),
    ]:
        assert app.deliver(delivery) == 200
    assert [member["role"] for member in app.members("org_1")] == ["org:member"]


def test_a_delivery_that_fails_leaves_nothing_and_works_when_it_comes_again(app, database):
    delivery = event("user.created", **user("user_1", 0, "ada@example.com"))
    with broken_writes(database, "mails", "user_id = 'user_1'"):
        assert app.deliver(delivery) == 500
        assert everything(database) == {}
    assert app.deliver(delivery) == 200
    assert alive(database, "clerk_users") == {"user_1"}
    assert column(database, "SELECT user_id FROM mails") == ["user_1"]


def test_a_failing_write_is_logged_with_outcome_type_message_id_and_sqlstate_and_without_an_address(app, database):
    before = len(app.log())
    with broken_writes(database, "clerk_users", "email = 'ada@example.com'"):
        delivery = event("user.created", **user("user_1", 0, "ada@example.com")) | {"id": "msg_broken"}
        assert app.deliver(delivery) == 500
    log = app.log()[before:]
    assert "user.created msg_broken: failed" in log
    assert "IntegrityError" in log
    if database.dialect.name == "postgresql":
        assert "23514" in log
    assert "ada" not in log


# Requests


def test_me_makes_the_rows_just_in_time_and_the_webhook_completes_them(app):
    first = app.me("user_1").json()
    assert first["email"] is None
    app.deliver(event("user.created", **user("user_1", 0, "ada@example.com")))
    assert app.me("user_1").json() == first | {"email": "ada@example.com"}
    app.deliver(event("user.deleted", 1, id="user_1"))
    assert app.me("user_1").status_code == 403


def test_me_never_fails_while_other_requests_and_the_webhook_make_the_same_row(app):
    with ThreadPoolExecutor(20) as threads:
        for number in range(5):
            user_id = f"user_{number}"
            together = Barrier(20)

            def request(thread, user_id=user_id, together=together):
                together.wait()
                if thread % 4:
                    return app.me(user_id).status_code
                return app.deliver(event("user.created", **user(user_id, 0, "ada@example.com")))

            assert set(threads.map(request, range(20))) == {200}
            assert app.me(user_id).json()["email"] == "ada@example.com"


def test_a_request_that_the_database_fails_shows_and_logs_no_text(app, database):
    before = len(app.log())
    with broken_writes(database, "users", "clerk_id = 'user_1'"):
        answer = app.me("user_1")
    assert (answer.status_code, answer.json()) == (503, {"detail": "the database failed"})
    assert "/me: the database failed (IntegrityError" in app.log()[before:]
    assert "user_1" not in app.log()[before:]


def test_health_shows_how_late_the_last_webhook_was_and_how_long_ago(app, database):
    assert app.health().json() == {"lag": None, "quiet_for": None}
    delivery = event("user.created", **user("user_1")) | {"instance_id": "ins_of_this_test"}
    app.deliver(delivery)
    first = app.health().json()
    assert first["quiet_for"] in range(5)
    assert first["lag"] > 1_000_000  # these tests' events are of October 2025
    assert column(database, "SELECT id FROM clerk_instances") == ["ins_of_this_test"]
    # All deliveries would wait for each other at this row, so the next ten seconds are not noted.
    execute(database, "UPDATE clerk_instances SET seen_at = 1")
    app.deliver(delivery)
    assert column(database, "SELECT seen_at FROM clerk_instances") == [1]


# The migration


def test_models_and_migration_say_the_same_and_it_goes_down_and_up_again(app, database_url):
    assert "No new upgrade operations" in run("-m alembic check", database_url).stdout
    for step in ("downgrade base", "upgrade head", "check"):
        done = run(f"-m alembic {step}", database_url)
        assert done.returncode == 0, done.stderr
    assert app.deliver(event("user.created", **user("user_1"))) == 200
