"""Receive webhooks: `Endpoint` verifies a request, runs its handlers, and returns the answer."""

from __future__ import annotations

from .asgi import ASGIApp
from .aws_lambda import LambdaHandler
from .endpoint import AbortDelivery, Attempt, Endpoint, Observer, Outcome, Response
from .handlers import Handlers
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
