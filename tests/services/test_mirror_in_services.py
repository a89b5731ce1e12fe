"""The mirror over every kind of connection: the same rows; and on PostgreSQL many at once, and in any order."""

import asyncio
import json
import os
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

pytest.importorskip("psycopg")  # the services group of dependencies is installed as a whole

import asyncpg
import psycopg
from dispatch_transactions import ASYNC, POSTGRES
from dispatch_transactions import KINDS as TRANSACTIONS
from histories import CREATED, DELETED, HISTORIES, NOON, UPDATED, arrivals, history, user_event
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from inbox_connections import IN_TRANSACTION, KINDS, SQLITE, settle
from mirroring import MIRROR, Mirroring, MirroringMachine

from clerk_webhook import Handlers, parse_event
from clerk_webhook.inbox import AwaitableBool
from clerk_webhook.mirror import USER_COLUMNS, Mirror
from clerk_webhook.testing import sample_event


def as_float(user) -> float:
    return len(user["id"]) / 4


WIDE = Mirror(
    users={
        **USER_COLUMNS,
        "created_at": "created_at",
        "banned": "banned",
        "metadata": "public_metadata",
        "n": as_float,
        "plan": lambda _: 5,
    }
)
BIG = os.environ.get("CLERK_WEBHOOK_TEST_BIG") == "1"
METADATA = {"plan": "\0pro", "n": 10**30, "nested": [None, True, "é"]}
COLUMNS = "id, version, email, first_name, created_at, banned, n, plan"


def make_tables(target, mirror):
    connect = psycopg.connect if isinstance(target, str) else sqlite3.connect
    with closing(connect(target)) as connection:
        for table in ("users", "organizations", "memberships"):
            connection.execute(f"DROP TABLE IF EXISTS clerk_{table}")
        for statement in mirror.create_tables:
            connection.execute(statement)
        connection.commit()


