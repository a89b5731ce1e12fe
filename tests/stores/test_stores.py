import re
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from secrets import token_hex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import imported

from clerk_webhook import _sqlite
from clerk_webhook.stores import Claim, MemoryStore, PostgresStore, RedisStore, SQLiteStore, _contract
from clerk_webhook.testing import check_store

DAY = 24 * 3600


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now

    def go_on(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "webhooks.db"


@pytest.fixture
def store(clock):
    return MemoryStore(lease=60, keep=timedelta(days=1), clock=clock)


# The contract


@pytest.fixture
def waits_by(monkeypatch, clock):
    """Let `check_store` wait by the clock of the test, which takes no time."""
    monkeypatch.setattr(_contract, "sleep", clock.go_on)
    monkeypatch.setattr(_contract, "monotonic", clock)


def test_a_store_in_memory_keeps_the_rules(waits_by, clock):
    check_store(lambda lease: MemoryStore(lease=lease, clock=clock))


def test_a_store_in_sqlite_keeps_the_rules(path):
    check_store(lambda lease: SQLiteStore(path, lease=lease))


class PlainStore:
    """The rules as plainly as possible: one entry for each message, with the claim, the owner and the end."""

    def __init__(self, lease, keep, clock):
        self.lease, self.keep, self.clock, self.known, self.lock = lease, keep, clock, {}, threading.Lock()

    def entry(self, message_id):
        return self.known.get(message_id, (None, None, 0))

    def claim(self, message_id, owner=""):
        with self.lock:
            claim, _, end = self.entry(message_id)
            if end > self.clock():
                return claim
            self.known[message_id] = (Claim.IN_PROGRESS, owner, self.clock() + self.lease)
            return Claim.NEW

    def complete(self, message_id):
        self.known[message_id] = (Claim.DONE, None, self.clock() + self.keep)

    def release(self, message_id, owner=""):
        if self.entry(message_id)[1] == owner:
            del self.known[message_id]


FAULTY = []


def breaks(rule):
    """Make a store one of the faulty ones. It breaks this rule before all that follow."""

    def register(store):
        FAULTY.append(pytest.param(rule, store, id=store.__name__))
        return store

    return register


@breaks("A message that nobody has claimed is NEW")
class TellsWhetherItClaimed(PlainStore):
    def claim(self, message_id, owner=""):
        return super().claim(message_id, owner) is Claim.NEW


@breaks("A claimed message is IN_PROGRESS for another owner")
class TakesAClaimForDone(PlainStore):
    def claim(self, message_id, owner=""):
        claim = super().claim(message_id, owner)
        return Claim.DONE if claim is Claim.IN_PROGRESS else claim


@breaks("A claim by the same owner again is IN_PROGRESS")
class LetsTheOwnerInAgain(PlainStore):
    def claim(self, message_id, owner=""):
        return Claim.NEW if self.entry(message_id)[1] == owner else super().claim(message_id, owner)


@breaks("A completed message is DONE, for every owner")
class ForgetsWhatIsDone(PlainStore):
    def complete(self, message_id):
        self.known.pop(message_id, None)


@breaks("complete() needs no claim")
class CompletesClaimsAlone(PlainStore):
    def complete(self, message_id):
        if message_id in self.known:
            super().complete(message_id)


@breaks("complete() may come twice")
class CompletesOnce(PlainStore):
    def complete(self, message_id):
        if self.entry(message_id)[0] is Claim.DONE:
            raise ValueError(message_id)
        super().complete(message_id)


@breaks("release() makes a message NEW again")
class ReleasesNothing(PlainStore):
    def release(self, message_id, owner=""):
        pass


@breaks("release() by another owner does nothing")
class ReleasesForAnyone(PlainStore):
    def release(self, message_id, owner=""):
        self.known.pop(message_id, None)


@breaks("release() may come without a claim, and twice")
class ReleasesClaimsAlone(PlainStore):
    def release(self, message_id, owner=""):
        if self.known[message_id][1] == owner:
            del self.known[message_id]


@breaks("release() after complete() does nothing")
class ReleasesWhatIsDone(PlainStore):
    def release(self, message_id, owner=""):
        if self.entry(message_id)[1] in (owner, None):
            self.known.pop(message_id, None)


@breaks("One of several threads that claim a message at once gets NEW")
class LooksFirst(PlainStore):
    def claim(self, message_id, owner=""):
        claim, _, end = self.entry(message_id)
        if end > self.clock():
            return claim
        time.sleep(0.001)
        self.known[message_id] = (Claim.IN_PROGRESS, owner, self.clock() + self.lease)
        return Claim.NEW


WHOLE_ID = "Messages are told apart by their whole id, up to 256 visible characters, and by case"


@breaks(WHOLE_ID)
class CutsIds(PlainStore):
    def claim(self, message_id, owner=""):
        return super().claim(message_id[:255], owner)


@breaks(WHOLE_ID)
class IgnoresCase(PlainStore):
    def claim(self, message_id, owner=""):
        return super().claim(message_id.lower(), owner)


@breaks("A claim holds until its lease ends")
class TakesTheLeaseForMilliseconds(PlainStore):
    def __init__(self, lease, keep, clock):
        super().__init__(lease / 1000, keep, clock)


@breaks("A claim ends with its lease")
class ForgetsTheLease(PlainStore):
    def __init__(self, lease, keep, clock):
        super().__init__(keep, keep, clock)


class Reclaiming(PlainStore):
    """A store that goes wrong when a message is claimed after a lease."""

    def claim(self, message_id, owner=""):
        before = self.entry(message_id)
        claim = super().claim(message_id, owner)
        if before[1] is not None and claim is Claim.NEW:
            self.reclaimed(message_id, before)
        return claim


@breaks("A refused claim does not prolong the lease")
class ProlongsTheLease(PlainStore):
    def claim(self, message_id, owner=""):
        claim = super().claim(message_id, owner)
        if claim is Claim.IN_PROGRESS:
            self.known[message_id] = (claim, "first", self.clock() + self.lease)
        return claim


@breaks("A claim after the end of another one's lease holds too")
class KeepsTheEnd(Reclaiming):
    def reclaimed(self, message_id, before):
        self.known[message_id] = (*self.known[message_id][:2], before[2])


@breaks("A late owner's release() does nothing")
class KeepsTheOwner(Reclaiming):
    def reclaimed(self, message_id, before):
        self.known[message_id] = (Claim.IN_PROGRESS, before[1], self.clock() + self.lease)


@breaks("A message belongs to who claimed it last")
class BelongsToNobody(Reclaiming):
    def reclaimed(self, message_id, before):
        self.known[message_id] = (Claim.IN_PROGRESS, "nobody", self.clock() + self.lease)


@breaks("A late owner's complete() holds")
class CompletesTheFirstClaimAlone(Reclaiming):
    taken = frozenset()

    def reclaimed(self, message_id, before):
        self.taken |= {message_id}

    def complete(self, message_id):
        if message_id not in self.taken:
            super().complete(message_id)


@breaks("complete() holds after the end of the lease")
class CompletesWithinTheLease(PlainStore):
    def complete(self, message_id):
        if not 0 < self.entry(message_id)[2] <= self.clock():
            super().complete(message_id)


@breaks("A completed message stays DONE after the end of the lease")
class KeepsWhatIsDoneForALease(PlainStore):
    def complete(self, message_id):
        self.known[message_id] = (Claim.DONE, None, self.clock() + self.lease)


@breaks("One of several threads that claim a message at once after its lease gets NEW")
class LooksFirstAfterALease(LooksFirst):
    def claim(self, message_id, owner=""):
        late = message_id in self.known
        return super().claim(message_id, owner) if late else PlainStore.claim(self, message_id, owner)


def test_the_plain_store_keeps_the_rules(waits_by, clock):
    check_store(lambda lease: PlainStore(lease, DAY, clock))


@pytest.mark.parametrize(("broken", "store"), FAULTY)
def test_the_check_says_which_rule_a_store_breaks(broken, store, waits_by, clock):
    with pytest.raises(AssertionError, match=f"^{re.escape(broken)}[.:] "):
        check_store(lambda lease: store(lease, DAY, clock))


def test_the_check_says_how_many_threads_got_in(waits_by, clock):
    with pytest.raises(AssertionError, match=r"gets NEW: of 8 threads [2-8] did$"):
        check_store(lambda lease: LooksFirst(lease, DAY, clock))


def test_each_rule_has_a_store_that_breaks_it():
    rules = {**_contract._RULES, **_contract._RULES_OF_THE_LEASE}
    assert rules.keys() <= {parameter.values[0] for parameter in FAULTY}


@pytest.mark.parametrize(
    ("raises", "where"),
    [
        (lambda message_id: len(message_id) < 30, 'nobody has claimed is NEW. In the story "first NEW", step 1'),
        (lambda message_id: len(message_id) > 30, "Messages are told apart by their whole id, .* by case"),
        (lambda _: threading.current_thread() is not threading.main_thread(), "One of several threads .* gets NEW"),
    ],
)
def test_the_check_says_where_a_store_raised(raises, where):
    class Failing(MemoryStore):
        def claim(self, message_id, owner=""):
            if raises(message_id):
                raise ConnectionError("no answer")
            return super().claim(message_id, owner)

    with pytest.raises(AssertionError, match=f"{where}: ConnectionError: no answer$") as caught:
        check_store(lambda lease: Failing(lease=lease))
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_the_check_does_not_accuse_a_store_that_was_too_slow_to_tell(waits_by, clock):
    class Slow(MemoryStore):
        def claim(self, message_id, owner=""):
            clock.go_on(2)
            return super().claim(message_id, owner)

    check_store(lambda lease: Slow(lease=lease, clock=clock))


class TimedSQLiteStore(SQLiteStore):
    clock = Clock()
    _now = property(lambda self: str(self.clock.now))


MESSAGES, OWNERS = st.sampled_from(["msg_1", "msg_2"]), st.sampled_from(["first", "second", ""])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), MESSAGES, OWNERS),
        st.tuples(st.just("release"), MESSAGES, OWNERS),
        st.tuples(st.just("complete"), MESSAGES),
        st.tuples(st.just("go_on"), st.sampled_from([1, 59, 60, 3600, DAY])),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def in_sqlite(tmp_path_factory):
    return TimedSQLiteStore(tmp_path_factory.mktemp("store") / "webhooks.db", lease=60, keep=DAY)


