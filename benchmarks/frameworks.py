"""Compare each framework's own route with one by hand that has the same limit: `python benchmarks/frameworks.py`.

Both run in turns in one process, without a server: whole requests by ASGI or WSGI, through the framework's routing.
Under ASGI the body comes in parts of 64 KiB, as uvicorn hands it over. Needs FastAPI, Flask and Django.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import flask
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from fastapi import Depends, FastAPI, HTTPException, Request
from speed import SECRET, SMALL, delivery, race

from clerk_webhook import ClerkWebhookError, WebhookEvent, verify_and_parse
from clerk_webhook import django as clerk_django
from clerk_webhook import flask as clerk_flask
from clerk_webhook.fastapi import ClerkEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

os.environ["CLERK_WEBHOOK_SIGNING_SECRET"] = SECRET
LIMIT = 1 << 20
PART = 1 << 16


async def event_by_hand(request: Request) -> WebhookEvent:
    """Give the event of a genuine request, as `ClerkEvent` does."""
    if int(request.headers.get("content-length", 0)) > LIMIT:
        raise HTTPException(413)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > LIMIT:
            raise HTTPException(413)
    try:
        return verify_and_parse(request.headers, b"".join(chunks))
    except ClerkWebhookError as error:
        raise HTTPException(error.status, error.code) from error


def in_fastapi() -> Callable[[str], Callable[[Mapping[str, str], bytes], None]]:
    """Return a function that makes a contestant of a path."""
    app = FastAPI()

    @app.post("/ours")
    async def ours(event: ClerkEvent) -> str:
        return event.type

    @app.post("/by-hand")
    async def by_hand(event: Annotated[WebhookEvent, Depends(event_by_hand)]) -> str:
        return event.type

    loop = asyncio.new_event_loop()

    def contestant(route: str) -> Callable[[Mapping[str, str], bytes], None]:
        def call(headers: Mapping[str, str], body: bytes) -> None:
            parts = [body[start : start + PART] for start in range(0, len(body), PART)]
            events = [{"type": "http.request", "body": part, "more_body": True} for part in reversed(parts)]
            events[0]["more_body"] = False

            async def receive() -> dict[str, Any]:
                return events.pop()

            async def send(event: dict[str, Any]) -> None:
                assert event.get("status") in {200, None}

            scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": route}
            pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
            loop.run_until_complete(app(scope | {"query_string": b"", "headers": pairs}, receive, send))

        return call

    return contestant


def by_wsgi(app: Any) -> Callable[[str], Callable[[Mapping[str, str], bytes], None]]:
    """Return a function that makes a contestant of a path."""

    def contestant(route: str) -> Callable[[Mapping[str, str], bytes], None]:
        def call(headers: Mapping[str, str], body: bytes) -> None:
            environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
            environ |= {"REQUEST_METHOD": "POST", "PATH_INFO": route, "SCRIPT_NAME": "", "SERVER_PROTOCOL": "HTTP/1.1"}
            environ |= {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "CONTENT_LENGTH": str(len(body))}
            stream = {"wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.url_scheme": "http"}

            def start_response(status: str, _: Any, __: Any = None) -> None:
                assert status == "200 OK"

            parts = app({**environ, **stream}, start_response)
            b"".join(parts)
            parts.close()

        return call

    return contestant


def in_flask() -> Callable[[str], Callable[[Mapping[str, str], bytes], None]]:
    """Return a function that makes a contestant of a path."""
    app = flask.Flask(__name__)

    @app.post("/ours")
    def ours() -> str:
        return clerk_flask.clerk_event().type

    @app.post("/by-hand")
    def by_hand() -> str:
        flask.request.max_content_length = LIMIT
        try:
            return verify_and_parse(flask.request.headers, flask.request.get_data()).type
        except ClerkWebhookError as error:
            flask.abort(error.status, error.code)

    return by_wsgi(app)


def in_django() -> Callable[[str], Callable[[Mapping[str, str], bytes], None]]:
    """Return a function that makes a contestant of a path."""

    @clerk_django.clerk_event
    def ours(_: HttpRequest, event: WebhookEvent) -> HttpResponse:
        return HttpResponse(event.type)

    @csrf_exempt
    @require_POST
    def by_hand(request: HttpRequest) -> HttpResponse:
        try:
            return HttpResponse(verify_and_parse(request.headers, request.body).type)
        except ClerkWebhookError as error:
            return HttpResponse(error.code, status=error.status)

    settings.configure(
        ALLOWED_HOSTS=["app.example.com"],
        DATA_UPLOAD_MAX_MEMORY_SIZE=LIMIT,
        ROOT_URLCONF=(path("ours", ours), path("by-hand", by_hand)),
    )
    return by_wsgi(get_wsgi_application())


def main() -> None:
    """Race in each framework, with a small body and a large one."""
    event = json.loads(SMALL)
    event["data"]["public_metadata"] = {f"key_{number}": "some text " * 10 for number in range(2600)}
    large = json.dumps(event).encode()
    for name, made in (("FastAPI", in_fastapi()), ("Flask", in_flask()), ("Django", in_django())):
        contestants = {"by hand": made("/by-hand"), "ours": made("/ours")}
        for body, turns in ((SMALL, 200), (large, 60)):
            race(name, contestants, delivery(body), body, turns)


if __name__ == "__main__":
    main()
