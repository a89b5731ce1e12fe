"""A check lists every difference from the data types once, in its place, and nothing private."""

import copy
import logging
from collections.abc import Sequence
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Required,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clerk_webhook import events, parse_event, types
from clerk_webhook.conformance import Mismatch, _annotation_text, check, is_payload
from clerk_webhook.events import data_type_of
from clerk_webhook.testing import sample_event
from clerk_webhook.testing._samples import PAYLOADS

DATA_TYPES = {event_type: data_type_of(event_type) for event_type in events.EVENT_CLASSES}

VERIFICATION = {"status": "verified", "strategy": "email_code", "attempts": 1, "expire_at": 1761912945600}
ADDRESS = {
    "id": "idn_1",
    "object": "email_address",
    "email_address": "ada@example.com",
    "reserved": False,
    "verification": VERIFICATION,
    "linked_to": [{"type": "oauth_google", "id": "idn_2"}],
    "created_at": 1761912345600,
    "updated_at": 1761912345690,
}
USER = {
    "id": "user_1",
    "object": "user",
    "external_id": None,
    "primary_email_address_id": "idn_1",
    "primary_phone_number_id": None,
    "primary_web3_wallet_id": None,
    "username": None,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "image_url": "https://img.clerk.com/1",
    "has_image": False,
    "public_metadata": {"plan": "free"},
    "private_metadata": {},
    "unsafe_metadata": {},
    "email_addresses": [ADDRESS, {**ADDRESS, "id": "idn_3", "verification": None}],
    "phone_numbers": [],
    "web3_wallets": [],
    "passkeys": [],
    "password_enabled": True,
    "two_factor_enabled": False,
    "totp_enabled": False,
    "backup_code_enabled": False,
    "external_accounts": [],
    "last_sign_in_at": None,
    "banned": False,
    "locked": False,
    "lockout_expires_in_seconds": None,
    "verification_attempts_remaining": 100,
    "updated_at": 1761912345690,
    "created_at": 1761912345678,
    "delete_self_enabled": True,
    "create_organization_enabled": True,
    "last_active_at": 1761912345670,
    "legal_accepted_at": None,
}
BODY = {
    "type": "user.created",
    "object": "event",
    "data": USER,
    "timestamp": 1761912345700,
    "instance_id": "ins_1",
    "event_attributes": {"http_request": {"client_ip": "203.0.113.7", "user_agent": ""}},
}
DELETED = {"object": "user", "id": "user_1", "deleted": True}
CREDIT = {
    "amount": {"amount": 100, "amount_formatted": "1.00", "currency": "USD", "currency_symbol": "$"},
    "cycle_days_remaining": 15,
    "cycle_days_total": 30,
    "cycle_remaining_percent": 0.5,
}
INVITATION = {
    "object": "organization_invitation",
    "id": "orginv_1",
    "email_address": "ada@example.com",
    "role": "org:member",
    "role_name": "Member",
    "public_metadata": {},
    "url": None,
    "expires_at": None,
    "created_at": 1,
    "updated_at": 1,
}
EMAIL = sample_event(events.EmailCreated).data
REMOVED = object()


def changed(value, path, new):
    value = copy.deepcopy(value)
    *way, last = path
    place = value
    for step in way:
        place = place[step]
    if new is REMOVED:
        del place[last]
    else:
        place[last] = new
    return value


STATUSES = 'Literal["unverified", "verified", "failed", "expired", "transferable"]'
ADDRESS_STATUS = ("data", "email_addresses", 0, "verification", "status")


