import json
import runpy
import sys
from dataclasses import replace

import pytest

from clerk_webhook import Webhook, parse_event
from clerk_webhook.cli import demo, main


def test_the_demo_shows_a_row_per_delivery_and_succeeds(capsys):
    assert main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert "BAD" not in shown
    assert "genuine user.created" in shown
    assert "UserCreated" in shown
    assert "first name Ada" in shown
    assert "All 11 deliveries" in shown


def test_the_demo_as_json_is_one_object_per_delivery(capsys):
    assert main(["demo", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["outcome"] for row in rows] == [
        "UserCreated",
        "UserUpdated",
        "OrganizationMembershipCreated",
        "SessionCreated",
        "UnknownEvent",
        "signature_mismatch",
        "timestamp_too_old",
        "signature_mismatch",
        "missing_header",
        "invalid_header",
        "invalid_payload",
    ]
    assert all(row["expected"] for row in rows)


def test_a_delivery_that_was_answered_otherwise_fails_the_demo(capsys):
    webhook = Webhook(b"key")
    forged = replace(demo.deliveries(webhook)[5], status=200)
    with demo.receiver(webhook) as port:
        result = demo.deliver(forged, port)
    assert (result.status, result.expected) == (400, False)
    assert demo.report([result], as_json=False) == 1
    captured = capsys.readouterr()
    assert "BAD forged" in captured.out
    assert "1 of 1" in captured.err


def test_an_event_that_the_demo_reads_nothing_from_is_named():
    assert "user.deleted" in demo.read_typed(parse_event({"type": "user.deleted", "data": {}}))


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["demo", "--nothing"]])
def test_wrong_arguments_leave_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_module_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["clerk-webhook", "--version"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("clerk_webhook", run_name="__main__")
    assert capsys.readouterr().out.startswith("clerk-webhook ")
