"""examples/sync_users as its readers run it: the migration, the application under a real server, and the scripts."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2
from clerk_api import KEY

from clerk_webhook.testing import sample, signed_request

EXAMPLE = Path(__file__).parents[2] / "examples" / "sync_users"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
INSTANCE = "ins_1"
START = 1_760_000_000_000
TABLES = ("clerk_users", "clerk_organizations", "clerk_memberships")
OWN_TABLES = ("users", "mails", "clerk_instances", "backfill_progress", "clerk_webhook_inbox")


def environment(database_url, **settings):
    own = {"DATABASE_URL": database_url, "CLERK_WEBHOOK_SIGNING_SECRET": SECRET, "PYTHONDONTWRITEBYTECODE": "1"}
    return os.environ | own | settings


def run(script, database_url, api=None, **settings):
    """Run a script of the example, with its arguments, and return what became of it."""
    if api is not None:
        settings = {"CLERK_API_URL": api.url, "CLERK_SECRET_KEY": KEY} | settings
    return subprocess.run(
        [sys.executable, *script.split()],
        cwd=EXAMPLE,
        env=environment(database_url, **settings),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def migrate(database_url):
    done = run("-m alembic upgrade head", database_url)
    assert done.returncode == 0, done.stderr


def empty(engine):
    """Delete all rows."""
    with engine.begin() as connection:
        for table in (*OWN_TABLES, *TABLES):
            connection.exec_driver_sql(f"DELETE FROM {table}")


def rows(engine, table):
    """Return the rows of a table, by id."""
    with engine.connect() as connection:
        return {row[0]: row for row in connection.exec_driver_sql(f"SELECT * FROM {table}").all()}


def column(engine, sql):
    """Return the first column of a query, as a list."""
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(sql).scalars())


def alive(engine, table):
    return set(column(engine, f"SELECT id FROM {table} WHERE version <> 'deleted'"))


def execute(engine, sql):
    with engine.begin() as connection:
        connection.exec_driver_sql(sql)


class App:
    """The application under a server."""

    def __init__(self, process, url, log):
        self.process = process
        self.http = httpx2.Client(base_url=url, timeout=30, limits=httpx2.Limits(max_connections=None))
        self._log = log

    def deliver(self, event):
        """Deliver an event, and return the status of the answer."""
        request = signed_request(event, SECRET, message_id=event.get("id"))
        return self.http.post("/api/webhooks", headers=request.headers, content=request.body).status_code

    def me(self, user_id):
        return self.http.get("/me", headers={"x-demo-user": user_id})

    def members(self, organization_id, user_id="user_1"):
        answer = self.http.get(f"/organizations/{organization_id}/members", headers={"x-demo-user": user_id})
        return answer.json() if answer.status_code == 200 else answer.status_code

    def health(self):
        return self.http.get("/health")

    def log(self):
        return self._log.read_text()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, log):
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError("no server after 30 seconds")


@contextmanager
def serve(command, database_url, log, **settings):
    """Run the application by a command, in which PORT stands for a free port."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command.replace("PORT", str(port)).split()],
            cwd=EXAMPLE,
            env=environment(database_url, **settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # all of its workers end with it
        )
    try:
        wait_for_port(port, process, log)
        app = App(process, f"http://127.0.0.1:{port}", log)
        yield app
        app.http.close()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


UVICORN = "uvicorn app:app --port PORT"
GUNICORN = "gunicorn app:app --bind 127.0.0.1:PORT --workers 4 --worker-class asgi --preload"


def workers(app):
    """Return the process ids of gunicorn's workers."""
    found = Path(f"/proc/{app.process.pid}/task/{app.process.pid}/children").read_text()
    return [int(pid) for pid in found.split()]


def event(event_type, at=0, /, **data):
    timestamp = START + at + 9
    return {"type": event_type, "data": data, "timestamp": timestamp, "instance_id": INSTANCE, "object": "event"}