def select(target, sql):
    connect = psycopg.connect if isinstance(target, str) else sqlite3.connect
    with closing(connect(target)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def target(request, kind):
    target = request.getfixturevalue("sqlite_path" if kind in SQLITE else "postgres_url")
    make_tables(target, WIDE)
    return target


@pytest.fixture(autouse=True)
def _sync_connections_of_django_in_an_event_loop(monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def user(user_id, first_name="Ada", **overrides):
    overrides |= {"id": user_id, "first_name": first_name, "public_metadata": METADATA}
    payload = sample_event("user.updated", **overrides).payload
    return parse_event(payload, message_id="msg_1")


@pytest.mark.parametrize("kind", KINDS | IN_TRANSACTION)
def test_every_kind_of_connection_writes_the_same_rows(kind, target):
    newer, older = user("user_1", updated_at=NOON + 1), user("user_1", updated_at=NOON, first_name="Older")
    page = [user("user_2", updated_at=NOON).data, user("user_1", updated_at=NOON, first_name="Page").data]

    async def check():
        async with (KINDS | IN_TRANSACTION)[kind](target) as (connection, commit, rollback):

            async def call(method, *arguments, **options):
                answer = getattr(WIDE, method)(connection, *arguments, **options)
                assert hasattr(answer, "__await__") == ("sync" in kind or "aiosqlite" in kind)
                assert isinstance(answer, AwaitableBool | bool) or method in {"apply_many", "unseen"}
                return await settle(answer)

            assert await call("apply", newer)
            await settle(rollback())
            assert [await call("apply", event) for event in (newer, older, newer)] == [True, False, False]
            assert await call("apply", sample_event("session.created")) is False
            await settle(commit())
            await call("apply_many", "user", page)
            await call("apply_many", "user", page, again=True)
            assert [await call("ensure", "user", user_id) for user_id in ("user_1", "user_3", "user_3")] == [True] * 3
            assert await call("apply", user_event("user.deleted", "user_4"))
            assert not await call("ensure", "user", "user_4")
            assert await call("unseen", "user", time.time() + 60) == ["user_1", "user_2", "user_3"]
            assert await call("unseen", "user", time.time() - 60) == []
            await settle(commit())

    asyncio.run(check())
    metadata = {"plan": "\ufffdpro", "n": 10**30, "nested": [None, True, "é"]}
    rows = select(target, f"SELECT {COLUMNS}, metadata FROM clerk_users ORDER BY id")
    if kind in SQLITE:  # which has JSON as text
        rows = [(*row[:-1], json.loads(row[-1]) if row[-1] else None) for row in rows]
    timestamp = newer.timestamp
    values = ("ada@example.com", "Ada", newer.data["created_at"], False, 1.5, "5", metadata)
    assert rows == [
        ("user_1", f"{NOON + 1:015}.{timestamp:015}.msg_1", *values),
        ("user_2", f"{NOON:015}.{0:015}.", *values),
        ("user_3", "", *[None] * 7),
        ("user_4", "deleted", *[None] * 7),
    ]


@pytest.mark.parametrize("kind", TRANSACTIONS)
def test_the_handlers_of_a_mirror_run_in_every_kind_of_transaction(kind, request):
    target = request.getfixturevalue("postgres_url" if kind in POSTGRES else "sqlite_path")
    mirror = Mirror(memberships={})
    make_tables(target, mirror)
    choose = random.Random(20_261_129)
    lives = [history(CREATED, UPDATED, *choose.choice([(), (UPDATED,), (DELETED,)])) for _ in range(6)]
    for number, life in enumerate(lives):
        lives[number] = [parse_event({**e.payload, "data": {**e.data, "id": f"user_{number}"}}) for e in life]
    waiting = [event for life in lives for event in life for _ in range(2)]

    async def story():
        async with TRANSACTIONS[kind](target) as begin:
            handlers = Handlers(transaction=begin)
            handlers.include(mirror.handlers)
            while waiting:
                event = waiting.pop(choose.randrange(len(waiting)))
                if kind in ASYNC:
                    assert await handlers.dispatch_async(event) == "handled"
                else:
                    assert handlers.dispatch(event) == "handled"

    asyncio.run(story())
    rows = select(target, "SELECT id, first_name, version = 'deleted' FROM clerk_users ORDER BY id")
    last = [life[-1] for life in lives]
    assert rows == [(e.data["id"], e.data["first_name"], e.type == DELETED) for e in last]


# On PostgreSQL.


@pytest.fixture
def url(postgres_url):
    make_tables(postgres_url, MIRROR)
    return postgres_url


def test_every_arrival_order_of_four_events_ends_in_the_same_row(url):
    expected = {}
    with psycopg.connect(url) as connection:
        for events in HISTORIES:
            for arrived in arrivals(events, most_duplicates=1):
                user_id = f"user_{len(expected)}"
                expected[user_id] = events[-1].data["first_name"]
                for event in arrived:
                    payload = {**event.payload, "data": {**event.data, "id": user_id}}
                    MIRROR.apply(connection, parse_event(payload, message_id=event.message_id))
    assert len(expected) == 622
    assert dict(select(url, "SELECT id, name FROM clerk_users")) == expected


def test_the_mirror_shows_the_newest_through_failures_pages_first_requests_and_deletions(url):
    with psycopg.connect(url, options="-c synchronous_commit=off") as connection:

        class Machine(MirroringMachine):
            def open(self):
                connection.execute("TRUNCATE clerk_users")
                connection.commit()
                return Mirroring(connection)

        options = {"max_examples": 1000 if BIG else 30, "stateful_step_count": 40}
        run_state_machine_as_test(Machine, settings=settings(derandomize=True, deadline=None, **options))


def in_threads(url, work, arguments):
    def run(argument):
        with psycopg.connect(url) as connection:
            return work(connection, argument)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, arguments))


