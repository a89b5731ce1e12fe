"""The edges of each door that needs no framework. `test_answers.py` shows that each keeps to the status policy."""

import asyncio
import base64
import io
import json
import socket
import threading
import time
import tracemalloc
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from deliveries import BODY, OTHER_SECRET, SECRET, signed
from dispatching import async_handler
from endpoints import taking
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import binary
from transports import asgi_call, asgi_scope, wsgi_call, wsgi_environ

from clerk_webhook import Webhook, WebhookEvent, asgi, aws_lambda, wsgi
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.handlers import Handlers
from clerk_webhook.mirror import Mirror

LIMIT = 1000


@pytest.fixture
def seen():
    return []


@pytest.fixture
def endpoint(seen):
    endpoint = Endpoint(SECRET, max_body=LIMIT)
    endpoint.on(taking(WebhookEvent, seen.append))
    return endpoint


def genuine():
    return signed(timestamp=int(time.time()))


# ASGI


def by_asgi(endpoint, scope, parts):
    return asyncio.run(asgi_call(asgi.application(endpoint), scope, parts))


@pytest.mark.parametrize("parts", [[BODY], [BODY[:10], BODY[10:]], [b"", BODY, b""], [bytes([byte]) for byte in BODY]])
def test_asgi_puts_a_body_together_that_comes_in_parts(endpoint, parts):
    assert by_asgi(endpoint, asgi_scope(genuine()), parts).status == 200


def test_asgi_accepts_messages_without_their_optional_keys(endpoint):
    messages = [{"type": "http.request", "more_body": True}, {"type": "http.request", "body": BODY}]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(event):
        sent.append(event)

    asyncio.run(asgi.application(endpoint)(asgi_scope(genuine()), receive, send))
    assert sent[0]["status"] == 200


@pytest.mark.parametrize(
    "more", [{"root_path": "/api/webhooks", "path": "/api/webhooks/"}, {"path": "/"}, {"extensions": {}}]
)
def test_asgi_answers_at_every_path(endpoint, more):
    assert by_asgi(endpoint, asgi_scope(genuine(), **more), [BODY]).status == 200


@pytest.mark.parametrize("parts", [[None], [BODY[:10], None]])
def test_asgi_refuses_a_body_that_breaks_off(parts):
    # granian reports a malformed body so, and would answer 500 itself.
    observed = []
    endpoint = Endpoint(SECRET, observer=observed.append)
    assert by_asgi(endpoint, asgi_scope(genuine()), parts).status == 400
    assert [attempt[:3] for attempt in observed] == [("refused", 400, "incomplete_body")]


def test_asgi_tolerates_a_client_that_goes_before_its_answer(endpoint, seen):
    async def receive():
        return {"type": "http.request", "body": BODY}

    async def send(event):
        raise BrokenPipeError

    asyncio.run(asgi.application(endpoint)(asgi_scope(genuine()), receive, send))
    assert len(seen) == 1


@pytest.mark.parametrize("name", [b"content-length", b"Content-Length"])
def test_asgi_does_not_read_a_body_whose_length_is_too_large(endpoint, name):
    async def receive():
        raise AssertionError("nothing was to be read")

    sent = []

    async def send(event):
        sent.append(event)

    scope = asgi_scope() | {"headers": [(b"Host", b"x"), (name, str(LIMIT + 1).encode())]}
    asyncio.run(asgi.application(endpoint)(scope, receive, send))
    assert sent[0]["status"] == 413


@pytest.mark.parametrize("size", [100, LIMIT + 1])
@pytest.mark.parametrize("length", [None, "5"])
def test_asgi_stops_reading_at_the_limit_with_and_without_a_length(endpoint, length, size):
    read = []

    async def receive():
        read.append(b"x" * size)
        return {"type": "http.request", "body": read[-1], "more_body": True}

    sent = []

    async def send(event):
        sent.append(event)

    scope = asgi_scope({"content-length": length} if length else {})
    asyncio.run(asgi.application(endpoint)(scope, receive, send))
    assert sent[0]["status"] == 413
    assert sum(map(len, read)) == (LIMIT + 100 if size == 100 else LIMIT + 1)


