"""`clerk_webhook.fastapi` in a real FastAPI: under uvicorn over raw sockets, and by FastAPI's own test client."""

import asyncio
import json
import logging
import socket
import sqlite3
import time
from contextlib import suppress
from typing import Annotated

import pytest
from attacks import CHUNKED, REFUSED, chunk
from deliveries import BODY, OTHER_SECRET, SECRET, signed
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from harness import Delivery, connect, head, length, locals_below, pour, read_answer, request, send, serve_asgi, soon
from hypothesis import given, settings
from hypothesis import strategies as st
from transports import asgi_call, asgi_scope

from clerk_webhook import Webhook, WebhookEvent, events
from clerk_webhook.fastapi import ClerkEvent, clerk_event, verified
from clerk_webhook.testing import sample_delivery, sample_event

MEGABYTE = 1 << 20
CODES = {
    *("missing_header", "invalid_header", "timestamp_too_old", "timestamp_too_new"),
    *("signature_mismatch", "invalid_payload"),
}


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


@pytest.fixture
def app():
    return FastAPI()


def delivery(event_type="user.created"):
    """Return the arguments of a test client's `post` for a genuine delivery."""
    sample = sample_delivery(event_type, SECRET)
    return {"headers": sample.headers, "content": sample.body}


def genuine(body=BODY, **how):
    return {"headers": signed(body, timestamp=int(time.time()), **how), "content": body}


# Over raw sockets


@pytest.fixture(scope="module")
def received():
    return []


@pytest.fixture(scope="module", params=["h11", "httptools"])
def server(request, received):
    app = FastAPI()

    @app.post("/")
    async def clerk(event: ClerkEvent) -> str:
        received.append(event)
        return event.type

    with serve_asgi(app, http=request.param) as server:
        yield server


def test_a_genuine_delivery_reaches_the_route(server, received):
    genuine = Delivery()
    answer = send(server, request("/", genuine))
    assert (answer.status, answer.body) == (200, b'"user.created"')
    assert received[-1].data["id"] == genuine.user_id


@pytest.mark.parametrize("case", REFUSED)
def test_a_stranger_is_refused_and_told_the_code_alone(server, received, caplog, case):
    before = len(received)
    stranger = Delivery()
    REFUSED[case](stranger)
    answer = send(server, request("/", stranger))
    code = json.loads(answer.body)["detail"]
    assert answer.status == 400
    assert code in CODES
    assert len(received) == before
    (record,) = (record for record in caplog.records if record.name == "clerk_webhook")
    assert (record.levelname, record.code, record.status) == ("WARNING", code, 400)
    assert stranger.user_id not in caplog.text


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_a_header_with_two_lines_is_refused(server, name, genuine_line):
    doubled = Delivery()
    doubled.headers[name].insert(1 if genuine_line == "first" else 0, b"1")
    answer = send(server, request("/", doubled))
    assert (answer.status, json.loads(answer.body)) == (400, {"detail": "invalid_header"})


def test_an_announced_gigabyte_is_refused_at_once(server):
    answer, sent = pour(server, head("/", Delivery().headers | length(1 << 30)), 1 << 30)
    assert (answer.status, answer.body) == (413, b'{"detail":"too_large"}')
    assert sent < MEGABYTE


def test_chunks_without_end_are_refused_at_the_limit(server):
    start = head("/", Delivery().headers | CHUNKED)
    answer, sent = pour(server, start + b"%x\r\n" % (1 << 40), 1 << 30)
    assert answer.status == 413
    assert sent < 3 * MEGABYTE  # the limit, and the buffers of sockets


@pytest.mark.parametrize("size", [MEGABYTE, MEGABYTE + 1])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_is_exact(server, size, chunked):
    large = Delivery()
    large.body = large.body.ljust(size)
    large.sign()
    start = large.headers | (CHUNKED if chunked else length(size))
    body = chunk(large.body[:1]) + chunk(large.body[1:]) + chunk(b"") if chunked else large.body
    assert send(server, head("/", start), body).status == (200 if size == MEGABYTE else 413)


