"""`clerk_webhook.flask` in a real Flask: under a real server over raw sockets, and by Flask's own test client."""

import asyncio
import re
import socket
import time
from contextlib import suppress

import pytest
from attacks import CHUNKED, REFUSED, chunk
from deliveries import BODY, OTHER_SECRET, SECRET, signed
from flask import Blueprint, Flask, current_app, request
from harness import Delivery, connect, head, length, locals_below, pour, read_answer, send, serve_wsgi, soon
from harness import request as request_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from transports import wsgi_environ
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from clerk_webhook import Webhook, events
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.flask import clerk_event, view
from clerk_webhook.testing import sample_delivery

MEGABYTE = 1 << 20
CODES = {
    *("missing_header", "invalid_header", "timestamp_too_old", "timestamp_too_new"),
    *("signature_mismatch", "invalid_payload", "incomplete_body"),
}


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


@pytest.fixture
def app():
    """An application with both forms: a route of its own at "/", and an endpoint at "/endpoint"."""
    return make_app(lambda event: None)


def make_app(handle):
    app = Flask(__name__)
    endpoint = Endpoint(SECRET)
    endpoint.on_any(handle)

    @app.post("/")
    def clerk():
        event = clerk_event()
        handle(event)
        return event.type

    app.add_url_rule("/endpoint", view_func=view(endpoint))
    return app


both_forms = pytest.mark.parametrize("path", ["/", "/endpoint"])


def genuine(body=BODY, **how):
    return {"headers": signed(body, timestamp=int(time.time()), **how), "data": body}


def description(answer):
    """Return the description of an HTTP exception, as Werkzeug's page has it."""
    return re.search(r"<p>(.*)</p>", answer.text)[1]


# Over raw sockets


@pytest.fixture(scope="module")
def received():
    return []


@pytest.fixture(scope="module")
def server(received):
    with serve_wsgi(make_server("127.0.0.1", 0, make_app(received.append), threaded=True)) as server:
        yield server


@both_forms
def test_a_genuine_delivery_reaches_the_route(server, received, path):
    delivery = Delivery()
    assert send(server, request_bytes(path, delivery)).status == 200
    assert received[-1].data["id"] == delivery.user_id


@both_forms
@pytest.mark.parametrize("case", REFUSED)
def test_a_stranger_is_refused_and_logged(server, received, caplog, path, case):
    before = len(received)
    stranger = Delivery()
    REFUSED[case](stranger)
    answer = send(server, request_bytes(path, stranger))
    assert answer.status == 400
    assert len(received) == before
    (record,) = (record for record in caplog.records if record.name == "clerk_webhook")
    assert (record.levelname, record.status) == ("WARNING", 400)
    assert record.code in CODES
    assert (record.code.encode() in answer.body) == (path == "/")
    assert stranger.user_id not in caplog.text


@both_forms
@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_a_header_with_two_lines_is_refused(server, path, name, genuine_line):
    doubled = Delivery()
    doubled.headers[name].insert(1 if genuine_line == "first" else 0, b"1")
    assert send(server, request_bytes(path, doubled)).status == 400


@both_forms
def test_an_announced_gigabyte_is_refused_at_once(server, path):
    answer, sent = pour(server, head(path, Delivery().headers | length(1 << 30)), 1 << 30)
    assert answer.status == 413
    assert b"too_large" in answer.body
    assert sent < MEGABYTE


@both_forms
def test_chunks_without_end_are_refused_at_the_limit(server, path):
    start = head(path, Delivery().headers | CHUNKED)
    answer, sent = pour(server, start + b"%x\r\n" % (1 << 40), 1 << 30)
    assert answer.status == 413
    assert sent < 3 * MEGABYTE  # the limit, and the buffers of sockets


@both_forms
@pytest.mark.parametrize("size", [MEGABYTE, MEGABYTE + 1])
@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_is_exact(server, path, size, chunked):
    large = Delivery()
    large.body = large.body.ljust(size)
    large.sign()
    start = large.headers | (CHUNKED if chunked else length(size))
    body = chunk(large.body[:1]) + chunk(large.body[1:]) + chunk(b"") if chunked else large.body
    assert send(server, head(path, start), body).status == (200 if size == MEGABYTE else 413)


def test_slow_clients_hold_up_nobody(server):
    whole = request_bytes("/", Delivery())
    with connect(server) as connection:
        connection.sendall(whole[:-20])
        assert send(server, request_bytes("/", Delivery())).status == 200
        connection.sendall(whole[-20:-10])
        time.sleep(0.1)
        connection.sendall(whole[-10:])
        assert read_answer(connection).status == 200


@both_forms
@pytest.mark.parametrize("framing", [length(100), CHUNKED])
def test_a_client_that_hangs_up_is_logged_and_is_no_exception(server, caplog, path, framing):
    with connect(server) as connection:
        connection.sendall(head(path, Delivery().headers | framing) + b"20\r\n{")
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    assert soon(lambda: "incomplete_body" in caplog.text)
    assert "Traceback" not in caplog.text


# By the letter of WSGI: no server lets these through


