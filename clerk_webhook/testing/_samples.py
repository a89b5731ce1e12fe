"""The sample events of `clerk_webhook.testing`: one payload for each event type.

The samples tell one story, so every reference finds its resource. Ada signs up, founds an organization, invites Grace,
subscribes, and is deleted in the end. The events of a resource share its id. The `session.*` events are possible ends
of one session.

The `.created` event of each family is regular: it satisfies Clerk's schema. Another event of the family has awkward
forms of real bodies, and a comment names each of them. E-mails and text messages have one event, which is awkward. In
the waitlist, the later event is the regular one.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..types import (
    BillingMoneyAmountJSON,
    BillingPayerJSON,
    BillingPaymentAttemptWebhookEventJSON,
    BillingPlanJSON,
    BillingPlanUnitPriceJSON,
    BillingSubscriptionCreditJSON,
    BillingSubscriptionItemJSON,
    BillingSubscriptionItemWebhookEventJSON,
    BillingSubscriptionWebhookEventJSON,
    DeletedObjectJSON,
    EmailAddressJSON,
    EmailJSON,
    ExternalAccountJSON,
    HttpRequestJSON,
    OrganizationDomainJSON,
    OrganizationDomainVerificationJSON,
    OrganizationInvitationAcceptedJSON,
    OrganizationInvitationJSON,
    OrganizationJSON,
    OrganizationMembershipJSON,
    OrganizationMembershipPublicUserDataJSON,
    PermissionJSON,
    PhoneNumberJSON,
    PublicOrganizationDataJSON,
    RoleJSON,
    SessionJSON,
    SMSMessageJSON,
    UnixMillis,
    UserJSON,
    VerificationJSON,
    WaitlistEntryJSON,
    WebhookEventJSON,
)

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

# The times of the story, in milliseconds. The comments are in UTC.
_INSTANCE_MADE = 1_730_815_331_640  # 5 November 2024, 14:02:11
_WAITING = 1_743_178_805_730  # 28 March 2025, 16:20:05
_SIGNED_UP = 1_747_732_447_412  # 20 May 2025, 09:14:07
_FOUNDED = 1_747_733_462_118  # 20 May 2025, 09:31:02
_INVITED = 1_748_779_217_350  # 1 June 2025, 12:00:17
_DOMAIN_ADDED = 1_749_560_719_004  # 10 June 2025, 13:05:19
_PERMITTED = 1_749_729_004_870  # 12 June 2025, 11:50:04
_BILLED = 1_754_989_200_120  # 12 August 2025, 09:00:00
_SUBSCRIBED = 1_756_720_800_515  # 1 September 2025, 10:00:00
_SWITCHED = _SUBSCRIBED + 15 * _DAY
_SIGNED_IN = 1_759_305_492_305  # 1 October 2025, 07:58:12
_CHANGED = 1_759_850_444_901  # 7 October 2025, 15:20:44
_RENEWED = _SWITCHED + 30 * _DAY
_DELETED = 1_762_188_330_077  # 3 November 2025, 16:45:30

_INSTANCE_ID = "ins_2oQwujdPnHQAdfk0Drhz6yAJ30T"
_USER_ID = "user_2xM04vHRvu4pxynair5soP6LOdR"
_GRACE_ID = "user_2xweXHTx8AoRraPCnSbm8hJvpVH"
_EMAIL_ID = "idn_2xM01WxsnFDxW65CvU2u6gcse7l"
_GOOGLE_EMAIL_ID = "idn_2xM03ThznDPNLiNAxUVsHMVKwSa"
_WORK_EMAIL_ID = "idn_2xM03rlYCrydze8SdheBOkthyq6"
_GOOGLE_ID = "idn_2xM03Sa6n1JctEWInXizJKWvEqm"
_GITHUB_ID = "idn_2xM03ZkVq1bTn8RwYc5dLs7HfGe"
_CONNECTION_ID = "entconn_2vzGLtM6yvFwNCa1WHCaNSDUWVh"
_PHONE_ID = "idn_2xM02D2GgQjxUOp7dzZiBjmdUo9"
_WALLET_ID = "idn_2xM049WfweUnkwkR8OQp0tE0dFK"
_ORGANIZATION_ID = "org_2xM28VCt7ym2Pw8y9pYjY82QJYl"
_SUBSCRIPTION_ID = "csub_31BEjUfrugU2QZmFbg3lM0f0qd3"
_PRO_ITEM_ID = "csub_item_32mCrg3DXCcqq8uTp42XL51Y2wY"
_PAYMENT_SOURCE_ID = "cps_325qFrWldKHG2sjInuH7c7NZciF"

_IMAGE_URL = "https://images.example.com/ada.png"
_ORGANIZATION_IMAGE_URL = "https://images.example.com/analytical-engines.png"

_BROWSER: HttpRequestJSON = {
    "client_ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
}
# Awkward: "" for null, because a server caused the event through the Backend API.
_SERVER: HttpRequestJSON = {"client_ip": "", "user_agent": ""}


def _payload(
    event_type: str, data: Mapping[str, object], timestamp: UnixMillis, request: HttpRequestJSON = _BROWSER
) -> WebhookEventJSON:
    """Return a whole payload, with its keys in Clerk's order."""
    return {
        "data": data,
        "event_attributes": {"http_request": request},
        "instance_id": _INSTANCE_ID,
        "object": "event",
        "timestamp": timestamp,
        "type": event_type,
    }


def _older_payload(event_type: str, data: Mapping[str, object], timestamp: UnixMillis) -> WebhookEventJSON:
    """Return a payload from before April 2025. Awkward: no `instance_id`."""
    return {
        "data": data,
        "event_attributes": {"http_request": _BROWSER},
        "object": "event",
        "timestamp": timestamp,
        "type": event_type,
    }


def _bare_payload(event_type: str, data: Mapping[str, object], timestamp: UnixMillis) -> WebhookEventJSON:
    """Return a payload without a cause. Awkward: no `event_attributes`."""
    return {"data": data, "instance_id": _INSTANCE_ID, "object": "event", "timestamp": timestamp, "type": event_type}


def _day(moment: UnixMillis) -> UnixMillis:
    """Return the midnight before a time, UTC: a user's `last_active_at` is this precise."""
    return moment - moment % _DAY


# user


def _verified(strategy: str) -> VerificationJSON:
    """Return a finished verification. Awkward: no `object`, as in bodies from before August 2025."""
    return {"status": "verified", "strategy": strategy, "attempts": None, "expire_at": None}


