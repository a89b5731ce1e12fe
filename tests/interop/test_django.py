"""`clerk_webhook.django` in a real Django: under real servers over raw sockets, and by Django's own test clients."""

import asyncio
import logging
import socket
import time
from contextlib import suppress
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from attacks import CHUNKED, REFUSED, chunk
from deliveries import BODY, OTHER_SECRET, SECRET, signed
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import connections, models, transaction
from django.db.backends.signals import connection_created
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, TestCase, override_settings
from django.urls import path
from harness import (
    Delivery,
    connect,
    head,
    length,
    locals_below,
    pour,
    read_answer,
    request,
    send,
    serve_asgi,
    serve_wsgi,
    soon,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from transports import wsgi_environ

from clerk_webhook import Webhook, events
from clerk_webhook.django import view, webhook
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.testing import sample_delivery

MEGABYTE = 1 << 20
CODES = {
    *("missing_header", "invalid_header", "timestamp_too_old", "timestamp_too_new"),
    *("signature_mismatch", "invalid_payload", "incomplete_body"),
}

directory = TemporaryDirectory()
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "testserver"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{directory.name}/a.db"},
        "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{directory.name}/b.db"},
    },
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="unsafe",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
wsgi = get_wsgi_application()
asgi = get_asgi_application()


class User(models.Model):  # noqa: DJ008  # nobody prints it
    id = models.CharField(primary_key=True, max_length=100)

    class Meta:
        app_label = "clerk"


@pytest.fixture(scope="module", autouse=True)
def _tables():
    for name in connections:
        with connections[name].schema_editor() as editor:
            editor.create_model(User)
    connections.close_all()
    yield
    connections.close_all()
    directory.cleanup()


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


received = []


@webhook
def sync_view(request, event, name="nobody"):
    """Say it."""
    received.append(event)
    return HttpResponse(f"{event.type} {name} {len(request.body)}")


@webhook
async def async_view(request, event):
    received.append(event)
    return HttpResponse(event.type)


endpoint = Endpoint(SECRET)
endpoint.on_any(received.append)
saving = Endpoint(SECRET)
async_only = Endpoint(SECRET)


@saving.on(events.UserCreated)
def save(event):
    User.objects.create(id=event.data["id"])
    User.objects.using("other").create(id=event.data["id"])
    failure = {"fails": ValueError, "aborts": AbortDelivery}.get(event.data["first_name"])
    if failure:
        raise failure


urlpatterns = [
    path("sync", sync_view),
    path("sync/<name>", sync_view),
    path("async", async_view),
    path("endpoint", view(endpoint)),
    path("saving", view(saving)),
    path("non-atomic", transaction.non_atomic_requests(view(saving))),
]

all_forms = pytest.mark.parametrize("route", ["/sync", "/async", "/endpoint"])


def genuine(body=BODY, **how):
    headers = signed(body, timestamp=int(time.time()), **how)
    return {"data": body, "content_type": "application/json", "headers": headers}


def client():
    return Client(enforce_csrf_checks=True)


# Over raw sockets


class Server(ThreadingMixIn, WSGIServer):
    """As `manage.py runserver` has it."""

    daemon_threads = True


class Silent(WSGIRequestHandler):
    def log_message(self, *_): ...


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def server(request):
    if request.param == "wsgi":
        running = serve_wsgi(make_server("127.0.0.1", 0, wsgi, Server, Silent))
    else:
        running = serve_asgi(asgi, lifespan="off")
    with running as server:
        yield server


@pytest.fixture(scope="module")
def wsgi_server():
    with serve_wsgi(make_server("127.0.0.1", 0, wsgi, Server, Silent)) as server:
        yield server


@all_forms
def test_a_genuine_delivery_reaches_the_view(server, route):
    delivery = Delivery()
    assert send(server, request(route, delivery)).status == 200
    assert received[-1].data["id"] == delivery.user_id


@all_forms
@pytest.mark.parametrize("case", REFUSED)
def test_a_stranger_is_refused_and_logged(server, caplog, route, case):
    before = len(received)
    stranger = Delivery()
    REFUSED[case](stranger)
    answer = send(server, request(route, stranger))
    assert answer.status == 400
    assert len(received) == before
    (record,) = (record for record in caplog.records if record.name == "clerk_webhook")
    assert (record.levelname, record.status) == ("WARNING", 400)
    assert record.code in CODES
    assert answer.body.decode() == (record.outcome if route == "/endpoint" else record.code)
    assert stranger.user_id not in caplog.text


