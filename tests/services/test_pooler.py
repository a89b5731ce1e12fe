"""A pooler in transaction mode before PostgreSQL, as Supabase and Neon have: each transaction gets another session.

A statement that a driver prepared by itself is then missing, or there already. Nothing may fail, be lost or doubled.
"""

import asyncio
import getpass
import shutil
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import asyncpg
import psycopg
import psycopg.conninfo
import psycopg_pool
import sqlalchemy as sa
from histories import NOON, UPDATED, user_event
from inbox_connections import sqlalchemy_url
from sqlalchemy.ext.asyncio import create_async_engine

from clerk_webhook.inbox import CREATE_TABLE, record_newest, record_once
from clerk_webhook.mirror import Mirror
from clerk_webhook.stores import Claim, PostgresStore

WORKERS, SESSIONS, MESSAGES = 8, 3, 120
MIRROR = Mirror(users={"name": "first_name", "metadata": "public_metadata"})
# Each comes twice. There are fewer users than messages, so they are updated.
EVENTS = [
    user_event(
        UPDATED, f"user_{n % 30}", name=f"name {n}", updated_at=NOON + n, timestamp=NOON + n, message_id=f"msg_{n}"
    )
    for n in range(MESSAGES)
] * 2
LEDGER = "INSERT INTO ledger (message_id) VALUES ('{}')"
PAGE = [{"id": f"user_{n}", "updated_at": NOON} for n in range(40)]


@pytest.fixture(scope="module")
def pooler(postgres_url):
    """Yield the URL of the database behind a pgbouncer of this test's own."""
    if not shutil.which("pgbouncer"):
        pytest.skip("pgbouncer is not installed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    server = psycopg.conninfo.conninfo_to_dict(postgres_url)
    folder = Path(tempfile.mkdtemp())
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n{server['dbname']} = {psycopg.conninfo.make_conninfo(**server)}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = {SESSIONS}\nmax_client_conn = 100\n"
    )
    command = ["pgbouncer", "-q", str(config)]
    if getpass.getuser() == "root":  # whom it refuses to be
        folder.chmod(0o755)
        command[1:1] = ["-u", "postgres"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url = f"postgresql://{server.get('user', 'postgres')}@127.0.0.1:{port}/{server['dbname']}"
    try:
        for _ in range(100):
            try:
                psycopg.connect(url).close()
                break
            except psycopg.OperationalError:
                assert process.poll() is None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def _tables(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE IF EXISTS clerk_webhook_inbox, ledger, clerk_users, clerk_organizations")
        connection.execute("DROP TABLE IF EXISTS clerk_memberships, clerk_webhook_claims")
        for statement in (CREATE_TABLE, "CREATE TABLE ledger (message_id text)", *MIRROR.create_tables):
            connection.execute(statement)


@pytest.fixture
def check(postgres_url):
    """Return a function that says that each message had its effect once, and that the newest rows stand there."""

    def check():
        with psycopg.connect(postgres_url) as connection:
            ledger = connection.execute("SELECT message_id FROM ledger").fetchall()
            users = connection.execute("SELECT id, name FROM clerk_users WHERE name IS NOT NULL").fetchall()
        assert sorted(ledger) == sorted((f"msg_{n}",) for n in range(MESSAGES))
        assert dict(users) == {f"user_{n % 30}": f"name {n}" for n in range(MESSAGES)}

    return check


def in_threads(work):
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))


async def in_tasks(work):
    await asyncio.gather(*map(work, range(WORKERS)))


def handle(connection, event, execute):
    record_newest(connection, event)
    MIRROR.apply(connection, event)
    if record_once(connection, event):
        execute(LEDGER.format(event.message_id))


async def handle_async(connection, event, execute):
    await record_newest(connection, event)
    await MIRROR.apply(connection, event)
    if await record_once(connection, event):
        await execute(LEDGER.format(event.message_id))


def test_psycopg_needs_no_setting_for_our_statements(pooler, check):
    def work(worker):
        with psycopg.connect(pooler) as connection:
            for event in EVENTS[worker::WORKERS]:
                handle(connection, event, lambda sql: connection.execute(sql, prepare=False))
                connection.commit()
                MIRROR.apply_many(connection, "user", PAGE)
                connection.commit()

    in_threads(work)
    check()


def test_async_psycopg_needs_no_setting_for_our_statements(pooler, check):
    async def work(worker):
        async with await psycopg.AsyncConnection.connect(pooler) as connection:
            for event in EVENTS[worker::WORKERS]:
                await handle_async(connection, event, lambda sql: connection.execute(sql, prepare=False))
                await connection.commit()
                await MIRROR.apply_many(connection, "user", PAGE)
                await connection.commit()

    asyncio.run(in_tasks(work))
    check()


def test_asyncpg_needs_a_cache_of_no_statements(pooler, check):
    async def work(worker):
        connection = await asyncpg.connect(pooler, statement_cache_size=0)
        for event in EVENTS[worker::WORKERS]:
            async with connection.transaction():
                await handle_async(connection, event, connection.execute)
            async with connection.transaction():
                await MIRROR.apply_many(connection, "user", PAGE)
        await connection.close()

    asyncio.run(in_tasks(work))
    check()


def test_sqlalchemy_over_psycopg_needs_prepare_threshold_none(pooler, check):
    engine = sa.create_engine(sqlalchemy_url(pooler, "psycopg"), connect_args={"prepare_threshold": None})

    def work(worker):
        for event in EVENTS[worker::WORKERS]:
            with engine.begin() as connection:
                handle(connection, event, connection.exec_driver_sql)
            with engine.begin() as connection:
                MIRROR.apply_many(connection, "user", PAGE)

    in_threads(work)
    engine.dispose()
    check()


def test_sqlalchemy_over_asyncpg_needs_names_of_its_own_for_statements(pooler, check):
    options = {
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: f"clerk_{uuid4()}",
    }

    async def story():
        engine = create_async_engine(
            sqlalchemy_url(pooler, "asyncpg"), connect_args=options, poolclass=sa.pool.NullPool
        )

        async def work(worker):
            for event in EVENTS[worker::WORKERS]:
                async with engine.begin() as connection:
                    await handle_async(connection, event, connection.exec_driver_sql)
                async with engine.begin() as connection:
                    await MIRROR.apply_many(connection, "user", PAGE)

        await in_tasks(work)
        await engine.dispose()

    asyncio.run(story())
    check()


def test_a_store_over_psycopg_needs_prepare_threshold_none(pooler):
    with psycopg_pool.ConnectionPool(pooler, kwargs={"prepare_threshold": None}, max_size=WORKERS) as pool:
        store = PostgresStore(pool.connection)
        store.create()
        done = []

        def work(worker):
            for number in range(MESSAGES):
                message_id, owner = f"msg_{number}", str(worker)
                if store.claim(message_id, owner) is Claim.NEW:
                    done.append(message_id)
                    store.complete(message_id)

        in_threads(work)
        assert sorted(done) == sorted(f"msg_{number}" for number in range(MESSAGES))
        assert store.claim("msg_0", "another") is Claim.DONE
