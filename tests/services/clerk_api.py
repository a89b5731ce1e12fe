"""A small Clerk Backend API on loopback: the lists, the single resources, and the limits that Clerk has."""

import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "sk_test_of_the_fake"


class ClerkAPI:
    """The resources, by id, and the faults that the next answers have."""

    def __init__(self, url):
        self.url = url
        self.users = {}
        self.organizations = {}
        self.memberships = {}
        self.faults = []  # (status, headers) of the next answers
        self.broken = {}  # the status of a path, for ever
        self.asked = []  # path and parameters of every request
        self.before = lambda path: None  # runs before each answer

    def answer(self, path, parameters):
        """Return the status and the JSON of an answer."""
        if path == "/users":
            return 200, self._page(self.users, parameters)
        if path == "/organizations":
            return 200, self._list(self.organizations, parameters)
        if path == "/organization_memberships":
            return 200, self._list(self.memberships, parameters)
        if match := re.fullmatch("/users/([^/]+)", path):
            return self._one(self.users, unquote(match[1]))
        if match := re.fullmatch("/organizations/([^/]+)", path):
            return self._one(self.organizations, match[1])
        if (match := re.fullmatch("/organizations/([^/]+)/memberships", path)) and match[1] in self.organizations:
            found = {
                membership["id"]: membership
                for membership in self.memberships.values()
                if membership["organization"]["id"] == match[1]
                and membership["public_user_data"]["user_id"] == parameters.get("user_id")
            }
            return 200, self._list(found, parameters)
        return 404, {"errors": [{"code": "resource_not_found", "message": "not found"}]}

    def _one(self, resources, resource_id):
        if resource_id in resources:
            return 200, resources[resource_id]
        return 404, {"errors": [{"code": "resource_not_found", "message": "not found"}]}

    def _list(self, resources, parameters):
        return {"data": self._page(resources, parameters), "total_count": len(resources)}

    def _page(self, resources, parameters):
        limit = int(parameters.get("limit", 10))
        offset = int(parameters.get("offset", 0))
        if not 1 <= limit <= 500:
            limit = 10  # as in Clerk, without an error
        descending = parameters.get("order_by", "-created_at").startswith("-")
        ordered = sorted(resources.values(), key=lambda one: one["created_at"], reverse=descending)
        return ordered[offset : offset + limit]


@contextmanager
def clerk_api():
    """Run a Clerk API for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/v1")
            parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
            api.asked.append((path, parameters))
            api.before(path)
            headers = {}
            if self.headers["authorization"] != f"Bearer {KEY}":
                status, body = 401, {"errors": [{"code": "clerk_key_invalid"}]}
            elif api.faults:
                status, headers = api.faults.pop(0)
                body = {"errors": []}
            elif path in api.broken:
                status, body = api.broken[path], {"errors": []}
            else:
                status, body = api.answer(path, parameters)
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api = ClerkAPI(f"http://127.0.0.1:{server.server_port}/v1")
        thread = Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
