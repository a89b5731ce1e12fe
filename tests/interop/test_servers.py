"""Every example under the servers that it is usually run with, attacked over raw sockets.

`RUNS` has each example under each of its servers, and the peculiarities of both. `attacks.py` has the requests.
"""

import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from select import select

import pytest
from attacks import BROKEN, CHUNKED, ODD, REFUSED, chunk
from deliveries import OTHER_SECRET
from harness import (
    Delivery,
    connect,
    head,
    length,
    pour,
    read_answer,
    request,
    send,
    send_http_2,
    soon,
    statuses,
)


@dataclass(frozen=True)
class Software:
    """A server, and its peculiarities.

    Attributes:
        arguments: What runs it in Python. "APP" stands for the application.
        buffers: It reads a body to its end before it calls the application.
        one_at_a_time: A client that stalls holds up all others: so it is with a worker that has no threads.
        last_line_counts: It joins two lines of one header with a comma and a space, so that the last of two signatures
            is an entry of its own. The others join them with a comma alone, or keep both.
        folds: It takes a header that goes on in the next line. The others refuse the request.
        underscores: A name with an underscore is as good as one with a hyphen. The others drop it, or keep it apart.
        trailers: A header behind the body is as good as one before it. The others drop it, or refuse the request.
        parses_forms: It refuses a form that it can't parse before the application runs.
        http_2: It speaks HTTP/2 without TLS.
    """

    arguments: str
    buffers: bool = False
    one_at_a_time: bool = False
    last_line_counts: bool = False
    folds: bool = False
    underscores: bool = False
    trailers: bool = False
    parses_forms: bool = False
    http_2: bool = False


OWN = "APP.py"  # the example is its own server
SERVERS = {
    "uvicorn-h11": Software("-m uvicorn --http h11 --port {port} APP", folds=True),
    "uvicorn-httptools": Software("-m uvicorn --http httptools --port {port} APP", trailers=True),
    "hypercorn": Software("-m hypercorn --bind 127.0.0.1:{port} APP", folds=True, http_2=True),
    "granian-asgi": Software("-m granian --interface asgi --port {port} APP", http_2=True),
    "daphne": Software("-m daphne -b 127.0.0.1 -p {port} APP", buffers=True, folds=True, parses_forms=True),
    "gunicorn": Software("-m gunicorn --bind 127.0.0.1:{port} APP", one_at_a_time=True),
    "waitress": Software("-m waitress --listen=127.0.0.1:{port} APP", buffers=True, last_line_counts=True, folds=True),
    "bottle-waitress": Software(
        "-m bottle --server waitress --bind 127.0.0.1:{port} APP", buffers=True, last_line_counts=True, folds=True
    ),
    "granian-wsgi": Software("-m granian --interface wsgi --port {port} APP", underscores=True, http_2=True),
    "werkzeug": Software("-m flask --app APP run --port {port}", folds=True),
    "sanic": Software("-m sanic APP --single-process --no-motd --port {port}"),
    "aiohttp": Software(OWN, buffers=True),
    "tornado": Software(OWN, parses_forms=True),
    "wsgiref": Software(OWN, folds=True, underscores=True),
    "http.server": Software(OWN, folds=True),
}


@dataclass(frozen=True)
class Run:
    """A route of an example under a server, and what is peculiar to both together.

    Attributes:
        app: The module of the example, and the application in it.
        name: One of `SERVERS`.
        route: The path. A view at "/by-hand" calls `verify_and_parse`; all others are this package's.
        chunked: The status for a genuine delivery in chunks. Some servers leave those to the application, and some
            frameworks look at the length alone: the body is empty then.
        too_large: The status for a body of 2 MB whose length is announced.
        too_large_chunked: The same for one in chunks.
        buffers: The framework reads a body to its end before it calls the view.
    """

    app: str
    name: str
    route: str = "/api/webhooks"
    chunked: int = 200
    too_large: int = 413
    too_large_chunked: int | None = 413
    buffers: bool = False

    @property
    def ours(self):
        return self.route != "/by-hand"

    @property
    def server(self):
        return SERVERS[self.name]

    @property
    def reads_on(self):
        return self.buffers or self.server.buffers

    @property
    def arguments(self):
        return self.server.arguments.replace("APP", self.app)

    def __str__(self):
        return f"{self.app.partition(':')[0]}-{self.name}-{self.route[1:]}"


