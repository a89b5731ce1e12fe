"""The README's Python is run as it stands, in the frameworks themselves. Needs the `dev` extra."""

import re
import time
from pathlib import Path

import pytest

from clerk_webhook import Webhook, parse_event

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type": "user.created", "data": {"id": "user_1", "first_name": "Ada"}}'
BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text(), re.DOTALL)


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def run(word):
    (code,) = (block for block in BLOCKS if word in block)
    names = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec", dont_inherit=True), names)
    return names


def genuine():
    now = int(time.time())
    signature = Webhook(SECRET).sign("msg_1", now, BODY)
    return {"svix-id": "msg_1", "svix-timestamp": str(now), "svix-signature": signature}


def fastapi():
    from fastapi.testclient import TestClient

    client = TestClient(run("from fastapi")["app"])
    return lambda headers: client.post("/api/webhooks", headers=headers, content=BODY)


def flask():
    client = run("from flask")["app"].test_client()
    return lambda headers: client.post("/api/webhooks", headers=headers, data=BODY)


def django():
    from django.conf import settings
    from django.test import RequestFactory

    if not settings.configured:
        settings.configure()
    view = run("from django")["clerk"]
    return lambda headers: view(RequestFactory().post("/", BODY, content_type="application/json", headers=headers))


@pytest.mark.parametrize("framework", [fastapi, flask, django])
def test_the_handler_answers_genuine_and_bad_requests(framework, capsys):
    post = framework()
    assert post(genuine()).status_code == 200
    assert capsys.readouterr().out == "new user user_1\n"
    assert post({}).status_code == 400
    assert post(genuine() | {"svix-signature": "v1,A"}).status_code == 400
    assert post(genuine() | {"svix-timestamp": "1.5"}).status_code == 400
    assert capsys.readouterr().out == ""


def test_the_handler_that_narrows():
    handle = run("def handle")["handle"]
    assert handle(parse_event(BODY)) == "save user_1, Ada"
    assert handle(parse_event({"type": "user.deleted", "data": {"id": "user_1"}})) == "forget user_1"
    assert handle(parse_event({"type": "new.type"})) == "new.type is newer than this release"
    assert handle(parse_event({"type": "role.created", "data": {}})) == "not ours"


def test_the_webhook_from_the_environment():
    run("Webhook.from_env()")["webhook"].verify(genuine(), BODY)
