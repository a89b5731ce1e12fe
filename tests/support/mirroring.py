"""A mirror and what must stand in it: histories of users in any order, pages of Clerk's API, rows made just in time."""

from histories import CREATED, DELETED, NOON, UPDATED, user_event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clerk_webhook.inbox import Version
from clerk_webhook.mirror import Mirror

MIRROR = Mirror(users={"name": "first_name"})


def rank(version):
    """Return a tuple that compares as rows must. A row with nothing but its id has `()`."""
    return (1,) if version.deleted else (0, version.updated_at, version.timestamp, version.message_id)


class Mirroring:
    """A mirror on a connection, in transactions. For tests of other connections, `call` may wait."""

    def __init__(self, connection, mirror=MIRROR):
        self.connection = connection
        self.mirror = mirror

    def call(self, method, *arguments, fails=False, **options):
        answer = getattr(self.mirror, method)(self.connection, *arguments, **options)
        if fails:
            self.connection.rollback()
        else:
            self.connection.commit()
        return answer

    def users(self):
        cursor = self.connection.cursor()
        cursor.execute("SELECT id, name, version = 'deleted' FROM clerk_users")
        rows = {user_id: None if deleted else (name,) for user_id, name, deleted in cursor.fetchall()}
        self.connection.commit()
        return rows


class MirroringMachine(RuleBasedStateMachine):
    """Clerk changes users; events come in any order and again, and fail; pages and first requests come between."""

    users = st.sampled_from(["user_1", "user_2", "user_3"])
    numbers = st.integers(0, 10**6)

    def open(self):
        """Return a `Mirroring` on empty tables."""
        raise NotImplementedError

    @initialize()
    def start(self):
        self.mirroring = self.open()
        self.clerk = {}  # user: the last event
        self.sent = []
        self.pages = []
        self.ranks = {}
        self.expected = {}

    def send(self, wire_type, user, step):
        last = self.clerk.get(user)
        if last and last.type == DELETED:
            return
        updated_at = (last.data["updated_at"] if last else NOON) + step
        event = user_event(
            wire_type,
            user,
            name=None if wire_type == DELETED else f"name {len(self.sent)}",
            updated_at=None if wire_type == DELETED else updated_at,
            timestamp=updated_at + 4 + len(self.sent) * 7 % 19,  # it follows with a lag that varies
            message_id=f"msg_{len(self.sent) * 37 % 101:03}",
        )
        self.clerk[user] = event
        self.sent.append(event)

    @rule(user=users, step=st.sampled_from([1, 3, 1000]))
    def change(self, user, step):
        self.send(UPDATED if user in self.clerk else CREATED, user, step)

    @rule(user=users)
    def delete(self, user):
        if user in self.clerk:
            self.send(DELETED, user, 1)

    @rule()
    def list_users(self):
        """Read a page, which is written at any later time."""
        self.pages.append([event.data for event in self.clerk.values() if event.type != DELETED])

    def deliver_event(self, event, *, fails=False):
        version, user = Version.of(event), event.data["id"]
        due = self.mirroring.call("apply", event, fails=fails)
        assert due == (rank(version) > self.ranks.get(user, (-1,)))
        if due and not fails:
            self.ranks[user] = rank(version)
            self.expected[user] = None if version.deleted else (event.data["first_name"],)

    @rule(number=numbers, fails=st.booleans())
    def deliver(self, number, fails):
        if self.sent:
            self.deliver_event(self.sent[number % len(self.sent)], fails=fails)

    @rule(number=numbers, again=st.booleans())
    def backfill(self, number, again):
        page = self.pages[number % len(self.pages)] if self.pages else []
        self.mirroring.call("apply_many", "user", page, again=again)
        for user in page:
            version = rank(Version("user", user["id"], user["updated_at"]))
            known = self.ranks.get(user["id"], (-1,))
            if version > known or (again and version[:2] >= known[:2]):
                self.expected[user["id"]] = (user["first_name"],)
            self.ranks[user["id"]] = max(version, known)

    @rule(user=users)
    def ensure(self, user):
        alive = self.mirroring.call("ensure", "user", user)
        assert alive == (self.ranks.get(user) != (1,))
        if user not in self.ranks:
            self.ranks[user], self.expected[user] = (), (None,)

    @invariant()
    def the_mirror_shows_the_newest(self):
        assert self.mirroring.users() == self.expected

    def teardown(self):
        for event in reversed(self.sent):
            self.deliver_event(event)
        shown = {user: row for user, row in self.mirroring.users().items() if user in self.clerk}
        assert shown == {
            user: None if event.type == DELETED else (event.data["first_name"],) for user, event in self.clerk.items()
        }
