"""The inbox in every order of arrival, on both engines. tests/support/histories.py has Clerk, Svix and the mirror.

`CLERK_WEBHOOK_TEST_BIG=1` has each of four events delivered twice, and the machine run longer.
"""

import os
import sqlite3
from contextlib import closing

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import psycopg
from histories import CREATE_USERS, Mirror, MirrorMachine, check_every_order
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from clerk_webhook.inbox import CREATE_TABLE

BIG = os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1"
# Derandomized: the same runs each time.
MACHINE = settings(derandomize=True, deadline=None, max_examples=1000 if BIG else 50, stateful_step_count=40)


def clear(connection):
    connection.execute(CREATE_TABLE)
    connection.execute(CREATE_USERS.replace("deleted integer", "deleted boolean"))
    connection.execute("DELETE FROM clerk_webhook_inbox")
    connection.execute("DELETE FROM users")
    connection.commit()


@pytest.fixture(params=["postgres", "sqlite"])
def mirror(request):
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url, options="-c synchronous_commit=off") as connection:
            clear(connection)
            yield Mirror(connection, mark="%s")
    else:
        path = request.getfixturevalue("sqlite_path")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA synchronous=off")
            clear(connection)
            yield Mirror(connection)


def test_every_arrival_order_of_short_histories_ends_in_the_same_state(mirror):
    assert check_every_order(mirror, most_duplicates=4 if BIG else 1) == (13_228 if BIG else 622)


def test_a_mirror_shows_the_newest_through_failures_backfills_and_deletions(mirror):
    class Machine(MirrorMachine):
        def open(self):
            clear(mirror.connection)
            return mirror

    run_state_machine_as_test(Machine, settings=MACHINE)
