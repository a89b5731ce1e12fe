"""Processes that are killed while they dispatch: no message is lost and none has its effect twice.

`CLERK_WEBHOOK_TEST_BIG=1` makes it 2,000 messages and 60 processes killed.
"""

import multiprocessing
import os
import signal
from multiprocessing.connection import wait

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import dispatch_workers
from inbox_workers import connect, plan

from clerk_webhook.inbox import CREATE_TABLE

BIG = os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1"
MESSAGES, KILLS = (2000, 60) if BIG else (150, 12)
TIMEOUT = 600 if BIG else 60  # seconds


@pytest.fixture(params=["postgres", "sqlite"])
def target(request):
    target = request.getfixturevalue("postgres_url" if request.param == "postgres" else "sqlite_path")
    connection = connect(target)
    for table in ("clerk_webhook_inbox", "effects"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute(CREATE_TABLE)
    connection.execute("CREATE TABLE effects (name text, process bigint)")
    connection.commit()
    connection.close()
    return target


def effects(target):
    connection = connect(target)
    rows = connection.execute("SELECT name FROM effects").fetchall()
    connection.close()
    return [name for (name,) in rows]


def test_no_message_is_lost_or_doubled_by_processes_that_are_killed(target):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "psycopg", "clerk_webhook.handlers"])
    points = dispatch_workers.POINTS
    shares = plan(MESSAGES, workers=4, kills=KILLS, seed=20_261_129, points=points)
    handled = [context.Value("L", 0) for _ in shares]
    killed = dict.fromkeys(points, 0)

    def start(worker):
        deliveries, deaths = shares[worker]
        work = (target, deliveries, handled[worker], deaths)
        process = context.Process(target=dispatch_workers.work, args=work, daemon=True)
        process.start()
        return process

    running = {start(worker): worker for worker in range(len(shares))}
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
    print(f"{MESSAGES} messages, {sum(len(share) for share, _ in shares)} deliveries, killed: {killed}")
    assert killed == dict.fromkeys(points, KILLS // len(points))
    assert sorted(effects(target)) == sorted(
        f"{kind} {each}" for kind in ("newest", "once") for each in range(MESSAGES)
    )
