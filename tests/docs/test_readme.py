"""README.md and the reference do what their text says."""

import contextlib
import importlib.metadata
import io
import itertools
import re
import sqlite3
import time
import tomllib

import pytest
from deliveries import SECRET, signed
from pages import PROJECT
from svix.webhooks import Webhook

from clerk_webhook import Endpoint, WebhookVerificationError, events, parse_event, verify_and_parse
from clerk_webhook.events import EVENT_CLASSES
from clerk_webhook.inbox import sqlite_transactions
from clerk_webhook.mirror import Mirror
from clerk_webhook.testing import sample_delivery, sample_event, signed_request

README = (PROJECT / "README.md").read_text("utf-8")

BODY = b'{"type": "user.created", "data": {"id": "user_1", "first_name": "Ada"}}'
RECEIVING = "docs/reference/receiving.md"


def genuine():
    return signed(BODY, timestamp=int(time.time()))


def fastapi(names):
    from fastapi.testclient import TestClient

    client = TestClient(names["app"])
    return lambda headers: client.post("/api/events", headers=headers, content=BODY)


@pytest.fixture
def endpoint(run):
    """The endpoint of the page, and the file of its database with the tables of the mirror."""
    names = run("README.md")
    with contextlib.closing(sqlite3.connect("app.db")) as database:
        for statement in names["mirror"].create_tables:
            database.execute(statement)
    return names


def users():
    with contextlib.closing(sqlite3.connect("app.db")) as database:
        return database.execute("SELECT id, email, first_name, version = 'deleted' FROM clerk_users").fetchall()


def test_the_three_lines_mirror_behind_the_route(endpoint):
    from fastapi.testclient import TestClient

    client = TestClient(endpoint["app"])
    created, deleted = (sample_event(cls, id="user_1") for cls in ("user.created", "user.deleted"))
    late = sample_event("user.updated", id="user_1")
    row = ("user_1", "ada@example.com", "Ada", 0)
    gone = ("user_1", None, None, 1)
    for event, rows in [(created, [row]), (created, [row]), (deleted, [gone]), (late, [gone])]:
        request = signed_request(event, SECRET)
        assert client.post("/api/webhooks", headers=request.headers, content=request.body).status_code == 200
        assert users() == rows
    assert client.post("/api/webhooks", content=b"{}").status_code == 400


def test_the_route_of_your_own_answers_genuine_and_bad_requests(run, capsys):
    post = fastapi(run("README.md"))
    assert post(genuine()).status_code == 200
    assert capsys.readouterr().out == "save user_1 Ada\n"
    assert post({}).status_code == 400
    assert post(genuine() | {"svix-signature": "v1,A"}).status_code == 400
    assert post(genuine() | {"svix-timestamp": "1.5"}).status_code == 400
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        (BODY, "save user_1 Ada\n"),
        ({"type": "user.deleted", "data": {"id": "user_1"}}, "forget user_1\n"),
        ({"type": "new.type"}, "not used: new.type\n"),
    ],
)
def test_the_route_narrows(run, body, printed, capsys):
    run("README.md")["clerk"](parse_event(body))
    assert capsys.readouterr().out == printed


# The table "Why not svix", row by row.


def row(start):
    (line,) = [line for line in README.splitlines() if line.startswith(f"| {start}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_names_the_release_of_svix_that_was_asked():
    assert row("| svix")[1] == f"svix {'.'.join(importlib.metadata.version('svix').split('.')[:2])}"


def test_svix_gives_none_for_a_genuine_message():
    headers, body = sample_delivery("user.created", SECRET)
    shown = row("a genuine message")
    assert shown[1] == f"`{Webhook(SECRET).verify(body, headers)}`"
    assert f" {len(EVENT_CLASSES)} " in shown[2]
    assert isinstance(verify_and_parse(headers, body, secret=SECRET), events.UserCreated)


def test_what_strangers_can_send_leaves_svix_as_an_exception_that_handlers_do_not_expect():
    headers, body = sample_delivery("user.created", SECRET)
    names = []
    for bad in [("v1", body), ("v1,A", body), (headers["svix-signature"], b"\xff")]:
        request = headers | {"svix-signature": bad[0]}, bad[1]
        with pytest.raises(ValueError) as caught:  # noqa: PT011  # its class is the subject
            Webhook(SECRET).verify(request[1], request[0])
        error = type(caught.value)
        names.append(f"`{error.__module__}.{error.__name__}`".replace("builtins.", ""))
        with pytest.raises(WebhookVerificationError) as refused:
            verify_and_parse(*request, secret=SECRET)
        assert refused.value.status == 400
    assert row("`svix-signature: v1`")[1] == ", ".join(names)


def test_orders_of_arrival(tmp_path):
    """A user is created, updated twice and deleted, and the first update comes twice."""
    created = sample_event("user.created", id="user_1")
    first, second = (sample_event("user.updated", id="user_1", updated_at=1_800_000_000_000 + n) for n in range(2))
    story = [created, first, first, second, sample_event("user.deleted", id="user_1")]
    transaction, mirror = sqlite_transactions(tmp_path / "app.db"), Mirror()
    with transaction() as database:
        for statement in mirror.create_tables:
            database.execute(statement)
    wrong, wrong_in_mirror = 0, 0
    for order in itertools.permutations(story):
        as_they_come = {}
        with transaction() as database:
            database.execute("DELETE FROM clerk_users")
            for event in order:
                mirror.apply(database, event)
                if event.type == "user.deleted":
                    as_they_come.pop("user_1", None)
                else:
                    as_they_come["user_1"] = event.data
            wrong_in_mirror += database.execute("SELECT id, version FROM clerk_users").fetchall() != [
                ("user_1", "deleted")
            ]
        wrong += as_they_come != {}
    shown = row("of the 120 orders")
    assert shown[1].split()[0] == str(wrong)
    assert shown[2].split()[0] == str(wrong_in_mirror)


def test_dependencies():
    theirs = [need for need in importlib.metadata.requires("svix") if "extra ==" not in need]
    ours = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert row("dependencies")[1:] == [str(len(theirs)), str(len(ours))]


# What the page promises of itself.


def test_the_page_is_short():
    assert len(README.splitlines()) <= 120


def test_the_first_command_shows_the_demo_and_the_second_one_runs_the_tests():
    demo, tests = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert demo == "pip install . && clerk-webhook demo\n"
    assert tests == 'pip install -e ".[test]" && pytest\n'
    assert README.index(tests) > README.index("## Contributing")


# The reference.


def test_the_door_of_your_own(run):
    names = run(RECEIVING, "def receive")
    names["answer"] = Endpoint(max_body=len(BODY)).door()
    receive = names["receive"]
    length = {"content-length": str(len(BODY))}
    assert receive("POST", "/", genuine() | length, io.BytesIO(BODY + b"and what comes after it"))[0] == 200
    assert receive("POST", "/", genuine(), io.BytesIO(BODY))[0] == 400
    assert receive("POST", "/", genuine() | {"content-length": "9999"}, io.BytesIO(BODY))[0] == 413
    assert receive("POST", "/", genuine() | {"content-length": "abc"}, io.BytesIO(BODY))[0] == 400
    assert receive("GET", "/", {}, None)[0] == 405
