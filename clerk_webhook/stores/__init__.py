"""Stores: what remembers which messages are done, so that each has its effect once.

Clerk's webhooks arrive at least once: after an answer that got lost, the same message comes again. An `Endpoint` that
has a store claims each message before its handlers run.
"""

from __future__ import annotations

from .memory import MemoryStore
from .protocol import Claim, Store

__all__ = ["Claim", "MemoryStore", "Store"]
