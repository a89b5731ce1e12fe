"""The work of the processes in the tests of races and crashes. They import it, so it is a module."""

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from multiprocessing.connection import wait

import psycopg

from clerk_webhook.inbox import CREATE_TABLE, Version, record_newest, record_once

RETRIED = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
POINTS = ("before the gate", "after the gate", "after the effect", "after the commit")


def connect(target, isolation=None):
    """Open a connection to a URL of PostgreSQL, or to a path of SQLite. They outlive the process, not the machine."""
    if isinstance(target, str):
        connection = psycopg.connect(target, options="-c synchronous_commit=off")
        connection.isolation_level = isolation
    else:
        connection = sqlite3.connect(target, timeout=60, isolation_level="IMMEDIATE")
        connection.execute("PRAGMA synchronous=off")
    return connection


def make_tables(target):
    """Make an empty inbox, and the table of effects."""
    with closing(connect(target)) as connection:
        for table in ("clerk_webhook_inbox", "effects"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(CREATE_TABLE)
        connection.execute("CREATE TABLE effects (name text, process bigint)")
        connection.commit()


def effects(target):
    """Return the name and the process of each effect."""
    with closing(connect(target)) as connection:
        return connection.execute("SELECT name, process FROM effects").fetchall()


def gate(connection, name, message_id):
    """Ask one of the two gates for a message. To `record_newest` each is the only version of a resource of its own."""
    if name == "once":
        return record_once(connection, message_id)
    return record_newest(connection, Version("user", message_id, 1, message_id=message_id))


def insert(connection, message_id):
    values = (message_id, os.getpid())
    if isinstance(connection, sqlite3.Connection):
        connection.execute("INSERT INTO effects VALUES (?, ?)", values)
    else:
        connection.execute("INSERT INTO effects VALUES (%s, %s)", values)


def race(target, isolation, name, message_ids, start_at):
    """Handle every message while all the others do, and return how often the database wanted a retry."""
    connection = connect(target, isolation)
    retries = 0
    time.sleep(max(0, start_at - time.time()))
    for message_id in message_ids:
        while True:
            try:
                due = gate(connection, name, message_id)
                if due:
                    insert(connection, message_id)
                    time.sleep(0.001)  # the others come to the same message
                connection.commit()
                if due:
                    time.sleep(0.001)  # and may overtake
                break
            except RETRIED:
                connection.rollback()
                retries += 1
    connection.close()
    return retries


def work(target, deliveries, handled, deaths):
    """Handle the deliveries that are not answered yet. `deaths` says at which of them to die, and at which point.

    `handled` is the number of deliveries that are answered. The process that delivers shares it, and reads it after a
    death, as Svix knows an answer that it has got and no other.
    """
    connection = connect(target)

    def pass_by(point):
        if deaths.get(handled.value) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    for message_id in deliveries[handled.value :]:
        pass_by("before the gate")
        due = gate(connection, "once" if int(message_id) % 2 else "newest", message_id)
        pass_by("after the gate")
        if due:
            insert(connection, message_id)
        pass_by("after the effect")
        connection.commit()
        pass_by("after the commit")
        handled.value += 1
    connection.close()


def plan(messages, workers, kills, seed, points=POINTS):
    """Return, for each worker, its deliveries and its deaths: each message comes one to four times, in any order."""
    choose = random.Random(seed)
    deliveries = [str(number) for number in range(messages) for _ in range(choose.randint(1, 4))]
    choose.shuffle(deliveries)
    shares = [deliveries[number::workers] for number in range(workers)]
    places = [(worker, number) for worker, share in enumerate(shares) for number in range(len(share))]
    deaths = [{} for _ in shares]
    for count, (worker, number) in enumerate(choose.sample(places, kills)):
        deaths[worker][number] = points[count % len(points)]
    return list(zip(shares, deaths, strict=True))


def kill(context, work, target, shares, timeout):
    """Have a process work at each share, and another one when it has died. Return how many died at each point."""
    handled = [context.Value("L", 0) for _ in shares]
    killed = Counter()

    def start(worker):
        deliveries, deaths = shares[worker]
        process = context.Process(target=work, args=(target, deliveries, handled[worker], deaths), daemon=True)
        process.start()
        return process

    running = {start(worker): worker for worker in range(len(shares))}
    while running:
        sentinels = {process.sentinel: process for process in running}
        ended = wait(sentinels, timeout)
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
    print(f"{sum(len(share) for share, _ in shares)} deliveries, killed: {killed}")
    return killed