RUNS = [
    Run("asgi_app:app", "uvicorn-h11"),
    Run("asgi_app:app", "uvicorn-httptools"),
    Run("asgi_app:app", "hypercorn"),
    Run("asgi_app:app", "granian-asgi"),
    Run("asgi_app:app", "daphne"),
    Run("starlette_app:app", "uvicorn-h11"),
    Run("starlette_app:app", "uvicorn-h11", "/by-hand"),
    Run("fastapi_app:app", "uvicorn-httptools"),
    Run("fastapi_app:app", "uvicorn-httptools", "/endpoint"),
    Run("fastapi_app:app", "uvicorn-httptools", "/by-hand"),
    Run("fastapi_app:app", "hypercorn"),
    Run("fastapi_app:app", "granian-asgi"),
    Run("fastapi_app:app", "granian-asgi", "/by-hand"),
    Run("litestar_app:app", "granian-asgi"),
    Run("litestar_app:app", "granian-asgi", "/by-hand"),
    Run("quart_app:app", "hypercorn"),
    Run("quart_app:app", "hypercorn", "/by-hand"),
    # Under ASGI Django reads a body to its end before it looks for the view.
    Run("django_app:asgi", "uvicorn-h11", buffers=True),
    Run("django_app:asgi", "uvicorn-h11", "/async", buffers=True),
    Run("django_app:asgi", "daphne", "/endpoint"),
    Run("django_app:asgi", "daphne", "/by-hand"),
    Run("django_app:wsgi", "gunicorn", "/api/webhooks", 400, too_large_chunked=400),
    Run("django_app:wsgi", "gunicorn", "/endpoint", 400, too_large_chunked=400),
    Run("django_app:wsgi", "gunicorn", "/by-hand", 400, too_large_chunked=400),
    Run("aiohttp_app", "aiohttp", "/by-hand"),
    Run("sanic_app:app", "sanic", "/by-hand"),
    # It closes the connection to who sends too much in chunks, and its answer is lost with that.
    Run("tornado_app", "tornado", "/by-hand", too_large=400, too_large_chunked=None),
    Run("wsgiref_app:app", "gunicorn"),
    Run("wsgiref_app:app", "waitress"),
    Run("wsgiref_app:app", "granian-wsgi"),
    Run("wsgiref_app", "wsgiref", chunked=400, too_large_chunked=400),
    Run("flask_app:app", "werkzeug"),
    Run("flask_app:app", "werkzeug", "/endpoint"),
    Run("flask_app:app", "werkzeug", "/by-hand", 411, too_large_chunked=411),
    Run("flask_app:app", "gunicorn"),
    Run("flask_app:app", "granian-wsgi"),
    Run("flask_app:app", "waitress"),
    Run("flask_app:app", "gunicorn", "/by-hand", 411, too_large_chunked=411),
    Run("bottle_app:app", "bottle-waitress"),
    Run("bottle_app:app", "bottle-waitress", "/by-hand"),
    Run("falcon_app:app", "waitress", "/by-hand"),
    Run("http_server_app", "http.server", "/by-hand", 411, too_large_chunked=411),
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
    status = 200 if run.server.last_line_counts and genuine_line == "last" else 400
    assert send(server, request(run.route, delivery)).status == status


@runs()
def test_only_post_is_allowed(server, run):
    answer = send(server, head(run.route, {}, method="GET"))
    assert answer.status == 405
    if run.ours:
        assert "POST" in answer.headers["allow"]


@runs()
@pytest.mark.parametrize(
    "spelled",
    [str.upper, str.title, lambda name: name.title().swapcase(), lambda name: name.replace("svix", "webhook")],
)
def test_header_names_may_be_spelled_in_any_case_and_without_the_brand(server, run, spelled):
    delivery = Delivery()
    delivery.headers = {spelled(name): values for name, values in delivery.headers.items()}
    assert send(server, request(run.route, delivery)).status == 200


@runs()
def test_a_delivery_may_dribble_in(server, run):
    delivery = Delivery()
    start = head(run.route, delivery.headers | length(len(delivery.body)))
    pieces = [start[:40], start[40:], delivery.body[:1], delivery.body[1:50], delivery.body[50:]]
    assert send(server, *pieces, pause=0.02).status == 200
    assert server.writes(delivery.user_id)


@runs()
def test_a_delivery_may_come_in_chunks_where_the_server_takes_them(server, run):
    delivery = Delivery()
    chunks = chunk(delivery.body[:1]) + chunk(delivery.body[1:50]) + chunk(delivery.body[50:]) + chunk(b"")
    pieces = [head(run.route, delivery.headers | CHUNKED), chunks[:8], chunks[8:30], chunks[30:]]
    assert send(server, *pieces, pause=0.02).status == run.chunked


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


@runs(lambda run: not run.server.one_at_a_time)
def test_clients_that_stall_hold_up_nobody(server, run):
    with ExitStack() as stalled:
        for number in range(20):
            delivery = Delivery()
            connection = stalled.enter_context(connect(server))
            connection.sendall(request(run.route, delivery)[: -len(delivery.body) // 2])
            if number % 2:
                connection.shutdown(socket.SHUT_WR)
            time.sleep(0.003)  # the queue of servers that are made for demonstration holds five
        for _ in range(3):
            assert send(server, request(run.route, Delivery())).status == 200
    assert send(server, request(run.route, Delivery())).status == 200


def refuses(answered):
    """Tell whether there is one answer at most, and that of a refusal."""
    return answered == [] or (len(answered) == 1 and 400 <= answered[0] < 500)


@runs()
@pytest.mark.parametrize("case", BROKEN)
def test_a_request_that_breaks_the_rules_of_http_comes_to_an_end(server, run, case):
    headers, rest = BROKEN[case]
    assert refuses(statuses(server, head(run.route, Delivery().headers | headers) + rest, half_close=True))
    assert send(server, request(run.route, Delivery())).status == 200


@runs()
@pytest.mark.parametrize("case", ODD)
def test_a_request_of_odd_form_passes_under_some_servers_and_is_refused_under_the_others(server, run, case):
    delivery = Delivery()
    change, passes = ODD[case]
    change(delivery)
    answered = statuses(server, request(run.route, delivery))
    if passes(run.server):
        assert answered == [200]
    else:
        assert refuses(answered)
        assert delivery.user_id not in server.output()


@runs(lambda run: not run.ours)  # the log of Django has a traceback for it
def test_some_frameworks_refuse_an_odd_host_before_they_call_the_handler(server, run):
    delivery = Delivery()
    delivery.headers["host"] = [b"\xff"]
    refused = run.app.startswith(("django", "litestar", "tornado"))
    assert send(server, request(run.route, delivery)).status == (400 if refused else 200)


@runs()
@pytest.mark.parametrize("lines_before", [[], [b"v1,AAAA"]])
def test_a_signature_behind_the_body_does_not_count(server, run, lines_before):
    delivery = Delivery()
    (genuine,) = delivery.headers["svix-signature"]
    delivery.headers["svix-signature"] = lines_before
    body = chunk(delivery.body) + b"0\r\nsvix-signature: " + genuine + b"\r\n\r\n"
    answered = statuses(server, head(run.route, delivery.headers | CHUNKED) + body)
    if run.server.trailers and not lines_before:
        assert answered == [200]
    else:
        assert refuses(answered)


@runs()
def test_no_websocket_is_opened(server, run):
    upgrade = {
        "connection": [b"upgrade"],
        "upgrade": [b"websocket"],
        "sec-websocket-version": [b"13"],
        "sec-websocket-key": [b"AQIDBAUGBwgJCgsMDQ4PEA=="],
    }
    answer = send(server, head(run.route, Delivery().headers | upgrade, method="GET"))
    assert answer.status in {403, 405}


@runs()
def test_a_client_may_ask_before_it_sends_the_body(server, run):
    delivery = Delivery()
    delivery.headers |= length(len(delivery.body)) | {"expect": [b"100-continue"]}
    with connect(server) as connection:
        connection.sendall(head(run.route, delivery.headers))
        select([connection], [], [], 0.2)  # "100 Continue", unless the server speaks HTTP/1.0
        connection.sendall(delivery.body)
        assert read_answer(connection).status == 200


# The method and the body of a request that is refused. `hidden` is the bytes of another request.
FIRST = {
    "forged": ("POST", lambda forged, hidden: forged.body),
    "forged, and its body a request": ("POST", lambda forged, hidden: hidden),
    "no POST, and its body a request": ("GET", lambda forged, hidden: hidden),
    "too large, and a request at its end": ("POST", lambda forged, hidden: hidden.rjust(2 * MEGABYTE)),
}


@runs()
@pytest.mark.parametrize("case", FIRST)
def test_requests_in_one_piece_get_an_answer_each(server, run, case):
    forged, hidden, genuine = Delivery(), Delivery(), Delivery()
    forged.sign(secret=OTHER_SECRET)
    method, body_of = FIRST[case]
    body = body_of(forged, request(run.route, hidden))
    first = head(run.route, forged.headers | length(len(body)) | {"connection": []}, method=method) + body
    # Werkzeug answers before the end of what is too large, and reads on until the client ends.
    answered = statuses(server, first + request(run.route, genuine), half_close="too large" in case)
    assert refuses(answered[:1])
    assert answered[1:] in ([], [200])  # some servers close the connection after the first
    for delivery in (forged, hidden):
        assert delivery.user_id not in server.output()


@runs()
@pytest.mark.parametrize(("end", "answered"), [(-20, False), (None, False), (None, True)])
def test_a_retry_after_a_reset_is_handled(server, run, end, answered):
    delivery = Delivery()
    with connect(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
        connection.sendall(request(run.route, delivery)[:end])
        if answered:
            connection.recv(1)
    assert send(server, request(run.route, delivery)).status == 200


@runs()
def test_forty_replays_at_once_are_handled_forty_times_without_a_store(server, run):
    delivery = Delivery()
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda data: send(server, data), [request(run.route, delivery)] * 40))
    assert {answer.status for answer in answers} == {200}
    assert soon(lambda: server.output().count(delivery.user_id) == 40)


over_http_2 = runs(lambda run: run.server.http_2)


@over_http_2
def test_a_genuine_delivery_reaches_the_handler_over_http_2(server, run):
    delivery = Delivery()
    assert send_http_2(server, run.route, delivery) == 200
    assert server.writes(delivery.user_id)


@over_http_2
@pytest.mark.parametrize("case", REFUSED)
def test_a_stranger_is_refused_over_http_2(server, run, case):
    delivery = Delivery()
    REFUSED[case](delivery)
    assert send_http_2(server, run.route, delivery) == (None if "line break" in case else 400)
    assert delivery.user_id not in server.output()


@over_http_2
def test_an_announced_length_beyond_the_limit_is_refused_at_once_over_http_2(server, run):
    delivery = Delivery()
    delivery.headers |= length(2 * MEGABYTE)
    assert send_http_2(server, run.route, delivery, ends=False) == run.too_large