_EMAIL_ADDRESS: EmailAddressJSON = {
    "id": _EMAIL_ID,
    "object": "email_address",
    "email_address": "ada@example.com",
    "reserved": False,
    "verification": {
        "object": "verification_otp",
        "status": "verified",
        "strategy": "email_code",
        "attempts": 1,
        "expire_at": _SIGNED_UP + 10 * _MINUTE,
    },
    "linked_to": [{"type": "oauth_github", "id": _GITHUB_ID}],
    "matches_sso_connection": False,
    "created_at": _SIGNED_UP - 27 * _SECOND,
    "updated_at": _SIGNED_UP,
}

_GOOGLE_EMAIL_ADDRESS: EmailAddressJSON = {
    "id": _GOOGLE_EMAIL_ID,
    "object": "email_address",
    "email_address": "ada.king@example.com",
    "reserved": False,
    "verification": {
        "object": "verification_from_oauth",
        "status": "verified",
        "strategy": "from_oauth_google",
        "attempts": None,
        "expire_at": None,
    },
    "linked_to": [{"type": "oauth_google", "id": _GOOGLE_ID}],
    "matches_sso_connection": False,
    "created_at": _SIGNED_UP - 12 * _SECOND,
    "updated_at": _SIGNED_UP,
}

_WORK_EMAIL_ADDRESS: EmailAddressJSON = {
    "id": _WORK_EMAIL_ID,
    "object": "email_address",
    "email_address": "ada@engines.example.com",
    "reserved": False,
    "verification": {
        "object": "verification_saml",
        "status": "verified",
        "strategy": "saml",
        "attempts": None,
        "expire_at": None,
        "external_verification_redirect_url": None,
    },
    "linked_to": [],
    "matches_sso_connection": True,
    "created_at": _SIGNED_UP - 9 * _SECOND,
    "updated_at": _SIGNED_UP,
}

_PHONE_NUMBER: PhoneNumberJSON = {
    "id": _PHONE_ID,
    "object": "phone_number",
    "phone_number": "+15555550100",
    "reserved_for_second_factor": True,
    "default_second_factor": True,
    "reserved": False,
    "verification": {
        "object": "verification_otp",
        "status": "verified",
        "strategy": "phone_code",
        "attempts": 1,
        "expire_at": _SIGNED_UP + 10 * _MINUTE,
        "channel": "sms",
    },
    "linked_to": [],
    "backup_codes": None,
    "created_at": _SIGNED_UP - 22 * _SECOND,
    "updated_at": _SIGNED_UP,
}

# Accounts at Google and Facebook have this form, with some values under two names.
_GOOGLE_ACCOUNT: ExternalAccountJSON = {
    "object": "google_account",
    "id": _GOOGLE_ID,
    "external_account_id": "eac_2xM03Uf6RRJmKhpWhxL9Bc8aDl9",
    "provider": "oauth_google",
    "identification_id": _GOOGLE_ID,
    "provider_user_id": "100000000000000001815",
    "google_id": "100000000000000001815",
    "approved_scopes": "email openid profile",
    "email_address": "ada.king@example.com",
    "email_address_verified": True,
    "first_name": "Ada",
    "given_name": "Ada",
    "last_name": "King",
    "family_name": "King",
    "avatar_url": _IMAGE_URL,
    "image_url": _IMAGE_URL,
    "picture": _IMAGE_URL,
    "username": None,
    "phone_number": None,
    "public_metadata": {},
    "label": None,
    "created_at": _SIGNED_UP - 12 * _SECOND,
    "updated_at": _SIGNED_UP,
    "verification": {
        "object": "verification_oauth",
        "status": "verified",
        "strategy": "oauth_google",
        "attempts": None,
        "expire_at": _SIGNED_UP + 10 * _MINUTE,
        "external_verification_redirect_url": "https://accounts.example.com/o/oauth2/auth",
    },
}

# Accounts at every other provider have this form.
_GITHUB_ACCOUNT: ExternalAccountJSON = {
    "object": "external_account",
    "id": "eac_2xM03bR4tWx2Yz9KqMn6JvP0sDc",
    "provider": "oauth_github",
    "identification_id": _GITHUB_ID,
    "provider_user_id": "18151210",
    "approved_scopes": "read:user user:email",
    "email_address": "ada@example.com",
    "email_address_verified": None,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "avatar_url": _IMAGE_URL,
    "image_url": _IMAGE_URL,
    "username": "ada",
    "phone_number": None,
    "public_metadata": {},
    "label": None,
    "created_at": _SIGNED_UP - 5 * _SECOND,
    "updated_at": _SIGNED_UP,
    "verification": {
        "object": "verification_oauth",
        "status": "verified",
        "strategy": "oauth_github",
        "attempts": None,
        "expire_at": _SIGNED_UP + 10 * _MINUTE,
        "external_verification_redirect_url": "https://accounts.example.com/login/oauth/authorize",
    },
}

_USER: UserJSON = {
    "id": _USER_ID,
    "object": "user",
    "external_id": "customer-1815",
    "primary_email_address_id": _EMAIL_ID,
    "primary_phone_number_id": _PHONE_ID,
    "primary_web3_wallet_id": _WALLET_ID,
    "username": "ada",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "profile_image_url": _IMAGE_URL,
    "image_url": _IMAGE_URL,
    "has_image": True,
    "public_metadata": {"department": "research"},
    "private_metadata": {"crm_id": "1815-12-10"},
    "unsafe_metadata": {"theme": "dark"},
    # The primary address is not the first.
    "email_addresses": [_GOOGLE_EMAIL_ADDRESS, _EMAIL_ADDRESS, _WORK_EMAIL_ADDRESS],
    "phone_numbers": [_PHONE_NUMBER],
    "web3_wallets": [
        {
            "id": _WALLET_ID,
            "object": "web3_wallet",
            "web3_wallet": "0x1234567890abcdef1234567890abcdef12345678",
            "verification": {
                "object": "verification_web3",
                "status": "verified",
                "strategy": "web3_metamask_signature",
                "attempts": 1,
                "expire_at": _SIGNED_UP + 10 * _MINUTE,
                "nonce": "0123456789abcdef",
                "message": None,
            },
            "created_at": _SIGNED_UP - 7 * _SECOND,
            "updated_at": _SIGNED_UP,
        }
    ],
    "passkeys": [
        {
            "id": "idn_2xM050kiPPkDEV0ruEL2EDBP98P",
            "object": "passkey",
            "name": "Firefox on Linux",
            "last_used_at": _SIGNED_UP,
            "verification": {
                "object": "verification_passkey",
                "status": "verified",
                "strategy": "passkey",
                "attempts": 1,
                "expire_at": _SIGNED_UP + 10 * _MINUTE,
                # Clerk's schema allows only this value.
                "nonce": "nonce",
                "message": None,
            },
        }
    ],
    "password_enabled": True,
    "requires_password_reset": False,
    "two_factor_enabled": True,
    "totp_enabled": False,
    "backup_code_enabled": False,
    "mfa_enabled_at": _SIGNED_UP,
    "mfa_disabled_at": None,
    "password_last_updated_at": _SIGNED_UP,
    "external_accounts": [_GOOGLE_ACCOUNT, _GITHUB_ACCOUNT],
    "saml_accounts": [],
    "enterprise_accounts": [
        {
            "id": "idn_2xM03swLLvc2pedlp0P2zaqENvI",
            "object": "enterprise_account",
            "protocol": "saml",
            "provider": "saml_okta",
            "active": True,
            "email_address": "ada@engines.example.com",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "provider_user_id": "ada@engines.example.com",
            "enterprise_connection_id": _CONNECTION_ID,
            "public_metadata": {},
            "verification": {
                "object": "verification_saml",
                "status": "verified",
                "strategy": "saml",
                "attempts": None,
                "expire_at": _SIGNED_UP + 10 * _MINUTE,
                "external_verification_redirect_url": None,
            },
            "enterprise_connection": {
                "id": _CONNECTION_ID,
                "protocol": "saml",
                "provider": "saml_okta",
                "name": "Analytical Engines",
                "logo_public_url": None,
                "domain": "engines.example.com",
                "domains": ["engines.example.com"],
                "active": True,
                "sync_user_attributes": True,
                "allow_subdomains": False,
                "allow_idp_initiated": False,
                "disable_additional_identifications": False,
                "created_at": _SIGNED_UP - 30 * _DAY,
                "updated_at": _SIGNED_UP - 29 * _DAY,
            },
            "last_authenticated_at": _SIGNED_UP - 9 * _SECOND,
        }
    ],
    "last_sign_in_at": _SIGNED_UP,
    "banned": False,
    "locked": False,
    "deprovisioned": False,
    "lockout_expires_in_seconds": None,
    "verification_attempts_remaining": 100,
    "created_at": _SIGNED_UP,
    "updated_at": _SIGNED_UP + 31,
    "delete_self_enabled": True,
    "create_organization_enabled": True,
    "create_organizations_limit": 5,
    "last_active_at": _day(_SIGNED_UP),
    "legal_accepted_at": _SIGNED_UP - 30 * _SECOND,
    "bypass_client_trust": False,
}

