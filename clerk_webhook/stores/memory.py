"""A store for tests and for a single process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from threading import Lock

from ._durations import KEEP, LEASE, in_seconds
from .protocol import Claim

__all__ = ["MemoryStore"]

# A claim adds one entry, so forgetting more than one at a time is enough to keep the memory bounded.
_FORGOTTEN_AT_ONCE = 100

# An entry: the moment until which it counts, and the owner.
_ABSENT = (float("-inf"), "")


class MemoryStore:
    """Remembers messages in this process alone. A restart forgets all.

    Example:
        ```python
        endpoint = Endpoint(store=MemoryStore())
        ```
    """

    def __init__(
        self,
        *,
        lease: float | timedelta = LEASE,
        keep: float | timedelta = KEEP,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with nothing remembered.

        Args:
            lease: How long a claim holds that is neither completed nor released, in seconds.
            keep: How long a message that is done is remembered, in seconds.
            clock: Returns seconds since any moment, and never goes back.

        Raises:
            TypeError: If `lease` or `keep` is neither a number nor a timedelta.
            ValueError: If `lease` or `keep` is zero, negative, NaN or more than a hundred years.
        """
        self._lease = in_seconds("lease", lease)
        self._keep = in_seconds("keep", keep)
        self._clock = clock
        self._lock = Lock()
        # Each has the oldest first, because all entries of one count equally long. A plain dict would be slow: to find
        # its first entry it passes over all that were deleted before.
        self._claims: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._done: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def claim(self, message_id: str, owner: str = "") -> Claim:
        """Claim a message: `Claim.NEW` for one of several attempts at once."""
        with self._lock:
            now = self._clock()
            _forget(self._claims, now)
            _forget(self._done, now)
            if self._done.get(message_id, _ABSENT)[0] > now:
                return Claim.DONE
            if self._claims.get(message_id, _ABSENT)[0] > now:
                return Claim.IN_PROGRESS
            _append(self._claims, message_id, (now + self._lease, owner))
            return Claim.NEW

    def complete(self, message_id: str) -> None:
        """Remember that a message is done."""
        with self._lock:
            self._claims.pop(message_id, None)
            _append(self._done, message_id, (self._clock() + self._keep, ""))

    def release(self, message_id: str, owner: str = "") -> None:
        """Give a message back, if this owner claimed it."""
        with self._lock:
            _, claimed_by = self._claims.get(message_id, (0, None))
            if claimed_by == owner:
                del self._claims[message_id]


def _append(entries: OrderedDict[str, tuple[float, str]], message_id: str, entry: tuple[float, str]) -> None:
    entries[message_id] = entry
    entries.move_to_end(message_id)


def _forget(entries: OrderedDict[str, tuple[float, str]], now: float) -> None:
    """Forget some of the entries that no longer count."""
    for _ in range(_FORGOTTEN_AT_ONCE):
        oldest = next(iter(entries), None)
        if oldest is None or entries[oldest][0] > now:
            return
        del entries[oldest]
