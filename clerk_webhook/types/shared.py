"""Types that the data of several families share, and the payload around them: the whole body of an event."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

UnixMillis: TypeAlias = int
"""A time, in milliseconds since the Unix epoch."""

Metadata: TypeAlias = dict[str, Any]
"""Any JSON object that is stored with a resource. Users write `unsafe_metadata`; your server writes the others."""


class HttpRequestJSON(TypedDict):
    """The HTTP request that caused an event, in the `event_attributes` of any event."""

    client_ip: NotRequired[str]
    """`""` if a server sent the request, such as yours through the Backend API."""

    user_agent: NotRequired[str]
    """`""` if the user agent is not known."""


class EventAttributesJSON(TypedDict):
    """Facts about the cause of an event, in any event."""

    http_request: NotRequired[HttpRequestJSON]


class WebhookEventJSON(TypedDict):
    """The payload: the whole JSON body of a webhook. It is the same for every event except for `data`."""

    object: Literal["event"]

    type: str
    """The event type, such as `"user.created"`."""

    data: Any
    """The resource. The event type decides its shape."""

    timestamp: NotRequired[UnixMillis]
    """The time of the event, in milliseconds since the epoch. The Dashboard's "Send Example" has seconds."""

    instance_id: NotRequired[str]
    """The id of the Clerk instance, `"ins_..."`. Bodies have it since April 2025."""

    event_attributes: NotRequired[EventAttributesJSON]


class DeletedObjectJSON(TypedDict):
    """The remains of a deleted resource: its id, and little else.

    Events: ``user.deleted``, ``organization.deleted``, ``organizationDomain.deleted``, ``role.deleted`` and
    ``permission.deleted``.
    """

    object: str
    """The kind of the resource: `"user"`, `"organization"` and so on."""

    id: str

    deleted: bool
    """Always true."""

    slug: NotRequired[str | None]
    """Null in the Dashboard's "Send Example" of ``role.deleted``."""

    external_id: NotRequired[str]
    """Your own id of the resource, if you had set one."""


class ClerkErrorJSON(TypedDict):
    """The reason why a verification failed, in ``user.created``, ``user.updated`` and ``session.*``."""

    message: str

    long_message: str
    """The message as a full sentence, for users."""

    code: str
    """The stable name of the error."""

    meta: NotRequired[dict[str, Any]]
    """Details of the error. `code` decides their shape."""


class VerificationJSON(TypedDict):
    """The state of a verification, in ``user.created``, ``user.updated`` and ``session.*``.

    Addresses, accounts, wallets and passkeys have one each. Clerk's schema has eleven shapes, and `object` tells them
    apart; Clerk's TypeScript has one shape. This type is one shape too, because older bodies have no `object`.
    """

    status: Literal["unverified", "verified", "failed", "expired", "transferable"]

    strategy: str
    """The method of verification: `"email_code"`, `"email_link"`, `"phone_code"`, `"reset_password_email_code"`,
    `"admin"`, `"ticket"`, `"saml"`, `"scim"`, `"passkey"`, `"google_one_tap"`, `"oauth_<provider>"`,
    `"from_oauth_<provider>"`, `"web3_<wallet>_signature"`. Clerk may add to these."""

    attempts: int | None
    """The number of attempts. Null if they are not counted."""

    expire_at: NotRequired[UnixMillis | None]
    """The time when an unfinished verification expires, in milliseconds since the epoch."""

    object: NotRequired[
        Literal[
            "verification_admin",
            "verification_email_link",
            "verification_from_oauth",
            "verification_google_one_tap",
            "verification_oauth",
            "verification_otp",
            "verification_passkey",
            "verification_saml",
            "verification_scim",
            "verification_ticket",
            "verification_web3",
        ]
    ]
    """Bodies have it since August 2025."""

    id: NotRequired[str]
    """Clerk's TypeScript has this key. No body with it is known."""

    verified_at_client: NotRequired[str | None]
    """The id of the client that completed the verification. It is not a time."""

    external_verification_redirect_url: NotRequired[str | None]
    """The address to which OAuth and SAML send the user."""

    error: NotRequired[ClerkErrorJSON | None]
    """The reason, if the verification failed."""

    channel: NotRequired[str | None]
    """The channel of a phone code, such as `"sms"`."""

    nonce: NotRequired[str | None]
    """The nonce that a wallet or a passkey signs."""

    message: NotRequired[str | None]
    """The message that a web3 wallet signs."""


class PublicOrganizationDataJSON(TypedDict):
    """The public part of an organization.

    Events: ``organizationInvitation.*``, ``organizationDomain.created`` and ``organizationDomain.updated``.
    """

    id: str

    object: NotRequired[str]
    """Clerk's TypeScript has this key; its schema does not."""

    name: str

    slug: str

    image_url: NotRequired[str]

    has_image: bool
    """False if `image_url` is a generated image."""
