"""FastAPI with pydantic-settings, with an async session, and behind middlewares that read the body."""

import sqlite3
from contextlib import closing

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from project import PAGE, SECRET, Delivery, blocks
from pydantic import ValidationError
from starlette.middleware.base import BaseHTTPMiddleware

from clerk_webhook import Endpoint, SecretError, events
from clerk_webhook.fastapi import ClerkEvent, view
from clerk_webhook.testing import sample_delivery

PAGE = PAGE.with_name("fastapi.md")


def names_of(section):
    (block,) = blocks(section, PAGE)
    names = {"__name__": "page"}
    exec(compile(block, PAGE, "exec"), names)
    return names


def post(client, delivery):
    return client.post("/api/webhooks", headers=delivery.headers(), content=delivery.body).status_code


@pytest.fixture(params=["in the environment", "in .env"])
def configure(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def set_secret(secret):
        if request.param == "in .env":
            (tmp_path / ".env").write_text(f"DATABASE_URL=sqlite://\nCLERK_WEBHOOK_SIGNING_SECRET={secret}\n")
        else:
            monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", secret)

    return set_secret


def test_the_secret_comes_from_the_settings(configure):
    configure(SECRET)
    with TestClient(names_of("Settings, and a check at start-up")["app"]) as client:
        assert post(client, Delivery()) == 200


def test_a_wrong_secret_stops_the_start(configure):
    configure("sk_test_c2VjcmV0")
    with (
        pytest.raises(SecretError, match="sk_"),
        TestClient(names_of("Settings, and a check at start-up")["app"]),
    ):
        pass


def test_a_missing_secret_stops_the_start(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(ValidationError, match="clerk_webhook_signing_secret"),
        TestClient(names_of("Settings, and a check at start-up")["app"]),
    ):
        pass


def test_an_async_session_has_the_newest_state_and_one_mail(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    newer = sample_delivery("user.updated", SECRET, id="user_1", updated_at=2_000_000_000_000)
    older = sample_delivery(
        "user.created", SECRET, id="user_1", updated_at=1_000_000_000_000, primary_email_address_id=None
    )
    with TestClient(names_of("An endpoint that mirrors")["app"]) as client:
        for request in (newer, older, newer, older):
            assert client.post("/api/webhooks", headers=request.headers, content=request.body).status_code == 200
        description = client.get("/openapi.json").json()["paths"]["/api/webhooks"]["post"]
    with closing(sqlite3.connect("app.db")) as database:
        assert database.execute("SELECT email FROM clerk_users").fetchall() == [("ada@example.com",)]
        assert database.execute("SELECT user_id FROM mails").fetchall() == [("user_1",)]
    assert "application/json" in description["requestBody"]["content"]
    assert {"400", "413", "500"} <= set(description["responses"])


@pytest.fixture(params=["a route of one's own", "an endpoint"])
def app(request, monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    app = FastAPI()
    if request.param == "an endpoint":
        endpoint = Endpoint()

        @endpoint.on
        def welcome(event: events.UserCreated) -> None:
            print("new user", event.data["id"])

        app.post("/api/webhooks")(view(endpoint))
    else:

        @app.post("/api/webhooks")
        async def clerk(event: ClerkEvent) -> None:
            print("new user", event.data["id"])

    return app


def test_a_middleware_may_read_the_body_before_the_route(app, capsys):
    async def audit(request, call_next):
        sizes.append(len(await request.body()))
        return await call_next(request)

    sizes = []
    app.add_middleware(BaseHTTPMiddleware, dispatch=audit)
    delivery = Delivery()
    assert post(TestClient(app), delivery) == 200
    assert sizes == [len(delivery.body)]
    assert delivery.user_id in capsys.readouterr().out


def test_a_middleware_that_reads_the_body_after_the_route_is_starlettes_500(app, capsys):
    async def audit(request, call_next):
        response = await call_next(request)
        await request.body()
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=audit)
    delivery = Delivery()
    assert post(TestClient(app, raise_server_exceptions=False), delivery) == 500
    assert delivery.user_id in capsys.readouterr().out


def test_a_middleware_that_takes_the_stream_leaves_no_body(app, capsys, caplog):
    async def audit(request, call_next):
        async for _ in request.stream():
            pass
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=audit)
    delivery = Delivery()
    assert post(TestClient(app), delivery) == 400
    assert delivery.user_id not in capsys.readouterr().out
    assert "incomplete_body" in caplog.text
    assert "middleware" in caplog.text