def test_slow_clients_hold_up_nobody(server):
    slow = Delivery()
    whole = request("/", slow)
    with connect(server) as connection:
        connection.sendall(whole[:-20])
        assert send(server, request("/", Delivery())).status == 200
        connection.sendall(whole[-20:-10])
        time.sleep(0.1)
        connection.sendall(whole[-10:])
        assert read_answer(connection).status == 200


@pytest.mark.parametrize("framing", [length(100), CHUNKED])
def test_a_client_that_hangs_up_is_logged_and_is_no_exception(server, caplog, framing):
    with connect(server) as connection:
        connection.sendall(head("/", Delivery().headers | framing) + b"20\r\n{")
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    assert soon(lambda: "incomplete_body" in caplog.text)
    assert "Traceback" not in caplog.text


# By the letter of ASGI: no server lets these through


@pytest.mark.parametrize("announced", [b"abc", b"-1", b"9" * 5000, b"\xb2", b"", b"1_0"])
def test_an_odd_length_announces_nothing(app, announced):
    @app.post("/")
    async def clerk(event: ClerkEvent) -> None: ...

    scope = asgi_scope(genuine()["headers"], path="/", query_string=b"")
    scope["headers"].append((b"content-length", announced))
    assert asyncio.run(asgi_call(app, scope, [BODY])).status == 200


@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"svix-id", b"svix-timestamp", b"svix-signature", b"webhook-id", b"content-length"]),
            st.binary(max_size=40),
        )
    ),
    parts=st.lists(st.binary(max_size=50) | st.none(), min_size=1),
)
@settings(deadline=None)
def test_a_stranger_gets_a_refusal_whatever_is_sent(headers, parts):
    app = FastAPI()
    webhook = Webhook(SECRET)

    @app.post("/")
    async def clerk(event: Annotated[WebhookEvent, Depends(verified(webhook))]) -> None: ...

    scope = asgi_scope(path="/", query_string=b"") | {"headers": headers}
    assert asyncio.run(asgi_call(app, scope, parts)).status in {400, 413}


# In the framework's own machinery


@pytest.mark.parametrize("event_type", events.EVENT_CLASSES)
def test_every_sample_arrives_typed(app, event_type):
    seen = []

    @app.post("/async")
    async def by_coroutine(event: ClerkEvent) -> None:
        seen.append(event)

    @app.post("/sync")
    def in_thread(event: ClerkEvent) -> None:
        seen.append(event)

    sent = delivery(event_type)
    with TestClient(app) as client:
        assert client.post("/async", **sent).status_code == client.post("/sync", **sent).status_code == 200
    assert {type(event) for event in seen} == {events.EVENT_CLASSES[event_type]}
    assert {event.message_id for event in seen} == {sent["headers"]["svix-id"]}


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain; charset=utf-7", ""])
def test_the_content_type_does_not_matter(app, content_type):
    @app.post("/")
    def clerk(event: ClerkEvent) -> None: ...

    sent = genuine()
    sent["headers"]["content-type"] = content_type
    assert TestClient(app).post("/", **sent).status_code == 200


def test_headers_without_the_brand_and_several_signatures_pass(app):
    @app.post("/")
    def clerk(event: ClerkEvent) -> None: ...

    sent = genuine(prefix="webhook")
    sent["headers"]["webhook-signature"] = f"v1a,AAAA v1,AAAA {sent['headers']['webhook-signature']}"
    assert TestClient(app).post("/", **sent).status_code == 200


def test_a_genuine_body_that_is_unreadable_is_not_sent_again(app):
    @app.post("/")
    def clerk(event: ClerkEvent) -> None: ...

    answer = TestClient(app).post("/", **genuine(b'{"type": 1}'))
    assert (answer.status_code, answer.json()) == (400, {"detail": "invalid_payload"})
    assert answer.headers["webhook-delivery"] == "abort-message"
    answer = TestClient(app).post("/", **genuine(secret=OTHER_SECRET))
    assert (answer.status_code, answer.json()) == (400, {"detail": "signature_mismatch"})
    assert "webhook-delivery" not in answer.headers


