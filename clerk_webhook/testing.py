"""Sample events and signed requests, for the tests of your own webhook route.

`sample_delivery` is what such a test sends: a sample event, signed now with your test's secret::

    request = sample_delivery("user.created", SECRET, first_name="Grace")

- FastAPI, Starlette: `client.post("/api/webhooks", headers=request.headers, content=request.body)`
- Flask: `client.post("/api/webhooks", headers=request.headers, data=request.body)`
- Django: `client.post("/api/webhooks", request.body, "application/json", headers=request.headers)`

A handler needs no request: give it `sample_event`, or `sample` where it takes the payload alone. There is a sample
for every event type. Together they tell of one user, Ada, and her organization, so ids in one are found in another;
many have the awkward forms that occur in deliveries, such as null names.
"""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from hashlib import sha256
from math import floor
from typing import Any, Literal, NamedTuple, TypeVar, overload

from . import types
from ._parse import parse_event
from ._samples import BODIES
from .conformance import payload_type_of
from .events import EVENT_CLASSES, Event, WebhookEvent
from .webhook import Webhook

__all__ = ["SignedRequest", "sample", "sample_delivery", "sample_event", "signed_request"]

EventT = TypeVar("EventT", bound=Event[Any, Any])


class SignedRequest(NamedTuple):
    """A request as Clerk sends it: `webhook.verify_and_parse(*request)` accepts it.

    Attributes:
        headers: The three headers of the signature, and the content type.
        body: The raw body, which is what was signed.

    Example:
        ```python
        headers, body = sample_delivery("user.created", "whsec_...")
        ```
    """

    headers: dict[str, str]
    body: bytes


@overload
def sample(event_type: Literal["user.created", "user.updated"], /, **overrides: object) -> types.UserJSON: ...
@overload
def sample(
    event_type: Literal[
        "user.deleted", "organization.deleted", "organizationDomain.deleted", "role.deleted", "permission.deleted"
    ],
    /,
    **overrides: object,
) -> types.DeletedObjectJSON: ...
@overload
def sample(
    event_type: Literal["session.created", "session.pending", "session.ended", "session.removed", "session.revoked"],
    /,
    **overrides: object,
) -> types.SessionJSON: ...
@overload
def sample(
    event_type: Literal["organization.created", "organization.updated"], /, **overrides: object
) -> types.OrganizationJSON: ...
@overload
def sample(
    event_type: Literal["organizationDomain.created", "organizationDomain.updated"], /, **overrides: object
) -> types.OrganizationDomainJSON: ...
@overload
def sample(
    event_type: Literal["organizationInvitation.created", "organizationInvitation.revoked"], /, **overrides: object
) -> types.OrganizationInvitationJSON: ...
@overload
def sample(
    event_type: Literal["organizationInvitation.accepted"], /, **overrides: object
) -> types.OrganizationInvitationAcceptedJSON: ...
@overload
def sample(
    event_type: Literal[
        "organizationMembership.created", "organizationMembership.updated", "organizationMembership.deleted"
    ],
    /,
    **overrides: object,
) -> types.OrganizationMembershipJSON: ...
@overload
def sample(event_type: Literal["role.created", "role.updated"], /, **overrides: object) -> types.RoleJSON: ...
@overload
def sample(
    event_type: Literal["permission.created", "permission.updated"], /, **overrides: object
) -> types.PermissionJSON: ...
@overload
def sample(event_type: Literal["email.created"], /, **overrides: object) -> types.EmailJSON: ...
@overload
def sample(event_type: Literal["sms.created"], /, **overrides: object) -> types.SMSMessageJSON: ...
@overload
def sample(
    event_type: Literal["waitlistEntry.created", "waitlistEntry.updated"], /, **overrides: object
) -> types.WaitlistEntryJSON: ...
@overload
def sample(
    event_type: Literal["paymentAttempt.created", "paymentAttempt.updated"], /, **overrides: object
) -> types.BillingPaymentAttemptWebhookEventJSON: ...
@overload
def sample(
    event_type: Literal["subscription.created", "subscription.updated", "subscription.active", "subscription.pastDue"],
    /,
    **overrides: object,
) -> types.BillingSubscriptionWebhookEventJSON: ...
@overload
def sample(
    event_type: Literal[
        "subscriptionItem.created",
        "subscriptionItem.updated",
        "subscriptionItem.active",
        "subscriptionItem.upcoming",
        "subscriptionItem.canceled",
        "subscriptionItem.ended",
        "subscriptionItem.pastDue",
        "subscriptionItem.freeTrialEnding",
        "subscriptionItem.incomplete",
        "subscriptionItem.abandoned",
    ],
    /,
    **overrides: object,
) -> types.BillingSubscriptionItemWebhookEventJSON: ...
def sample(event_type: str, /, **overrides: object) -> Any:
    """Return a sample payload, the `data` of an event, of the type that the event type carries.

    Args:
        event_type: The event type: `"user.created"`.
        overrides: Keys of the payload that shall have another value than the sample's, as they are in JSON. Nothing
            else is adapted to them.

    Returns:
        The payload, which is yours to change: each call makes a new one, with copies of the overrides.

    Raises:
        ValueError: There is no such event type.
        TypeError: The payload type has no such key, or JSON no such value.

    Example:
        ```python
        save_user(sample("user.created", first_name="Grace", last_name=None))
        ```
    """
    return _body(event_type, overrides)["data"]