@pytest.mark.parametrize("part", [b"x", b""])
def test_asgi_needs_no_more_memory_for_a_body_in_very_many_parts(part):
    limit = 100_000
    parts = iter(range(limit))

    async def receive():
        return {"type": "http.request", "body": part, "more_body": next(parts, None) is not None}

    async def send(event):
        pass

    app = asgi.application(Endpoint(SECRET, max_body=limit))
    tracemalloc.start()
    try:
        asyncio.run(app(asgi_scope(genuine()), receive, send))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * limit


@pytest.mark.parametrize("length", ["-1", "many", "\xb2", "1_0", " 5", "9" * 5000])
def test_asgi_refuses_a_length_that_is_not_a_number(endpoint, seen, length):
    assert by_asgi(endpoint, asgi_scope(genuine() | {"content-length": length}), [BODY]).status == 400
    assert seen == []


def test_asgi_confirms_start_up_and_shutdown(endpoint):
    to_come = ["lifespan.startup", "lifespan.shutdown"]
    sent = []

    async def receive():
        return {"type": to_come.pop(0)}

    async def send(event):
        sent.append(event["type"])

    asyncio.run(asgi.application(endpoint)({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_asgi_closes_a_websocket_and_refuses_other_protocols(endpoint):
    sent = []

    async def send(event):
        sent.append(event)

    asyncio.run(asgi.application(endpoint)({"type": "websocket"}, None, send))
    assert sent == [{"type": "websocket.close"}]
    with pytest.raises(RuntimeError, match="'carrier pigeon'"):
        asyncio.run(asgi.application(endpoint)({"type": "carrier pigeon"}, None, send))


@pytest.mark.parametrize("name", ["svix-signature", "svix-id"])
@pytest.mark.parametrize("genuine_first", [True, False])
def test_asgi_refuses_a_header_with_two_values(endpoint, seen, name, genuine_first):
    headers = genuine()
    other = (name.encode(), signed(secret=OTHER_SECRET, message_id="msg_2")[name].encode())
    scope = asgi_scope(headers)
    scope["headers"].insert(len(scope["headers"]) if genuine_first else 0, other)
    assert by_asgi(endpoint, scope, [BODY]).status == 400
    assert seen == []


# WSGI


class Input(io.BytesIO):
    """A stream that, as a socket, waits for the client if it is read past its end."""

    def __init__(self, body, *, terminated=False):
        super().__init__(body)
        self.terminated = terminated
        self.were_read = 0

    def read(self, size=-1):
        chunk = super().read(size)
        assert self.terminated or len(chunk) == size, "this would wait for ever"
        self.were_read += len(chunk)
        return chunk


@pytest.mark.parametrize(
    ("length", "body", "status"),
    [
        (str(len(BODY)), BODY, 200),
        (str(len(BODY)), BODY + b"the next request", 200),
        # Without a length the body is empty.
        (None, BODY, 400),
        ("", BODY, 400),
        ("0", BODY, 400),
        ("-1", BODY, 400),
        ("many", BODY, 400),
        ("\xb2", BODY, 400),
        ("9" * 5000, BODY, 400),
        (str(len(BODY) - 1), BODY, 400),
        (str(LIMIT + 1), b"", 413),
        ("9" * 19, b"", 413),
        ("9" * 20, b"", 400),
    ],
)
def test_wsgi_reads_no_more_than_the_length(endpoint, length, body, status):
    environ = wsgi_environ(genuine(), CONTENT_LENGTH=length, **{"wsgi.input": Input(body)})
    assert wsgi_status(endpoint, environ) == status
    assert environ["wsgi.input"].were_read == (int(length) if str(length) in ("108", "107") else 0)


@pytest.mark.parametrize("terminated", [False, True])
def test_wsgi_reads_a_large_body_in_parts_of_64_kib(seen, terminated):
    body = BODY + b" " * (65_537 - len(BODY))
    sizes = []

    class Sized(Input):
        def read(self, size=-1):
            sizes.append(size)
            return super().read(size)

    endpoint = Endpoint(SECRET, max_body=65_537)
    endpoint.on(taking(WebhookEvent, seen.append))
    headers = signed(body, timestamp=int(time.time()))
    stream = Sized(body + b"the next request" * (not terminated), terminated=terminated)
    environ = wsgi_environ(headers, body=body, **{"wsgi.input": stream, "wsgi.input_terminated": terminated})
    assert wsgi_status(endpoint, environ) == 200
    assert len(seen) == 1
    assert sizes == ([65_536, 2, 1] if terminated else [65_536, 1])


def wsgi_status(endpoint, environ):
    started = []
    wsgi.application(endpoint)(environ, lambda status, headers: started.append(status))
    return int(started[0].split()[0])


def test_wsgi_refuses_a_body_that_ends_before_its_length(endpoint):
    stream = Input(BODY[:10], terminated=True)
    assert wsgi_status(endpoint, wsgi_environ(genuine(), body=BODY, **{"wsgi.input": stream})) == 400


@pytest.mark.parametrize("length", [None, "", str(len(BODY)), "5"])
def test_wsgi_reads_a_chunked_body_to_its_end_if_the_server_ends_the_stream(endpoint, length):
    environ = wsgi_environ(
        genuine(),
        CONTENT_LENGTH=length,
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input": Input(BODY, terminated=True), "wsgi.input_terminated": True},
    )
    assert wsgi_status(endpoint, environ) == 200


def test_wsgi_stops_reading_a_chunked_body_at_the_limit(endpoint):
    stream = Input(b"x" * 100 * LIMIT, terminated=True)
    environ = wsgi_environ(genuine(), CONTENT_LENGTH=None, **{"wsgi.input": stream, "wsgi.input_terminated": True})
    assert wsgi_status(endpoint, environ) == 413
    assert stream.were_read == LIMIT + 1


@pytest.mark.parametrize("error", [OSError, ValueError])  # gunicorn and cheroot raise these for a malformed chunk
def test_wsgi_refuses_a_body_that_the_server_cannot_read(endpoint, error):
    class Broken(io.BytesIO):
        def read(self, *_):
            raise error("invalid chunk size")

    assert wsgi_status(endpoint, wsgi_environ(genuine(), body=BODY, **{"wsgi.input": Broken()})) == 400


@pytest.mark.parametrize("mounted", ["/api", None])
@pytest.mark.parametrize("rest", ["/webhooks", None])
def test_wsgi_logs_the_path_whose_parts_may_be_absent_if_they_are_empty(mounted, rest):
    observed = []
    wsgi_status(Endpoint(SECRET, observer=observed.append), wsgi_environ(SCRIPT_NAME=mounted, PATH_INFO=rest))
    assert observed[0].path == (mounted or "") + (rest or "")


def test_wsgi_keeps_to_the_specification(endpoint):
    assert wsgi_call(wsgi.application(endpoint), wsgi_environ(genuine(), body=BODY)).status == 200
    assert wsgi_call(wsgi.application(endpoint), wsgi_environ(method="GET")).status == 405
    head = wsgi_call(wsgi.application(endpoint), wsgi_environ(method="HEAD"))
    assert (head.status, head.body) == (405, b"")


# AWS Lambda


def by_lambda(endpoint):
    lambda_handler = aws_lambda.handler(endpoint)
    return lambda event: lambda_handler(event, object())


def rest_api(headers, body, *, method="POST"):
    """API Gateway, REST API (payload format 1.0): headers both ways."""
    return {
        "resource": "/api/webhooks",
        "httpMethod": method,
        "headers": {name.title(): value for name, value in headers.items()},
        "multiValueHeaders": {name.title(): [value] for name, value in headers.items()},
        "requestContext": {"httpMethod": method, "stage": "prod"},
        "body": body,
        "isBase64Encoded": False,
    }


def http_api(headers, body, *, method="POST"):
    """API Gateway, HTTP API (payload format 2.0), and function URLs."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "headers": headers,
        "requestContext": {"http": {"method": method, "path": "/api/webhooks"}},
        "body": body,
        "isBase64Encoded": False,
    }


def load_balancer(headers, body, *, method="POST"):
    """An Application Load Balancer."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/x/1"}},
        "httpMethod": method,
        "path": "/api/webhooks",
        "headers": headers,
        "body": body,
        "isBase64Encoded": False,
    }


