"""Payloads of ``user.*``."""

from typing import Literal, NotRequired, TypedDict

from .organization import OrganizationMembershipJSON
from .shared import Metadata, UnixMillis, VerificationJSON


class IdentificationLinkJSON(TypedDict):
    """What an address is linked to, an OAuth account say, in ``user.created``, ``user.updated`` and ``session.*``."""

    type: str
    """Such as `"oauth_google"`."""

    id: str

    object: NotRequired[str]
    """In Clerk's TypeScript; never seen in a body."""


class EmailAddressJSON(TypedDict):
    """An e-mail address of a user, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: NotRequired[str]
    """What `primary_email_address_id` refers to."""

    object: Literal["email_address"]

    email_address: str

    reserved: NotRequired[bool]
    """Whether it is held for the user without having been verified."""

    verification: VerificationJSON | None
    """Can be null even for the primary address, with `reserved` true."""

    linked_to: list[IdentificationLinkJSON]

    matches_sso_connection: NotRequired[bool]
    """Whether an active enterprise connection is responsible for its domain."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""


class PhoneNumberJSON(TypedDict):
    """A phone number of a user, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: NotRequired[str]
    """What `primary_phone_number_id` refers to."""

    object: Literal["phone_number"]

    phone_number: str
    """In E.164 form: `"+15555550100"`."""

    reserved_for_second_factor: NotRequired[bool]
    """Whether it serves as a second factor."""

    default_second_factor: NotRequired[bool]
    """Whether it is the second factor that is asked for first."""

    reserved: bool
    """Whether it is held for the user without having been verified."""

    verification: VerificationJSON | None

    linked_to: list[IdentificationLinkJSON]

    backup_codes: NotRequired[list[str] | None]
    """One-time codes that stand in for this factor: log nothing of them."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""


class Web3WalletJSON(TypedDict):
    """A web3 wallet of a user, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: NotRequired[str]
    """What `primary_web3_wallet_id` refers to."""

    object: Literal["web3_wallet"]

    web3_wallet: str
    """Its public address."""

    verification: VerificationJSON | None

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""


class PasskeyJSON(TypedDict):
    """A passkey of a user, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: NotRequired[str]

    object: Literal["passkey"]

    name: str

    last_used_at: UnixMillis
    """In milliseconds since the epoch."""

    verification: VerificationJSON | None


class ExternalAccountJSON(TypedDict):
    """An account elsewhere that a user signs in with, in ``user.created``, ``user.updated`` and ``session.*``.

    Recorded bodies have accounts in an older form, `object` being `"google_account"` and the names of Google's own
    fields beside or instead of the general ones.
    """

    object: Literal["external_account", "facebook_account", "google_account"]

    id: str
    """`"eac_..."`, or `"idn_..."` in the older form."""

    provider: NotRequired[str]
    """Such as `"oauth_google"`."""

    identification_id: NotRequired[str]
    """What an address that came with the account has in `linked_to`: `"idn_..."`."""

    provider_user_id: NotRequired[str]
    """The user's id over there."""

    approved_scopes: str
    """The OAuth scopes that were granted, separated by white space."""

    email_address: str

    email_address_verified: NotRequired[bool | None]
    """Whether the provider had verified the address when the account was connected; null where that isn't known."""

    first_name: NotRequired[str]

    last_name: NotRequired[str]

    avatar_url: NotRequired[str]
    """Deprecated: `image_url` has it."""

    image_url: NotRequired[str | None]

    username: NotRequired[str | None]
    """The user's name over there."""

    phone_number: NotRequired[str | None]

    public_metadata: NotRequired[Metadata | None]

    label: NotRequired[str | None]
    """What tells several accounts at one provider apart."""

    external_account_id: NotRequired[str]
    """The `"eac_..."` id, where `id` is another."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    verification: VerificationJSON | None

    google_id: NotRequired[str | None]
    """Recorded in the older form only: the user's id at Google."""

    given_name: NotRequired[str | None]
    """Recorded in the older form only: the first name."""

    family_name: NotRequired[str | None]
    """Recorded in the older form only: the last name."""

    picture: NotRequired[str | None]
    """Recorded in the older form only: the address of the image."""


class SamlAccountConnectionJSON(TypedDict):
    """The SAML connection of an account, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: str

    name: str

    domain: NotRequired[str]
    """Deprecated: `domains` has it."""

    domains: NotRequired[list[str]]

    active: bool

    provider: str

    sync_user_attributes: bool
    """Whether each sign-in copies the user's attributes from the identity provider."""

    allow_subdomains: NotRequired[bool]
    """Whether it takes addresses at subdomains of its domains too."""

    allow_idp_initiated: NotRequired[bool]
    """Whether a sign-in may begin at the identity provider."""

    disable_additional_identifications: NotRequired[bool]
    """Whether its users may have no address or account besides the one from it."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class SamlAccountJSON(TypedDict):
    """A user's account at a SAML identity provider, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: str

    object: Literal["saml_account"]

    provider: str

    active: bool

    email_address: str

    first_name: NotRequired[str | None]

    last_name: NotRequired[str | None]

    provider_user_id: NotRequired[str | None]
    """The user's id over there."""

    last_authenticated_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    public_metadata: NotRequired[Metadata]

    verification: VerificationJSON | None

    saml_connection: NotRequired[SamlAccountConnectionJSON | None]


