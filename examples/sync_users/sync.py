"""The handlers of this application for Clerk's events. The routes, the scripts and the tests all use them."""

from sqlalchemy import text
from sqlalchemy.orm import Session as OrmSession

from clerk_webhook import Handlers, events
from clerk_webhook.mirror import Mirror
from models import Mail, Session, now

mirror = Mirror()  # the default columns, because each column is personal data that has to be wanted

handlers = Handlers(transaction=Session.begin)
handlers.include(mirror.handlers)


@handlers.once
def welcome(event: events.UserCreated, session: OrmSession) -> None:
    """Put the mail into the outbox, in the same transaction as all else. worker.py sends it."""
    session.add(Mail(user_id=event.data["id"]))


@handlers.on
def remember_instance(
    event: events.UserWebhookEvent | events.OrganizationWebhookEvent | events.OrganizationMembershipWebhookEvent,
    session: OrmSession,
) -> None:
    """Note which instance sends, for reconcile.py, and how late, for GET /health."""
    if event.instance_id and event.occurred_at:  # a deletion that reconcile.py found has neither
        # Once in ten seconds, because all deliveries would wait for each other at this row.
        if now() < noted_at.get(event.instance_id, 0) + 10_000:
            return
        noted_at[event.instance_id] = now()
        lag = now() - int(event.occurred_at.timestamp() * 1000)
        session.execute(NOTE, {"id": event.instance_id, "now": now(), "lag": lag})


noted_at: dict[str, int] = {}
NOTE = text("""
    INSERT INTO clerk_instances (id, seen_at, lag) VALUES (:id, :now, :lag)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, lag = excluded.lag
""")