@all_forms
@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_a_header_with_two_lines_is_refused(server, route, name, genuine_line):
    doubled = Delivery()
    doubled.headers[name].insert(1 if genuine_line == "first" else 0, b"1")
    assert send(server, request(route, doubled)).status == 400


@all_forms
def test_an_announced_gigabyte_is_refused_at_once(wsgi_server, route):
    answer, sent = pour(wsgi_server, head(route, Delivery().headers | length(1 << 30)), 1 << 30)
    assert (answer.status, answer.body) == (413, b"too_large")
    assert sent < MEGABYTE


@all_forms
def test_chunks_are_not_read_at_all_by_django_under_wsgi(wsgi_server, route):
    start = head(route, Delivery().headers | CHUNKED)
    answer, sent = pour(wsgi_server, start + b"%x\r\n" % (1 << 40), 1 << 30)
    assert answer.status == 400
    assert sent < MEGABYTE


@all_forms
@pytest.mark.parametrize("size", [MEGABYTE, MEGABYTE + 1])
def test_the_limit_is_exact(server, route, size):
    large = Delivery()
    large.body = large.body.ljust(size)
    large.sign()
    assert send(server, request(route, large)).status == (200 if size == MEGABYTE else 413)


@all_forms
@pytest.mark.parametrize(("size", "status"), [(MEGABYTE, 200), (MEGABYTE + 1, 413), (3 * MEGABYTE, 413)])
def test_the_limit_is_exact_in_chunks_too(route, size, status):
    large = Delivery()
    large.body = large.body.ljust(size)
    large.sign()
    body = chunk(large.body[:1]) + chunk(large.body[1:]) + chunk(b"")
    with serve_asgi(asgi, lifespan="off") as server:
        assert send(server, head(route, large.headers | CHUNKED), body).status == status


def test_slow_clients_hold_up_nobody(server):
    whole = request("/sync", Delivery())
    with connect(server) as connection:
        connection.sendall(whole[:-20])
        assert send(server, request("/sync", Delivery())).status == 200
        connection.sendall(whole[-20:-10])
        time.sleep(0.1)
        connection.sendall(whole[-10:])
        assert read_answer(connection).status == 200


@all_forms
def test_a_client_that_hangs_up_is_no_exception(server, caplog, route):
    caplog.set_level(logging.INFO, "clerk_webhook")
    with connect(server) as connection:
        connection.sendall(head(route, Delivery().headers | length(100)) + b"{")
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    assert send(server, request(route, Delivery())).status == 200
    assert "Traceback" not in caplog.text


# By the letter of WSGI: no server lets these through


class Fails:
    def __init__(self, error):
        self.error = error

    def read(self, *_):
        raise self.error("the client has gone")

    readline = read

    def close(self): ...


def status_of(environ):
    statuses = []
    wsgi(environ, lambda status, headers: statuses.append(int(status.split()[0]))).close()
    return statuses[0]


@all_forms
@pytest.mark.parametrize("error", [OSError, RuntimeError, ValueError])
def test_an_error_of_the_server_s_own_is_a_body_that_broke_off(caplog, route, error):
    environ = {"wsgi.input": Fails(error), "CONTENT_LENGTH": "8", "SCRIPT_NAME": "", "PATH_INFO": route}
    assert status_of(wsgi_environ(**environ)) == 400
    assert "incomplete_body" in caplog.text


@given(
    headers=st.dictionaries(
        st.sampled_from(["svix-id", "svix-timestamp", "svix-signature", "webhook-id", "content-type"]),
        st.text(st.characters(max_codepoint=255), max_size=40),
    ),
    announced=st.none() | st.integers(max_value=1 << 70).map(str) | st.text(st.characters(max_codepoint=255)),
    body=st.binary(max_size=100),
    route=st.sampled_from(["/sync", "/async", "/endpoint"]),
)
@hypothesis_settings(deadline=None)
def test_a_stranger_gets_a_refusal_whatever_is_sent(headers, announced, body, route):
    environ = wsgi_environ(headers, body=body, CONTENT_LENGTH=announced, SCRIPT_NAME="", PATH_INFO=route)
    assert status_of(environ) in {400, 413}


# In the framework's own machinery


