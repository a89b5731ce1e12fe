"""An endpoint as a handler for AWS Lambda: transport only.

It takes what API Gateway sends (REST and HTTP APIs), what an Application Load Balancer sends, with multi-value headers
or without, and what a function URL sends:
https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
https://docs.aws.amazon.com/lambda/latest/dg/services-alb.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from base64 import b64decode
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .answers import Receiver, Response

__all__ = ["LambdaHandler"]


class LambdaHandler:
    """Answers an invocation. Made by `Endpoint.aws_lambda`.

    Example:
        ```python
        lambda_handler = endpoint.aws_lambda()
        ```
    """

    def __init__(self, endpoint: Receiver) -> None:
        """Keep the endpoint.

        Args:
            endpoint: What answers.
        """
        self._endpoint = endpoint

    def __call__(self, event: Mapping[str, Any], context: object = None) -> dict[str, Any]:  # noqa: ARG002  # Lambda's
        """Answer one invocation.

        Args:
            event: The request, as Lambda hands it over.
            context: Not used.

        Returns:
            The answer, as Lambda wants it.

        Raises:
            TypeError: The event is no HTTP request.
        """
        response = self._respond(event)
        status = HTTPStatus(response.status)
        answer: dict[str, Any] = {
            "statusCode": status.value,
            "statusDescription": f"{status.value} {status.phrase}",  # a load balancer wants it, the others don't mind
            "body": response.body.decode(),
            "isBase64Encoded": False,
        }
        if event.get("multiValueHeaders"):
            # A load balancer that sends these looks at nothing else.
            answer["multiValueHeaders"] = {name: [value] for name, value in response.headers.items()}
        else:
            answer["headers"] = response.headers
        return answer

    def _respond(self, event: Mapping[str, Any]) -> Response:
        endpoint = self._endpoint
        # "httpMethod" in what REST APIs and load balancers send, the other place in HTTP APIs and function URLs.
        method = event.get("httpMethod") or event.get("requestContext", {}).get("http", {}).get("method")
        if method is None:
            # To answer would be to say that a message of a queue was handled, for example.
            raise TypeError("This event is no HTTP request of API Gateway, a load balancer or a function URL.")
        refused = endpoint.precheck(method, None)
        if refused is not None:
            return refused
        body = event.get("body") or ""
        if event.get("isBase64Encoded"):
            try:
                body = b64decode(body, validate=True)
            except ValueError:
                return endpoint.refuse("refused")
        # REST APIs send both; only this one shows a header that was sent twice.
        headers: Mapping[str, Any] = event.get("multiValueHeaders") or event.get("headers") or {}
        return endpoint.handle(headers, body)
