"""The event classes: their types, their unions, and what an event has to read."""

import ast
import copy
import dataclasses
import datetime as dt
import inspect
import pickle
import typing

import pytest

from clerk_webhook import UnknownEvent, events, parse_event, types
from clerk_webhook.testing._samples import PAYLOADS

USER = {"id": "user_1", "object": "user", "first_name": "Ada"}


def body(event_type="user.created", data=USER, **others):
    return {"type": event_type, "data": data, "object": "event", **others}


def class_names(union):
    return [member.__name__ for member in typing.get_args(union) or (union,)]


FAMILY_UNIONS = {
    name: class_names(getattr(events, name))
    for name in events.__all__
    if name.endswith("WebhookEvent") and name != "WebhookEvent"
}
NEEDED = {
    "its name in __all__": events.__all__,
    "its class in the union of its family": [name for union in FAMILY_UNIONS.values() for name in union],
    "its line in WebhookEventType": typing.get_args(events.WebhookEventType),
    "a sample in testing/_samples.py": [*PAYLOADS],
}


@pytest.mark.parametrize("event_type", events.EVENT_CLASSES)
def test_an_event_type_has_all_that_it_needs(event_type):
    name = events.EVENT_CLASSES[event_type].__name__
    lacking = [thing for thing, there in NEEDED.items() if [*there].count(name) + [*there].count(event_type) != 1]
    assert not lacking, f"{name} needs, exactly once: {', '.join(lacking)}."


def test_no_event_type_is_left_over():
    assert {*typing.get_args(events.WebhookEventType)} <= events.EVENT_CLASSES.keys()
    assert PAYLOADS.keys() <= events.EVENT_CLASSES.keys()


@pytest.mark.parametrize("union", FAMILY_UNIONS)
def test_a_union_has_the_classes_of_one_family(union):
    families = {
        event_type.partition(".")[0]
        for event_type, event_class in events.EVENT_CLASSES.items()
        if event_class.__name__ in FAMILY_UNIONS[union]
    }
    assert len(families) == 1


def test_the_union_of_all_events_has_the_families_and_the_unknown_event():
    of_families = [name for union in FAMILY_UNIONS.values() for name in union]
    assert sorted(class_names(events.WebhookEvent)) == sorted([*of_families, "UnknownEvent"])


def test_all_has_the_classes_and_the_aliases_of_the_module():
    statements = ast.parse(inspect.getsource(events)).body
    defined = {each.name for each in statements if isinstance(each, ast.ClassDef | ast.FunctionDef)}
    defined |= {statement.target.id for statement in statements if isinstance(statement, ast.AnnAssign)}
    assert sorted(events.__all__) == sorted(name for name in defined if not name.startswith("_"))


@pytest.mark.parametrize("event_type", events.EVENT_CLASSES)
def test_each_event_type_gives_its_class(event_type):
    event = parse_event(body(event_type))
    assert type(event) is events.EVENT_CLASSES[event_type]
    assert type(event).__name__ == "".join(part[0].upper() + part[1:] for part in event_type.split("."))
    assert (event.type, event.wire_type, event.data) == (event_type, event_type, USER)
    assert inspect.getdoc(type(event)) != inspect.getdoc(events.Event)


def test_the_data_type_on_a_class_line_exists():
    for cls in events.EVENT_CLASSES.values():
        (base,) = cls.__orig_bases__
        assert typing.is_typeddict(getattr(types, base.__args__[1]))


def test_two_classes_of_one_event_type_are_refused():
    with pytest.raises(TypeError, match=r"UserCreated and UserCreated are both 'user\.created'"):
        events._by_type([events.UserCreated, events.UserCreated])


def test_nothing_but_type_and_data_is_demanded():
    event = parse_event({"type": "user.created", "data": {}})
    nothing = [event.object, event.timestamp, event.occurred_at, event.instance_id, event.event_attributes]
    nothing += [event.client_ip, event.user_agent, event.user_id, event.organization_id, event.message_id]
    assert nothing == [None] * 10


def test_an_event_has_the_keys_of_its_body():
    http_request = {"client_ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}
    event = parse_event(
        body(timestamp=1761912345700, instance_id="ins_1", event_attributes={"http_request": http_request})
    )
    assert (event.object, event.timestamp, event.instance_id) == ("event", 1761912345700, "ins_1")
    assert event.event_attributes == {"http_request": http_request}
    assert (event.client_ip, event.user_agent) == ("203.0.113.7", "Mozilla/5.0")


@pytest.mark.parametrize(
    "http_request", [{"client_ip": "", "user_agent": ""}, {"client_ip": 3, "user_agent": []}, {}, None, []]
)
def test_an_empty_or_odd_client_is_none(http_request):
    event = parse_event(body(event_attributes={"http_request": http_request}))
    assert event.client_ip is event.user_agent is None


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1654012591835, dt.datetime(2022, 5, 31, 15, 56, 31, 835000, dt.UTC)),
        (1716883200, dt.datetime(2024, 5, 28, 8, 0, tzinfo=dt.UTC)),
        (0, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
        (99_999_999_999, dt.datetime(5138, 11, 16, 9, 46, 39, tzinfo=dt.UTC)),
        (100_000_000_000, dt.datetime(1973, 3, 3, 9, 46, 40, tzinfo=dt.UTC)),
        (-100_000_000_000, dt.datetime(1966, 10, 31, 14, 13, 20, tzinfo=dt.UTC)),
        (10**30, None),
        ("1716883200", None),
        (1716883200.5, None),
        (True, None),
        (None, None),
    ],
)
def test_occurred_at_tells_milliseconds_from_the_seconds_of_send_example(timestamp, expected):
    event = parse_event(body(timestamp=timestamp))
    assert event.occurred_at == expected
    assert event.occurred_at is None or event.occurred_at.tzinfo is dt.UTC


