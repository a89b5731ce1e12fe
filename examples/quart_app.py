"""Quart: the endpoint mounted, and `verify_and_parse` in a view.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... hypercorn quart_app:app
"""

from asyncio import to_thread

from hypercorn.middleware import DispatcherMiddleware
from quart import Quart, abort, request

from clerk_webhook import ClerkWebhookError, Endpoint, events, verify_and_parse
from clerk_webhook.asgi import application

endpoint = Endpoint()
site = Quart(__name__)
site.config["MAX_CONTENT_LENGTH"] = 1 << 20  # 16 MB by default


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


# Without a "/" at the end: Quart redirects to a route that has one, and Svix follows no redirects.
@site.post("/by-hand")
async def by_hand() -> dict[str, str]:
    try:
        event = verify_and_parse(request.headers, await request.get_data())
    except ClerkWebhookError as error:
        abort(error.status, error.code)
    if event.type == "user.created":
        await to_thread(welcome, event)  # blocking code must not run in the event loop
    return {"received": event.wire_type}


# Hypercorn has types of its own for ASGI.
app = DispatcherMiddleware({"/api/webhooks": application(endpoint), "": site})
