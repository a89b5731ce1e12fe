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
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Start with nothing remembered.

        Args:
            lease: How long a claim holds that is neither completed nor released, in seconds.
            keep: How long a message that is done is remembered, in seconds.
            clock: Returns the seconds since the epoch.
        """
        self._lease = _seconds(lease)
        self._keep = _seconds(keep)
        self._clock = clock
        self._lock = Lock()
        self._leased_until: dict[str, float] = {}
        self._done_until: dict[str, float] = {}  # the oldest first, as all are kept for the same time

    def claim(self, message_id: str) -> Claim:
        """Claim a message: `Claim.NEW` for one of several attempts at once."""
        with self._lock:
            now = self._clock()
            self._forget_before(now)
            if message_id in self._done_until:
                return Claim.DONE
            if self._leased_until.get(message_id, now) > now:
                return Claim.IN_PROGRESS
            self._leased_until[message_id] = now + self._lease
            return Claim.NEW

    def complete(self, message_id: str) -> None:
        """Remember that a message is done."""
        with self._lock:
            self._leased_until.pop(message_id, None)
            self._done_until[message_id] = self._clock() + self._keep

    def release(self, message_id: str) -> None:
        """Give a message back."""
        with self._lock:
            self._leased_until.pop(message_id, None)

    def _forget_before(self, now: float) -> None:
        """Forget what has been kept long enough."""
        while self._done_until:
            oldest = next(iter(self._done_until))
            if self._done_until[oldest] > now:
                return
            del self._done_until[oldest]


def _seconds(duration: float | timedelta) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration
