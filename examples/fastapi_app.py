"""FastAPI: a route that takes the event, an endpoint as a route, and `verify_and_parse` by hand.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... uvicorn fastapi_app:app
"""

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from clerk_webhook import ClerkWebhookError, Endpoint, events, verify_and_parse
from clerk_webhook.fastapi import OPENAPI, ClerkEvent, view

app = FastAPI()


@app.post("/api/webhooks", openapi_extra=OPENAPI)
def clerk(event: ClerkEvent) -> None:  # def: FastAPI runs it in a thread, so it may block
    match event:
        case events.UserCreated():
            welcome(event)
        case _:
            pass  # 200: Svix would send anything else again


endpoint = Endpoint()
app.post("/endpoint", openapi_extra=OPENAPI)(view(endpoint))


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


@app.post("/by-hand", max_body_size=1 << 20)  # FastAPI 0.164 or newer; nothing limits it by default
async def by_hand(request: Request) -> dict[str, str]:
    # No parameter with a model: FastAPI would parse the body, and the signature covers the raw bytes.
    try:
        event = verify_and_parse(request.headers, await request.body())
    except ClerkWebhookError as error:
        raise HTTPException(error.status, error.code) from error
    except ClientDisconnect as error:  # Starlette raises it if the client hangs up
        raise HTTPException(400) from error
    if event.type == "user.created":
        await run_in_threadpool(welcome, event)  # blocking code must not run in the event loop
    return {"received": event.wire_type}
