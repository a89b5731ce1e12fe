"""The stores in real databases: the contract, drivers, processes that race, workers that are killed, servers that stop.

`CLERK_WEBHOOK_TEST_SCALE=10` runs the races and the crashes with ten times as many messages.
"""

import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing.connection import wait

import pytest
from dispatching import CREATED, handled_by

from clerk_webhook.stores import Claim, PostgresStore, RedisStore
from clerk_webhook.testing import check_store

psycopg = pytest.importorskip("psycopg")
psycopg2 = pytest.importorskip("psycopg2")
psycopg_pool = pytest.importorskip("psycopg_pool")
redis = pytest.importorskip("redis")
sqlalchemy = pytest.importorskip("sqlalchemy")
import store_workers  # noqa: E402  # it imports them
from sqlalchemy.orm import sessionmaker  # noqa: E402

SCALE = int(os.environ.get("CLERK_WEBHOOK_TEST_SCALE", "1"))
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["clerk_webhook.endpoint", "clerk_webhook.testing", "psycopg_pool", "redis"])


@pytest.fixture
def database(postgres_url):
    """Yield the URL of a database with an empty table for claims."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS clerk_webhook_claims")
    PostgresStore(lambda: psycopg.connect(postgres_url)).create()
    return postgres_url


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def place(request):
    """Return a kind of store that processes share, and where it is."""
    where = {"sqlite": "sqlite_path", "postgres": "database", "redis": "redis_prefix"}
    return request.param, str(request.getfixturevalue(where[request.param]))


# The contract, by driver


@contextmanager
def pool(url, **options):
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=4, kwargs=options) as connections:
        yield connections.connection


@contextmanager
def one_connection_each(url):
    @contextmanager
    def connect():
        with closing(psycopg2.connect(url)) as connection, connection:
            yield connection

    yield connect


@contextmanager
def engine(url, sessions=lambda engine: engine):
    database = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    yield sessions(database).begin
    database.dispose()


@pytest.mark.parametrize(
    "driver",
    [
        pool,
        lambda url: pool(url, row_factory=psycopg.rows.dict_row),
        lambda url: pool(url, autocommit=True),
        one_connection_each,
        engine,
        lambda url: engine(url, sessionmaker),
    ],
    ids=["psycopg", "psycopg with rows as dicts", "psycopg in autocommit", "psycopg2", "sqlalchemy", "sessions"],
)
def test_a_store_in_postgres_keeps_the_rules(driver, database):
    with driver(database) as connect:
        check_store(lambda lease: PostgresStore(connect, lease=lease))


@pytest.mark.parametrize("decode_responses", [False, True])
def test_a_store_in_redis_keeps_the_rules(decode_responses, redis_prefix):
    with redis.Redis.from_url(store_workers.REDIS, decode_responses=decode_responses) as client:
        check_store(lambda lease: RedisStore(client, prefix=redis_prefix, lease=lease))


# PostgreSQL


def test_many_workers_can_create_the_table_at_once(postgres_url):
    store = PostgresStore(lambda: psycopg.connect(postgres_url))
    for _ in range(5):
        with psycopg.connect(postgres_url) as connection:
            connection.execute("DROP TABLE IF EXISTS clerk_webhook_claims")
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(lambda _: store.create(), range(8))) == [None] * 8


def test_connections_that_never_commit_are_refused_because_each_attempt_would_have_the_effect(database):
    engine = sqlalchemy.create_engine(database.replace("postgresql:", "postgresql+psycopg:"))
    for connect in (engine.connect, lambda: closing(psycopg.connect(database))):
        handlers, seen = handled_by("sync", lambda _: None, store=PostgresStore(connect))
        for _ in range(2):
            with pytest.raises(TypeError, match="do not commit at the end of `with`"):
                handlers.dispatch(CREATED)
        assert seen == []
    engine.dispose()


def test_purge_deletes_the_rows_that_no_longer_count(database):
    def connect():
        return psycopg.connect(database)

    short, store = PostgresStore(connect, lease=0.01, keep=0.01), PostgresStore(connect)
    short.claim("claim that ended")
    short.complete("done long ago")
    store.claim("claimed")
    store.complete("done")
    time.sleep(0.05)
    assert store.purge() == 2
    with connect() as connection:
        rows = connection.execute("SELECT message_id, owner FROM clerk_webhook_claims ORDER BY message_id").fetchall()
    assert rows == [("claimed", ""), ("done", None)]


def test_two_endpoints_share_a_database_in_two_schemas(database):
    with psycopg.connect(database) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS second")
    with pool(database) as connect, pool(database, options="-csearch_path=second") as connect_second:
        first, second = PostgresStore(connect), PostgresStore(connect_second)
        second.create()
        first.complete("msg_1")
        assert first.claim("msg_1") is Claim.DONE
        assert second.claim("msg_1") is Claim.NEW


@pytest.mark.parametrize("level", ["READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE"])
def test_a_claim_waits_for_one_that_is_not_committed_yet(level, database):
    def connect():
        connection = psycopg.connect(database)
        connection.isolation_level = psycopg.IsolationLevel[level]
        return connection

    def claim():
        try:
            return PostgresStore(connect).claim("msg_1", "second")
        except psycopg.errors.SerializationFailure as error:
            return type(error)

    with ThreadPoolExecutor(1) as threads, psycopg.connect(database) as first:
        first.execute("INSERT INTO clerk_webhook_claims VALUES ('msg_1', 'first', 1e12)")
        second = threads.submit(claim)
        time.sleep(0.2)
        assert not second.done()
        first.commit()
        # The endpoint answers 503 to an error, and Svix sends the message again.
        assert second.result(10) in {Claim.IN_PROGRESS, psycopg.errors.SerializationFailure}
        assert (second.result() is Claim.IN_PROGRESS) == (level == "READ_COMMITTED")
    assert PostgresStore(connect).claim("msg_1", "third") is Claim.IN_PROGRESS


def test_a_postgres_that_ended_its_connections_raises_once_and_is_used_again(database):
    with psycopg_pool.ConnectionPool(database, min_size=1, max_size=1) as connections:
        store = PostgresStore(connections.connection)
        store.complete("msg_1")
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(f"SELECT pg_terminate_backend(pid) {others}")
            while admin.execute(f"SELECT 1 {others}").fetchone():
                time.sleep(0.01)
        with pytest.raises(psycopg.OperationalError):
            store.claim("msg_1")
        assert store.claim("msg_1") is Claim.DONE


def test_a_postgres_that_does_not_answer_raises():
    with pytest.raises(psycopg.OperationalError):
        PostgresStore(lambda: psycopg.connect(f"postgresql://127.0.0.1:{free_port()}/app")).claim("msg_1")


# Redis


def test_keys_have_the_prefix_and_end_by_themselves(redis_client, redis_prefix):
    store = RedisStore(redis_client, prefix=redis_prefix, lease=0.0001, keep=60)
    store.claim("msg_1", "first")
    store.complete("msg_2")
    time.sleep(0.05)
    assert list(redis_client.scan_iter(match=f"{redis_prefix}*")) == [f"{redis_prefix}msg_2".encode()]
    assert 50_000 < redis_client.pttl(f"{redis_prefix}msg_2") <= 60_000
    store = RedisStore(redis_client, prefix=redis_prefix)
    store.claim("msg_1", "first")
    store.complete("msg_2")
    assert 200_000 < redis_client.pttl(f"{redis_prefix}msg_1") <= 240_000
    assert 89 * 86_400 < redis_client.ttl(f"{redis_prefix}msg_2") <= 90 * 86_400


def test_an_async_client_of_redis_is_refused():
    from redis.asyncio import Redis

    with pytest.raises(TypeError, match=r"not redis\.asyncio\.client\.Redis: .* in a thread"):
        RedisStore(Redis())


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def redis_server(port, folder):
    """Run a server of the test's own, which a client can reach."""
    command = [shutil.which("redis-server"), "--port", str(port), "--dir", folder, "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen([*command, "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield
    finally:
        server.kill()
        server.wait()


@pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server to start and kill here")
def test_a_redis_that_is_killed_raises_and_is_used_when_it_is_back(tmp_path):
    port = free_port()
    retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    with redis.Redis(port=port, retry=retry) as client:
        store = RedisStore(client)
        with redis_server(port, tmp_path):
            store.claim("msg_1", "first")
            store.complete("msg_2")
        for method in (store.claim, store.complete, store.release):
            with pytest.raises(redis.ConnectionError):
                method("msg_1")
        with redis_server(port, tmp_path):
            assert store.claim("msg_1", "second") is Claim.IN_PROGRESS
            assert store.claim("msg_2", "second") is Claim.DONE


# Processes


def test_each_message_goes_to_one_of_eight_processes(place):
    messages = 200 * SCALE
    start, claimed = PROCESSES.Barrier(8), PROCESSES.SimpleQueue()
    workers = [
        PROCESSES.Process(target=store_workers.claim_all, args=(place, messages, start, claimed)) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    numbers = [number for _ in workers for number in claimed.get()]
    for worker in workers:
        worker.join()
    assert sorted(numbers) == list(range(messages))


def test_a_store_in_sqlite_goes_on_after_a_fork(sqlite_path):
    # A process of its own, because pytest's may have threads, and those and a fork don't mix.
    script = """
        import multiprocessing, sys
        from clerk_webhook.stores import Claim, SQLiteStore

        def claim_all(owner):
            return [number for number in range(100) if store.claim(f"msg_{number}", str(owner)) is Claim.NEW]

        store = SQLiteStore(sys.argv[1])
        store.complete("msg_0")
        with multiprocessing.get_context("fork").Pool(4) as pool:
            claims = pool.map_async(claim_all, range(4), chunksize=1)
            numbers = claim_all("parent")
            for claimed in claims.get(30):
                numbers += claimed
        assert sorted(numbers) == list(range(1, 100)), numbers
        assert store.claim("msg_1") is Claim.IN_PROGRESS
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script), sqlite_path], check=True, timeout=60)


# Where a worker is to die, in parts of a hundred deliveries. Most deliveries bring a message that is done already, and
# reach neither of the two points in the middle.
POINTS = {"": 91, "before the claim": 1, "after the claim": 3, "after the effect": 4, "after complete()": 1}
WORKERS = 4
LEASE = 2


def test_workers_that_are_killed_lose_nothing(place, tmp_path):
    chance = random.Random(13)
    messages = 300 * SCALE
    deliveries = deque(f"msg_{number}" for number in range(messages) for _ in range(chance.randint(1, 4)))
    chance.shuffle(deliveries)
    later, idle, busy, processes = deque(), [], {}, {}
    killed, slow = Counter(), 0
    effects = tmp_path / "effects"

    def new_worker():
        ours, theirs = PROCESSES.Pipe()
        processes[ours] = PROCESSES.Process(target=store_workers.receive, args=(place, LEASE, effects, theirs))
        processes[ours].start()
        theirs.close()
        return ours

    while deliveries or later or busy:
        while later and later[0][0] < time.monotonic():
            deliveries.append(later.popleft()[1])
        while deliveries and len(busy) < WORKERS:
            worker = idle.pop() if idle else new_worker()
            message = deliveries.popleft()
            [fate] = chance.choices(list(POINTS), POINTS.values())
            worker.send((message, fate))
            busy[worker] = message, fate, time.monotonic()
        for worker in wait(busy, timeout=0.05):
            message, fate, sent = busy.pop(worker)
            slow += time.monotonic() > sent + LEASE
            try:
                status = worker.recv()
                idle.append(worker)
            except EOFError:
                status = "died"
                killed[fate] += 1
                worker.close()
            if status != 200:
                assert status in {"died", 409}
                # Svix sends again what was not answered by 2xx.
                later.append((time.monotonic() + 0.1, message))
    for worker in idle:
        worker.close()
    for process in processes.values():
        process.join(30)

    counts = Counter(effects.read_text().split())
    doubled = counts.total() - len(counts)
    print(f"{place[0]}: {messages} messages, killed {dict(killed)}, lost {messages - len(counts)}, doubled {doubled}")
    assert len(counts) == messages
    assert set(killed) == set(POINTS) - {""}
    # An effect doubles when its worker dies before complete(), or takes longer than its lease, and never else.
    assert doubled <= killed["after the effect"] + slow