@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_stores_answer_like_the_plain_one(steps, in_sqlite):
    clock, run = in_sqlite.clock, token_hex(8)
    stores = [PlainStore(60, DAY, clock), MemoryStore(lease=60, keep=DAY, clock=clock), in_sqlite]
    for name, *arguments in steps:
        if name == "go_on":
            clock.go_on(*arguments)
        else:
            message_id, *owner = arguments
            assert len({getattr(store, name)(f"{message_id}_{run}", *owner) for store in stores}) == 1


def test_nothing_is_left_of_the_claim_of_a_message_that_is_done(clock):
    store = MemoryStore(lease=60, keep=1, clock=clock)
    store.claim("msg_1")
    store.complete("msg_1")
    clock.go_on(2)
    assert store.claim("msg_1") is Claim.NEW


# Durations

MAKERS = {
    "memory": MemoryStore,
    "sqlite": partial(SQLiteStore, "/nowhere/webhooks.db"),
    "postgres": partial(PostgresStore, lambda: None),
}


class Client:
    """As much of `redis.Redis` as RedisStore looks at when it is made."""

    def execute_command(self): ...
    def eval(self): ...


MAKERS["redis"] = partial(RedisStore, Client())


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("name", ["lease", "keep"])
@pytest.mark.parametrize(
    ("duration", "error"),
    [
        *((duration, ValueError) for duration in [0, 0.0, -1, -0.5, float("nan"), float("inf"), 1e12, 10**400]),
        *((duration, ValueError) for duration in [timedelta(0), timedelta(days=-1), timedelta.max]),
        *((duration, TypeError) for duration in ["5", b"5", None, Decimal(5), [5], 5j]),
    ],
    ids=repr,
)
def test_a_value_that_cannot_be_a_duration_is_refused(make, name, duration, error):
    with pytest.raises(error, match=f"^{name} must be "):
        make(**{name: duration})