@pytest.mark.parametrize(("event_type", "alive"), [(UPDATED, True), (DELETED, False)])
def test_a_row_that_is_made_at_once_by_a_request_and_an_event_is_made_once(event_type, alive, url):
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        answers = []
        assert MIRROR.apply(first, user_event(event_type, name="Ada", updated_at=NOON))
        request = threading.Thread(target=lambda: answers.append(MIRROR.ensure(second, "user", "user_1")))
        request.start()
        request.join(0.2)
        assert not answers  # it waits for the event
        first.commit()
        request.join(30)
        assert answers == [alive]
    assert select(url, "SELECT name FROM clerk_users") == [("Ada" if alive else None,)]


def test_pages_and_events_at_once_do_not_deadlock(url):
    ids = [f"user_{number:03}" for number in range(200)]

    def work(connection, seed):
        choose = random.Random(seed)
        for round_ in range(10):
            if seed % 2:
                page = [{"id": id_, "updated_at": NOON + round_} for id_ in choose.sample(ids, 150)]
                MIRROR.apply_many(connection, "user", page, again=choose.random() < 0.5)
            else:
                MIRROR.apply(connection, user_event(UPDATED, choose.choice(ids), updated_at=NOON + round_))
            connection.commit()
        return True

    assert all(in_threads(url, work, range(8)))


def test_thousands_of_events_in_any_order_with_failures_pages_and_deletions_end_in_the_truth(url):
    mirror = Mirror(users={"name": "first_name"}, memberships={"role": "role"})
    choose = random.Random(20_261_129)
    deliveries, truth, roles = [], {}, {}
    for number in range(20_000 if BIG else 300):
        user_id = f"user_{number}"
        verbs = [CREATED, *[UPDATED] * choose.randint(0, 2), *[DELETED] * (choose.random() < 0.2)]
        for step, verb in enumerate(verbs):
            name = None if verb == DELETED else f"{user_id} {step}"
            times = {"updated_at": NOON + step, "timestamp": NOON + step + choose.randint(4, 22)}
            event = user_event(verb, user_id, name=name, message_id=f"msg_{number}_{step}", **times)
            deliveries += [event] * choose.choice([1, 1, 2])
            truth[user_id] = name
        for step, verb in enumerate(["created", "updated", *["deleted"] * (choose.random() < 0.3)]):
            role = f"org:{step}"
            data = {"id": f"orgmem_{number}", "updated_at": NOON + (0 if verb == "deleted" else step), "role": role}
            data |= {"organization": {"id": "org_1"}, "public_user_data": {"user_id": user_id}}
            body = {"type": f"organizationMembership.{verb}", "timestamp": NOON + step + 9, "data": data}
            deliveries.append(parse_event(body, message_id=f"msg_m_{number}_{step}"))
            roles[data["id"]] = (None, None) if verb == "deleted" else (role, user_id)
    choose.shuffle(deliveries)

    def work(connection, share):
        choose = random.Random(share)
        waiting = deliveries[share::8]
        while waiting:
            event = waiting.pop()
            mirror.apply(connection, event)
            if choose.random() < 0.1:
                connection.rollback()  # the handler failed, and the message comes again
                waiting.insert(choose.randint(0, len(waiting)), event)
            else:
                connection.commit()

    in_threads(url, work, range(8))
    assert dict(select(url, "SELECT id, name FROM clerk_users")) == truth
    rows = select(url, "SELECT id, role, user_id FROM clerk_memberships")
    assert {id_: (role, user_id) for id_, role, user_id in rows} == roles


def test_json_is_stored_as_json_whatever_codec_the_connection_has(postgres_url):
    mirror = Mirror(users={"metadata": "public_metadata"})
    make_tables(postgres_url, mirror)

    async def check():
        connection = await asyncpg.connect(postgres_url)
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        async with connection.transaction():
            assert await mirror.apply(connection, sample_event("user.created", public_metadata={"plan": "pro"}))
        await connection.close()

    asyncio.run(check())
    assert select(postgres_url, "SELECT metadata ->> 'plan' FROM clerk_users") == [("pro",)]
