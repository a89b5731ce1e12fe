"""Receive webhooks: `Endpoint` verifies a request, runs its handlers, and returns the answer."""

from __future__ import annotations

from .answers import Outcome, Response
from .asgi import ASGIApp
from .attempt import AbortDelivery
from .aws_lambda import LambdaHandler
from .endpoint import Endpoint
from .handlers import Handlers
from .log import Attempt, Observer
from .wsgi import WSGIApp

__all__ = [
    "ASGIApp",
    "AbortDelivery",
    "Attempt",
    "Endpoint",
    "Handlers",
    "LambdaHandler",
    "Observer",
    "Outcome",
    "Response",
    "WSGIApp",
]