# Users inside sessions have no `scim`.
_USER_CREATED: UserJSON = {
    **_USER,
    "scim": {"directory_id": "dir_2w25TSyVmB1WASYj3VsPpBoAkFa", "directory_enabled": True, "external_id": "E-1815"},
}

_USER_UPDATED: UserJSON = {
    **_USER,
    # Awkward: null names.
    "username": None,
    "first_name": None,
    "last_name": None,
    "locale": None,
    "timezone": None,
    "email_addresses": [
        {**_GOOGLE_EMAIL_ADDRESS, "verification": _verified("from_oauth_google"), "updated_at": _CHANGED},
        # Awkward: the primary address is reserved and has no verification.
        {**_EMAIL_ADDRESS, "reserved": True, "verification": None, "linked_to": [], "updated_at": _CHANGED},
    ],
    "phone_numbers": [{**_PHONE_NUMBER, "verification": _verified("phone_code"), "updated_at": _CHANGED}],
    # Awkward: the primary id dangles, because the wallet was removed.
    "web3_wallets": [],
    "passkeys": [],
    "external_accounts": [
        # Awkward: an older form, with Google's names alone.
        {
            "object": "google_account",
            "id": _GOOGLE_ID,
            "google_id": "100000000000000001815",
            "approved_scopes": "email openid profile",
            "email_address": "ada.king@example.com",
            "given_name": "Ada",
            "family_name": "King",
            "picture": _IMAGE_URL,
            "username": "",
            "public_metadata": {},
            "label": None,
            "created_at": _SIGNED_UP - 12 * _SECOND,
            "updated_at": _CHANGED,
            # Awkward: `expire_at` is null, as Clerk's TypeScript allows.
            "verification": _verified("oauth_google"),
        }
    ],
    "enterprise_accounts": [],
    "last_sign_in_at": _SIGNED_IN,
    "last_active_at": _day(_CHANGED),
    "updated_at": _CHANGED,
    "scim": None,
    # Awkward: recorded, but Clerk describes neither key.
    "birthday": "",
    "gender": "",
}

_USER_DELETED: DeletedObjectJSON = {
    "object": "user",
    "id": _USER_ID,
    "deleted": True,
    "external_id": "customer-1815",
}

# session

_USER_SIGNED_IN: UserJSON = {
    **_USER,
    "last_sign_in_at": _SIGNED_IN,
    "last_active_at": _day(_SIGNED_IN),
    "updated_at": _SIGNED_IN,
}

_SESSION: SessionJSON = {
    "object": "session",
    "id": "sess_33SLOEsoIJbAdkELuAFdsD69QKa",
    "user_id": _USER_ID,
    "client_id": "client_2xLzz342VbMdbKwenvBHauFBfXD",
    "actor": None,
    "status": "active",
    "last_active_organization_id": _ORGANIZATION_ID,
    "last_active_at": _SIGNED_IN,
    "latest_activity": {
        "object": "session_activity",
        "id": "sess_activity_33SLOFZdejvw5VOmOmvT6pV69eV",
        "device_type": "Linux",
        "is_mobile": False,
        "browser_name": "Firefox",
        "browser_version": "143.0",
        "ip_address": "203.0.113.7",
        "city": "London",
        "country": "GB",
    },
    "expire_at": _SIGNED_IN + 7 * _DAY,
    "abandon_at": _SIGNED_IN + 30 * _DAY,
    "created_at": _SIGNED_IN,
    "updated_at": _SIGNED_IN,
}

_SESSION_CREATED: SessionJSON = {**_SESSION, "user": _USER_SIGNED_IN}

_SESSION_PENDING: SessionJSON = {
    **_SESSION_CREATED,
    # Awkward: Clerk's schema lacks this status and the tasks.
    "status": "pending",
    "tasks": [{"key": "choose-organization"}],
    "last_active_organization_id": None,
}

_SESSION_ENDED: SessionJSON = {
    **_SESSION,
    "status": "ended",
    "last_active_at": _SIGNED_IN + 2 * _HOUR,
    "updated_at": _SIGNED_IN + 2 * _HOUR,
    # Awkward: no user, so only `user_id` names the user.
    "user": None,
}

_SESSION_REMOVED: SessionJSON = {
    **_SESSION,
    "status": "removed",
    "updated_at": _SIGNED_IN + 2 * _HOUR,
    # Awkward: the primary id dangles, because the user has no addresses.
    "user": {**_USER_SIGNED_IN, "email_addresses": []},
}

# Awkward: the key `user` is absent, because Clerk added it in November 2025.
_SESSION_REVOKED: SessionJSON = {
    **_SESSION,
    "status": "revoked",
    # Grace acted as Ada.
    "actor": {"sub": _GRACE_ID},
    "latest_activity": None,
    "updated_at": _SIGNED_IN + 2 * _HOUR,
}

