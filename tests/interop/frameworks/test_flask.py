"""`clerk_webhook.flask` in a real Flask: under a real server over raw sockets, and by Flask's own test client."""

import asyncio
import re

import pytest
from deliveries import BODY, OTHER_SECRET, SECRET
from dispatching import async_handler
from door_contract import *  # noqa: F403  # the contract
from door_contract import now
from flask import Blueprint, Flask, current_app, request
from harness import serve_wsgi
from transports import Answer, wsgi_environ
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from clerk_webhook import Webhook, WebhookEvent
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.flask import clerk_event, view

MEGABYTE = 1 << 20


def make_app(handle):
    app = Flask(__name__)
    endpoint = Endpoint(SECRET)

    @app.post("/route")
    def clerk():
        event = clerk_event()
        handle(event)
        return event.type

    @endpoint.on
    def handler(event: WebhookEvent) -> None:
        handle(event)

    app.add_url_rule("/endpoint", view_func=view(endpoint))
    return app


def post(app, path, headers, body, method="POST", content_type="application/json"):
    answer = app.test_client().open(path, method=method, headers=headers, data=body, content_type=content_type)
    return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.data)


@pytest.fixture(scope="module")
def received():
    return []


@pytest.fixture(params=["/route", "/endpoint"])
def path(request):
    return request.param


@pytest.fixture(scope="module")
def server(received):
    with serve_wsgi(make_server("127.0.0.1", 0, make_app(received.append), threaded=True)) as server:
        yield server


@pytest.fixture
def unbuffered(server):
    return server


@pytest.fixture
def client(received):
    app = make_app(received.append)
    return lambda path, headers, body, **how: post(app, path, headers, body, **how)


def status_of(app, environ):
    parts, status, _ = run_wsgi_app(app, environ)
    parts.close()
    return int(status.split()[0])


@pytest.fixture
def stranger():
    app = make_app(lambda event: None)

    def status(path, headers, announced, body):
        environ = wsgi_environ(headers, body=body, CONTENT_LENGTH=announced, SCRIPT_NAME="", PATH_INFO=path)
        return status_of(app, environ)

    return status


@pytest.fixture
def send():
    def send(endpoint, headers, body, method="POST"):
        app = Flask(__name__)
        app.add_url_rule("/api/webhooks", view_func=view(endpoint))
        return post(app, "/api/webhooks", headers, body, method)

    return send


@pytest.fixture
def make_route():
    def make(handle, **arguments):
        app = Flask(__name__)
        app.testing = True  # an exception is not a 500

        @app.post("/api/webhooks")
        def clerk():
            handle(clerk_event(**arguments))
            return ""

        return lambda headers, body, method="POST": post(app, "/api/webhooks", headers, body, method)

    return make


@pytest.fixture
def reason():
    return lambda answer: re.search(r"<p>(.*)</p>", answer.body.decode())[1]  # as Werkzeug's page has it


@pytest.fixture
def app():
    return make_app(lambda event: None)


both_forms = pytest.mark.parametrize("path", ["/route", "/endpoint"])


def genuine(body=BODY, **how):
    """Return the arguments of a test client's `post` for a genuine delivery."""
    headers, data = now(body, **how)
    return {"headers": headers, "data": data}


class Fails:
    """A body whose server raises an error of its own."""

    def read(self, _=-1):
        raise RuntimeError("the client has gone")


@both_forms
@pytest.mark.parametrize("environ", [{"CONTENT_LENGTH": "8"}, {"wsgi.input_terminated": True, "CONTENT_LENGTH": None}])
def test_an_error_of_the_server_s_own_is_a_body_that_broke_off(app, caplog, path, environ):
    environ = wsgi_environ(**{"wsgi.input": Fails(), "SCRIPT_NAME": "", "PATH_INFO": path, **environ})
    assert status_of(app, environ) == 400
    assert "(incomplete_body)" in caplog.text
    assert "could not be read (RuntimeError)" in caplog.text


@pytest.mark.parametrize("wrong", ["sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ""])
def test_a_text_that_can_not_be_a_secret_is_a_misconfiguration(make_route, reason, caplog, wrong):
    answer = make_route(lambda event: None, webhook=wrong)(*now())
    assert (answer.status, reason(answer)) == (500, "misconfigured")
    assert "(invalid_secret)" in caplog.text
    assert "MfKQ" not in caplog.text


def test_the_secret_may_stand_in_the_configuration_of_the_application(app):
    app.config["CLERK_WEBHOOK_SIGNING_SECRET"] = OTHER_SECRET
    client = app.test_client()
    assert client.post("/route", **genuine(secret=OTHER_SECRET)).status_code == 200
    assert client.post("/route", **genuine()).status_code == 400  # that of the environment
    app.config["CLERK_WEBHOOK_SIGNING_SECRET"] = ""
    assert client.post("/route", **genuine()).status_code == 200


def test_an_error_handler_of_the_application_sees_refusals(app):
    @app.errorhandler(400)
    def problem(error):
        return {"title": error.description}, 400

    answer = app.test_client().post("/route", data=b"{}")
    assert (answer.status_code, answer.json) == (400, {"title": "missing_header"})
    answer = app.test_client().post("/route", **genuine(b"[]"))
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
@pytest.mark.parametrize(
    "read", [lambda: request.stream.read(-1), lambda: request.stream.read(10), lambda: request.form]
)
def test_a_body_that_was_taken_before_the_view_is_an_incomplete_body(app, caplog, path, read):
    @app.before_request
    def reads_first():
        read()

    sent = genuine()
    assert app.test_client().post(path, **sent, content_type="multipart/form-data; boundary=x").status_code == 400
    assert "(incomplete_body)" in caplog.text


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


def test_a_view_that_is_called_for_any_method_takes_post_alone(app):
    """As Google's functions-framework calls it."""
    app.add_url_rule("/any", view_func=view(Endpoint(SECRET)), methods=["GET", "POST"])
    assert app.test_client().get("/any").status_code == 405
    assert app.test_client().post("/any", **genuine()).status_code == 200


def test_handlers_run_in_the_application_s_context(app):
    endpoint = Endpoint(SECRET)
    seen = []

    @endpoint.on
    def handler(event: WebhookEvent):
        seen.append((current_app.config["NAME"], request.path))

    app.config["NAME"] = "ours"
    app.add_url_rule("/context", view_func=view(endpoint))
    assert app.test_client().post("/context", **genuine()).status_code == 200
    assert seen == [("ours", "/context")]


@pytest.mark.parametrize("decorate", [lambda: clerk_event(lambda: ""), clerk_event])
def test_the_event_outside_of_a_request_is_told_where_it_is_had(decorate):
    with pytest.raises(RuntimeError, match=r"^clerk_event\(\) is called in a view, and decorates none: event = clerk_"):
        decorate()


def test_async_handlers_are_refused_when_the_view_is_made():
    endpoint = Endpoint(SECRET)
    endpoint.on(async_handler)
    with pytest.raises(TypeError, match="async_handler is async"):
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