@pytest.mark.parametrize("lease", [1, 0.5, timedelta(minutes=1), timedelta(days=36500)])
def test_durations_are_seconds_or_timedeltas(lease):
    MemoryStore(lease=lease, keep=lease)


def test_a_message_is_claimed_for_less_than_svix_waits_and_remembered_for_90_days(clock):
    store = MemoryStore(clock=clock)
    store.claim("msg_1")
    clock.go_on(10)
    assert store.claim("msg_1") is Claim.IN_PROGRESS
    clock.go_on(5 * 60)
    assert store.claim("msg_1") is Claim.NEW
    store.complete("msg_1")
    clock.go_on(90 * DAY - 1)
    assert store.claim("msg_1") is Claim.DONE


# In memory


def test_a_message_that_is_done_is_forgotten_after_its_time(store, clock):
    for message_id in ("msg_1", "msg_2"):
        store.complete(message_id)
        clock.go_on(3600)
    clock.go_on(22 * 3600 - 1)
    assert store.claim("msg_1") is Claim.DONE
    clock.go_on(1)
    assert store.claim("msg_1") is Claim.NEW
    assert store.claim("msg_2") is Claim.DONE


def test_a_claim_forgets_a_bounded_number_of_messages(store, clock):
    for number in range(1000):
        store.claim(f"claimed_{number}")
        store.complete(f"done_{number}")
    clock.go_on(DAY)
    assert store.claim("msg_0") is Claim.NEW
    assert (len(store._claims), len(store._done)) == (901, 900)
    assert store.claim("claimed_999") is Claim.NEW
    assert store.claim("done_999") is Claim.NEW
    for number in range(8):
        store.claim(f"msg_{number}")
    assert (len(store._claims), len(store._done)) == (10, 0)


