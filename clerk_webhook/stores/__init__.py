"""Stores: they remember which messages are done, so that an effect outside of your own database happens once.

Svix delivers at least once: the same message comes again when an answer got lost. An `Endpoint` that has a store claims
each message before its handlers run. No store can promise exactly once, because a worker can die between the effect and
`complete`: the next attempt then has the effect again. `clerk_webhook.inbox` can, for effects in your own database.

Each endpoint needs a store of its own, because Svix sends one message to several endpoints under one id.
"""

from __future__ import annotations

from .memory import MemoryStore
from .postgres import PostgresStore
from .protocol import Claim, Store
from .redis import RedisStore
from .sqlite import SQLiteStore

__all__ = ["Claim", "MemoryStore", "PostgresStore", "RedisStore", "SQLiteStore", "Store"]
