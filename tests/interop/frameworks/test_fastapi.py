"""`clerk_webhook.fastapi` in a real FastAPI: under uvicorn over raw sockets, and by FastAPI's own test client."""

import asyncio
import json
import sqlite3
from typing import Annotated

import pytest
from deliveries import BODY, OTHER_SECRET, SECRET
from door_contract import *  # noqa: F403  # the contract
from door_contract import now
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from harness import serve_asgi
from starlette.middleware.base import BaseHTTPMiddleware
from transports import Answer, asgi_call, asgi_scope

from clerk_webhook import SecretError, Webhook, WebhookEvent
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.fastapi import OPENAPI, ClerkEvent, clerk_event, clerk_event_from, view
from clerk_webhook.testing import sample_event


def make_app(handle):
    app = FastAPI()
    endpoint = Endpoint(SECRET)

    @app.post("/route")
    async def clerk(event: ClerkEvent) -> str:
        handle(event)
        return event.type

    @endpoint.on
    def handler(event: WebhookEvent) -> None:
        handle(event)

    app.post("/endpoint")(view(endpoint))
    return app


def post(app, path, headers, body, method="POST", content_type="application/json"):
    answer = TestClient(app, raise_server_exceptions=False).request(
        method, path, headers={**headers, "content-type": content_type}, content=body
    )
    return Answer(answer.status_code, dict(answer.headers), answer.content)


@pytest.fixture(scope="module")
def received():
    return []


@pytest.fixture(params=["/route", "/endpoint"])
def path(request):
    return request.param


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request, received):
    with serve_asgi(make_app(received.append), http=request.param) as server:
        yield server


@pytest.fixture
def unbuffered(server):
    return server


@pytest.fixture
def client(received):
    app = make_app(received.append)
    return lambda path, headers, body, **how: post(app, path, headers, body, **how)


@pytest.fixture
def stranger():
    app = make_app(lambda event: None)

    def status(path, headers, announced, body):
        scope = asgi_scope(headers, path=path, query_string=b"")
        if announced is not None:
            scope["headers"].append((b"content-length", announced.encode("latin-1")))
        return asyncio.run(asgi_call(app, scope, [body])).status

    return status


@pytest.fixture
def send():
    def send(endpoint, headers, body, method="POST"):
        app = FastAPI()
        app.post("/api/webhooks")(view(endpoint))
        return post(app, "/api/webhooks", headers, body, method)

    return send


@pytest.fixture
def make_route():
    def make(handle, webhook=None, **arguments):
        app = FastAPI()
        own = webhook or arguments
        dependency = clerk_event_from(webhook or SECRET, **arguments) if own else clerk_event

        @app.post("/api/webhooks")
        def clerk(event: Annotated[WebhookEvent, Depends(dependency)]) -> None:
            handle(event)

        return lambda headers, body, method="POST": post(app, "/api/webhooks", headers, body, method)

    return make


@pytest.fixture
def reason():
    return lambda answer: json.loads(answer.body)["detail"]


@pytest.fixture
def app():
    return FastAPI()


def genuine(body=BODY, **how):
    """Return the arguments of a test client's `post` for a genuine delivery."""
    headers, content = now(body, **how)
    return {"headers": headers, "content": content}