@pytest.mark.parametrize("as_event", [False, True])
@pytest.mark.parametrize(
    ("path", "new", "mismatch"),
    [
        (("data", "first_name"), 3, ("data.first_name", "type", "str | None", "int")),
        (("data", "first_name"), REMOVED, ("data.first_name", "missing", "str | None", "nothing")),
        (("data", "first_name"), None, None),
        (("data", "image_url"), REMOVED, None),
        (("data", "image_url"), None, ("data.image_url", "type", "str", "None")),
        (("data", "hair"), "red", ("data.hair", "unexpected", "no such key", "str")),
        (("data", "hair"), None, ("data.hair", "unexpected", "no such key", "None")),
        (("data", "locked"), 0, ("data.locked", "type", "bool", "int")),
        (("data", "created_at"), True, ("data.created_at", "type", "int", "bool")),
        (("data", "created_at"), 1.0, ("data.created_at", "type", "int", "float")),
        (("data", "created_at"), "2025", ("data.created_at", "type", "int", "str")),
        pytest.param(("data", "created_at"), 10**10_000, None, id="endless number"),
        (("data", "last_sign_in_at"), [], ("data.last_sign_in_at", "type", "int | None", "list")),
        (("data", "public_metadata"), {"a": {"b": [1, None]}}, None),
        (("data", "public_metadata"), [], ("data.public_metadata", "type", "dict[str, Any]", "list")),
        (("data", "private_metadata"), "x", ("data.private_metadata", "type", "dict[str, Any] | None", "str")),
        (("data", "email_addresses"), {}, ("data.email_addresses", "type", "list[EmailAddressJSON]", "dict")),
        (("data", "email_addresses", 1), None, ("data.email_addresses[1]", "type", "EmailAddressJSON", "None")),
        (ADDRESS_STATUS, "odd", ("data.email_addresses[0].verification.status", "value", STATUSES, "'odd'")),
        (ADDRESS_STATUS, 1, ("data.email_addresses[0].verification.status", "type", STATUSES, "int")),
        (ADDRESS_STATUS[:-1], None, None),
        (
            ADDRESS_STATUS[:-1],
            "verified",
            ("data.email_addresses[0].verification", "type", "VerificationJSON | None", "str"),
        ),
        (("object",), "Event", ("object", "value", 'Literal["event"]', "'Event'")),
        (("object",), REMOVED, ("object", "missing", 'Literal["event"]', "nothing")),
        (("timestamp",), "now", ("timestamp", "type", "int", "str")),
        (("timestamp",), REMOVED, None),
        (("version",), 2, ("version", "unexpected", "no such key", "int")),
        (
            ("event_attributes", "http_request", "client_ip"),
            None,
            ("event_attributes.http_request.client_ip", "type", "str", "None"),
        ),
    ],
)
def test_a_change_gives_one_mismatch_or_none(path, new, mismatch, as_event):
    body = changed(BODY, path, new)
    expected = [Mismatch(*mismatch)] if mismatch else []
    assert check(parse_event(body) if as_event else body) == expected
    if path[0] == "data":  # a check of the data alone finds the same
        assert check(body["data"]) == [each._replace(path=each.path.removeprefix("data.")) for each in expected]


@pytest.mark.parametrize(
    ("path", "new", "mismatch"),
    [
        (("type",), REMOVED, ("type", "missing", "str", "nothing")),
        (("type",), ["user.created"], ("type", "type", "str", "list")),
        (("data",), REMOVED, ("data", "missing", "UserJSON", "nothing")),
        (("data",), None, ("data", "type", "UserJSON", "None")),
    ],
)
def test_a_payload_that_is_no_event_is_checked_too(path, new, mismatch):
    assert check(changed(BODY, path, new)) == [mismatch]


@pytest.mark.parametrize("data", [USER, {"id": 3}, None, "text", [[]]])
def test_the_data_of_a_type_newer_than_this_release_is_not_checked(data):
    body = BODY | {"type": "user.teleported", "data": data, "timestamp": None}
    assert check(body) == check(parse_event(body)) == [("timestamp", "type", "int", "None")]


ANY_OBJECT = (
    'Literal["event", "user", "session", "organization", "organization_domain", "organization_invitation", '
    '"organization_membership", "role", "permission", "email", "sms_message", "waitlist_entry", "waitlistEntry", '
    '"commerce_payment_attempt", "commerce_subscription", "commerce_subscription_item", "subscription_item"]'
)


