"""The data of ``organization.*`` and of an organization's domains, invitations and memberships."""

from typing import Literal, NotRequired, TypedDict

from .shared import Metadata, PublicOrganizationDataJSON, UnixMillis


class OrganizationJSON(TypedDict):
    """An organization, in ``organization.created`` and ``organization.updated``.

    The memberships of ``organizationMembership.*`` hold one too.
    """

    object: Literal["organization"]

    id: str

    name: str

    slug: str
    """The organization's name in addresses. It can change, so store the id."""

    image_url: NotRequired[str]

    logo_url: NotRequired[str | None]
    """Every recorded body has this key; Clerk's schema and TypeScript lack it. Prefer `image_url`."""

    has_image: bool
    """False if `image_url` is a generated image."""

    members_count: NotRequired[int]
    """Deliveries have it only in the organization inside a membership."""

    missing_member_with_elevated_permissions: NotRequired[bool]
    """True if no member has a role that may manage the organization."""

    pending_invitations_count: NotRequired[int]
    """Deliveries have it only in the organization inside a membership."""

    max_allowed_memberships: int
    """The number of members that the organization may have. 0 means no limit."""

    admin_delete_enabled: bool
    """True if the organization's admins may delete it."""

    public_metadata: Metadata | None

    private_metadata: NotRequired[Metadata]
    """Deliveries have it only in ``organization.*``, not inside a membership."""

    created_by: NotRequired[str]
    """The id of the user who created the organization. Deliveries have it only in ``organization.*``, not inside a
    membership."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch. Of two events about an organization, the one with the higher `updated_at` is
    newer."""

    last_active_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    role_set_key: NotRequired[str | None]
    """The key of the organization's role set."""


class OrganizationDomainVerificationJSON(TypedDict):
    """The state of a domain's verification, in ``organizationDomain.created`` and ``organizationDomain.updated``."""

    status: str
    """`"unverified"`, `"verified"`, `"failed"` or `"expired"`. Clerk may add to these."""

    strategy: str
    """For an affiliation `"affiliation_email_code"`, or `"email_code"` by Clerk's TypeScript. For ownership, by Clerk's
    browser library, `"txt"`, `"manual_override"` or `"legacy"`. Clerk may add to these."""

    attempts: int | None
    """The number of attempts. Null if they are not counted."""

    expire_at: NotRequired[UnixMillis | None]
    """The time when the verification expires, in milliseconds since the epoch."""

    expires_at: NotRequired[UnixMillis]
    """Clerk's TypeScript has this name for `expire_at`. In milliseconds since the epoch."""

    verified_at: NotRequired[UnixMillis | None]
    """The time when ownership was verified, in milliseconds since the epoch. Null for an affiliation."""


class OrganizationDomainJSON(TypedDict):
    """A domain of an organization, in ``organizationDomain.created`` and ``organizationDomain.updated``."""

    object: Literal["organization_domain"]

    id: str

    organization_id: str

    name: str
    """The domain: `"example.com"`."""

    enrollment_mode: Literal["manual_invitation", "automatic_invitation", "automatic_suggestion", "enterprise_sso"]
    """The way in which users with an address at this domain join the organization."""

    affiliation_email_address: str | None

    affiliation_verification: NotRequired[OrganizationDomainVerificationJSON | None]
    """The verification of the affiliation between the domain and the organization."""

    ownership_verification: NotRequired[OrganizationDomainVerificationJSON | None]
    """The verification of the organization's ownership, by a TXT record in the DNS or in the Dashboard. Null before the
    first attempt."""

    verification: OrganizationDomainVerificationJSON | None
    """Deprecated: use `affiliation_verification`, which is the same."""

    total_pending_invitations: int
    """The number of pending invitations to join because of this domain."""

    total_pending_suggestions: int
    """The number of pending suggestions to join because of this domain."""

    public_organization_data: NotRequired[PublicOrganizationDataJSON | None]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class OrganizationInvitationPublicUserDataJSON(TypedDict):
    """The user who sent an invitation, in ``organizationInvitation.*``."""

    user_id: str

    first_name: str | None

    last_name: str | None

    image_url: str

    has_image: bool
    """False if `image_url` is a generated image."""

    identifier: str
    """The user's e-mail address, phone number or username."""


class OrganizationInvitationDataJSON(TypedDict):
    """Further data of an invitation, in ``organizationInvitation.*``."""

    public_organization_data: NotRequired[PublicOrganizationDataJSON | None]


class OrganizationInvitationJSON(TypedDict):
    """An invitation to an organization.

    Events: ``organizationInvitation.created`` and ``organizationInvitation.revoked``.
    """

    object: Literal["organization_invitation"]

    id: str

    email_address: str

    role: str
    """The key of the role that the invitation offers, such as `"org:member"`."""

    role_name: str
    """The role's name for people."""

    organization_id: NotRequired[str]

    inviter_id: NotRequired[str | None]
    """The id of the user who sent the invitation. Null if no user sent it."""

    public_inviter_data: NotRequired[OrganizationInvitationPublicUserDataJSON | None]
    """The user who sent the invitation. Null if no user sent it."""

    public_organization_data: NotRequired[PublicOrganizationDataJSON | None]
    """Clerk's TypeScript has this key here; its schema has it inside `data`."""

    data: NotRequired[OrganizationInvitationDataJSON]

    status: NotRequired[str]
    """`"pending"`, `"accepted"`, `"revoked"` or `"expired"`. Clerk may add to these."""

    public_metadata: Metadata

    private_metadata: NotRequired[Metadata]

    url: str | None
    """The address that accepts the invitation. Treat it as a secret."""

    expires_at: UnixMillis | None
    """In milliseconds since the epoch."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class OrganizationInvitationAcceptedJSON(OrganizationInvitationJSON):
    """An invitation that a user accepted, in ``organizationInvitation.accepted``."""

    user_id: str
    """The id of the user who accepted."""


class OrganizationMembershipPublicUserDataJSON(TypedDict):
    """The user who is the member, in ``organizationMembership.*``."""

    user_id: str

    first_name: str | None

    last_name: str | None

    profile_image_url: NotRequired[str | None]
    """Deprecated: use `image_url`."""

    image_url: str

    has_image: bool
    """False if `image_url` is a generated image."""

    identifier: NotRequired[str | None]
    """The user's e-mail address, phone number or username."""

    username: NotRequired[str | None]

    banned: NotRequired[bool]
    """True if you have barred the user from signing in."""

    deprovisioned: NotRequired[bool]
    """True if the user is deprovisioned, and so cannot sign in."""


class OrganizationMembershipJSON(TypedDict):
    """The membership of a user in an organization, in ``organizationMembership.*``.

    ``organizationMembership.deleted`` carries the whole membership too.
    """

    object: Literal["organization_membership"]

    id: str

    role: str
    """The key of the role, such as `"org:admin"`."""

    role_name: NotRequired[str]
    """The role's name for people."""

    permissions: list[str]
    """The keys of the role's permissions, such as `"org:sys_memberships:manage"`."""

    public_metadata: Metadata

    private_metadata: NotRequired[Metadata]

    organization: OrganizationJSON

    public_user_data: NotRequired[OrganizationMembershipPublicUserDataJSON]

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch. In ``organizationMembership.deleted`` it is from before the deletion, so it says
    nothing about the order of events."""
