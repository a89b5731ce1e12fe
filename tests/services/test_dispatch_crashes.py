"""Processes that are killed while they dispatch: no message is lost and none has its effect twice.

`CLERK_WEBHOOK_TEST_BIG=1` makes it 2,000 messages and 60 processes killed.
"""

import multiprocessing
import os

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

from dispatch_workers import POINTS, work
from inbox_workers import effects, kill, make_tables, plan

BIG = os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1"
MESSAGES, KILLS = (2000, 60) if BIG else (150, 12)
TIMEOUT = 600 if BIG else 60  # seconds


@pytest.mark.parametrize("engine", ["postgres_url", "sqlite_path"])
def test_no_message_is_lost_or_doubled_by_processes_that_are_killed(engine, request):
    target = request.getfixturevalue(engine)
    make_tables(target)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "psycopg", "clerk_webhook.handlers"])
    shares = plan(MESSAGES, workers=4, kills=KILLS, seed=20_261_129, points=POINTS)
    assert kill(context, work, target, shares, TIMEOUT) == dict.fromkeys(POINTS, KILLS // len(POINTS))
    expected = sorted(f"{kind} {each}" for kind in ("newest", "once") for each in range(MESSAGES))
    assert sorted(name for name, _ in effects(target)) == expected
