"""Django: views that take the event, an endpoint as a view, and `verify_and_parse` by hand, in one file.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... gunicorn django_app:wsgi
Or: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... daphne django_app:asgi
"""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.exceptions import RequestDataTooBig
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from clerk_webhook import ClerkWebhookError, Endpoint, WebhookEvent, events, verify_and_parse
from clerk_webhook.django import clerk_event, view

# In a project this is settings.py.
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATA_UPLOAD_MAX_MEMORY_SIZE=1 << 20,
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
)


@clerk_event
def clerk(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    match event:
        case events.UserCreated():
            welcome(event)
        case _:
            pass  # 200: Svix would send anything else again
    return HttpResponse()


@clerk_event
async def clerk_async(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    if event.type == "user.created":
        await sync_to_async(welcome)(event)  # blocking code must not run in the event loop
    return HttpResponse()


endpoint = Endpoint()


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


@csrf_exempt  # the signature protects this view
@require_POST
def by_hand(request: HttpRequest) -> JsonResponse:
    try:
        event = verify_and_parse(request.headers, request.body)
    except RequestDataTooBig:  # by DATA_UPLOAD_MAX_MEMORY_SIZE; Django itself would answer 400
        return JsonResponse({"error": "too_large"}, status=413)
    except ClerkWebhookError as error:
        return JsonResponse({"error": error.code}, status=error.status)
    if event.type == "user.created":
        welcome(event)
    return JsonResponse({"received": event.wire_type})


# Give Clerk the path exactly as it stands here. If it ends in "/" and the URL given to Clerk does not, APPEND_SLASH
# answers a redirect, and Svix follows none.
urlpatterns = [
    path("api/webhooks", clerk),
    path("async", clerk_async),
    path("endpoint", view(endpoint)),
    path("by-hand", by_hand),
]

wsgi = get_wsgi_application()
django = get_asgi_application()


async def asgi(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    if scope["type"] == "websocket":  # Django raises an exception for it: a 500 for everyone who asks
        await send({"type": "websocket.close"})
    else:
        await django(scope, receive, send)
