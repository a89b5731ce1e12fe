"""Litestar: the endpoint mounted, and `verify_and_parse` in a view.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... granian --interface asgi litestar_app:app
"""

from asyncio import to_thread
from typing import Any

from litestar import Litestar, Request, asgi, post
from litestar.exceptions import ClientException, HTTPException, InternalServerException
from litestar.types import Receive, Scope, Send

from clerk_webhook import ClerkWebhookError, Endpoint, events, verify_and_parse
from clerk_webhook.asgi import application

endpoint = Endpoint()
clerk = application(endpoint)


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


@asgi("/api/webhooks", copy_scope=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    await clerk(scope, receive, send)


@post("/by-hand", status_code=200, request_max_body_size=1 << 20)  # 10 MB by default
async def by_hand(request: Request[Any, Any, Any]) -> dict[str, str]:
    # No `data` parameter: Litestar would parse the body, and only the raw bytes are what was signed.
    try:
        event = verify_and_parse(request.headers, await request.body())
    except ClerkWebhookError as error:
        raise HTTPException(error.code, status_code=error.status) from error
    except InternalServerException as error:  # by Litestar, if the client hangs up
        raise ClientException from error
    if event.type == "user.created":
        await to_thread(welcome, event)  # blocking code must not run in the event loop
    return {"received": event.wire_type}


app = Litestar([mounted, by_hand])