def test_an_entry_that_is_renewed_is_forgotten_as_the_newest(store, clock):
    for number in range(200):
        store.claim(f"claimed_{number}")
    clock.go_on(60)
    store.claim("claimed_150")  # ended, and not forgotten yet
    store.claim("msg_1")
    assert list(store._claims) == ["claimed_150", "msg_1"]


# In SQLite


def rows(path):
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT message_id, owner FROM clerk_webhook_claims ORDER BY message_id").fetchall()
    connection.close()
    return found


def test_the_file_is_made_with_its_table_in_wal_mode(path):
    SQLiteStore(str(path))
    assert rows(path) == []
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_message_is_remembered_over_a_restart(path):
    store = SQLiteStore(path)
    store.claim("msg_1", "first")
    store.complete("msg_1")
    store.claim("msg_2", "first")
    store = SQLiteStore(path)
    assert store.claim("msg_1", "second") is Claim.DONE
    assert store.claim("msg_2", "second") is Claim.IN_PROGRESS
    assert rows(path) == [("msg_1", None), ("msg_2", "first")]


def test_purge_deletes_what_no_longer_counts(path):
    short, store = SQLiteStore(path, lease=0.01, keep=0.01), SQLiteStore(path)
    for number in range(3):
        short.claim(f"claimed_{number}")
        short.complete(f"done_{number}")
    store.claim("claimed")
    store.complete("done")
    time.sleep(0.05)
    assert store.purge() == 6
    assert rows(path) == [("claimed", ""), ("done", None)]
    assert store.purge() == 0


