"""The tables, and the database that holds them."""

import os
from typing import Any

from sqlalchemy import JSON, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from clerk_webhook.inbox import CREATE_TABLE


class Base(DeclarativeBase):
    """Each row is a mirrored resource, or a stub (only the id is known yet), or a tombstone (only the id is left)."""

    id: Mapped[str] = mapped_column(primary_key=True)
    deleted: Mapped[bool] = mapped_column(default=False)


class User(Base):
    __tablename__ = "users"

    email: Mapped[str | None]  # not UNIQUE: an address moves from one user to another, and the events come in any order
    username: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    image_url: Mapped[str | None]
    public_metadata: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Organization(Base):
    __tablename__ = "organizations"

    name: Mapped[str | None]
    slug: Mapped[str | None]


class Membership(Base):
    __tablename__ = "memberships"

    # User and organization are not the key: a user who leaves and joins again has a new membership, with a new id.
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    organization_id: Mapped[str | None] = mapped_column(ForeignKey("organizations.id"), index=True)
    role: Mapped[str | None]


def open_database(url: str = os.environ.get("DATABASE_URL", "sqlite:///users.db")) -> sessionmaker[Session]:
    """Make the tables that do not exist yet, and return the factory of sessions."""
    sqlite = url.startswith("sqlite")
    engine = create_engine(
        url,
        hide_parameters=True,  # or the text of an error would hold somebody's address
        # SQLite has one writer at a time. The others wait: 10 seconds at most, because Svix gives up after 15.
        connect_args={"timeout": 10} if sqlite else {},
    )
    with engine.begin() as connection:
        # One process at a time, or two that start together would make the same table.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "SELECT pg_advisory_xact_lock(1)")
        Base.metadata.create_all(connection)
        connection.exec_driver_sql(CREATE_TABLE)
    return sessionmaker(engine)
