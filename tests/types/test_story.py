"""The samples tell one story: every reference finds its resource, and every time fits the others."""

import re

import pytest
from bodies import DAY, EVENTS, FAMILIES, every_type, objects, of_family, values

from clerk_webhook import events
from clerk_webhook.testing import sample

ADA = EVENTS["user.created"].data["id"]
ORGANIZATION = EVENTS["organization.created"].data
PAYMENTS = [event.data for event in of_family("paymentAttempt")]
USERS = {
    event_type: user
    for event_type, event in EVENTS.items()
    for user in objects(event.data)
    if user.get("object") == "user" and "email_addresses" in user
}
ITEMS = {
    event_type: [found for found in objects(event.data) if {"period_start", "interval"} <= found.keys()]
    for event_type, event in EVENTS.items()
}


@pytest.mark.parametrize("event_type", USERS)
@pytest.mark.parametrize(
    ("primary", "resources", "dangling_in"),
    [
        ("primary_email_address_id", "email_addresses", {"session.removed"}),
        ("primary_phone_number_id", "phone_numbers", set()),
        ("primary_web3_wallet_id", "web3_wallets", {"user.updated"}),
    ],
)
def test_a_primary_id_names_a_resource_of_the_user(event_type, primary, resources, dangling_in):
    user = USERS[event_type]
    is_there = user[primary] in [resource["id"] for resource in user[resources]]
    assert is_there is (event_type not in dangling_in)


def test_the_primary_address_is_not_the_first():
    user = sample(events.UserCreated)
    assert len(user["email_addresses"]) > 1
    assert user["email_addresses"][0]["id"] != user["primary_email_address_id"]


@pytest.mark.parametrize("event_type", USERS)
def test_an_address_is_linked_to_an_account_with_that_address(event_type):
    user = USERS[event_type]
    accounts = {
        account.get("identification_id", account["id"]): account
        for account in [*user["external_accounts"], *user["enterprise_accounts"]]
    }
    for address in user["email_addresses"]:
        for link in address["linked_to"]:
            assert accounts[link["id"]]["email_address"] == address["email_address"]


SCIM_IN = {"user.created", "user.updated"}
# A sign-up makes these before the user, and a user makes the others.
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
def test_only_the_parts_of_a_sign_up_are_older_than_the_user(event_type):
    user = USERS[event_type]
    signed_up = user["created_at"]
    assert ("scim" in user) is (event_type in SCIM_IN)
    assert user["last_active_at"] == user["last_active_at"] // DAY * DAY >= user["last_sign_in_at"] // DAY * DAY
    # Only an enterprise connection has no `object`, and it is older than its users.
    for found in (found for found in objects(user) if "object" in found):
        times = {key: time for key, time in found.items() if time is not None}
        assert all(signed_up - 60_000 < times[key] for key in times.keys() & BY_SIGNING_UP)
        assert all(signed_up <= times[key] for key in times.keys() & BY_A_USER)
        assert signed_up < times.get("expire_at", signed_up + 1)


CREATED = {
    found["id"]: found["created_at"]
    for event in EVENTS.values()
    for found in objects(event.data)
    if {"id", "created_at"} <= found.keys()
}


def id_of(value):
    return value.get("id", value.get("user_id")) if isinstance(value, dict) else value


@every_type
def test_a_resource_is_not_older_than_a_resource_that_it_names(event_type):
    for found in objects(EVENTS[event_type].data):
        if "created_at" in found:
            named = {key: value for key, value in found.items() if isinstance(id_of(value), str)}
            # An entry in the waitlist is older than its invitation.
            named.pop("invitation", None)
            assert all(CREATED.get(id_of(value), 0) <= found["created_at"] for value in named.values())


@every_type
def test_an_event_happens_in_the_life_of_its_resources(event_type):
    event = EVENTS[event_type]
    about = {event.user_id, event.organization_id, event.data["id"]}
    for other in EVENTS.values():
        # A session with tasks is pending before it is created.
        if other.data["id"] in about and (event_type, other.type) != ("session.pending", "session.created"):
            assert other.timestamp <= event.timestamp or not other.type.endswith(".created")
            assert other.timestamp >= event.timestamp or not other.type.endswith(".deleted")


