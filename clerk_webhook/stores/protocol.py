"""The contract between an endpoint and its store."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

__all__ = ["Claim", "Store"]


class Claim(Enum):
    """The answer of a store to an attempt that claims a message.

    Example:
        ```python
        if store.claim("msg_1", "this attempt") is Claim.NEW:
            send_welcome_mail()
            store.complete("msg_1")
        ```
    """

    NEW = "new"
    """The message is yours to handle: `complete` or `release` it."""

    IN_PROGRESS = "in_progress"
    """Another attempt handles the message right now."""

    DONE = "done"
    """The message was handled before."""


class Store(Protocol):
    """Remembers messages by id. Several threads may call the methods at once.

    A claim is a lease: a message whose worker died without `complete` or `release` can be claimed again after a time
    that the store sets. `clerk_webhook.testing.check_store` tells whether a store of your own keeps these rules.

    Example:
        ```python
        endpoint = Endpoint(store=SQLiteStore("webhooks.db"))
        ```
    """

    def claim(self, message_id: str, owner: str = "") -> Claim:
        """Claim a message in one atomic step: one of any number of attempts at once gets `Claim.NEW`.

        Args:
            message_id: The message.
            owner: The attempt that claims the message. Each attempt has another text.

        Returns:
            `Claim.NEW` if the message is this owner's now. A claim by the same owner again is `Claim.IN_PROGRESS`.
        """
        ...

    def complete(self, message_id: str) -> None:
        """Remember that a message is done, whoever has claimed the message by now: the effect is there.

        Args:
            message_id: The message, which need not be claimed.
        """
        ...

    def release(self, message_id: str, owner: str = "") -> None:
        """Give a message back, so that the next attempt can claim it. Nothing happens if another owner has claimed it.

        An attempt that outlives its lease would otherwise take the message from the attempt that came after it.

        Args:
            message_id: The message.
            owner: The attempt that claimed the message.
        """
        ...
