"""tools/typescript_drift.py lists where our types are narrower than Clerk's TypeScript, and nothing else."""

import json

import pytest
import typescript_drift


def value(text="string", **facts):
    return {"text": text, "optional": False, "nullable": False, "values": [], "type": None} | facts


# A small file as webhook_types.mjs prints it.
SMALL = {
    "source": "@clerk/backend 0.0.1",
    "payload": "Webhook",
    "events": {"user.created": "UserJSON", "user.deleted": "DeletedObjectJSON", "role.deleted": "RoleJSON"},
    "types": {
        "Webhook": {"type": value(), "data": value("UserJSON", type="UserJSON")},
        "UserJSON": {
            "id": value(),
            "first_name": value(nullable=True),
            "email_addresses": value("EmailAddressJSON[]", type="EmailAddressJSON"),
            "public_metadata": value("UserPublicMetadata"),
        },
        "EmailAddressJSON": {
            "object": value("ObjectType", values=["email_address", "user"]),
            "verification": value("VerificationJSON", nullable=True, type="VerificationJSON"),
        },
        "VerificationJSON": {"status": value("VerificationStatus", values=["verified", "failed"])},
        "DeletedObjectJSON": {"id": value(optional=True)},
        "RoleJSON": {"key": value(), "name": value()},
    },
}


def with_key(name, key, **facts):
    """Return the file with another key in a type."""
    types = SMALL["types"]
    return SMALL | {"types": types | {name: types[name] | {key: value(**facts)}}}


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        (SMALL, []),
        (
            SMALL | {"events": SMALL["events"] | {"user.promoted": "UserJSON", "session.ended": "UserJSON"}},
            [
                "Events added: `user.promoted`: data is `UserJSON`. It has no class.",
                "Keys added: `SessionJSON.first_name`: `string` or null, required. The types lack it.",
                "Keys added: `SessionJSON.email_addresses`: `EmailAddressJSON[]`, required. The types lack it.",
                "Keys added: `SessionJSON.public_metadata`: `UserPublicMetadata`, required. The types lack it.",
            ],
        ),
        (
            with_key("UserJSON", "mood", nullable=True),
            ["Keys added: `UserJSON.mood`: `string` or null, required. The types lack it."],
        ),
        (
            with_key("VerificationJSON", "mood", optional=True),  # two types down, and one line for all its places
            ["Keys added: `VerificationJSON.mood`: `string`, not required. The types lack it."],
        ),
        (
            with_key("Webhook", "trace"),
            ["Keys added: `WebhookEventJSON.trace`: `string`, required. The types lack it."],
        ),
        (
            with_key("UserJSON", "id", nullable=True, optional=True),
            ["Keys changed: `UserJSON.id`: can be absent; can be null. The type has `str`."],
        ),
        (
            with_key("EmailAddressJSON", "reserved", nullable=True),
            ["Keys changed: `EmailAddressJSON.reserved`: can be null. The type has `NotRequired[bool]`."],
        ),
        (
            with_key("VerificationJSON", "status", values=["verified", "sold", "lost"]),
            [
                (
                    "Keys changed: `VerificationJSON.status`: new value `lost`, `sold`. The type has "
                    '`Literal["unverified", "verified", "failed", "expired", "transferable"]`.'
                )
            ],
        ),
        # Ours are wider.
        (with_key("UserJSON", "timezone"), []),
        (with_key("UserJSON", "username"), []),
        (with_key("UserJSON", "id", values=["user_1"]), []),
        (with_key("Webhook", "data", nullable=True, optional=False), []),
    ],
)
def test_each_place_where_our_types_are_narrower_has_its_line(document, lines):
    found = typescript_drift.check_list(document)
    assert [f"{heading}: {line}" for heading, of_heading in found.items() for line in of_heading] == lines


def run(tmp_path, document):
    path = tmp_path / "new.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return typescript_drift.main([str(path)])


def test_a_line_fails_the_run(tmp_path, capsys):
    assert run(tmp_path, with_key("UserJSON", "mood")) == 1
    assert capsys.readouterr().out == (
        "# Clerk's TypeScript\n\nRead: @clerk/backend 0.0.1.\n\n## Keys added\n\n"
        "- [ ] `UserJSON.mood`: `string`, required. The types lack it.\n"
    )


def test_no_line_passes(tmp_path, capsys):
    assert run(tmp_path, SMALL) == 0
    assert capsys.readouterr().out.endswith("\n\nNo event, key or enum differs.\n")


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", json.dumps(SMALL | {"types": {}})])
def test_another_file_is_a_wrong_argument(text, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, text)
    assert caught.value.code == 2
    assert "this is not what webhook_types.mjs prints" in capsys.readouterr().err
