"""Each sample agrees with its types, with Clerk's schema and with what is known of real bodies."""

import json
import re
from importlib.resources import files

import pytest
from bodies import EVENTS, FAMILIES, every_type, objects, of_family, values
from deliveries import SECRET
from schema import SCHEMA

from clerk_webhook import Webhook, events
from clerk_webhook.testing import sample, sample_delivery

APRIL_2025 = 1_743_465_600_000


@every_type
def test_a_sample_delivery_is_accepted_and_gives_its_class(event_type):
    event = Webhook(SECRET).verify_and_parse(*sample_delivery(event_type, SECRET))
    assert type(event) is events.EVENT_CLASSES[event_type]
    assert event.payload == EVENTS[event_type].payload
    assert event.data == sample(event_type)


# The intended departures from Clerk's schema: the reason, and the places in the samples of each type.
MEANT_DEPARTURES = {
    "Older recorded bodies lack it.": {
        "user.updated": [
            f".external_accounts[0].{key} is missing"
            for key in ("provider", "identification_id", "provider_user_id", "first_name", "last_name")
        ]
    },
    "The schema lacked it until November 2025.": {
        "session.revoked": [".user is missing"],
        "paymentAttempt.updated": [
            f".subscription_items[0].{key} is missing" for key in ("object", "created_at", "updated_at", "interval")
        ],
    },
    "The schema had the value until November 2025.": {
        "subscriptionItem.pastDue": [".object is subscription_item"],
        "subscription.pastDue": [".items[2].object is subscription_item"],
    },
    "Clerk's TypeScript has null.": {
        "user.updated": [".external_accounts[0].verification.expire_at is null"],
        "session.ended": [".user is null"],
        "organization.updated": [".public_metadata is null"],
        "organizationMembership.updated": [".organization.public_metadata is null"],
        "organizationMembership.deleted": [".organization.public_metadata is null"],
    },
    "The schema has null in words alone.": {
        "subscription.active": [".items[1].payer is null"],
        "subscription.updated": [".items[1].payer is null", ".items[2].payer is null"],
        "subscription.pastDue": [f".items[{index}].payer is null" for index in (1, 2, 3)],
    },
    "The schema lacks the status.": {"session.pending": [".status is pending"]},
    "Clerk's TypeScript lacks it.": {
        "permission.updated": [".type is missing"],
        "role.updated": [".permissions[0].type is missing"],
    },
    "Clerk's TypeScript has it as optional.": {
        event_type: [".payer.organization_id is missing", ".payer.organization_name is missing"]
        for event_type in (
            "paymentAttempt.updated",
            "subscription.updated",
            "subscription.pastDue",
            "subscriptionItem.updated",
            "subscriptionItem.pastDue",
        )
    },
    'The Dashboard\'s "Send Example" differs.': {
        "email.created": [".object is missing"],
        "sms.created": [".object is missing"],
        "role.deleted": [".slug is null"],
    },
}


@every_type
def test_a_sample_departs_from_the_schema_only_as_intended(event_type):
    event = EVENTS[event_type]
    # The schema has dropped subscriptionItem.created, which has the payload of its family.
    payload = SCHEMA.webhooks.get(event_type, SCHEMA.webhooks["subscriptionItem.active"])
    assert sorted(SCHEMA.departures(event.data, payload)) == sorted(
        departure for of_types in MEANT_DEPARTURES.values() for departure in of_types.get(event_type, [])
    )
    older = [".instance_id is missing"] if event.timestamp < APRIL_2025 else []
    assert list(SCHEMA.departures(event.payload, SCHEMA.payload)) == older


def test_the_created_sample_of_a_family_departs_from_nothing():
    departing = {event_type for of_types in MEANT_DEPARTURES.values() for event_type in of_types}
    # E-mails and text messages have one event, which is awkward.
    assert {event_type for event_type in departing if event_type.endswith(".created")} == {
        "email.created",
        "sms.created",
    }


# Facts of real bodies.


def test_a_new_user_has_external_accounts_in_both_forms():
    google, github = sample(events.UserCreated)["external_accounts"]
    assert google["object"] == "google_account"
    assert google["id"] == google["identification_id"]
    assert google["external_account_id"].startswith("eac_")
    for one_name, other_name in [
        ("provider_user_id", "google_id"),
        ("first_name", "given_name"),
        ("last_name", "family_name"),
        ("image_url", "picture"),
    ]:
        assert google[one_name] == google[other_name]
    assert github["object"] == "external_account"
    assert github["id"].startswith("eac_")
    assert not {"external_account_id", "google_id", "given_name", "family_name", "picture"} & github.keys()