@pytest.mark.parametrize(
    ("value", "mismatch"),
    [
        *[
            (value, ("", "type", "WebhookEventJSON", name))
            for value, name in [
                (3, "int"),
                (None, "None"),
                ([], "list"),
                ("user", "str"),
                (True, "bool"),
                (1.5, "float"),
            ]
        ],
        ({}, ("object", "missing", ANY_OBJECT, "nothing")),
        ({"id": "ema_1", "data": {}, "subject": "Hello"}, ("object", "missing", ANY_OBJECT, "nothing")),
        ({"object": "phone_number"}, ("object", "value", ANY_OBJECT, "'phone_number'")),
        ({"object": None}, ("object", "type", ANY_OBJECT, "None")),
        ({"object": ["user"]}, ("object", "type", ANY_OBJECT, "list")),
        (EMAIL | {"object": "novelty"}, ("object", "value", ANY_OBJECT, "'novelty'")),
    ],
)
def test_a_value_that_is_no_payload_and_no_data_gives_one_mismatch(value, mismatch):
    assert check(value) == [mismatch]


@pytest.mark.parametrize(
    ("payload", "data_type"),
    [
        (DELETED, None),
        (DELETED | {"object": "novelty"}, None),
        (INVITATION, None),
        (INVITATION | {"user_id": "user_1"}, None),
        (USER, types.UserJSON),
        (ADDRESS, types.EmailAddressJSON),
        (CREDIT, types.BillingSubscriptionCreditJSON),
        (EMAIL, None),
        ({key: EMAIL[key] for key in types.EmailJSON.__required_keys__}, None),
        (sample_event("sms.created").data, None),
        (sample_event("paymentAttempt.updated").data, None),
        (CREDIT | {"cycle_remaining_percent": 1}, types.BillingSubscriptionCreditJSON),
        (BODY, types.WebhookEventJSON),
        (MappingProxyType(BODY), None),
        (MappingProxyType(USER), None),
    ],
)
def test_data_that_conforms_has_no_mismatch(payload, data_type):
    assert check(payload, data_type) == []


@pytest.mark.parametrize(
    ("value", "data_type", "mismatches"),
    [
        (DELETED | {"deleted": False}, types.DeletedObjectJSON, []),
        (DELETED | {"id": None}, None, [("id", "type", "str", "None")]),
        (EMAIL | {"subject": 3}, None, [("subject", "type", "str", "int")]),
        (USER | {"deleted": False}, None, [("deleted", "unexpected", "no such key", "bool")]),
        (
            CREDIT | {"cycle_remaining_percent": True},
            types.BillingSubscriptionCreditJSON,
            [("cycle_remaining_percent", "type", "float", "bool")],
        ),
        (
            DELETED,
            types.HttpRequestJSON,
            [
                (key, "unexpected", "no such key", name)
                for key, name in [("object", "str"), ("id", "str"), ("deleted", "bool")]
            ],
        ),
        (3, types.UserJSON, [("", "type", "UserJSON", "int")]),
        (INVITATION | {"role": 1}, None, [("role", "type", "str", "int")]),
        (INVITATION | {"user_id": "user_1", "role": 1}, None, [("role", "type", "str", "int")]),
        (
            INVITATION | {"object": "user"},
            types.OrganizationInvitationJSON,
            [("object", "value", 'Literal["organization_invitation"]', "'user'")],
        ),
    ],
)
def test_the_object_of_data_or_the_caller_decides_its_type(value, data_type, mismatches):
    assert check(value, data_type) == mismatches


def test_mismatches_come_in_the_order_of_the_types_and_unexpected_keys_last():
    body = {"z": 1, "a": 1, "event_attributes": 1, "object": 1, "data": {"y": 1, "b": 1, "deleted": 1, "object": 1}}
    body |= {"type": "user.deleted", "timestamp": "1"}
    assert [mismatch.path for mismatch in check(body)] == [
        "object",
        "data.object",
        "data.id",
        "data.deleted",
        "data.y",
        "data.b",
        "timestamp",
        "event_attributes",
        "z",
        "a",
    ]