def status_of(app, environ):
    parts, status, _ = run_wsgi_app(app, environ)
    parts.close()
    return int(status.split()[0])


class Fails:
    """A body whose server raises an error of its own."""

    def read(self, _=-1):
        raise RuntimeError("the client has gone")


@both_forms
@pytest.mark.parametrize("environ", [{"CONTENT_LENGTH": "8"}, {"wsgi.input_terminated": True, "CONTENT_LENGTH": None}])
def test_an_error_of_the_server_s_own_is_a_body_that_broke_off(app, caplog, path, environ):
    environ = wsgi_environ(**{"wsgi.input": Fails(), "SCRIPT_NAME": "", "PATH_INFO": path, **environ})
    assert status_of(app, environ) == 400
    assert "incomplete_body" in caplog.text


@given(
    headers=st.dictionaries(
        st.sampled_from(["svix-id", "svix-timestamp", "svix-signature", "webhook-id", "content-type"]),
        st.text(st.characters(max_codepoint=255), max_size=40),
    ),
    announced=st.none() | st.integers(max_value=1 << 70).map(str) | st.text(st.characters(max_codepoint=255)),
    body=st.binary(max_size=100),
    path=st.sampled_from(["/", "/endpoint"]),
)
@settings(deadline=None)
def test_a_stranger_gets_a_refusal_whatever_is_sent(headers, announced, body, path):
    app = make_app(lambda event: None)
    environ = wsgi_environ(headers, body=body, CONTENT_LENGTH=announced, SCRIPT_NAME="", PATH_INFO=path)
    assert status_of(app, environ) in {400, 413}


# In the framework's own machinery


@both_forms
@pytest.mark.parametrize("event_type", events.EVENT_CLASSES)
def test_every_sample_arrives_typed(path, event_type):
    seen = []
    sent = sample_delivery(event_type, SECRET)
    answer = make_app(seen.append).test_client().post(path, headers=sent.headers, data=sent.body)
    assert answer.status_code == 200
    assert [type(event) for event in seen] == [events.EVENT_CLASSES[event_type]]
    assert seen[0].message_id == sent.headers["svix-id"]


@both_forms
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
def test_the_content_type_does_not_matter(app, path, content_type):
    assert app.test_client().post(path, **genuine(), content_type=content_type).status_code == 200


@both_forms
def test_headers_without_the_brand_and_several_signatures_pass(app, path):
    sent = genuine(prefix="webhook")
    sent["headers"]["webhook-signature"] = f"v1a,AAAA v1,AAAA {sent['headers']['webhook-signature']}"
    assert app.test_client().post(path, **sent).status_code == 200


def test_a_genuine_body_that_is_unreadable_is_not_sent_again(app):
    answer = app.test_client().post("/", **genuine(b'{"type": 1}'))
    assert (answer.status_code, description(answer)) == (400, "invalid_payload")
    assert answer.headers["webhook-delivery"] == "abort-message"
    answer = app.test_client().post("/", **genuine(secret=OTHER_SECRET))
    assert (answer.status_code, description(answer)) == (400, "signature_mismatch")
    assert "webhook-delivery" not in answer.headers