@pytest.mark.parametrize("method", ["claim", "complete", "release", "purge"])
def test_a_locked_file_is_waited_for(method, path):
    store = SQLiteStore(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    unlock = threading.Timer(0.05, connection.rollback)
    unlock.start()
    getattr(store, method)(*[] if method == "purge" else ["msg_1"])
    unlock.join()
    connection.close()


def test_a_file_that_stays_locked_raises_and_is_used_when_it_is_free(path, monkeypatch):
    store = SQLiteStore(path)
    monkeypatch.setattr(_sqlite, "_PATIENCE", 0.01)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.claim("msg_1")
    connection.close()
    assert store.claim("msg_1") is Claim.NEW


def test_many_threads_can_make_the_file_at_once(path):
    start = threading.Barrier(8)

    def claim(owner):
        start.wait()
        return SQLiteStore(path).claim("msg_1", str(owner))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(claim, range(8))).count(Claim.NEW) == 1


def test_a_file_that_is_deleted_is_made_again(path):
    store = SQLiteStore(path)
    store.complete("msg_1")
    path.unlink()
    assert store.claim("msg_1") is Claim.NEW


def test_a_relative_path_stays_that_of_the_start(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = SQLiteStore("webhooks.db")
    monkeypatch.chdir("/")
    store.complete("msg_1")
    assert rows(path) == [("msg_1", None)]


def test_a_file_that_cannot_be_made_is_refused_at_once(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        SQLiteStore(tmp_path / "no folder" / "webhooks.db")


@pytest.mark.parametrize(
    ("path", "cure"),
    [(":memory:", r"^SQLiteStore needs a file\. MemoryStore\(\) remembers"), ("", "needs a file")],
)
def test_a_database_in_memory_is_refused(path, cure):
    """Each claim would have a database of its own, so every claim would be new."""
    with pytest.raises(ValueError, match=cure):
        SQLiteStore(path)


@pytest.mark.parametrize("module", ["clerk_webhook.stores", "clerk_webhook.endpoint"])
def test_sqlite_is_imported_by_who_uses_it(module):
    assert "sqlite3" not in imported(module)


@pytest.mark.parametrize("make", [lambda _: MemoryStore(), SQLiteStore])
def test_an_owner_that_is_not_named_is_the_empty_one(make, path):
    store = make(path)
    assert store.claim("msg_1") is Claim.NEW
    store.release("msg_1", "")
    assert store.claim("msg_1", "") is Claim.NEW
    store.release("msg_1")
    assert store.claim("msg_1") is Claim.NEW


@pytest.mark.parametrize(("duration", "kind"), [("60", "str"), (None, "NoneType"), (Decimal(60), "Decimal")])
def test_a_duration_of_another_type_is_named_by_its_type(duration, kind):
    with pytest.raises(TypeError, match=f"^lease must be a number of seconds or a timedelta, not {kind}\\.$"):
        MemoryStore(lease=duration)


# In PostgreSQL and Redis: tests/services has the rest.


async def async_connect():
    yield


@pytest.mark.parametrize("connect", ["postgresql://localhost", None, object(), asynccontextmanager(async_connect)])
def test_a_postgres_store_wants_a_function(connect):
    with pytest.raises(TypeError, match=r"PostgresStore\(pool\.connection\)"):
        PostgresStore(connect)


class AsyncClient(Client):
    async def execute_command(self): ...


@pytest.mark.parametrize("client", ["redis://localhost", None, object(), Client, AsyncClient()])
def test_a_redis_store_wants_a_client(client):
    with pytest.raises(TypeError, match=r"takes a redis\.Redis, not "):
        RedisStore(client)