# organization

_ORGANIZATION: OrganizationJSON = {
    "object": "organization",
    "id": _ORGANIZATION_ID,
    "name": "Analytical Engines",
    "slug": "analytical-engines",
    "image_url": _ORGANIZATION_IMAGE_URL,
    "has_image": True,
    "max_allowed_memberships": 50,
    "admin_delete_enabled": True,
    "public_metadata": {"industry": "computing"},
    "created_at": _FOUNDED,
    "updated_at": _FOUNDED,
}

_ORGANIZATION_CHANGED: OrganizationJSON = {
    **_ORGANIZATION,
    # Awkward: every recorded body has it, but Clerk does not describe it.
    "logo_url": _ORGANIZATION_IMAGE_URL,
    # Awkward: null, as Clerk's TypeScript allows.
    "public_metadata": None,
    "updated_at": _CHANGED,
}

_ORGANIZATION_CREATED: OrganizationJSON = {
    **_ORGANIZATION,
    "missing_member_with_elevated_permissions": False,
    "private_metadata": {"account_manager": "Grace"},
    "created_by": _USER_ID,
    "last_active_at": _FOUNDED,
    "role_set_key": "role_set:default",
}

_ORGANIZATION_UPDATED: OrganizationJSON = {
    **_ORGANIZATION_CHANGED,
    "private_metadata": {"account_manager": "Grace"},
    "created_by": _USER_ID,
}

_ORGANIZATION_DELETED: DeletedObjectJSON = {
    "object": "organization",
    "id": _ORGANIZATION_ID,
    "slug": "analytical-engines",
    "deleted": True,
}

_PUBLIC_ORGANIZATION: PublicOrganizationDataJSON = {
    "id": _ORGANIZATION_ID,
    "name": "Analytical Engines",
    "slug": "analytical-engines",
    "image_url": _ORGANIZATION_IMAGE_URL,
    "has_image": True,
}

# organizationDomain

_AFFILIATION: OrganizationDomainVerificationJSON = {
    "status": "unverified",
    "strategy": "affiliation_email_code",
    "attempts": 0,
    "expire_at": _DOMAIN_ADDED + 10 * _MINUTE,
    "verified_at": None,
}

_DOMAIN: OrganizationDomainJSON = {
    "object": "organization_domain",
    "id": "orgdmn_2yJdqT4iKQsohSYSyJSAgbxO9Gi",
    "organization_id": _ORGANIZATION_ID,
    "name": "engines.example.com",
    "enrollment_mode": "automatic_invitation",
    "affiliation_email_address": "ada@engines.example.com",
    "affiliation_verification": _AFFILIATION,
    "ownership_verification": None,
    "verification": _AFFILIATION,
    "total_pending_invitations": 0,
    "total_pending_suggestions": 0,
    "public_organization_data": _PUBLIC_ORGANIZATION,
    "created_at": _DOMAIN_ADDED,
    "updated_at": _DOMAIN_ADDED,
}

_DOMAIN_UPDATED: OrganizationDomainJSON = {
    **_DOMAIN,
    "enrollment_mode": "enterprise_sso",
    # Awkward: nulls, because nobody has proven an affiliation, and the ownership counts no attempts.
    "affiliation_email_address": None,
    "affiliation_verification": None,
    "verification": None,
    "ownership_verification": {
        "status": "verified",
        "strategy": "txt",
        "attempts": None,
        "expire_at": None,
        "verified_at": _DOMAIN_ADDED + _HOUR,
    },
    "public_organization_data": None,
    "updated_at": _DOMAIN_ADDED + _HOUR,
}

_DOMAIN_DELETED: DeletedObjectJSON = {
    "object": "organization_domain",
    "id": "orgdmn_2yJdqT4iKQsohSYSyJSAgbxO9Gi",
    "deleted": True,
}

# organizationInvitation

_INVITATION: OrganizationInvitationJSON = {
    "object": "organization_invitation",
    "id": "orginv_2xuDje9XMdUmwYl3exSnKO6iRrv",
    "email_address": "grace@example.com",
    "role": "org:member",
    "role_name": "Member",
    "organization_id": _ORGANIZATION_ID,
    "inviter_id": _USER_ID,
    "public_inviter_data": {
        "user_id": _USER_ID,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "image_url": _IMAGE_URL,
        "has_image": True,
        "identifier": "ada@example.com",
    },
    "data": {"public_organization_data": _PUBLIC_ORGANIZATION},
    "status": "pending",
    "public_metadata": {"team": "compilers"},
    "private_metadata": {},
    "url": "https://accounts.example.com/v1/tickets/accept?ticket=not-a-real-ticket",
    "expires_at": _INVITED + 30 * _DAY,
    "created_at": _INVITED,
    "updated_at": _INVITED,
}

_INVITATION_ACCEPTED: OrganizationInvitationAcceptedJSON = {
    **_INVITATION,
    "status": "accepted",
    "user_id": _GRACE_ID,
    "url": None,
    "updated_at": _INVITED + _DAY,
}

_INVITATION_REVOKED: OrganizationInvitationJSON = {
    **_INVITATION,
    "id": "orginv_2xzryu8ladbgpahhNFBx4i9xTK0",
    "email_address": "charles@example.com",
    # Awkward: no inviter, because a server sent the invitation, and no expiry.
    "inviter_id": None,
    "public_inviter_data": None,
    "expires_at": None,
    "status": "revoked",
    "public_metadata": {},
    "url": None,
    "created_at": _INVITED + 2 * _DAY,
    "updated_at": _INVITED + 3 * _DAY,
}

# organizationMembership

_MEMBER: OrganizationMembershipPublicUserDataJSON = {
    "user_id": _USER_ID,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "profile_image_url": _IMAGE_URL,
    "image_url": _IMAGE_URL,
    "has_image": True,
    "identifier": "ada@example.com",
    "username": "ada",
    "banned": False,
    "deprovisioned": False,
}

_MEMBERSHIP: OrganizationMembershipJSON = {
    "object": "organization_membership",
    "id": "orgmem_2xM28ULEao8xAxOi5LHdf5xwO7w",
    "role": "org:admin",
    "role_name": "Admin",
    "permissions": ["org:sys_memberships:manage", "org:sys_profile:manage", "org:sys_domains:manage"],
    "public_metadata": {"team": "engines"},
    "private_metadata": {},
    "organization": {**_ORGANIZATION, "members_count": 1, "pending_invitations_count": 0},
    "public_user_data": _MEMBER,
    "created_at": _FOUNDED,
    "updated_at": _FOUNDED,
}

