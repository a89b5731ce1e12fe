"""An endpoint is a WSGI application: no framework is needed, and here no server but the standard library's.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... python wsgiref_app.py
Or in production: gunicorn wsgiref_app:app; waitress-serve wsgiref_app:app; granian --interface wsgi wsgiref_app:app
"""

import os
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

from clerk_webhook import Endpoint, events
from clerk_webhook.wsgi import application

endpoint = Endpoint()


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


app = application(endpoint)


class ThreadingServer(ThreadingMixIn, WSGIServer):
    # One request at a time is wsgiref's way: a client that stalls would hold up all others.
    daemon_threads = True


if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), app, ThreadingServer).serve_forever()
