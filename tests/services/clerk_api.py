"""A small Clerk Backend API on loopback: the lists, the single resources, and the limits that Clerk has."""

import json
import random
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
        self.instance_id = "ins_1"
        self.users = {}
        self.organizations = {}
        self.memberships = {}
        self.faults = []  # (status, headers) of the next answers
        self.broken = {}  # the status of a path, for ever
        self.fault_rate = 0.0  # the share of answers that are faulty, each in one of FAULTS
        self.chance = random.Random(1)
        self.asked = []  # path and parameters of every request; a parameter that comes once is its value
        self.before = lambda path: None  # runs before each answer

    def answer(self, path, parameters):
        """Return the status and the JSON of an answer."""
        if path == "/instance":
            return 200, {"object": "instance", "id": self.instance_id, "environment_type": "production"}
        if path == "/users/count":
            return 200, {"object": "total_count", "total_count": len(self.users)}
        if path == "/users":
            return self._users(parameters)
        if path == "/organizations":
            return 200, self._list(_by_id(self.organizations, parameters.get("organization_id")), parameters)
        if path == "/organization_memberships":
            return 200, self._list(self.memberships, parameters)
        if match := re.fullmatch("/organizations/([^/]+)/memberships", path):
            organization_id = unquote(match[1])
            if organization_id in self.organizations:
                users = _list(parameters.get("user_id", []))
                found = {
                    membership["id"]: membership
                    for membership in self.memberships.values()
                    if membership["organization"]["id"] == organization_id
                    and membership["public_user_data"]["user_id"] in users
                }
                return 200, self._list(found, parameters)
        return 404, {"errors": [{"code": "resource_not_found", "message": "not found"}]}

    def _users(self, parameters):
        if cursor := parameters.get("starting_after"):
            if cursor not in self.users or "offset" in parameters:
                return 422, {"errors": [{"code": "form_param_value_invalid"}]}
            assert parameters["order_by"] == "+created_at"
            last = _age(self.users[cursor])
            following = {one["id"]: one for one in list(self.users.values()) if _age(one) > last}
            return 200, self._page(following, parameters)
        return 200, self._page(_by_id(self.users, parameters.get("user_id")), parameters)

    def _list(self, resources, parameters):
        return {"data": self._page(resources, parameters), "total_count": len(resources)}

    def _page(self, resources, parameters):
        limit = int(parameters.get("limit", 10))
        offset = int(parameters.get("offset", 0))
        if not 1 <= limit <= 500:
            limit = 10  # as in Clerk, without an error
        descending = parameters.get("order_by", "-created_at").startswith("-")
        all_of_them = list(resources.values())  # at once, because a test may change them meanwhile
        return sorted(all_of_them, key=_age, reverse=descending)[offset : offset + limit]


def _age(resource):
    return resource["created_at"], resource["id"]


def _list(value):
    return value if isinstance(value, list) else [value]


def _by_id(resources, ids):
    """Return the resources with these ids. Unknown ids are left out, as in Clerk, and more than 100 are refused."""
    if ids is None:
        return resources
    assert len(_list(ids)) <= 100
    return {one: resources[one] for one in _list(ids) if one in resources}


# Each is a status, headers, and the body, of which None is JSON. "cut" ends the connection within the body.
FAULTS = [
    (500, {}, None),
    (503, {}, b"<html>"),
    (429, {"retry-after": "0"}, None),
    (429, {}, None),
    (200, {}, b"<html>a gateway's own page</html>"),
    (200, {}, "cut"),
    (0, {}, None),
]


@contextmanager
def clerk_api():
    """Run a Clerk API for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/v1")
            parameters = {
                name: values[0] if len(values) == 1 else values for name, values in parse_qs(parts.query).items()
            }
            api.asked.append((path, parameters))
            api.before(path)
            headers, data = {}, None
            if self.headers["authorization"] != f"Bearer {KEY}":
                status, body = 401, {"errors": [{"code": "clerk_key_invalid"}]}
            elif api.faults:
                status, headers = api.faults.pop(0)
                body = {"errors": []}
            elif path in api.broken:
                status, body = api.broken[path], {"errors": []}
            elif api.chance.random() < api.fault_rate:
                status, headers, data = api.chance.choice(FAULTS)
                body = {"errors": []}
            else:
                status, body = api.answer(path, parameters)
            if status == 0:  # no answer at all
                self.close_connection = True
                return
            whole = data if isinstance(data, bytes) else json.dumps(body).encode()
            announced = len(whole) + (10 if data == "cut" else 0)
            self.close_connection = data == "cut"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(announced))
            self.end_headers()
            self.wfile.write(whole)

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
