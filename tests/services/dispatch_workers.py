"""The work of the processes in the test of crashes. They import it, so it is a module."""

import os
import signal
import sqlite3
from contextlib import closing, contextmanager

import psycopg
from inbox_workers import connect

from clerk_webhook import WebhookEvent, events, parse_event
from clerk_webhook.handlers import Handlers

POINTS = ("before the transaction", "between two handlers", "after the last handler", "after the commit")


def application(target, reach):
    """Return handlers on a URL of PostgreSQL, or on a path of SQLite. They call `reach` between their steps."""

    @contextmanager
    def begin():
        reach("before the transaction")
        with closing(connect(target)) as connection:
            with connection:
                yield connection
                reach("after the last handler")
            reach("after the commit")

    handlers = Handlers(transaction=begin)

    @handlers.newest
    def save(event: events.UserUpdated, connection: sqlite3.Connection | psycopg.Connection):
        connection.execute(f"INSERT INTO effects VALUES ('newest {event.message_id}', {os.getpid()})")

    @handlers.on
    def between(event: WebhookEvent):
        reach("between two handlers")

    @handlers.once
    def mail(event: events.UserUpdated, connection: sqlite3.Connection | psycopg.Connection):
        connection.execute(f"INSERT INTO effects VALUES ('once {event.message_id}', {os.getpid()})")

    return handlers


def work(target, deliveries, handled, deaths):
    """Handle the deliveries that are not answered yet. `deaths` says at which of them to die, and at which point.

    `handled` is the number of deliveries that are answered. The process that delivers shares it, and reads it after a
    death, as Svix knows an answer that it has got and no other.
    """
    death = None

    def reach(point):
        if point == death:
            os.kill(os.getpid(), signal.SIGKILL)

    handlers = application(target, reach)
    for message_id in deliveries[handled.value :]:
        death = deaths.get(handled.value)
        # Each message is the only version of a resource of its own, so `newest` has one effect for it, too.
        data = {"id": f"user_{message_id}", "updated_at": 1_700_000_000_000}
        handlers.dispatch(parse_event({"type": "user.updated", "data": data}, message_id=message_id))
        handled.value += 1
