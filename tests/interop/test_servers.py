"""Every example under the servers that it is usually run with, attacked over raw sockets.

`RUNS` has each example under each of its servers, and the peculiarities of both. `attacks.py` has the requests.
"""

import socket
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest
from attacks import BROKEN, CHUNKED, REFUSED, chunk
from harness import Delivery, connect, head, length, pour, request, send

SERVERS = {
    "uvicorn-h11": "-m uvicorn --http h11 --port {port} APP",
    "uvicorn-httptools": "-m uvicorn --http httptools --port {port} APP",
    "hypercorn": "-m hypercorn --bind 127.0.0.1:{port} APP",
    "granian-asgi": "-m granian --interface asgi --port {port} APP",
    "daphne": "-m daphne -b 127.0.0.1 -p {port} APP",
    "gunicorn": "-m gunicorn --bind 127.0.0.1:{port} APP",
    "waitress": "-m waitress --listen=127.0.0.1:{port} APP",
    "granian-wsgi": "-m granian --interface wsgi --port {port} APP",
    "werkzeug": "-m flask --app APP run --port {port}",
    "bottle-waitress": "-m bottle --server waitress --bind 127.0.0.1:{port} APP",
    "sanic": "-m sanic APP --single-process --no-motd --port {port}",
    "own": "APP.py",  # the example is its own server
}


@dataclass(frozen=True)
class Run:
    """A route of an example under a server, and their peculiarities.

    Attributes:
        app: The module of the example, and the application in it.
        server: One of `SERVERS`.
        route: The path. A view at "/by-hand" calls `verify_and_parse`; all others are this package's.
        chunked: The status for a genuine delivery in chunks. Some servers leave those to the application, and some
            frameworks look at the length alone: the body is empty then.
        too_large: The status for a body of 2 MB whose length is announced.
        too_large_chunked: The same for one in chunks.
        reads_on: What is too large is read to its end, or to the limit at least, and only then answered.
        last_line_counts: The server joins two lines of one header with a comma and a space, so that the last of two
            signatures is an entry of its own. The others join them with a comma alone, or keep both.
        one_at_a_time: A client that stalls holds up all others: so it is with a worker that has no threads.
    """

    app: str
    server: str
    route: str = "/api/webhooks"
    chunked: int = 200
    too_large: int = 413
    too_large_chunked: int | None = 413
    reads_on: bool = False
    last_line_counts: bool = False
    one_at_a_time: bool = False

    @property
    def ours(self):
        return self.route != "/by-hand"

    @property
    def arguments(self):
        return SERVERS[self.server].replace("APP", self.app)

    def __str__(self):
        return f"{self.app.partition(':')[0]}-{self.server}-{self.route[1:]}"


RUNS = [
    Run("asgi_app:app", "uvicorn-h11"),
    Run("asgi_app:app", "uvicorn-httptools"),
    Run("asgi_app:app", "hypercorn"),
    Run("asgi_app:app", "granian-asgi"),
    Run("asgi_app:app", "daphne", reads_on=True),
    Run("starlette_app:app", "uvicorn-h11"),
    Run("starlette_app:app", "uvicorn-h11", "/by-hand"),
    Run("fastapi_app:app", "uvicorn-httptools"),
    Run("fastapi_app:app", "uvicorn-httptools", "/endpoint"),
    Run("fastapi_app:app", "uvicorn-httptools", "/by-hand"),
    Run("fastapi_app:app", "hypercorn"),
    Run("fastapi_app:app", "granian-asgi"),
    Run("litestar_app:app", "granian-asgi"),
    Run("litestar_app:app", "granian-asgi", "/by-hand"),
    Run("quart_app:app", "hypercorn"),
    Run("quart_app:app", "hypercorn", "/by-hand"),
    # Under ASGI Django reads a body to its end before it looks for the view.
    Run("django_app:asgi", "uvicorn-h11", reads_on=True),
    Run("django_app:asgi", "uvicorn-h11", "/async", reads_on=True),
    Run("django_app:asgi", "daphne", "/endpoint", reads_on=True),
    Run("django_app:asgi", "daphne", "/by-hand", reads_on=True),
    Run("django_app:wsgi", "gunicorn", "/api/webhooks", 400, too_large_chunked=400, one_at_a_time=True),
    Run("django_app:wsgi", "gunicorn", "/endpoint", 400, too_large_chunked=400, one_at_a_time=True),
    Run("django_app:wsgi", "gunicorn", "/by-hand", 400, too_large_chunked=400, one_at_a_time=True),
    Run("aiohttp_app", "own", "/by-hand", reads_on=True),
    Run("sanic_app:app", "sanic", "/by-hand"),
    # It closes the connection to who sends too much in chunks, and its answer is lost with that.
    Run("tornado_app", "own", "/by-hand", too_large=400, too_large_chunked=None),
    Run("wsgiref_app:app", "gunicorn", one_at_a_time=True),
    Run("wsgiref_app:app", "waitress", reads_on=True, last_line_counts=True),
    Run("wsgiref_app:app", "granian-wsgi"),
    Run("wsgiref_app", "own", chunked=400, too_large_chunked=400),
    Run("flask_app:app", "werkzeug"),
    Run("flask_app:app", "werkzeug", "/endpoint"),
    # Werkzeug cuts a body that is too large, and then no signature matches.
    Run("flask_app:app", "werkzeug", "/by-hand", too_large_chunked=400),
    Run("flask_app:app", "gunicorn", one_at_a_time=True),
    Run("flask_app:app", "granian-wsgi"),
    Run("flask_app:app", "waitress", reads_on=True, last_line_counts=True),
    Run("flask_app:app", "gunicorn", "/by-hand", too_large_chunked=400, one_at_a_time=True),
    Run("bottle_app:app", "bottle-waitress", reads_on=True, last_line_counts=True),
    Run("bottle_app:app", "bottle-waitress", "/by-hand", reads_on=True, last_line_counts=True),
    Run("falcon_app:app", "waitress", "/by-hand", reads_on=True, last_line_counts=True),
    Run("http_server_app", "own", "/by-hand", chunked=411, too_large_chunked=411),
]


