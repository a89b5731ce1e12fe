"""Flask: a route that asks for the event, an endpoint as a view, and `verify_and_parse` by hand.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... gunicorn flask_app:app
Or, while developing: flask --app flask_app run
"""

from flask import Flask, abort, request

from clerk_webhook import ClerkWebhookError, Endpoint, events, verify_and_parse
from clerk_webhook.flask import clerk_event, view

app = Flask(__name__)


# Without a "/" at the end: Flask redirects to a route that has one, and Svix follows no redirects. With Flask-WTF's
# CSRFProtect each of the three needs csrf.exempt: the signature protects it.
@app.post("/api/webhooks")
def clerk() -> str:
    match clerk_event():
        case events.UserCreated() as event:
            welcome(event)
        case _:
            pass  # 200: Svix would send anything else again
    return ""


endpoint = Endpoint()
app.add_url_rule("/endpoint", view_func=view(endpoint))


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


@app.post("/by-hand")
def by_hand() -> dict[str, str]:
    request.max_content_length = 1 << 20  # Flask 3.1 or newer; nothing limits it by default
    if request.content_length is None:  # a body in chunks: gunicorn raises errors of its own while it is read
        abort(411)
    try:
        event = verify_and_parse(request.headers, request.get_data())
    except ClerkWebhookError as error:
        abort(error.status, error.code)
    if event.type == "user.created":
        welcome(event)
    return {"received": event.wire_type}
