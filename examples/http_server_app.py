"""`verify_and_parse` in the standard library's http.server, on which no framework stands.

Run it: CLERK_WEBHOOK_SIGNING_SECRET=whsec_... python http_server_app.py
"""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from clerk_webhook import ClerkWebhookError, verify_and_parse

MAX_BODY = 1 << 20  # bytes; Svix sends up to about 350 kB


class ClerkWebhooks(BaseHTTPRequestHandler):
    timeout = 15  # seconds without a byte until a client is given up

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            self.send_error(411)
            return
        # The digits are counted because int() refuses thousands of them with an exception.
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            self.send_error(413)
            return
        try:
            event = verify_and_parse(self.headers, self.rfile.read(int(length)))
        except ClerkWebhookError as error:
            self.send_error(error.status, error.code)
            return
        if event.type == "user.created":
            print("new user", event.data["id"], flush=True)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_error(405)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), ClerkWebhooks).serve_forever()
