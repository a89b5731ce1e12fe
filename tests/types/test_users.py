"""The helpers read users in every shape of real bodies."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clerk_webhook import parse_event
from clerk_webhook.users import (
    full_name,
    primary_email_address,
    primary_phone_number,
    primary_web3_wallet,
    to_datetime,
    verified_email_addresses,
)

PRIMARY = {
    "email_address": primary_email_address,
    "phone_number": primary_phone_number,
    "web3_wallet": primary_web3_wallet,
}
LISTS = {"email_address": "email_addresses", "phone_number": "phone_numbers", "web3_wallet": "web3_wallets"}


@pytest.mark.parametrize("kind", PRIMARY)
@pytest.mark.parametrize(
    ("primary_id", "resources", "primary"),
    [
        ("idn_1", [("idn_1", "one"), ("idn_2", "two")], "one"),
        ("idn_2", [("idn_1", "one"), ("idn_2", "two")], "two"),
        ("idn_3", [("idn_1", "one"), ("idn_2", "two")], None),
        ("idn_1", [], None),  # the Dashboard's "Send Example"
        (None, [("idn_1", "one")], None),
        (None, [(None, "one")], None),
        ("", [("", "one")], None),
        (None, [], None),
        ("idn_1", [(None, "one"), ("idn_1", "two")], "two"),
    ],
)
def test_the_primary_resource_is_the_one_with_the_primary_id(kind, primary_id, resources, primary):
    resources = [{"id": resource_id, kind: value, "object": kind} for resource_id, value in resources]
    user = {f"primary_{kind}_id": primary_id, LISTS[kind]: resources}
    assert PRIMARY[kind](user) == primary
    # The id can be absent instead of null.
    for resource in resources:
        if resource["id"] is None:
            del resource["id"]
    assert PRIMARY[kind](user) == primary


def test_each_helper_reads_its_own_kind_of_resource():
    user = {
        **{f"primary_{kind}_id": "idn_1" for kind in LISTS},
        **{several: [{"id": "idn_1", kind: several}] for kind, several in LISTS.items()},
    }
    assert [primary(user) for primary in PRIMARY.values()] == [*LISTS.values()]


@pytest.mark.parametrize(
    ("addresses", "verified"),
    [
        ([], []),
        ([("ada@example.com", {"status": "verified"})], ["ada@example.com"]),
        ([("ada@example.com", None)], []),  # a reserved primary address
        ([("ada@example.com", {"status": "unverified"}), ("a@example.com", {"status": "expired"})], []),
        ([("ada@example.com", {})], []),
        ([(None, {"status": "verified"})], []),
        (
            [
                ("b@example.com", {"status": "verified"}),
                ("x@example.com", None),
                ("a@example.com", {"status": "verified"}),
            ],
            ["b@example.com", "a@example.com"],
        ),
    ],
)
def test_an_address_is_verified_if_its_verification_says_so(addresses, verified):
    user = {"email_addresses": [{"email_address": text, "verification": state} for text, state in addresses]}
    assert verified_email_addresses(user) == verified


@pytest.mark.parametrize(
    ("first_name", "last_name", "name"),
    [
        ("Ada", "Lovelace", "Ada Lovelace"),
        ("Ada", None, "Ada"),
        (None, "Lovelace", "Lovelace"),
        ("Ada", "", "Ada"),
        ("", "Lovelace", "Lovelace"),
        (None, None, None),
        ("", "", None),
        ("", None, None),
        (" ", " Lovelace ", "Lovelace"),
    ],
)
def test_the_full_name_has_the_names_that_are_not_blank(first_name, last_name, name):
    assert full_name({"first_name": first_name, "last_name": last_name}) == name


@pytest.mark.parametrize("function", [*PRIMARY.values(), full_name])
@pytest.mark.parametrize(
    "user",
    [
        None,
        {},
        {"id": "user_1", "object": "user"},
        {"primary_email_address_id": "idn_1", "primary_phone_number_id": "idn_1", "primary_web3_wallet_id": "idn_1"},
        {"primary_email_address_id": "idn_1", "email_addresses": None},
        {"email_addresses": [{"email_address": "ada@example.com"}]},
    ],
)
def test_a_user_without_the_keys_gives_none(function, user):
    assert function(user) is None
    assert verified_email_addresses(user) == []


def test_the_user_of_a_session_can_be_read():
    user = {
        "primary_email_address_id": "idn_1",
        "email_addresses": [{"id": "idn_1", "email_address": "ada@example.com"}],
    }
    event = parse_event({"type": "session.created", "data": {"user": user}})
    assert primary_email_address(event.data.get("user")) == "ada@example.com"
    # Older bodies have no user.
    event = parse_event({"type": "session.created", "data": {}})
    assert primary_email_address(event.data.get("user")) is None


def utc(*moment):
    return dt.datetime(*moment, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("millis", "moment"),
    [
        (None, None),
        (0, utc(1970, 1, 1)),
        (1761912345678, utc(2025, 10, 31, 12, 5, 45, 678_000)),
        (1761912345001, utc(2025, 10, 31, 12, 5, 45, 1_000)),
        (-1, utc(1969, 12, 31, 23, 59, 59, 999_000)),
        (253402300799999, utc(9999, 12, 31, 23, 59, 59, 999_000)),
        (-62135596800000, utc(1, 1, 1)),
    ],
)
def test_a_time_is_an_aware_datetime_in_utc(millis, moment):
    assert to_datetime(millis) == moment
    assert moment is None or to_datetime(millis).tzinfo is dt.UTC


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_a_time_is_not_rounded(moment):
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    millis = (moment - utc(1970, 1, 1)) // dt.timedelta(milliseconds=1)
    assert to_datetime(millis) == moment


@pytest.mark.parametrize("exponent", [15, 18, 30, 400, 10_000])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_time_outside_the_calendar_is_an_overflow_error(exponent, sign):
    with pytest.raises(OverflowError):
        to_datetime(sign * 10**exponent)
