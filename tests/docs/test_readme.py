"""The Python of the README and of docs/ is run as it stands, in the frameworks themselves. Needs the `dev` extra."""

import io
import re
import time
from pathlib import Path

import pytest

from clerk_webhook import Webhook, parse_event
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.testing import sample_delivery

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type": "user.created", "data": {"id": "user_1", "first_name": "Ada"}}'
PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def run(word, page="README.md", **names):
    """Run the one block of a page that a word is in, and return the names that it leaves."""
    blocks = re.findall(r"```python\n(.*?)```", (PROJECT / page).read_text(), re.DOTALL)
    (code,) = (block for block in blocks if word in block)
    names |= {"__name__": "page"}
    exec(compile(code, page, "exec", dont_inherit=True), names)
    return names


def genuine():
    now = int(time.time())
    signature = Webhook(SECRET).sign("msg_1", now, BODY)
    return {"svix-id": "msg_1", "svix-timestamp": str(now), "svix-signature": signature}


def fastapi():
    from fastapi.testclient import TestClient

    client = TestClient(run("import FastAPI, HTTPException")["app"])
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


def test_the_endpoint(capsys):
    from fastapi.testclient import TestClient

    client = TestClient(run("Endpoint()")["app"], follow_redirects=False)
    for event_type, done in [("user.created", "save"), ("user.deleted", "forget")]:
        request = sample_delivery(event_type, SECRET)
        assert client.post("/api/webhooks", headers=request.headers, content=request.body).status_code == 200
        assert capsys.readouterr().out.startswith(f"{done} user_")
    assert client.post("/api/webhooks", headers=genuine() | {"svix-id": "msg_2"}, content=BODY).status_code == 400
    assert client.get("/api/webhooks").status_code == 405


def test_the_tests():
    from fastapi.testclient import TestClient

    handle = run("def handle")["handle"]
    tests = run("def test_the_route", handle=handle)
    tests["test_the_handler"]()
    tests["test_the_route"](TestClient(run("Endpoint()")["app"]), SECRET)


def test_the_observer():
    seen = []

    class Everything:
        def __getattr__(self, name):
            return lambda *arguments: seen.append((name, arguments)) or self

    page = "docs/reference/receiving.md"
    endpoint = run("def observe", page, requests_total=Everything(), sentry_sdk=Everything())["endpoint"]
    endpoint.handle(genuine(), BODY)
    assert seen == [("labels", ("ignored", "")), ("inc", ())]
    seen.clear()
    endpoint.on_any(lambda _: 1 / 0)
    endpoint.handle(genuine(), BODY)
    assert [name for name, _ in seen] == ["labels", "inc", "capture_exception"]


def test_the_transport_of_your_own():
    endpoint = Endpoint(max_body=len(BODY))
    receive = run("def receive", "docs/reference/receiving.md", endpoint=endpoint)["receive"]
    length = {"content-length": str(len(BODY))}
    assert receive("POST", genuine() | length, io.BytesIO(BODY + b"and what comes after it"))[0] == 200
    assert receive("POST", genuine(), io.BytesIO(BODY))[0] == 400
    assert receive("POST", genuine() | {"content-length": "9999"}, None)[0] == 413
    assert receive("POST", genuine() | {"content-length": "9" * 5000}, None)[0] == 400
    assert receive("POST", genuine() | {"content-length": "abc"}, None)[0] == 400
    assert receive("GET", {}, None)[0] == 405
