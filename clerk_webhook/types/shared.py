"""What payloads of every family are made of."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

UnixMillis: TypeAlias = int
"""A moment, in milliseconds since the Unix epoch."""

Metadata: TypeAlias = dict[str, Any]
"""What you, or in `unsafe_metadata` the user, have stored with a resource: any JSON object."""


class HttpRequestJSON(TypedDict):
    """The request that led to an event, in the `event_attributes` of any event."""

    client_ip: NotRequired[str]
    """`""` where the request came from a server, such as yours through the Backend API."""

    user_agent: NotRequired[str]
    """`""` where it isn't known."""


class EventAttributesJSON(TypedDict):
    """What is known of how an event came about, in any event."""

    http_request: NotRequired[HttpRequestJSON]


class WebhookEventJSON(TypedDict):
    """The body of a webhook: what every event has around its payload."""

    object: Literal["event"]

    type: str
    """The event type, such as `"user.created"`."""

    data: Any
    """The payload, by type."""

    timestamp: NotRequired[UnixMillis]
    """When it happened: milliseconds since the epoch in deliveries, but seconds in the Dashboard's "Send Example"."""

    instance_id: NotRequired[str]
    """The Clerk instance; in bodies since April 2025."""

    event_attributes: NotRequired[EventAttributesJSON]


class DeletedObjectJSON(TypedDict):
    """What is left of a deleted resource.

    Carried by ``user.deleted``, ``organization.deleted``, ``organizationDomain.deleted``, ``role.deleted`` and
    ``permission.deleted``.
    """

    object: str
    """What it was: `"user"`, `"organization"` and so on."""

    id: str

    deleted: bool
    """Always true."""

    slug: NotRequired[str]

    external_id: NotRequired[str]
    """Your own id for it, where it had one."""


class ClerkErrorJSON(TypedDict):
    """Why a verification failed, in ``user.created``, ``user.updated`` and ``session.*``."""

    message: str

    long_message: str
    """The same in a full sentence, fit to be shown."""

    code: str
    """A stable name of the error."""

    meta: NotRequired[dict[str, Any]]
    """More about it, by `code`."""


class VerificationJSON(TypedDict):
    """How an address, an account or a wallet is verified, in ``user.created``, ``user.updated`` and ``session.*``.

    Clerk's schema has eleven shapes, one per way to verify, and its TypeScript has one. They are one type here,
    because what would tell them apart, `object`, is absent from most real bodies.
    """

    status: Literal["unverified", "verified", "failed", "expired", "transferable"]

    strategy: str
    """The way it is verified: `"email_code"`, `"email_link"`, `"phone_code"`, `"reset_password_email_code"`,
    `"admin"`, `"ticket"`, `"saml"`, `"scim"`, `"passkey"`, `"google_one_tap"`, `"oauth_<provider>"`,
    `"from_oauth_<provider>"`, `"web3_<wallet>_signature"`. Clerk may add to these."""

    attempts: int | None
    """How often it was tried; null where that isn't counted."""

    expire_at: NotRequired[UnixMillis | None]
    """When an unfinished verification runs out, in milliseconds since the epoch."""

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
    """Absent from most real bodies."""

    id: NotRequired[str]
    """In Clerk's TypeScript; never seen in a body."""

    verified_at_client: NotRequired[str | None]
    """The id of the client on which it was verified: no time."""

    external_verification_redirect_url: NotRequired[str | None]
    """Where the user goes to verify, with OAuth and SAML."""

    error: NotRequired[ClerkErrorJSON | None]
    """Why it failed, where it did."""

    channel: NotRequired[str | None]
    """How a phone code is sent, such as `"sms"`."""

    nonce: NotRequired[str | None]
    """What makes a signature by a wallet or a passkey good for one use."""

    message: NotRequired[str | None]
    """What a web3 wallet is asked to sign."""


class PublicOrganizationDataJSON(TypedDict):
    """What anyone may know of an organization.

    In ``organizationInvitation.*``, ``organizationDomain.created`` and ``organizationDomain.updated``.
    """

    id: str

    object: NotRequired[str]
    """In Clerk's TypeScript; its schema has none."""

    name: str

    slug: str

    image_url: NotRequired[str]

    has_image: bool
    """False where `image_url` is a generated one."""