@overload
def sample_event(event_type: type[EventT], /, **overrides: object) -> EventT: ...
@overload
def sample_event(event_type: str, /, **overrides: object) -> WebhookEvent: ...
def sample_event(event_type: str | type[Event[Any, Any]], /, **overrides: object) -> Any:
    """Return a sample event, as `verify_and_parse` would.

    Two calls return equal events, their message id included; each event type has its own.

    Args:
        event_type: A class in `clerk_webhook.events`, for exactly that class, or an event type.
        overrides: As for `sample`: keys of the payload.

    Returns:
        The event, which nothing else refers to.

    Raises:
        ValueError: There is no such event type.
        TypeError: The payload type has no such key, or JSON no such value.

    Example:
        ```python
        handle(sample_event(events.UserCreated, first_name=None))
        ```
    """
    name = event_type if isinstance(event_type, str) else _event_type(event_type)
    return parse_event(_body(name, overrides), message_id=_message_id(sha256(name.encode()).digest()))


def signed_request(
    event: Event[Any, Any] | Mapping[str, Any] | bytes | str,
    secret: str | bytes,
    *,
    message_id: str | None = None,
    timestamp: int | datetime | None = None,
) -> SignedRequest:
    """Sign an event, or anything else, as Clerk does.

    Args:
        event: An event, or a whole body: as the JSON object that it parses to, `type` and `data` included, or raw.
            A raw body is signed as it is, a broken one too.
        secret: The signing secret, as `Webhook` takes it.
        message_id: The message id. Without it, the event's own, or a random one where there is none.
        timestamp: The time of signing: whole seconds since the epoch, or an aware `datetime`. Without it, now.

    Returns:
        The headers and the body.

    Raises:
        SecretError: The secret can't be one.
        InvalidHeaderError: The id or the timestamp is one that is refused everywhere.
        TypeError: The event or the timestamp has the wrong type.

    Example:
        ```python
        stale = signed_request(sample_event("user.created"), "whsec_...", timestamp=1614265330)
        ```
    """
    try:
        webhook = Webhook(secret)
    finally:
        # Test runners show the local variables of every frame a traceback passes through.
        del secret
    if message_id is None:
        own = event.message_id if isinstance(event, Event) else None
        message_id = own or _message_id(secrets.token_bytes(_ID_LENGTH))
    if timestamp is None:
        timestamp = int(time.time())
    body = _raw(event)
    signature = webhook.sign(message_id, timestamp, body)
    seconds = timestamp if isinstance(timestamp, int) else floor(timestamp.timestamp())
    headers = {
        "content-type": "application/json",
        "svix-id": message_id,
        "svix-timestamp": str(seconds),
        "svix-signature": signature,
    }
    return SignedRequest(headers, body)


def sample_delivery(
    event_type: str | type[Event[Any, Any]], /, secret: str | bytes, **overrides: object
) -> SignedRequest:
    """Return a signed request with a sample event, signed now.

    Each call makes a new message, with an id of its own: a receiver that deduplicates takes no two for one. To send
    one message twice, send one request twice.

    Args:
        event_type: An event type, or a class in `clerk_webhook.events`.
        secret: The signing secret, as `Webhook` takes it.
        overrides: As for `sample`: keys of the payload.

    Returns:
        The headers and the body.

    Raises:
        SecretError: The secret can't be one.
        ValueError: There is no such event type.
        TypeError: The payload type has no such key, or JSON no such value.

    Example:
        ```python
        request = sample_delivery("user.created", "whsec_...")
        response = client.post("/api/webhooks", headers=request.headers, content=request.body)
        ```
    """
    try:
        # The body alone, as it has no message id.
        return signed_request(sample_event(event_type, **overrides).raw, secret)
    finally:
        del secret


# Svix's ids are KSUIDs: 27 digits to the base 62.
_ID_LENGTH = 27
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def _message_id(seed: bytes) -> str:
    """Return a message id that looks like Svix's."""
    return "msg_" + "".join(_BASE62[byte % 62] for byte in seed[:_ID_LENGTH])


def _event_type(event_class: type[Event[Any, Any]]) -> str:
    """Return the event type of a class."""
    for event_type, known in EVENT_CLASSES.items():
        if known is event_class:
            return event_type
    raise ValueError(f"{event_class.__name__} is no single event type: pass one of the other classes of events.")


def _body(event_type: str, overrides: Mapping[str, object]) -> dict[str, Any]:
    """Return the whole body of a sample event, with some keys of its payload replaced."""
    if event_type not in BODIES:
        close = get_close_matches(event_type, BODIES, 1)
        advice = f"did you mean {close[0]!r}?" if close else "all that there are stand in events.EVENT_CLASSES."
        raise ValueError(
            f"There is no sample of {event_type!r}: {advice} For a type newer than this release, pass a whole body "
            "to signed_request or parse_event."
        )
    payload: Any = payload_type_of(event_type)
    unknown = overrides.keys() - payload.__required_keys__ - payload.__optional_keys__
    if unknown:
        raise TypeError(f"{payload.__name__}, the payload of {event_type}, has no key {', '.join(sorted(unknown))}.")
    body = {**BODIES[event_type], "data": {**BODIES[event_type]["data"], **overrides}}
    # Not deepcopy: an object that stands twice in a sample would be one object in the copy too.
    copy: dict[str, Any] = json.loads(json.dumps(body))
    return copy


def _raw(event: Event[Any, Any] | Mapping[str, Any] | bytes | str) -> bytes:
    """Return an event as the bytes of a body, written as compactly as Clerk does."""
    if isinstance(event, bytes):
        return event
    if isinstance(event, str):
        return event.encode()
    body = event.raw if isinstance(event, Event) else dict(event)
    # A lone surrogate has no UTF-8; written with a backslash it is what JSON calls it.
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