class MyUserJSON(types.UserJSON):
    loyalty: "NotRequired[int]"


class PartJSON(TypedDict, total=False):
    needed: "Required[Literal['a'] | Literal['b'] | None]"  # noqa: PYI030
    offered: int | str
    certain: Literal[True]


class TreeJSON(TypedDict):
    name: str
    children: "NotRequired[list[TreeJSON]]"


@pytest.mark.parametrize("wrap", [lambda user: user, lambda user: parse_event(BODY | {"data": user})])
def test_the_data_type_can_be_a_typed_dict_of_your_own(wrap):
    prefix = "" if wrap(USER) is USER else "data."
    assert check(wrap(USER), MyUserJSON) == check(wrap(USER | {"loyalty": 3}), MyUserJSON) == []
    assert check(wrap(USER | {"loyalty": "x"}), MyUserJSON) == [(f"{prefix}loyalty", "type", "int", "str")]


def test_the_data_of_a_type_newer_than_this_release_is_checked_against_a_given_type():
    event = parse_event(
        {"object": "event", "type": "user.vanished", "data": {"object": "user", "id": 1, "deleted": True}}
    )
    assert check(event, types.DeletedObjectJSON) == [("data.id", "type", "str", "int")]


@pytest.mark.parametrize(
    ("value", "mismatches"),
    [
        ({"needed": "b"}, []),
        ({"needed": None, "offered": 1}, []),
        ({"needed": "a", "offered": "x"}, []),
        ({}, [("needed", "missing", 'Literal["a"] | Literal["b"] | None', "nothing")]),
        ({"needed": "c"}, [("needed", "value", 'Literal["a"] | Literal["b"] | None', "'c'")]),
        ({"needed": "a", "offered": 1.5}, [("offered", "type", "int | str", "float")]),
        ({"needed": "a", "certain": True}, []),
        ({"needed": "a", "certain": 1}, [("certain", "type", "Literal[True]", "int")]),
    ],
)
def test_a_check_understands_unions_and_required_keys(value, mismatches):
    assert check(value, PartJSON) == mismatches


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        (USER, dict),
        (USER, int),
        (USER, "UserJSON"),
        (types.UserJSON, {"first_name": "Ada"}),
        (types.UserJSON, USER),
        (types.UserJSON, parse_event(BODY)),
    ],
)
def test_swapped_or_wrong_arguments_are_a_type_error_without_the_data(value, data_type):
    with pytest.raises(TypeError, match=r"^data_type must be a TypedDict: check\(data, types\.UserJSON\)\.$"):
        check(value, data_type)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("plain", "plain"),
        ("Straße", "Straße"),
        ("", '[""]'),
        ("weird key", '["weird key"]'),
        ("a.b", '["a.b"]'),
        ("a[0]", '["a[0]"]'),
        ("0", '["0"]'),
        ('"', r'["\""]'),
        ("line\nbreak", r'["line\nbreak"]'),
        ("\ud800", r'["\ud800"]'),
        ("\\ud800", r'["\\ud800"]'),
        ("\x1b[31m", r'["\u001b[31m"]'),
    ],
)
def test_the_path_of_a_key_is_unambiguous_and_printable(key, path):
    (mismatch,) = check(DELETED | {key: 1})
    assert mismatch == (path, "unexpected", "no such key", "int")
    (mismatch,) = check(BODY | {"data": USER | {key: 1}})
    assert mismatch.path == (f"data{path}" if path.startswith("[") else f"data.{path}")
    assert str(mismatch).isprintable()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("odd", "'odd'"),
        ("", "''"),
        ("x" * 40, "'" + "x" * 40 + "'"),
        ("x" * 41, "'" + "x" * 40 + "'..."),
        pytest.param("x" * 1_000_000, "'" + "x" * 40 + "'...", id="endless text"),
        ("two\nlines", r"'two\nlines'"),
        ("\ud800", r"'\ud800'"),
        pytest.param(10**10_000, "int", id="endless number"),
        (True, "bool"),
    ],
)
def test_a_mismatch_shows_the_value_of_an_enum_alone_on_one_short_line(value, found):
    (mismatch,) = check(changed(BODY, ADDRESS_STATUS, value))
    assert mismatch.found == found
    assert found in str(mismatch)
    (mismatch,) = check(DELETED | {"id": [value]})
    assert mismatch.found == "list"


