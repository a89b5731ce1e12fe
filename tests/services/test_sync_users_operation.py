"""examples/sync_users in production: workers that are killed, a locked row, a database that restarts, the outbox.

`CLERK_WEBHOOK_TEST_BIG=1` runs 20,000 users' histories on PostgreSQL, and 5,000 on SQLite.
"""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread, Timer

import pytest

pytest.importorskip("alembic")
pytest.importorskip("fastapi")
pytest.importorskip("gunicorn")
httpx2 = pytest.importorskip("httpx2")
pytest.importorskip("stamina")
sqlalchemy = pytest.importorskip("sqlalchemy")

from clerk_api import KEY, clerk_api  # noqa: E402
from postgres_cluster import postgres_cluster  # noqa: E402
from sync_users_runs import (  # noqa: E402
    EXAMPLE,
    GUNICORN,
    TABLES,
    UVICORN,
    alive,
    column,
    differences,
    environment,
    event,
    execute,
    history,
    migrate,
    populate,
    serve,
    user,
    workers,
)

BIG = os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1"


@pytest.fixture
def postgres(postgres_url, tmp_path):
    """Yield the URL of an empty and migrated PostgreSQL database of the test's own."""
    name = f"{postgres_url.rpartition('/')[2]}_{tmp_path.name}"[:63].lower().replace("-", "_")
    server = sqlalchemy.create_engine(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    execute_alone(server, f'CREATE DATABASE "{name}"')
    url = f"{postgres_url.rpartition('/')[0]}/{name}".replace("postgresql://", "postgresql+psycopg://")
    migrate(url)
    yield url
    execute_alone(server, f'DROP DATABASE "{name}" WITH (FORCE)')
    server.dispose()


def execute_alone(engine, sql):
    with engine.connect() as connection:
        connection.exec_driver_sql(sql)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """Yield the URL of an empty and migrated database of the test's own."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres")
    url = f"sqlite:///{tmp_path}/app.db"
    migrate(url)
    return url


@pytest.fixture
def database(database_url):
    engine = sqlalchemy.create_engine(database_url)
    yield engine
    engine.dispose()


@contextmanager
def killer(app, seconds):
    """Kill a worker every so many seconds, for as long as the block lasts. Yield the list of those killed."""
    chance, stop, killed = random.Random(7), Event(), []

    def kill():
        while not stop.wait(chance.uniform(0, 2 * seconds)):
            pid = chance.choice(workers(app) or [0])
            if pid:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    thread = Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def deliver_like_svix(app, deliveries, threads=16):
    """Deliver everything, each again until it is answered by 2xx. Return how many attempts failed."""

    def deliver(message):
        for failures in range(1000):
            try:
                if app.deliver(message) == 200:
                    return failures
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(message["type"])

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(deliver, deliveries))


class Mails:
    """A mail service that fails now and then, and remembers the keys."""

    def __init__(self):
        self.attempts, self.sent = Counter(), {}
        chance = random.Random(9)
        mails = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                key = self.headers["idempotency-key"]
                mails.attempts[key] += 1
                status = 503 if chance.random() < 0.2 else 200
                if status == 200:
                    mails.sent[key] = mails.sent.get(key, 0) + 1
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def mail_service():
    mails = Mails()
    thread = Thread(target=mails.server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield mails
    finally:
        mails.server.shutdown()
        mails.server.server_close()
        thread.join()


def test_workers_that_are_killed_lose_and_double_nothing(database_url, database, tmp_path):
    """Four workers under `gunicorn --preload`, killed at random: 0 differences, and each mail once."""
    is_sqlite = database.dialect.name == "sqlite"
    users = ((5000 if is_sqlite else 20000) if BIG else 120) if is_sqlite or BIG else 300
    deliveries, ends = history(users, seed=3)
    started = time.monotonic()
    with serve(GUNICORN, database_url, tmp_path / "log") as app:
        while len(workers(app)) < 4:
            time.sleep(0.05)
        with killer(app, 3 if BIG else 0.7) as killed:
            failures = deliver_like_svix(app, deliveries)
    print(
        f"{database.dialect.name}: {users} users, {len(deliveries)} deliveries, {len(killed)} workers killed, "
        f"{failures} attempts failed, {time.monotonic() - started:.0f} s"
    )
    assert killed
    assert differences(database, ends) == []
    mails = column(database, "SELECT user_id FROM mails")
    assert sorted(mails) == sorted(ends["clerk_users"])


def test_workers_of_gunicorn_preload_share_no_connection(postgres, tmp_path):
    """The pool was used before the fork: 5 to 9 rows that were answered by 200 were absent."""
    (tmp_path / "preloaded.py").write_text(
        "from app import app, endpoint, Session\n"
        "from sqlalchemy import text\n"
        "sessions = [Session() for _ in range(4)]\n"
        "for session in sessions:\n"
        "    session.execute(text('SELECT 1'))\n"
        "for session in sessions:\n"
        "    session.close()\n"
    )
    command = GUNICORN.replace("app:app", "preloaded:app")
    with serve(command, postgres, tmp_path / "log", PYTHONPATH=f"{tmp_path}:{EXAMPLE}") as app:
        deliveries = [event("user.created", **user(f"user_{number}")) for number in range(400)]
        with ThreadPoolExecutor(16) as threads:
            statuses = list(threads.map(app.deliver, deliveries))
    assert set(statuses) == {200}
    engine = sqlalchemy.create_engine(postgres)
    assert len(alive(engine, "clerk_users")) == 400
    engine.dispose()


def test_a_row_that_somebody_holds_stops_nobody_else(postgres, tmp_path):
    """Thirty deliveries wait for the row, which is more than the pool has. Everybody else is answered."""
    engine = sqlalchemy.create_engine(postgres)
    with serve(UVICORN, postgres, tmp_path / "log") as app:
        app.deliver(event("user.created", **user("user_held")))
        with engine.connect() as holder, ThreadPoolExecutor(50) as threads:
            holder.exec_driver_sql("SELECT * FROM clerk_users WHERE id = 'user_held' FOR UPDATE")
            held = [
                threads.submit(app.deliver, event("user.updated", at, **user("user_held", at))) for at in range(1, 31)
            ]
            time.sleep(0.3)
            others = list(threads.map(app.deliver, [event("user.created", **user(f"user_{n}")) for n in range(20)]))
            assert others == [200] * 20
            assert {one.result() for one in held} <= {500, 503}
            holder.rollback()
        assert app.deliver(event("user.updated", 30, **user("user_held", 30, "held@example.com"))) == 200
        assert "55P03" in app.log()  # lock_not_available
    assert column(engine, "SELECT email FROM clerk_users WHERE id = 'user_held'") == ["held@example.com"]
    engine.dispose()


def test_mails_are_sent_once_by_several_workers_of_which_some_are_killed(database_url, database, tmp_path):
    """The one double that can be, by a crash between sending and committing, has the same idempotency key."""
    count = 200 if BIG else 40
    with database.begin() as connection:
        for number in range(count):
            values = f"('user_{number}', '1', 1, 'a@example.com')"
            connection.exec_driver_sql(f"INSERT INTO clerk_users (id, version, seen_at, email) VALUES {values}")
            connection.exec_driver_sql(f"INSERT INTO mails VALUES ('mail_{number}', 'user_{number}', 0, 1)")
    with mail_service() as mails:
        environ = environment(database_url, MAIL_API_URL=mails.url, MAIL_API_KEY="re_test")

        def start():
            return subprocess.Popen([sys.executable, "worker.py"], cwd=EXAMPLE, env=environ, stderr=subprocess.PIPE)

        running, killed = [start() for _ in range(3)], 0
        chance = random.Random(2)
        deadline = time.monotonic() + 120
        while column(database, "SELECT count(*) FROM mails")[0] and time.monotonic() < deadline:
            time.sleep(1)
            if killed < 3:
                victim = running.pop(chance.randrange(len(running)))
                victim.kill()
                victim.communicate()
                killed += 1
                running.append(start())
            # Time passes: what failed, or was left behind, is due again.
            execute(database, "UPDATE mails SET due_at = 1 WHERE tries > 0 AND tries < 15")
        for process in running:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
            assert b"Traceback" not in errors
            assert b"example.com" not in errors
    assert set(mails.sent) == {f"mail_{number}" for number in range(count)}
    assert column(database, "SELECT count(*) FROM mails") == [0]


@pytest.fixture
def cluster():
    with postgres_cluster() as running:
        url = running.url.replace("postgresql://", "postgresql+psycopg://")
        migrate(url)
        yield running, url


def test_eight_workers_with_full_pools_fit_into_the_hundred_connections_of_postgresql(cluster, tmp_path):
    _, url = cluster  # its own, because others use the other one
    engine = sqlalchemy.create_engine(url)
    command = GUNICORN.replace("--workers 4", "--workers 8")
    with serve(command, url, tmp_path / "log") as app, ThreadPoolExecutor(160) as threads:
        app.deliver(event("user.created", **user("user_held")))
        with engine.connect() as holder:
            holder.exec_driver_sql("SELECT * FROM clerk_users WHERE id = 'user_held' FOR UPDATE")
            held = [
                threads.submit(app.deliver, event("user.updated", at, **user("user_held", at))) for at in range(160)
            ]
            most = 0
            while not all(one.done() for one in held):
                most = max(most, *column(engine, ACTIVITY))
                time.sleep(0.05)
            holder.rollback()
        assert 8 < most <= 8 * (5 + 5) + 1  # the holder
        assert "too many clients" not in app.log()
    engine.dispose()


ACTIVITY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_a_restart_of_the_database_during_a_backfill_is_waited_for(cluster):
    server, url = cluster
    with clerk_api() as api:
        populate(api, users=4000)
        requests = itertools.count()

        def restart(_path):
            if next(requests) == 4:
                server.stop("immediate")
                Timer(2, server.start).start()

        api.before = restart
        backfill = subprocess.run(
            [sys.executable, "backfill.py"],
            cwd=EXAMPLE,
            env=environment(url, CLERK_API_URL=api.url, CLERK_SECRET_KEY=KEY),
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        errors = backfill.stderr
        assert backfill.returncode == 0, errors
        assert all(line.startswith("Waiting ") for line in errors.splitlines())
        assert "because the database failed (OperationalError" in errors
        engine = sqlalchemy.create_engine(url)
        assert [alive(engine, table) for table in TABLES] == [
            set(api.users),
            set(api.organizations),
            set(api.memberships),
        ]
        engine.dispose()


def test_a_restart_of_the_database_is_answered_by_5xx_and_loses_nothing(cluster, tmp_path):
    server, url = cluster
    with serve(UVICORN, url, tmp_path / "log") as app, ThreadPoolExecutor(2) as threads:
        deliveries = [event("user.created", **user(f"user_restart{number}")) for number in range(300)]
        delivering = threads.submit(deliver_like_svix, app, deliveries, 4)
        time.sleep(0.3)
        server.stop("immediate")
        assert app.health().status_code == 503
        server.start()
        assert delivering.result() > 0
        assert app.health().status_code == 200
        assert "unavailable" in app.log()
    engine = sqlalchemy.create_engine(url)
    assert {f"user_restart{number}" for number in range(300)} <= alive(engine, "clerk_users")
    engine.dispose()
