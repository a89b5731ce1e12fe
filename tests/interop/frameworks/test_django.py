"""`clerk_webhook.django` in a real Django: under real servers over raw sockets, and by Django's own test clients."""

import asyncio
import inspect
import logging
import socket
import sys
from contextlib import suppress
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from attacks import CHUNKED, chunk
from deliveries import BODY, OTHER_SECRET, SECRET
from dispatching import async_handler
from django.apps import apps
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.db import IntegrityError, connections, models, transaction
from django.db.backends.signals import connection_created
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory, TestCase, override_settings
from django.urls import path as url
from django.utils.connection import ConnectionDoesNotExist
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from door_contract import *  # noqa: F403  # the contract
from door_contract import now
from harness import Delivery, connect, head, length, pour, request, serve_asgi, serve_wsgi, soon
from harness import send as send_bytes
from transports import Answer, wsgi_environ

from clerk_webhook import Handlers, SecretError, Webhook, WebhookEvent, events, parse_event
from clerk_webhook.django import atomic, clerk_event, view, webhook_from_settings
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.inbox import CREATE_TABLE

MEGABYTE = 1 << 20

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


seen = []


@clerk_event
def sync_view(request, event, name="nobody"):
    """Say it."""
    seen.append(event)
    return HttpResponse(f"{event.type} {name} {len(request.body)}")


@clerk_event
async def async_view(request, event):
    seen.append(event)
    return HttpResponse(event.type)


@method_decorator(clerk_event, name="dispatch")
class SyncClass(View):
    def post(self, request, event):
        seen.append(event)
        return HttpResponse(event.type)


@method_decorator(clerk_event, name="dispatch")
class AsyncClass(View):
    async def post(self, request, event):
        await asyncio.sleep(0)
        seen.append(event)
        return HttpResponse(event.type)


endpoint = Endpoint(SECRET)
saving = Endpoint(SECRET)


@endpoint.on
def handler(event: WebhookEvent):
    seen.append(event)


@saving.on
def save(event: events.UserCreated):
    User.objects.create(id=event.data["id"])
    User.objects.using("other").create(id=event.data["id"])
    failure = {"fails": ValueError, "aborts": AbortDelivery}.get(event.data["first_name"])
    if failure:
        raise failure


ANSWERS = {"fails": 503, "aborts": 404, "Ada": 204}


def save_and_answer(event):
    User.objects.create(id=event.data["id"])
    if event.data["first_name"] == "raises":
        raise ValueError
    return HttpResponse(status=ANSWERS[event.data["first_name"]])


@clerk_event
def saving_view(request, event):
    return save_and_answer(event)


@clerk_event
async def saving_async_view(request, event):
    return await sync_to_async(save_and_answer)(event)


@method_decorator(clerk_event, name="dispatch")
class SavingClass(View):
    def post(self, request, event):
        return save_and_answer(event)


@method_decorator(clerk_event, name="dispatch")
class SavingAsyncClass(View):
    async def post(self, request, event):
        return await sync_to_async(save_and_answer)(event)


urlpatterns = [
    url("sync", sync_view),
    url("sync/<name>", sync_view),
    url("async", async_view),
    url("class", SyncClass.as_view()),
    url("async-class", AsyncClass.as_view()),
    url("endpoint", view(endpoint)),
    url("saving", view(saving)),
    url("saving-view", saving_view),
    url("saving-async-view", saving_async_view),
    url("saving-class", SavingClass.as_view()),
    url("saving-async-class", SavingAsyncClass.as_view()),
    url("outer", transaction.atomic(saving_view)),
    url("non-atomic", transaction.non_atomic_requests(view(saving))),
]

ROUTES = ["/sync", "/async", "/class", "/async-class", "/endpoint"]
all_forms = pytest.mark.parametrize("path", ROUTES)


def genuine(body=BODY, **how):
    headers, data = now(body, **how)
    return {"data": data, "content_type": "application/json", "headers": headers}


def browser():
    return Client(enforce_csrf_checks=True)


# The fixtures of the contract


@pytest.fixture
def received():
    return seen


@pytest.fixture(params=ROUTES)
def path(request):
    return request.param


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
def unbuffered():
    # Under ASGI Django reads a body to its end before it looks for the view.
    with serve_wsgi(make_server("127.0.0.1", 0, wsgi, Server, Silent)) as server:
        yield server