@pytest.mark.parametrize(
    ("mismatch", "line"),
    [
        (Mismatch("data.first_name", "type", "str | None", "int"), "data.first_name: expected str | None, found int"),
        (Mismatch("data.id", "missing", "str", "nothing"), "data.id: expected str, found nothing"),
        (Mismatch("id2", "unexpected", "no such key", "str"), "id2: expected no such key, found str"),
        (Mismatch("", "type", "WebhookEventJSON", "int"), "expected WebhookEventJSON, found int"),
    ],
)
def test_a_mismatch_is_a_line_of_text(mismatch, line, caplog):
    logging.getLogger("test").warning("%s", mismatch)
    assert str(mismatch) == f"{mismatch}" == caplog.messages[0] == line


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (str, "str"),
        (None | int, "None | int"),
        (types.UnixMillis | None, "int | None"),
        (types.Metadata | None, "dict[str, Any] | None"),
        (Any, "Any"),
        (list[types.EmailAddressJSON], "list[EmailAddressJSON]"),
        (list[list[str] | None], "list[list[str] | None]"),
        (types.VerificationJSON | None, "VerificationJSON | None"),
        (Literal["a", 'b"'], r'Literal["a", "b\""]'),
        (Literal[True, 3], "Literal[True, 3]"),
        (Literal["a"] | None, 'Literal["a"] | None'),
        (NotRequired[str | None], "NotRequired[str | None]"),
    ],
)
def test_an_annotation_reads_as_in_source(annotation, text):
    assert _annotation_text(annotation) == text


def test_the_data_type_of_an_event_type_is_the_one_on_its_class_line():
    assert all(is_typeddict(data_type) for data_type in DATA_TYPES.values())
    assert DATA_TYPES["user.created"] is types.UserJSON
    assert DATA_TYPES["role.deleted"] is types.DeletedObjectJSON
    assert data_type_of("user.teleported") is data_type_of("") is None


@pytest.mark.parametrize("event_type", PAYLOADS)
def test_every_sample_conforms_as_an_event_a_payload_and_data(event_type):
    event = sample_event(event_type)
    assert check(event) == check(event.payload) == check(event.data) == []


def test_a_value_conforms_to_any_annotation_that_no_data_type_has():
    class OwnJSON(TypedDict):
        pair: tuple[int, ...]
        many: "Sequence[str]"
        counts: dict[str, int]

    assert check({"pair": [1], "many": ["x"], "counts": {"a": "b"}}, OwnJSON) == []
    assert [mismatch.path for mismatch in check({}, OwnJSON)] == ["pair", "many", "counts"]
    assert check({"pair": [1], "many": [], "counts": 3}, OwnJSON) == [("counts", "type", "dict[str, int]", "int")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (BODY, True),
        (MappingProxyType(BODY), True),
        ({"object": "event"}, True),
        ({"type": "user.created", "data": {}}, True),
        ({"type": "user.teleported", "data": {}}, True),
        ({"type": "user.teleported"}, False),
        ({"type": "user.created"}, True),
        ({"type": "system"}, False),
        ({"type": []}, False),
        (USER, False),
        ({}, False),
        (None, False),
        (3, False),
        ("event", False),
        ([BODY], False),
    ],
)
def test_a_payload_has_the_object_event_or_a_type_and_data_or_an_event_type(value, expected):
    assert is_payload(value) is expected


def test_no_data_looks_like_a_payload():
    assert [td for td in DATA_TYPES.values() if {"type", "data"} <= get_type_hints(td).keys()] == []


