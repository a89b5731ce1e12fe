"""Class views, REST framework and django-ninja, as docs/how-to/django.md has them, and what goes wrong otherwise."""

import asyncio
from tempfile import TemporaryDirectory

import django
import pytest
from django.conf import settings
from django.db import connection, models
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from project import PAGE, SECRET, Delivery, blocks

directory = TemporaryDirectory()
settings.configure(
    ALLOWED_HOSTS=["testserver"],
    CLERK_WEBHOOK_SIGNING_SECRET=SECRET,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{directory.name}/a.db",
            "ATOMIC_REQUESTS": True,
        }
    },
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    REST_FRAMEWORK={"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"]},
    ROOT_URLCONF=__name__,
    SECRET_KEY="unsafe",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()

from ninja import NinjaAPI, Router, Status  # noqa: E402  # these read the settings
from ninja.errors import HttpError  # noqa: E402
from rest_framework.decorators import api_view, permission_classes  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from clerk_webhook import WebhookEvent  # noqa: E402
from clerk_webhook.django import clerk_event  # noqa: E402

(SECTION,) = blocks("Class views, REST framework, django-ninja", PAGE.with_name("django.md"))
page = {"__name__": "page"}
exec(compile(SECTION, "django.md", "exec"), page)


class User(models.Model):  # noqa: DJ008  # nobody prints it
    id = models.CharField(primary_key=True, max_length=100)

    class Meta:
        app_label = "clerk"


def save(event):
    User.objects.create(id=event.data["id"])


@method_decorator(clerk_event, name="dispatch")
class Forgotten(APIView):
    def post(self, request, event):
        return Response()


@clerk_event
@api_view(["POST"])
@permission_classes([])
def above(request, event):
    return Response({"type": event.type, "read": request.data["type"]})


@method_decorator(clerk_event, name="dispatch")
class FailingClass(APIView):
    permission_classes = ()

    def post(self, request, event):
        save(event)
        return Response(status=409)


@api_view(["POST"])
@permission_classes([])
@clerk_event
def failing_function(request, event):
    save(event)
    return Response(status=409)


router = Router()


@router.post("/raises", auth=None)
@clerk_event
def raises(request, event: WebhookEvent):
    save(event)
    raise HttpError(409, "no")


@router.post("/status", auth=None, response={409: None})
@clerk_event
def answers_a_status(request, event: WebhookEvent):
    save(event)
    return Status(409, None)


@router.post("/tuple", auth=None, response={409: None})
@clerk_event
def answers_a_tuple(request, event: WebhookEvent):
    save(event)
    return 409, None


@router.post("/body/{number}", auth=None)
@clerk_event
def answers_a_body(request, event: WebhookEvent, number: int):
    save(event)
    return [number, number]


async_router = Router()


@async_router.post("", auth=None)
@clerk_event
async def answers_later(request, event: WebhookEvent):
    return {"type": event.type}


api = NinjaAPI(urls_namespace="tests")
api.add_router("", router)
async_api = NinjaAPI(urls_namespace="async")
async_api.add_router("", async_router)
urlpatterns = [
    path("class", page["ClerkView"].as_view()),
    path("api-class", page["ClerkAPIView"].as_view()),
    path("api-view", page["clerk_api_view"]),
    path("ninja/", page["api"].urls),
    path("above", above),
    path("forgotten", Forgotten.as_view()),
    path("failing-class", FailingClass.as_view()),
    path("failing-function", failing_function),
    path("failing-ninja/", api.urls),
    path("async-ninja/", async_api.urls),
]


@pytest.fixture(scope="module", autouse=True)
def _table():
    with connection.schema_editor() as editor:
        editor.create_model(User)
    yield
    connection.close()
    directory.cleanup()


def send(url, delivery, signature=None, client=Client):
    headers = dict(delivery.headers(signature or delivery.genuine)[1:])  # the client itself has the content type
    return client(enforce_csrf_checks=True).post(url, delivery.body, "application/json", headers=headers)


@pytest.fixture
def _no_atomic_requests(monkeypatch):
    """Django refuses an async view under ATOMIC_REQUESTS."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", False)


FORMS = ["/class", "/api-class", "/api-view", "/ninja/webhooks", "/above", "/async-ninja/"]


@pytest.mark.usefixtures("_no_atomic_requests")
@pytest.mark.parametrize("url", FORMS)
def test_each_form_takes_genuine_messages_alone_without_a_login_and_without_a_csrf_token(url):
    assert b"user.created" in send(url, Delivery()).content
    refused = send(url, Delivery(), Delivery().genuine)
    assert (refused.status_code, refused.content) == (400, b"signature_mismatch")


@pytest.mark.usefixtures("_no_atomic_requests")
@pytest.mark.parametrize("url", FORMS)
def test_each_form_runs_under_asgi(url):
    assert b"user.created" in asyncio.run(send(url, Delivery(), client=AsyncClient)).content


def test_without_permission_classes_rest_framework_asks_clerk_to_sign_in():
    assert send("/forgotten", Delivery()).status_code == 403


@pytest.mark.parametrize(
    "url",
    [
        "/failing-class",
        "/failing-function",
        "/failing-ninja/raises",
        "/failing-ninja/status",
        pytest.param("/failing-ninja/tuple", marks=pytest.mark.filterwarnings("ignore:Returning tuple")),
    ],
)
def test_an_answer_that_is_no_success_commits_nothing(url):
    assert send(url, Delivery()).status_code == 409
    assert not User.objects.exists()


def test_a_body_of_two_numbers_is_a_success():
    delivery = Delivery()
    assert send("/failing-ninja/body/7", delivery).json() == [7, 7]
    assert User.objects.get().id == delivery.user_id
    User.objects.all().delete()


def test_the_schema_of_django_ninja_has_no_event():
    assert page["api"].get_openapi_schema()["paths"]["/ninja/webhooks"]["post"]["parameters"] == []


def test_above_the_router_s_decorator_the_event_would_be_a_parameter_of_the_request():
    with pytest.raises(TypeError, match="below the decorator of django-ninja, directly above untyped"):

        @clerk_event
        @Router().post("")
        def untyped(request, event): ...

    with pytest.raises(TypeError, match=r"nothing would verify the signature.*django-ninja"):

        @clerk_event
        @Router().post("")
        def typed(request, event: WebhookEvent): ...


def test_under_the_login_middleware_django_ninja_redirects_and_the_others_do_not():
    login = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    with override_settings(MIDDLEWARE=login):
        statuses = {url: send(url, Delivery()).status_code for url in ("/api-class", "/api-view", "/ninja/webhooks")}
    assert statuses == {"/api-class": 200, "/api-view": 200, "/ninja/webhooks": 302}
