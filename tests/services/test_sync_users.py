"""examples/sync_users as its readers run it: under uvicorn, on SQLite and on PostgreSQL, beside a Clerk API."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

httpx2 = pytest.importorskip("httpx2")
pytest.importorskip("fastapi")
pytest.importorskip("stamina")
pytest.importorskip("uvicorn")
sqlalchemy = pytest.importorskip("sqlalchemy")

EXAMPLE = Path(__file__).parents[2] / "examples" / "sync_users"
sys.path.insert(0, str(EXAMPLE))

from clerk_api import KEY, clerk_api  # noqa: E402

from clerk_webhook.testing import sample, signed_request  # noqa: E402
from models import Base, open_database  # noqa: E402
from test_sync import END, deliver, state  # noqa: E402

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
START = 1_760_000_000_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(request, tmp_path_factory):
    """Return the URL of a database that these tests share."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('sync_users')}/users.db"
    return request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def database(database_url):
    """Yield the engine of the test's own look at the database, whose tables are there and empty."""
    open_database(database_url).kw["bind"].dispose()
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        for table in ("memberships", "organizations", "users", "clerk_webhook_inbox"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def server(database_url, tmp_path_factory):
    """Yield the application, which is running."""
    with start(database_url, tmp_path_factory.mktemp("log") / "log") as running:
        yield running


@pytest.fixture
def app(server, database):
    """Return the application, which is running on an empty database."""
    return server


@pytest.fixture
def api():
    """Yield a Clerk API without any resources."""
    with clerk_api() as running:
        yield running


def environment(database_url, api_url=None):
    settings = {"DATABASE_URL": database_url, "CLERK_WEBHOOK_SIGNING_SECRET": SECRET, "PYTHONDONTWRITEBYTECODE": "1"}
    return os.environ | settings | ({"CLERK_API_URL": api_url, "CLERK_SECRET_KEY": KEY} if api_url else {})


class App:
    """The application under uvicorn."""

    def __init__(self, url, log):
        self.http = httpx2.Client(base_url=url, timeout=30, limits=httpx2.Limits(max_connections=None))
        self._log = log

    def deliver(self, event):
        """Deliver an event, and return the status of the answer."""
        request = signed_request(event, SECRET, message_id=event.get("id"))
        return self.http.post("/api/webhooks", headers=request.headers, content=request.body).status_code

    def me(self, user_id):
        return self.http.get("/me", headers={"x-demo-user": user_id})

    def members(self, organization_id):
        return self.http.get(f"/organizations/{organization_id}/members").json()

    def log(self):
        return self._log.read_text()


@contextmanager
def start(database_url, log):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)],
            cwd=EXAMPLE,
            env=environment(database_url),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    app = App(f"http://127.0.0.1:{port}", log)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        assert process.poll() is None, app.log()
        yield app
    finally:
        app.http.close()
        process.send_signal(signal.SIGKILL)
        process.wait(10)