def test_a_secret_that_can_not_be_one_is_refused_when_the_route_is_made():
    with pytest.raises(SecretError):
        clerk_event_from("sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_a_handler_of_the_application_for_the_framework_s_exception_sees_refusals(app):
    @app.exception_handler(HTTPException)
    async def problem(_, error: HTTPException) -> JSONResponse:
        return JSONResponse({"title": error.detail}, error.status_code, {"content-type": "application/problem+json"})

    @app.post("/")
    def clerk(event: ClerkEvent) -> None: ...

    answer = TestClient(app).post("/", content=b"{}")
    assert (answer.status_code, answer.json()) == (400, {"title": "missing_header"})


def test_a_dependency_of_a_router_gives_the_same_event():
    router = APIRouter(dependencies=[Depends(clerk_event)])

    @router.post("/")
    def clerk(
        event: ClerkEvent, again: ClerkEvent, own: Annotated[WebhookEvent, Depends(clerk_event_from(SECRET))]
    ) -> list[bool]:
        return [event is again, event == own]

    app = FastAPI()
    app.include_router(router)
    client = TestClient(app)
    assert client.post("/", **genuine()).json() == [True, True]
    assert client.post("/", **genuine(secret=OTHER_SECRET)).status_code == 400


def test_the_body_can_be_read_before_and_after(app):
    @app.middleware("http")
    async def reads_first(request: Request, call_next):
        assert await request.body() == BODY
        return await call_next(request)

    @app.post("/")
    async def clerk(event: ClerkEvent, request: Request) -> bool:
        return await request.body() == BODY and event.payload == await request.json()

    assert TestClient(app).post("/", **genuine()).json() is True


def test_a_dependency_that_leaves_no_body_has_the_message_refused(app, caplog):
    async def reads_first(request: Request) -> None:
        async for _ in request.stream():  # as request.form() does for a form
            pass

    @app.post("/", dependencies=[Depends(reads_first)])
    def clerk(event: ClerkEvent) -> None: ...

    for message in (genuine(), {"files": {"a": b"b"}}):
        answer = TestClient(app).post("/", **message)
        assert (answer.status_code, answer.json()) == (400, {"detail": "incomplete_body"})
    assert caplog.text.count("something else read the request first") == 2


@pytest.mark.parametrize("size", [None, 10])
def test_a_middleware_that_takes_the_stream_is_an_incomplete_body_and_no_wrong_secret(caplog, size):
    """Starlette then gives an empty body to the route, and it was a signature_mismatch."""

    async def reads_first(request: Request, call_next):
        async for _ in request.stream():
            pass
        return await call_next(request)

    app = make_app(lambda event: None)
    app.add_middleware(BaseHTTPMiddleware, dispatch=reads_first)
    headers, body = now()
    for path in ("/route", "/endpoint"):
        content = body if size is None else iter([body[:size], body[size:]])
        assert TestClient(app).post(path, headers=headers, content=content).status_code == 400
    assert caplog.text.count("(incomplete_body)") == 2


def test_a_test_overrides_the_dependency(app):
    @app.post("/")
    async def clerk(event: ClerkEvent) -> str | None:
        return event.data["first_name"] if event.type == "user.created" else None

    app.dependency_overrides[clerk_event] = lambda: sample_event("user.created", first_name="Grace")
    assert TestClient(app).post("/").json() == "Grace"


def test_a_smaller_limit_of_the_framework_s_own_holds(app):
    try:
        small = app.post("/", max_body_size=len(BODY))
    except TypeError:
        pytest.skip("this FastAPI has no limit of its own")

    @small
    def clerk(event: ClerkEvent) -> None: ...

    client = TestClient(app)
    assert client.post("/", **genuine()).status_code == 200
    sent = genuine(BODY + b" ")
    assert client.post("/", **sent).status_code == 413
    assert client.post("/", headers=sent["headers"], content=iter([sent["content"]])).status_code == 413


def test_sync_and_async_handlers_run_in_a_view(app):
    seen = []
    endpoint = Endpoint(Webhook(SECRET))

    @endpoint.on
    def in_a_thread(event: WebhookEvent) -> None:
        seen.append("sync")

    @endpoint.on
    async def in_the_loop(event: WebhookEvent) -> None:
        seen.append("async")

    app.post("/")(view(endpoint))
    assert TestClient(app).post("/", **genuine()).status_code == 200
    assert seen == ["sync", "async"]


def test_the_session_of_a_dependency_with_yield_commits_before_the_answer(app, tmp_path):
    path = tmp_path / "users.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE plans (id TEXT PRIMARY KEY)")
        # A user without a plan fails at the commit, not before.
        connection.execute("CREATE TABLE users (id TEXT, plan TEXT REFERENCES plans DEFERRABLE INITIALLY DEFERRED)")
    connection.close()

    def session():
        connection = sqlite3.connect(path, check_same_thread=False)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:  # commits, or rolls back if the route raises
                yield connection
        finally:
            connection.close()

    try:
        depends = Depends(session, scope="function")
    except TypeError:
        depends = Depends(session)  # before FastAPI 0.121

    @app.post("/")
    def clerk(event: ClerkEvent, session: Annotated[sqlite3.Connection, depends]) -> None:
        if event.type == "user.created":
            plan = "none" if event.data["first_name"] == "at the commit" else None
            session.execute("INSERT INTO users VALUES (?, ?)", (event.data["id"], plan))
            if event.data["first_name"] == "in the route":
                raise HTTPException(503)

    def users():
        connection = sqlite3.connect(path)
        rows = connection.execute("SELECT id FROM users").fetchall()
        connection.close()
        return rows

    client = TestClient(app, raise_server_exceptions=False)
    assert client.post("/", **genuine(BODY.replace(b"Ada", b"in the route"))).status_code == 503
    assert client.post("/", **genuine(BODY.replace(b"Ada", b"at the commit"))).status_code == 500
    assert client.post("/", **genuine(secret=OTHER_SECRET)).status_code == 400
    assert users() == []
    assert client.post("/", **genuine()).status_code == 200
    assert users() == [("user_1",)]


def test_openapi_knows_the_body_and_the_answers_if_it_is_told(app):
    endpoint = Endpoint(SECRET)

    @app.post("/route", openapi_extra=OPENAPI)
    def clerk(event: ClerkEvent) -> None: ...

    app.post("/endpoint", openapi_extra=OPENAPI)(view(endpoint))
    for path in ("/route", "/endpoint"):
        described = app.openapi()["paths"][path]["post"]
        assert "application/json" in described["requestBody"]["content"]
        assert described["responses"].keys() == {"200", "400", "413", "500"}
        assert "parameters" not in described


def test_a_route_is_told_to_call_view():
    with pytest.raises(TypeError, match=r"^An endpoint is no part of a request: app\.post\(path\)\(view\(endpoint\)\)"):
        FastAPI().post("/")(view)
