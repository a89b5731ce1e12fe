"""The facts about servers and frameworks that the documentation states, and that `test_servers.py` doesn't show."""

import os
import signal
import subprocess
import sys

import pytest
from attacks import GZIP, both, forged
from bottle import LocalRequest
from deliveries import SECRET
from fastapi import FastAPI
from fastapi.testclient import TestClient
from harness import EXAMPLES, Delivery, connect, request, send, start_server
from pydantic import PydanticUserError, TypeAdapter

from clerk_webhook import InvalidHeaderError, verify
from clerk_webhook.testing import sample_event
from clerk_webhook.types import UserJSON

DJANGO = """
from functools import cache
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path
from clerk_webhook import Webhook
from clerk_webhook.django import clerk_event, view
from clerk_webhook.endpoint import Endpoint

settings.configure(
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)

@cache
def from_env():
    return Webhook.from_env()

def clerk(request, event):
    return HttpResponse()

urlpatterns = [path("clerk", MADE)]
execute_from_command_line(["manage.py", "migrate"])
"""


@pytest.mark.parametrize(
    ("made", "migrates"),
    [
        ("clerk_event(webhook=Webhook.from_env())(clerk)", False),
        ("view(Endpoint())", False),
        ("clerk_event(webhook=from_env)(clerk)", True),
        ("clerk_event(clerk)", True),
    ],
)
def test_manage_py_works_without_a_secret_unless_one_is_read_when_a_module_is_imported(made, migrates):
    environ = {name: value for name, value in os.environ.items() if "WEBHOOK" not in name}
    command = [sys.executable, "-c", DJANGO.replace("MADE", made)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is migrates
    assert ("SecretError" in done.stderr) is not migrates


SLOW = """
import time
from clerk_webhook import Endpoint, WebhookEvent
from clerk_webhook.asgi import application as asgi_application
from clerk_webhook.wsgi import application as wsgi_application

endpoint = Endpoint()

@endpoint.on
def slow(event: WebhookEvent):
    print("began", flush=True)
    time.sleep(2.5)
    print("done", flush=True)

wsgi, asgi = wsgi_application(endpoint), asgi_application(endpoint)
"""


@pytest.mark.parametrize(
    ("arguments", "cut_off"),
    [
        ("-m gunicorn --graceful-timeout 1 --bind 127.0.0.1:{port} app:wsgi", True),
        ("-m waitress --listen=127.0.0.1:{port} app:wsgi", True),
        ("-m uvicorn --timeout-graceful-shutdown 1 --port {port} app:asgi", True),
        ("-m uvicorn --port {port} app:asgi", False),
    ],
)
def test_a_handler_is_cut_off_when_the_graceful_time_of_the_server_ends(tmp_path, arguments, cut_off):
    (tmp_path / "app.py").write_text(SLOW)
    with start_server(arguments, tmp_path / "log", tmp_path) as server, connect(server) as connection:
        connection.sendall(request("/", Delivery()))
        assert server.writes("began")
        os.kill(server.pid, signal.SIGTERM)
        answered = connection.recv(12)
        assert (answered == b"HTTP/1.1 200") is not cut_off
        assert ("done" in server.output()) is not cut_off


def test_aiohttp_inflates_what_says_that_it_is_compressed_unless_it_is_told_not_to(tmp_path):
    example = (EXAMPLES / "aiohttp_app.py").read_text()
    option = ', handler_args={"auto_decompress": False}'
    assert option in example
    (tmp_path / "app.py").write_text(example.replace(option, ""))
    delivery = Delivery()
    both(forged, GZIP)(delivery)
    with start_server("app.py", tmp_path / "log", tmp_path) as server:
        assert send(server, request("/by-hand", delivery)).status == 500


def test_the_headers_of_bottle_raise_for_bytes_that_are_not_utf_8():
    headers = LocalRequest({"HTTP_SVIX_ID": "msg_\xff"}).headers
    with pytest.raises(UnicodeDecodeError):
        headers["svix-id"]
    with pytest.raises(InvalidHeaderError, match="environ"):
        verify(headers, b"", secret=SECRET)


def test_pydantic_takes_the_type_of_a_payload_from_python_3_12_on():
    if sys.version_info < (3, 12):
        with pytest.raises(PydanticUserError, match=r"typing_extensions\.TypedDict"):
            TypeAdapter(UserJSON)
    else:
        user = sample_event("user.created").data
        assert TypeAdapter(UserJSON).validate_python(user) == user


def test_fastapi_makes_a_model_of_the_type_of_a_payload_from_python_3_12_on_and_none_if_it_is_told_not_to():
    user = sample_event("user.created").data

    def app_of(**options):
        app = FastAPI()

        @app.get("/", **options)
        def last() -> UserJSON:
            return user

        return TestClient(app)

    assert app_of(response_model=None).get("/").json() == user
    if sys.version_info < (3, 12):
        with pytest.raises(PydanticUserError, match=r"typing_extensions\.TypedDict"):
            app_of()
    else:
        client = app_of()
        assert client.get("/").json() == user
        assert "UserJSON" in client.get("/openapi.json").json()["components"]["schemas"]
