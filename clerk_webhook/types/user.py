"""The data of ``user.*``."""

from typing import Literal, NotRequired, TypedDict

from .organization import OrganizationMembershipJSON
from .shared import Metadata, UnixMillis, VerificationJSON


class IdentificationLinkJSON(TypedDict):
    """A link from an address to an external account, in ``user.created``, ``user.updated`` and ``session.*``."""

    type: str
    """The kind of the account, such as `"oauth_google"`."""

    id: str
    """The `identification_id` of the account."""

    object: NotRequired[str]
    """Clerk's TypeScript has this key. No body with it is known."""


class EmailAddressJSON(TypedDict):
    """An e-mail address of a user, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: NotRequired[str]
    """The id, `"idn_..."`. The user's `primary_email_address_id` is one of these."""

    object: Literal["email_address"]

    email_address: str

    reserved: NotRequired[bool]

    verification: VerificationJSON | None
    """It can be null even for the primary address, together with `reserved`."""

    linked_to: list[IdentificationLinkJSON]

    matches_sso_connection: NotRequired[bool]
    """True if the domain matches an active enterprise connection."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""


class PhoneNumberJSON(TypedDict):
    """A phone number of a user, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: NotRequired[str]
    """The id, `"idn_..."`. The user's `primary_phone_number_id` is one of these."""

    object: Literal["phone_number"]

    phone_number: str
    """In E.164 form: `"+15555550100"`."""

    reserved_for_second_factor: NotRequired[bool]
    """True if the number serves as a second factor."""

    default_second_factor: NotRequired[bool]
    """True if Clerk asks for this second factor first."""

    reserved: bool

    verification: VerificationJSON | None

    linked_to: list[IdentificationLinkJSON]

    backup_codes: NotRequired[list[str] | None]
    """One-time codes that replace this factor. Never log them."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""


class Web3WalletJSON(TypedDict):
    """A web3 wallet of a user, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: NotRequired[str]
    """The id, `"idn_..."`. The user's `primary_web3_wallet_id` is one of these."""

    object: Literal["web3_wallet"]

    web3_wallet: str
    """The public address of the wallet."""

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
    """An account at another provider that a user signs in with.

    Events: ``user.created``, ``user.updated`` and ``session.*``.

    Accounts have two forms. In Google and Facebook accounts, `object` is `"google_account"` or `"facebook_account"`,
    `id` is the id of an identification, and `external_account_id` is the id of the account. In accounts at every other
    provider, `object` is `"external_account"`, and `id` is the id of the account. The Backend API knows an account by
    `account.get("external_account_id", account["id"])`. In January 2026 its own answers have the second form for
    Google accounts too.

    Google accounts have some values under two names: `first_name` and `given_name`, for example. Older bodies have
    Google's names alone.
    """

    object: Literal["external_account", "facebook_account", "google_account"]

    id: str
    """`"eac_..."`, the account's id. In Google and Facebook accounts `"idn_..."`, the same as `identification_id`."""

    provider: NotRequired[str]
    """The provider, such as `"oauth_google"`. Older bodies lack it."""

    identification_id: NotRequired[str]
    """The id, `"idn_..."`, that an address which came with the account has in `linked_to`. Older bodies lack it."""

    provider_user_id: NotRequired[str]
    """The provider's id of the user. Older bodies lack it."""

    approved_scopes: str
    """The OAuth scopes that the user granted, separated by white space."""

    email_address: str

    email_address_verified: NotRequired[bool | None]
    """True if the provider had verified the address when the account was connected. Null if that is not known."""

    first_name: NotRequired[str]
    """Older bodies lack it."""

    last_name: NotRequired[str]
    """Older bodies lack it."""

    avatar_url: NotRequired[str]
    """Deprecated: use `image_url`."""

    image_url: NotRequired[str | None]

    username: NotRequired[str | None]
    """The user's name at the provider."""

    phone_number: NotRequired[str | None]

    public_metadata: NotRequired[Metadata | None]

    label: NotRequired[str | None]
    """A label that tells several accounts at one provider apart."""

    external_account_id: NotRequired[str]
    """The account's id, `"eac_..."`, in Google and Facebook accounts only."""

    created_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    updated_at: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    verification: VerificationJSON | None

    google_id: NotRequired[str | None]
    """Recorded in Google accounts: the same as `provider_user_id`."""

    given_name: NotRequired[str | None]
    """Recorded in Google accounts: the same as `first_name`."""

    family_name: NotRequired[str | None]
    """Recorded in Google accounts: the same as `last_name`."""

    picture: NotRequired[str | None]
    """Recorded in Google accounts: the same as `image_url`."""


