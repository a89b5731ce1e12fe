"""Many processes at once, and processes that are killed: no message is lost and none is handled twice.

The numbers are small enough for every commit. `CLERK_WEBHOOK_TEST_BIG=1` makes them those that the project promises:
8 processes with 2,000 messages each, and 5,000 messages with 160 processes killed.
"""

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import psycopg
from inbox_workers import POINTS, effects, kill, make_tables, plan, race, work

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
    make_tables(target)
    return target


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
    make_tables(postgres_url)
    assert run_race(processes, postgres_url, isolation, name) > 0


def test_no_message_is_lost_or_doubled_by_processes_that_are_killed(target, context):
    shares = plan(CRASH_MESSAGES, workers=4, kills=KILLS, seed=SEED)
    assert sum(len(deaths) for _, deaths in shares) == KILLS
    assert kill(context, work, target, shares, TIMEOUT) == dict.fromkeys(POINTS, KILLS // len(POINTS))
    assert sorted(int(message_id) for message_id, _ in effects(target)) == list(range(CRASH_MESSAGES))