def runs(chosen=lambda run: True):
    return pytest.mark.parametrize("run", [pytest.param(run, id=str(run)) for run in RUNS if chosen(run)])


@pytest.fixture
def server(run, running):
    """The server of a run. No request makes this package write a traceback."""
    server = running(run.arguments)
    before = len(server.output())
    yield server
    if run.ours:
        assert "Traceback" not in server.output()[before:]


@runs()
def test_a_genuine_delivery_reaches_the_handler(server, run):
    delivery = Delivery()
    assert send(server, request(run.route, delivery)).status == 200
    assert server.writes(delivery.user_id)


@runs()
@pytest.mark.parametrize("case", REFUSED)
def test_a_stranger_is_refused(server, run, case):
    delivery = Delivery()
    REFUSED[case](delivery)
    assert send(server, request(run.route, delivery)).status == 400
    assert delivery.user_id not in server.output()


@runs()
@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_a_second_signature_line_is_refused_wherever_the_server_shows_it(server, run, genuine_line):
    delivery = Delivery()
    lines = delivery.headers["svix-signature"]
    lines.insert(1 if genuine_line == "first" else 0, b"v1,AAAA")
    status = 200 if run.last_line_counts and genuine_line == "last" else 400
    assert send(server, request(run.route, delivery)).status == status


@runs()
def test_only_post_is_allowed(server, run):
    answer = send(server, head(run.route, {}, method="GET"))
    assert answer.status == 405
    if run.ours:
        assert "POST" in answer.headers["allow"]


@runs()
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title, lambda name: name.title().swapcase()])
def test_header_names_may_be_spelled_in_any_case(server, run, spelled):
    delivery = Delivery()
    delivery.headers = {spelled(name): values for name, values in delivery.headers.items()}
    assert send(server, request(run.route, delivery)).status == 200


@runs()
def test_a_delivery_may_dribble_in(server, run):
    delivery = Delivery()
    start = head(run.route, delivery.headers | length(len(delivery.body)))
    pieces = [start[:40], start[40:], delivery.body[:1], delivery.body[1:50], delivery.body[50:]]
    assert send(server, *pieces, pause=0.05).status == 200
    assert server.writes(delivery.user_id)


@runs()
def test_a_delivery_may_come_in_chunks_where_the_server_takes_them(server, run):
    delivery = Delivery()
    chunks = chunk(delivery.body[:1]) + chunk(delivery.body[1:50]) + chunk(delivery.body[50:]) + chunk(b"")
    pieces = [head(run.route, delivery.headers | CHUNKED), chunks[:8], chunks[8:30], chunks[30:]]
    assert send(server, *pieces, pause=0.05).status == run.chunked


MEGABYTE = 1 << 20


@runs(lambda run: not run.reads_on)
def test_an_announced_length_beyond_the_limit_is_refused_at_once(server, run):
    assert send(server, head(run.route, Delivery().headers | length(2 * MEGABYTE))).status == run.too_large


@runs(lambda run: run.ours or run.reads_on)
def test_a_body_beyond_the_limit_is_refused(server, run):
    start = head(run.route, Delivery().headers | length(2 * MEGABYTE))
    answer, _ = pour(server, start, 2 * MEGABYTE)
    assert answer.status == run.too_large


def pour_chunk(server, run, size):
    start = head(run.route, Delivery().headers | CHUNKED) + b"%x\r\n" % size
    return pour(server, start, size, b"\r\n" + chunk(b""))


@runs(lambda run: run.too_large_chunked)
def test_a_body_beyond_the_limit_is_refused_in_chunks_too(server, run):
    answer, _ = pour_chunk(server, run, 2 * MEGABYTE)
    assert answer.status == run.too_large_chunked


@runs(lambda run: run.ours and not run.reads_on)
def test_a_body_beyond_the_limit_is_not_read_whole(server, run):
    start = head(run.route, Delivery().headers | length(64 * MEGABYTE))
    answer, sent = pour(server, start, 64 * MEGABYTE)
    assert answer.status == run.too_large
    assert sent < 2 * MEGABYTE  # the buffers of sockets
    answer, sent = pour_chunk(server, run, 64 * MEGABYTE)
    assert answer.status == run.too_large_chunked
    assert sent < 3 * MEGABYTE  # the limit, and the buffers of sockets


@runs(lambda run: not run.one_at_a_time)
def test_clients_that_stall_hold_up_nobody(server, run):
    with ExitStack() as stalled:
        for number in range(20):
            delivery = Delivery()
            connection = stalled.enter_context(connect(server))
            connection.sendall(request(run.route, delivery)[: -len(delivery.body) // 2])
            if number % 2:
                connection.shutdown(socket.SHUT_WR)
            time.sleep(0.01)  # the queue of servers that are made for demonstration holds five
        for _ in range(3):
            assert send(server, request(run.route, Delivery())).status == 200
    assert send(server, request(run.route, Delivery())).status == 200


@runs(lambda run: run.ours)
@pytest.mark.parametrize("case", BROKEN)
def test_a_request_that_breaks_the_rules_of_http_comes_to_an_end(server, run, case):
    headers, rest = BROKEN[case]
    with connect(server) as connection, suppress(ConnectionError):
        connection.sendall(head(run.route, Delivery().headers | headers) + rest)
        with suppress(OSError):  # closed already
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass
    assert send(server, request(run.route, Delivery())).status == 200