@every_type
def test_counts_are_in_the_organization_of_a_membership_and_its_creator_is_not(event_type):
    for found in objects(EVENTS[event_type].data):
        if found.get("object") == "organization" and "name" in found:
            is_inside = event_type.startswith("organizationMembership.")
            assert ("members_count" in found) is ("pending_invitations_count" in found) is is_inside
            assert ("created_by" in found) is ("private_metadata" in found) is not is_inside


def test_a_pending_session_has_tasks_and_no_other_session_has():
    with_tasks = {event.type: event.data["tasks"] for event in of_family("session") if "tasks" in event.data}
    assert with_tasks == {"session.pending": [{"key": "choose-organization"}]}


def test_only_an_older_payment_has_the_keys_that_left_the_schema():
    left = {"plan_period", "proration_date", "canceled_at", "lifetime_paid", "next_payment_amount", "amount"}
    items = {
        event_type: found.keys() & left
        for event_type, event in EVENTS.items()
        for found in objects(event.data)
        if {"plan_id", "period_start"} <= found.keys()
    }
    assert {event_type for event_type, keys in items.items() if keys} == {"paymentAttempt.updated"}
    assert items["paymentAttempt.updated"] == left


def test_a_subscription_is_active_or_past_due():
    assert {event.data["status"] for event in of_family("subscription")} == {"active", "past_due"}


# Times, ids, addresses and codes.


@every_type
def test_times_are_milliseconds_and_in_order(event_type):
    event = EVENTS[event_type]
    assert ("instance_id" in event.payload) is (event.timestamp >= APRIL_2025)
    for found in objects(event.payload):
        times = {
            key: value
            for key, value in found.items()
            if isinstance(value, int) and re.search(r"_at(_ms)?$|_start$|_end$|_date$", key)
        }
        assert all(1_700_000_000_000 < value < 1_800_000_000_000 for value in times.values())
        if "updated_at" in found:
            assert found["created_at"] <= found["updated_at"] <= event.timestamp
        for key in times.keys() & PAST:
            assert times[key] <= found.get("updated_at", event.timestamp), key
        for earlier, later in [("period_start", "period_end"), ("created_at", "expires_at")]:
            if {earlier, later} <= times.keys():
                assert times[earlier] < times[later]


PAST = {
    "active_at",
    "billing_date",
    "created_at_ms",
    "failed_at",
    "last_active_at",
    "last_authenticated_at",
    "last_sign_in_at",
    "last_used_at",
    "legal_accepted_at",
    "mfa_enabled_at",
    "password_last_updated_at",
    "past_due_at",
    "verified_at",
}

# The prefix of an id by its key, and the prefix of `id` by the object around it.
ID_PREFIXES = {
    "client_id": "client",
    "created_by": "user",
    "directory_id": "dir",
    "email_address_id": "idn",
    "enterprise_connection_id": "entconn",
    "external_account_id": "eac",
    "identification_id": "idn",
    "instance_id": "ins",
    "inviter_id": "user",
    "last_active_organization_id": "org",
    "latest_payment_id": "cpa",
    "organization_id": "org",
    "payer_id": "cpayer",
    "payment_id": "cpa",
    "payment_source_id": "cps",
    "phone_number_id": "idn",
    "plan_id": "cplan",
    "primary_email_address_id": "idn",
    "primary_phone_number_id": "idn",
    "primary_web3_wallet_id": "idn",
    "product_id": "cprd",
    "sub": "user",
    "subscription_id": "csub",
    "user_id": "user",
}
OBJECT_PREFIXES = {
    "user": "user",
    "session": "sess",
    "session_activity": "sess_activity",
    "organization": "org",
    "organization_domain": "orgdmn",
    "organization_invitation": "orginv",
    "organization_membership": "orgmem",
    "role": "role",
    "permission": "perm",
    "waitlist_entry": "wle",
    "invitation": "inv",
    "email_address": "idn",
    "phone_number": "idn",
    "external_account": "eac",
    "google_account": "idn",
    "commerce_payer": "cpayer",
    "commerce_subscription": "csub",
    "commerce_subscription_item": "csub_item",
    "subscription_item": "csub_item",
}
NOT_CLERKS = {
    "external_id",
    "gateway_external_id",
    "gateway_external_account_id",
    "google_id",
    "provider_user_id",
    "crm_id",
}


def ids(value):
    """Yield the object, the key, the prefix and the rest of each of Clerk's ids in a value."""
    for found in objects(value):
        for key, text in found.items():
            if text and key not in NOT_CLERKS and (key == "id" or key in ID_PREFIXES or key.endswith("_id")):
                yield found, key, *text.rpartition("_")[::2]


