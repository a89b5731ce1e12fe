"""The handlers that README.md and the reference show do what their text says."""

import contextlib
import io
import sqlite3
import time

import pytest
from deliveries import signed

from clerk_webhook import Endpoint, parse_event
from clerk_webhook.inbox import CREATE_TABLE
from clerk_webhook.testing import sample_event

BODY = b'{"type": "user.created", "data": {"id": "user_1", "first_name": "Ada"}}'
RECEIVING = "docs/reference/receiving.md"


def genuine():
    return signed(BODY, timestamp=int(time.time()))


def fastapi(names):
    from fastapi.testclient import TestClient

    client = TestClient(names["app"])
    return lambda headers: client.post("/api/webhooks", headers=headers, content=BODY)


def flask(names):
    client = names["app"].test_client()
    return lambda headers: client.post("/api/webhooks", headers=headers, data=BODY)


def django(names):
    from django.test import RequestFactory

    view = names["clerk"]
    return lambda headers: view(RequestFactory().post("/", BODY, content_type="application/json", headers=headers))


@pytest.mark.parametrize(
    ("until", "framework"),
    [("import FastAPI", fastapi), ("from flask", flask), ("from django", django)],
)
def test_the_handler_answers_genuine_and_bad_requests(run, until, framework, capsys):
    post = framework(run("README.md", until))
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
def test_the_handler_that_narrows(run, body, printed, capsys):
    run("README.md", "def handle")["handle"](parse_event(body))
    assert capsys.readouterr().out == printed


def test_the_form_for_everything_else(run, capsys):
    receive = run("README.md", "def receive")["receive"]
    assert receive(genuine(), BODY) == 200
    assert capsys.readouterr().out == "save user_1 Ada\n"
    assert receive({}, BODY) == 400


def test_the_sync(run):
    handlers = run("README.md", "def save")["handlers"]
    with contextlib.closing(sqlite3.connect("app.db")) as database:
        database.execute(CREATE_TABLE)
        database.execute("CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT)")
        created, deleted = sample_event("user.created"), sample_event("user.deleted")
        late = sample_event("user.updated", id=deleted.data["id"])
        for event, rows in [(created, 1), (created, 1), (deleted, 0), (late, 0), (sample_event("role.created"), 0)]:
            handlers.dispatch(event)
            assert len(database.execute("SELECT * FROM users").fetchall()) == rows


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