@all_forms
@pytest.mark.parametrize("event_type", events.EVENT_CLASSES)
def test_every_sample_arrives_typed(route, event_type):
    received.clear()
    sent = sample_delivery(event_type, SECRET)
    answer = client().post(route, sent.body, content_type="application/json", headers=sent.headers)
    assert answer.status_code == 200
    assert [type(event) for event in received] == [events.EVENT_CLASSES[event_type]]
    assert received[0].message_id == sent.headers["svix-id"]


@all_forms
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_the_content_type_does_not_matter(route, content_type):
    assert client().post(route, **genuine() | {"content_type": content_type}).status_code == 200


@all_forms
def test_headers_without_the_brand_and_several_signatures_pass(route):
    sent = genuine(prefix="webhook")
    sent["headers"]["webhook-signature"] = f"v1a,AAAA v1,AAAA {sent['headers']['webhook-signature']}"
    assert client().post(route, **sent).status_code == 200


@all_forms
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_only_post_is_allowed(caplog, route, method):
    caplog.set_level(logging.INFO, "clerk_webhook")
    answer = client().generic(method, route)
    assert (answer.status_code, answer["allow"]) == (405, "POST")
    assert "method_not_allowed" in caplog.text


@all_forms
def test_the_async_client_is_answered_too(route):
    assert asyncio.run(AsyncClient(enforce_csrf_checks=True).post(route, **genuine())).status_code == 200


@pytest.mark.parametrize("route", ["/sync", "/async"])
def test_a_genuine_body_that_is_unreadable_is_not_sent_again(route):
    answer = client().post(route, **genuine(b'{"type": 1}'))
    assert (answer.status_code, answer.content) == (400, b"invalid_payload")
    assert answer["webhook-delivery"] == "abort-message"
    answer = client().post(route, **genuine(secret=OTHER_SECRET))
    assert (answer.status_code, answer.content) == (400, b"signature_mismatch")
    assert "webhook-delivery" not in answer.headers
    assert answer["content-type"] == "text/plain"


@pytest.mark.parametrize("wrong", [None, "sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
@pytest.mark.parametrize("route", ["/sync", "/async"])
def test_a_missing_or_wrong_secret_is_logged_and_not_told_and_not_cached(monkeypatch, caplog, route, wrong):
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
    if wrong:
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", wrong)
    answer = client().post(route, **genuine())
    assert (answer.status_code, answer.content) == (500, b"Internal Server Error")
    (record,) = (record for record in caplog.records if record.name == "clerk_webhook")
    assert (record.levelname, record.code) == ("ERROR", "invalid_secret")
    assert "Clerk Dashboard" in record.getMessage()
    assert "MfKQ" not in caplog.text
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    assert client().post(route, **genuine()).status_code == 200


def test_arguments_of_the_url_and_the_body_reach_the_view():
    assert client().post("/sync/ada", **genuine()).content == b"user.created ada %d" % len(BODY)


def test_the_view_keeps_its_name_and_docstring():
    assert (sync_view.__name__, sync_view.__doc__) == ("sync_view", "Say it.")
    assert async_view.__name__ == "async_view"


def taken_by(read):
    """Return a middleware that reads the body before the view."""

    def middleware(get_response):
        def respond(request):
            read(request)
            return get_response(request)

        return respond

    return middleware


takes_the_form = taken_by(lambda request: request.POST)
takes_the_stream = taken_by(lambda request: request.read(1))
takes_the_body = taken_by(lambda request: request.body)


@all_forms
@pytest.mark.parametrize(
    ("middleware", "content_type", "status"),
    [
        ("takes_the_form", "multipart/form-data; boundary=x", 400),
        ("takes_the_form", "application/x-www-form-urlencoded", 200),
        ("takes_the_form", "application/json", 200),
        ("takes_the_stream", "application/json", 400),
        ("takes_the_body", "application/json", 200),
    ],
)
def test_middleware_that_reads_first(caplog, route, middleware, content_type, status):
    with override_settings(MIDDLEWARE=[f"{__name__}.{middleware}"]):
        assert client().post(route, **genuine() | {"content_type": content_type}).status_code == status
    assert ("read the request before the view" in caplog.text) == (status == 400)


@all_forms
def test_a_smaller_limit_of_the_framework_s_own_holds(route):
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=len(BODY)):
        assert client().post(route, **genuine()).status_code == 200
        assert client().post(route, **genuine(BODY + b" ")).status_code == 413


@pytest.mark.parametrize("wrong", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 42])
def test_a_source_that_can_not_work_is_refused_when_the_view_is_made(wrong):
    with pytest.raises(TypeError, match="must be a Webhook") as raised:
        webhook(webhook=wrong)
    assert "MfKQ" not in str(raised.value) + locals_below(raised.value)


