"""The Lambda example, called with the events of all that invoke a function over HTTP."""

import base64
import importlib
import sys

import pytest
from attacks import REFUSED
from deliveries import SECRET
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


SOURCES_OF_LISTS = [rest_api, load_balancer_with_multi_value_headers]
SOURCES = [http_api, load_balancer, *SOURCES_OF_LISTS]


def plain(body):
    return {"body": body.decode(), "isBase64Encoded": False}


def as_base64(body):
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def no_body(_):
    return {"body": None, "isBase64Encoded": False}


def call(handler, source, method, delivery, encode):
    headers = {name: values[0].decode("latin-1") for name, values in delivery.headers.items() if values}
    return handler(source(headers, method) | encode(delivery.body), None)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("encode", [plain, as_base64])
def test_a_genuine_delivery_reaches_the_handler(handler, capsys, source, encode):
    delivery = Delivery()
    assert call(handler, source, "POST", delivery, encode)["statusCode"] == 200
    assert capsys.readouterr().out == f"new user {delivery.user_id}\n"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("case", REFUSED)
def test_a_stranger_is_refused(handler, capsys, source, case):
    delivery = Delivery()
    REFUSED[case](delivery)
    assert call(handler, source, "POST", delivery, as_base64)["statusCode"] == 400
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("method", "encode", "size", "status"),
    [
        ("POST", no_body, 0, 400),
        ("GET", no_body, 0, 405),
        ("POST", plain, 2 << 20, 413),
        ("POST", as_base64, 2 << 20, 413),
    ],
)
def test_a_request_is_refused_for_its_method_or_its_body(handler, source, method, encode, size, status):
    delivery = Delivery()
    delivery.body = delivery.body.ljust(size)
    delivery.sign()
    answer = call(handler, source, method, delivery, encode)
    assert answer["statusCode"] == status
    if status == 405:
        # A load balancer that sends lists of values looks at nothing else.
        lists = source in SOURCES_OF_LISTS
        key, allow = ("multiValueHeaders", ["POST"]) if lists else ("headers", "POST")
        assert answer[key]["allow"] == allow


@pytest.mark.parametrize("source", SOURCES_OF_LISTS)
@pytest.mark.parametrize("genuine_line", ["first", "last"])
def test_a_second_signature_line_is_refused_where_the_event_shows_it(handler, source, genuine_line):
    delivery = Delivery()
    event = source({name: values[0].decode() for name, values in delivery.headers.items()}, "POST")
    lines = event["multiValueHeaders"]["svix-signature"]
    lines.insert(1 if genuine_line == "first" else 0, "v1,AAAA")
    assert handler(event | plain(delivery.body), None)["statusCode"] == 400