_MEMBERSHIP_UPDATED: OrganizationMembershipJSON = {
    **_MEMBERSHIP,
    "role": "org:member",
    "role_name": "Member",
    "permissions": ["org:sys_memberships:read"],
    # Awkward: null names, and an organization as awkward as in its own event.
    "public_user_data": {**_MEMBER, "first_name": None, "last_name": None, "username": None},
    "organization": {**_ORGANIZATION_CHANGED, "members_count": 2, "pending_invitations_count": 0},
    "updated_at": _CHANGED,
}

# Awkward: the whole membership as it was, with its old `updated_at`.
_MEMBERSHIP_DELETED: OrganizationMembershipJSON = _MEMBERSHIP_UPDATED

# permission, role

_PERMISSION: PermissionJSON = {
    "object": "permission",
    "id": "perm_2yPGsLVKIQSj7chPekg5jDZXhog",
    "name": "Read invoices",
    "key": "org:invoices:read",
    "description": "See and download the invoices of the organization.",
    "created_at": _PERMITTED,
    "updated_at": _PERMITTED,
}

_PERMISSION_CREATED: PermissionJSON = {**_PERMISSION, "type": "user"}

# Awkward: no `type`, as in Clerk's TypeScript.
_PERMISSION_UPDATED: PermissionJSON = {
    **_PERMISSION,
    "name": "See invoices",
    "description": "",
    "updated_at": _CHANGED,
}

_PERMISSION_DELETED: DeletedObjectJSON = {"object": "permission", "id": _PERMISSION["id"], "deleted": True}

_ROLE: RoleJSON = {
    "object": "role",
    "id": "role_2yPI5qUQRDK84fE6ax5pyi6IyKJ",
    "name": "Accountant",
    "key": "org:accountant",
    "description": "Sees the members and the invoices.",
    "is_creator_eligible": False,
    "permissions": [
        _PERMISSION_CREATED,
        {
            "object": "permission",
            "id": "perm_2oQwujhNFgA8q4AEu6o40B1uyFB",
            "name": "Read members",
            "key": "org:sys_memberships:read",
            "description": "See who is a member of the organization.",
            "type": "system",
            "created_at": _INSTANCE_MADE,
            "updated_at": _INSTANCE_MADE,
        },
    ],
    "created_at": _PERMITTED + 10 * _MINUTE,
    "updated_at": _PERMITTED + 10 * _MINUTE,
}

_ROLE_UPDATED: RoleJSON = {
    **_ROLE,
    # Awkward: a null description, and a permission without `type`.
    "description": None,
    "permissions": [_PERMISSION_UPDATED],
    "updated_at": _CHANGED + _MINUTE,
}

# Awkward: a null slug, as in the Dashboard's "Send Example".
_ROLE_DELETED: DeletedObjectJSON = {"object": "role", "id": _ROLE["id"], "slug": None, "deleted": True}

# email, sms: nobody was sent the code 424242.

# Awkward: no `object`.
_EMAIL: EmailJSON = {
    "id": "ema_33SLIxEVjF04Kv4MAwPYRcv9Dzf",
    "slug": "verification_code",
    "from_email_name": "noreply",
    "reply_to_email_name": None,
    "to_email_address": "ada@example.com",
    "email_address_id": _EMAIL_ID,
    "user_id": _USER_ID,
    "subject": "424242 is your Engines verification code",
    "body": "<html><body><h1>Verification code</h1><p>Enter 424242 to sign in to Engines.</p></body></html>",
    "body_plain": "Verification code\n\nEnter 424242 to sign in to Engines.\n",
    "status": "queued",
    "data": {
        "app": {"name": "Engines", "url": "https://engines.example.com"},
        "otp_code": "424242",
        "requested_from": "Firefox on Linux",
        "requested_at": "1 October 2025, 07:57 UTC",
    },
    "delivered_by_clerk": True,
    "suppression_reason": None,
}

# Awkward: no `object`, and no user, because Clerk sends it before the sign-up is complete.
_SMS: SMSMessageJSON = {
    "id": "sms_2xM02FhszZDuu1bO2vmYa6h5d4N",
    "slug": "verification_code",
    "from_phone_number": "+15555550199",
    "to_phone_number": "+15555550100",
    "phone_number_id": _PHONE_ID,
    "user_id": None,
    "message": "424242 is your verification code for Engines.",
    "status": "queued",
    "data": {"app": {"name": "Engines"}, "otp_code": "424242"},
    "delivered_by_clerk": False,
    "created_at_ms": _SIGNED_UP - 22 * _SECOND,
}

# waitlistEntry

_WAITLIST_ENTRY: WaitlistEntryJSON = {
    "object": "waitlist_entry",
    "id": "wle_2ux8L7LELCrWRaSWmRJ1kmlH40v",
    "email_address": "ada@example.com",
    "status": "pending",
    "is_locked": False,
    "created_at": _WAITING,
    "updated_at": _WAITING,
    "invitation": None,
}

_WAITLIST_ENTRY_UPDATED: WaitlistEntryJSON = {
    **_WAITLIST_ENTRY,
    "status": "invited",
    "updated_at": _WAITING + 4 * _DAY,
    "invitation": {
        "object": "invitation",
        "id": "inv_2v8QpeO3YdgeRprsgaevf003iDz",
        "email_address": "ada@example.com",
        "public_metadata": {},
        "expires_at": _WAITING + 34 * _DAY,
        "revoked": False,
        "status": "pending",
        "url": "https://accounts.example.com/v1/tickets/accept?ticket=not-a-real-ticket",
        "created_at": _WAITING + 4 * _DAY,
        "updated_at": _WAITING + 4 * _DAY,
    },
}

# paymentAttempt, subscription, subscriptionItem
#
# Ada has the free plan, subscribes to Starter, and changes to Pro in mid-period. Her first payment for Pro fails, and
# the next payment succeeds minutes later. She adds a seat, plans to pay by the year and changes her mind, is late with
# a payment, and cancels. Taxes are 8 %.


def _usd(cents: int) -> BillingMoneyAmountJSON:
    """Return an amount of money."""
    return {
        "amount": cents,
        "amount_formatted": f"${cents // 100}.{cents % 100:02}",
        "currency": "USD",
        "currency_symbol": "$",
    }


def _seat_prices(cents: int) -> list[BillingPlanUnitPriceJSON]:
    """Return the unit prices of a plan with one free seat."""
    return [
        {
            "name": "seats",
            "block_size": 1,
            "tiers": [
                {"starts_at_block": 1, "ends_after_block": 1, "amount_per_block": 0, "currency": "USD"},
                {"starts_at_block": 2, "ends_after_block": None, "amount_per_block": cents, "currency": "USD"},
            ],
        }
    ]


