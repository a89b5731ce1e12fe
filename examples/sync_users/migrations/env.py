"""Alembic runs this file: `alembic upgrade head`, once for each deployment and before the application starts."""

from alembic import context

from models import Base, engine


def is_ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
    """Say whether `--autogenerate` compares an object. The mirror's tables and the inbox are clerk_webhook's."""
    return not (kind == "table" and name in MIRRORED)


MIRRORED = {"clerk_users", "clerk_organizations", "clerk_memberships", "clerk_webhook_inbox"}

with engine.connect() as connection:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
    else:
        connection.exec_driver_sql("SET statement_timeout = 0")  # an index on a large table takes its time
    context.configure(connection, target_metadata=Base.metadata, include_object=is_ours)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
