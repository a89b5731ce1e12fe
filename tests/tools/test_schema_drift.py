"""tools/schema_drift.py lists each difference between Clerk's schema and the pinned one, and nothing else."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import schema_drift
from schema import PINNED, Schema

from clerk_webhook.testing import sample_event

TOOL = Path(schema_drift.__file__)
PINNED_SCHEMA = json.loads(PINNED.read_text("utf-8"))
STRING, INTEGER, NULL = {"type": "string"}, {"type": "integer"}, {"nullable": True}
OPEN = {"x-speakeasy-unknown-values": "allow"}
GONE = object()


def enum(*values):
    return {"type": "string", "enum": [*values]}


def array(items):
    return {"type": "array", "items": items}


def record(required=(), **properties):
    return {"type": "object", "properties": properties, "required": [*required]}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


# A small schema in the pinned form.
SMALL = {
    "source": "the tests",
    "webhooks": {
        "user.created": {"description": "", "data": ref("User")},
        "user.deleted": {"description": "", "data": ref("Deleted")},
        "session.created": {"description": "", "data": ref("Session")},
        "role.created": {"description": "", "data": ref("Role")},
        "role.updated": {"description": "", "data": ref("Role")},
    },
    "schemas": {
        "WebhookEventPayload": record(["type"], type=STRING),
        "Deleted": record(["id"], id=STRING),
        "User": record(["id"], id=STRING, first_name=STRING | NULL, email_addresses=array(ref("EmailAddress"))),
        "EmailAddress": record(verification={"oneOf": [ref("Code"), ref("Admin")]} | NULL),
        "Code": record(object=enum("code"), strategy=enum("phone_code", "email_code"), attempts=INTEGER),
        "Admin": record(object=enum("admin"), attempts=INTEGER),
        "Ticket": record(object=enum("other"), attempts=INTEGER | NULL),
        "Session": {"allOf": [record(["id"], id=STRING), record(actor=record(sub=STRING))]},
        "Role": record(["id"], id=STRING, name=STRING, permissions=array(STRING), levels=array(enum("low", "high"))),
    },
}
USER, EMAIL, CODE, ROLE = (f"schemas/{name}/properties" for name in ("User", "EmailAddress", "Code", "Role"))


def edited(document, edits):
    """Return a copy of a document with other values at some paths."""
    document = copy.deepcopy(document)
    for path, value in edits.items():
        *above, last = path.split("/")
        place = document
        for key in above:
            place = place[int(key) if isinstance(place, list) else key]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return document


def differences(old, new):
    """Return the check-list, with its headings and without what the types have."""
    check_list = schema_drift.check_list(Schema(old), Schema(new))
    lines = [f"{heading}: {line}" for heading, lines in check_list.items() for line in lines]
    return [re.sub(r" (The types? |It has no class|Its class is )[^.]*\.", "", line) for line in lines]


@pytest.mark.parametrize(
    ("edits", "there", "back"),
    [
        # Event types.
        (
            {"webhooks/user.banned": {"data": ref("User")}},
            ["Events added: `user.banned`: data of user.created."],
            ["Events gone: `user.banned`: gone."],
        ),
        (
            {"webhooks/session.paused": {"data": ref("Pause")}, "schemas/Pause": record(until=INTEGER)},
            [
                "Events added: `session.paused`: data of its own.",
                "Keys added: `Pause.until`: `integer`, not required. In session.paused.",
            ],
            ["Events gone: `session.paused`: gone."],
        ),
        (
            {"webhooks/role.deleted": {"data": record(note=STRING)}},
            [
                "Events added: `role.deleted`: data of its own.",
                "Keys added: `DeletedObjectJSON.note`: `string`, not required. In role.deleted.",
            ],
            ["Events gone: `role.deleted`: gone."],
        ),
        # Keys that come and go.
        (
            {f"{USER}/username": STRING | NULL},
            ["Keys added: `UserJSON.username`: `string` or null, not required. In user.created."],
            ["Keys gone: `UserJSON.username`: gone. In user.created."],
        ),
        (
            {f"{ROLE}/mood": enum("good", "bad"), "schemas/Role/required": ["id", "mood"]},
            ["Keys added: `RoleJSON.mood`: `string`, required, one of `bad`, `good`. In role.*."],
            ["Keys gone: `RoleJSON.mood`: gone. In role.*."],
        ),
        (
            {f"{ROLE}/owners": array(record(["id"], id=STRING))},
            [
                "Keys added: `RoleJSON.owners`: `array of object`, not required. In role.*.",
                "Keys added: `RoleJSON.owners.id`: `string`, required. In role.*.",
            ],
            [
                "Keys gone: `RoleJSON.owners`: gone. In role.*.",
                "Keys gone: `RoleJSON.owners.id`: gone. In role.*.",
            ],
        ),
        (
            # The keys of a user are no news.
            {"schemas/Session/allOf/1/properties/user": ref("User")},
            ["Keys added: `SessionJSON.user`: `object`, not required. In session.created."],
            ["Keys gone: `SessionJSON.user`: gone. In session.created."],
        ),
        (
            # Its key that changes has one line.
            {"schemas/Session/allOf/1/properties/user": ref("User"), f"{USER}/first_name": STRING},
            [
                "Keys added: `SessionJSON.user`: `object`, not required. In session.created.",
                "Keys changed: `UserJSON.first_name`: never null now. In user.created.",
            ],
            [
                "Keys gone: `SessionJSON.user`: gone. In session.created.",
                "Keys changed: `UserJSON.first_name`: can be null now. In user.created.",
            ],
        ),
        (
            {"schemas/Session/allOf/1/properties/actor/properties/iss": STRING},
            ["Keys added: `SessionJSON.actor.iss`: `string`, not required. In session.created."],
            ["Keys gone: `SessionJSON.actor.iss`: gone. In session.created."],
        ),
        (
            {"schemas/WebhookEventPayload/properties/trace": STRING},
            ["Keys added: `WebhookEventJSON.trace`: `string`, not required. In every event."],
            ["Keys gone: `WebhookEventJSON.trace`: gone. In every event."],
        ),
        (
            {"webhooks/user.deleted/data": record(["id"], id=STRING, note=STRING)},
            ["Keys added: `DeletedObjectJSON.note`: `string`, not required. In user.deleted."],
            ["Keys gone: `DeletedObjectJSON.note`: gone. In user.deleted."],
        ),
        # Keys that change.
        (
            {f"{ROLE}/name": INTEGER},
            ["Keys changed: `RoleJSON.name`: `string` became `integer`. In role.*."],
            ["Keys changed: `RoleJSON.name`: `integer` became `string`. In role.*."],
        ),
        (
            {f"{ROLE}/name": {"oneOf": [STRING, INTEGER]}},
            ["Keys changed: `RoleJSON.name`: `string` became `integer or string`. In role.*."],
            ["Keys changed: `RoleJSON.name`: `integer or string` became `string`. In role.*."],
        ),
        (
            {f"{ROLE}/name": STRING | NULL},
            ["Keys changed: `RoleJSON.name`: can be null now. In role.*."],
            ["Keys changed: `RoleJSON.name`: never null now. In role.*."],
        ),
        (
            {"schemas/Role/required": ["id", "name"]},
            ["Keys changed: `RoleJSON.name`: required now. In role.*."],
            ["Keys changed: `RoleJSON.name`: not required now. In role.*."],
        ),
        (
            {f"{ROLE}/permissions": array(INTEGER)},
            ["Keys changed: `RoleJSON.permissions`: `array of string` became `array of integer`. In role.*."],
            ["Keys changed: `RoleJSON.permissions`: `array of integer` became `array of string`. In role.*."],
        ),
        (
            {f"{ROLE}/permissions": array(STRING | NULL)},
            ["Keys changed: `RoleJSON.permissions`: `array of string` became `array of string or null`. In role.*."],
            ["Keys changed: `RoleJSON.permissions`: `array of string or null` became `array of string`. In role.*."],
        ),
        (
            {f"{ROLE}/name": INTEGER | NULL, "schemas/Role/required": ["id", "name"]},
            ["Keys changed: `RoleJSON.name`: `string` became `integer`; can be null now; required now. In role.*."],
            ["Keys changed: `RoleJSON.name`: `integer` became `string`; never null now; not required now. In role.*."],
        ),
        # Enums.
        (
            {f"{ROLE}/levels": array(enum("high", "low", "none"))},
            ["Keys changed: `RoleJSON.levels`: new value `none`. In role.*."],
            ["Keys changed: `RoleJSON.levels`: value `none` gone. In role.*."],
        ),
        (
            {f"{ROLE}/name": enum("a", "b")},
            ["Keys changed: `RoleJSON.name`: an enum now; new value `a`, `b`. In role.*."],
            ["Keys changed: `RoleJSON.name`: no longer an enum; value `a`, `b` gone. In role.*."],
        ),
        (
            {f"{CODE}/strategy": enum("phone_code", "email_code") | OPEN},
            ["Keys changed: `VerificationJSON.strategy` of `code`: new value `any other`. In user.created."],
            ["Keys changed: `VerificationJSON.strategy` of `code`: value `any other` gone. In user.created."],
        ),
        # One of several objects.
        (
            {f"{CODE}/attempts": INTEGER | NULL},
            ["Keys changed: `VerificationJSON.attempts` of `code`: can be null now. In user.created."],
            ["Keys changed: `VerificationJSON.attempts` of `code`: never null now. In user.created."],
        ),
        (
            {f"{EMAIL}/verification/oneOf": [ref("Code"), ref("Admin"), ref("Ticket")]},
            [
                (
                    "Keys added: `VerificationJSON.object` of `other`: `string`, not required, one of `other`. "
                    "In user.created."
                ),
                "Keys added: `VerificationJSON.attempts` of `other`: `integer` or null, not required. In user.created.",
                "Keys changed: `EmailAddressJSON.verification`: new object `other`. In user.created.",
            ],
            [
                "Keys gone: `VerificationJSON.object` of `other`: gone. In user.created.",
                "Keys gone: `VerificationJSON.attempts` of `other`: gone. In user.created.",
                "Keys changed: `EmailAddressJSON.verification`: object `other` gone. In user.created.",
            ],
        ),
        (
            # Objects without a name, and a key beside the choice.
            {f"{ROLE}/name": {"anyOf": [record(a=STRING), record(b=STRING)], "properties": {"c": STRING}}},
            [
                "Keys added: `RoleJSON.name.a`: `string`, not required. In role.*.",
                "Keys added: `RoleJSON.name.c`: `string`, not required. In role.*.",
                "Keys added: `RoleJSON.name.b` of `alternative 2`: `string`, not required. In role.*.",
                "Keys added: `RoleJSON.name.c` of `alternative 2`: `string`, not required. In role.*.",
                "Keys changed: `RoleJSON.name`: `string` became `object`; new object `alternative 2`. In role.*.",
            ],
            [
                "Keys gone: `RoleJSON.name.a`: gone. In role.*.",
                "Keys gone: `RoleJSON.name.c`: gone. In role.*.",
                "Keys gone: `RoleJSON.name.b` of `alternative 2`: gone. In role.*.",
                "Keys gone: `RoleJSON.name.c` of `alternative 2`: gone. In role.*.",
                "Keys changed: `RoleJSON.name`: `object` became `string`; object `alternative 2` gone. In role.*.",
            ],
        ),
    ],
)
def test_a_difference_has_its_line_and_so_has_its_reverse(edits, there, back):
    new = edited(SMALL, edits)
    assert differences(SMALL, new) == there
    assert differences(new, SMALL) == back


@pytest.mark.parametrize(
    "edits",
    [
        {f"{ROLE}/name": STRING | {"description": "The name.", "format": "email", "deprecated": True, "default": ""}},
        {"schemas/Role/additionalProperties": False},
        {"schemas/Part": SMALL["schemas"]["Role"], "schemas/Role": ref("Part")},
        {"webhooks/role.created/data": SMALL["schemas"]["Role"]},
        {f"{EMAIL}/verification": {"anyOf": [ref("Admin"), ref("Code")]} | NULL},
        {"schemas/EmailAddress/anyOf": [{"required": ["verification"]}, {"required": ["email_address"]}]},
        {"schemas/Unused": record(a=STRING)},
    ],
    ids=["words", "more keys", "a new name", "no name", "anyOf for oneOf", "a choice of required keys", "not sent"],
)
def test_only_events_keys_and_enums_count(edits):
    assert differences(SMALL, edited(SMALL, edits)) == []


def _paths_to_keys(schema, path):
    for key, property_ in schema.get("properties", {}).items():
        yield f"{path}/properties/{key}"
        yield from _paths_to_keys(property_, f"{path}/properties/{key}")
    for index, part in enumerate(schema.get("allOf", ())):
        yield from _paths_to_keys(part, f"{path}/allOf/{index}")
    if "items" in schema:
        yield from _paths_to_keys(schema["items"], f"{path}/items")


PATHS_TO_KEYS = [
    path for name, schema in PINNED_SCHEMA["schemas"].items() for path in _paths_to_keys(schema, f"schemas/{name}")
]


@pytest.mark.parametrize("half", [0, 1])
def test_a_key_anywhere_in_the_pinned_schema_counts(half):
    innermost = [path for path in PATHS_TO_KEYS if not any(other.startswith(f"{path}/") for other in PATHS_TO_KEYS)]
    gone = innermost[half::2]
    lines = "\n".join(differences(PINNED_SCHEMA, edited(PINNED_SCHEMA, dict.fromkeys(gone, GONE))))
    assert [path for path in gone if f".{path.rpartition('/')[2]}`" not in lines] == []


def test_the_only_key_of_an_object_counts_although_another_place_still_has_it():
    path = "schemas/Session/allOf/1/properties/user"
    old = edited(SMALL, {path: record(email_addresses=array(ref("EmailAddress")))})
    new = edited(SMALL, {path: record(email_addresses=array(record()))})
    assert differences(old, new) == ["Keys gone: `EmailAddressJSON.verification`: gone. In session.created."]


def test_a_new_name_in_the_schema_does_not_count_before_the_event_has_a_class():
    pause = {"schemas/Pause": record(until=INTEGER), "schemas/Stop": record(until=INTEGER)}
    old = edited(SMALL, pause | {"webhooks/session.paused": {"data": ref("Pause")}})
    assert differences(old, edited(old, {"webhooks/session.paused/data": ref("Stop")})) == []


def test_a_line_says_what_the_types_have():
    edits = {f"{USER}/birthday": STRING, f"{USER}/mood": STRING, f"{USER}/first_name": STRING}
    edits |= {"webhooks/session.ended": {"data": ref("User")}, "webhooks/session.paused": {"data": ref("User")}}
    assert schema_drift.check_list(Schema(SMALL), Schema(edited(SMALL, edits))) == {
        "Events added": [
            "`session.ended`: data of user.created. Its class is `SessionEnded`.",
            "`session.paused`: data of user.created. It has no class.",
        ],
        "Events gone": [],
        "Keys added": [
            "`UserJSON.birthday`: `string`, not required. The type has `NotRequired[str | None]`. In user.created.",
            "`UserJSON.mood`: `string`, not required. The types lack it. In user.created.",
        ],
        "Keys gone": [],
        "Keys changed": ["`UserJSON.first_name`: never null now. The type has `str | None`. In user.created."],
    }


# The tool as a command.


def openapi(document, examples=()):
    """Return a document of the pinned form as Clerk publishes it."""

    def webhook(event_type, description, data):
        body = {"allOf": [ref("WebhookEventPayload"), record(["data"], data=data)]}
        media = {"schema": body, **dict(examples).get(event_type, {})}
        return {"post": {"description": description, "requestBody": {"content": {"application/json": media}}}}

    return {
        "openapi": "3.0.3",
        "x-webhooks": {name: webhook(name, **each) for name, each in document["webhooks"].items()},
        "components": {
            "schemas": document["schemas"],
            "examples": {"Named": {"value": body("user.deleted", id="user_1", deleted=True)}},
        },
    }


def body(event_type, **data):
    return {"type": event_type, "object": "event", "data": data}


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    """A pinned schema that a test may replace."""
    path = tmp_path / "pinned.json"
    path.write_text(json.dumps(SMALL))
    monkeypatch.setattr(schema_drift, "PINNED", path)
    return path


@pytest.fixture
def run(tmp_path, pinned, capsys):
    """Run the tool on a new schema. Return the exit status and the check-list."""

    def run(document, *options):
        path = tmp_path / "new.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        status = schema_drift.main([str(path), *options])
        return status, capsys.readouterr().out

    return run


MOOD = edited(SMALL, {f"{USER}/mood": STRING})


def test_a_difference_fails_and_prints_a_check_list(run):
    status, check_list = run(MOOD)
    assert status == 1
    assert check_list.splitlines() == [
        "# Clerk's schema",
        "",
        "Pinned: the tests.",
        "",
        "## Keys added",
        "",
        "- [ ] `UserJSON.mood`: `string`, not required. The types lack it. In user.created.",
    ]


def test_no_difference_passes(run):
    assert run(SMALL) == (0, "# Clerk's schema\n\nPinned: the tests.\n\nNo event, key or enum differs.\n")


def test_clerks_file_reads_as_the_pinned_form_does(run):
    assert run(openapi(SMALL))[0] == 0
    assert run(openapi(MOOD)) == run(MOOD)


def test_the_examples_that_the_types_refuse_are_information(run):
    examples = {
        "role.created": {"example": sample_event("role.created").payload},
        "user.deleted": {"example": body("user.deleted", id=1, object="user", deleted=True)},
        "session.created": {"examples": {"default": {"$ref": "#/components/examples/Named"}}},
    }
    status, check_list = run(openapi(SMALL, examples))
    assert status == 0
    assert check_list.partition("differs.\n")[2] == (
        "\n## For information: what the types refuse in the examples\n\n"
        "- `user.deleted`: data.id: expected str, found int. The schema refuses it too.\n"
        "- `session.created`: data.object: expected str, found nothing.\n"
    )


def refused(capsys, *arguments):
    """Return the message of the tool about wrong arguments."""
    with pytest.raises(SystemExit) as caught:
        schema_drift.main([*map(str, arguments)])
    assert caught.value.code == 2
    return capsys.readouterr().err.rpartition("error: ")[2]


def test_yaml_without_pyyaml_says_which_package_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "new.yml"
    path.write_text("openapi: 3.0.3")
    assert refused(capsys, path) == f"{path}: YAML needs PyYAML: pip install pyyaml\n"


@pytest.mark.parametrize(
    "text",
    [
        "openapi: 3.0.3",
        "[]",
        "{}",
        '{"webhooks": {}, "schemas": {}}',
        '{"x-webhooks": {}, "components": {"schemas": {}}}',
        json.dumps(openapi(SMALL) | {"x-webhooks": {"user.created": {}}}),
    ],
)
def test_another_file_is_a_wrong_argument(text, tmp_path, capsys):
    path = tmp_path / "new.json"
    path.write_text(text)
    assert refused(capsys, path).startswith(f"{path}: ")


def test_a_file_that_does_not_exist_is_a_wrong_argument(tmp_path, capsys):
    assert "No such file" in refused(capsys, tmp_path / "new.json")
    assert "required: NEW" in refused(capsys)


def test_only_pin_changes_the_pinned_schema(run, pinned):
    before = pinned.read_bytes()
    run(MOOD)
    assert pinned.read_bytes() == before


def test_pin_takes_the_new_schema_over_with_its_origin_and_date(run, pinned):
    mood = STRING | {"example": "good"}
    example = {f"{USER}/mood": mood, f"{USER}/example": mood}
    assert run(openapi(edited(SMALL, example)), "--pin")[0] == 1
    now = json.loads(pinned.read_text())
    assert re.fullmatch(
        r"github\.com/clerk/openapi-specs webhooks/2025-04-15\.yml, Git blob [0-9a-f]{40}, "
        r"pinned on \d{4}-\d\d-\d\d, MIT licence; examples removed",
        now.pop("source"),
    )
    expected = edited(SMALL, {f"{USER}/mood": STRING, f"{USER}/example": STRING})
    assert now == {key: expected[key] for key in ("webhooks", "schemas")}
    assert run(openapi(edited(SMALL, example)))[0] == 0


def test_pin_leaves_the_origin_of_a_schema_in_the_pinned_form(run, pinned):
    run(MOOD | {"source": "another commit"}, "--pin")
    assert json.loads(pinned.read_text()) == MOOD | {"source": "another commit"}


def test_pin_takes_over_words_too(run, pinned):
    new = edited(SMALL, {f"{ROLE}/name": STRING | {"description": "The name."}})
    assert run(new, "--pin")[0] == 0
    assert json.loads(pinned.read_text()) == new


def test_pin_changes_nothing_if_the_schema_is_the_same(run, pinned):
    before = pinned.read_bytes()
    assert run(openapi(SMALL), "--pin")[0] == 0
    assert pinned.read_bytes() == before


def test_the_command_holds_the_pinned_schema_against_itself():
    done = subprocess.run([sys.executable, TOOL, PINNED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"# Clerk's schema\n\nPinned: {PINNED_SCHEMA['source']}.\n\nNo event, key or enum differs.\n"
