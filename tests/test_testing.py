"""The testing kit: the samples agree with their types, with each other and with what is recorded, and can be sent."""

import datetime as dt
import json
import re
import time
import traceback
import typing
from pathlib import Path
from types import MappingProxyType

import pytest
from deliveries import ID, NOW, OTHER_SECRET, SECRET, signature

from clerk_webhook import (
    InvalidHeaderError,
    SecretError,
    SignatureMismatchError,
    Webhook,
    conformance,
    events,
    parse_event,
)
from clerk_webhook._samples import BODIES
from clerk_webhook.testing import SignedRequest, sample, sample_delivery, sample_event, signed_request

SCHEMAS = Path(__file__).resolve().parents[2] / "shared" / "clerk" / "webhook-schemas.json"
DAY = 86_400_000
APRIL_2025 = 1_743_465_600_000

EVENTS = {event_type: sample_event(event_type) for event_type in events.EVENT_CLASSES}
FAMILIES = {event_type.partition(".")[0] for event_type in EVENTS}
ADA = EVENTS["user.created"].data["id"]
ORGANIZATION = EVENTS["organization.created"].data

every_type = pytest.mark.parametrize("event_type", EVENTS)


def objects(value):
    """Yield each JSON object in a value, from the outside in."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from objects(inner)


def values(value, key):
    return [found[key] for found in objects(value) if key in found]


def of_family(family):
    return [event for event_type, event in EVENTS.items() if event_type.partition(".")[0] == family]


USERS = {
    event_type: user
    for event_type, event in EVENTS.items()
    for user in objects(event.data)
    if user.get("object") == "user" and "email_addresses" in user
}
ITEMS = {
    event_type: [found for found in objects(event.data) if found.get("object") == "commerce_subscription_item"]
    for event_type, event in EVENTS.items()
}
PAYMENTS = [event.data for event in of_family("paymentAttempt")]


# All of them.


def test_there_is_a_sample_of_every_type_and_no_other():
    assert BODIES.keys() == events.EVENT_CLASSES.keys()


@every_type
def test_a_sample_delivery_is_accepted_and_gives_its_class(event_type):
    event = Webhook(SECRET).verify_and_parse(*sample_delivery(event_type, SECRET))
    assert type(event) is events.EVENT_CLASSES[event_type]
    assert event.raw == EVENTS[event_type].raw
    assert event.data == sample(event_type)


@every_type
def test_every_sample_conforms(event_type):
    assert conformance.check(EVENTS[event_type]) == []


def test_the_overloads_return_what_the_classes_carry():
    overloads = [typing.get_type_hints(overload) for overload in typing.get_overloads(sample)]
    returned = {name: hints["return"] for hints in overloads for name in typing.get_args(hints["event_type"])}
    assert returned == {event_type: conformance.payload_type_of(event_type) for event_type in EVENTS}
    assert len(overloads) == len(set(returned.values()))


# They are what Clerk's schema says, except where they mean not to be.

JSON_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


@pytest.fixture(scope="module")
def schemas():
    if not SCHEMAS.exists():
        pytest.skip(f"Clerk's schema is no part of this repository; it was looked for in {SCHEMAS}.")
    return json.loads(SCHEMAS.read_text(encoding="utf-8"))


def departures(value, schema, named, path=""):
    """Yield where a value isn't what a schema says, by as much of JSON Schema as Clerk uses.

    Without `additionalProperties`: it is false even where Clerk sends more, and `conformance` tells unknown keys.
    """
    wholes = [*schema.get("allOf", []), *([named[schema["$ref"].rpartition("/")[2]]] if "$ref" in schema else [])]
    choices = [schema[key] for key in ("oneOf", "anyOf") if key in schema]
    if value is None:
        # Clerk writes it beside the reference as well as where that leads.
        if not any(part.get("nullable") for part in [schema, *wholes]):
            yield f"{path} is null"
        return
    for whole in wholes:
        yield from departures(value, whole, named, path)
    for choice in choices:
        yield from min((list(departures(value, each, named, path)) for each in choice), key=len)
    kind = schema.get("type")
    if kind and (not isinstance(value, JSON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{path} is no {kind}"
        return
    # Of an enumeration that is open too, a sample has a known value.
    if value not in schema.get("enum", [value]) or ("pattern" in schema and not re.search(schema["pattern"], value)):
        yield f"{path} is {value}"
    yield from (f"{path}.{key} is missing" for key in schema.get("required", []) if key not in value)
    for key, inner in schema.get("properties", {}).items():
        if key in value:
            yield from departures(value[key], inner, named, f"{path}.{key}")
    if "items" in schema:
        for index, each in enumerate(value):
            yield from departures(each, schema["items"], named, f"{path}[{index}]")


# Why, and where in the samples of which types.
MEANT_DEPARTURES = [
    (
        "recorded of accounts in their old form",
        {
            "user.updated": [
                f".external_accounts[0].{key} is missing"
                for key in ("provider", "identification_id", "provider_user_id", "first_name", "last_name")
            ]
        },
    ),
    (
        "null in Clerk's TypeScript",
        {
            "user.updated": [".external_accounts[0].verification.expire_at is null"],
            "session.ended": [".user is null"],
            "organization.updated": [".public_metadata is null"],
            "organizationMembership.updated": [".organization.public_metadata is null"],
            "organizationMembership.deleted": [".organization.public_metadata is null"],
        },
    ),
    (
        "null by what the schema says in words",
        {
            "subscription.active": [".items[1].payer is null"],
            "subscription.updated": [".items[1].payer is null", ".items[2].payer is null"],
            "subscription.pastDue": [f".items[{index}].payer is null" for index in (1, 2, 3)],
        },
    ),
    ("the schema has forgotten it", {"session.pending": [".status is pending"]}),
    (
        "not in Clerk's TypeScript",
        {"permission.updated": [".type is missing"], "role.updated": [".permissions[0].type is missing"]},
    ),
    (
        "optional in Clerk's TypeScript",
        {
            event_type: [
                f"{payer}.organization_{key} is missing"
                for payer in (".payer", *((".subscription_items[0].payer",) if "Attempt" in event_type else ()))
                for key in ("id", "name")
            ]
            for event_type in (
                "paymentAttempt.updated",
                "subscription.updated",
                "subscription.pastDue",
                "subscriptionItem.updated",
                "subscriptionItem.pastDue",
            )
        },
    ),
    (
        'the Dashboard\'s "Send Example" lacks it',
        {"email.created": [".object is missing"], "sms.created": [".object is missing"]},
    ),
]


@every_type
def test_a_sample_departs_from_the_schema_only_where_it_means_to(event_type, schemas):
    event, named = EVENTS[event_type], schemas["schemas"]
    # The schema has dropped subscriptionItem.created, whose payload is that of its family.
    described = schemas["webhooks"].get(event_type, schemas["webhooks"]["subscriptionItem.active"])
    found = departures(event.data, described["data"], named)
    assert sorted(found) == sorted(
        departure for _, of_types in MEANT_DEPARTURES for departure in of_types.get(event_type, [])
    )
    older = [".instance_id is missing"] if event.timestamp < APRIL_2025 else []
    assert list(departures(event.raw, named["WebhookEventPayload"], named)) == older


def test_regular_samples_depart_from_nothing():
    departing = {event_type for _, of_types in MEANT_DEPARTURES for event_type in of_types}
    # E-mails and text messages have one event, so theirs is awkward too.
    assert {event_type for event_type in departing if event_type.endswith(".created")} == {
        "email.created",
        "sms.created",
    }


# They agree with the calendar, and with what ids, addresses and codes may be.


@every_type
def test_times_are_milliseconds_and_in_order(event_type):
    event = EVENTS[event_type]
    assert ("instance_id" in event.raw) is (event.timestamp >= APRIL_2025)
    for found in objects(event.raw):
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
            if later in times:
                assert times[earlier] < times[later]


PAST = {
    "active_at",
    "billing_date",
    "canceled_at",
    "created_at_ms",
    "ended_at",
    "failed_at",
    "last_active_at",
    "last_authenticated_at",
    "last_sign_in_at",
    "last_used_at",
    "legal_accepted_at",
    "mfa_enabled_at",
    "paid_at",
    "password_last_updated_at",
    "past_due_at",
    "verified_at",
}

# By the key that holds it: every other "id" has the prefix of its object.
ID_PREFIXES = {
    "client_id": "client",
    "created_by": "user",
    "directory_id": "dir",
    "email_address_id": "idn",
    "enterprise_connection_id": "entconn",
    "identification_id": "idn",
    "instance_id": "ins",
    "inviter_id": "user",
    "last_active_organization_id": "org",
    "latest_payment_id": "patt",
    "organization_id": "org",
    "payer_id": "payer",
    "payment_source_id": "paysrc",
    "phone_number_id": "idn",
    "plan_id": "cplan",
    "primary_email_address_id": "idn",
    "primary_phone_number_id": "idn",
    "primary_web3_wallet_id": "idn",
    "sub": "user",
    "subscription_id": "sub",
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
    "commerce_payer": "payer",
    "commerce_subscription": "sub",
    "commerce_subscription_item": "subi",
}
NOT_CLERKS = {
    "external_id",
    "gateway_external_id",
    "gateway_external_account_id",
    "google_id",
    "provider_user_id",
    "crm_id",
}


@every_type
def test_ids_look_like_clerks_and_say_what_they_are_of(event_type):
    for found in objects(EVENTS[event_type].raw):
        for key, value in found.items():
            if not value or key in NOT_CLERKS or not (key == "id" or key in ID_PREFIXES or key.endswith("_id")):
                continue
            prefix, _, rest = value.rpartition("_")
            assert re.fullmatch(r"[0-9A-Za-z]{27}", rest), value
            expected = OBJECT_PREFIXES.get(found.get("object")) if key == "id" else ID_PREFIXES.get(key)
            assert expected in (None, prefix), value


def test_ids_of_different_things_differ():
    named = {}
    for event in EVENTS.values():
        for found in objects(event.raw):
            if "id" in found and "object" in found and found["object"] != "google_account":
                named.setdefault(found["id"], set()).add(found["object"])
    assert [kinds for kinds in named.values() if len(kinds) > 1] == []


@every_type
def test_nothing_in_a_sample_is_anybodys(event_type):
    text = json.dumps(EVENTS[event_type].raw)
    assert re.findall(r"[\w.]+@(?!(?:engines\.)?example\.com\b)[\w.]+", text) == []
    assert re.findall(r"https?://(?!(?:\w+\.)?example\.com\b)[\w.]+", text) == []
    assert re.findall(r"\b(?!203\.0\.113\.)\d+\.\d+\.\d+\.\d+\b", text) == []
    assert re.findall(r"\+(?!1555555)\d+", text) == []


@pytest.mark.parametrize("event_type", ["email.created", "sms.created"])
def test_a_one_time_code_is_one_that_nobody_was_sent(event_type):
    data = sample(event_type)
    assert data["data"]["otp_code"] == "424242"
    assert {"424242"} == set(re.findall(r"\b\d{6}\b", json.dumps(data)))


# They agree with each other.


@pytest.mark.parametrize("event_type", USERS)
@pytest.mark.parametrize(
    ("primary", "resources", "dangling_in"),
    [
        ("primary_email_address_id", "email_addresses", {"session.removed"}),
        ("primary_phone_number_id", "phone_numbers", set()),
        ("primary_web3_wallet_id", "web3_wallets", {"user.updated"}),
    ],
)
def test_a_primary_id_is_of_one_that_is_there(event_type, primary, resources, dangling_in):
    user = USERS[event_type]
    there = user[primary] in [resource["id"] for resource in user[resources]]
    assert there is (event_type not in dangling_in)


def test_the_primary_address_is_not_the_first():
    user = sample("user.created")
    assert len(user["email_addresses"]) > 1
    assert user["email_addresses"][0]["id"] != user["primary_email_address_id"]


@pytest.mark.parametrize("event_type", USERS)
def test_what_an_address_is_linked_to_is_there(event_type):
    user = USERS[event_type]
    accounts = {
        account.get("identification_id", account["id"]): account
        for account in [*user["external_accounts"], *user["enterprise_accounts"]]
    }
    for address in user["email_addresses"]:
        for link in address["linked_to"]:
            assert accounts[link["id"]]["email_address"] == address["email_address"]


SCIM_IN = {"user.created", "user.updated"}
# What a sign-up collects is made before the user is; the rest is done by a user.
BY_SIGNING_UP = {"created_at", "last_authenticated_at", "legal_accepted_at"}
BY_A_USER = {
    "last_sign_in_at",
    "last_used_at",
    "mfa_disabled_at",
    "mfa_enabled_at",
    "password_last_updated_at",
    "updated_at",
}


@pytest.mark.parametrize("event_type", USERS)
def test_only_what_a_sign_up_collects_is_older_than_the_user(event_type):
    user = USERS[event_type]
    signed_up = user["created_at"]
    assert ("scim" in user) is (event_type in SCIM_IN)
    assert user["last_active_at"] == user["last_active_at"] // DAY * DAY >= user["last_sign_in_at"] // DAY * DAY
    # An enterprise connection, older than its users, is what has no `object`.
    for found in (found for found in objects(user) if "object" in found):
        times = {key: time for key, time in found.items() if time is not None}
        assert all(signed_up - 60_000 < times[key] for key in times.keys() & BY_SIGNING_UP)
        assert all(signed_up <= times[key] for key in times.keys() & BY_A_USER)
        assert signed_up < times.get("expire_at", signed_up + 1)


MADE = {
    found["id"]: found["created_at"]
    for event in EVENTS.values()
    for found in objects(event.data)
    if {"id", "created_at"} <= found.keys()
}


def id_of(value):
    return value.get("id", value.get("user_id")) if isinstance(value, dict) else value


@every_type
def test_nothing_is_older_than_what_it_names(event_type):
    for found in objects(EVENTS[event_type].data):
        if "created_at" in found:
            named = {key: value for key, value in found.items() if isinstance(id_of(value), str)}
            # An entry in the waitlist waits for its invitation.
            named.pop("invitation", None)
            assert all(MADE.get(id_of(value), 0) <= found["created_at"] for value in named.values())


@every_type
def test_an_event_happens_in_the_life_of_what_it_is_about(event_type):
    event = EVENTS[event_type]
    about = {event.user_id, event.organization_id, event.data["id"]}
    for other in EVENTS.values():
        # A session that has tasks is pending first.
        if other.data["id"] in about and (event_type, other.type) != ("session.pending", "session.created"):
            assert other.timestamp <= event.timestamp or not other.type.endswith(".created")
            assert other.timestamp >= event.timestamp or not other.type.endswith(".deleted")


# Where it is part of something else, an item has no payer of its own, and in a payment its plan has no unit prices.
TOLD_OTHERWISE = {"payer", "plan", "subscription_id"}


@every_type
def test_what_is_told_of_another_resource_is_what_its_last_event_told(event_type):
    event = EVENTS[event_type]
    for found in objects(event.data):
        # A session's user has signed in since, which is no event of the user's.
        if found is event.data or found.get("object") == "user":
            continue
        earlier = [
            other for other in EVENTS.values() if other.data["id"] == id_of(found) and other.timestamp < event.timestamp
        ]
        last = max(earlier, key=lambda other: other.timestamp).data if earlier else {}
        shared = (found.keys() & last.keys()) - TOLD_OTHERWISE
        assert {key: found[key] for key in shared} == {key: last[key] for key in shared}


@every_type
def test_what_belongs_together_says_the_same(event_type):
    event, permission = EVENTS[event_type], sample("permission.created")
    hers = {address["email_address"] for address in sample("user.created")["email_addresses"]}
    permitted = {permission["key"]} if event.timestamp > permission["created_at"] else set()
    for found in objects(event.data):
        for key, whole in found.items():
            if isinstance(whole, dict) and f"{key}_id" in found:
                assert found[f"{key}_id"] == whole["id"]
        if found.get("public_inviter_data"):
            assert found["public_inviter_data"]["user_id"] == found["inviter_id"]
        if "role_name" in found:
            assert found["role"] == f"org:{found['role_name'].lower()}"
        granted = {key for key in found.get("permissions", []) if isinstance(key, str)}
        assert {key for key in granted if not key.startswith("org:sys_")} <= permitted
        organizations = {found.get("organization_id"), found.get("last_active_organization_id")}
        assert organizations <= {ORGANIZATION["id"], "", None}
        addresses = {found.get(key) for key in ("affiliation_email_address", "email", "identifier", "to_email_address")}
        assert addresses <= {*hers, None}


@every_type
def test_it_is_about_the_same_user(event_type):
    event = EVENTS[event_type]
    if event_type == "organizationInvitation.accepted":
        assert event.user_id not in (ADA, None)
    elif event_type.partition(".")[0] in {"user", "session", "organizationMembership", "email", "subscription"}:
        assert event.user_id == ADA
    else:
        assert event.user_id in (ADA, None)
    for found in objects(event.data):
        if "last_name" in found and found.get("object") != "external_account":
            assert (found["first_name"], found["last_name"]) in [("Ada", "Lovelace"), (None, None), ("", "")]


@every_type
def test_it_is_about_the_same_organization(event_type):
    event = EVENTS[event_type]
    names_one = re.match(r"organization(Membership|Invitation)?\.|organizationDomain\.(?!deleted)", event_type)
    assert event.organization_id in ([ORGANIZATION["id"]] if names_one else [ORGANIZATION["id"], None])
    for found in objects(event.data):
        if found.get("object") == "organization" and "name" in found:
            same = ("id", "name", "slug", "image_url", "created_at", "created_by")
            assert {key: found[key] for key in same} == {key: ORGANIZATION[key] for key in same}


def test_who_founds_an_organization_is_its_first_member():
    membership = sample("organizationMembership.created")
    assert membership["organization"]["created_by"] == ADA == membership["public_user_data"]["user_id"]


def test_what_left_an_organization_is_the_membership_as_it_was():
    event = EVENTS["organizationMembership.deleted"]
    assert event.data == sample("organizationMembership.updated")
    assert event.data["updated_at"] < event.timestamp - DAY


@pytest.mark.parametrize("event", of_family("session"), ids=lambda event: event.type)
def test_a_session_is_of_its_user_and_expires_later(event):
    session = event.data
    assert session["user"] is None or session["user"]["id"] == session["user_id"]
    assert session["created_at"] < session["expire_at"] <= session["abandon_at"]
    assert session["last_active_at"] >= session["created_at"]


@pytest.mark.parametrize(
    "family",
    sorted(FAMILIES - {"organizationInvitation", "subscriptionItem"}),  # these tell of more than one
)
def test_events_of_a_family_are_about_one_resource(family):
    assert len({event.data["id"] for event in of_family(family)}) == 1


def test_messages_go_to_addresses_that_the_user_has():
    user, email, sms = sample("user.created"), sample("email.created"), sample("sms.created")
    assert (email["email_address_id"], email["to_email_address"]) in [
        (address["id"], address["email_address"]) for address in user["email_addresses"]
    ]
    assert (sms["phone_number_id"], sms["to_phone_number"]) in [
        (number["id"], number["phone_number"]) for number in user["phone_numbers"]
    ]


@pytest.mark.parametrize(
    ("event_type", "status", "set_keys"),
    [
        ("session.created", "active", ()),
        ("session.pending", "pending", ()),
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
        ("subscriptionItem.canceled", "canceled", ("canceled_at",)),
        ("subscriptionItem.ended", "ended", ()),
        ("subscriptionItem.pastDue", "past_due", ("past_due_at",)),
        ("subscriptionItem.freeTrialEnding", "active", ("is_free_trial",)),
        ("subscriptionItem.incomplete", "incomplete", ()),
        ("subscriptionItem.abandoned", "abandoned", ()),
    ],
)
def test_the_status_is_that_of_the_type(event_type, status, set_keys):
    data = sample(event_type)
    assert data["status"] == status
    happened = {"paid_at", "failed_at", "failed_reason", "past_due_at", "canceled_at", "ended_at", "is_free_trial"}
    assert {key for key in happened & data.keys() if data[key]} == happened & set(set_keys)
    assert all(data[key] for key in set_keys)


@pytest.mark.parametrize("event", [event for event in EVENTS.values() if event.type.endswith(".deleted")], ids=repr)
def test_what_is_deleted_says_so(event):
    if event.type != "organizationMembership.deleted":
        (kind,) = {other.data["object"] for other in of_family(event.type.partition(".")[0])}
        assert (event.data["deleted"], event.data["object"]) == (True, kind)


WHEN = {
    "active": "now",
    "canceled": "now",
    "ended": "past",
    "past_due": "past",
    "abandoned": "future",
    "incomplete": "future",
    "upcoming": "future",
}


@every_type
def test_the_times_of_a_subscription_item_agree_with_its_status(event_type):
    for item in ITEMS[event_type]:
        # What was abandoned stays so, whenever it would have begun.
        now = item["updated_at"] if item["status"] == "abandoned" else EVENTS[event_type].timestamp
        start, end = item["period_start"], item["period_end"] or now + 1
        assert WHEN[item["status"]] == ("future" if now < start else "now" if now < end else "past")
        assert item["created_at"] <= start < end <= start + {"month": 31, "annual": 365}[item["interval"]] * DAY
        if "next_payment_date" in item:
            assert item["next_payment_date"] >= max(start, now)


def test_a_subscription_is_what_its_present_item_is_and_keeps_the_past_ones():
    kept = set()
    for event in sorted(of_family("subscription"), key=lambda event: event.timestamp):
        (present,) = [item for item in event.data["items"] if item["status"] not in ("ended", "abandoned")]
        assert present["status"] == event.data["status"]
        assert kept <= set(values(event.data["items"], "id"))
        kept = {item["id"] for item in event.data["items"]}


def seats_cost(item):
    """Price the seats of an item by the tiers of its plan."""
    seats = (item.get("seats") or {}).get("quantity") or 0
    return sum(
        tier["amount_per_block"] * max(0, min(seats, tier["ends_after_block"] or seats) - tier["starts_at_block"] + 1)
        for price in item["plan"].get("unit_prices", [])
        for tier in price["tiers"]
    )


@pytest.mark.parametrize(
    "event", [*of_family("subscription"), *of_family("subscriptionItem")], ids=lambda event: event.type
)
def test_what_a_subscription_item_costs_adds_up(event):
    for item in ITEMS[event.type]:
        plan, amount = item["plan"], item["amount"]["amount"]
        assert item["interval"] == item["plan_period"] == plan["period"]
        assert amount == plan["amount"] + seats_cost(item) == item.get("next_payment_amount", amount)
        if plan["period"] == "annual":
            assert plan["amount"] == 12 * plan["annual_monthly_amount"]


@every_type
def test_what_was_paid_for_a_subscription_item_is_what_it_cost_with_tax(event_type):
    first = PAYMENTS[0]
    for item in ITEMS[event_type]:
        price = item["amount"]["amount"] * 108 // 100
        paid = first["totals"]["grand_total"]["amount"] if item["id"] == first["subscription_items"][0]["id"] else price
        if item["period_start"] > item["created_at"] + DAY:  # it was renewed
            paid += price
        is_unpaid = WHEN[item["status"]] == "future" or item.get("is_free_trial")
        assert item["lifetime_paid"] == (0 if is_unpaid else paid)


@every_type
def test_an_amount_is_written_as_it_is(event_type):
    for found in objects(EVENTS[event_type].data):
        if "amount_formatted" in found:
            assert found["amount_formatted"] == f"{found['amount'] / 100:.2f}"
            assert (found["currency"], found["currency_symbol"]) == ("USD", "$")


@pytest.mark.parametrize("payment", PAYMENTS, ids=lambda payment: payment["status"])
def test_a_payment_adds_up(payment):
    def cents(money):
        return money["amount"]

    (item,) = payment["subscription_items"]
    proration, payer, total = item["credits"]["proration"], item["credits"]["payer"], item["credits"]["total"]
    assert item["credit"] == proration
    assert proration["cycle_remaining_percent"] == proration["cycle_days_remaining"] / proration["cycle_days_total"]
    assert cents(proration["amount"]) + cents(payer["applied_amount"]) == cents(total)
    totals = payment["totals"]
    assert cents(item["amount"]) - cents(total) == cents(totals["subtotal"])
    assert cents(totals["subtotal"]) + cents(totals["tax_total"]) == cents(totals["grand_total"])
    assert all(unit["amount"] * unit["quantity"] == unit["total"] for unit in totals["per_unit_totals"])
    assert item["plan"]["amount"] + sum(unit["total"] for unit in totals["per_unit_totals"]) == cents(item["amount"])
    assert item["id"] == sample("subscriptionItem.active")["id"]


@pytest.mark.parametrize("family", ["paymentAttempt", "subscription", "subscriptionItem"])
def test_what_is_paid_is_paid_by_who_subscribed(family):
    subscription = sample("subscription.created")
    trial = sample("subscriptionItem.freeTrialEnding")
    payers = {trial["payer"]["id"]: trial["subscription_id"], subscription["payer_id"]: subscription["id"]}
    for event in of_family(family):
        for payer, subscription_id in payers.items():
            if payer in values(event.data, "id"):
                assert set(values(event.data, "payer_id")) <= {payer}
                assert set(values(event.data, "subscription_id")) <= {subscription_id, None}
                break
        else:
            pytest.fail(f"nobody pays {event.type}")
        paid_with = [
            *values(event.data, "payment_source_id"),
            *[each["id"] for each in values(event.data, "payment_source")],
        ]
        assert set(paid_with) <= {sample("paymentAttempt.created")["payment_source"]["id"], None}


# Each family is as awkward as what is recorded, and has a regular sample too.


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
    ("user", "a Google account in its old form", lambda body: "google_account" in values(body, "object")),
    (
        "user",
        "a verification without object",
        lambda body: any("object" not in verification for verification in values(body, "verification") if verification),
    ),
    ("user", "a birthday", lambda body: "birthday" in body["data"]),
    ("user", "an empty client_ip", lambda body: "" in values(body, "client_ip")),
    ("session", "no user", lambda body: body["data"]["user"] is None),
    ("session", "a primary id that dangles", lambda body: values(body, "email_addresses") == [[]]),
    ("organization", "logo_url", lambda body: bool(values(body, "logo_url"))),
    ("organization", "no event_attributes", lambda body: "event_attributes" not in body),
    ("organizationDomain", "no verification", lambda body: None in values(body, "verification")),
    ("organizationInvitation", "no inviter", lambda body: None in values(body, "inviter_id")),
    ("organizationInvitation", "it never expires", lambda body: None in values(body, "expires_at")),
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
    ("permission", "no type", lambda body: "key" in body["data"] and "type" not in body["data"]),
    ("email", "no object", lambda body: "object" not in body["data"]),
    ("sms", "no object", lambda body: "object" not in body["data"]),
    ("sms", "no user", lambda body: body["data"]["user_id"] is None),
    ("waitlistEntry", "no instance_id", lambda body: "instance_id" not in body),
    ("paymentAttempt", "no object", lambda body: "object" not in body["data"]),
    ("paymentAttempt", "a payer without organization_id", has_lone_payer),
    ("subscription", "a payer without organization_id", has_lone_payer),
    ("subscription", "items without payer", lambda body: None in values(body, "payer")),
    ("subscriptionItem", "a payer without organization_id", has_lone_payer),
    ("subscriptionItem", "an organization without user", lambda body: "" in values(body, "user_id")),
]


def test_every_family_is_awkward_somewhere():
    assert {family for family, _, _ in AWKWARD} == FAMILIES


@pytest.mark.parametrize(("family", "form", "is_awkward"), AWKWARD)
def test_a_family_has_its_awkward_forms_and_a_regular_sample(family, form, is_awkward):
    awkward = {event.type: is_awkward(event.raw) for event in of_family(family)}
    assert any(awkward.values()), form
    # E-mails and text messages have one event, so theirs is both; one entry was made before there was an instance_id.
    assert awkward[f"{family}.created"] is (family in ("email", "sms") or form == "no instance_id")


# What a call returns.


@every_type
def test_samples_are_equal_and_fresh(event_type):
    assert sample_event(event_type) == EVENTS[event_type]
    spoilt = sample(event_type)
    for found in list(objects(spoilt)):
        found.clear()
    assert sample(event_type) == EVENTS[event_type].data


def test_nothing_in_a_sample_is_one_object_in_two_places():
    domain = sample("organizationDomain.created")
    assert domain["verification"] == domain["affiliation_verification"]
    assert domain["verification"] is not domain["affiliation_verification"]


@every_type
def test_a_class_gives_the_event_that_its_type_gives(event_type):
    assert sample_event(events.EVENT_CLASSES[event_type]) == sample_event(event_type)


def test_sample_events_have_lifelike_message_ids_of_their_own():
    message_ids = {event.message_id for event in EVENTS.values()}
    assert len(message_ids) == len(EVENTS)
    assert all(re.fullmatch("msg_[0-9A-Za-z]{27}", message_id) for message_id in message_ids)


@pytest.mark.parametrize(
    "make",
    [
        sample,
        lambda *args, **overrides: sample_event(*args, **overrides).data,
        lambda *args, **overrides: sample_event(events.UserCreated, **overrides).data,
        lambda *args, **overrides: json.loads(sample_delivery(*args, SECRET, **overrides).body)["data"],
    ],
)
def test_overrides_replace_keys_of_the_payload_and_nothing_else(make):
    user = make("user.created", first_name=None, birthday="1815-12-10")
    assert user == sample("user.created") | {"first_name": None, "birthday": "1815-12-10"}
    with pytest.raises(TypeError, match=r"UserJSON, the payload of user.created, has no key frist_name, last_nam\."):
        make("user.created", last_nam="King", first_name="Ada", frist_name="Ada")


@pytest.mark.parametrize("make", [sample, lambda *args, **overrides: sample_event(*args, **overrides).data])
def test_overrides_are_copied(make):
    addresses = []
    user = make("user.created", email_addresses=addresses, public_metadata={"addresses": addresses})
    user["email_addresses"].append("ada@example.com")
    assert (addresses, user["public_metadata"]) == ([], {"addresses": []})


@pytest.mark.parametrize(
    "make", [sample, sample_event, lambda *args, **kwargs: sample_delivery(*args, SECRET, **kwargs)]
)
def test_an_override_that_json_has_not_is_an_error(make):
    with pytest.raises(TypeError, match="datetime"):
        make("user.created", created_at=dt.datetime.now(dt.UTC))


@pytest.mark.parametrize("name", ["event_type", "self"])
def test_no_parameter_stands_in_the_way_of_an_override(name):
    with pytest.raises(TypeError, match=f"has no key {name}"):
        sample("user.created", **{name: "x"})


@pytest.mark.parametrize(
    ("event_type", "advice"),
    [
        ("user.craeted", "did you mean 'user.created'"),
        ("subscription.past_due", "did you mean 'subscription.pastDue'"),
        ("", "events.EVENT_CLASSES"),
        ("unknown", "events.EVENT_CLASSES"),
    ],
)
@pytest.mark.parametrize("make", [sample, sample_event, lambda event_type: sample_delivery(event_type, SECRET)])
def test_an_unknown_type_is_an_error_that_tells_what_to_do(make, event_type, advice):
    with pytest.raises(ValueError, match=re.escape(f"{event_type!r}")) as caught:
        make(event_type)
    assert advice in str(caught.value)
    assert "signed_request" in str(caught.value)


@pytest.mark.parametrize("event_class", [events.Event, events.UnknownEvent])
def test_a_class_of_no_single_type_has_no_sample(event_class):
    with pytest.raises(ValueError, match=f"{event_class.__name__} is no single event type"):
        sample_event(event_class)


# Signing.

USER_CREATED = EVENTS["user.created"]
COMPACT = '{"data":{"first_name":"Zoë"},"object":"event","type":"user.created"}'


@pytest.mark.parametrize(
    "event",
    [
        parse_event(COMPACT),
        json.loads(COMPACT),
        MappingProxyType(json.loads(COMPACT)),
        COMPACT,
        COMPACT.encode(),
    ],
    ids=["event", "dict", "mapping", "str", "bytes"],
)
@pytest.mark.parametrize("secret", [SECRET, b"a raw key of 24 bytes or more"])
def test_whatever_is_signed_is_the_same_compact_body(event, secret):
    request = signed_request(event, secret, message_id=ID, timestamp=NOW)
    assert request == SignedRequest(
        {
            "content-type": "application/json",
            "svix-id": ID,
            "svix-timestamp": str(NOW),
            "svix-signature": signature(COMPACT.encode(), secret=secret),
        },
        COMPACT.encode(),
    )
    assert Webhook(secret, clock=lambda: NOW).verify_and_parse(*request).raw == json.loads(COMPACT)


@pytest.mark.parametrize("event_type", ["user.created", "organization.updated"])
def test_a_body_begins_as_clerks_do(event_type):
    body = signed_request(EVENTS[event_type], SECRET).body
    assert body.startswith(b'{"data":{"')
    assert list(json.loads(body)) == sorted(json.loads(body))


@pytest.mark.parametrize("body", [b"\xff", b"", b"{", '{"type": "user.created", "data": {}}'])
def test_a_raw_body_is_signed_as_it_is(body):
    request = signed_request(body, SECRET)
    assert request.body == (body if isinstance(body, bytes) else body.encode())
    Webhook(SECRET).verify(*request)


@pytest.mark.parametrize(
    ("event", "message_id", "expected"),
    [
        (USER_CREATED, None, re.escape(USER_CREATED.message_id)),
        (USER_CREATED, ID, ID),
        (parse_event(USER_CREATED.raw), None, "msg_[0-9A-Za-z]{27}"),
        (USER_CREATED.raw, None, "msg_[0-9A-Za-z]{27}"),
        (b"{}", None, "msg_[0-9A-Za-z]{27}"),
        (b"{}", ID, ID),
    ],
)
def test_the_message_id_is_the_one_given_or_the_events_or_random(event, message_id, expected):
    request = signed_request(event, SECRET, message_id=message_id)
    assert re.fullmatch(expected, request.headers["svix-id"])
    assert Webhook(SECRET).verify(*request).id == request.headers["svix-id"]


def test_random_message_ids_differ():
    made = [sample_delivery("user.created", SECRET) for _ in range(50)]
    made += [signed_request(USER_CREATED.raw, SECRET) for _ in range(50)]
    assert len({request.headers["svix-id"] for request in made}) == 100
    assert {request.body for request in made} == {made[0].body}


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [(NOW, NOW), (dt.datetime.fromtimestamp(NOW + 0.9, dt.UTC), NOW)],
)
def test_a_time_of_signing_that_is_given_is_used(timestamp, seconds):
    request = signed_request(USER_CREATED, SECRET, timestamp=timestamp)
    assert Webhook(SECRET, clock=lambda: NOW).verify(*request).timestamp == seconds


def test_a_request_is_signed_now():
    before = int(time.time())
    for request in (signed_request(b"{}", SECRET), sample_delivery(events.UserDeleted, SECRET)):
        assert before <= int(request.headers["svix-timestamp"]) <= time.time()


def test_another_secret_does_not_verify_it():
    with pytest.raises(SignatureMismatchError):
        Webhook(OTHER_SECRET).verify(*sample_delivery("user.created", SECRET))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"message_id": ""}, InvalidHeaderError),
        ({"message_id": "with.dot"}, InvalidHeaderError),
        ({"timestamp": 0}, InvalidHeaderError),
        ({"timestamp": dt.datetime(2025, 1, 1)}, TypeError),  # noqa: DTZ001
        ({"event": None}, TypeError),
    ],
)
def test_what_cannot_be_signed_is_an_error(arguments, error):
    with pytest.raises(error):
        signed_request(**{"event": b"{}", "secret": SECRET} | arguments)


@pytest.mark.parametrize(
    "make",
    [
        lambda secret: signed_request(b"{}", secret),
        lambda secret: sample_delivery("user.created", secret),
    ],
)
def test_a_bad_secret_is_in_no_message_and_no_local_variable(make):
    with pytest.raises(SecretError) as caught:
        make("sk_test_" + "unlikely")
    ours = [frame for frame in traceback.walk_tb(caught.tb) if "clerk_webhook" in frame[0].f_code.co_filename]
    assert ours
    for frame, _ in ours:
        if not frame.f_code.co_filename.endswith("test_testing.py"):
            assert "unlikely" not in repr(frame.f_locals)
    assert "unlikely" not in str(caught.value)


def test_a_lone_surrogate_is_sent_as_json_writes_it():
    event = parse_event('{"type": "user.created", "data": {"first_name": "\\ud83d"}}')
    assert Webhook(SECRET).verify_and_parse(*signed_request(event, SECRET)).data == event.data
