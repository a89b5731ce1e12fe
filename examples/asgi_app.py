"""An endpoint is an ASGI application: no framework is needed.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... uvicorn asgi_app:app
Or under another server: hypercorn asgi_app:app; granian --interface asgi asgi_app:app; daphne asgi_app:app
"""

from clerk_webhook import Endpoint, events
from clerk_webhook.asgi import application

endpoint = Endpoint()


@endpoint.on
async def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


app = application(endpoint)