@every_type
def test_an_id_has_the_form_of_clerks_and_the_prefix_of_its_resource(event_type):
    for found, key, prefix, rest in ids(EVENTS[event_type].payload):
        assert re.fullmatch(r"[0-9A-Za-z]{27}", rest), (key, rest)
        expected = OBJECT_PREFIXES.get(found.get("object")) if key == "id" else ID_PREFIXES.get(key)
        assert expected in (None, prefix), (key, prefix)


def test_the_parts_of_a_payment_have_the_prefixes_of_clerks_examples():
    payment = sample(events.PaymentAttemptCreated)
    parts = [payment, payment["payee"], payment["payer"], payment["payment_source"], *payment["subscription_items"]]
    parts.append(payment["subscription_items"][0]["plan"])
    prefixes = [part["id"].rpartition("_")[0] for part in parts]
    assert prefixes == ["pa", "cpayee", "cpayer", "cps", "csub_item", "cplan"]


def test_a_docstring_names_only_id_prefixes_that_samples_have():
    sources = (source.read_text("utf-8") for source in files("clerk_webhook.types").iterdir() if source.is_file())
    named = {prefix for source in sources for prefix in re.findall(r'`"(\w+)_\.\.\."', source)}
    assert named - {prefix for event in EVENTS.values() for _, _, prefix, _ in ids(event.payload)} == set()
    assert len(named) > 10


def test_resources_of_different_kinds_have_different_ids():
    kinds = {}
    for event in EVENTS.values():
        for found in objects(event.payload):
            # A subscription item has two names for its kind.
            if "id" in found and "object" in found and found["object"] != "subscription_item":
                kinds.setdefault(found["id"], set()).add(found["object"])
    assert [shared for shared in kinds.values() if len(shared) > 1] == []


@every_type
def test_a_sample_holds_no_real_address(event_type):
    text = json.dumps(EVENTS[event_type].payload)
    assert re.findall(r"[\w.]+@(?!(?:engines\.)?example\.com\b)[\w.]+", text) == []
    assert re.findall(r"https?://(?!(?:\w+\.)?example\.com\b)[\w.]+", text) == []
    assert re.findall(r"\b(?!203\.0\.113\.)\d+\.\d+\.\d+\.\d+\b", text) == []
    assert re.findall(r"\+(?!1555555)\d+", text) == []


@pytest.mark.parametrize("event_type", ["email.created", "sms.created"])
def test_a_one_time_code_is_always_the_same(event_type):
    data = sample(event_type)
    assert data["data"]["otp_code"] == "424242"
    assert {"424242"} == set(re.findall(r"\b\d{6}\b", json.dumps(data)))


# The payload agrees with the event type.


@pytest.mark.parametrize(
    ("event_type", "status", "set_keys"),
    [
        ("session.created", "active", ()),
        ("session.pending", "pending", ("tasks",)),
        ("session.ended", "ended", ()),
        ("session.removed", "removed", ()),
        ("session.revoked", "revoked", ()),
        ("organizationInvitation.created", "pending", ("url",)),
        ("organizationInvitation.accepted", "accepted", ("user_id",)),
        ("organizationInvitation.revoked", "revoked", ()),
        ("waitlistEntry.created", "pending", ()),
        ("waitlistEntry.updated", "invited", ("invitation",)),
        ("paymentAttempt.created", "pending", ()),
        ("paymentAttempt.updated", "failed", ("failed_at", "failed_reason")),
        ("subscription.created", "active", ("active_at",)),
        ("subscription.updated", "active", ("active_at",)),
        ("subscription.active", "active", ("active_at",)),
        ("subscription.pastDue", "past_due", ("past_due_at",)),
        ("subscriptionItem.created", "active", ()),
        ("subscriptionItem.updated", "active", ()),
        ("subscriptionItem.active", "active", ()),
        ("subscriptionItem.upcoming", "upcoming", ()),
        ("subscriptionItem.canceled", "canceled", ()),
        ("subscriptionItem.ended", "ended", ()),
        ("subscriptionItem.pastDue", "past_due", ()),
        ("subscriptionItem.freeTrialEnding", "active", ("is_free_trial",)),
        ("subscriptionItem.incomplete", "incomplete", ()),
        ("subscriptionItem.abandoned", "abandoned", ()),
    ],
)
def test_the_status_is_that_of_the_event_type(event_type, status, set_keys):
    data = sample(event_type)
    assert data["status"] == status
    happened = {"tasks", "paid_at", "failed_at", "failed_reason", "past_due_at", "canceled_at", "is_free_trial"}
    assert {key for key in happened & data.keys() if data[key]} == happened & set(set_keys)
    assert all(data[key] for key in set_keys)


