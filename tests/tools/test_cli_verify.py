"""`clerk-webhook verify`, `sign` and `secret`."""

import base64
import io
import json
import sys
import time

import pytest
from deliveries import BODY, ID, NOW, OTHER_SECRET, SECRET, signature, signed
from exit_status import status_of

from clerk_webhook import Webhook
from clerk_webhook.cli import main


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


@pytest.fixture
def saved(tmp_path):
    """Return the flags of an old delivery, as a file that `listen` saves and as explicit values."""
    (tmp_path / "body.json").write_bytes(BODY)
    record = {"headers": signed(), "body_b64": base64.b64encode(BODY).decode()}
    (tmp_path / "saved.ndjson").write_text('{"type": "ready"}\n' + json.dumps(record))
    delivery = ["--delivery", f"@{tmp_path}/saved.ndjson"]
    payload = ["--payload", f"@{tmp_path}/body.json"]
    explicit = [*payload, "--id", ID, "--timestamp", str(NOW), "--signature", signature()]
    return {"delivery": delivery, "payload": payload, "explicit": explicit}


@pytest.mark.parametrize("form", ["delivery", "explicit"])
def test_an_old_delivery_still_verifies_with_a_hint(form, saved, capsys):
    assert main(["verify", *saved[form]]) == 0
    first, hint = capsys.readouterr().out.splitlines()
    assert first == f"genuine: {ID}"
    assert "hours ago: a receiver refuses it" in hint


@pytest.mark.parametrize(("shift", "hints"), [(0, 0), (-290, 0), (-310, 1), (310, 1)])
def test_only_a_time_that_a_receiver_refuses_is_hinted_at(shift, hints, saved, capsys):
    now = int(time.time()) + shift
    flags = [*saved["payload"], "--id", ID, "--timestamp", str(now), "--signature", signature(timestamp=now)]
    assert main(["verify", *flags]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1 + hints
    assert ("ahead of" in out) == (shift > 300)


def test_the_verdict_as_json(saved, capsys):
    assert main(["verify", *saved["delivery"], "--json"]) == 0
    assert main(["verify", *saved["delivery"], "--json", "--secret", OTHER_SECRET]) == 1
    assert main(["verify", *saved["delivery"], "--json", "--secret", OTHER_SECRET, "--secret", SECRET]) == 1
    good, bad, explained = map(json.loads, capsys.readouterr().out.splitlines())
    assert good.keys() == bad.keys() == {"valid", "cause", "message", "id", "age"}
    assert (good["valid"], good["cause"], good["id"]) == (True, None, ID)
    assert abs(good["age"] - (time.time() - NOW)) < 60
    assert (bad["valid"], bad["cause"], bad["id"], bad["age"] >= good["age"]) == (False, None, ID, True)
    assert (explained["valid"], explained["cause"]) == (False, "other_secret")


def test_a_delivery_that_is_not_genuine_is_explained_with_its_age(saved, tmp_path, capsys):
    (tmp_path / "other.json").write_bytes(BODY + b"\n")
    assert main(["verify", *saved["delivery"], "--payload", f"@{tmp_path}/other.json"]) == 1
    cause, hint = capsys.readouterr().out.splitlines()
    assert cause.startswith("newline_added: ")
    assert "hours ago: a receiver refuses it" in hint
    assert main(["verify", *saved["delivery"], "--id", "msg_other"]) == 1
    cause, hint = capsys.readouterr().out.splitlines()
    assert cause.startswith("unknown: Can't tell")
    assert "hours ago: a receiver refuses it" in hint


@pytest.mark.parametrize("headers", [{}, {"svix-id": "a.b", "svix-timestamp": "soon", "svix-signature": "v1,AAAA"}])
def test_a_saved_request_without_usable_headers_is_not_genuine(headers, tmp_path, capsys):
    record = {"headers": headers, "body_b64": base64.b64encode(BODY).decode()}
    (tmp_path / "saved.ndjson").write_text(json.dumps(record))
    assert main(["verify", "--delivery", f"@{tmp_path}/saved.ndjson"]) == 1
    assert "svix-id" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "cure"),
    [
        ([], "pass --id, --timestamp and --signature, or --delivery."),
        (["--id", ID], "pass --id, --timestamp and --signature, or --delivery."),
        (["--id", ID, "--timestamp", str(NOW)], "pass --id, --timestamp and --signature, or --delivery."),
        (["--id", "", "--timestamp", str(NOW), "--signature", "v1,AAAA"], "pass --id, --timestamp and --signature"),
        (["--id", "a.b", "--timestamp", str(NOW), "--signature", "v1,AAAA"], "svix-id must be"),
        (["--id", ID, "--timestamp", "1.5", "--signature", "v1,AAAA"], "whole seconds"),
    ],
)
def test_missing_and_unusable_flags_leave_with_2(flags, cure, saved, capsys):
    assert status_of(["verify", *saved["payload"], *flags]) == 2
    error = capsys.readouterr().err
    assert cure in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("flags", [["--timestamp", "1.5"], ["--id", "a.b"]])
