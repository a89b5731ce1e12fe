"""Clerk's events become rows. The end state does not depend on the order of the events, or on how often each comes."""

from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from clerk_webhook import WebhookEvent, events
from clerk_webhook.inbox import record_newest
from clerk_webhook.users import primary_email_address
from models import Base, Membership, Organization, User

MIRRORED = events.UserWebhookEvent | events.OrganizationWebhookEvent | events.OrganizationMembershipWebhookEvent


def apply(session: Session, event: WebhookEvent) -> None:
    """Write the row of an event, if the event is the newest of its resource. The caller commits."""
    if not isinstance(event, MIRRORED) or not record_newest(session, event):
        return
    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            put(
                session,
                User,
                user["id"],
                email=primary_email_address(user),
                username=user.get("username"),
                first_name=user.get("first_name"),
                last_name=user.get("last_name"),
                image_url=user.get("image_url"),
                public_metadata=user.get("public_metadata"),
            )
        case events.OrganizationCreated(data=data) | events.OrganizationUpdated(data=data):
            put(session, Organization, data["id"], name=data.get("name"), slug=data.get("slug"))
        case events.OrganizationMembershipCreated(data=data) | events.OrganizationMembershipUpdated(data=data):
            stub(session, User, event.user_id)
            stub(session, Organization, event.organization_id)
            put(
                session,
                Membership,
                data["id"],
                user_id=event.user_id,
                organization_id=event.organization_id,
                role=data.get("role"),
            )
        case events.UserDeleted(data=deleted):
            bury(session, User, deleted["id"])
        case events.OrganizationDeleted(data=deleted):
            bury(session, Organization, deleted["id"])
        case events.OrganizationMembershipDeleted(data=left):
            stub(session, User, event.user_id)
            stub(session, Organization, event.organization_id)
            bury(session, Membership, left["id"])


def stub(session: Session, model: type[Base], row_id: str | None) -> None:
    """Make a row with the id alone, if the row does not exist.

    Every event does so in the order users, organizations, memberships, so no two transactions wait for each other.
    """
    if row_id is not None:
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.execute(insert(model).values(id=row_id).on_conflict_do_nothing())


def put(session: Session, model: type[Base], row_id: str, **values: Any) -> None:
    """Write a row, which a request may be making at this moment."""
    stub(session, model, row_id)
    session.execute(update(model).where(model.id == row_id).values(**values))


def bury(session: Session, model: type[Base], row_id: str) -> None:
    """Leave the id, so that nothing brings the row back, and forget everything else."""
    columns = [column.key for column in model.__table__.columns if not column.primary_key]
    put(session, model, row_id, **(dict.fromkeys(columns) | {"deleted": True}))