def run(script, database_url, api, **settings):
    """Run backfill.py or reconcile.py, and return what became of it."""
    return subprocess.run(
        [sys.executable, script],
        cwd=EXAMPLE,
        env=environment(database_url, api.url) | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def rows(database, table):
    """Return the rows of a table, by id."""
    with database.connect() as connection:
        found = connection.execute(sqlalchemy.select(Base.metadata.tables[table])).mappings().all()
    return {row["id"]: dict(row) for row in found}


def everything(database):
    """Return all rows, those of the inbox too."""
    with database.connect() as connection:
        inbox = connection.exec_driver_sql("SELECT kind, id FROM clerk_webhook_inbox").all()
    return [rows(database, table) for table in ("users", "organizations", "memberships")] + [inbox]


def execute(database, sql):
    with database.begin() as connection:
        connection.exec_driver_sql(sql)


@contextmanager
def broken_writes(database, table, condition):
    """Make each write to a table fail that has this condition."""
    if database.dialect.name == "sqlite":
        trigger = f"CREATE TRIGGER broken BEFORE UPDATE ON {table} WHEN NEW.{condition}"
        execute(database, f"{trigger} BEGIN SELECT RAISE(ABORT, 'broken'); END")
        mend = "DROP TRIGGER broken"
    else:
        execute(database, f"ALTER TABLE {table} ADD CONSTRAINT broken CHECK (NOT ({condition}))")
        mend = f"ALTER TABLE {table} DROP CONSTRAINT broken"
    try:
        yield
    finally:
        execute(database, mend)


def event(event_type, at=0, /, **data):
    return {"type": event_type, "data": data, "timestamp": START + at + 9}


def user(user_id, at=0, address=None, **fields):
    """Return a user as Clerk has it, in a webhook and in the Backend API."""
    addresses = [{"id": "idn_1", "object": "email_address", "email_address": address}] if address else []
    primary = "idn_1" if address else None
    fields = {"username": None, "last_name": None, "public_metadata": {}} | fields
    return sample(
        "user.created",
        id=user_id,
        created_at=START,
        updated_at=START + at,
        email_addresses=addresses,
        primary_email_address_id=primary,
        **fields,
    )


def organization(organization_id, at=0, name="Engines"):
    return sample("organization.created", id=organization_id, created_at=START, updated_at=START + at, name=name)


def membership(membership_id, user_id, organization_id, at=0, role="org:member"):
    return sample(
        "organizationMembership.created",
        id=membership_id,
        role=role,
        created_at=START,
        updated_at=START + at,
        organization=organization(organization_id),
        public_user_data={"user_id": user_id, "first_name": "Ada"},
    )


NOTHING_OF_A_USER = dict.fromkeys(("email", "username", "first_name", "last_name", "image_url", "public_metadata"))


# Deliveries


def test_a_user_is_mirrored_column_by_column(app, database):
    names = {"username": "ada", "first_name": "Ada", "last_name": "King", "image_url": "https://img.example.com/1"}
    data = user("user_1", 1, "ada@example.com", public_metadata={"plan": ["pro", 1]}, **names)
    assert app.deliver(event("user.created", 1, **data)) == 200
    mirrored = {"id": "user_1", "email": "ada@example.com", "public_metadata": {"plan": ["pro", 1]}, "deleted": False}
    assert rows(database, "users") == {"user_1": mirrored | names}
    assert app.deliver(event("user.deleted", 2, id="user_1", object="user", deleted=True)) == 200
    assert rows(database, "users") == {"user_1": {"id": "user_1", "deleted": True} | NOTHING_OF_A_USER}


def test_an_organization_and_a_membership_are_mirrored_column_by_column(app, database):
    app.deliver(event("organization.created", 1, **organization("org_1") | {"slug": "engines"}))
    joined = membership("orgmem_1", "user_1", "org_1", 2, role="org:admin")
    app.deliver(event("organizationMembership.created", 2, **joined))
    assert rows(database, "organizations") == {
        "org_1": {"id": "org_1", "name": "Engines", "slug": "engines", "deleted": False}
    }
    row = {"id": "orgmem_1", "user_id": "user_1", "organization_id": "org_1", "role": "org:admin", "deleted": False}
    assert rows(database, "memberships") == {"orgmem_1": row}
    assert app.members("org_1") == [{"user_id": "user_1", "role": "org:admin"}]
    app.deliver(event("organizationMembership.deleted", 3, **joined))
    app.deliver(event("organization.deleted", 4, id="org_1", object="organization", deleted=True))
    assert rows(database, "organizations") == {"org_1": {"id": "org_1", "name": None, "slug": None, "deleted": True}}
    assert rows(database, "memberships") == {"orgmem_1": dict.fromkeys(row) | {"id": "orgmem_1", "deleted": True}}


@pytest.mark.parametrize("seed", range(8))
def test_shuffles_with_duplicates_from_several_threads_end_in_one_state(seed, database, database_url):
    sessions = open_database(database_url)
    deliver(sessions, seed)
    assert state(sessions) == END
    sessions.kw["bind"].dispose()


def test_types_that_are_not_mirrored_or_not_known_are_answered_by_200_and_leave_no_rows(app, database):
    for body in [
        {"type": "session.created", "data": {}},
        {"type": "role.deleted", "data": {"id": "role_1"}},
        {"type": "organizationInvitation.accepted", "data": {"id": "orginv_1", "organization_id": "org_1"}},
        {"type": "user.frozen", "data": {"id": "user_1"}},
        {"type": "user.frozen", "data": None},
        {"type": "user.frozen", "data": [1]},
        {"type": "user.frozen", "data": "text"},
        {"type": "organization.archived"},
        {"type": "organizationMembership.paused", "data": {"id": 7}},
        {"type": "", "data": {}},
    ]:
        assert app.deliver(body) == 200
    assert everything(database) == [{}, {}, {}, []]


def test_a_request_that_is_not_genuine_is_refused(app, database):
    request = signed_request(event("user.created", **user("user_1")), SECRET)
    assert app.http.post("/api/webhooks", headers=request.headers, content=request.body + b" ").status_code == 400
    assert everything(database) == [{}, {}, {}, []]


def test_public_metadata_of_none_is_null_in_sql(app, database):
    app.deliver(event("user.created", **user("user_1", public_metadata=None)))
    app.deliver(event("user.updated", 1, **user("user_1", 1, public_metadata=None)))
    with database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM users WHERE public_metadata IS NULL").scalar() == 1


def test_addresses_move_dangle_and_go(app, database):
    def addresses():
        return {user_id: row["email"] for user_id, row in rows(database, "users").items()}

    app.deliver(event("user.created", 1, **user("user_1", 1, "ada@example.com")))
    # The event that takes the address comes before the one that gives it up.
    assert app.deliver(event("user.created", 3, **user("user_2", 3, "ada@example.com"))) == 200
    assert addresses() == {"user_1": "ada@example.com", "user_2": "ada@example.com"}
    app.deliver(event("user.updated", 2, **user("user_1", 2)))
    assert addresses() == {"user_1": None, "user_2": "ada@example.com"}
    # "Send Example" names a primary address that is not in the list.
    app.deliver(event("user.updated", 4, **user("user_2", 4) | {"primary_email_address_id": "idn_gone"}))
    assert addresses() == {"user_1": None, "user_2": None}
    # The primary address is the second.
    other = {"id": "idn_0", "object": "email_address", "email_address": "other@example.com"}
    data = user("user_2", 5, "grace@example.com")
    app.deliver(event("user.updated", 5, **data | {"email_addresses": [other, *data["email_addresses"]]}))
    assert app.me("user_2").json() == {"id": "user_2", "email": "grace@example.com"}


def test_a_membership_that_comes_first_is_completed_by_its_user_and_its_organization(app, database):
    app.deliver(event("organizationMembership.created", 3, **membership("orgmem_1", "user_1", "org_1", 3)))
    assert app.members("org_1") == [{"user_id": "user_1", "role": "org:member"}]
    assert rows(database, "organizations")["org_1"] == {"id": "org_1", "name": None, "slug": None, "deleted": False}
    app.deliver(event("organization.created", 2, **organization("org_1", 2)))
    app.deliver(event("user.created", 1, **user("user_1", 1, "ada@example.com")))
    assert rows(database, "organizations")["org_1"]["name"] == "Engines"
    assert app.me("user_1").json() == {"id": "user_1", "email": "ada@example.com"}


@pytest.mark.parametrize("gone", ["user", "organization", "organizationMembership"])
def test_nothing_late_brings_the_deleted_back(app, database, gone):
    app.deliver(event(f"{gone}.deleted", 5, id={"user": "user_1", "organization": "org_1"}.get(gone, "orgmem_1")))
    before = everything(database)
    app.deliver(event("user.updated", 9, **user("user_1", 9, "ada@example.com")))
    app.deliver(event("organization.updated", 9, **organization("org_1", 9)))
    app.deliver(event("organizationMembership.updated", 9, **membership("orgmem_1", "user_1", "org_1", 9)))
    assert app.members("org_1") == []
    for table_before, table in zip(before[:3], everything(database)[:3], strict=True):
        assert table_before.items() <= table.items()
    assert app.me("user_1").status_code == (403 if gone == "user" else 200)


def test_who_leaves_and_joins_again_is_a_member_by_the_new_membership(app):
    first = membership("orgmem_1", "user_1", "org_1", 1, role="org:admin")
    second = membership("orgmem_2", "user_1", "org_1", 3)
    for delivery in [
        event("organizationMembership.created", 3, **second),
        event("organizationMembership.deleted", 2, **first),
        event("organizationMembership.created", 1, **first),
    ]:
        assert app.deliver(delivery) == 200
    assert app.members("org_1") == [{"user_id": "user_1", "role": "org:member"}]


def test_a_delivery_that_fails_leaves_nothing_and_works_when_it_comes_again(app, database):
    delivery = event("organizationMembership.created", **membership("orgmem_1", "user_1", "org_1"))
    with broken_writes(database, "memberships", "role = 'org:member'"):
        assert app.deliver(delivery) == 500
        assert everything(database) == [{}, {}, {}, []]
    assert app.deliver(delivery) == 200
    assert app.members("org_1") == [{"user_id": "user_1", "role": "org:member"}]


def test_a_failing_write_logs_no_address(app, database):
    before = len(app.log())
    with broken_writes(database, "users", "email = 'ada@example.com'"):
        assert app.deliver(event("user.created", **user("user_1", 0, "ada@example.com"))) == 500
    log = app.log()[before:]
    assert "IntegrityError on /api/webhooks" in log
    assert "ada" not in log


# Requests


def test_me_makes_the_row_just_in_time_and_the_webhook_completes_it(app, database):
    assert app.me("user_1").json() == {"id": "user_1", "email": None}
    assert rows(database, "users") == {"user_1": {"id": "user_1", "deleted": False} | NOTHING_OF_A_USER}
    app.deliver(event("user.created", **user("user_1", 0, "ada@example.com")))
    assert app.me("user_1").json() == {"id": "user_1", "email": "ada@example.com"}
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
            assert app.me(user_id).json() == {"id": user_id, "email": "ada@example.com"}


@pytest.mark.parametrize("gone", ["user", "organization", "organizationMembership"])
def test_members_are_listed_without_the_deleted(app, gone):
    for number in (1, 2):
        joined = membership(f"orgmem_{number}", f"user_{number}", "org_1", number)
        app.deliver(event("organizationMembership.created", number, **joined))
    assert [member["user_id"] for member in app.members("org_1")] == ["user_1", "user_2"]
    app.deliver(event(f"{gone}.deleted", 3, id={"user": "user_1", "organization": "org_1"}.get(gone, "orgmem_1")))
    left = [] if gone == "organization" else ["user_2"]
    assert [member["user_id"] for member in app.members("org_1")] == left


# Backfill


def populate(api, users=0):
    """Give the API two organizations with a member each, and some more users."""
    for number in range(users + 2):
        api.users[f"user_{number}"] = user(f"user_{number}", 10, f"{number}@example.com")
    for number in (0, 1):
        api.organizations[f"org_{number}"] = organization(f"org_{number}", 10)
        api.memberships[f"orgmem_{number}"] = membership(f"orgmem_{number}", f"user_{number}", f"org_{number}", 10)


def alive(database, table):
    return {row["id"] for row in rows(database, table).values() if not row["deleted"]}


def test_a_backfill_mirrors_all_by_pages_of_500_to_the_first_empty_one(database_url, database, api):
    populate(api, users=503)
    first = run("backfill.py", database_url, api)
    assert first.returncode == 0, first.stderr
    assert [alive(database, table) for table in ("users", "organizations", "memberships")] == [
        api.users.keys(),
        api.organizations.keys(),
        api.memberships.keys(),
    ]
    asked = [parameters for path, parameters in api.asked if path == "/users"]
    assert [parameters["limit"] for parameters in asked] == ["500"] * 3
    assert [parameters["offset"] for parameters in asked] == ["0", "500", "505"]
    assert "/users: 500\n/users: 505\n" in first.stdout
    before = everything(database)
    assert run("backfill.py", database_url, api).returncode == 0
    assert everything(database) == before


def test_a_backfill_overwrites_nothing_newer_and_brings_back_nobody(app, database_url, database, api):
    populate(api)
    app.deliver(event("user.updated", 20, **user("user_0", 20, "newer@example.com")))
    app.deliver(event("user.deleted", 20, id="user_1"))
    app.deliver(event("organization.created", 5, **organization("org_0", 5, name="Older")))
    assert run("backfill.py", database_url, api).returncode == 0
    assert app.me("user_0").json()["email"] == "newer@example.com"
    assert app.me("user_1").status_code == 403
    assert rows(database, "organizations")["org_0"]["name"] == "Engines"
    assert app.members("org_1") == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # clerk-backend-api's own
def test_a_backfill_takes_a_page_that_the_models_of_clerks_own_client_refuse(app, database_url, api):
    clerk_backend_api = pytest.importorskip("clerk_backend_api")
    populate(api)
    del api.users["user_0"]["passkeys"]
    api.users["user_0"]["public_metadata"] = None
    api.users["user_1"]["email_addresses"][0]["verification"] = {"status": "verified", "strategy": "ticket"}
    with (
        clerk_backend_api.Clerk(bearer_auth=KEY, server_url=api.url) as client,
        pytest.raises(clerk_backend_api.models.ResponseValidationError),
    ):
        client.users.list(request={"limit": 500})
    assert run("backfill.py", database_url, api).returncode == 0
    assert app.me("user_0").json()["email"] == "0@example.com"
    assert app.me("user_1").json()["email"] == "1@example.com"


def test_the_clerk_api_of_these_tests_takes_a_limit_of_501_for_10(api):
    populate(api, users=20)
    answer = httpx2.get(api.url + "/users?limit=501", headers={"authorization": f"Bearer {KEY}"})
    assert len(answer.json()) == 10


@pytest.mark.parametrize("script", ["backfill.py", "reconcile.py"])
def test_a_429_is_waited_for_and_a_5xx_is_asked_again(tmp_path, api, script):
    populate(api)
    a_date = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    api.faults = [(429, {"retry-after": "2"}), (500, {}), (429, {}), (429, a_date), (503, {})]
    started = time.monotonic()
    done = run(script, f"sqlite:///{tmp_path}/users.db", api)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - started > 3
    assert "/users: 2\n" in done.stdout


@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.parametrize("script", ["backfill", "reconcile"])
def test_a_clerk_that_does_not_answer_ends_a_script_with_one_line_and_an_exit_code(tmp_path, api, script, status):
    database_url = f"sqlite:///{tmp_path}/users.db"
    api.broken["/organizations"] = status
    # The wait is what stamina leaves out here: 45 seconds otherwise.
    hurry = "import runpy, stamina; stamina.set_testing(True, attempts=3); "
    hurry += f"runpy.run_path('{script}.py', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", hurry],
        cwd=EXAMPLE,
        env=environment(database_url, api.url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Stopped")]
    assert str(status) in line
    assert "Traceback" not in done.stderr
    assert KEY not in done.stderr


def test_a_failing_write_of_a_backfill_shows_no_address(database_url, database, api):
    populate(api)
    with broken_writes(database, "users", "email = '1@example.com'"):
        done = run("backfill.py", database_url, api)
    assert done.returncode == 1
    assert "IntegrityError" in done.stderr
    assert "example.com" not in done.stderr


@pytest.mark.parametrize("script", ["backfill.py", "reconcile.py"])
def test_a_script_runs_while_webhooks_arrive(app, database_url, database, api, script):
    populate(api, users=200)
    webhooks = [event("user.created", 20, **user(f"user_{n}", 20, f"newer{n}@example.com")) for n in range(0, 200, 2)]
    webhooks += [event("user.deleted", 20, id=f"user_{n}") for n in range(0, 200, 5)]
    with ThreadPoolExecutor(4) as threads:
        statuses = threads.map(app.deliver, webhooks)
        assert run(script, database_url, api).returncode == 0
        assert set(statuses) == {200}
    found = rows(database, "users")
    for n in range(202):
        newest = f"newer{n}@example.com" if n % 2 == 0 and n < 200 else f"{n}@example.com"
        gone = n % 5 == 0 and n < 200
        assert (found[f"user_{n}"]["email"], found[f"user_{n}"]["deleted"]) == (None if gone else newest, gone)


# Reconcile


def test_reconcile_marks_what_clerk_does_not_have(app, database_url, database, api):
    populate(api)
    app.me("user_jit")
    app.deliver(event("organization.created", **organization("org_gone")))
    app.deliver(event("organizationMembership.created", **membership("orgmem_gone", "user_0", "org_0")))
    app.deliver(event("organizationMembership.created", **membership("orgmem_with_it", "user_gone", "org_gone")))
    done = run("reconcile.py", database_url, api)
    assert done.returncode == 0, done.stderr
    assert "deleted: 5" in done.stdout
    assert [alive(database, table) for table in ("users", "organizations", "memberships")] == [
        {"user_0", "user_1"},
        {"org_0", "org_1"},
        {"orgmem_0", "orgmem_1"},
    ]
    assert rows(database, "memberships")["orgmem_gone"]["user_id"] is None
    assert app.me("user_jit").status_code == 403
    before = everything(database)
    assert "deleted: 0" in run("reconcile.py", database_url, api).stdout
    assert everything(database) == before


def test_reconcile_puts_what_the_listing_missed(app, database_url, database, api):
    """A resource that is made while the listing runs can be on a page that was read before."""
    populate(api)
    app.me("user_late")
    joined = membership("orgmem_late", "user_late", "org_late", 10)
    app.deliver(event("organizationMembership.created", 5, **joined | {"role": "org:old", "updated_at": START + 5}))

    def appear(path):
        if path == "/users/user_late":
            api.users["user_late"] = user("user_late", 10, "late@example.com")
            api.organizations["org_late"] = organization("org_late", 10)
            api.memberships["orgmem_late"] = joined
            # Who joined again has another membership.
            api.memberships["orgmem_later"] = membership("orgmem_later", "user_late", "org_late", 11, role="org:guest")

    api.before = appear
    done = run("reconcile.py", database_url, api)
    assert "deleted: 0" in done.stdout, done.stderr
    assert app.me("user_late").json() == {"id": "user_late", "email": "late@example.com"}
    assert rows(database, "organizations")["org_late"]["name"] == "Engines"
    assert sorted(member["role"] for member in app.members("org_late")) == ["org:guest", "org:member"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/users", 401),
        ("/users", 403),
        ("/users", 404),
        ("/users/user_2", 401),
        ("/organizations/org_gone", 403),
        ("/organizations/org_1/memberships", 422),
    ],
)
def test_reconcile_deletes_nobody_unless_clerk_answers_everything(tmp_path, api, path, status):
    database_url = f"sqlite:///{tmp_path}/users.db"
    database = sqlalchemy.create_engine(database_url)
    populate(api, users=1)
    assert run("backfill.py", database_url, api).returncode == 0
    api.users.clear()
    api.memberships.clear()
    execute(database, "INSERT INTO organizations (id, deleted) VALUES ('org_gone', 0)")
    before = everything(database)
    api.broken[path] = status
    done = run("reconcile.py", database_url, api)
    assert done.returncode == 1
    assert "Stopped" in done.stderr
    assert str(status) in done.stderr
    assert everything(database) == before
    api.broken.clear()
    assert "deleted: 6" in run("reconcile.py", database_url, api).stdout
    assert alive(database, "users") == alive(database, "memberships") == set()
    database.dispose()


