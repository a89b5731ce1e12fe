"""Sanic: `verify_and_parse` in a handler.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... sanic sanic_app:app
"""

from asyncio import to_thread

from sanic import HTTPResponse, Request, Sanic, json

from clerk_webhook import ClerkWebhookError, events, verify_and_parse

app = Sanic("clerk_webhooks")
app.config.REQUEST_MAX_SIZE = 1 << 20  # 100 MB by default


def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


@app.post("/by-hand")
async def by_hand(request: Request) -> HTTPResponse:
    try:
        event = verify_and_parse(request.headers, request.body)
    except ClerkWebhookError as error:
        return json({"error": error.code}, status=error.status)
    if event.type == "user.created":
        await to_thread(welcome, event)  # blocking code must not run in the event loop
    return json({"received": event.wire_type})
