"""Falcon: `verify_and_parse` in a resource.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... waitress-serve falcon_app:app
"""

import falcon

from clerk_webhook import ClerkWebhookError, verify_and_parse

MAX_BODY = 1 << 20  # bytes; Svix sends up to about 350 kB


class ClerkWebhooks:
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        if (req.content_length or 0) > MAX_BODY:
            raise falcon.HTTPContentTooLarge
        # Not req.media: that is the body parsed, and only the raw bytes are what was signed.
        try:
            event = verify_and_parse(req.headers, req.bounded_stream.read())
        except ClerkWebhookError as error:
            raise falcon.HTTPError(error.status, title=error.code) from error
        if event.type == "user.created":
            print("new user", event.data["id"], flush=True)
        resp.media = {"received": event.wire_type}


app = falcon.App()
app.add_route("/by-hand", ClerkWebhooks())