@pytest.fixture
def client():
    def post(path, headers, body, content_type="application/json"):
        return answer_of(browser().post(path, body, content_type=content_type, headers=headers))

    return post


def answer_of(response):
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def status_of(environ):
    statuses = []
    wsgi(environ, lambda status, headers: statuses.append(int(status.split()[0]))).close()
    return statuses[0]


@pytest.fixture
def stranger():
    def status(path, headers, announced, body):
        path = path.replace("/route", "/sync")
        return status_of(wsgi_environ(headers, body=body, CONTENT_LENGTH=announced, SCRIPT_NAME="", PATH_INFO=path))

    return status


def call(view, headers, body, method):
    made = RequestFactory().generic(method, "/api/webhooks", body, content_type="application/json", headers=headers)
    return answer_of(view(made))


@pytest.fixture
def send():
    return lambda endpoint, headers, body, method="POST": call(view(endpoint), headers, body, method)


@pytest.fixture
def make_route():
    def make(handle, **arguments):
        @clerk_event(**arguments)
        def clerk(request, event):
            handle(event)
            return HttpResponse()

        return lambda headers, body, method="POST": call(clerk, headers, body, method)

    return make


@pytest.fixture
def reason():
    return lambda answer: answer.body.decode()


# The parts of the contract that are different under WSGI and ASGI: Django reads as many bytes as the length says


def test_chunks_without_end_are_refused_at_the_limit(unbuffered, path):
    start = head(path, Delivery().headers | CHUNKED)
    answer, sent = pour(unbuffered, start + b"%x\r\n" % (1 << 40), 1 << 30)
    assert answer.status == 400
    assert sent < MEGABYTE


@pytest.mark.parametrize("size", [MEGABYTE, MEGABYTE + 1])
def test_the_limit_is_exact(server, path, size):
    large = Delivery()
    large.body = large.body.ljust(size)
    large.sign()
    assert send_bytes(server, request(path, large)).status == (200 if size == MEGABYTE else 413)


@all_forms
@pytest.mark.parametrize(("size", "status"), [(MEGABYTE, 200), (MEGABYTE + 1, 413), (3 * MEGABYTE, 413)])
def test_the_limit_is_exact_in_chunks_too(path, size, status):
    large = Delivery()
    large.body = large.body.ljust(size)
    large.sign()
    body = chunk(large.body[:1]) + chunk(large.body[1:]) + chunk(b"")
    with serve_asgi(asgi, lifespan="off") as server:
        assert send_bytes(server, head(path, large.headers | CHUNKED), body).status == status


def test_a_client_that_hangs_up_is_an_incomplete_body_and_no_exception(unbuffered, caplog, path):
    with connect(unbuffered) as connection:
        connection.sendall(head(path, Delivery().headers | length(100)) + b"{")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    assert soon(lambda: "(incomplete_body)" in caplog.text)
    assert "Traceback" not in caplog.text


def test_a_client_that_hangs_up_under_asgi_is_no_exception(caplog, path):
    with serve_asgi(asgi, lifespan="off") as server:
        with connect(server) as connection:
            connection.sendall(head(path, Delivery().headers | length(100)) + b"{")
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        assert send_bytes(server, request(path, Delivery())).status == 200
    assert "Traceback" not in caplog.text


# Beside HTTP


class Fails:
    def __init__(self, error):
        self.error = error

    def read(self, *_):
        raise self.error("the client has gone")

    readline = read

    def close(self): ...


@all_forms
@pytest.mark.parametrize("error", [OSError, RuntimeError, ValueError])
def test_an_error_of_the_server_s_own_is_a_body_that_broke_off(caplog, path, error):
    environ = {"wsgi.input": Fails(error), "CONTENT_LENGTH": "8", "SCRIPT_NAME": "", "PATH_INFO": path}
    assert status_of(wsgi_environ(**environ)) == 400
    assert "(incomplete_body)" in caplog.text


# In the framework's own machinery


@all_forms
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_only_post_is_allowed(caplog, path, method):
    caplog.set_level(logging.INFO, "clerk_webhook")
    answer = browser().generic(method, path)
    assert (answer.status_code, answer["allow"]) == (405, "POST")
    assert "method_not_allowed" in caplog.text


@all_forms
def test_the_async_client_is_answered_too(path):
    assert asyncio.run(AsyncClient(enforce_csrf_checks=True).post(path, **genuine())).status_code == 200
    refused = asyncio.run(AsyncClient(enforce_csrf_checks=True).post(path, **genuine(secret=OTHER_SECRET)))
    assert refused.status_code == 400