@pytest.mark.parametrize(
    ("event_type", "data", "user_id", "organization_id"),
    [
        ("user.created", {"id": "user_1"}, "user_1", None),
        ("user.teleported", {"id": "user_1"}, "user_1", None),
        ("user.deleted", {"id": 3}, None, None),
        ("session.created", {"id": "sess_1", "user_id": "user_1"}, "user_1", None),
        ("email.created", {"id": "ema_1", "user_id": None}, None, None),
        ("organization.created", {"id": "org_1"}, None, "org_1"),
        ("organizationDomain.created", {"id": "orgdmn_1", "organization_id": "org_1"}, None, "org_1"),
        (
            "organizationMembership.deleted",
            {"id": "orgmem_1", "organization": {"id": "org_1"}, "public_user_data": {"user_id": "user_1"}},
            "user_1",
            "org_1",
        ),
        ("subscription.created", {"payer": {"user_id": "user_1", "organization_id": ""}}, "user_1", None),
        ("paymentAttempt.created", {"payer": {"user_id": "", "organization_id": "org_1"}}, None, "org_1"),
        ("role.deleted", {"id": "role_1"}, None, None),
        ("subscription.active", {"payer": "text"}, None, None),
    ],
)
def test_an_event_names_its_user_and_its_organization(event_type, data, user_id, organization_id):
    event = parse_event(body(event_type, data))
    assert (event.user_id, event.organization_id) == (user_id, organization_id)


def test_the_repr_shows_ids_and_nothing_of_the_payload():
    event = parse_event(body("email.created", {"id": "ema_1", "subject": "123456 is your code"}), message_id="msg_1")
    assert repr(event) == "<EmailCreated 'email.created' id='ema_1' message_id='msg_1'>"
    assert str(event) == repr(event)
    assert repr(parse_event(body("new.type", [1]))) == "<UnknownEvent 'new.type' id=None message_id=None>"


def test_events_compare_copy_and_pickle():
    event = parse_event(body(), message_id="msg_1")
    for twin in (
        copy.copy(event),
        copy.deepcopy(event),
        pickle.loads(pickle.dumps(event)),
        parse_event(event.payload, message_id="msg_1"),
    ):
        assert twin == event
        assert type(twin) is type(event)
    assert event != parse_event(body(), message_id="msg_2")
    assert event != parse_event(body("user.updated"), message_id="msg_1")


@pytest.mark.parametrize("name", ["type", "data", "payload", "message_id", "timestamp", "other"])
def test_an_event_is_read_only_at_run_time_too(name):
    event = parse_event(body(), message_id="msg_1")
    with pytest.raises(
        dataclasses.FrozenInstanceError, match=f"^An event is read-only: {name} cannot be set or deleted.$"
    ):
        setattr(event, name, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(event, name)
    assert event == parse_event(body(), message_id="msg_1")


def test_an_event_is_a_dataclass():
    event = parse_event(body(), message_id="msg_1")
    assert [field.name for field in dataclasses.fields(event)] == ["type", "data", "payload", "message_id"]
    assert dataclasses.replace(event, message_id="msg_2") == parse_event(body(), message_id="msg_2")
    assert events.UserDeleted(type="user.deleted", data={"id": "user_1"}, payload={}).message_id is None


@pytest.mark.parametrize("event_class", [events.Event, events.UserCreated, UnknownEvent])
def test_pydantic_cannot_make_an_event_of_an_unverified_body(event_class):
    """pydantic calls this method of a class, and of the annotations of its fields; tests/interop has FastAPI itself."""
    name, dependency = event_class.__name__, r"Annotated\[WebhookEvent, Depends\(.*\)\]`"
    cure = rf"{name} cannot be .*`event: ClerkEvent`.*{dependency}.*verify_and_parse\.$"
    with pytest.raises(TypeError, match=cure) as caught:
        event_class.__get_pydantic_core_schema__(event_class, None)
    assert "parse_event" not in str(caught.value)  # a view that followed this advice took an unsigned deletion
    assert typing.get_type_hints(events.Event, include_extras=True)["payload"].__metadata__ == (events.Event,)


def test_events_match_by_class_pattern():
    match parse_event(body()):
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            assert user is not None
        case _:
            pytest.fail("no match")


def test_the_data_type_of_a_class_is_asked_by_its_event_type():
    with pytest.raises(TypeError, match=r"^An event type such as \"user\.created\" is wanted, not type\.$"):
        events.data_type_of(events.UserCreated)