class SamlAccountConnectionJSON(TypedDict):
    """The SAML connection of an account, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: str

    name: str

    domain: NotRequired[str]
    """Deprecated: use `domains`."""

    domains: NotRequired[list[str]]

    active: bool

    provider: str

    sync_user_attributes: bool
    """True if each sign-in copies the user's attributes from the identity provider."""

    allow_subdomains: NotRequired[bool]
    """True if the connection takes addresses at subdomains of its domains too."""

    allow_idp_initiated: NotRequired[bool]
    """True if a sign-in may begin at the identity provider."""

    disable_additional_identifications: NotRequired[bool]
    """True if accounts made through this connection cannot add identifications of other kinds."""

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
    """The identity provider's id of the user."""

    last_authenticated_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    public_metadata: NotRequired[Metadata]

    verification: VerificationJSON | None

    saml_connection: NotRequired[SamlAccountConnectionJSON | None]


class EnterpriseAccountConnectionJSON(TypedDict):
    """The enterprise connection of an account, in ``user.created``, ``user.updated`` and ``session.*``."""

    id: str

    object: NotRequired[str]
    """Clerk's TypeScript has this key; its schema does not."""

    protocol: str
    """Such as `"saml"` or `"oauth"`. Clerk may add to these."""

    provider: str

    name: str

    logo_public_url: str | None

    domain: NotRequired[str]
    """Deprecated: use `domains`."""

    domains: NotRequired[list[str]]

    active: bool

    sync_user_attributes: bool
    """True if each sign-in copies the user's attributes from the identity provider."""

    allow_subdomains: bool
    """True if the connection takes addresses at subdomains of its domains too."""

    allow_idp_initiated: bool
    """True if a sign-in may begin at the identity provider."""

    disable_additional_identifications: bool
    """True if accounts made through this connection cannot add identifications of other kinds."""

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
    """The identity provider's id of the user."""

    enterprise_connection_id: NotRequired[str | None]

    public_metadata: NotRequired[Metadata]

    verification: VerificationJSON | None

    enterprise_connection: NotRequired[EnterpriseAccountConnectionJSON | None]

    last_authenticated_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""


class SCIMUserMetadataJSON(TypedDict):
    """The directory that provisions a user, in ``user.created`` and ``user.updated``."""

    directory_id: str

    directory_enabled: NotRequired[bool]
    """Clerk leaves the key out if the directory is disabled."""

    external_id: str | None
    """The directory's own id of the user."""