def load_balancer_multi(headers, body, *, method="POST"):
    """An Application Load Balancer with multi-value headers switched on."""
    event = load_balancer(headers, body, method=method)
    del event["headers"]
    return event | {"multiValueHeaders": {name: [value] for name, value in headers.items()}}


@pytest.fixture(params=[rest_api, http_api, load_balancer, load_balancer_multi])
def lambda_event(request):
    return request.param


def as_base64(event):
    return event | {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}


@pytest.mark.parametrize("encode", [lambda event: event, as_base64], ids=["text", "base64"])
def test_lambda_answers_the_events_of_each_service(endpoint, seen, lambda_event, encode):
    lambda_handler = by_lambda(endpoint)
    answer = json.loads(json.dumps(lambda_handler(encode(lambda_event(genuine(), BODY.decode())))))
    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (200, "", False)
    assert answer["statusDescription"] == "200 OK"
    assert seen.pop().message_id
    assert lambda_handler(encode(lambda_event(signed(secret=OTHER_SECRET), BODY.decode())))["statusCode"] == 400
    assert lambda_handler(encode(lambda_event(genuine(), "x" * (LIMIT + 1))))["statusCode"] == 413
    refused = lambda_handler(encode(lambda_event({}, "", method="GET")))
    allowed = refused["headers"]["allow"] if "headers" in refused else refused["multiValueHeaders"]["allow"]
    assert (refused["statusCode"], allowed) == (405, "POST" if "headers" in refused else ["POST"])


