"""Deliveries in any order, each once or more often, from several threads: one end state. Run it by `pytest`."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from clerk_webhook import WebhookEvent, parse_event
from clerk_webhook.testing import sample_event
from models import Membership, Organization, User, open_database
from sync import apply

START = 1_760_000_000_000


def event(at: int, event_type: str, **payload: Any) -> WebhookEvent:
    """Return an event of this millisecond."""
    body = sample_event(event_type, **payload).payload
    if not event_type.endswith(".deleted"):
        body["data"]["updated_at"] = START + at
    return parse_event(body | {"timestamp": START + at + 9}, message_id=f"msg_{at}")


def address(text: str) -> dict[str, Any]:
    return {
        "primary_email_address_id": "idn_1",
        "email_addresses": [{"id": "idn_1", "object": "email_address", "email_address": text}],
    }


NO_ADDRESS: dict[str, Any] = {"primary_email_address_id": None, "email_addresses": []}


def member(user_id: str, organization_id: str) -> dict[str, Any]:
    return {"public_user_data": {"user_id": user_id}, "organization": {"id": organization_id, "name": "Engines"}}


ADA = member("user_ada", "org_1")
EVE = member("user_eve", "org_2")
IVY = member("user_ivy", "org_3")
EVENTS = [
    event(1, "user.created", id="user_ada", first_name="Ada", **address("ada@example.com")),
    event(2, "organization.created", id="org_1", name="Engine", slug="engine"),
    event(3, "organizationMembership.created", id="orgmem_1", role="org:admin", **ADA),
    event(4, "organization.updated", id="org_1", name="Engines", slug="engines"),
    # Ada gives her address to Grace.
    event(5, "user.updated", id="user_ada", first_name="Ada", **NO_ADDRESS),
    event(6, "user.created", id="user_grace", first_name=None, **address("ada@example.com")),
    # Ada leaves, and joins again with another role.
    event(7, "organizationMembership.deleted", id="orgmem_1", role="org:admin", **ADA),
    event(8, "organizationMembership.created", id="orgmem_2", role="org:guest", **ADA),
    event(9, "organizationMembership.updated", id="orgmem_2", role="org:member", **ADA),
    # Eve founds an organization and deletes it and herself. Neither creation arrives.
    event(10, "organizationMembership.created", id="orgmem_3", role="org:admin", **EVE),
    event(11, "user.updated", id="user_eve", first_name="Eve", **address("eve@example.com")),
    event(12, "organization.deleted", id="org_2"),
    event(13, "user.deleted", id="user_eve"),
    # Ivy joins and leaves. No event of her own arrives.
    event(14, "organizationMembership.created", id="orgmem_4", role="org:member", **IVY),
    event(15, "organizationMembership.deleted", id="orgmem_4", role="org:member", **IVY),
]
END = {
    "users": {
        ("user_ada", "Ada", None, False),
        ("user_grace", None, "ada@example.com", False),
        ("user_eve", None, None, True),
        ("user_ivy", None, None, False),
    },
    "organizations": {
        ("org_1", "Engines", "engines", False),
        ("org_2", None, None, True),
        ("org_3", None, None, False),
    },
    "memberships": {
        ("orgmem_1", None, None, None, True),
        ("orgmem_2", "user_ada", "org_1", "org:member", False),
        ("orgmem_3", "user_eve", "org_2", "org:admin", False),
        ("orgmem_4", None, None, None, True),
    },
}


def state(database: sessionmaker[Session]) -> dict[str, set[Any]]:
    user = select(User.id, User.first_name, User.email, User.deleted)
    organization = select(Organization.id, Organization.name, Organization.slug, Organization.deleted)
    membership = select(
        Membership.id, Membership.user_id, Membership.organization_id, Membership.role, Membership.deleted
    )
    queries = {"users": user, "organizations": organization, "memberships": membership}
    with database() as session:
        return {table: {tuple(row) for row in session.execute(query)} for table, query in queries.items()}


def deliver(database: sessionmaker[Session], seed: int) -> None:
    """Deliver each event one to three times, in random order, four at a time."""
    chance = random.Random(seed)
    deliveries = [event for event in EVENTS for _ in range(chance.randint(1, 3))]
    chance.shuffle(deliveries)

    def attempt(event: WebhookEvent) -> None:
        with database.begin() as session:
            apply(session, event)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(attempt, deliveries))


@pytest.mark.parametrize("seed", range(20))
def test_the_end_does_not_depend_on_the_order(seed: int, tmp_path: Any) -> None:
    database = open_database(f"sqlite:///{tmp_path}/users.db")
    deliver(database, seed)
    assert state(database) == END
    database.kw["bind"].dispose()  # Python 3.13 warns of connections that are left open
