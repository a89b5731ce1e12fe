import io
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import get_args

import pytest
from commands import PATIENCE, application, environment, in_terminal, screen, terminal, wait_until_it_reads_or_serves
from deliveries import OTHER_SECRET, SECRET
from exit_status import status_of

from clerk_webhook import cli, events, parse_event
from clerk_webhook.cli import COMMANDS, demo, main, make_parser
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.testing import sample_delivery, sample_event


def test_the_demo_ends_with_the_tables_as_the_deliveries_left_them(capsys):
    assert main(["demo"]) == 0
    captured = capsys.readouterr()
    assert "BAD" not in captured.out
    assert "ok  an older user.updated, late        200  not_newer\n" in captured.out
    assert captured.out.endswith("""
clerk_users
    id        email            first_name  last_name  deleted
    user_ada  ada@example.com  Augusta     King
    user_eve                                          yes

clerk_memberships
    id        user_id   role       deleted
    orgmem_1  user_ada  org:admin
""")
    assert captured.err == ""


def test_the_demo_as_json_is_one_object_per_delivery_and_one_for_the_tables(capsys):
    assert main(["demo", "--json"]) == 0
    *rows, tables = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["outcome"] for row in rows] == [
        "written",
        "written",
        "written",
        "not_newer",
        "not_newer",
        "written",
        "written",
        "not_newer",
        "ignored",
        "signature_mismatch",
        "signature_mismatch",
        "timestamp_too_old",
        "missing_header",
        "invalid_header",
        "invalid_payload",
    ]
    assert all(row["expected"] for row in rows)
    assert [user["id"] for user in tables["clerk_users"]] == ["user_ada", "user_eve"]
    assert tables["clerk_memberships"] == [
        {"id": "orgmem_1", "user_id": "user_ada", "role": "org:admin", "deleted": None}
    ]


def test_a_delivery_that_was_answered_otherwise_fails_the_demo(monkeypatch, capsys):
    request = sample_delivery("user.created", OTHER_SECRET)
    monkeypatch.setattr(demo, "deliveries", lambda _: [("forged", request, 200, "written")])
    assert main(["demo"]) == 1
    captured = capsys.readouterr()
    assert "BAD forged" in captured.out
    assert captured.err == "1 deliveries were not answered as expected.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["demo", "--nothing"],
        ["events", "user.create"],
        ["check"],
        ["check", "@/nowhere/event.json"],
        ["check", "event.json"],
        ["check", '{"type": '],
    ],
)
def test_wrong_arguments_leave_with_2(arguments, capsys):
    assert status_of(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_module_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["clerk-webhook", "--version"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("clerk_webhook", run_name="__main__")
    assert capsys.readouterr().out.startswith("clerk-webhook ")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["events", "user.create"], "did you mean user.created?"),
        (["events", "xyz"], "`clerk-webhook events` lists all"),
        (["check", "event.json"], "write @ before its name"),
        (["check", "@/nowhere/event.json"], "can't read /nowhere/event.json: No such file"),
    ],
)
def test_an_error_names_the_likely_intention(arguments, advice, capsys):
    assert status_of(arguments) == 2
    assert advice in " ".join(capsys.readouterr().err.split())


