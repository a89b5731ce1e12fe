"""Clerk, Svix and a mirror in small: histories of users, every order in which they can arrive, and the state after it.

For the tests of the inbox, over any connection of the DB-API.
"""

from collections import Counter
from itertools import product

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clerk_webhook import parse_event
from clerk_webhook.inbox import Version, record_newest

CREATE_USERS = "CREATE TABLE IF NOT EXISTS users (id text PRIMARY KEY, name text, deleted integer NOT NULL)"
NOON = 1_700_000_000_000


def user_event(wire_type, user_id="user_1", *, name=None, updated_at=None, timestamp=None, message_id=None):
    """Return an event of a user, with the times it is given and no others."""
    data = {"id": user_id, "first_name": name, "updated_at": updated_at}
    body = {"type": wire_type, "data": data, "timestamp": timestamp}
    return parse_event(body, message_id=message_id)


def history(*wire_types, lags=(5, 22, 4, 9), step=1000):
    """Return the events of one user in the order in which they happened, with names that tell them apart."""
    return [
        user_event(
            wire_type,
            name=None if wire_type.endswith(".deleted") else f"name {number}",
            updated_at=NOON + number * step,
            timestamp=NOON + number * step + lag,
            message_id=f"msg_{number}",
        )
        for number, (wire_type, lag) in enumerate(zip(wire_types, lags, strict=False))
    ]


CREATED, UPDATED, DELETED = "user.created", "user.updated", "user.deleted"
HISTORIES = [
    history(CREATED),
    history(CREATED, DELETED),
    history(CREATED, UPDATED, UPDATED),
    history(CREATED, UPDATED, DELETED),
    history(CREATED, UPDATED, UPDATED, UPDATED),
    history(CREATED, UPDATED, UPDATED, DELETED),
]


def arrivals(events, most_duplicates):
    """Yield every order in which events can arrive, each of them once or twice."""
    for times in product((1, 2), repeat=len(events)):
        if sum(times) - len(events) <= most_duplicates:
            yield from orders(Counter(dict(enumerate(times))), events)


def orders(left, events):
    if not left.total():
        yield []
    for number in [number for number in left if left[number]]:
        left[number] -= 1
        yield from ([events[number], *rest] for rest in orders(left, events))
        left[number] += 1


def rank(version):
    """Return a tuple that compares as `record_newest` must."""
    if version.deleted:
        return (1,)
    return (0, version.updated_at, version.timestamp, version.message_id)


class Mirror:
    """A table of users, written by the events that are newest."""

    def __init__(self, connection, mark="?"):
        self.connection = connection
        self.mark = mark

    def execute(self, sql, *parameters):
        cursor = self.connection.cursor()
        cursor.execute(sql.replace("?", self.mark), parameters)
        return cursor

    def apply(self, event, data, *, fails):
        """Handle an event, or the version of an object, in a transaction, and return what `record_newest` said."""
        due = record_newest(self.connection, event)
        if due:
            self.execute(
                "INSERT INTO users VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name, deleted = excluded.deleted",
                *(data["id"], data["first_name"], data["first_name"] is None),
            )
        if fails:
            self.connection.rollback()
        else:
            self.connection.commit()
        return due

    def users(self):
        """Return the columns of each user; None for a user who is deleted."""
        rows = self.execute("SELECT id, name, deleted FROM users").fetchall()
        self.connection.commit()
        return {user_id: None if deleted else (name,) for user_id, name, deleted in rows}


def check_every_order(mirror, most_duplicates):
    """Deliver every history in every order: to users of their own, so that one transaction is enough."""
    count = 0
    for events in HISTORIES:
        last = events[-1].data["first_name"]
        for arrived in arrivals(events, most_duplicates):
            count += 1
            user_id, best = f"user_{count}", ()
            for event in arrived:
                version = Version.of(event)._replace(id=user_id)
                due = record_newest(mirror.connection, version)
                assert due == (rank(version) > best), arrived
                if due:
                    best, state = rank(version), event.data["first_name"]
            assert state == last, arrived
    mirror.connection.rollback()
    return count


class MirrorMachine(RuleBasedStateMachine):
    """Clerk changes users, Svix delivers in any order and again, handlers fail, and backfills come between."""

    users = st.sampled_from(["user_1", "user_2", "user_3"])
    numbers = st.integers(0, 10**6)

    least_step = 0  # between two versions of a user, in milliseconds

    def open(self):
        """Return a mirror on empty tables, such as `Mirror`."""
        raise NotImplementedError

    @initialize()
    def start(self):
        self.mirror = self.open()
        self.clerk = {}  # user: the last event; what Clerk's API would answer
        self.sent = []
        self.pages = []
        self.ranks = {}  # user: the rank of what was applied last
        self.expected = {}

    def send(self, wire_type, user, step):
        last = self.clerk.get(user)
        if last and last.type == DELETED:
            return
        updated_at = (last.data["updated_at"] if last else NOON) + max(step, self.least_step)
        event = user_event(
            wire_type,
            user,
            name=None if wire_type == DELETED else f"name {len(self.sent)}",
            # The timestamp follows with a lag that varies.
            updated_at=None if wire_type == DELETED else updated_at,
            timestamp=max(updated_at + 4 + len(self.sent) * 7 % 19, last.timestamp + 1 if last else 0),
            message_id=f"msg_{len(self.sent) * 37 % 101:03}",
        )
        self.clerk[user] = event
        self.sent.append(event)

    @rule(user=users, step=st.sampled_from([0, 1, 1000]))
    def change(self, user, step):
        self.send(UPDATED if user in self.clerk else CREATED, user, step)

    @rule(user=users)
    def delete(self, user):
        if user in self.clerk:
            self.send(DELETED, user, 1)

    @rule()
    def list_users(self):
        """Read a page for a backfill, which is written at any later time."""
        self.pages.append([event.data for event in self.clerk.values() if event.type != DELETED])

    def apply(self, event, version, data, *, fails=False):
        due = self.mirror.apply(event, data, fails=fails)
        assert due == (rank(version) > self.ranks.get(version.id, (-1,)))
        if due and not fails:
            self.ranks[version.id] = rank(version)
            self.expected[version.id] = None if version.deleted else (data["first_name"],)

    def deliver_event(self, event, *, fails=False):
        self.apply(event, Version.of(event), event.data, fails=fails)

    @rule(number=numbers, fails=st.booleans())
    def deliver(self, number, fails):
        if self.sent:
            self.deliver_event(self.sent[number % len(self.sent)], fails=fails)

    @rule(number=numbers)
    def backfill(self, number):
        for user in self.pages[number % len(self.pages)] if self.pages else ():
            version = Version("user", user["id"], user["updated_at"])
            self.apply(version, version, user)

    @invariant()
    def the_mirror_shows_the_newest(self):
        assert self.mirror.users() == self.expected

    def teardown(self):
        for event in reversed(self.sent):
            self.deliver_event(event)
        shown = {user: columns for user, columns in self.mirror.users().items() if user in self.clerk}
        assert shown == {
            user: None if event.type == DELETED else (event.data["first_name"],) for user, event in self.clerk.items()
        }
