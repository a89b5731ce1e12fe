"""A pooler in transaction mode before PostgreSQL, as Supabase and Neon have one: Debian's pgbouncer.

Each transaction may get another session of the server, so a statement that a driver prepared in one is unknown in the
next, or known there from somebody else.
"""

import asyncio
import os
import pwd
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

asyncpg = pytest.importorskip("asyncpg")
psycopg = pytest.importorskip("psycopg")
psycopg2 = pytest.importorskip("psycopg2")
psycopg_pool = pytest.importorskip("psycopg_pool")
sqlalchemy = pytest.importorskip("sqlalchemy")

from sqlalchemy.ext.asyncio import create_async_engine  # noqa: E402
from sqlalchemy.pool import NullPool  # noqa: E402
from sync_users_runs import free_port  # noqa: E402

from clerk_webhook import parse_event  # noqa: E402
from clerk_webhook.inbox import CREATE_TABLE, record_newest, record_once  # noqa: E402
from clerk_webhook.mirror import Mirror  # noqa: E402
from clerk_webhook.stores import Claim  # noqa: E402
from clerk_webhook.stores.postgres import PostgresStore  # noqa: E402
from clerk_webhook.testing import sample  # noqa: E402

AT_ONCE = 8
MESSAGES = 100
MIRROR = Mirror()


@pytest.fixture(scope="module")
def pooler(postgres_url, tmp_path_factory):
    """Yield the URL of a pgbouncer with four sessions of the server, fewer than there are clients."""
    folder = tmp_path_factory.mktemp("pgbouncer")
    server, port = urlsplit(postgres_url), free_port()
    name = server.path.removeprefix("/")
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{name} = host={server.hostname} port={server.port} user={server.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 100\n"
    )
    folder.chmod(0o755)
    for parent in folder.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)  # for somebody else than root, which pgbouncer refuses to be
    user = "postgres" if os.geteuid() == 0 else None
    try:
        process = subprocess.Popen(
            ["/usr/sbin/pgbouncer", "-q", folder / "pgbouncer.ini"],
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            cwd="/",
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        pytest.skip("no pgbouncer")
    url = f"postgresql://{server.username}@127.0.0.1:{port}/{name}"
    try:
        for _ in range(100):
            try:
                psycopg.connect(url).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        with psycopg.connect(postgres_url) as connection:
            connection.execute(CREATE_TABLE)
            for statement in MIRROR.create_tables:
                connection.execute(statement)
            connection.execute("CREATE TABLE effects (message_id text NOT NULL)")
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def counts(postgres_url, pooler):
    """Return the number of rows of each table, which begin empty."""
    tables = ("effects", "clerk_webhook_inbox", "clerk_users")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for table in tables:
            connection.execute(f"DELETE FROM {table}")

        def count():
            return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}

        yield count


def messages():
    """Return each message twice, as Svix may deliver it."""
    for number in range(MESSAGES):
        data = {**sample("user.created", id=f"user_{number}"), "updated_at": 1_760_000_000_000 + number}
        event = parse_event({"type": "user.created", "data": data}, message_id=f"msg_{number}")
        yield event
        yield event


@contextmanager
def psycopg_transactions(url):
    """Connections with psycopg's defaults, which prepare what is executed five times."""
    with psycopg_pool.ConnectionPool(url, min_size=AT_ONCE, max_size=AT_ONCE) as pool:

        def effect(connection, event):
            connection.execute("INSERT INTO effects VALUES (%s)", [event.message_id], prepare=False)

        yield pool.connection, effect


@contextmanager
def psycopg2_transactions(url):
    @contextmanager
    def transaction():
        connection = psycopg2.connect(url)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def effect(connection, event):
        connection.cursor().execute("INSERT INTO effects VALUES (%s)", [event.message_id])

    yield transaction, effect


@contextmanager
def sqlalchemy_transactions(url):
    engine = sqlalchemy.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://"),
        pool_size=AT_ONCE,
        connect_args={"prepare_threshold": None},
    )

    def effect(connection, event):
        connection.exec_driver_sql("INSERT INTO effects VALUES (%s)", (event.message_id,))

    yield engine.begin, effect
    engine.dispose()