def test_lambda_answers_multi_value_headers_with_multi_value_headers(endpoint):
    lambda_handler = by_lambda(endpoint)
    answer = lambda_handler(load_balancer_multi(genuine(), BODY.decode()))
    assert "headers" not in answer
    assert answer["multiValueHeaders"]["content-length"] == ["0"]
    assert "multiValueHeaders" not in lambda_handler(load_balancer(genuine(), BODY.decode()))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"body": None}, 400),
        ({"body": ""}, 400),
        ({"headers": None}, 400),
        ({"body": "?", "isBase64Encoded": True}, 400),
        ({"body": "QQ", "isBase64Encoded": True}, 400),
        ({"body": "\xe9", "isBase64Encoded": True}, 400),
        ({"body": "?" + base64.b64encode(BODY).decode(), "isBase64Encoded": True}, 400),
        ({"body": "\ud800"}, 400),
    ],
)
def test_lambda_refuses_a_malformed_request(endpoint, change, status):
    assert by_lambda(endpoint)(http_api(genuine(), BODY.decode()) | change)["statusCode"] == status


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": [{"body": "{}"}]},
        {"requestContext": {}},
        {"requestContext": None},
        {"requestContext": {"http": None}},
        {"requestContext": {"http": []}},
        {"requestContext": {"http": {"method": None}}},
        {"httpMethod": 5},
        # The events of an authorizer have a method too, and its answer must be a policy.
        {"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:1:x/prod/POST/api", "httpMethod": "POST"},
        {"version": "2.0", "type": "REQUEST", "routeArn": "arn:", "requestContext": {"http": {"method": "POST"}}},
        [],
        ["POST"],
        "POST",
        None,
    ],
)
def test_lambda_refuses_an_event_that_is_not_an_http_request(endpoint, event):
    with pytest.raises(
        TypeError, match=r"^The event is not an HTTP request of API Gateway.* authorizer or to a queue\.$"
    ):
        by_lambda(endpoint)(event)