_FREE_PLAN: BillingPlanJSON = {
    "id": "cplan_318WuFLtnPGfOOgKoINnihIcgUO",
    "slug": "free_user",
    "name": "Free",
    "is_recurring": False,
    "amount": 0,
    "currency": "USD",
}

_STARTER_PLAN: BillingPlanJSON = {
    "id": "cplan_318X1m2F5KX86nu6R97idCNMH2x",
    "slug": "starter",
    "name": "Starter",
    "is_recurring": True,
    "amount": 1000,
    "currency": "USD",
}

_PRO_PLAN: BillingPlanJSON = {
    "id": "cplan_318X9L5UqIuSIbYorDlHJLXITTf",
    "slug": "pro",
    "name": "Pro",
    "is_recurring": True,
    "amount": 1500,
    "currency": "USD",
}

_TEAM_PLAN: BillingPlanJSON = {
    "id": "cplan_318XGpMGjZmrcatyTiIbJKEKAqm",
    "slug": "team",
    "name": "Team",
    "is_recurring": True,
    "amount": 9900,
    "currency": "USD",
}

# Awkward: the keys of an organization are absent, as Clerk's TypeScript allows.
_PAYER_ALONE: BillingPayerJSON = {
    "object": "commerce_payer",
    "id": "cpayer_31BEjWQ3kB7iXRuDEZzPYkQQrob",
    "user_id": _USER_ID,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "image_url": _IMAGE_URL,
    "created_at": _BILLED,
    "updated_at": _BILLED,
}

# "" stands for null, which Clerk's schema does not allow here.
_PAYER: BillingPayerJSON = {**_PAYER_ALONE, "organization_id": "", "organization_name": ""}

_ORGANIZATION_PAYER: BillingPayerJSON = {
    "object": "commerce_payer",
    "id": "cpayer_33SSuIX5sEbSrVB5GXUDORaQPTJ",
    # Awkward: "" stands for null, because no user pays.
    "user_id": "",
    "first_name": "",
    "last_name": "",
    "email": "ada@example.com",
    "organization_id": _ORGANIZATION_ID,
    "organization_name": "Analytical Engines",
    "image_url": _ORGANIZATION_IMAGE_URL,
    "created_at": _SIGNED_IN,
    "updated_at": _SIGNED_IN,
}

_FREE_ITEM: BillingSubscriptionItemWebhookEventJSON = {
    "object": "commerce_subscription_item",
    "id": "csub_item_31BEjTG4SA9yGhyIcCAoYrhgVss",
    # Null, as in every subscription.
    "subscription_id": None,
    "status": "active",
    "is_free_trial": False,
    "interval": "month",
    "period_start": _BILLED,
    "period_end": None,
    "plan_id": _FREE_PLAN["id"],
    "plan": _FREE_PLAN,
    "created_at": _BILLED,
    "updated_at": _BILLED,
}

_STARTER_ITEM: BillingSubscriptionItemWebhookEventJSON = {
    "object": "commerce_subscription_item",
    "id": "csub_item_325qUzFtyEQZRy3w7MiZIphKih0",
    "subscription_id": _SUBSCRIPTION_ID,
    "status": "active",
    "is_free_trial": False,
    "interval": "month",
    "period_start": _SUBSCRIBED,
    "period_end": _SUBSCRIBED + 30 * _DAY,
    "plan_id": _STARTER_PLAN["id"],
    "plan": _STARTER_PLAN,
    "payer": _PAYER,
    "created_at": _SUBSCRIBED,
    "updated_at": _SUBSCRIBED,
}

_STARTER_ITEM_ENDED: BillingSubscriptionItemWebhookEventJSON = {
    **_STARTER_ITEM,
    "status": "ended",
    "period_end": _SWITCHED,
    "updated_at": _SWITCHED,
}

_PRO_ITEM: BillingSubscriptionItemWebhookEventJSON = {
    "object": "commerce_subscription_item",
    "id": _PRO_ITEM_ID,
    "subscription_id": _SUBSCRIPTION_ID,
    "status": "active",
    "is_free_trial": False,
    "interval": "month",
    "period_start": _SWITCHED,
    "period_end": _RENEWED,
    "plan_id": _PRO_PLAN["id"],
    "plan": {**_PRO_PLAN, "unit_prices": _seat_prices(500)},
    "payer": _PAYER,
    "seats": {"quantity": 3},
    "created_at": _SWITCHED - 4 * _MINUTE,
    "updated_at": _SWITCHED,
}

_PRO_ITEM_INCOMPLETE: BillingSubscriptionItemWebhookEventJSON = {
    **_PRO_ITEM,
    "status": "incomplete",
    "updated_at": _SWITCHED - 4 * _MINUTE,
}

_PRO_ITEM_UPDATED: BillingSubscriptionItemWebhookEventJSON = {
    **_PRO_ITEM,
    "payer": _PAYER_ALONE,
    "seats": {"quantity": 4},
    "updated_at": _SWITCHED + 16 * _DAY,
}

_PRO_ITEM_PAST_DUE: BillingSubscriptionItemWebhookEventJSON = {
    **_PRO_ITEM_UPDATED,
    # Awkward: the older name, as in the Dashboard's "Send Example".
    "object": "subscription_item",
    "status": "past_due",
    "updated_at": _RENEWED,
}

_PRO_ITEM_CANCELED: BillingSubscriptionItemWebhookEventJSON = {
    **_PRO_ITEM,
    "status": "canceled",
    "seats": {"quantity": 4},
    "period_start": _RENEWED,
    "period_end": _RENEWED + 31 * _DAY,
    "updated_at": _RENEWED + 4 * _DAY,
}

_ANNUAL_ITEM: BillingSubscriptionItemWebhookEventJSON = {
    "object": "commerce_subscription_item",
    "id": "csub_item_33dshJ8cgkHmnbQIlZdgeij9DkK",
    "subscription_id": _SUBSCRIPTION_ID,
    "status": "upcoming",
    "is_free_trial": False,
    "interval": "annual",
    "period_start": _RENEWED,
    "period_end": _RENEWED + 365 * _DAY,
    "plan_id": _PRO_PLAN["id"],
    "plan": {**_PRO_PLAN, "amount": 14400, "unit_prices": _seat_prices(6000)},
    "payer": _PAYER,
    "seats": {"quantity": 4},
    "created_at": _SWITCHED + 19 * _DAY,
    "updated_at": _SWITCHED + 19 * _DAY,
}

_ANNUAL_ITEM_ABANDONED: BillingSubscriptionItemWebhookEventJSON = {
    **_ANNUAL_ITEM,
    "status": "abandoned",
    "updated_at": _SWITCHED + 20 * _DAY,
}

