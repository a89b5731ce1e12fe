"""`clerk_webhook.mirror` in the histories of histories.py, with pages of Clerk's API and rows made just in time."""

from histories import MirrorMachine, rank
from hypothesis import strategies as st
from hypothesis.stateful import rule

from clerk_webhook.inbox import Version
from clerk_webhook.mirror import Mirror

MIRROR = Mirror(users={"name": "first_name"})


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

    def apply(self, event, _data, *, fails):
        return self.call("apply", event, fails=fails)

    def users(self):
        cursor = self.connection.cursor()
        cursor.execute("SELECT id, name, version = 'deleted' FROM clerk_users")
        rows = {user_id: None if deleted else (name,) for user_id, name, deleted in cursor.fetchall()}
        self.connection.commit()
        return rows


class MirroringMachine(MirrorMachine):
    """Pages are written as such, with `again` or without, and first requests come between. A row of them ranks `()`."""

    least_step = 1  # `again` writes what has the same updated_at, so the older of two such versions would win

    @rule(number=MirrorMachine.numbers, again=st.booleans())
    def backfill(self, number, again):
        page = self.pages[number % len(self.pages)] if self.pages else []
        self.mirror.call("apply_many", "user", page, again=again)
        for user in page:
            version = rank(Version("user", user["id"], user["updated_at"]))
            known = self.ranks.get(user["id"], (-1,))
            if version > known or (again and version[:2] >= known[:2]):
                self.expected[user["id"]] = (user["first_name"],)
            self.ranks[user["id"]] = max(version, known)

    @rule(user=MirrorMachine.users)
    def ensure(self, user):
        alive = self.mirror.call("ensure", "user", user)
        assert alive == (self.ranks.get(user) != (1,))
        if user not in self.ranks:
            self.ranks[user], self.expected[user] = (), (None,)
