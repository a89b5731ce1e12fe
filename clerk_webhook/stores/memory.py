"""A store for tests and for a single process."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from .protocol import Claim

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MemoryStore"]

# An attempt that died is followed by others after 5 s and after 5 min (https://docs.svix.com/retries): the first finds
# its claim still held, the second doesn't.
_LEASE = timedelta(minutes=4)
# A manual replay sends a message again with the id that it had, and can come late.
_KEEP = timedelta(days=90)


class MemoryStore:
    """Remembers messages in this process: what another process did it doesn't know, and a restart forgets all.

    Example:
        ```python
        endpoint = Endpoint(store=MemoryStore())
        ```
    """

    def __init__(
        self,
        *,
        lease: float | timedelta = _LEASE,
        keep: float | timedelta = _KEEP,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with nothing remembered.

        Args:
            lease: How long a claim holds that is neither completed nor released, in seconds.
            keep: How long a message that is done is remembered, in seconds.
            clock: Returns seconds since any moment, and never goes back.
        """
        self._lease = _seconds(lease)
        self._keep = _seconds(keep)
        self._clock = clock
        self._lock = Lock()
        # Both the oldest first, as all in one are kept for the same time.
        self._claims: dict[str, tuple[float, str]] = {}
        self._done: dict[str, tuple[float, str]] = {}

    def claim(self, message_id: str, owner: str = "") -> Claim:
        """Claim a message: `Claim.NEW` for one of several attempts at once."""
        with self._lock:
            now = self._clock()
            for kept in (self._claims, self._done):
                _forget(kept, now)
            if message_id in self._done:
                return Claim.DONE
            if message_id in self._claims:
                return Claim.IN_PROGRESS
            self._claims[message_id] = (now + self._lease, owner)
            return Claim.NEW

    def complete(self, message_id: str) -> None:
        """Remember that a message is done."""
        with self._lock:
            self._claims.pop(message_id, None)
            self._done.pop(message_id, None)
            self._done[message_id] = (self._clock() + self._keep, "")

    def release(self, message_id: str, owner: str = "") -> None:
        """Give a message back, if it is still this owner's."""
        with self._lock:
            _, claimed_by = self._claims.get(message_id, (0, None))
            if claimed_by == owner:
                del self._claims[message_id]


def _forget(kept: dict[str, tuple[float, str]], now: float) -> None:
    """Forget what has been kept long enough."""
    while kept:
        oldest = next(iter(kept))
        until, _ = kept[oldest]
        if until > now:
            return
        del kept[oldest]


def _seconds(duration: float | timedelta) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration
