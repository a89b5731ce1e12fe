"""aiohttp: `verify_and_parse` in a handler.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... python aiohttp_app.py
"""

import os
from asyncio import to_thread

from aiohttp import web

from clerk_webhook import ClerkWebhookError, events, verify_and_parse


def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


async def by_hand(request: web.Request) -> web.Response:
    try:
        event = verify_and_parse(request.headers, await request.read())
    except ClerkWebhookError as error:
        return web.json_response({"error": error.code}, status=error.status)
    if event.type == "user.created":
        await to_thread(welcome, event)  # blocking code must not run in the event loop
    return web.json_response({"received": event.wire_type})


# The signature covers the body as it came. Decompressing a body that only claims to be compressed would be a 500.
app = web.Application(client_max_size=1 << 20, handler_args={"auto_decompress": False})
app.add_routes([web.post("/by-hand", by_hand)])

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