@pytest.mark.parametrize(("length", "status"), [("108", 200), ("5000", 413), ("x", 400), ("", 200)])
@pytest.mark.parametrize("source", [rest_api, load_balancer])
def test_lambda_looks_at_the_announced_length(endpoint, source, length, status):
    event = source(genuine() | {"content-length": length}, BODY.decode())
    assert by_lambda(endpoint)(event)["statusCode"] == status


@pytest.mark.parametrize(("source", "path"), [(rest_api, None), (http_api, "/raw"), (load_balancer, "/api/webhooks")])
def test_lambda_logs_the_path(source, path):
    observed = []
    by_lambda(Endpoint(SECRET, observer=observed.append))(
        source({}, "") | ({"rawPath": "/raw"} if path == "/raw" else {})
    )
    assert observed[0].path == path


def test_lambda_refuses_a_header_with_two_values(endpoint):
    event = rest_api(genuine(), BODY.decode())
    event["multiValueHeaders"]["Svix-Id"].append("msg_2")
    assert by_lambda(endpoint)(event)["statusCode"] == 400


# All doors


HINT = "the client hung up, or something else read the request first, such as a middleware."


def drained_asgi(endpoint, body):
    """Starlette's BaseHTTPMiddleware gives an empty body to the application if it has read `request.stream()`."""
    by_asgi(endpoint, asgi_scope(genuine() | {"content-length": str(len(BODY))}), [body])


def drained_wsgi(endpoint, body):
    """A client hangs up, or a middleware has read `wsgi.input`."""
    wsgi_status(endpoint, wsgi_environ(genuine(), body=BODY, **{"wsgi.input": Input(body, terminated=True)}))


def drained_lambda(endpoint, body):
    by_lambda(endpoint)(http_api(genuine() | {"content-length": str(len(BODY))}, body.decode()))


def drained_by_hand(endpoint, body):
    endpoint.handle([*genuine().items(), ("Content-Length", str(len(BODY)))], body)


@pytest.mark.parametrize("drained", [drained_asgi, drained_wsgi, drained_lambda, drained_by_hand])
@pytest.mark.parametrize("size", [0, 50])
def test_a_body_that_is_not_all_there_is_no_wrong_secret(caplog, drained, size):
    """It was a signature_mismatch, whose text says to check the secret."""
    observed = []
    drained(Endpoint(SECRET, observer=observed.append), BODY[:size])
    assert [attempt[:3] for attempt in observed] == [("refused", 400, "incomplete_body")]
    assert f"The body has {size} bytes of the {len(BODY)} that content-length announces: {HINT}" in caplog.text


@pytest.mark.parametrize("announced", [{}, {"content-length": "0"}])
def test_an_empty_body_is_no_wrong_secret_whether_it_was_announced_or_not(announced):
    observed = []
    endpoint = Endpoint(SECRET, observer=observed.append)
    by_asgi(endpoint, asgi_scope(genuine() | announced), [b""])
    assert observed[0].code == "incomplete_body"


@pytest.mark.parametrize("length", [str(len(BODY)), "5", None])
def test_a_body_that_is_all_there_and_matches_no_signature_is_a_mismatch(length):
    observed = []
    headers = signed(secret=OTHER_SECRET, timestamp=int(time.time())) | ({"content-length": length} if length else {})
    by_asgi(Endpoint(SECRET, observer=observed.append), asgi_scope(headers), [BODY])
    assert observed[0].code == "signature_mismatch"


def test_a_length_that_is_no_number_is_an_incomplete_body_for_handle_too():
    observed = []
    endpoint = Endpoint(SECRET, observer=observed.append)
    for headers in (genuine(), signed(secret=OTHER_SECRET, timestamp=int(time.time()))):
        endpoint.handle(headers | {"content-length": "many"}, BODY)
    assert [(attempt.outcome, attempt.code) for attempt in observed] == [
        ("ignored", None),
        ("refused", "incomplete_body"),
    ]


def test_a_genuine_body_is_genuine_whatever_its_length_was_said_to_be(endpoint, seen):
    """A server that decompresses leaves the length of the compressed body."""
    assert endpoint.handle(genuine() | {"content-length": str(len(BODY) + 1)}, BODY).status == 200


