"""Deliveries in any order, each once or more often, from several threads: one end state. Run it by `pytest`."""

import os
import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from alembic import command
from alembic.config import Config
from fastapi import HTTPException
from sqlalchemy import text

os.environ["DATABASE_URL"] = f"sqlite:///{tempfile.mkdtemp()}/app.db"  # before models.py reads it
os.environ["CLERK_WEBHOOK_SIGNING_SECRET"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

import app
from clerk_webhook import WebhookEvent, parse_event
from clerk_webhook.testing import sample_event
from models import Session, engine
from sync import handlers
from worker import send_one

START = 1_760_000_000_000
TABLES = ("users", "mails", "clerk_users", "clerk_organizations", "clerk_memberships", "clerk_webhook_inbox")


@pytest.fixture(scope="module", autouse=True)
def tables() -> Iterator[None]:
    alembic = Config(Path(__file__).with_name("alembic.ini"))
    command.upgrade(alembic, "head")
    command.check(alembic)  # models.py and the migration say the same
    yield
    engine.dispose()


@pytest.fixture(autouse=True)
def empty(tables: None) -> None:
    with Session.begin() as session:
        for table in TABLES:
            session.execute(text(f"DELETE FROM {table}"))


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
    event(2, "organization.created", id="org_1", name="Engine"),
    event(3, "organizationMembership.created", id="orgmem_1", role="org:admin", **ADA),
    event(4, "organization.updated", id="org_1", name="Engines"),
    # Ada gives her address to Grace.
    event(5, "user.updated", id="user_ada", first_name="Ada", **NO_ADDRESS),
    event(6, "user.created", id="user_grace", first_name="Grace", **address("ada@example.com")),
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
    "SELECT id, first_name, email, version = 'deleted' FROM clerk_users": {
        ("user_ada", "Ada", None, False),
        ("user_grace", "Grace", "ada@example.com", False),
        ("user_eve", None, None, True),
    },
    "SELECT id, name, version = 'deleted' FROM clerk_organizations": {
        ("org_1", "Engines", False),
        ("org_2", None, True),
    },
    "SELECT id, user_id, organization_id, role, version = 'deleted' FROM clerk_memberships": {
        ("orgmem_1", None, None, None, True),
        ("orgmem_2", "user_ada", "org_1", "org:member", False),
        ("orgmem_3", "user_eve", "org_2", "org:admin", False),
        ("orgmem_4", None, None, None, True),
    },
    "SELECT user_id, count(*) FROM mails GROUP BY user_id": {("user_ada", 1), ("user_grace", 1)},
}


@pytest.mark.parametrize("seed", range(20))
def test_the_end_does_not_depend_on_the_order(seed: int) -> None:
    """Deliver each event one to three times, in random order, four at a time."""
    chance = random.Random(seed)
    deliveries = [event for event in EVENTS for _ in range(chance.randint(1, 3))]
    chance.shuffle(deliveries)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(handlers.dispatch, deliveries))
    with Session() as session:
        assert {query: {tuple(row) for row in session.execute(text(query))} for query in END} == END


def test_the_first_request_makes_the_rows_and_the_webhook_completes_them() -> None:
    first = app.me("user_ada")
    assert first["email"] is None
    handlers.dispatch(EVENTS[0])
    assert app.me("user_ada") == first | {"email": "ada@example.com"}
    handlers.dispatch(event(20, "user.deleted", id="user_ada"))
    with pytest.raises(HTTPException, match="deleted"):
        app.me("user_ada")


def test_members_see_the_members() -> None:
    handlers.dispatch(EVENTS[7])
    handlers.dispatch(EVENTS[0])
    assert app.members("org_1", "user_ada") == [
        {"user_id": "user_ada", "role": "org:guest", "first_name": "Ada", "last_name": "Lovelace"}
    ]
    with pytest.raises(HTTPException, match="no organization of yours"):
        app.members("org_1", "user_eve")


def test_a_mail_is_sent_again_until_the_service_takes_it_and_never_after(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert b'"to":"ada@example.com"' in request.content
        keys.append(request.headers["idempotency-key"])
        return httpx2.Response(503 if len(keys) < 3 else 200)

    handlers.dispatch(EVENTS[0])
    with httpx2.Client(transport=httpx2.MockTransport(answer), base_url="https://mail.example.com") as service:
        for minutes in (0, 2, 7):  # the second try is due after one minute, the third after four more
            monkeypatch.setattr("worker.now", lambda minutes=minutes: START * 2 + minutes * 60_000)
            assert send_one(service)
            assert not send_one(service)
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_who_was_deleted_gets_no_mail() -> None:
    handlers.dispatch(EVENTS[0])
    handlers.dispatch(event(20, "user.deleted", id="user_ada"))
    with httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(500))) as service:
        assert send_one(service)
        assert not send_one(service)
