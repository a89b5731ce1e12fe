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

    def claim(self, message_id: str, owner: str = "") -> Claim:
        """Claim a message in one atomic step: of any number of attempts at once, one gets `Claim.NEW`.

        Args:
            message_id: The message.
            owner: Who claims it: another text for each attempt.
        """
        ...

    def complete(self, message_id: str) -> None:
        """Remember that a message is done, whoever has claimed it by now: its effect is there."""
        ...

    def release(self, message_id: str, owner: str = "") -> None:
        """Give a message back, to be claimed by its next attempt. Nothing happens if it is claimed by another owner.

        An attempt that outlives its lease would take the message from the attempt that came after it.

        Args:
            message_id: The message.
            owner: Who claimed it.
        """
        ...