class EnterpriseAccountConnectionJSON(TypedDict):
    """The enterprise connection of an account, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: str

    object: NotRequired[str]
    """In Clerk's TypeScript; its schema has none."""

    protocol: str
    """Such as `"saml"` or `"oauth"`. Clerk may add to these."""

    provider: str

    name: str

    logo_public_url: str | None

    domain: NotRequired[str]
    """Deprecated: `domains` has it."""

    domains: NotRequired[list[str]]

    active: bool

    sync_user_attributes: bool
    """Whether each sign-in copies the user's attributes from the identity provider."""

    allow_subdomains: bool
    """Whether it takes addresses at subdomains of its domains too."""

    allow_idp_initiated: bool
    """Whether a sign-in may begin at the identity provider."""

    disable_additional_identifications: bool
    """Whether its users may have no address or account besides the one from it."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    updated_at: UnixMillis
    """In milliseconds since the epoch."""


class EnterpriseAccountJSON(TypedDict):
    """A user's account at an enterprise identity provider, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: str

    object: Literal["enterprise_account"]

    protocol: NotRequired[Literal["oauth", "saml"]]

    provider: str

    active: bool

    email_address: str

    first_name: NotRequired[str | None]

    last_name: NotRequired[str | None]

    provider_user_id: NotRequired[str | None]
    """The user's id over there."""

    enterprise_connection_id: NotRequired[str | None]

    public_metadata: NotRequired[Metadata]

    verification: VerificationJSON | None

    enterprise_connection: NotRequired[EnterpriseAccountConnectionJSON | None]

    last_authenticated_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""


class SCIMUserMetadataJSON(TypedDict):
    """Which directory a user is provisioned from, in ``user.created`` and ``user.updated`` where one is known."""

    directory_id: str

    directory_enabled: NotRequired[bool]
    """Absent where it is false."""

    external_id: str | None
    """The directory's own id of the user."""


class UserJSON(TypedDict):
    """A user: ``user.created`` and ``user.updated``, and inside ``session.*``.

    Names are often null. The primary addresses are named by id; the one meant is not always the first, and may
    not be there at all.
    """

    id: str

    object: Literal["user"]

    external_id: str | None
    """Your own id for the user, where you have set one."""

    primary_email_address_id: str | None
    """Which of `email_addresses` it is. It can dangle: the address need not be there."""

    primary_phone_number_id: str | None
    """Which of `phone_numbers` it is. It can dangle: the number need not be there."""

    primary_web3_wallet_id: str | None
    """Which of `web3_wallets` it is. It can dangle: the wallet need not be there."""

    username: str | None

    first_name: str | None

    last_name: str | None

    locale: NotRequired[str | None]
    """A BCP 47 tag, such as `"en-US"`."""

    profile_image_url: NotRequired[str]
    """Deprecated: `image_url` has it."""

    image_url: NotRequired[str]

    has_image: bool
    """False where `image_url` is a generated one."""

    public_metadata: Metadata
    """Yours: readable by the browser, writable by your server."""

    private_metadata: NotRequired[Metadata | None]
    """Yours: readable and writable by your server only."""

    unsafe_metadata: NotRequired[Metadata]
    """The user's: writable by the browser, so believe nothing in it."""

    email_addresses: list[EmailAddressJSON]

    phone_numbers: list[PhoneNumberJSON]

    web3_wallets: list[Web3WalletJSON]

    passkeys: NotRequired[list[PasskeyJSON]]

    password_enabled: bool

    two_factor_enabled: bool
    """Whether any second factor is on."""

    totp_enabled: bool
    """Whether an authenticator app is a second factor."""

    backup_code_enabled: bool
    """Whether there are codes that stand in for a second factor."""

    mfa_enabled_at: NotRequired[UnixMillis | None]
    """When a second factor was last turned on, in milliseconds since the epoch; kept when it is turned off."""

    mfa_disabled_at: NotRequired[UnixMillis | None]
    """When a second factor was last turned off, in milliseconds since the epoch; kept when it is turned on."""

    password_last_updated_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    external_accounts: list[ExternalAccountJSON]

    saml_accounts: NotRequired[list[SamlAccountJSON]]

    enterprise_accounts: NotRequired[list[EnterpriseAccountJSON]]
    """Absent from older bodies."""

    organization_memberships: NotRequired[list[OrganizationMembershipJSON] | None]
    """Not in every event: `organizationMembership.*` events are what to follow."""

    last_sign_in_at: UnixMillis | None
    """In milliseconds since the epoch."""

    banned: bool
    """Whether you have barred the user from signing in."""

    locked: bool
    """Whether too many failed attempts, or you, have locked the account."""

    deprovisioned: NotRequired[bool]
    """Whether the directory that the user comes from has taken access away."""

    lockout_expires_in_seconds: int | None
    """How long a lock still lasts, in seconds; null for a locked user is for good."""

    verification_attempts_remaining: int | None
    """How many failed attempts are left before the account locks; null where it never does."""

    updated_at: UnixMillis
    """In milliseconds since the epoch. Order events by their own `timestamp` instead."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    delete_self_enabled: bool
    """Whether the user may delete the account."""

    create_organization_enabled: bool
    """Whether the user may create organizations."""

    create_organizations_limit: NotRequired[int | None]
    """How many organizations the user may create; 0 is no limit."""

    last_active_at: UnixMillis | None
    """The day of the last activity, in milliseconds since the epoch."""

    legal_accepted_at: UnixMillis | None
    """When the user accepted your terms, in milliseconds since the epoch."""

    bypass_client_trust: NotRequired[bool]
    """Whether sign-ins from new devices go unchecked."""

    scim: NotRequired[SCIMUserMetadataJSON | None]
    """Where a directory provisions the user; absent or null does not prove that none does."""

    birthday: NotRequired[str | None]
    """Recorded for old users, though in neither Clerk's schema nor its TypeScript: a date as text, often `""`."""

    gender: NotRequired[str | None]
    """Recorded for old users, though in neither Clerk's schema nor its TypeScript."""