@pytest.mark.parametrize("wrong", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Webhook(SECRET)])
def test_a_source_given_by_position_is_refused(wrong):
    with pytest.raises(TypeError, match=r"@webhook\(webhook=...\)") as raised:
        webhook(wrong)
    assert "MfKQ" not in str(raised.value) + locals_below(raised.value)


def test_the_decorator_has_three_forms():
    secrets = ["whsec_", OTHER_SECRET]
    factory = RequestFactory()

    @webhook()
    def plain(request, event):
        return HttpResponse()

    @webhook(webhook=Webhook(OTHER_SECRET), max_body=len(BODY))
    def own(request, event):
        return HttpResponse()

    @webhook(webhook=lambda: Webhook(secrets[0]))
    def later(request, event):
        return HttpResponse()

    def status(view, **sent):
        return view(factory.post("/", **sent)).status_code

    assert status(plain, **genuine()) == 200
    assert status(own, **genuine(secret=OTHER_SECRET)) == 200
    assert status(own, **genuine()) == 400
    assert status(own, **genuine(BODY + b" ", secret=OTHER_SECRET)) == 413
    assert status(later, **genuine(secret=OTHER_SECRET)) == 500
    secrets.pop(0)
    assert status(later, **genuine(secret=OTHER_SECRET)) == 200


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


# Transactions and connections


@pytest.fixture
def _atomic(monkeypatch):
    """Set ATOMIC_REQUESTS, of one of the two databases."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)


@pytest.fixture
def users():
    """Yield a function that counts the users of a database, and delete them at the end."""
    yield lambda name="default": User.objects.using(name).count()
    for name in connections:
        User.objects.using(name).delete()


def user(first_name="Ada"):
    return genuine(BODY.replace(b"Ada", first_name.encode()))


@pytest.mark.usefixtures("_atomic")
@pytest.mark.parametrize(("first_name", "status"), [("fails", 500), ("aborts", 400)])
def test_the_rows_of_a_handler_that_fails_are_rolled_back_under_atomic_requests(users, first_name, status):
    assert client().post("/saving", **user(first_name)).status_code == status
    assert (users(), users("other")) == (0, 1)
    User.objects.using("other").all().delete()
    assert client().post("/saving", **user()).status_code == 200
    assert (users(), users("other")) == (1, 1)


@pytest.mark.usefixtures("_atomic")
def test_a_test_may_call_the_view_itself(users):
    assert view(saving)(RequestFactory().post("/", **user("fails"))).status_code == 500
    assert (users(), users("other")) == (1, 1)


@pytest.mark.usefixtures("_atomic")
def test_a_view_that_is_not_atomic_keeps_its_rows(users):
    assert client().post("/non-atomic", **user("fails")).status_code == 500
    assert (users(), users("other")) == (1, 1)


class InATestCase(TestCase):
    databases = {"default", "other"}  # noqa: RUF012  # as Django's documentation has it

    def tearDown(self):
        # This raises if the transaction of the test's own is broken.
        assert User.objects.count() == User.objects.using("other").count() == 1

    def test_by_the_client(self):
        assert self.client.post("/saving", **user()).status_code == 200

    async def test_by_the_async_client(self):
        assert (await self.async_client.post("/saving", **user())).status_code == 200

    def test_of_a_failure(self):
        assert self.client.post("/saving", **user("fails")).status_code == 500

    @pytest.mark.usefixtures("_atomic")
    def test_of_a_failure_without_atomic_requests(self):
        assert self.client.post("/non-atomic", **user("fails")).status_code == 500


def test_nothing_is_left_of_a_test_case(users):
    assert (users(), users("other")) == (0, 0)


def test_no_connection_is_left_open(users):
    opened = []

    def remember(connection, **_):
        opened.append(connection)

    connection_created.connect(remember)
    try:
        with serve_asgi(asgi, lifespan="off") as server:
            for _ in range(20):
                assert send(server, request("/saving", Delivery())).status == 200
            # In the running loop: the threads that end with the loop close their connections.
            assert len(opened) >= 2
            assert soon(lambda: all(connection.connection is None for connection in opened))
    finally:
        connection_created.disconnect(remember)
