"""mypy, pyright, ty and pyrefly must narrow events like this. Nothing runs this file."""

from typing import Any, assert_never, assert_type

from clerk_webhook import Message, Webhook, WebhookEvent, events, parse_event, verify, verify_and_parse
from clerk_webhook.types import (
    DeletedObjectJSON,
    EmailAddressJSON,
    OrganizationMembershipJSON,
    SessionJSON,
    UserJSON,
    VerificationJSON,
)


def by_equality(event: WebhookEvent) -> None:
    if event.type == "user.created":
        assert_type(event, events.UserCreated)
        assert_type(event.data, UserJSON)
        assert_type(event.data["email_addresses"], list[EmailAddressJSON])
        assert_type(event.data["email_addresses"][0]["verification"], VerificationJSON | None)
        assert_type(event.data["first_name"], str | None)
    elif event.type == "user.deleted":
        assert_type(event.data, DeletedObjectJSON)
    elif event.type == "unknown":
        assert_type(event.data, Any)
        assert_type(event.wire_type, str)


def by_match_on_type(event: WebhookEvent) -> None:
    match event.type:
        case "organizationMembership.created":
            assert_type(event.data, OrganizationMembershipJSON)
        case "session.created":
            assert_type(event.data, SessionJSON)
            assert_type(event.data.get("user"), UserJSON | None)
        case _:
            pass


def by_class_pattern(event: events.UserWebhookEvent) -> str:
    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            assert_type(user, UserJSON)
            return user["id"]
        case events.UserDeleted(data=deleted):
            assert_type(deleted, DeletedObjectJSON)
            return deleted["id"]
        case _:
            assert_never(event)


def exhaustive_by_equality(event: events.UserWebhookEvent) -> str:
    if event.type == "user.created":
        return event.data["id"]
    if event.type == "user.updated":
        return event.data["id"]
    if event.type == "user.deleted":
        return event.data["id"]
    assert_never(event)


def by_isinstance(event: WebhookEvent) -> None:
    if isinstance(event, events.UserCreated | events.UserUpdated):
        assert_type(event.data, UserJSON)


def a_union_is_accepted_as_a_larger_one(event: events.UserWebhookEvent) -> None:
    by_equality(event)


def every_way_to_an_event(webhook: Webhook, scope: dict[str, Any], environ: dict[str, Any]) -> None:
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    assert_type(webhook.verify_and_parse(pairs, b""), WebhookEvent)
    assert_type(webhook.verify_and_parse(environ, b""), WebhookEvent)
    assert_type(verify_and_parse({"svix-id": "x"}, "", secret="whsec_"), WebhookEvent)
    assert_type(verify({"svix-id": ["x"]}, b""), Message)
    assert_type(parse_event(b""), WebhookEvent)
    assert_type(Webhook.from_env().sign("msg_1", 1, b""), str)