def user(user_id, at=0, address=None, **fields):
    """Return a user as Clerk has it, in a webhook and in the Backend API."""
    addresses = [{"id": "idn_1", "object": "email_address", "email_address": address}] if address else []
    primary = "idn_1" if address else None
    fields = {"created_at": START, "username": None, "last_name": None, "public_metadata": {}} | fields
    return sample(
        "user.created",
        id=user_id,
        updated_at=START + at,
        email_addresses=addresses,
        primary_email_address_id=primary,
        **fields,
    )


def organization(organization_id, at=0, name="Engines", **fields):
    fields = {"created_at": START} | fields
    return sample("organization.created", id=organization_id, updated_at=START + at, name=name, **fields)


def membership(membership_id, user_id, organization_id, at=0, role="org:member", **fields):
    return sample(
        "organizationMembership.created",
        id=membership_id,
        role=role,
        updated_at=START + at,
        organization=organization(organization_id),
        public_user_data={"user_id": user_id, "first_name": "Ada"},
        **({"created_at": START} | fields),
    )


def populate(api, users=0):
    """Give the API two organizations with a member each, and some more users."""
    for number in range(users + 2):
        api.users[f"user_{number}"] = user(f"user_{number}", 10, f"{number}@example.com", created_at=START + number)
    for number in (0, 1):
        api.organizations[f"org_{number}"] = organization(f"org_{number}", 10)
        api.memberships[f"orgmem_{number}"] = membership(f"orgmem_{number}", f"user_{number}", f"org_{number}", 10)


def history(users, seed):
    """Return deliveries of so many users' histories, shuffled, and the end of each: what the tables must hold.

    A user is created, changed twice, perhaps deleted, and joins one of a hundred organizations, perhaps to leave again.
    Each message comes once to three times, and up to a thousand deliveries late.
    """
    chance = random.Random(seed)
    deliveries, ends = [], {table: {} for table in TABLES}
    names = ("Ada", "Grace", "Eve")

    def tell(place, event_type, at, data):
        message = event(event_type, at, **data) | {"id": f"msg_{len(deliveries)}"}
        deliveries.extend((place + chance.uniform(0, 1000), message) for _ in range(chance.randint(1, 3)))

    for number in range(100):
        organization_id = f"org_{number}"
        tell(number * users / 20, "organization.created", 1, organization(organization_id, 1))
        ends["clerk_organizations"][organization_id] = "Engines"
    for number in range(users):
        user_id, organization_id = f"user_{number}", f"org_{chance.randrange(100)}"
        place = number * 5
        for at, name in enumerate(names, 1):
            kind = "user.created" if at == 1 else "user.updated"
            tell(place, kind, at, user(user_id, at, f"{name}.{number}@example.com", first_name=name))
        ends["clerk_users"][user_id] = f"Eve.{number}@example.com"
        joined = membership(f"orgmem_{number}", user_id, organization_id, 2)
        tell(place, "organizationMembership.created", 2, joined)
        ends["clerk_memberships"][f"orgmem_{number}"] = user_id
        if chance.random() < 0.2:
            tell(place, "organizationMembership.deleted", 9, joined)
            ends["clerk_memberships"][f"orgmem_{number}"] = None
        if chance.random() < 0.1:
            tell(place, "user.deleted", 10, {"id": user_id, "object": "user", "deleted": True})
            ends["clerk_users"][user_id] = None
    deliveries.sort(key=lambda delivery: delivery[0])
    return [message for _, message in deliveries], ends


def differences(engine, ends):
    """Return the ids whose rows are not as they have to be."""
    columns = {"clerk_users": "email", "clerk_organizations": "name", "clerk_memberships": "user_id"}
    wrong = []
    for table, end in ends.items():
        with engine.connect() as connection:
            found = dict(map(tuple, connection.exec_driver_sql(f"SELECT id, {columns[table]} FROM {table}")))
        wrong += [row_id for row_id in found.keys() | end.keys() if found.get(row_id, "absent") != end.get(row_id)]
    return wrong