# Neither the types nor Python's stack limit the depth of a check.


def nested(kind, depth=10_000):
    value = None
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize(
    ("path", "mismatch"),
    [
        (("data", "public_metadata", "deep"), None),
        (("data", "first_name"), ("data.first_name", "type", "str | None")),
        (("data", "object"), ("data.object", "type", 'Literal["user"]')),
        (("data", "created_at"), ("data.created_at", "type", "int")),
        (("data", "surprise"), ("data.surprise", "unexpected", "no such key")),
        (("object",), ("object", "type", 'Literal["event"]')),
        (("type",), ("type", "type", "str")),
    ],
)
def test_a_check_survives_deep_nesting(kind, path, mismatch):
    body = changed(BODY, path, nested(kind))
    assert check(body) == ([(*mismatch, kind.__name__)] if mismatch else [])


@pytest.mark.parametrize("kind", [list, dict])
def test_a_check_survives_deep_nesting_in_place_of_an_object(kind):
    deep = nested(kind)
    assert check(deep)
    for path in [
        ("data",),
        ("data", "email_addresses"),
        ("data", "email_addresses", 0),
        ("data", "email_addresses", 0, "verification"),
    ]:
        assert check(changed(BODY, path, deep))
    assert check(BODY | {"type": "user.teleported", "data": deep}) == []


def test_a_type_that_holds_itself_is_followed_to_any_depth():
    tree = {"name": 3}
    for _ in range(1_500):
        tree = {"name": "x", "children": [tree]}
    (mismatch,) = check(tree, TreeJSON)
    assert mismatch == ("children[0]." * 1_500 + "name", "type", "str", "int")


# Every key of every type, changed in every way.


def is_union(annotation):
    return get_origin(annotation) in (Union, UnionType)


MADE = {str: "text", int: 3, float: 0.5, bool: True, Any: {"any": ["thing"]}, dict[str, Any]: {"any": ["thing"]}}


def made(annotation, *, bare=False):
    """Return a value that an annotation allows, with all keys. A bare one has nothing inside where that is allowed."""
    arguments = get_args(annotation)
    if is_typeddict(annotation):
        return {key: made(inner, bare=bare) for key, inner in get_type_hints(annotation).items()}
    if is_union(annotation):
        return None if bare else made(arguments[0])
    if get_origin(annotation) is Literal:
        return arguments[0]
    if get_origin(annotation) is list:
        return [] if bare else [made(arguments[0])]
    return MADE[annotation]


def json_kinds(annotation):
    """Return the Python types of the values that an annotation allows, but not those of an enum."""
    if is_union(annotation):
        return {kind for argument in get_args(annotation) for kind in json_kinds(argument)}
    if is_typeddict(annotation):
        return {dict}
    if get_origin(annotation) is Literal:
        return set()
    return {float: {float, int}, Any: {NoneType, bool, int, float, str, list, dict}}.get(
        annotation, {get_origin(annotation) or annotation}
    )


def shown(value):
    return type(value).__name__.replace("NoneType", "None")


ONE_OF_EACH_KIND = [None, True, 3, 2.5, "no enum has this", [], {}]
TYPED_DICTS = [typed_dict for name in types.__all__ if is_typeddict(typed_dict := getattr(types, name))]


def changes(typed_dict, value):
    """Yield each change of one key in an object, with its key, and the mismatch: its kind, expected and found."""
    yield value | {"surprise": value}, "surprise", ("unexpected", "no such key", "dict")
    for key, annotation in get_type_hints(typed_dict).items():
        text = _annotation_text(annotation)
        without = {other: member for other, member in value.items() if other != key}
        required = key in typed_dict.__required_keys__
        yield without, key, ("missing", text, "nothing") if required else None
        for new in ONE_OF_EACH_KIND:
            if type(new) not in json_kinds(annotation):
                in_enum = isinstance(new, str) and "Literal" in text
                mismatch = ("value", text, repr(new)) if in_enum else ("type", text, shown(new))
                yield value | {key: new}, key, mismatch


