"""mypy, pyright, ty and pyrefly must infer these types of the testing kit. Nothing runs this file."""

from datetime import UTC, datetime
from typing import Any, assert_type

from clerk_webhook import Webhook, WebhookEvent, WebhookEventType, events
from clerk_webhook.testing import SignedRequest, sample, sample_delivery, sample_event, signed_request
from clerk_webhook.types import (
    BillingPaymentAttemptWebhookEventJSON,
    BillingSubscriptionItemWebhookEventJSON,
    BillingSubscriptionWebhookEventJSON,
    DeletedObjectJSON,
    EmailAddressJSON,
    EmailJSON,
    OrganizationDomainJSON,
    OrganizationInvitationAcceptedJSON,
    OrganizationInvitationJSON,
    OrganizationJSON,
    OrganizationMembershipJSON,
    PermissionJSON,
    RoleJSON,
    SessionJSON,
    SMSMessageJSON,
    UserJSON,
    WaitlistEntryJSON,
)


def each_class_gives_its_payload_type() -> None:
    assert_type(sample(events.UserCreated), UserJSON)
    assert_type(sample(events.UserUpdated, first_name=None), UserJSON)
    assert_type(sample(events.PermissionDeleted, id="perm_1"), DeletedObjectJSON)
    assert_type(sample(events.SessionPending), SessionJSON)
    assert_type(sample(events.OrganizationUpdated), OrganizationJSON)
    assert_type(sample(events.OrganizationDomainCreated), OrganizationDomainJSON)
    assert_type(sample(events.OrganizationInvitationRevoked), OrganizationInvitationJSON)
    assert_type(sample(events.OrganizationInvitationAccepted), OrganizationInvitationAcceptedJSON)
    assert_type(sample(events.OrganizationMembershipDeleted), OrganizationMembershipJSON)
    assert_type(sample(events.RoleCreated), RoleJSON)
    assert_type(sample(events.PermissionUpdated), PermissionJSON)
    assert_type(sample(events.EmailCreated), EmailJSON)
    assert_type(sample(events.SmsCreated), SMSMessageJSON)
    assert_type(sample(events.WaitlistEntryUpdated), WaitlistEntryJSON)
    assert_type(sample(events.PaymentAttemptUpdated), BillingPaymentAttemptWebhookEventJSON)
    assert_type(sample(events.SubscriptionPastDue), BillingSubscriptionWebhookEventJSON)
    assert_type(sample(events.SubscriptionItemFreeTrialEnding), BillingSubscriptionItemWebhookEventJSON)
    assert_type(sample(events.UserCreated)["email_addresses"], list[EmailAddressJSON])


def a_name_gives_a_dict(event_type: WebhookEventType, text: str) -> None:
    assert_type(sample("user.created"), dict[str, Any])
    assert_type(sample(event_type, first_name=None), dict[str, Any])
    assert_type(sample(text), dict[str, Any])


def save_user(user: UserJSON) -> None:
    assert_type(user["first_name"], str | None)


def leave(membership: OrganizationMembershipJSON) -> None:
    assert_type(membership["organization"], OrganizationJSON)


def greet(event: events.UserCreated) -> None:
    save_user(event.data)


def handle(event: WebhookEvent) -> None:
    if event.type == "user.created":
        greet(event)


def a_payload_is_an_argument() -> None:
    save_user(sample(events.UserCreated, email_addresses=[], last_name="King"))
    leave(sample(events.OrganizationMembershipDeleted))


def an_event_is_an_argument() -> None:
    assert_type(sample_event(events.UserCreated), events.UserCreated)
    assert_type(sample_event(events.UserCreated, first_name=None).data, UserJSON)
    assert_type(sample_event(events.SubscriptionPastDue), events.SubscriptionPastDue)
    assert_type(sample_event("user.created"), WebhookEvent)
    greet(sample_event(events.UserCreated))
    handle(sample_event("user.created"))
    handle(sample_event(events.UserCreated))


def every_event_type_in_turn(webhook: Webhook) -> None:
    for event_type, event_class in events.EVENT_CLASSES.items():
        handle(sample_event(event_type))
        assert_type(sample(event_class), Any)
        sample_delivery(event_class, "whsec_")
        assert_type(webhook.verify_and_parse(*sample_delivery(event_type, secret="whsec_")), WebhookEvent)


def signed(webhook: Webhook, event: WebhookEvent, body: bytes) -> None:
    request = signed_request(event, "whsec_")
    assert_type(request, SignedRequest)
    assert_type(request.headers, dict[str, str])
    assert_type(request.body, bytes)
    assert_type(webhook.verify_and_parse(*request), WebhookEvent)
    signed_request(event.payload, b"a raw key", message_id="msg_1")
    signed_request(sample_event(events.UserCreated), "whsec_", timestamp=1614265330)
    signed_request({"type": "user.created", "data": sample(events.UserCreated)}, "whsec_", timestamp=datetime.now(UTC))
    signed_request(body, "whsec_")
    signed_request("{}", "whsec_")