def test_events_lists_every_type(capsys):
    assert main(["events"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines][:2] == [
        ["user.created", "UserCreated", "UserJSON"],
        ["user.updated", "UserUpdated", "UserJSON"],
    ]
    assert len(lines) == len(EVENT_CLASSES)
    assert main(["events", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["type"] for row in rows] == list(EVENT_CLASSES)
    assert rows[2] == {
        "type": "user.deleted",
        "class": "UserDeleted",
        "data_type": "DeletedObjectJSON",
        "fires": "A user was deleted. Little more than the id is left.",
    }


@pytest.mark.parametrize("columns", [60, 80, 120, 300])
@pytest.mark.parametrize("event_type", ["session.created", "paymentAttempt.updated", "user.deleted"])
def test_events_shows_a_type_as_a_table_with_a_sample(event_type, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["events", event_type]) == 0
    table, _, sample = capsys.readouterr().out.partition("A sample:\n")
    assert parse_event(sample) == replace(sample_event(event_type), message_id=None)
    assert all(len(line) <= columns for line in table.splitlines())
    shown = {
        line.split()[0].removesuffix("?") for line in table.splitlines() if line.startswith("  ") and line[2] != " "
    }
    assert sample_event(event_type).data.keys() <= shown


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("user", "user"),
        ("email", "email"),
        ("subscriptionItem", "subscriptionItem"),
        ("UserWebhookEvent", "user"),
        ("EmailWebhookEvent", "email"),
        ("BillingSubscriptionItemWebhookEvent", "subscriptionItem"),
    ],
)
def test_events_lists_a_family_or_a_union(name, family, capsys):
    wanted = [event_type for event_type in EVENT_CLASSES if event_type.startswith(f"{family}.")]
    assert main(["events", name]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == wanted
    assert main(["events", name, "--json"]) == 0
    assert [json.loads(line)["type"] for line in capsys.readouterr().out.splitlines()] == wanted


@pytest.mark.parametrize("name", [name for name in events.__all__ if name.endswith("WebhookEvent")])
def test_events_knows_every_union(name, capsys):
    assert main(["events", name]) == 0
    shown = {line.split()[1] for line in capsys.readouterr().out.splitlines()}
    union = getattr(events, name)
    assert shown == {cls.__name__ for cls in get_args(union) or (union,)} - {"UnknownEvent"}


def test_events_shows_the_type_of_a_class(capsys):
    assert main(["events", "UserCreated"]) == main(["events", "user.created"]) == 0
    shown = capsys.readouterr().out
    assert shown[: len(shown) // 2] == shown[len(shown) // 2 :]


def test_events_shows_a_data_type(capsys):
    assert main(["events", "UserJSON"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith("types.UserJSON, in user.created, user.updated")
    assert " ExternalAccountJSON " in shown
    assert main(["events", "UserJSON", "--json"]) == 0
    assert "EmailAddressJSON" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_can_be_parsed(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    example = capsys.readouterr().out.partition("example:\n  ")[2].strip()
    words = shlex.split(example)
    assert words[:2] == ["clerk-webhook", command]
    make_parser().parse_args(words[1:])


def test_a_command_imports_no_other(monkeypatch):
    """To import all takes as long again as the command."""
    monkeypatch.setattr("clerk_webhook.cli.COMMANDS", ("nothing", "secret"))
    assert main(["secret"]) == 0


@pytest.mark.parametrize("columns", [60, 100])
def test_the_list_fits_the_terminal(columns):
    shown = in_terminal("events", columns=columns)
    assert "organizationMembership.created" in shown
    assert all(len(line) <= columns for line in shown.splitlines())


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_is_for_terminals_that_show_colour(variables, coloured):
    with application() as app:
        arguments = ["send", "user.deleted", "--url", app.url, "--secret", SECRET]
        assert ("\x1b[32m200\x1b[0m" in in_terminal(*arguments, **variables)) == coloured


def test_a_secret_on_a_terminal_comes_with_a_hint():
    assert "Clerk does not know this secret" in in_terminal("secret")


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize(
    "arguments", [["check", "-"], ["verify", "--payload", "-", "--secret", SECRET], ["listen", "--port", "0"]]
)
def test_ctrl_c_ends_a_command_quietly(arguments, presses):
    with terminal(*arguments) as (keyboard, popen):
        wait_until_it_reads_or_serves(popen)
        for _ in range(presses):
            os.write(keyboard, b"\x03")
            time.sleep(0.005)
        assert popen.wait(PATIENCE) == 130
        assert "Traceback" not in screen(keyboard)


def test_events_shows_the_meaning_of_a_key(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["events", "session.created"]) == 0
    shown = re.sub(" +", " ", capsys.readouterr().out)
    assert " client_id str The id of the browser or device.\n" in shown
    assert " latest_activity? SessionActivityJSON | None\n" in shown
    assert "\nUserJSON\nA user, in " in shown


def test_events_as_json_has_the_types_and_the_sample(capsys):
    assert main(["events", "sms.created", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["data_type"] == "SMSMessageJSON"
    assert shown["sample"] == sample_event("sms.created").payload
    keys = {key["name"]: key for key in shown["types"]["SMSMessageJSON"]["keys"]}
    assert keys["message"] == {
        "name": "message",
        "annotation": "str",
        "required": True,
        "meaning": "The text, with one-time codes.",
    }


BROKEN = sample_event("user.created", first_name=3).payload


@pytest.fixture(params=["file", "standard input", "argument"])
def given(request, tmp_path, monkeypatch):
    """Return a function that makes an argument of a JSON value."""

    def give(value):
        text = json.dumps(value)
        if request.param == "argument":
            return text
        path = tmp_path / "event.json"
        path.write_text(text + "\n", encoding="utf-8")
        if request.param == "file":
            return f"@{path}"
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        return "-"

    return give


@pytest.mark.parametrize(
    ("value", "status", "shown"),
    [
        (sample_event("user.created").payload, 0, "As user.created with UserJSON: no mismatches.\n"),
        (sample_event("user.created").data, 0, "As data: no mismatches.\n"),
        (
            BROKEN,
            1,
            "type       data.first_name: expected str | None, found int\nAs user.created with UserJSON: 1 mismatch.\n",
        ),
        (
            {"object": "event", "type": "new.type", "data": 3},
            0,
            "As new.type, which is newer than this release, so its data was not looked into: no mismatches.\n",
        ),
        (
            {"object": "event", "type": "email.created"},
            1,
            "missing    data: expected EmailJSON, found nothing\nAs email.created with EmailJSON: 1 mismatch.\n",
        ),
        (
            {"type": "email.created"},
            1,
            (
                'missing    object: expected Literal["event"], found nothing\n'
                "missing    data: expected EmailJSON, found nothing\nAs email.created with EmailJSON: 2 mismatches.\n"
            ),
        ),
        (
            {"object": "event", "type": "\x1b[2J\n", "data": 3},
            0,
            "As ?[2J, which is newer than this release, so its data was not looked into: no mismatches.\n",
        ),
        (3, 1, "type       expected WebhookEventJSON, found int\nAs data: 1 mismatch.\n"),
    ],
)
def test_check_tells_the_mismatches(value, status, shown, given, capsys):
    assert main(["check", given(value)]) == status
    assert capsys.readouterr().out == shown


def test_check_reads_a_file_with_a_byte_order_mark(capsys, tmp_path):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(sample_event("user.deleted").payload), encoding="utf-8-sig")
    assert main(["check", f"@{path}"]) == 0


def test_check_as_json(capsys, given):
    assert main(["check", "--json", given(BROKEN)]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "checked_as": "As user.created with UserJSON",
        "mismatches": [{"path": "data.first_name", "kind": "type", "expected": "str | None", "found": "int"}],
    }


def test_check_does_not_show_the_event_that_it_read(capsys, tmp_path):
    path = tmp_path / "event.json"
    path.write_text('{"to_email_address": "ada@example.com"', encoding="utf-8")
    assert main(["check", f"@{path}"]) == 2
    assert main(["check", path.read_text(encoding="utf-8")]) == 2
    assert "ada@" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [SECRET],
        ["verify", SECRET],
        ["verify", "--payload", SECRET],
        ["send", SECRET, "--url", "http://127.0.0.1:1"],
        ["send", "user.created", "--url", SECRET],
        ["replay", SECRET, "--url", "http://127.0.0.1:1"],
        ["listen", "--port", SECRET],
        ["check", SECRET],
    ],
)
def test_a_secret_in_the_place_of_another_argument_is_not_repeated(arguments, capsys, monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", OTHER_SECRET)
    assert status_of(arguments) == 2
    assert SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize("arguments", [["events"], ["secret"]])
def test_a_full_disk_is_one_line(arguments):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "clerk_webhook", *arguments]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment())
    expected = f"clerk-webhook {arguments[0]}: can't write the output: No space left on device.\n"
    assert (ended.returncode, ended.stderr) == (1, expected)


def test_a_reader_may_stop_early(monkeypatch):
    """A pipe that `head` has closed causes no traceback, not even when Python flushes at exit."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["events", "user.created"]) == 1
        stdout.write("flushed on closing")


def test_a_letter_that_the_terminal_lacks_is_escaped(monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="cp1252"))
    assert main(["check", json.dumps(sample_event("user.deleted").payload | {"\u0438\u043c\u044f": 1})]) == 1
    assert b"\\u0438" in shown.getvalue()


def test_a_closed_standard_input_or_output_causes_no_traceback(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["check", "-"]) == 2
    assert "standard input is closed" in capsys.readouterr().err
    with (tmp_path / "only for writing").open("w") as stdin:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.FileIO(stdin.fileno(), "r", closefd=False)))
        assert main(["check", "-"]) == 2
    assert "can't read -: Bad file descriptor." in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["events"]) == 0


def test_a_checkout_that_is_not_installed_has_its_commands(monkeypatch, capsys):
    def not_installed(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(cli, "version", not_installed)
    assert main(["events", "user.deleted"]) == 0
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert "(not installed)" in capsys.readouterr().out
