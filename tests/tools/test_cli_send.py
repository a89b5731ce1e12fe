"""`clerk-webhook send`, against an application over real sockets."""

import json
import re
import socket

import pytest
from commands import application
from deliveries import OTHER_SECRET, SECRET
from exit_status import status_of

from clerk_webhook import Webhook, WebhookVerificationError
from clerk_webhook.cli import main
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.testing import sample_delivery


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def event_of(received, secret=SECRET):
    return Webhook(secret).verify_and_parse(received.headers, received.body)


def send(app, *arguments, event="user.created"):
    return main(["send", event, "--url", app.url, *arguments])


def test_a_sample_arrives_signed_and_the_answer_is_shown(capsys):
    with application((200, {}, b"stored\n\x1b[31m user")) as app:
        assert send(app) == 0
    (received,) = app.received
    assert event_of(received).type == "user.created"
    shown = capsys.readouterr().out
    assert re.fullmatch(r"200 in \d+ ms  user\.created  msg_\w+  stored \?\[31m user\n", shown)


def test_the_secret_can_be_given(capsys):
    with application() as app:
        assert send(app, "--secret", OTHER_SECRET) == 0
    assert event_of(app.received[0], OTHER_SECRET).type == "user.created"
    assert OTHER_SECRET not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("first_name=Grace", ["first_name"], "Grace"),
        ("first_name=", ["first_name"], ""),
        ("first_name=null", ["first_name"], None),
        ("first_name=a=b", ["first_name"], "a=b"),
        ("locked=true", ["locked"], True),
        ("created_at=1", ["created_at"], 1),
        ('username="42"', ["username"], "42"),
        ("public_metadata.plan=pro", ["public_metadata", "plan"], "pro"),
        ("unsafe_metadata.a.b.c=[1]", ["unsafe_metadata", "a", "b", "c"], [1]),
        ("email_addresses.0.email_address=g@example.com", ["email_addresses", 0, "email_address"], "g@example.com"),
        ("email_addresses.0.verification.status=failed", ["email_addresses", 0, "verification", "status"], "failed"),
        ("email_addresses=[]", ["email_addresses"], []),
        ('first_name="\\ud800"', ["first_name"], "\ufffd"),  # half of a surrogate pair
        ("public_metadata.\udcff=\udcff", ["public_metadata", "\ufffd"], "\ufffd"),  # an argument that is not UTF-8
    ],
)
def test_a_key_of_the_data_can_be_set(assignment, path, value):
    with application() as app:
        assert send(app, "--data", assignment) == 0
    found = event_of(app.received[0]).data
    for key in path:
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    ("assignment", "cure"),
    [
        ("first_nam=Grace", "did you mean 'first_name'?"),
        ("xyz=1", "The keys there are id, "),
        ("email_addresses.0.adress=x", "The keys there are "),
        ("email_addresses.7.email_address=x", "'7' is not one of the"),
        ("email_addresses.first.email_address=x", "'first' is not one of the"),
        ("email_addresses.9=x", "'9' is not one of the"),
        ("email_addresses.00000000099=x", "'00000000099' is not one of the"),
        ("email_addresses.-1=x", "'-1' is not one of the"),
        ("organization_memberships.0.role=x", "'0' is not one of the 0 entries"),
        ("first_name.x=1", "'x' has no place"),
        ("first_name", "is not KEY=VALUE"),
        ("=x", "is not KEY=VALUE"),
    ],
)
def test_a_path_that_the_data_type_lacks_is_an_error_and_nothing_is_sent(assignment, cure, capsys):
    with application() as app:
        assert status_of(["send", "user.created", "--url", app.url, "--data", assignment]) == 2
    error = capsys.readouterr().err
    assert cure in error
    assert error.count("\n") == 1
    assert app.received == []


def test_each_sample_arrives_as_sample_delivery_makes_it():
    with application() as app:
        assert [send(app, event=event_type) for event_type in EVENT_CLASSES] == [0] * len(EVENT_CLASSES)
    sent = [received.body for received in app.received]
    assert sent == [sample_delivery(event_type, SECRET).body for event_type in EVENT_CLASSES]


def test_messages_have_ids_of_their_own_unless_one_is_wanted():
    with application() as app:
        assert send(app, "--times", "3") == 0
        assert send(app, "--times", "2", "--same-id") == 0
    ids = [received.message_id for received in app.received]
    assert len(set(ids[:3])) == 3
    assert ids[3] == ids[4] not in ids[:3]


@pytest.mark.parametrize("mode", ["--stale", "--tamper", "--wrong-secret"])
@pytest.mark.parametrize(("answer", "status"), [(400, 0), (403, 0), (200, 1), (500, 1)])
def test_a_bad_message_wants_a_4xx(mode, answer, status, capsys):
    with application((answer, {}, b"")) as app:
        assert send(app, mode) == status
    (received,) = app.received
    with pytest.raises(WebhookVerificationError):
        event_of(received)
    assert capsys.readouterr().out.startswith(f"{answer} in ")


