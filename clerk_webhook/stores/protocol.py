"""What an endpoint wants of a store."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

__all__ = ["Claim", "Store"]


class Claim(Enum):
    """What became of an attempt to claim a message."""

    NEW = "new"
    """It is yours to handle: `complete` or `release` it."""

    IN_PROGRESS = "in_progress"
    """Another attempt at it is being handled right now."""

    DONE = "done"
    """It was handled before."""


class Store(Protocol):
    """Remembers messages by id. The methods may be called from several threads at once.

    A claim is a lease: where a worker dies without completing or releasing it, the message can be claimed again after
    a time that the store sets.
    """

    def claim(self, message_id: str) -> Claim:
        """Claim a message in one atomic step: of any number of attempts at once, one gets `Claim.NEW`."""
        ...

    def complete(self, message_id: str) -> None:
        """Remember that a claimed message is done."""
        ...

    def release(self, message_id: str) -> None:
        """Give a claimed message back, to be claimed by its next attempt."""
        ...
