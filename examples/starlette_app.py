"""Starlette: the endpoint mounted, and `verify_and_parse` in a view.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... uvicorn starlette_app:app
"""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clerk_webhook import ClerkWebhookError, Endpoint, events, verify_and_parse
from clerk_webhook.asgi import application

endpoint = Endpoint()


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


async def by_hand(request: Request) -> JSONResponse:
    try:
        event = verify_and_parse(request.headers, await request.body())
    except ClerkWebhookError as error:
        return JSONResponse({"error": error.code}, error.status)
    except ClientDisconnect:
        return JSONResponse({"error": "incomplete_body"}, 400)
    if event.type == "user.created":
        await run_in_threadpool(welcome, event)  # blocking code must not run in the event loop
    return JSONResponse({"received": event.wire_type})


app = Starlette(
    routes=[
        # Not Mount: it redirects to "/api/webhooks/", and Svix follows no redirects.
        Route("/api/webhooks", application(endpoint)),
        # max_body_size: Starlette 1.6 or newer. Nothing limits a body by default.
        Route("/by-hand", by_hand, methods=["POST"], max_body_size=1 << 20),
    ]
)