@pytest.mark.parametrize("path", ["/users", "/users/user_2", "/organizations/org_1/memberships"])
def test_reconcile_deletes_nobody_if_an_answer_of_200_is_not_clerks(tmp_path, api, path):
    database_url = f"sqlite:///{tmp_path}/users.db"
    database = sqlalchemy.create_engine(database_url)
    populate(api, users=1)
    assert run("backfill.py", database_url, api).returncode == 0
    api.users.clear()
    api.memberships.clear()
    before = everything(database)
    api.broken[path] = 200
    done = run("reconcile.py", database_url, api)
    assert done.returncode == 1
    assert done.stderr.startswith("Stopped, and nobody was deleted")
    assert done.stderr.count("\n") == 1
    assert everything(database) == before
    database.dispose()


def test_a_key_with_a_line_break_works_and_is_not_shown(tmp_path, api):
    populate(api)
    done = run("backfill.py", f"sqlite:///{tmp_path}/users.db", api, CLERK_SECRET_KEY=f"{KEY}\n")
    assert KEY not in done.stderr
    assert done.returncode == 0, done.stderr


def test_reconcile_asks_for_an_id_that_is_no_id(app, database_url, api):
    """The stand-in header of the example makes rows of any id."""
    app.me("../organizations")
    assert "deleted: 1" in run("reconcile.py", database_url, api).stdout


def test_processes_that_start_together_make_the_tables_once(database_url, database):
    together = Barrier(8)

    def make(_):
        together.wait()
        open_database(database_url).kw["bind"].dispose()

    for _ in range(5):
        for table in ("memberships", "organizations", "users", "clerk_webhook_inbox"):
            execute(database, f"DROP TABLE {table}")
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(make, range(8)))
    assert everything(database) == [{}, {}, {}, []]