def test_every_change_of_every_key_gives_its_mismatch_alone():
    for typed_dict in TYPED_DICTS:
        assert check(made(typed_dict), typed_dict) == []
        value = made(typed_dict, bare=True)
        assert check(value, typed_dict) == []
        for changed_value, key, mismatch in changes(typed_dict, value):
            assert check(changed_value, typed_dict) == ([(key, *mismatch)] if mismatch else []), typed_dict


def strings(value):
    """Yield the place of each text in a JSON value."""
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(member, str):
            yield value, key
        if isinstance(member, dict | list):
            yield from strings(member)


@pytest.mark.parametrize("event_type", ["user.updated", "session.created", "paymentAttempt.updated"])
def test_only_the_text_of_an_enum_is_reported(event_type):
    payload = sample_event(event_type).payload
    for number, (holder, key) in enumerate(strings(payload["data"])):
        holder[key] = f"private {number}" if number % 2 else {"private": ["private"]}
    payload |= {"private": "private", "object": ["private"]}
    mismatches = check(payload)
    assert {mismatch.kind for mismatch in mismatches} == {"unexpected", "type", "value"}
    for mismatch in mismatches:
        reported = mismatch._replace(path=mismatch.path.replace("private", "", mismatch.kind == "unexpected"))
        assert ("private" in str(reported)) is (mismatch.kind == "value")


# Values that are made from the types, and any others.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLAIN = {
    str: st.text(max_size=5),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    bool: st.booleans(),
    NoneType: st.none(),
    Any: JSON,
    dict[str, Any]: st.dictionaries(st.text(max_size=5), JSON, max_size=2),
}


@cache
def conforming(annotation):
    arguments = get_args(annotation)
    if is_typeddict(annotation):
        required = annotation.__required_keys__
        members = {key: conforming(inner) for key, inner in get_type_hints(annotation).items()}
        return st.fixed_dictionaries(
            {key: strategy for key, strategy in members.items() if key in required},
            optional={key: strategy for key, strategy in members.items() if key not in required},
        )
    if is_union(annotation):
        return st.one_of([conforming(argument) for argument in arguments])
    if get_origin(annotation) is Literal:
        return st.sampled_from(arguments)
    return st.lists(conforming(arguments[0]), max_size=2) if get_origin(annotation) is list else PLAIN[annotation]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_payload_that_is_made_from_the_types_conforms(data):
    event_type = data.draw(st.sampled_from([*PAYLOADS]), label="event type")
    drawn = data.draw(conforming(DATA_TYPES[event_type]), label="data")
    payload = data.draw(conforming(types.WebhookEventJSON), label="payload") | {"type": event_type, "data": drawn}
    assert check(payload) == check(parse_event(payload)) == check(drawn, DATA_TYPES[event_type]) == []
    if "object" in drawn:
        assert check(drawn) == [] or event_type.endswith(".deleted")


# Any JSON value, made of words that the check knows and of private texts that a report must not hold.

PRIVATE = st.text(max_size=3).map("ada@example.com".__add__)
WORDS = st.sampled_from([*DATA_TYPES, "event", "user", "session", "organization_invitation", "email", "verified"])
KEYS = st.sampled_from(
    ["type", "object", "data", "deleted", "id", "user", "email_addresses", "verification", "status", "public_metadata"]
)
ANYTHING = st.recursive(
    PRIVATE | WORDS | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


@settings(deadline=None)
@given(ANYTHING)
def test_no_value_raises_and_only_the_text_of_an_enum_is_reported(value):
    reports = check(value) + check(value, types.SessionJSON)
    if isinstance(value, dict):
        for event_type in ("user.created", "session.created", "nothing.known"):
            reports += check({"type": event_type, "object": "event", "data": value})
    for mismatch in reports:
        assert "ada@example.com" not in mismatch.path + mismatch.expected
        assert "ada@example.com" not in mismatch.found or (mismatch.kind == "value" and "Literal" in mismatch.expected)
        assert str(mismatch).encode()