def test_an_unusable_flag_beside_a_delivery_leaves_with_2(flags, saved):
    assert status_of(["verify", *saved["delivery"], *flags]) == 2


@pytest.mark.parametrize(
    ("secret", "cause"), [("changeme", "secret_unusable"), (f'"{SECRET}"', "secret_miswritten"), ("", "")]
)
def test_an_unusable_secret_leaves_with_2(secret, cause, saved, capsys, monkeypatch):
    assert main(["verify", *saved["delivery"], "--secret", secret]) == 2
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", secret)
    assert main(["verify", *saved["delivery"]]) == 2
    out, err = capsys.readouterr()
    assert out.count(f"{cause}: " if cause else "none") == 2 * bool(cause)
    assert err.count("no signing secret is configured") == 2 * (not cause)


@pytest.mark.parametrize("command", ["verify", "sign"])
def test_standard_input_is_read_once(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY)))
    now = int(time.time())
    signed_now = ["--id", ID, "--timestamp", str(now), "--signature", signature(timestamp=now)]
    assert main([command, "--payload", "-", *signed_now]) == 0
    assert main([command, "--payload", "-", "--delivery", "-"]) == 2
    assert "cannot both be standard input" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["verify", "sign"])
@pytest.mark.parametrize(
    ("flags", "cure"),
    [
        ([], "no body is given"),
        (["--payload", "body.json"], "write @body.json for a file"),
        (["--payload", "@/nowhere/body.json"], "can't read /nowhere/body.json: No such file"),
        (["--delivery", "@/dev/null"], "holds no delivery"),
    ],
)
def test_a_missing_body_is_one_line_with_the_cure(command, flags, cure, capsys):
    assert main([command, *flags]) == 2
    error = capsys.readouterr().err
    assert cure in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["verify", "sign"])
def test_a_missing_secret_is_told(command, saved, monkeypatch, capsys):
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
    assert main([command, *saved["delivery"]]) == 2
    assert "--secret" in capsys.readouterr().err


@pytest.mark.parametrize("secrets", [f"{OTHER_SECRET} {SECRET}", f"{SECRET} {OTHER_SECRET}"])
def test_both_secrets_of_a_rotation_are_right(secrets, saved, monkeypatch):
    assert main(["verify", *saved["delivery"], "--secret", secrets]) == 0
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", secrets)
    assert main(["verify", *saved["delivery"]]) == 0


def test_a_signature_is_the_one_that_verifies(saved, capsys):
    assert main(["sign", *saved["payload"], "--id", ID, "--timestamp", str(NOW)]) == 0
    assert capsys.readouterr().out == "".join(f"{name}: {value}\n" for name, value in signed().items())
    assert main(["sign", *saved["payload"], "--json"]) == 0
    headers = json.loads(capsys.readouterr().out)
    assert Webhook(SECRET).verify(headers, BODY).id.startswith("msg_")


@pytest.mark.parametrize(
    ("flags", "cure"),
    [
        (["--timestamp", "1.5"], "whole seconds"),
        (["--timestamp", "9" * 5000], "whole seconds"),
        (["--timestamp", "0" * 30], "whole seconds"),
        (["--id", "a.b"], "svix-id"),
    ],
)
def test_an_id_or_a_time_that_verify_refuses_is_not_signed(flags, cure, saved, capsys):
    assert status_of(["sign", *saved["payload"], *flags]) == 2
    assert cure in capsys.readouterr().err


def test_a_saved_delivery_without_usable_headers_is_not_signed(tmp_path, capsys):
    for headers in ({"svix-id": "a.b"}, {"svix-timestamp": "soon"}):
        record = {"headers": headers, "body_b64": base64.b64encode(BODY).decode()}
        (tmp_path / "saved.ndjson").write_text(json.dumps(record))
        assert main(["sign", "--delivery", f"@{tmp_path}/saved.ndjson"]) == 2
        assert "the delivery cannot be signed" in capsys.readouterr().err


def test_a_secret_is_new_and_bare(capsys):
    assert main(["secret"]) == main(["secret"]) == main(["secret", "--json"]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert len({first, second, json.loads(third)["secret"]}) == 3
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 24
    Webhook(first)


@pytest.mark.parametrize("command", ["verify", "sign"])
def test_no_command_prints_the_secret(command, saved, capsys):
    for flags in (saved["delivery"], [], ["--payload", "x"]):
        main([command, *flags, "--secret", OTHER_SECRET])
        main([command, *flags])
    shown = "".join(capsys.readouterr())
    assert OTHER_SECRET not in shown
    assert SECRET not in shown