_TRIAL_ITEM: BillingSubscriptionItemWebhookEventJSON = {
    "object": "commerce_subscription_item",
    "id": "csub_item_33SaCdEJ4Na3VE9D7PEh868ZP2J",
    "subscription_id": "csub_33SSuHC1gBp64VwhVJREHnUf6IB",
    "status": "active",
    "is_free_trial": True,
    "interval": "month",
    "period_start": _SIGNED_IN + 2 * _HOUR,
    "period_end": _SIGNED_IN + 2 * _HOUR + 14 * _DAY,
    "plan_id": _TEAM_PLAN["id"],
    "plan": _TEAM_PLAN,
    "payer": _ORGANIZATION_PAYER,
    # Null means no limit.
    "seats": {"quantity": None},
    "created_at": _SIGNED_IN + 2 * _HOUR,
    "updated_at": _SIGNED_IN + 2 * _HOUR,
}


def _inside(item: BillingSubscriptionItemWebhookEventJSON) -> BillingSubscriptionItemWebhookEventJSON:
    """Return an item as inside a subscription. Awkward: a null payer, which Clerk's schema allows only in words."""
    return {**item, "subscription_id": None, "payer": None}


_FREE_ITEM_ENDED: BillingSubscriptionItemWebhookEventJSON = {
    **_FREE_ITEM,
    "status": "ended",
    "period_end": _SUBSCRIBED,
    # Awkward: no currency.
    "plan": {**_FREE_PLAN, "currency": ""},
    "updated_at": _SUBSCRIBED,
}

_SUBSCRIPTION: BillingSubscriptionWebhookEventJSON = {
    "object": "commerce_subscription",
    "id": _SUBSCRIPTION_ID,
    "status": "active",
    "active_at": _BILLED,
    "canceled_at": None,
    "ended_at": None,
    "past_due_at": None,
    "latest_payment_id": None,
    "payer_id": _PAYER["id"],
    "payer": _PAYER,
    "payment_source_id": None,
    "items": [_FREE_ITEM],
    "created_at": _BILLED,
    "updated_at": _BILLED,
}

_SUBSCRIPTION_ACTIVE: BillingSubscriptionWebhookEventJSON = {
    **_SUBSCRIPTION,
    "latest_payment_id": "cpa_325qV1hSO8Lou32LgkH1ndnxQTP",
    "payment_source_id": _PAYMENT_SOURCE_ID,
    "items": [_FREE_ITEM_ENDED, _inside(_STARTER_ITEM)],
    "updated_at": _SUBSCRIBED,
}

_SUBSCRIPTION_UPDATED: BillingSubscriptionWebhookEventJSON = {
    **_SUBSCRIPTION_ACTIVE,
    # The payment that succeeded. The sample of a payment attempt is the one that failed.
    "latest_payment_id": "cpa_32mDLr4WtkxJOvzjCqvcfNlqkiB",
    "payer": _PAYER_ALONE,
    "items": [_FREE_ITEM_ENDED, _inside(_STARTER_ITEM_ENDED), _inside(_PRO_ITEM)],
    "updated_at": _SWITCHED,
}

_SUBSCRIPTION_PAST_DUE: BillingSubscriptionWebhookEventJSON = {
    **_SUBSCRIPTION_UPDATED,
    "status": "past_due",
    "past_due_at": _RENEWED,
    "items": [
        _FREE_ITEM_ENDED,
        _inside(_STARTER_ITEM_ENDED),
        _inside(_PRO_ITEM_PAST_DUE),
        _inside(_ANNUAL_ITEM_ABANDONED),
    ],
    "updated_at": _RENEWED,
}

# For the unused half of the month of Starter.
_PRORATION: BillingSubscriptionCreditJSON = {
    "amount": _usd(500),
    "cycle_days_remaining": 15,
    "cycle_days_total": 30,
    "cycle_remaining_percent": 0.5,
}

_ITEM_TO_PAY: BillingSubscriptionItemJSON = {
    "object": "commerce_subscription_item",
    "id": _PRO_ITEM_ID,
    "subscription_id": _SUBSCRIPTION_ID,
    "status": "incomplete",
    "interval": "month",
    "period_start": _SWITCHED,
    "period_end": _RENEWED,
    "plan_id": _PRO_PLAN["id"],
    "plan": _PRO_PLAN,
    "payer": _PAYER,
    "credit": _PRORATION,
    "credits": {
        "proration": _PRORATION,
        "payer": {"applied_amount": _usd(200), "remaining_balance": _usd(0)},
        "total": _usd(700),
    },
    "created_at": _SWITCHED - 4 * _MINUTE,
    "updated_at": _SWITCHED - 4 * _MINUTE,
}

# Awkward: an item from before November 2025, with the keys that Clerk's TypeScript still has.
_OLDER_ITEM_TO_PAY: BillingSubscriptionItemJSON = {
    "id": _PRO_ITEM_ID,
    "status": "incomplete",
    "credit": _PRORATION,
    "proration_date": "2025-09-16",
    "plan_period": "month",
    "period_start": _SWITCHED,
    "period_end": _RENEWED,
    "canceled_at": None,
    "past_due_at": None,
    "lifetime_paid": 0,
    "next_payment_amount": 2500,
    "next_payment_date": _RENEWED,
    "amount": _usd(2500),
    "plan_id": _PRO_PLAN["id"],
    "plan": {
        **_PRO_PLAN,
        "instance_id": _INSTANCE_ID,
        "product_id": "cprd_318WuJIZif60uh4lc8QaQzTLuK6",
        "description": None,
        "is_default": False,
        "is_prorated": True,
        "period": "month",
        "interval": 1,
        "has_base_fee": True,
        "annual_monthly_amount": 1200,
        "publicly_visible": True,
    },
}

_PAYMENT_ATTEMPT: BillingPaymentAttemptWebhookEventJSON = {
    "id": "pa_32mCrgE4lxTCVbmoNgYG1GHDyDy",
    "instance_id": _INSTANCE_ID,
    "payment_id": "cpa_32mCrclW4rTOShaUElH3eyQ7Aw6",
    "invoice_id": "inv_32mCrcqQKyvEichVyGiRLoXaIHT",
    "statement_id": "stmt_325qUyGkQfucFffW4ceIWqlJQfi",
    "gateway_external_id": "pi_sample",
    "status": "pending",
    "paid_at": None,
    "failed_at": None,
    "failed_reason": None,
    "billing_date": _SWITCHED - 4 * _MINUTE,
    "charge_type": "checkout",
    "payee": {
        "id": "cpayee_318WuHey5Ozp3lV1bmEKK3ypYHE",
        "gateway_type": "stripe",
        "gateway_external_id": "acct_sample",
        "gateway_status": "active",
    },
    "payer": _PAYER,
    # $25.00 less the credits, plus the tax.
    "totals": {
        "subtotal": _usd(1800),
        "tax_total": _usd(144),
        "grand_total": _usd(1944),
        "per_unit_totals": [
            {"name": "seats", "amount": 0, "quantity": 1, "total": 0, "currency": "USD"},
            {"name": "seats", "amount": 500, "quantity": 2, "total": 1000, "currency": "USD"},
        ],
    },
    "payment_source": {
        "id": _PAYMENT_SOURCE_ID,
        "gateway": "stripe",
        "gateway_external_id": "pm_sample",
        "gateway_external_account_id": None,
        "payment_method": "card",
        "status": "active",
        "card_type": "visa",
        "last4": "4242",
    },
    "subscription_items": [_ITEM_TO_PAY],
    "created_at": _SWITCHED - 4 * _MINUTE,
    "updated_at": _SWITCHED - 4 * _MINUTE,
}

