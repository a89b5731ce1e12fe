"""An endpoint as a handler for AWS Lambda.

It takes the events of API Gateway (REST and HTTP APIs), of an Application Load Balancer, with multi-value headers or
without, and of a function URL:
https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
https://docs.aws.amazon.com/lambda/latest/dg/services-alb.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from ._parse import to_bytes
from ._reception import checked
from .endpoint import Endpoint

__all__ = ["handler"]


def handler(endpoint: Endpoint[Any]) -> Callable[[Mapping[str, Any], object], dict[str, Any]]:
    """Return a Lambda handler that answers with an endpoint.

    The handler raises a `TypeError` for an event that is not an HTTP request: an answer would tell a queue, for
    example, that its message was handled.

    Args:
        endpoint: The endpoint.

    Raises:
        TypeError: This is no endpoint, or a handler is async. One that is added later is refused at the first event.

    Example:
        ```python
        lambda_handler = handler(endpoint)
        ```
    """
    respond = checked(endpoint).door()

    def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001  # Lambda's
        method, path = _target(event)
        # REST APIs send both. Only the first shows a header that was sent twice.
        headers: Mapping[str, Any] = event.get("multiValueHeaders") or event.get("headers") or {}
        response = respond(method, path, headers, partial(_read, event))
        status = HTTPStatus(response.status)
        answer: dict[str, Any] = {
            "statusCode": status.value,
            "statusDescription": f"{status.value} {status.phrase}",  # for load balancers
            "body": response.body.decode(),
            "isBase64Encoded": False,
        }
        if event.get("multiValueHeaders"):
            # A load balancer that sends multi-value headers ignores "headers".
            answer["multiValueHeaders"] = {name: [value] for name, value in response.headers.items()}
        else:
            answer["headers"] = response.headers
        return answer

    return lambda_handler


def _target(event: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the method and the path of an HTTP request."""
    method: object = None
    with suppress(AttributeError, KeyError, TypeError):
        # REST APIs and load balancers have "httpMethod", HTTP APIs and function URLs have the other. The event of an
        # authorizer has a method too, and its answer must be a policy.
        if "methodArn" not in event and "routeArn" not in event:
            method = event.get("httpMethod") or event["requestContext"]["http"]["method"]
    if not isinstance(method, str):
        raise TypeError(
            "The event is not an HTTP request of API Gateway, a load balancer or a function URL: connect the function "
            "to one of those, and not as an authorizer or to a queue."
        )
    return method, event.get("path") or event.get("rawPath")


def _read(event: Mapping[str, Any], _: int) -> bytes:
    body = event.get("body") or ""
    return b64decode(body, validate=True) if event.get("isBase64Encoded") else to_bytes(body) or b""
