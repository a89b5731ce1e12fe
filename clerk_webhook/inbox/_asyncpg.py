"""asyncpg's connections, of a pool or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._connections import ExecuteAsync, Rows, Value, refuse_autocommit, styled

if TYPE_CHECKING:
    from asyncpg import Connection


def executor(connection: Any) -> ExecuteAsync | None:
    """Return what executes over a connection."""
    if not hasattr(connection, "is_in_transaction"):
        return None
    own: Connection[Any] = connection
    refuse_autocommit(on=not own.is_in_transaction(), cure="Use connection.transaction().")

    async def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        # Tuples, because a record_class of the caller's may make anything of an index.
        return list(map(tuple, await own.fetch(styled(sql, "numeric_dollar"), *parameters)))

    return execute
