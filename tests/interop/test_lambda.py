"""The Lambda example, called with the events of all that invoke a function over HTTP."""

import base64
import importlib
import sys

import pytest
from deliveries import OTHER_SECRET, SECRET
from harness import EXAMPLES, Delivery


@pytest.fixture(scope="module")
def handler():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        patch.syspath_prepend(EXAMPLES)
        yield importlib.import_module("lambda_function").lambda_handler
        sys.modules.pop("lambda_function")


def rest_api(headers, method):
    """API Gateway REST API, and HTTP API with payload format 1.0."""
    return {
        "version": "1.0",
        "resource": "/api/webhooks",
        "path": "/api/webhooks",
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "requestContext": {"httpMethod": method, "identity": {"sourceIp": "203.0.113.7"}, "stage": "prod"},
    }


def http_api(headers, method):
    """API Gateway HTTP API with payload format 2.0, and function URLs."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/api/webhooks",
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": "/api/webhooks", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "stage": "$default",
        },
    }


def load_balancer(headers, method):
    """Application Load Balancer, as its target group is by default."""
    return {
        "requestContext": {
            "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/1"}
        },
        "httpMethod": method,
        "path": "/api/webhooks",
        "queryStringParameters": {},
        "headers": headers,
    }


def load_balancer_with_multi_value_headers(headers, method):
    event = load_balancer(headers, method)
    event["multiValueHeaders"] = {name: [value] for name, value in event.pop("headers").items()}
    return event


SOURCES = [rest_api, http_api, load_balancer, load_balancer_with_multi_value_headers]


def plain(body):
    return {"body": body.decode(), "isBase64Encoded": False}


def as_base64(body):
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def no_body(_):
    return {"body": None, "isBase64Encoded": False}


def genuine(delivery):
    """Leave it as it is."""


def forged(delivery):
    delivery.sign(secret=OTHER_SECRET)


def stale(delivery):
    delivery.sign(age=600)


def without_a_signature(delivery):
    del delivery.headers["svix-signature"]


def with_a_signature_beyond_ascii(delivery):
    delivery.headers["svix-signature"] = [b"v1,\xe9"]


def not_utf8(delivery):
    delivery.body = b'{"type":"\xff"}'
    delivery.sign()


def too_large(delivery):
    delivery.body = b" " * (2 << 20)
    delivery.sign()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("change", "method", "encode", "status"),
    [
        (genuine, "POST", plain, 200),
        (genuine, "POST", as_base64, 200),
        (forged, "POST", plain, 400),
        (forged, "POST", as_base64, 400),
        (stale, "POST", as_base64, 400),
        (without_a_signature, "POST", plain, 400),
        (with_a_signature_beyond_ascii, "POST", plain, 400),
        (not_utf8, "POST", as_base64, 400),
        (genuine, "POST", no_body, 400),
        (genuine, "GET", no_body, 405),
        (too_large, "POST", plain, 413),
        (too_large, "POST", as_base64, 413),
    ],
)
def test_the_function_answers(handler, capsys, source, change, method, encode, status):
    delivery = Delivery()
    change(delivery)
    headers = {name: value.decode("latin-1") for name, (value,) in delivery.headers.items()}
    event = source(headers, method) | encode(delivery.body)
    answer = handler(event, None)
    assert answer["statusCode"] == status
    assert capsys.readouterr().out == (f"new user {delivery.user_id}\n" if status == 200 else "")
    if status == 405:
        # A load balancer that sends lists of values looks at nothing else.
        key, allow = ("multiValueHeaders", ["POST"]) if "multiValueHeaders" in event else ("headers", "POST")
        assert answer[key]["allow"] == allow


@pytest.mark.parametrize("source", [rest_api, load_balancer_with_multi_value_headers])
@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_a_second_signature_line_is_refused_where_the_event_shows_it(handler, source, genuine_line):
    delivery = Delivery()
    event = source({name: values[0].decode() for name, values in delivery.headers.items()}, "POST")
    lines = event["multiValueHeaders"]["svix-signature"]
    lines.insert(1 if genuine_line == "first" else 0, "v1,AAAA")
    assert handler(event | plain(delivery.body), None)["statusCode"] == 400
