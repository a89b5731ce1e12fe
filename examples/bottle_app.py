"""Bottle: the endpoint mounted, and `verify_and_parse` in a view.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... bottle --server waitress bottle_app:app
"""

from bottle import Bottle, abort, request

from clerk_webhook import ClerkWebhookError, Endpoint, events, verify_and_parse
from clerk_webhook.wsgi import application

MAX_BODY = 1 << 20  # bytes; Svix sends up to about 350 kB

app = Bottle()
endpoint = Endpoint()
# Without a "/" at the end: Bottle would answer 404 to the path without it.
app.mount("/api/webhooks", application(endpoint))


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


@app.post("/by-hand")
def by_hand() -> dict[str, str]:
    if request.content_length > MAX_BODY:
        abort(413)
    # Not request.headers: those decode as UTF-8, so one byte that anyone can send would be a 500.
    try:
        event = verify_and_parse(request.environ, request.body.read())
    except ClerkWebhookError as error:
        abort(error.status, error.code)
    if event.type == "user.created":
        welcome(event)
    return {"received": event.wire_type}