@pytest.mark.parametrize("event", [event for event in EVENTS.values() if event.type.endswith(".deleted")], ids=repr)
def test_a_deleted_resource_says_so(event):
    if event.type != "organizationMembership.deleted":
        (kind,) = {other.data["object"] for other in of_family(event.type.partition(".")[0])}
        assert (event.data["deleted"], event.data["object"]) == (True, kind)


# Each family has awkward forms of real bodies, and a regular sample too.


def has_lone_payer(body):
    payers = [found for found in objects(body) if found.get("object") == "commerce_payer"]
    return any("organization_id" not in payer for payer in payers)


AWKWARD = [
    ("user", "null names", lambda body: None in values(body, "first_name")),
    (
        "user",
        "a reserved address without verification",
        lambda body: any(
            address["reserved"] and address["verification"] is None
            for addresses in values(body, "email_addresses")
            for address in addresses
        ),
    ),
    ("user", "a primary id that dangles", lambda body: values(body, "web3_wallets") == [[]]),
    (
        "user",
        "a Google account with Google's names alone",
        lambda body: any("google_id" in found and "provider" not in found for found in objects(body)),
    ),
    (
        "user",
        "a verification without object",
        lambda body: any("object" not in verification for verification in values(body, "verification") if verification),
    ),
    ("user", "a birthday", lambda body: "birthday" in body["data"]),
    ("user", "an empty client_ip", lambda body: "" in values(body, "client_ip")),
    ("session", "a null user", lambda body: body["data"].get("user", "absent") is None),
    ("session", "an absent user", lambda body: "user" not in body["data"]),
    ("session", "a primary id that dangles", lambda body: values(body, "email_addresses") == [[]]),
    ("organization", "logo_url", lambda body: bool(values(body, "logo_url"))),
    ("organization", "no event_attributes", lambda body: "event_attributes" not in body),
    ("organizationDomain", "no verification", lambda body: None in values(body, "verification")),
    ("organizationInvitation", "no inviter", lambda body: None in values(body, "inviter_id")),
    ("organizationInvitation", "no expiry", lambda body: None in values(body, "expires_at")),
    ("organizationMembership", "null names", lambda body: None in values(body, "first_name")),
    ("organizationMembership", "logo_url", lambda body: bool(values(body, "logo_url"))),
    ("organizationMembership", "no event_attributes", lambda body: "event_attributes" not in body),
    ("role", "no description", lambda body: None in values(body, "description")),
    (
        "role",
        "a permission without type",
        lambda body: any(
            "type" not in permission for permissions in values(body, "permissions") for permission in permissions
        ),
    ),
    ("role", "a null slug", lambda body: None in values(body, "slug")),
    ("permission", "no type", lambda body: "key" in body["data"] and "type" not in body["data"]),
    ("email", "no object", lambda body: "object" not in body["data"]),
    ("sms", "no object", lambda body: "object" not in body["data"]),
    ("sms", "no user", lambda body: body["data"]["user_id"] is None),
    ("waitlistEntry", "no instance_id", lambda body: "instance_id" not in body),
    ("paymentAttempt", "an item without object", lambda body: "object" not in body["data"]["subscription_items"][0]),
    ("paymentAttempt", "a payer without organization_id", has_lone_payer),
    ("subscription", "a payer without organization_id", has_lone_payer),
    ("subscription", "items without payer", lambda body: None in values(body, "payer")),
    ("subscription", "no currency", lambda body: "" in values(body, "currency")),
    ("subscriptionItem", "an older object", lambda body: "subscription_item" in values(body, "object")),
    ("subscriptionItem", "a payer without organization_id", has_lone_payer),
    ("subscriptionItem", "an organization without user", lambda body: "" in values(body, "user_id")),
]


def test_every_family_has_an_awkward_form():
    assert {family for family, _, _ in AWKWARD} == FAMILIES


@pytest.mark.parametrize(("family", "form", "is_awkward"), AWKWARD)
def test_a_family_has_its_awkward_form_and_a_regular_sample(family, form, is_awkward):
    awkward = {event.type: is_awkward(event.payload) for event in of_family(family)}
    assert any(awkward.values()), form
    # E-mails and text messages have one event. One waitlist entry is older than instance_id.
    assert awkward[f"{family}.created"] is (family in ("email", "sms") or form == "no instance_id")
