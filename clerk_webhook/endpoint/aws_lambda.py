"""An endpoint as a handler for AWS Lambda: transport only.

It takes the events of API Gateway (REST and HTTP APIs), of an Application Load Balancer, with multi-value headers or
without, and of a function URL:
https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
https://docs.aws.amazon.com/lambda/latest/dg/services-alb.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .answers import Receiver, Response

__all__ = ["LambdaHandler"]


class LambdaHandler:
    """An endpoint as a Lambda handler, made by `Endpoint.aws_lambda`.

    Example:
        ```python
        lambda_handler = endpoint.aws_lambda()
        ```
    """

    def __init__(self, endpoint: Receiver) -> None:
        """Keep the endpoint.

        Args:
            endpoint: The endpoint that answers.
        """
        self._endpoint = endpoint

    def __call__(self, event: Mapping[str, Any], context: object = None) -> dict[str, Any]:  # noqa: ARG002  # Lambda's
        """Answer one invocation.

        Args:
            event: The event of the invocation.
            context: Not used.

        Returns:
            The answer in Lambda's format.

        Raises:
            TypeError: The event is not an HTTP request.
        """
        response = self._respond(event)
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

    def _respond(self, event: Mapping[str, Any]) -> Response:
        endpoint = self._endpoint
        method: object = None
        with suppress(AttributeError, KeyError, TypeError):
            # REST APIs and load balancers have "httpMethod", HTTP APIs and function URLs have the other.
            method = event.get("httpMethod") or event["requestContext"]["http"]["method"]
        if not isinstance(method, str):
            # An answer would tell a queue, for example, that its message was handled.
            raise TypeError("The event is not an HTTP request of API Gateway, a load balancer or a function URL.")
        refused = endpoint.precheck(method, None)
        if refused is not None:
            return refused
        body = event.get("body") or ""
        if event.get("isBase64Encoded"):
            try:
                body = b64decode(body, validate=True)
            except ValueError:
                return endpoint.refuse("refused")
        # REST APIs send both. Only the first shows a header that was sent twice.
        headers: Mapping[str, Any] = event.get("multiValueHeaders") or event.get("headers") or {}
        return endpoint.handle(headers, body)
