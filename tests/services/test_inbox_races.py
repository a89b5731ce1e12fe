"""Many processes at once, and processes that are killed: no message is lost and none is handled twice.

The numbers are small enough for every commit. `CLERK_WEBHOOK_TEST_BIG=1` makes them those that the project promises:
8 processes with 2,000 messages each, and 5,000 messages with 160 processes killed.
"""

import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import psycopg
from inbox_workers import POINTS, connect, plan, race, work

from clerk_webhook.inbox import CREATE_TABLE

BIG = os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1"
PROCESSES = 8
RACE_MESSAGES = 2000 if BIG else 100
CRASH_MESSAGES, KILLS = (5000, 160) if BIG else (300, 24)
SEED = 20_261_101
TIMEOUT = 600 if BIG else 60  # seconds

READ_COMMITTED, REPEATABLE_READ, SERIALIZABLE = (
    psycopg.IsolationLevel.READ_COMMITTED,
    psycopg.IsolationLevel.REPEATABLE_READ,
    psycopg.IsolationLevel.SERIALIZABLE,
)


@pytest.fixture(scope="module")
def context():
    """Return what starts processes: from a clean one, which has imported the drivers, so a start takes milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "psycopg", "clerk_webhook.inbox"])
    return context


@pytest.fixture(scope="module")
def processes(context):
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        yield pool


@pytest.fixture(params=["postgres", "sqlite"])
def target(request):
    target = request.getfixturevalue("postgres_url" if request.param == "postgres" else "sqlite_path")
    tables(target)
    return target


def tables(target):
    connection = connect(target)
    for table in ("clerk_webhook_inbox", "effects"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute(CREATE_TABLE)
    connection.execute("CREATE TABLE effects (message_id text, process bigint)")
    connection.commit()
    connection.close()


def effects(target):
    connection = connect(target)
    rows = connection.execute("SELECT message_id, process FROM effects").fetchall()
    connection.close()
    return rows


def run_race(processes, target, isolation, name):
    message_ids = [f"msg_{number}" for number in range(RACE_MESSAGES)]
    start_at = time.time() + 0.3
    races = [processes.submit(race, target, isolation, name, message_ids, start_at) for _ in range(PROCESSES)]
    retries = sum(each.result(TIMEOUT) for each in races)
    rows = effects(target)
    assert sorted(message_id for message_id, _ in rows) == sorted(message_ids)
    winners = len({process for _, process in rows})
    print(f"{name}: {RACE_MESSAGES} messages, {PROCESSES} processes, {winners} of them won some, {retries} retries")
    assert winners > 1
    return retries


@pytest.mark.parametrize("name", ["newest", "once"])
def test_of_many_processes_one_gets_each_message_and_none_an_error(name, target, processes):
    assert run_race(processes, target, READ_COMMITTED, name) == 0


@pytest.mark.parametrize("isolation", [REPEATABLE_READ, SERIALIZABLE], ids=lambda level: level.name)
@pytest.mark.parametrize("name", ["newest", "once"])
def test_in_stricter_isolation_one_gets_each_message_because_failures_are_retried(
    name, isolation, postgres_url, processes
):
    tables(postgres_url)
    assert run_race(processes, postgres_url, isolation, name) > 0


def test_no_message_is_lost_or_doubled_by_processes_that_are_killed(target, context):
    workers = 4
    shares = plan(CRASH_MESSAGES, workers, KILLS, SEED)
    assert sum(len(deaths) for _, deaths in shares) == KILLS
    handled = [context.Value("L", 0) for _ in shares]
    killed = dict.fromkeys(POINTS, 0)

    def start(worker):
        deliveries, deaths = shares[worker]
        process = context.Process(target=work, args=(target, deliveries, handled[worker], deaths), daemon=True)
        process.start()
        return process

    running = {start(worker): worker for worker in range(workers)}
    while running:
        sentinels = {process.sentinel: process for process in running}
        ended = wait(sentinels, TIMEOUT)
        assert ended, "nobody works any more"
        for sentinel in ended:
            process = sentinels[sentinel]
            process.join()
            worker = running.pop(process)
            deliveries, deaths = shares[worker]
            if process.exitcode == -signal.SIGKILL:
                # The delivery without an answer comes again: the next process begins with it, and survives it.
                killed[deaths.pop(handled[worker].value)] += 1
                running[start(worker)] = worker
            else:
                assert (process.exitcode, handled[worker].value, deaths) == (0, len(deliveries), {})
    happened = [int(message_id) for message_id, _ in effects(target)]
    print(f"{CRASH_MESSAGES} messages, {sum(len(share) for share, _ in shares)} deliveries, killed: {killed}")
    assert killed == dict.fromkeys(POINTS, KILLS // len(POINTS))
    assert sorted(happened) == list(range(CRASH_MESSAGES))
