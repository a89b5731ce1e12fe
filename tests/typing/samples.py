"""What type checkers must make of the testing kit. Never run: mypy, pyright, ty and pyrefly read it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import assert_type

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


def each_payload_type() -> None:
    assert_type(sample("user.created"), UserJSON)
    assert_type(sample("user.updated", first_name=None), UserJSON)
    assert_type(sample("user.deleted"), DeletedObjectJSON)
    assert_type(sample("permission.deleted", id="perm_1"), DeletedObjectJSON)
    assert_type(sample("session.pending"), SessionJSON)
    assert_type(sample("organization.updated"), OrganizationJSON)
    assert_type(sample("organizationDomain.created"), OrganizationDomainJSON)
    assert_type(sample("organizationInvitation.revoked"), OrganizationInvitationJSON)
    assert_type(sample("organizationInvitation.accepted"), OrganizationInvitationAcceptedJSON)
    assert_type(sample("organizationMembership.deleted"), OrganizationMembershipJSON)
    assert_type(sample("role.created"), RoleJSON)
    assert_type(sample("permission.updated"), PermissionJSON)
    assert_type(sample("email.created"), EmailJSON)
    assert_type(sample("sms.created"), SMSMessageJSON)
    assert_type(sample("waitlistEntry.updated"), WaitlistEntryJSON)
    assert_type(sample("paymentAttempt.updated"), BillingPaymentAttemptWebhookEventJSON)
    assert_type(sample("subscription.pastDue"), BillingSubscriptionWebhookEventJSON)
    assert_type(sample("subscriptionItem.freeTrialEnding"), BillingSubscriptionItemWebhookEventJSON)
    assert_type(sample("user.created")["email_addresses"], list[EmailAddressJSON])


def keep(payload: Mapping[str, object]) -> None:
    print(payload["id"])


def of_some_type(event_type: WebhookEventType) -> None:
    # No overload takes all of them: checkers try each type by itself.
    keep(sample(event_type))


def save_user(user: UserJSON) -> None:
    assert_type(user["first_name"], str | None)


def leave(membership: OrganizationMembershipJSON) -> None:
    assert_type(membership["organization"], OrganizationJSON)


def greet(event: events.UserCreated) -> None:
    save_user(event.data)


def handle(event: WebhookEvent) -> None:
    if event.type == "user.created":
        greet(event)


def to_what_wants_a_payload() -> None:
    save_user(sample("user.created", email_addresses=[], last_name="King"))
    leave(sample("organizationMembership.deleted"))


def to_what_wants_an_event() -> None:
    assert_type(sample_event(events.UserCreated), events.UserCreated)
    assert_type(sample_event(events.UserCreated, first_name=None).data, UserJSON)
    assert_type(sample_event(events.SubscriptionPastDue), events.SubscriptionPastDue)
    assert_type(sample_event("user.created"), WebhookEvent)
    greet(sample_event(events.UserCreated))
    handle(sample_event("user.created"))
    handle(sample_event(events.UserCreated))


def every_type_in_turn(webhook: Webhook) -> None:
    for event_type, event_class in events.EVENT_CLASSES.items():
        handle(sample_event(event_type))
        sample_delivery(event_class, "whsec_")
        assert_type(webhook.verify_and_parse(*sample_delivery(event_type, secret="whsec_")), WebhookEvent)


def signed(webhook: Webhook, event: WebhookEvent, body: bytes) -> None:
    request = signed_request(event, "whsec_")
    assert_type(request, SignedRequest)
    assert_type(request.headers, dict[str, str])
    assert_type(request.body, bytes)
    assert_type(webhook.verify_and_parse(*request), WebhookEvent)
    signed_request(event.raw, b"a raw key", message_id="msg_1")
    signed_request(sample_event(events.UserCreated), "whsec_", timestamp=1614265330)
    signed_request({"type": "user.created", "data": sample("user.created")}, "whsec_", timestamp=datetime.now(UTC))
    signed_request(body, "whsec_")
    signed_request("{}", "whsec_")
