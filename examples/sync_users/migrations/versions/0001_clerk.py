"""The mirror, the inbox, and the application's own tables."""

import sqlalchemy as sa
from alembic import op

from clerk_webhook.inbox import CREATE_TABLE
from sync import mirror

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in (*mirror.create_tables, CREATE_TABLE):
        op.execute(statement)
    op.create_table(
        "users",
        sa.Column("clerk_id", sa.String, sa.ForeignKey("clerk_users.id"), primary_key=True),
        sa.Column("handle", sa.String, nullable=False, unique=True),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "clerk_instances",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("lag", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "backfill_progress",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("last_id", sa.String, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("backfill_progress", "clerk_instances", "mails", "users", "clerk_webhook_inbox"):
        op.drop_table(table)
    for table in ("clerk_memberships", "clerk_organizations", "clerk_users"):
        op.drop_table(table)