@pytest.mark.parametrize("wrong", [None, "sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_a_missing_or_wrong_secret_is_logged_and_not_told_and_not_cached(app, monkeypatch, caplog, wrong):
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
    if wrong:
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", wrong)

    @app.post("/")
    def clerk(event: ClerkEvent) -> None: ...

    client = TestClient(app)
    answer = client.post("/", **genuine())
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    (record,) = (record for record in caplog.records if record.name == "clerk_webhook")
    assert (record.levelname, record.code) == ("ERROR", "invalid_secret")
    assert "Clerk Dashboard" in record.getMessage()
    assert "MfKQ" not in caplog.text
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    assert client.post("/", **genuine()).status_code == 200


def test_a_handler_of_the_application_for_the_framework_s_exception_sees_refusals(app):
    @app.exception_handler(HTTPException)
    async def problem(_, error: HTTPException) -> JSONResponse:
        return JSONResponse({"title": error.detail}, error.status_code, {"content-type": "application/problem+json"})

    @app.post("/")
    def clerk(event: ClerkEvent) -> None: ...

    answer = TestClient(app).post("/", content=b"{}")
    assert (answer.status_code, answer.json()) == (400, {"title": "missing_header"})


def test_a_dependency_of_a_router_gives_the_same_event(caplog):
    caplog.set_level(logging.DEBUG, "clerk_webhook")
    router = APIRouter(dependencies=[Depends(clerk_event)])

    @router.post("/")
    def clerk(
        event: ClerkEvent, again: ClerkEvent, own: Annotated[WebhookEvent, Depends(verified(Webhook(SECRET)))]
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


@pytest.mark.parametrize("message", [genuine, lambda: {"files": {"a": b"b"}}], ids=["genuine", "form"])
def test_a_dependency_that_leaves_no_body_has_the_message_refused(app, caplog, message):
    async def reads_first(request: Request) -> None:
        async for _ in request.stream():  # as request.form() does for a form
            pass

    @app.post("/", dependencies=[Depends(reads_first)])
    def clerk(event: ClerkEvent) -> None: ...

    answer = TestClient(app).post("/", **message())
    assert (answer.status_code, answer.json()) == (400, {"detail": "incomplete_body"})
    assert "read the request first" in caplog.text


def test_a_test_overrides_the_dependency(app):
    @app.post("/")
    async def clerk(event: ClerkEvent) -> str | None:
        return event.data["first_name"] if event.type == "user.created" else None

    app.dependency_overrides[clerk_event] = lambda: sample_event("user.created", first_name="Grace")
    assert TestClient(app).post("/").json() == "Grace"


def test_a_function_that_returns_the_webhook_is_called_at_requests_only(app):
    secrets = ["whsec_", OTHER_SECRET]

    @app.post("/")
    def clerk(event: Annotated[WebhookEvent, Depends(verified(lambda: Webhook(secrets[0])))]) -> None: ...

    client = TestClient(app)
    answer = client.post("/", **genuine(secret=OTHER_SECRET))
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    secrets.pop(0)
    assert client.post("/", **genuine(secret=OTHER_SECRET)).status_code == 200
    assert client.post("/", **genuine()).status_code == 400


@pytest.mark.parametrize("wrong", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 42])
def test_a_source_that_can_not_work_is_refused_when_the_route_is_made(wrong):
    with pytest.raises(TypeError, match="must be a Webhook") as raised:
        verified(wrong)
    assert "MfKQ" not in str(raised.value) + locals_below(raised.value)


def test_the_limit_can_be_set(app):
    @app.post("/")
    def clerk(event: Annotated[WebhookEvent, Depends(verified(Webhook(SECRET), max_body=len(BODY)))]) -> None: ...

    client = TestClient(app)
    assert client.post("/", **genuine()).status_code == 200
    assert client.post("/", **genuine(BODY + b" ")).status_code == 413


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


def test_openapi_knows_no_body_unless_it_is_told(app):
    @app.post("/", openapi_extra={"requestBody": {"content": {"application/json": {}}}})
    def clerk(event: ClerkEvent) -> None: ...

    described = app.openapi()["paths"]["/"]["post"]
    assert described["requestBody"] == {"content": {"application/json": {}}}
    assert "parameters" not in described
    assert "422" not in described["responses"]