def test_a_refusal_is_plain_text():
    assert browser().post("/sync", **genuine(b"[]"))["content-type"] == "text/plain"


def test_arguments_of_the_url_and_the_body_reach_the_view():
    assert browser().post("/sync/ada", **genuine()).content == b"user.created ada %d" % len(BODY)


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
def test_middleware_that_reads_first(caplog, path, middleware, content_type, status):
    with override_settings(MIDDLEWARE=[f"{__name__}.{middleware}"]):
        assert browser().post(path, **genuine() | {"content_type": content_type}).status_code == status
    assert ("(incomplete_body)" in caplog.text) == (status == 400)


@all_forms
def test_a_smaller_limit_of_the_framework_s_own_holds(path):
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=len(BODY)):
        assert browser().post(path, **genuine()).status_code == 200
        assert browser().post(path, **genuine(BODY + b" ")).status_code == 413


def test_a_secret_that_can_not_be_one_is_refused_when_the_view_is_made():
    with pytest.raises(SecretError):
        clerk_event(webhook="sk_test_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@pytest.mark.parametrize("wrong", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Webhook(SECRET)])
def test_a_source_given_by_position_is_refused(wrong):
    with pytest.raises(TypeError, match=r"@clerk_event\(webhook=...\)") as raised:
        clerk_event(wrong)
    assert "MfKQ" not in str(raised.value)


def test_the_secret_may_stand_in_the_settings():
    with override_settings(CLERK_WEBHOOK_SIGNING_SECRET=OTHER_SECRET):
        assert browser().post("/sync", **genuine(secret=OTHER_SECRET)).status_code == 200
        assert browser().post("/sync", **genuine()).status_code == 400  # that of the environment
    with override_settings(CLERK_WEBHOOK_SIGNING_SECRET=""):
        assert browser().post("/sync", **genuine()).status_code == 200


def test_a_method_is_refused_when_it_is_decorated_and_told_the_form_for_classes():
    with pytest.raises(TypeError, match=r'post is a method.*@method_decorator\(clerk_event, name="dispatch"\)'):

        class Decorated(View):
            @clerk_event
            def post(self, request, event): ...

    with pytest.raises(TypeError, match=r'the class SyncClass by @method_decorator\(clerk_event, name="dispatch"\)'):
        clerk_event(SyncClass)


def test_a_method_that_is_decorated_by_name_is_refused_and_told_the_form_for_classes():
    @method_decorator(clerk_event, name="post")
    class ByName(View):
        def post(self, request, event): ...

    with pytest.raises(TypeError, match=r'post is a method.*@method_decorator\(clerk_event, name="dispatch"\)'):
        ByName.as_view()(RequestFactory().post("/", **genuine()))


def test_a_class_may_be_decorated_as_the_view_that_it_becomes():
    @method_decorator(csrf_exempt, name="dispatch")
    class Plain(View):
        def post(self, request, event):
            return HttpResponse(event.type)

    assert call(clerk_event(Plain.as_view()), *now(), "POST").body == b"user.created"


def test_the_signature_of_the_view_is_that_of_the_url():
    assert str(inspect.signature(sync_view)) == "(request, name='nobody')"


def test_above_the_decorator_of_django_ninja_the_view_is_refused():
    def operation(request, event): ...

    operation._ninja_operation = object()  # tests/platforms has django-ninja itself
    with pytest.raises(TypeError, match="below the decorator of django-ninja, directly above operation"):
        clerk_event(operation)


def test_a_class_may_have_a_webhook_of_its_own():
    @method_decorator(clerk_event(webhook=OTHER_SECRET), name="dispatch")
    class Other(View):
        def post(self, request, event):
            return HttpResponse(event.type)

    other = Other.as_view()
    assert call(other, *now(secret=OTHER_SECRET), "POST").status == 200
    assert call(other, *now(), "POST").status == 400


def test_async_handlers_are_refused_when_the_view_is_made():
    endpoint = Endpoint(SECRET)
    endpoint.on(async_handler)
    with pytest.raises(TypeError, match="async_handler is async"):
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
    assert browser().post("/saving", **user(first_name)).status_code == status
    assert (users(), users("other")) == (0, 1)
    User.objects.using("other").all().delete()
    assert browser().post("/saving", **user()).status_code == 200
    assert (users(), users("other")) == (1, 1)


@pytest.mark.usefixtures("_atomic")
@pytest.mark.parametrize("first_name", ANSWERS)
def test_a_view_whose_answer_is_no_success_commits_nothing_under_atomic_requests(users, first_name):
    assert browser().post("/saving-view", **user(first_name)).status_code == ANSWERS[first_name]
    assert users() == (first_name == "Ada")


@pytest.mark.parametrize("first_name", ANSWERS)
def test_a_view_whose_answer_is_no_success_commits_nothing_in_an_outer_transaction(users, first_name):
    assert browser().post("/outer", **user(first_name)).status_code == ANSWERS[first_name]
    assert users() == (first_name == "Ada")


@pytest.mark.parametrize("first_name", ANSWERS)
def test_a_view_without_a_transaction_around_it_commits_its_statements_one_by_one(users, first_name):
    assert browser().post("/saving-view", **user(first_name)).status_code == ANSWERS[first_name]
    assert users() == 1


def one_transaction(get_response):
    """A middleware. Django makes an answer of an exception before this sees it, so this commits after a 500."""

    def respond(request):
        with transaction.atomic():
            User.objects.create(id=uuid4().hex)
            return get_response(request)

    return respond


@pytest.mark.parametrize("make_client", [Client, AsyncClient])
@pytest.mark.parametrize("path", ["/saving-view", "/saving-async-view", "/saving-class", "/saving-async-class"])
@pytest.mark.parametrize("first_name", ["raises", *ANSWERS])
def test_a_transaction_of_a_middleware_commits_what_succeeded_alone(users, make_client, path, first_name):
    client = make_client(raise_request_exception=False)
    with override_settings(MIDDLEWARE=[f"{__name__}.one_transaction"]):
        answer = client.post(path, **user(first_name))
        answer = asyncio.run(answer) if make_client is AsyncClient else answer
        assert answer.status_code == ANSWERS.get(first_name, 500)
        assert users() == (2 if first_name == "Ada" else 0)
        refused = client.post(path, **user() | {"data": b"{}"})
        refused = asyncio.run(refused) if make_client is AsyncClient else refused
        assert refused.status_code == 400
    assert users() == (2 if first_name == "Ada" else 0)


@pytest.mark.parametrize(("answer", "saved"), [((409, None), 0), ((200, None), 1), (("a", "body", "of three"), 1)])
def test_a_status_and_a_body_as_django_ninja_takes_them_commit_by_the_status(users, answer, saved):
    @transaction.atomic
    @clerk_event
    def operation(request, event):
        User.objects.create(id=event.data["id"])
        return answer

    assert operation(RequestFactory().post("/", **user())) == answer
    assert users() == saved


def careless(event: WebhookEvent):
    User.objects.create(id="first")
    with suppress(IntegrityError):
        User.objects.create(id="first")  # Django commits nothing afterwards, and raises nothing


@clerk_event
def careless_view(request, event):
    careless(event)
    return HttpResponse()


@async_to_sync
@clerk_event
async def careless_async_view(request, event):
    await sync_to_async(careless)(event)
    return HttpResponse()


careless_endpoint = Endpoint(SECRET)
careless_endpoint.on(careless)


@pytest.mark.parametrize("inner", [careless_view, careless_async_view, view(careless_endpoint)])
def test_an_error_of_the_database_that_a_view_caught_is_no_success(users, inner):
    outer = transaction.atomic(inner)
    with pytest.raises(transaction.TransactionManagementError):
        outer(RequestFactory().post("/", **user()))
    assert users() == 0


def test_an_endpoint_in_an_outer_transaction_is_rolled_back_and_so_is_a_refusal(users):
    def first_a_user_then(view):
        def outer(request):
            User.objects.create(id="first")
            return view(request)

        return transaction.atomic(outer)

    for inner, delivery in [(view(saving), user("aborts")), (sync_view, user() | {"data": b"{}"})]:
        assert first_a_user_then(inner)(RequestFactory().post("/", **delivery)).status_code == 400
        assert users() == 0


@pytest.mark.usefixtures("_atomic")
def test_a_test_may_call_the_view_itself(users):
    assert view(saving)(RequestFactory().post("/", **user("fails"))).status_code == 500
    assert (users(), users("other")) == (1, 1)


@pytest.mark.usefixtures("_atomic")
def test_a_view_that_is_not_atomic_keeps_its_rows(users):
    assert browser().post("/non-atomic", **user("fails")).status_code == 500
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

    def test_of_a_view_that_fails(self):
        User.objects.using("other").create(id="user_1")
        assert self.client.post("/saving-view", **user("fails")).status_code == 503

    @pytest.mark.usefixtures("_atomic")
    def test_of_a_failure_without_atomic_requests(self):
        assert self.client.post("/non-atomic", **user("fails")).status_code == 500


def test_nothing_is_left_of_a_test_case(users):
    assert (users(), users("other")) == (0, 0)


# Handlers in a transaction of Django's


@pytest.fixture(params=["default", "other"])
def mirrored(request, users):
    """Return an alias, and handlers in a transaction on its database, which fail for some users."""
    with connections[request.param].cursor() as cursor:
        cursor.execute(CREATE_TABLE)
    handlers = Handlers(transaction=atomic() if request.param == "default" else atomic(request.param))

    @handlers.newest
    def save(event: events.UserCreated, connection):
        assert (connection.alias, connection.in_atomic_block) == (request.param, True)
        User.objects.using(connection.alias).create(id=event.data["id"])
        if event.data["first_name"] == "fails":
            raise ValueError

    yield request.param, handlers
    with connections[request.param].cursor() as cursor:
        cursor.execute("DROP TABLE clerk_webhook_inbox")


def test_a_transaction_of_django_s_holds_the_inbox_and_the_rows(users, mirrored):
    alias, handlers = mirrored
    with pytest.raises(ValueError, match=r"^$"):
        handlers.dispatch(parse_event(BODY.replace(b"Ada", b"fails"), message_id="msg_1"))
    assert users(alias) == 0
    assert [handlers.dispatch(parse_event(BODY, message_id="msg_1")) for _ in range(2)] == ["handled", "duplicate"]
    assert users(alias) == 1


def test_an_async_view_dispatches_in_the_thread_of_the_orm(users, mirrored):
    alias, handlers = mirrored

    @clerk_event
    async def clerk(request, event):
        await sync_to_async(handlers.dispatch)(event)
        return HttpResponse()

    async def call():
        return await clerk(RequestFactory().post("/", **user()))

    assert asyncio.run(call()).status_code == 200
    assert users(alias) == 1


def test_a_transaction_without_its_parentheses_is_refused_at_once():
    with pytest.raises(TypeError, match=r"^atomic returns a function, and no context manager: call it, as in transac"):
        Endpoint(SECRET, transaction=atomic)


def test_the_doors_need_no_app_and_import_no_models():
    assert not apps.is_installed("clerk_webhook.django")
    assert "clerk_webhook.django.models" not in sys.modules


def test_handlers_of_several_apps_can_be_included_into_one_endpoint(users, mirrored):
    alias, handlers = mirrored
    endpoint = Endpoint(webhook_from_settings, transaction=atomic(alias))
    endpoint.include(handlers)
    assert call(view(endpoint), *now(), "POST").status == 200
    assert users(alias) == 1


def test_an_alias_that_is_not_there_is_refused_at_once():
    with pytest.raises(ConnectionDoesNotExist, match="'typo'"):
        atomic("typo")


def test_an_endpoint_reads_the_settings_at_each_request():
    answer = view(Endpoint(webhook_from_settings))
    with override_settings(CLERK_WEBHOOK_SIGNING_SECRET=OTHER_SECRET):
        assert call(answer, *now(secret=OTHER_SECRET), "POST").status == 200
    assert call(answer, *now(secret=OTHER_SECRET), "POST").status == 400
    assert call(answer, *now(), "POST").status == 200


def test_an_endpoint_can_be_made_without_a_secret(monkeypatch, caplog):
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
    assert call(view(Endpoint(webhook_from_settings)), *now(), "POST").status == 500
    assert "set CLERK_WEBHOOK_SIGNING_SECRET" in caplog.text


def test_no_connection_is_left_open(users):
    opened = []

    def remember(connection, **_):
        opened.append(connection)

    connection_created.connect(remember)
    try:
        with serve_asgi(asgi, lifespan="off") as server:
            for _ in range(20):
                assert send_bytes(server, request("/saving", Delivery())).status == 200
            # In the running loop: the threads that end with the loop close their connections.
            assert len(opened) >= 2
            assert soon(lambda: all(connection.connection is None for connection in opened))
    finally:
        connection_created.disconnect(remember)
