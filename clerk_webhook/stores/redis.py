"""A store for several machines, in Redis."""

from __future__ import annotations

import math
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Protocol

from ._durations import KEEP, LEASE, in_seconds
from .protocol import Claim

__all__ = ["RedisStore"]

# A key's value is empty when the message is done, and never empty while the message is claimed: that can be told of
# bytes and of text, so `decode_responses` makes no difference.
_CLAIMED_BY = "claimed by "
_DONE = ""

_RELEASE = """\
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end"""


class Client(Protocol):
    """The part of `redis.Redis` that is used."""

    def set(self, name: str, value: str, *, px: int, nx: bool = ..., get: bool = ...) -> object: ...
    def eval(self, script: str, numkeys: int, *keys_and_args: str) -> object: ...


class RedisStore:
    """Remembers messages in Redis 7 or newer, or Valkey. Keys expire by themselves.

    A Redis that loses keys has effects doubled: let it persist them (`appendonly yes`) and evict none
    (`maxmemory-policy noeviction`).

    Example:
        ```python
        endpoint = Endpoint(store=RedisStore(redis.Redis.from_url("redis://localhost")))
        ```
    """

    def __init__(
        self,
        client: Client,
        *,
        prefix: str = "clerk_webhook:",
        lease: float | timedelta = LEASE,
        keep: float | timedelta = KEEP,
    ) -> None:
        """Take a client. Nothing is sent yet.

        Args:
            client: A `redis.Redis`, or another client with its `set` and `eval`.
            prefix: Stands before the message id in each key. Two endpoints in one Redis need two prefixes.
            lease: How long a claim holds that is neither completed nor released, in seconds.
            keep: How long a message that is done is remembered, in seconds.

        Raises:
            TypeError: If `client` is not a sync client of Redis, or `lease` or `keep` is neither a number nor a
                timedelta.
            ValueError: If `lease` or `keep` is zero, negative, NaN or more than a hundred years.
        """
        is_class = isinstance(client, type)
        if is_class or not hasattr(client, "eval") or iscoroutinefunction(getattr(client, "execute_command", None)):
            raise TypeError(
                f"RedisStore takes a redis.Redis, not {type(client).__module__}.{type(client).__qualname__}: "
                'RedisStore(redis.Redis.from_url("redis://...")). An endpoint calls its store in a thread.'
            )
        self._client = client
        self._prefix = prefix
        self._lease = _in_milliseconds("lease", lease)
        self._keep = _in_milliseconds("keep", keep)

    def claim(self, message_id: str, owner: str = "") -> Claim:
        """Claim a message: `Claim.NEW` for one of several attempts at once."""
        known = self._client.set(self._prefix + message_id, _CLAIMED_BY + owner, nx=True, get=True, px=self._lease)
        if known is None:
            return Claim.NEW
        return Claim.IN_PROGRESS if known else Claim.DONE

    def complete(self, message_id: str) -> None:
        """Remember that a message is done."""
        self._client.set(self._prefix + message_id, _DONE, px=self._keep)

    def release(self, message_id: str, owner: str = "") -> None:
        """Give a message back, if this owner claimed it."""
        self._client.eval(_RELEASE, 1, self._prefix + message_id, _CLAIMED_BY + owner)


def _in_milliseconds(name: str, duration: float | timedelta) -> int:
    return math.ceil(in_seconds(name, duration) * 1000)  # 0 would be an error
