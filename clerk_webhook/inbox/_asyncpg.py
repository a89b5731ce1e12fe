"""asyncpg's connections, of a pool or not."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ._connections import Program, Rows, Value, drive_async, refuse_autocommit, styled, unknown_connection

if TYPE_CHECKING:
    from asyncpg import Connection

T = TypeVar("T")


def run(connection: Any, program: Program[T]) -> Coroutine[Any, Any, T]:
    """Run a program over a connection."""
    if not hasattr(connection, "is_in_transaction"):
        raise unknown_connection(connection)
    own: Connection[Any] = connection
    refuse_autocommit(on=not own.is_in_transaction(), cure="Use connection.transaction().")

    async def execute(sql: str, parameters: Sequence[Value]) -> Rows:
        # Tuples, because a record_class of the caller's may make anything of an index.
        return list(map(tuple, await own.fetch(styled(sql, "numeric_dollar"), *parameters)))

    return drive_async(program, execute)