# Awkward: no `object`.
_PAYMENT_ATTEMPT_UPDATED: BillingPaymentAttemptWebhookEventJSON = {
    **_PAYMENT_ATTEMPT,
    "status": "failed",
    "failed_at": _SWITCHED - 4 * _MINUTE + 8 * _SECOND,
    "failed_reason": {"code": "card_declined", "decline_code": "insufficient_funds"},
    # Awkward: the keys of an organization are absent.
    "payer": {**_PAYER_ALONE, "instance_id": _INSTANCE_ID},
    "subscription_items": [_OLDER_ITEM_TO_PAY],
    "updated_at": _SWITCHED - 4 * _MINUTE + 8 * _SECOND,
}

PAYLOADS: Mapping[str, WebhookEventJSON] = {
    payload["type"]: payload
    for payload in (
        _payload("user.created", _USER_CREATED, _SIGNED_UP + 94),
        _payload("user.updated", _USER_UPDATED, _CHANGED + 63, _SERVER),
        _payload("user.deleted", _USER_DELETED, _DELETED),
        _payload("session.created", _SESSION_CREATED, _SIGNED_IN + 52),
        _payload("session.pending", _SESSION_PENDING, _SIGNED_IN + 47),
        _payload("session.ended", _SESSION_ENDED, _SIGNED_IN + 2 * _HOUR + 38),
        _payload("session.removed", _SESSION_REMOVED, _SIGNED_IN + 2 * _HOUR + 41),
        _payload("session.revoked", _SESSION_REVOKED, _SIGNED_IN + 2 * _HOUR + 35, _SERVER),
        _payload("organization.created", _ORGANIZATION_CREATED, _FOUNDED + 77),
        _payload("organization.updated", _ORGANIZATION_UPDATED, _CHANGED + 58),
        _bare_payload("organization.deleted", _ORGANIZATION_DELETED, _DELETED + 1_204),
        _payload("organizationDomain.created", _DOMAIN, _DOMAIN_ADDED + 66),
        _payload("organizationDomain.updated", _DOMAIN_UPDATED, _DOMAIN_ADDED + _HOUR + 71, _SERVER),
        _payload("organizationDomain.deleted", _DOMAIN_DELETED, _DELETED + 1_187),
        _payload("organizationInvitation.created", _INVITATION, _INVITED + 80),
        _payload("organizationInvitation.accepted", _INVITATION_ACCEPTED, _INVITED + _DAY + 85),
        _payload("organizationInvitation.revoked", _INVITATION_REVOKED, _INVITED + 3 * _DAY + 59, _SERVER),
        _payload("organizationMembership.created", _MEMBERSHIP, _FOUNDED + 81),
        _payload("organizationMembership.updated", _MEMBERSHIP_UPDATED, _CHANGED + 66),
        _bare_payload("organizationMembership.deleted", _MEMBERSHIP_DELETED, _DELETED - 3),
        _payload("role.created", _ROLE, _PERMITTED + 10 * _MINUTE + 44),
        _payload("role.updated", _ROLE_UPDATED, _CHANGED + _MINUTE + 49, _SERVER),
        _payload("role.deleted", _ROLE_DELETED, _DELETED + _HOUR),
        _payload("permission.created", _PERMISSION_CREATED, _PERMITTED + 43),
        _payload("permission.updated", _PERMISSION_UPDATED, _CHANGED + 48, _SERVER),
        _payload("permission.deleted", _PERMISSION_DELETED, _DELETED + _HOUR + _MINUTE),
        _payload("email.created", _EMAIL, _SIGNED_IN - 42 * _SECOND),
        _payload("sms.created", _SMS, _SIGNED_UP - 22 * _SECOND + 39),
        _older_payload("waitlistEntry.created", _WAITLIST_ENTRY, _WAITING + 51),
        _payload("waitlistEntry.updated", _WAITLIST_ENTRY_UPDATED, _WAITING + 4 * _DAY + 55, _SERVER),
        _payload("paymentAttempt.created", _PAYMENT_ATTEMPT, _SWITCHED - 4 * _MINUTE + 92),
        _payload(
            "paymentAttempt.updated", _PAYMENT_ATTEMPT_UPDATED, _SWITCHED - 4 * _MINUTE + 8 * _SECOND + 90, _SERVER
        ),
        _payload("subscription.created", _SUBSCRIPTION, _BILLED + 70),
        _payload("subscription.updated", _SUBSCRIPTION_UPDATED, _SWITCHED + 88),
        _payload("subscription.active", _SUBSCRIPTION_ACTIVE, _SUBSCRIBED + 83),
        _payload("subscription.pastDue", _SUBSCRIPTION_PAST_DUE, _RENEWED + 74, _SERVER),
        _payload("subscriptionItem.created", _STARTER_ITEM, _SUBSCRIBED + 79),
        _payload("subscriptionItem.updated", _PRO_ITEM_UPDATED, _SWITCHED + 16 * _DAY + 68),
        _payload("subscriptionItem.active", _PRO_ITEM, _SWITCHED + 86),
        _payload("subscriptionItem.upcoming", _ANNUAL_ITEM, _SWITCHED + 19 * _DAY + 75),
        _payload("subscriptionItem.canceled", _PRO_ITEM_CANCELED, _RENEWED + 4 * _DAY + 64),
        _payload("subscriptionItem.ended", _STARTER_ITEM_ENDED, _SWITCHED + 84),
        _payload("subscriptionItem.pastDue", _PRO_ITEM_PAST_DUE, _RENEWED + 72, _SERVER),
        _payload("subscriptionItem.freeTrialEnding", _TRIAL_ITEM, _SIGNED_IN + 2 * _HOUR + 11 * _DAY, _SERVER),
        _payload("subscriptionItem.incomplete", _PRO_ITEM_INCOMPLETE, _SWITCHED - 4 * _MINUTE + 87),
        _payload("subscriptionItem.abandoned", _ANNUAL_ITEM_ABANDONED, _SWITCHED + 20 * _DAY + 73),
    )
}
"""The payload of each known event type."""
