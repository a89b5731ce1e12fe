"""Payloads of ``organization.*`` and of what belongs to an organization."""

from typing import Literal, NotRequired, TypedDict

from .shared import Metadata, PublicOrganizationDataJSON, UnixMillis


class OrganizationJSON(TypedDict):
    """An organization: ``organization.created`` and ``organization.updated``.

    Also inside the memberships of ``organizationMembership.*``.
    """

    object: Literal["organization"]

    id: str

    name: str

    slug: str
    """Its name in addresses. It can change: store the id."""

    image_url: NotRequired[str]

    logo_url: NotRequired[str | None]
    """In every recorded body, though in neither Clerk's schema nor its TypeScript: prefer `image_url`."""

    has_image: bool
    """False where `image_url` is a generated one."""

    members_count: NotRequired[int]
    """Not in every event."""

    missing_member_with_elevated_permissions: NotRequired[bool]
    """Whether none of its members has a role that may manage it."""

    pending_invitations_count: NotRequired[int]
    """Not in every event."""

    max_allowed_memberships: int
    """How many members there may be; 0 is no limit."""

    admin_delete_enabled: bool
    """Whether its admins may delete it."""

    public_metadata: Metadata | None

    private_metadata: NotRequired[Metadata]

    created_by: NotRequired[str]
    """The id of the user who created it."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch. Order events by their own `timestamp` instead."""

    last_active_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    role_set_key: NotRequired[str | None]
    """Which set of roles its members can have."""


class OrganizationDomainVerificationJSON(TypedDict):
    """How far a domain is verified, in ``organizationDomain.created`` and ``organizationDomain.updated``."""

    status: str
    """`"unverified"`, `"verified"`, `"failed"` or `"expired"`. Clerk may add to these."""

    strategy: str
    """Of an affiliation, `"affiliation_email_code"`, or `"email_code"` by Clerk's TypeScript; of ownership, by Clerk's
    browser library, `"txt"`, `"manual_override"` or `"legacy"`. Clerk may add to these."""

    attempts: int | None
    """How often it was tried; null where that isn't counted."""

    expire_at: NotRequired[UnixMillis | None]
    """When it runs out, in milliseconds since the epoch."""

    expires_at: NotRequired[UnixMillis]
    """The same in Clerk's TypeScript, in milliseconds since the epoch: look for `expire_at` first."""

    verified_at: NotRequired[UnixMillis | None]
    """When ownership was verified, in milliseconds since the epoch; null for an affiliation."""


class OrganizationDomainJSON(TypedDict):
    """A domain of an organization: ``organizationDomain.created`` and ``organizationDomain.updated``."""

    object: Literal["organization_domain"]

    id: str

    organization_id: str

    name: str
    """The domain: `"example.com"`."""

    enrollment_mode: Literal["manual_invitation", "automatic_invitation", "automatic_suggestion", "enterprise_sso"]
    """How those with an address at this domain get into the organization."""

    affiliation_email_address: str | None
    """The address to which the proof of affiliation was sent."""

    affiliation_verification: NotRequired[OrganizationDomainVerificationJSON | None]
    """That somebody receives mail at this domain."""

    ownership_verification: NotRequired[OrganizationDomainVerificationJSON | None]
    """That the domain is the organization's: by a TXT record in its DNS, or because it was granted in the Dashboard.
    Null until it was tried."""

    verification: OrganizationDomainVerificationJSON | None
    """Deprecated: `affiliation_verification` is the same."""

    total_pending_invitations: int
    """How many invitations, because of this domain, wait to be accepted."""

    total_pending_suggestions: int
    """How many suggestions to join, because of this domain, wait for the user."""

    public_organization_data: NotRequired[PublicOrganizationDataJSON | None]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class OrganizationInvitationPublicUserDataJSON(TypedDict):
    """Who sent an invitation, in ``organizationInvitation.*``."""

    user_id: str

    first_name: str | None

    last_name: str | None

    image_url: str

    has_image: bool
    """False where `image_url` is a generated one."""

    identifier: str
    """The e-mail address, phone number or username that the user is known by."""


class OrganizationInvitationDataJSON(TypedDict):
    """What an invitation carries besides, in ``organizationInvitation.*``."""

    public_organization_data: NotRequired[PublicOrganizationDataJSON | None]


class OrganizationInvitationJSON(TypedDict):
    """An invitation: ``organizationInvitation.created`` and ``organizationInvitation.revoked``."""

    object: Literal["organization_invitation"]

    id: str

    email_address: str

    role: str
    """The key of the role to be had, such as `"org:member"`."""

    role_name: str
    """The role's name for people."""

    organization_id: NotRequired[str]

    inviter_id: NotRequired[str | None]
    """The id of the user who invites; null where a server did."""

    public_inviter_data: NotRequired[OrganizationInvitationPublicUserDataJSON | None]
    """Who invites; null where a server did."""

    public_organization_data: NotRequired[PublicOrganizationDataJSON | None]
    """In Clerk's TypeScript; its schema has it inside `data`: look in both."""

    data: NotRequired[OrganizationInvitationDataJSON]

    status: NotRequired[str]
    """`"pending"`, `"accepted"`, `"revoked"` or `"expired"`. Clerk may add to these."""

    public_metadata: Metadata

    private_metadata: NotRequired[Metadata]

    url: str | None
    """Where the invitation is accepted. Treat it as a secret."""

    expires_at: UnixMillis | None
    """In milliseconds since the epoch."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class OrganizationInvitationAcceptedJSON(OrganizationInvitationJSON):
    """An invitation that was accepted: ``organizationInvitation.accepted``."""

    user_id: str
    """The id of the user who accepted."""


class OrganizationMembershipPublicUserDataJSON(TypedDict):
    """Who the member is, in ``organizationMembership.*``."""

    user_id: str

    first_name: str | None

    last_name: str | None

    profile_image_url: NotRequired[str | None]
    """Deprecated: `image_url` has it."""

    image_url: str

    has_image: bool
    """False where `image_url` is a generated one."""

    identifier: NotRequired[str | None]
    """The e-mail address, phone number or username that the user is known by."""

    username: NotRequired[str | None]

    banned: NotRequired[bool]
    """Whether you have barred the user from signing in."""

    deprovisioned: NotRequired[bool]
    """Whether the directory that the user comes from has taken access away."""


class OrganizationMembershipJSON(TypedDict):
    """That a user belongs to an organization: ``organizationMembership.*``.

    ``organizationMembership.deleted`` too carries all of it.
    """

    object: Literal["organization_membership"]

    id: str

    role: str
    """The key of the role, such as `"org:admin"`."""

    role_name: NotRequired[str]
    """The role's name for people."""

    permissions: list[str]
    """The keys of what the role allows, such as `"org:sys_memberships:manage"`."""

    public_metadata: Metadata

    private_metadata: NotRequired[Metadata]

    organization: OrganizationJSON

    public_user_data: NotRequired[OrganizationMembershipPublicUserDataJSON]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch. In ``organizationMembership.deleted`` this is from before it was deleted."""
