"""The rules that every store keeps, and the check of a store against them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from math import inf
from secrets import token_hex
from threading import Barrier
from time import monotonic, sleep
from typing import Final

from .protocol import Claim, Store

# Leases in seconds: one that outlives the check, and one that ends within two waits, but not within one.
_LONG: Final = 3600.0
_SHORT: Final = 1.0
_WAIT: Final = 0.6

_THREADS: Final = 8
_RACES: Final = 10

# Each rule has a story of one message. At the step "first NEW" the owner "first" claims it and gets `Claim.NEW`.
_RULES: Final = {
    "A message that nobody has claimed is NEW": "first NEW",
    "A claimed message is IN_PROGRESS for another owner": "first NEW, second IN_PROGRESS",
    "A claim by the same owner again is IN_PROGRESS": "first NEW, first IN_PROGRESS",
    "A completed message is DONE, for every owner": "first NEW, complete, second DONE, first DONE",
    "complete() needs no claim": "complete, first DONE",
    "complete() may come twice": "first NEW, complete, complete, second DONE",
    "release() makes a message NEW again": "first NEW, release first, first NEW, second IN_PROGRESS",
    "release() by another owner does nothing": "first NEW, release second, third IN_PROGRESS",
    "release() may come without a claim, and twice": "release first, first NEW, release first, release first",
    "release() after complete() does nothing": "first NEW, complete, release first, second DONE",
}
_RULES_OF_THE_LEASE: Final = {
    "A claim holds until its lease ends": "first NEW, wait, second IN_PROGRESS",
    "A claim ends with its lease": "first NEW, wait, wait, second NEW",
    "A refused claim does not prolong the lease": "first NEW, wait, second IN_PROGRESS, wait, second NEW",
    "A claim after the end of another one's lease holds too": "first NEW, wait, wait, second NEW, third IN_PROGRESS",
    "A late owner's release() does nothing": "first NEW, wait, wait, second NEW, release first, third IN_PROGRESS",
    "A message belongs to who claimed it last": "first NEW, wait, wait, second NEW, release second, third NEW",
    "A late owner's complete() holds": "first NEW, wait, wait, second NEW, complete, release second, third DONE",
    "complete() holds after the end of the lease": "first NEW, wait, wait, complete, second DONE",
    "A completed message stays DONE after the end of the lease": "first NEW, complete, wait, wait, second DONE",
}


def check_store(make: Callable[[float], Store]) -> None:
    """Hold a store against the rules of `Store`, in a few seconds. pytest is not needed.

    The check makes up message ids of its own, and leaves them behind. It doesn't wait for the end of `keep`. A store in
    pure Python that forgot its lock can pass, because threads seldom meet there.

    Args:
        make: Makes the store, with a lease in seconds. It is called twice, with two leases.

    Raises:
        AssertionError: If the store breaks a rule. The text says which, and at which step.

    Example:
        ```python
        def test_our_store():
            check_store(lambda lease: OurStore(lease=lease))
        ```
    """
    store = make(_LONG)
    _check(store, _LONG, _RULES)
    _tell_apart(store)
    _check(make(_SHORT), _SHORT, _RULES_OF_THE_LEASE)


def _check(store: Store, lease: float, rules: Mapping[str, str]) -> None:
    """Tell each story to its next wait, wait for all of them together, and so on."""
    stories = [_tell(store, lease, rule, story) for rule, story in rules.items()]
    for _ in zip_longest(*stories, _race(store, lease)):
        sleep(_WAIT)


def _tell(store: Store, lease: float, rule: str, story: str) -> Iterator[None]:
    message = _message_id()
    held_until = inf
    for number, step in enumerate(story.split(", "), 1):
        with _broken(f'{rule}. In the story "{story}", step {number}'):
            match step.split():
                case ["wait"]:
                    yield
                case ["complete"]:
                    store.complete(message)
                case ["release", owner]:
                    store.release(message, owner)
                case words:
                    owner, expected = words
                    began = monotonic()
                    claim = store.claim(message, owner)
                    if claim is Claim.NEW and monotonic() >= held_until and expected == "IN_PROGRESS":
                        return  # this took so long that the lease has ended
                    if claim is not Claim[expected]:
                        raise AssertionError(f"claim() returned {claim}")
                    if claim is Claim.NEW:
                        held_until = began + lease


def _tell_apart(store: Store) -> None:
    """Claim messages whose ids are as long and as alike as an endpoint lets through."""
    start = f"{_message_id()}%s'\"\\{{}}*:".ljust(255, "_")
    with _broken("Messages are told apart by their whole id, up to 256 visible characters, and by case"):
        for end in "aAb":
            if store.claim(start + end, "first") is not Claim.NEW:
                raise AssertionError("another one's claim counted")


def _race(store: Store, lease: float) -> Iterator[None]:
    """Let threads claim messages at once: messages that nobody has claimed, or whose short lease has ended."""
    messages = [_message_id() for _ in range(_RACES)]
    rule = "One of several threads that claim a message at once gets NEW"
    if lease < 2 * _WAIT:
        rule = "One of several threads that claim a message at once after its lease gets NEW"
        for message in messages:
            store.claim(message, "late")
        yield
        yield
    start = Barrier(_THREADS)

    def claim(message: str, owner: int) -> Claim:
        start.wait()
        return store.claim(message, str(owner))

    with ThreadPoolExecutor(_THREADS) as threads:
        for message in messages:
            began = monotonic()
            with _broken(rule):
                claims = list(threads.map(partial(claim, message), range(_THREADS)))
                if claims.count(Claim.NEW) != 1 and monotonic() < began + lease:
                    raise AssertionError(f"of {_THREADS} threads {claims.count(Claim.NEW)} did")


@contextmanager
def _broken(rule: str) -> Generator[None, None, None]:
    """Say which rule is broken when something is wrong, or raises."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{rule}: {error}") from None
    except Exception as error:
        raise AssertionError(f"{rule}: {type(error).__name__}: {error}") from error


def _message_id() -> str:
    return f"msg_{token_hex(12)}"