class UserJSON(TypedDict):
    """A user, in ``user.created``, ``user.updated`` and ``session.*``.

    Names are often null. The `primary_..._id` keys name the primary addresses. The primary address is not always the
    first of the list, and it can be absent from the list.
    """

    id: str

    object: Literal["user"]

    external_id: str | None
    """Your own id of the user, if you have set one."""

    primary_email_address_id: str | None
    """The `id` of one of `email_addresses`. It can dangle: the list may lack that address."""

    primary_phone_number_id: str | None
    """The `id` of one of `phone_numbers`. It can dangle: the list may lack that number."""

    primary_web3_wallet_id: str | None
    """The `id` of one of `web3_wallets`. It can dangle: the list may lack that wallet."""

    username: str | None

    first_name: str | None

    last_name: str | None

    locale: NotRequired[str | None]
    """A BCP 47 tag, such as `"en-US"`."""

    timezone: NotRequired[str | None]
    """The user's time zone. Clerk's TypeScript has this key (`@clerk/backend` 3.25.0); its schema does not."""

    profile_image_url: NotRequired[str]
    """Deprecated: use `image_url`."""

    image_url: NotRequired[str]

    has_image: bool
    """False if `image_url` is a generated image."""

    public_metadata: Metadata
    """Your metadata: browsers can read it, and your server can write it."""

    private_metadata: NotRequired[Metadata | None]
    """Your metadata: only your server can read and write it."""

    unsafe_metadata: NotRequired[Metadata]
    """The user's metadata: the browser can write it, so do not trust it."""

    email_addresses: list[EmailAddressJSON]

    phone_numbers: list[PhoneNumberJSON]

    web3_wallets: list[Web3WalletJSON]

    passkeys: NotRequired[list[PasskeyJSON]]

    password_enabled: bool

    requires_password_reset: NotRequired[bool]
    """True if the user has to set a new password. Recorded in January 2026; Clerk's schema and TypeScript lack it."""

    two_factor_enabled: bool
    """True if any second factor is on."""

    totp_enabled: bool
    """True if an authenticator app is a second factor."""

    backup_code_enabled: bool
    """True if the user has codes that replace a second factor."""

    mfa_enabled_at: NotRequired[UnixMillis | None]
    """The last time a second factor was turned on, in milliseconds since the epoch. Turning it off keeps this time."""

    mfa_disabled_at: NotRequired[UnixMillis | None]
    """The last time a second factor was turned off, in milliseconds since the epoch. Turning it on keeps this time."""

    password_last_updated_at: NotRequired[UnixMillis | None]
    """In milliseconds since the epoch."""

    external_accounts: list[ExternalAccountJSON]

    saml_accounts: NotRequired[list[SamlAccountJSON]]

    enterprise_accounts: NotRequired[list[EnterpriseAccountJSON]]
    """Older bodies lack it."""

    organization_memberships: NotRequired[list[OrganizationMembershipJSON] | None]
    """Not in every event. Follow ``organizationMembership.*`` instead."""

    last_sign_in_at: UnixMillis | None
    """In milliseconds since the epoch."""

    banned: bool
    """True if you have barred the user from signing in."""

    locked: NotRequired[bool]
    """True if the user is locked, and so cannot sign in. Older bodies lack it."""

    deprovisioned: NotRequired[bool]
    """True if the user is deprovisioned, and so cannot sign in."""

    lockout_expires_in_seconds: NotRequired[int | None]
    """The rest of a lock, in seconds. Null for a locked user means a lock without end. Older bodies lack it."""

    verification_attempts_remaining: NotRequired[int | None]
    """The number of attempts before a lock. Null if lockout is off. Older bodies lack it."""

    updated_at: UnixMillis
    """In milliseconds since the epoch. Of two events about a user, the one with the higher `updated_at` is newer."""

    created_at: UnixMillis
    """In milliseconds since the epoch."""

    delete_self_enabled: bool
    """True if the user may delete the account."""

    create_organization_enabled: bool
    """True if the user may create organizations."""

    create_organizations_limit: NotRequired[int | None]
    """The number of organizations that the user may create. 0 means no limit."""

    last_active_at: NotRequired[UnixMillis | None]
    """The day of the last activity, in milliseconds since the epoch. Older bodies lack it."""

    legal_accepted_at: NotRequired[UnixMillis | None]
    """The time when the user accepted your terms, in milliseconds since the epoch. Older bodies lack it."""

    bypass_client_trust: NotRequired[bool]
    """True if the user bypasses the Device Trust checks at sign-in."""

    scim: NotRequired[SCIMUserMetadataJSON | None]
    """The directory that provisions the user. A directory may manage a user whose `scim` is absent or null too."""

    birthday: NotRequired[str | None]
    """A date as text, often `""`. Recorded for old users; Clerk's schema and TypeScript lack it."""

    gender: NotRequired[str | None]
    """Often `""`. Recorded for old users; Clerk's schema and TypeScript lack it."""