@asynccontextmanager
async def async_psycopg_transactions(url):
    async with psycopg_pool.AsyncConnectionPool(url, min_size=AT_ONCE, max_size=AT_ONCE, open=False) as pool:

        async def effect(connection, event):
            await connection.execute("INSERT INTO effects VALUES (%s)", [event.message_id], prepare=False)

        yield pool.connection, effect


@asynccontextmanager
async def asyncpg_transactions(url):
    pool = await asyncpg.create_pool(url, min_size=AT_ONCE, max_size=AT_ONCE, statement_cache_size=0)

    @asynccontextmanager
    async def transaction():
        async with pool.acquire() as connection, connection.transaction():
            yield connection

    async def effect(connection, event):
        await connection.execute("INSERT INTO effects VALUES ($1)", event.message_id)

    yield transaction, effect
    await pool.close()


@asynccontextmanager
async def async_sqlalchemy_transactions(url):
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        poolclass=NullPool,
        connect_args={"statement_cache_size": 0, "prepared_statement_name_func": lambda: f"clerk_{uuid4()}"},
    )

    async def effect(connection, event):
        await connection.exec_driver_sql("INSERT INTO effects VALUES ($1)", (event.message_id,))

    yield engine.begin, effect
    await engine.dispose()


@pytest.mark.parametrize("library", [psycopg_transactions, psycopg2_transactions, sqlalchemy_transactions])
def test_eight_at_a_time_lose_double_and_fail_nothing(pooler, counts, library):
    with library(pooler) as (transaction, effect), ThreadPoolExecutor(AT_ONCE) as threads:

        def handle(event):
            with transaction() as connection:
                MIRROR.apply(connection, event)
                record_newest(connection, event)
                if record_once(connection, event):
                    effect(connection, event)

        list(threads.map(handle, messages()))
    assert counts() == {"effects": MESSAGES, "clerk_webhook_inbox": 2 * MESSAGES, "clerk_users": MESSAGES}


@pytest.mark.parametrize("library", [async_psycopg_transactions, asyncpg_transactions, async_sqlalchemy_transactions])
def test_eight_at_a_time_lose_double_and_fail_nothing_async(pooler, counts, library):
    async def main():
        async with library(pooler) as (transaction, effect):
            waiting = messages()

            async def work():
                for event in waiting:
                    async with transaction() as connection:
                        await MIRROR.apply(connection, event)
                        await record_newest(connection, event)
                        if await record_once(connection, event):
                            await effect(connection, event)

            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())

    asyncio.run(main())
    assert counts() == {"effects": MESSAGES, "clerk_webhook_inbox": 2 * MESSAGES, "clerk_users": MESSAGES}


@contextmanager
def sqlalchemy_connections(url):
    with sqlalchemy_transactions(url) as (begin, _):

        @contextmanager
        def connect():
            with begin() as connection:
                yield connection.connection

        yield connect, None


@pytest.mark.parametrize("library", [psycopg_transactions, psycopg2_transactions, sqlalchemy_connections])
def test_a_store_gives_each_message_to_one_of_eight(pooler, postgres_url, library):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE IF EXISTS clerk_webhook_claims")
    with library(pooler) as (connect, _), ThreadPoolExecutor(AT_ONCE) as threads:
        store = PostgresStore(connect)
        store.create()

        def claim(event):
            claimed = store.claim(event.message_id, uuid4().hex)
            if claimed is Claim.NEW:
                store.complete(event.message_id)
            return claimed

        claims = list(threads.map(claim, messages()))
        assert claims.count(Claim.NEW) == MESSAGES
        assert {store.claim(event.message_id, "later") for event in messages()} == {Claim.DONE}


def test_this_pooler_is_one_that_prepared_statements_fail_in(pooler):
    """Otherwise the tests above would show nothing."""

    def execute(_):
        failures = 0
        with psycopg.connect(pooler, autocommit=True) as connection:
            for _ in range(50):
                try:
                    connection.execute("SELECT %s::int", [1])
                except psycopg.Error:
                    failures += 1
        return failures

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert sum(threads.map(execute, range(AT_ONCE))) > 0