def test_a_client_that_hangs_up_under_wsgiref_is_an_incomplete_body():
    observed = []
    app = wsgi.application(Endpoint(SECRET, observer=observed.append))
    with make_server("127.0.0.1", 0, app, handler_class=Silent) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        headers = "".join(f"{name}: {value}\r\n" for name, value in genuine().items())
        with socket.create_connection(server.server_address) as client:
            client.sendall(f"POST / HTTP/1.1\r\ncontent-length: {len(BODY)}\r\n{headers}\r\n".encode() + BODY[:50])
        serving.join(10)
    assert [attempt.code for attempt in observed] == ["incomplete_body"]


class Silent(WSGIRequestHandler):
    def log_message(self, *_): ...


@pytest.mark.parametrize("door", [asgi.application, wsgi.application, aws_lambda.handler])
@pytest.mark.parametrize("other", [Endpoint, Handlers(), Mirror(), Webhook(SECRET), SECRET, None])
def test_a_door_leads_to_an_endpoint(door, other):
    with pytest.raises(
        TypeError, match=r"^A door takes an Endpoint\(\), not \w+\. Handlers go into one: endpoint\.include"
    ):
        door(other)


@pytest.mark.parametrize("door", [wsgi.application, aws_lambda.handler])
def test_a_door_without_asyncio_refuses_async_handlers_when_it_is_made(door):
    endpoint = Endpoint(SECRET)
    endpoint.on(async_handler)
    with pytest.raises(TypeError, match=r"^async_handler is async, .* mount clerk_webhook\.asgi\.application"):
        door(endpoint)


def test_a_door_without_asyncio_refuses_async_handlers_that_are_registered_later(endpoint, seen):
    app = wsgi.application(endpoint)
    endpoint.on(async_handler)
    with pytest.raises(TypeError, match="async_handler is async"):
        app(wsgi_environ(genuine(), body=BODY), None)
    assert seen == []


def test_a_door_of_ones_own_passes_on_how_to_read(endpoint, seen):
    answer = endpoint.door()
    sizes = []

    def read(enough):
        sizes.append(enough)
        return BODY

    assert answer("POST", "/", genuine(), read).status == 200
    assert sizes == [LIMIT + 1]
    assert answer("POST", None, genuine(), lambda enough: b"x" * enough).status == 413
    assert answer("PUT", None, genuine(), read).status == 405
    assert len(seen) == len(sizes) == 1


NAMES = st.sampled_from(
    ["svix-id", "svix-timestamp", "svix-signature", "Svix-Id", "webhook-id", "content-length", "host"]
)
VALUES = st.sampled_from(["msg_1", str(int(time.time())), "v1,A", "v1,", "1" * 400, "\xe9", "\t", ""]) | st.text(
    st.characters(max_codepoint=255), max_size=20
)
HEADERS = st.lists(st.tuples(NAMES | st.text(st.characters(max_codepoint=255), max_size=20), VALUES), max_size=8)


@settings(deadline=None)
@given(HEADERS, binary(max_size=2 * LIMIT) | st.just(BODY))
def test_every_transport_refuses_every_request_of_a_stranger(headers, body):
    endpoint = Endpoint(SECRET, max_body=LIMIT)
    refusals = {400, 413}
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    assert by_asgi(endpoint, asgi_scope() | {"headers": pairs}, [body]).status in refusals
    environ = wsgi_environ({name: value for name, value in headers if name.lower() != "content-length"}, body=body)
    assert wsgi_status(endpoint, environ) in refusals
    multi = {}
    for name, value in headers:
        multi.setdefault(name, []).append(value)
    for event in (
        http_api(dict(headers), body.decode("latin-1")),
        as_base64(http_api(dict(headers), body.decode("latin-1"))),
        rest_api({}, body.decode("latin-1")) | {"multiValueHeaders": multi},
    ):
        assert by_lambda(endpoint)(event)["statusCode"] in refusals
