"""Sample events and signed requests, for the tests of your webhook route.

A test sends a `sample_delivery`: a sample event that is signed now, with the secret of your test::

    request = sample_delivery(events.UserCreated, SECRET, first_name="Grace")

- FastAPI, Starlette: `client.post("/api/webhooks", headers=request.headers, content=request.body)`
- Flask: `client.post("/api/webhooks", headers=request.headers, data=request.body)`
- Django: `client.post("/api/webhooks", request.body, "application/json", headers=request.headers)`

A handler needs no request: pass it a `sample_event`, or a `sample` if it takes the data alone. Every event type has a
sample. All samples tell one story about a user, Ada, and her organization, so they share ids. Many samples have
awkward forms of real deliveries, such as null names.
"""

from __future__ import annotations

from ..stores._contract import check_store
from ._deliver import Delivery, deliver, deliver_async
from ._requests import SignedRequest, sample, sample_delivery, sample_event, signed_request

__all__ = [
    "Delivery",
    "SignedRequest",
    "check_store",
    "deliver",
    "deliver_async",
    "sample",
    "sample_delivery",
    "sample_event",
    "signed_request",
]
