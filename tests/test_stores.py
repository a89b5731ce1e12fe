from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from clerk_webhook.stores import Claim, MemoryStore


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(lease=60, keep=timedelta(days=1), clock=clock)


def test_a_message_is_claimed_once_until_it_is_done(store):
    assert store.claim("msg_1") is Claim.NEW
    assert store.claim("msg_1") is Claim.IN_PROGRESS
    assert store.claim("msg_2") is Claim.NEW
    store.complete("msg_1")
    assert store.claim("msg_1") is Claim.DONE


def test_a_released_message_can_be_claimed_again(store):
    store.claim("msg_1")
    store.release("msg_1")
    assert store.claim("msg_1") is Claim.NEW


def test_a_claim_is_a_lease(store, clock):
    store.claim("msg_1")
    clock.now += 59
    assert store.claim("msg_1") is Claim.IN_PROGRESS
    clock.now += 1
    assert store.claim("msg_1") is Claim.NEW
    assert store.claim("msg_1") is Claim.IN_PROGRESS


def test_what_is_done_is_forgotten_after_its_time(store, clock):
    for message_id in ("msg_1", "msg_2"):
        store.claim(message_id)
        store.complete(message_id)
        clock.now += 3600
    clock.now += 22 * 3600 - 1
    assert store.claim("msg_1") is Claim.DONE
    clock.now += 1
    assert store.claim("msg_1") is Claim.NEW
    assert store.claim("msg_2") is Claim.DONE


def test_a_message_is_remembered_for_90_days_and_claimed_for_less_than_svix_waits(clock):
    store = MemoryStore(clock=clock)
    store.claim("msg_1")
    clock.now += 10
    assert store.claim("msg_1") is Claim.IN_PROGRESS
    clock.now += 5 * 60
    assert store.claim("msg_1") is Claim.NEW
    store.complete("msg_1")
    clock.now += 90 * 24 * 3600 - 1
    assert store.claim("msg_1") is Claim.DONE


def test_of_many_threads_one_gets_the_message():
    store = MemoryStore()
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: store.claim("msg_1"), range(1000)))
    assert claims.count(Claim.NEW) == 1


def test_a_claim_is_released_by_its_owner_alone(store, clock):
    store.claim("msg_1", "first")
    clock.now += 60
    assert store.claim("msg_1", "second") is Claim.NEW
    store.release("msg_1", "first")
    assert store.claim("msg_1", "third") is Claim.IN_PROGRESS
    store.release("msg_1", "second")
    assert store.claim("msg_1", "third") is Claim.NEW
    store.release("msg_2")


def test_what_was_done_stays_done_whoever_had_claimed_it(store, clock):
    store.claim("msg_1", "first")
    clock.now += 60
    store.claim("msg_1", "second")
    store.complete("msg_1")
    store.complete("msg_1")
    store.release("msg_1", "second")
    assert store.claim("msg_1") is Claim.DONE


def test_claims_of_the_dead_are_forgotten(store, clock):
    for number in range(100):
        store.claim(f"msg_{number}")
    clock.now += 60
    store.claim("msg_new")
    assert list(store._claims) == ["msg_new"]
