"""Flask: the endpoint mounted, and `verify_and_parse` in a view.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... gunicorn flask_app:app
Or, while developing: flask --app flask_app run
"""

from flask import Flask, abort, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from clerk_webhook import ClerkWebhookError, events, verify_and_parse
from clerk_webhook.endpoint import Endpoint

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 1 << 20  # nothing limits it by default
endpoint = Endpoint()
# In front of Flask, so that no before_request of it, a login or a CSRF check, gets in the way.
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/api/webhooks": endpoint.wsgi()})  # type: ignore[method-assign]


@endpoint.on(events.UserCreated)
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


# Without a "/" at the end: Flask redirects to a route that has one, and Svix follows no redirects. With Flask-WTF's
# CSRFProtect it needs @csrf.exempt as well: the signature is what protects this view.
@app.post("/by-hand")
def by_hand() -> dict[str, str]:
    try:
        event = verify_and_parse(request.headers, request.get_data())
    except ClerkWebhookError as error:
        abort(error.status, error.code)
    if event.type == "user.created":
        welcome(event)
    return {"received": event.wire_type}
