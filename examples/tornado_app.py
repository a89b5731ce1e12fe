"""Tornado: `verify_and_parse` in a handler.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... python tornado_app.py
"""

import asyncio
import os

from tornado.web import Application, HTTPError, RequestHandler

from clerk_webhook import ClerkWebhookError, events, verify_and_parse


def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


class ClerkWebhooks(RequestHandler):
    def check_xsrf_cookie(self) -> None:
        """Let Clerk in if `xsrf_cookies` is on: the signature protects this handler."""

    async def post(self) -> None:
        try:
            event = verify_and_parse(self.request.headers, self.request.body)
        except ClerkWebhookError as error:
            raise HTTPError(error.status, reason=error.code) from error
        if event.type == "user.created":
            await asyncio.to_thread(welcome, event)  # blocking code must not run in the event loop
        self.write({"received": event.wire_type})


async def main() -> None:
    app = Application([("/by-hand", ClerkWebhooks)])
    app.listen(int(os.environ.get("PORT", "8000")), "127.0.0.1", max_body_size=1 << 20)  # 100 MB by default
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