@pytest.mark.parametrize("wrong", [None, "sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_a_missing_or_wrong_secret_is_logged_and_not_told_and_not_cached(app, monkeypatch, caplog, wrong):
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
    if wrong:
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", wrong)
    answer = app.test_client().post("/", **genuine())
    assert (answer.status_code, description(answer)) == (500, "Internal Server Error")
    (record,) = (record for record in caplog.records if record.name == "clerk_webhook")
    assert (record.levelname, record.code) == ("ERROR", "invalid_secret")
    assert "Clerk Dashboard" in record.getMessage()
    assert "MfKQ" not in caplog.text
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    assert app.test_client().post("/", **genuine()).status_code == 200


def test_an_error_handler_of_the_application_sees_refusals(app):
    @app.errorhandler(400)
    def problem(error):
        return {"title": error.description}, 400

    answer = app.test_client().post("/", data=b"{}")
    assert (answer.status_code, answer.json) == (400, {"title": "missing_header"})
    answer = app.test_client().post("/", **genuine(b"[]"))
    assert (answer.status_code, answer.json) == (400, {"title": "invalid_payload"})
    assert answer.headers["webhook-delivery"] == "abort-message"


def test_an_async_view_has_the_event_too(app):
    @app.post("/async")
    async def by_coroutine():
        await asyncio.sleep(0)
        return clerk_event().type

    assert app.test_client().post("/async", **genuine()).text == "user.created"


def test_the_event_can_be_had_twice_and_the_body_too(app):
    @app.post("/twice")
    def twice():
        again = clerk_event(Webhook(SECRET)) == clerk_event()
        return [again, request.get_data() == BODY]

    assert app.test_client().post("/twice", **genuine()).json == [True, True]


@both_forms
@pytest.mark.parametrize("name", ["data", "form", "stream"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_was_read_before_the_view_is_there(app, path, name, chunked):
    @app.before_request
    def reads_first():
        getattr(request, name)

    sent = genuine(BODY.ljust(MEGABYTE))
    larger = genuine(BODY.ljust(MEGABYTE + 1))
    if chunked:
        framing = {"wsgi.input_terminated": True, "CONTENT_LENGTH": None}
        sent["environ_overrides"] = larger["environ_overrides"] = framing
    assert app.test_client().post(path, **sent, content_type="application/json").status_code == 200
    assert app.test_client().post(path, **larger, content_type="application/json").status_code == 413


@both_forms
def test_a_form_that_was_parsed_before_the_view_is_refused(app, path):
    @app.before_request
    def reads_first():
        request.form  # noqa: B018

    sent = genuine()
    assert app.test_client().post(path, **sent, content_type="multipart/form-data; boundary=x").status_code == 400


@both_forms
@pytest.mark.parametrize("chunked", [False, True])
def test_a_smaller_limit_of_the_application_holds(app, path, chunked):
    # Werkzeug can't tell a body in chunks that has exactly this length from a longer one.
    app.config["MAX_CONTENT_LENGTH"] = len(BODY) + chunked
    sent, larger = genuine(BODY), genuine(BODY + b"  ")
    if chunked:
        framing = {"wsgi.input_terminated": True, "CONTENT_LENGTH": None}
        sent["environ_overrides"] = larger["environ_overrides"] = framing
    assert app.test_client().post(path, **sent).status_code == 200
    assert app.test_client().post(path, **larger).status_code == 413


@pytest.mark.parametrize("wrong", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 42])
def test_a_source_that_can_not_work_is_refused(app, wrong):
    with app.test_request_context(), pytest.raises(TypeError, match="must be a Webhook") as raised:
        clerk_event(wrong)
    assert "MfKQ" not in str(raised.value) + locals_below(raised.value)


def test_the_limit_can_be_set(app):
    @app.post("/limited")
    def limited():
        return clerk_event(Webhook(OTHER_SECRET), max_body=len(BODY)).type

    client = app.test_client()
    assert client.post("/limited", **genuine(secret=OTHER_SECRET)).status_code == 200
    assert client.post("/limited", **genuine()).status_code == 400
    assert client.post("/limited", **genuine(BODY + b" ", secret=OTHER_SECRET)).status_code == 413


# The endpoint as a view


def test_one_endpoint_may_be_mounted_many_times(app):
    endpoint = Endpoint(SECRET)
    blueprint = Blueprint("hooks", __name__, url_prefix="/hooks")
    blueprint.add_url_rule("/a", view_func=view(endpoint), methods=["POST"])
    blueprint.add_url_rule("/b", view_func=view(endpoint))
    app.register_blueprint(blueprint)
    app.add_url_rule("/c", view_func=view(endpoint))
    for path in ("/hooks/a", "/hooks/b", "/c"):
        assert app.test_client().post(path, **genuine()).status_code == 200
        assert app.test_client().get(path).status_code == 405


def test_handlers_run_in_the_application_s_context(app):
    endpoint = Endpoint(SECRET)
    seen = []

    @endpoint.on_any
    def handler(event):
        seen.append((current_app.config["NAME"], request.path))

    app.config["NAME"] = "ours"
    app.add_url_rule("/context", view_func=view(endpoint))
    assert app.test_client().post("/context", **genuine()).status_code == 200
    assert seen == [("ours", "/context")]


@pytest.mark.parametrize(("error", "status"), [(ValueError, 500), (AbortDelivery, 400)])
def test_the_answers_of_an_endpoint_arrive_whole(app, error, status):
    endpoint = Endpoint(SECRET)

    @endpoint.on_any
    def handler(event):
        raise error

    app.add_url_rule("/fails", view_func=view(endpoint))
    answer = app.test_client().post("/fails", **genuine())
    assert answer.status_code == status
    assert answer.headers.get("webhook-delivery") == ("abort-message" if error is AbortDelivery else None)
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == ("aborted" if error is AbortDelivery else "failed")


def test_async_handlers_are_refused_before_and_after_the_view_is_made():
    async def handler(event): ...

    endpoint = Endpoint(SECRET)
    view(endpoint)
    with pytest.raises(TypeError, match="async"):
        endpoint.on_any(handler)
    endpoint = Endpoint(SECRET)
    endpoint.on_any(handler)
    with pytest.raises(TypeError, match="async"):
        view(endpoint)


@both_forms
def test_a_handler_works_with_flask_sqlalchemy(tmp_path, path):
    database = pytest.importorskip("flask_sqlalchemy").SQLAlchemy()

    class User(database.Model):
        id = database.Column(database.String, primary_key=True)

    def save(event):
        database.session.add(User(id=event.data["id"]))
        database.session.commit()

    app = make_app(save)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'users.db'}"
    database.init_app(app)
    with app.app_context():
        database.create_all()
    assert app.test_client().post(path, **genuine()).status_code == 200
    with app.app_context():
        assert database.session.scalars(database.select(User.id)).all() == ["user_1"]
        database.session.remove()
        database.engine.dispose()