# An item inside a subscription has no payer. A plan differs inside a payment. An item has two names for its kind.
TOLD_OTHERWISE = {"payer", "plan", "subscription_id", "object"}


@every_type
def test_an_event_repeats_the_last_state_of_other_resources(event_type):
    event = EVENTS[event_type]
    for found in objects(event.data):
        # The user of a session has signed in since, and Clerk sends no user event for a sign-in.
        if found is event.data or found.get("object") == "user":
            continue
        earlier = [
            other for other in EVENTS.values() if other.data["id"] == id_of(found) and other.timestamp < event.timestamp
        ]
        last = max(earlier, key=lambda other: other.timestamp).data if earlier else {}
        shared = (found.keys() & last.keys()) - TOLD_OTHERWISE
        assert {key: found[key] for key in shared} == {key: last[key] for key in shared}


@every_type
def test_keys_that_repeat_a_value_agree(event_type):
    event, permission = EVENTS[event_type], sample(events.PermissionCreated)
    hers = {address["email_address"] for address in sample(events.UserCreated)["email_addresses"]}
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
def test_an_event_is_about_the_same_user(event_type):
    event = EVENTS[event_type]
    if event_type == "organizationInvitation.accepted":
        assert event.user_id not in (ADA, None)
    elif event_type.partition(".")[0] in {"user", "session", "organizationMembership", "email", "subscription"}:
        assert event.user_id == ADA
    else:
        assert event.user_id in (ADA, None)
    for found in objects(event.data):
        if "last_name" in found and found.get("object") not in ("external_account", "google_account"):
            assert (found["first_name"], found["last_name"]) in [("Ada", "Lovelace"), (None, None), ("", "")]


@every_type
def test_an_event_is_about_the_same_organization(event_type):
    event = EVENTS[event_type]
    names_one = re.match(r"organization(Membership|Invitation)?\.|organizationDomain\.(?!deleted)", event_type)
    assert event.organization_id in ([ORGANIZATION["id"]] if names_one else [ORGANIZATION["id"], None])
    for found in objects(event.data):
        if found.get("object") == "organization" and "name" in found:
            same = ("id", "name", "slug", "image_url", "created_at")
            assert {key: found[key] for key in same} == {key: ORGANIZATION[key] for key in same}


def test_the_founder_of_an_organization_is_its_first_member():
    membership = sample(events.OrganizationMembershipCreated)
    assert ORGANIZATION["created_by"] == ADA == membership["public_user_data"]["user_id"]
    assert membership["organization"]["members_count"] == 1


def test_a_deleted_membership_is_the_membership_as_it_was():
    event = EVENTS["organizationMembership.deleted"]
    assert event.data == sample(events.OrganizationMembershipUpdated)
    assert event.data["updated_at"] < event.timestamp - DAY


@pytest.mark.parametrize("event", of_family("session"), ids=lambda event: event.type)
def test_a_session_belongs_to_its_user_and_expires_later(event):
    session = event.data
    assert (session.get("user") or {"id": session["user_id"]})["id"] == session["user_id"]
    assert session["created_at"] < session["expire_at"] <= session["abandon_at"]
    assert session["last_active_at"] >= session["created_at"]


@pytest.mark.parametrize(
    "family",
    sorted(FAMILIES - {"organizationInvitation", "subscriptionItem"}),  # these are about several resources
)
def test_the_events_of_a_family_are_about_one_resource(family):
    assert len({event.data["id"] for event in of_family(family)}) == 1


def test_messages_go_to_addresses_of_the_user():
    user, email, sms = sample(events.UserCreated), sample(events.EmailCreated), sample(events.SmsCreated)
    assert (email["email_address_id"], email["to_email_address"]) in [
        (address["id"], address["email_address"]) for address in user["email_addresses"]
    ]
    assert (sms["phone_number_id"], sms["to_phone_number"]) in [
        (number["id"], number["phone_number"]) for number in user["phone_numbers"]
    ]


