"""The events: a class for each of Clerk's event types, and the unions of their families.

An event narrows by `event.type == "user.created"`, by `match event.type` and by class pattern::

    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            save(user["id"], user["first_name"])
        case events.UserDeleted(data=deleted):
            forget(deleted["id"])

A type that is newer than this release is an `UnknownEvent`. `WebhookEvent` is the union of all classes.
"""

# Read this module as an index. CONTRIBUTING.md says which places a new event type changes.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import FrozenInstanceError, dataclass
from types import GenericAlias
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    NoReturn,
    TypeAlias,
    TypeGuard,
    TypeVar,
)

if TYPE_CHECKING:
    from datetime import datetime

    # Only type checkers need these names. Sixty TypedDicts would double the time of the import.
    from .types import (
        BillingPaymentAttemptWebhookEventJSON,
        BillingSubscriptionItemWebhookEventJSON,
        BillingSubscriptionWebhookEventJSON,
        DeletedObjectJSON,
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

__all__ = [
    "EVENT_CLASSES",
    "BillingPaymentAttemptWebhookEvent",
    "BillingSubscriptionItemWebhookEvent",
    "BillingSubscriptionWebhookEvent",
    "EmailCreated",
    "EmailWebhookEvent",
    "Event",
    "OrganizationCreated",
    "OrganizationDeleted",
    "OrganizationDomainCreated",
    "OrganizationDomainDeleted",
    "OrganizationDomainUpdated",
    "OrganizationDomainWebhookEvent",
    "OrganizationInvitationAccepted",
    "OrganizationInvitationCreated",
    "OrganizationInvitationRevoked",
    "OrganizationInvitationWebhookEvent",
    "OrganizationMembershipCreated",
    "OrganizationMembershipDeleted",
    "OrganizationMembershipUpdated",
    "OrganizationMembershipWebhookEvent",
    "OrganizationUpdated",
    "OrganizationWebhookEvent",
    "PaymentAttemptCreated",
    "PaymentAttemptUpdated",
    "PermissionCreated",
    "PermissionDeleted",
    "PermissionUpdated",
    "PermissionWebhookEvent",
    "RoleCreated",
    "RoleDeleted",
    "RoleUpdated",
    "RoleWebhookEvent",
    "SMSWebhookEvent",
    "SessionCreated",
    "SessionEnded",
    "SessionPending",
    "SessionRemoved",
    "SessionRevoked",
    "SessionWebhookEvent",
    "SmsCreated",
    "SubscriptionActive",
    "SubscriptionCreated",
    "SubscriptionItemAbandoned",
    "SubscriptionItemActive",
    "SubscriptionItemCanceled",
    "SubscriptionItemCreated",
    "SubscriptionItemEnded",
    "SubscriptionItemFreeTrialEnding",
    "SubscriptionItemIncomplete",
    "SubscriptionItemPastDue",
    "SubscriptionItemUpcoming",
    "SubscriptionItemUpdated",
    "SubscriptionPastDue",
    "SubscriptionUpdated",
    "UnknownEvent",
    "UserCreated",
    "UserDeleted",
    "UserUpdated",
    "UserWebhookEvent",
    "WaitlistEntryCreated",
    "WaitlistEntryUpdated",
    "WaitlistEntryWebhookEvent",
    "WebhookEvent",
    "WebhookEventType",
    "data_type_of",
]

# Both are covariant, because events are read-only.
TypeT = TypeVar("TypeT", bound=str, covariant=True)
DataT = TypeVar("DataT", covariant=True)


# Our own __init__ costs half of what a frozen dataclass' costs.
@dataclass(frozen=True, slots=True, repr=False, init=False)
class Event(Generic[TypeT, DataT]):
    """The base class of all events. Each event type has its own subclass.

    `parse_event` and `verify_and_parse` make events. Events compare, copy and pickle. They are read-only: an assignment
    raises `dataclasses.FrozenInstanceError`, and type checkers refuse it.

    Attributes:
        type: The event type: `"user.created"`. It narrows the union. `"unknown"` for an `UnknownEvent`.
        data: The payload: a `dict` in the shape of one of the TypedDicts in `clerk_webhook.types`.
        payload: The whole body as parsed. `parse_event(event.payload)` makes the event again, in another process too.
        message_id: The `svix-id` header. It is the same on every retry and manual replay, so deduplicate by it. None if
            the body was parsed without its headers.
    """

    if not TYPE_CHECKING:
        # The method of Generic does much that nothing here uses. It would add a fifth to the import of this package.
        __class_getitem__ = classmethod(GenericAlias)

    type: TypeT
    data: DataT
    # pydantic calls no method of `Event[Any, Any]`, but that of the class in this annotation.
    payload: Annotated[dict[str, Any], Event]
    message_id: str | None = None

    def __init__(self, type: TypeT, data: DataT, payload: dict[str, Any], message_id: str | None = None) -> None:  # noqa: A002
        # The only time that the attributes are set.
        _set_type(self, type)
        _set_data(self, data)
        _set_payload(self, payload)
        _set_message_id(self, message_id)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> NoReturn:
        """Refuse to be a model of pydantic, because FastAPI would take an unverified body for an event."""
        raise TypeError(
            f"{cls.__name__} cannot be parsed from a request: nothing would verify the signature. In a FastAPI route "
            "write `event: ClerkEvent`, from clerk_webhook.fastapi, or `event: Annotated[WebhookEvent, "
            "Depends(clerk_event_from(webhook))]`. In django-ninja write @clerk_event directly above the function. "
            "Elsewhere take the request instead, and give its headers and its raw body to verify_and_parse."
        )

    @property
    def wire_type(self) -> str:
        """The event type exactly as sent, even for an unknown event."""
        wire_type: str = self.payload["type"]
        return wire_type

    @property
    def object(self) -> str | None:
        """The `object` of the body: `"event"`. None if the body has no such text."""
        return _text(self.payload.get("object"))

    @property
    def timestamp(self) -> int | None:
        """The time of the event as sent: milliseconds since the epoch, but seconds from the Dashboard's "Send Example".

        `occurred_at` tells the two apart. None if the body has no such integer.
        """
        timestamp = self.payload.get("timestamp")
        return timestamp if type(timestamp) is int else None

    @property
    def occurred_at(self) -> datetime | None:
        """The time of the event, in UTC. None if the body has no `timestamp` that is a time."""
        # Imported here because few handlers ask, and datetime is a large part of the import.
        from datetime import UTC, datetime, timedelta  # noqa: PLC0415

        timestamp = self.timestamp
        if timestamp is None:
            return None
        # This misreads milliseconds before March 1973 and seconds after the year 5138.
        unit = timedelta(milliseconds=1) if abs(timestamp) >= _LEAST_MILLISECONDS else timedelta(seconds=1)
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timestamp * unit
        except OverflowError:
            return None

    @property
    def instance_id(self) -> str | None:
        """The id of the Clerk instance, `"ins_..."`: development or production. Bodies have it since April 2025."""
        return _text(self.payload.get("instance_id"))

    @property
    def event_attributes(self) -> dict[str, Any] | None:
        """The `event_attributes` of the body, which hold `http_request`. None if the body has none."""
        attributes = self.payload.get("event_attributes")
        return attributes if _is_object(attributes) else None

    @property
    def client_ip(self) -> str | None:
        """The address of the client whose request caused the event. None if a server caused it."""
        return _text(_inner(self.event_attributes, "http_request").get("client_ip"))

    @property
    def user_agent(self) -> str | None:
        """The user agent of the client whose request caused the event. None if it is not known."""
        return _text(_inner(self.event_attributes, "http_request").get("user_agent"))

    @property
    def user_id(self) -> str | None:
        """The id of the user whom the event is about, `"user_..."`. None if the payload names no user.

        Only in `user.*` events is `data["id"]` the same.
        """
        return _id_in(self, "user", inner="public_user_data", key="user_id")

    @property
    def organization_id(self) -> str | None:
        """The id of the organization that the event is about, `"org_..."`. None if the payload names none."""
        return _id_in(self, "organization", inner="organization", key="id")

    def __repr__(self) -> str:
        """Show the type and the ids, never the payload, because some payloads hold one-time codes."""
        resource = _text(_inner(self.payload, "data").get("id"))
        return f"<{type(self).__name__} {self.wire_type!r} id={resource!r} message_id={self.message_id!r}>"


# Any, because type checkers take the slots of the class for the values in them.
_SLOTS: Any = Event
_set_type = _SLOTS.type.__set__
_set_data = _SLOTS.data.__set__
_set_payload = _SLOTS.payload.__set__
_set_message_id = _SLOTS.message_id.__set__


def _refuse_to_change(_event: Event[Any, Any], name: str, *_value: object) -> NoReturn:
    raise FrozenInstanceError(f"An event is read-only: {name} cannot be set or deleted.")


# The methods that dataclass makes fail in a class that inherits slots (CPython 3.11).
_SLOTS.__setattr__ = _SLOTS.__delattr__ = _refuse_to_change

_LEAST_MILLISECONDS = 100_000_000_000


def _text(value: object) -> str | None:
    """Return a text that is not empty, else None: Clerk writes `""` for null in places."""
    return value if isinstance(value, str) and value else None


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether this is a JSON object."""
    return isinstance(value, dict)


def _inner(container: dict[str, Any] | None, key: str) -> dict[str, Any]:
    """Return an object inside a JSON object, or an empty one."""
    inner = container.get(key) if container else None
    return inner if _is_object(inner) else {}


def _id_in(event: Event[Any, Any], kind: str, *, inner: str, key: str) -> str | None:
    """Return the id of the user or the organization that an event is about."""
    data: dict[str, Any] = event.data if _is_object(event.data) else {}
    if event.wire_type.startswith(f"{kind}."):
        return _text(data.get("id"))
    own = f"{kind}_id"
    return _text(data.get(own)) or _text(_inner(data, inner).get(key)) or _text(_inner(data, "payer").get(own))


class UserCreated(Event[Literal["user.created"], "UserJSON"]):
    """A user signed up, or was created in the Dashboard or through the Backend API."""

    __slots__ = ()


class UserUpdated(Event[Literal["user.updated"], "UserJSON"]):
    """A user changed: the profile, an address, the metadata or a security setting, for example."""

    __slots__ = ()


class UserDeleted(Event[Literal["user.deleted"], "DeletedObjectJSON"]):
    """A user was deleted. Little more than the id is left."""

    __slots__ = ()


class SessionCreated(Event[Literal["session.created"], "SessionJSON"]):
    """A user signed in."""

    __slots__ = ()


class SessionPending(Event[Literal["session.pending"], "SessionJSON"]):
    """A user signed in, and has to finish tasks before the session is active."""

    __slots__ = ()


class SessionEnded(Event[Literal["session.ended"], "SessionJSON"]):
    """A user signed out."""

    __slots__ = ()


class SessionRemoved(Event[Literal["session.removed"], "SessionJSON"]):
    """A session was removed from its client."""

    __slots__ = ()


class SessionRevoked(Event[Literal["session.revoked"], "SessionJSON"]):
    """A session was revoked in the Dashboard, by another device or through the Backend API."""

    __slots__ = ()


class OrganizationCreated(Event[Literal["organization.created"], "OrganizationJSON"]):
    """An organization was created."""

    __slots__ = ()


class OrganizationUpdated(Event[Literal["organization.updated"], "OrganizationJSON"]):
    """An organization changed."""

    __slots__ = ()


class OrganizationDeleted(Event[Literal["organization.deleted"], "DeletedObjectJSON"]):
    """An organization was deleted. Little more than the id is left."""

    __slots__ = ()


class OrganizationDomainCreated(Event[Literal["organizationDomain.created"], "OrganizationDomainJSON"]):
    """A domain was added to an organization."""

    __slots__ = ()


class OrganizationDomainUpdated(Event[Literal["organizationDomain.updated"], "OrganizationDomainJSON"]):
    """A domain of an organization changed: it was verified, for example."""

    __slots__ = ()


class OrganizationDomainDeleted(Event[Literal["organizationDomain.deleted"], "DeletedObjectJSON"]):
    """A domain was removed from an organization. Little more than the id is left."""

    __slots__ = ()


class OrganizationInvitationCreated(Event[Literal["organizationInvitation.created"], "OrganizationInvitationJSON"]):
    """Somebody was invited to an organization."""

    __slots__ = ()


class OrganizationInvitationAccepted(
    Event[Literal["organizationInvitation.accepted"], "OrganizationInvitationAcceptedJSON"]
):
    """Somebody accepted an invitation to an organization."""

    __slots__ = ()


class OrganizationInvitationRevoked(Event[Literal["organizationInvitation.revoked"], "OrganizationInvitationJSON"]):
    """An invitation to an organization was withdrawn."""

    __slots__ = ()


class OrganizationMembershipCreated(Event[Literal["organizationMembership.created"], "OrganizationMembershipJSON"]):
    """A user became a member of an organization."""

    __slots__ = ()


class OrganizationMembershipUpdated(Event[Literal["organizationMembership.updated"], "OrganizationMembershipJSON"]):
    """A member's role or metadata changed."""

    __slots__ = ()


class OrganizationMembershipDeleted(Event[Literal["organizationMembership.deleted"], "OrganizationMembershipJSON"]):
    """A user is no longer a member of an organization. `data` is the whole membership as it was."""

    __slots__ = ()


class RoleCreated(Event[Literal["role.created"], "RoleJSON"]):
    """A role was created."""

    __slots__ = ()


class RoleUpdated(Event[Literal["role.updated"], "RoleJSON"]):
    """A role or its permissions changed."""

    __slots__ = ()


class RoleDeleted(Event[Literal["role.deleted"], "DeletedObjectJSON"]):
    """A role was deleted. Little more than the id is left."""

    __slots__ = ()


class PermissionCreated(Event[Literal["permission.created"], "PermissionJSON"]):
    """A permission was created."""

    __slots__ = ()


class PermissionUpdated(Event[Literal["permission.updated"], "PermissionJSON"]):
    """A permission changed."""

    __slots__ = ()


class PermissionDeleted(Event[Literal["permission.deleted"], "DeletedObjectJSON"]):
    """A permission was deleted. Little more than the id is left."""

    __slots__ = ()


class EmailCreated(Event[Literal["email.created"], "EmailJSON"]):
    """Clerk has an e-mail for a user. Deliver it if `delivered_by_clerk` is false. It can hold one-time codes."""

    __slots__ = ()


class SmsCreated(Event[Literal["sms.created"], "SMSMessageJSON"]):
    """Clerk has a text message for a user. Deliver it if `delivered_by_clerk` is false. It can hold one-time codes."""

    __slots__ = ()


class WaitlistEntryCreated(Event[Literal["waitlistEntry.created"], "WaitlistEntryJSON"]):
    """Somebody joined the waitlist."""

    __slots__ = ()


class WaitlistEntryUpdated(Event[Literal["waitlistEntry.updated"], "WaitlistEntryJSON"]):
    """A waitlist entry changed: it was invited, rejected or completed."""

    __slots__ = ()


class PaymentAttemptCreated(Event[Literal["paymentAttempt.created"], "BillingPaymentAttemptWebhookEventJSON"]):
    """A payment attempt started. Its status is `pending`."""

    __slots__ = ()


class PaymentAttemptUpdated(Event[Literal["paymentAttempt.updated"], "BillingPaymentAttemptWebhookEventJSON"]):
    """A payment attempt was paid or failed."""

    __slots__ = ()


class SubscriptionCreated(Event[Literal["subscription.created"], "BillingSubscriptionWebhookEventJSON"]):
    """A subscription was created, usually together with its user or organization."""

    __slots__ = ()


class SubscriptionUpdated(Event[Literal["subscription.updated"], "BillingSubscriptionWebhookEventJSON"]):
    """A subscription changed, except for its status. Its items changed, for example."""

    __slots__ = ()


class SubscriptionActive(Event[Literal["subscription.active"], "BillingSubscriptionWebhookEventJSON"]):
    """A subscription became active. An item of the free default plan is enough."""

    __slots__ = ()


class SubscriptionPastDue(Event[Literal["subscription.pastDue"], "BillingSubscriptionWebhookEventJSON"]):
    """An item of a subscription became past due."""

    __slots__ = ()


class SubscriptionItemCreated(Event[Literal["subscriptionItem.created"], "BillingSubscriptionItemWebhookEventJSON"]):
    """An item was added to a subscription. Clerk dropped this event type in August 2026."""

    __slots__ = ()


class SubscriptionItemUpdated(Event[Literal["subscriptionItem.updated"], "BillingSubscriptionItemWebhookEventJSON"]):
    """A subscription item changed, except for its status. Clerk also sends it at each renewal."""

    __slots__ = ()


class SubscriptionItemActive(Event[Literal["subscriptionItem.active"], "BillingSubscriptionItemWebhookEventJSON"]):
    """A subscription item became active: its payment succeeded, or its free trial started."""

    __slots__ = ()


class SubscriptionItemUpcoming(Event[Literal["subscriptionItem.upcoming"], "BillingSubscriptionItemWebhookEventJSON"]):
    """A subscription item is due to start after the current period."""

    __slots__ = ()


class SubscriptionItemCanceled(Event[Literal["subscriptionItem.canceled"], "BillingSubscriptionItemWebhookEventJSON"]):
    """A subscription item was canceled. It runs to the end of its period."""

    __slots__ = ()


class SubscriptionItemEnded(Event[Literal["subscriptionItem.ended"], "BillingSubscriptionItemWebhookEventJSON"]):
    """A subscription item ended."""

    __slots__ = ()


class SubscriptionItemPastDue(Event[Literal["subscriptionItem.pastDue"], "BillingSubscriptionItemWebhookEventJSON"]):
    """A recurring payment of a subscription item failed."""

    __slots__ = ()


class SubscriptionItemFreeTrialEnding(
    Event[Literal["subscriptionItem.freeTrialEnding"], "BillingSubscriptionItemWebhookEventJSON"]
):
    """A free trial ends in three days. Clerk sends it at once for a shorter trial."""

    __slots__ = ()


class SubscriptionItemIncomplete(
    Event[Literal["subscriptionItem.incomplete"], "BillingSubscriptionItemWebhookEventJSON"]
):
    """A checkout started, and the payment of the subscription item is not complete."""

    __slots__ = ()


class SubscriptionItemAbandoned(
    Event[Literal["subscriptionItem.abandoned"], "BillingSubscriptionItemWebhookEventJSON"]
):
    """An upcoming subscription item was replaced before it started."""

    __slots__ = ()


class UnknownEvent(Event[Literal["unknown"], Any]):
    """An event of a type that is newer than this release. `wire_type` has the type, and `data` any JSON value.

    Clerk adds types several times a year. Answer 200 to events that you do not use; otherwise Svix sends them again for
    27 h 35 min.
    """

    __slots__ = ()


# The unions, named as in Clerk's TypeScript.
UserWebhookEvent: TypeAlias = UserCreated | UserUpdated | UserDeleted
SessionWebhookEvent: TypeAlias = SessionCreated | SessionPending | SessionEnded | SessionRemoved | SessionRevoked
OrganizationWebhookEvent: TypeAlias = OrganizationCreated | OrganizationUpdated | OrganizationDeleted
OrganizationDomainWebhookEvent: TypeAlias = (
    OrganizationDomainCreated | OrganizationDomainUpdated | OrganizationDomainDeleted
)
OrganizationInvitationWebhookEvent: TypeAlias = (
    OrganizationInvitationCreated | OrganizationInvitationAccepted | OrganizationInvitationRevoked
)
OrganizationMembershipWebhookEvent: TypeAlias = (
    OrganizationMembershipCreated | OrganizationMembershipUpdated | OrganizationMembershipDeleted
)
RoleWebhookEvent: TypeAlias = RoleCreated | RoleUpdated | RoleDeleted
PermissionWebhookEvent: TypeAlias = PermissionCreated | PermissionUpdated | PermissionDeleted
EmailWebhookEvent: TypeAlias = EmailCreated
SMSWebhookEvent: TypeAlias = SmsCreated
WaitlistEntryWebhookEvent: TypeAlias = WaitlistEntryCreated | WaitlistEntryUpdated
BillingPaymentAttemptWebhookEvent: TypeAlias = PaymentAttemptCreated | PaymentAttemptUpdated
BillingSubscriptionWebhookEvent: TypeAlias = (
    SubscriptionCreated | SubscriptionUpdated | SubscriptionActive | SubscriptionPastDue
)
BillingSubscriptionItemWebhookEvent: TypeAlias = (
    SubscriptionItemCreated
    | SubscriptionItemUpdated
    | SubscriptionItemActive
    | SubscriptionItemUpcoming
    | SubscriptionItemCanceled
    | SubscriptionItemEnded
    | SubscriptionItemPastDue
    | SubscriptionItemFreeTrialEnding
    | SubscriptionItemIncomplete
    | SubscriptionItemAbandoned
)
WebhookEvent: TypeAlias = (
    UserWebhookEvent
    | SessionWebhookEvent
    | OrganizationWebhookEvent
    | OrganizationDomainWebhookEvent
    | OrganizationInvitationWebhookEvent
    | OrganizationMembershipWebhookEvent
    | RoleWebhookEvent
    | PermissionWebhookEvent
    | EmailWebhookEvent
    | SMSWebhookEvent
    | WaitlistEntryWebhookEvent
    | BillingPaymentAttemptWebhookEvent
    | BillingSubscriptionWebhookEvent
    | BillingSubscriptionItemWebhookEvent
    | UnknownEvent
)

WebhookEventType: TypeAlias = Literal[
    "user.created",
    "user.updated",
    "user.deleted",
    "session.created",
    "session.pending",
    "session.ended",
    "session.removed",
    "session.revoked",
    "organization.created",
    "organization.updated",
    "organization.deleted",
    "organizationDomain.created",
    "organizationDomain.updated",
    "organizationDomain.deleted",
    "organizationInvitation.created",
    "organizationInvitation.accepted",
    "organizationInvitation.revoked",
    "organizationMembership.created",
    "organizationMembership.updated",
    "organizationMembership.deleted",
    "role.created",
    "role.updated",
    "role.deleted",
    "permission.created",
    "permission.updated",
    "permission.deleted",
    "email.created",
    "sms.created",
    "waitlistEntry.created",
    "waitlistEntry.updated",
    "paymentAttempt.created",
    "paymentAttempt.updated",
    "subscription.created",
    "subscription.updated",
    "subscription.active",
    "subscription.pastDue",
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
]


def _by_type(classes: Iterable[type[Event[Any, Any]]]) -> dict[str, type[Event[Any, Any]]]:
    """Return the classes by the event type on their class line."""
    by_type: dict[str, type[Event[Any, Any]]] = {}
    for cls in classes:
        if cls is UnknownEvent:
            continue
        (base,) = cls.__dict__["__orig_bases__"]  # typing sets it on each subclass of a generic
        (event_type,) = base.__args__[0].__args__
        if event_type in by_type:
            raise TypeError(f"{cls.__name__} and {by_type[event_type].__name__} are both {event_type!r}.")
        by_type[event_type] = cls
    return by_type


EVENT_CLASSES: Mapping[str, type[Event[Any, Any]]] = _by_type(_SLOTS.__subclasses__())
"""The class of each known event type."""


def data_type_of(event_type: str) -> type[Any] | None:
    """Return the data type of an event type. The first call imports all data types.

    Args:
        event_type: The event type, such as `"user.created"`.

    Returns:
        The TypedDict, from `clerk_webhook.types`. None for an event type that is newer than this release.

    Raises:
        TypeError: This is no text.

    Example:
        ```python
        assert data_type_of("user.created") is types.UserJSON
        ```
    """
    if not isinstance(event_type, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
        raise TypeError(f'An event type such as "user.created" is wanted, not {type(event_type).__name__}.')
    event_class = EVENT_CLASSES.get(event_type)
    if event_class is None:
        return None
    from . import types  # noqa: PLC0415

    (base,) = event_class.__dict__["__orig_bases__"]
    data_type: type[Any] = getattr(types, base.__args__[1])  # the class line has its name as a string
    return data_type
