"""The application's own tables, and the pool of connections. The tables of Clerk's data are the mirror's: sync.py."""

import os
import time
import uuid

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

URL = os.environ.get("DATABASE_URL", "sqlite:///app.db")

engine = create_engine(
    URL,
    hide_parameters=True,  # or the text of an error would hold somebody's address
    # Eight workers have 80 connections at most, and PostgreSQL allows 100.
    pool_size=5,
    max_overflow=5,
    # Seconds. Svix gives up after 15, so a request that cannot have a connection or a row fails before.
    pool_timeout=5,
    pool_pre_ping=True,  # a connection that a restart of the database cut is replaced without an error
    connect_args={"timeout": 10}
    if URL.startswith("sqlite")
    else {
        "connect_timeout": 5,
        "prepare_threshold": None,  # a pooler in transaction mode knows no prepared statements
        "options": "-c lock_timeout=1s -c statement_timeout=10s",  # a row that somebody holds stops nobody else
    },
)
Session = sessionmaker(engine)
# Two processes must never share a connection: `gunicorn --preload` forks after the import.
os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))


def now() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Base(DeclarativeBase):
    type_annotation_map = {int: BigInteger}  # noqa: RUF012  # as SQLAlchemy has it


# The migration makes this table, by the mirror. SQLAlchemy has to know the column that a foreign key names.
Table("clerk_users", Base.metadata, Column("id", String, primary_key=True))


class User(Base):
    """A user, as the application itself knows one."""

    __tablename__ = "users"

    clerk_id: Mapped[str] = mapped_column(ForeignKey("clerk_users.id"), primary_key=True)
    handle: Mapped[str] = mapped_column(unique=True)
    joined_at: Mapped[int]


class Mail(Base):
    """The outbox: a mail that worker.py has to send. It holds no address; the mirror has the one of that moment."""

    __tablename__ = "mails"

    # Also the idempotency key. It is no number, because SQLite gives the number of a deleted row to the next one.
    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: uuid.uuid4().hex)
    user_id: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[int] = mapped_column(default=now)


class Instance(Base):
    """An instance of Clerk that sent a webhook: the one that CLERK_SECRET_KEY must be of."""

    __tablename__ = "clerk_instances"

    id: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[int]
    lag: Mapped[int]


class Progress(Base):
    """How far the backfill is that was interrupted, or is running."""

    __tablename__ = "backfill_progress"

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[int]
    kind: Mapped[str]
    last_id: Mapped[str]
    offset: Mapped[int]