# Billing.

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
        # An abandoned item stays abandoned after its start.
        now = item["updated_at"] if item["status"] == "abandoned" else EVENTS[event_type].timestamp
        start, end = item["period_start"], item["period_end"] or now + 1
        assert WHEN[item["status"]] == ("future" if now < start else "now" if now < end else "past")
        assert item["created_at"] <= start < end <= start + {"month": 31, "annual": 365}[item["interval"]] * DAY


def test_a_subscription_has_the_status_of_its_present_item_and_keeps_past_items():
    kept = set()
    for event in sorted(of_family("subscription"), key=lambda event: event.timestamp):
        (present,) = [item for item in event.data["items"] if item["status"] not in ("ended", "abandoned")]
        assert present["status"] == event.data["status"]
        assert kept <= set(values(event.data["items"], "id"))
        kept = {item["id"] for item in event.data["items"]}


@every_type
def test_an_amount_of_money_is_formatted_as_it_is(event_type):
    for found in objects(EVENTS[event_type].data):
        if "amount_formatted" in found:
            assert found["amount_formatted"] == f"${found['amount'] / 100:.2f}"
            assert (found["currency"], found["currency_symbol"]) == ("USD", "$")


def seats_cost(item):
    """Return the price of an item's seats, by the tiers of its plan."""
    seats = item["seats"]["quantity"]
    return sum(
        tier["amount_per_block"] * max(0, min(seats, tier["ends_after_block"] or seats) - tier["starts_at_block"] + 1)
        for price in item["plan"]["unit_prices"]
        for tier in price["tiers"]
    )


def cents(money):
    return money["amount"]


@pytest.mark.parametrize("payment", PAYMENTS, ids=lambda payment: payment["status"])
def test_the_totals_of_a_payment_add_up(payment):
    totals, (item,) = payment["totals"], payment["subscription_items"]
    active = sample(events.SubscriptionItemActive)
    assert item["id"] == active["id"]
    assert sum(unit["total"] for unit in totals["per_unit_totals"]) == seats_cost(active)
    assert all(unit["amount"] * unit["quantity"] == unit["total"] for unit in totals["per_unit_totals"])
    price = item["plan"]["amount"] + seats_cost(active)
    assert cents(item.get("amount", {"amount": price})) == item.get("next_payment_amount", price) == price
    assert price - cents(CREDITS["total"]) == cents(totals["subtotal"])
    assert cents(totals["subtotal"]) + cents(totals["tax_total"]) == cents(totals["grand_total"])


CREDITS = PAYMENTS[0]["subscription_items"][0]["credits"]


def test_the_credits_of_a_payment_add_up():
    proration = CREDITS["proration"]
    assert [payment["subscription_items"][0]["credit"] for payment in PAYMENTS] == [proration, proration]
    assert proration["cycle_remaining_percent"] == proration["cycle_days_remaining"] / proration["cycle_days_total"]
    assert cents(proration["amount"]) + cents(CREDITS["payer"]["applied_amount"]) == cents(CREDITS["total"])


@pytest.mark.parametrize("family", ["paymentAttempt", "subscription", "subscriptionItem"])
def test_the_payer_of_a_subscription_pays_for_it(family):
    subscription = sample(events.SubscriptionCreated)
    trial = sample(events.SubscriptionItemFreeTrialEnding)
    payers = {trial["payer"]["id"]: trial["subscription_id"], subscription["payer_id"]: subscription["id"]}
    for event in of_family(family):
        (payer,) = payers.keys() & set(values(event.data, "id"))
        assert set(values(event.data, "payer_id")) <= {payer}
        assert set(values(event.data, "subscription_id")) <= {payers[payer], None}
        paid_with = [
            *values(event.data, "payment_source_id"),
            *[source["id"] for source in values(event.data, "payment_source")],
        ]
        assert set(paid_with) <= {sample(events.PaymentAttemptCreated)["payment_source"]["id"], None}