def test_the_answers_as_json(capsys):
    with application((500, {}, b""), (200, {}, b"")) as app:
        assert send(app, "--times", "2", "--json") == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["event_type"], row["status"], row["wanted"]) for row in rows] == [
        ("user.created", 500, False),
        ("user.created", 200, True),
    ]
    assert [row["message_id"] for row in rows] == [received.message_id for received in app.received]


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (401, "behind a login"),
        (403, "CSRF"),
        (404, "check the path"),
        (405, "check the path"),
        (307, "follows no redirects"),
    ],
)
def test_the_likely_cause_of_a_status_is_named(status, cure, capsys):
    with application((status, {"location": "http://127.0.0.1:1/"}, b"")) as app:
        assert send(app) == 1
    assert len(app.received) == 1
    assert cure in capsys.readouterr().out


def test_the_cause_stands_before_the_start_of_the_servers_page(capsys):
    page = b"<!DOCTYPE html>\n<html>" + b"<p>Forbidden</p>" * 1000
    with application((403, {}, page)) as app:
        assert send(app) == 1
        assert send(app, "--json") == 1
    line, row = capsys.readouterr().out.splitlines()
    before, page, after = line.partition("<!DOCTYPE")
    assert "CSRF" in before
    assert len(page + after) == len(json.loads(row)["body"]) == 200


def test_a_closed_port_is_told(capsys):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        assert main(["send", "user.created", "--url", url]) == 1
        assert main(["send", "user.created", "--url", url, "--json"]) == 1
    captured = capsys.readouterr()
    assert re.fullmatch(r"clerk-webhook send: nothing listens on [\d.:]+: is the application running\?\n", captured.err)
    assert "nothing listens" in json.loads(captured.out)["error"]


@pytest.mark.parametrize("answer", [b"", b"\x1b[2Jnonsense\r\n\r\n"])
def test_an_answer_that_is_not_http_is_one_line(answer, capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        from threading import Thread

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        assert main(["send", "user.created", "--url", f"http://127.0.0.1:{server.getsockname()[1]}"]) == 1
        thread.join()
    error = capsys.readouterr().err
    assert "sent no answer" in error
    assert (error.count("\n"), error.count("\x1b")) == (1, 0)


def test_a_slow_application_is_told_as_svix_would(monkeypatch, capsys):
    monkeypatch.setattr("clerk_webhook.cli._http._TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert main(["send", "user.created", "--url", f"http://127.0.0.1:{server.getsockname()[1]}?x=1"]) == 1
    assert "did not answer" in capsys.readouterr().err


def test_no_proxy_is_used(monkeypatch):
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with application() as app:
        assert send(app) == 0


def test_a_file_is_sent_byte_for_byte(tmp_path, capsys):
    body = b' {"type": "user.teleported",\n"data": 1}\n\xff'
    (tmp_path / "body.json").write_bytes(body)
    with application() as app:
        assert send(app, event=f"@{tmp_path}/body.json") == 0
        assert send(app, "--data", "x=1", event=f"@{tmp_path}/body.json") == 2
    assert app.received[0].body == body
    captured = capsys.readouterr()
    assert " -  msg_" in captured.out
    assert "--data needs the body of an event" in captured.err


def test_any_key_can_be_set_in_a_type_that_is_newer_than_this_release(tmp_path):
    (tmp_path / "body.json").write_text('{"type": "user.teleported", "data": {}}')
    with application() as app:
        assert send(app, "--data", "to.place=Mars", event=f"@{tmp_path}/body.json") == 0
    assert event_of(app.received[0]).data == {"to": {"place": "Mars"}}


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (["user.create", "--url", "http://127.0.0.1:1"], "did you mean user.created?"),
        (["@/nowhere.json", "--url", "http://127.0.0.1:1"], "can't read /nowhere.json"),
        (["user.created"], "--url"),
        (["user.created", "--url", "127.0.0.1:8000"], "must be one such as"),
        (["user.created", "--url", "http://127.0.0.1:x/"], "must be one such as"),
        (["user.created", "--url", "http://127.0.0.1/a b"], "must be one such as"),
        (["user.created", "--url", "http://ada:my-password@127.0.0.1:1"], "without a user name and a password"),
        (["user.created", "--url", "http://ada:my-password@127.0.0.1:x"], "without a user name and a password"),
        (["user.created", "--url", "http://127.0.0.1:1", "--times", "0"], "is not a whole number"),
        (["user.created", "--url", "http://127.0.0.1:1", "--times", "x"], "is not a whole number"),
        (["user.created", "--url", "http://127.0.0.1:1", "--times", "9" * 5000], "is not a whole number"),
        (["user.created", "--url", "http://127.0.0.1:1", "--secret", "sk_test_1"], "sk_..."),
        (["user.created", "--url", "http://127.0.0.1:1", "--stale", "--tamper"], "not allowed with"),
    ],
)
def test_wrong_arguments_are_one_line_with_the_cure(arguments, cure, capsys):
    assert status_of(["send", *arguments]) == 2
    error = capsys.readouterr().err
    assert cure in error
    assert "my-password" not in error
    assert error.count("\n") == 1


def test_without_a_secret_nothing_is_sent(monkeypatch, capsys):
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
    assert main(["send", "user.created", "--url", "http://127.0.0.1:1"]) == 2
    assert "Or pass --secret" in capsys.readouterr().err
