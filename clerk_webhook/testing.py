"""Sample events and signed requests, for the tests of your webhook route.

A test sends a `sample_delivery`: a sample event that is signed now, with the secret of your test::

    request = sample_delivery(events.UserCreated, SECRET, first_name="Grace")

- FastAPI, Starlette: `client.post("/api/webhooks", headers=request.headers, content=request.body)`
- Flask: `client.post("/api/webhooks", headers=request.headers, data=request.body)`
- Django: `client.post("/api/webhooks", request.body, "application/json", headers=request.headers)`

A handler needs no request: pass it a `sample_event`, or a `sample` if it takes the payload alone. Every event type has
a sample. All samples tell one story about a user, Ada, and her organization, so they share ids. Many samples have
awkward forms of real deliveries, such as null names.
"""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from hashlib import sha256
from math import floor
from random import Random
from typing import Any, NamedTuple, TypeVar, overload

from ._parse import parse_event
from ._samples import BODIES
from .events import EVENT_CLASSES, Event, WebhookEvent, data_type_of
from .stores._contract import check_store
from .webhook import Webhook

__all__ = [
    "Delivery",
    "SignedRequest",
    "check_store",
    "deliver",
    "sample",
    "sample_delivery",
    "sample_event",
    "signed_request",
]

EventT = TypeVar("EventT", bound=Event[Any, Any])
DataT = TypeVar("DataT")


class SignedRequest(NamedTuple):
    """A request as Clerk sends it. `webhook.verify_and_parse(*request)` accepts it.

    Attributes:
        headers: The three signature headers and the content type.
        body: The raw body, exactly as signed.

    Example:
        ```python
        headers, body = sample_delivery(events.UserCreated, "whsec_...")
        ```
    """

    headers: dict[str, str]
    body: bytes


class Delivery(NamedTuple):
    """One message that `deliver` delivered.

    Attributes:
        event: The event as it was passed.
        message_id: The message id, the same in all attempts.
        statuses: The status of each attempt, in order.

    Example:
        ```python
        assert all(delivery.statuses[-1] == 200 for delivery in deliver(events, send, "whsec_..."))
        ```
    """

    event: WebhookEvent
    message_id: str
    statuses: tuple[int, ...]


@overload
def sample(event_class: type[Event[Any, DataT]], /, **overrides: object) -> DataT: ...
@overload
def sample(event_type: str, /, **overrides: object) -> dict[str, Any]: ...
def sample(event_type: str | type[Event[Any, Any]], /, **overrides: object) -> Any:
    """Return a sample payload: the `data` of an event.

    Args:
        event_type: A class in `clerk_webhook.events`, for the exact data type, or an event type: `"user.created"`.
        overrides: Keys of the payload with the values to use instead, as in JSON. Other keys do not adapt to them.

    Returns:
        The payload. Each call makes a new one, with copies of the overrides, so you may change it.

    Raises:
        ValueError: The event type does not exist.
        TypeError: The class has no event type, the data type lacks a key of the overrides, or JSON cannot hold a
            value.

    Example:
        ```python
        save_user(sample(events.UserCreated, first_name="Grace", last_name=None))
        ```
    """
    return _body(_name(event_type), overrides)["data"]


@overload
def sample_event(event_class: type[EventT], /, **overrides: object) -> EventT: ...
@overload
def sample_event(event_type: str, /, **overrides: object) -> WebhookEvent: ...
def sample_event(event_type: str | type[Event[Any, Any]], /, **overrides: object) -> Any:
    """Return a sample event, as `verify_and_parse` returns it.

    Two calls return equal events, with equal message ids. Each event type has a message id of its own.

    Args:
        event_type: A class in `clerk_webhook.events`, for exactly that class, or an event type.
        overrides: Keys of the payload, as for `sample`.

    Returns:
        The event. Each call makes a new one.

    Raises:
        ValueError: The event type does not exist.
        TypeError: The class has no event type, the data type lacks a key of the overrides, or JSON cannot hold a
            value.

    Example:
        ```python
        handle(sample_event(events.UserCreated, first_name=None))
        ```
    """
    name = _name(event_type)
    return parse_event(_body(name, overrides), message_id=_message_id(sha256(name.encode()).digest()))


def signed_request(
    event: Event[Any, Any] | Mapping[str, Any] | bytes | str,
    secret: str | bytes,
    *,
    message_id: str | None = None,
    timestamp: int | datetime | None = None,
) -> SignedRequest:
    """Sign an event or a body as Clerk does.

    Args:
        event: An event, or a whole body: a JSON object with `type` and `data`, or text or bytes. Text and bytes are
            signed as they are, even if they are not JSON.
        secret: The signing secret, as for `Webhook`.
        message_id: The message id. The default is the event's own, or a random one if the event has none.
        timestamp: The time of signing: whole seconds since the epoch, or an aware `datetime`. The default is now.

    Returns:
        The headers and the body.

    Raises:
        SecretError: The secret cannot be a signing secret.
        InvalidHeaderError: The message id or the timestamp breaks a rule of verification.
        TypeError: An argument has the wrong type.

    Example:
        ```python
        stale = signed_request(sample_event(events.UserCreated), "whsec_...", timestamp=1614265330)
        ```
    """
    try:
        webhook = Webhook(secret)
    finally:
        # Test runners show the local variables of every frame in a traceback.
        del secret
    if message_id is None:
        own = event.message_id if isinstance(event, Event) else None
        message_id = own or _message_id(secrets.token_bytes(_ID_LENGTH))
    if timestamp is None:
        timestamp = int(time.time())
    body = _raw(event)
    signature = webhook.sign(message_id, timestamp, body)
    seconds = timestamp if isinstance(timestamp, int) else floor(timestamp.timestamp())
    headers = {
        "content-type": "application/json",
        "svix-id": message_id,
        "svix-timestamp": str(seconds),
        "svix-signature": signature,
    }
    return SignedRequest(headers, body)


def sample_delivery(
    event_type: str | type[Event[Any, Any]], /, secret: str | bytes, **overrides: object
) -> SignedRequest:
    """Return a request with a sample event, signed now.

    Each call makes a new message with a message id of its own. Send one request twice if you need a duplicate.

    Args:
        event_type: A class in `clerk_webhook.events`, or an event type.
        secret: The signing secret, as for `Webhook`.
        overrides: Keys of the payload, as for `sample`.

    Returns:
        The headers and the body.

    Raises:
        SecretError: The secret cannot be a signing secret.
        ValueError: The event type does not exist.
        TypeError: The class has no event type, the data type lacks a key of the overrides, or JSON cannot hold a
            value.

    Example:
        ```python
        request = sample_delivery(events.UserCreated, "whsec_...")
        response = client.post("/api/webhooks", headers=request.headers, content=request.body)
        ```
    """
    try:
        # The raw body has no message id, so signed_request makes a new one.
        return signed_request(sample_event(event_type, **overrides).payload, secret)
    finally:
        del secret


def deliver(
    events: Iterable[WebhookEvent], send: Callable[[SignedRequest], int], secret: str | bytes, *, seed: int = 0
) -> list[Delivery]:
    """Deliver events as Svix does, in this process: at least once, in no certain order, again after a failure.

    Each event becomes a message with an id of its own. Some messages come twice although the first attempt succeeded.
    After anything but a 2xx, the message comes again later, in up to eight attempts. Nothing waits between attempts:
    https://docs.svix.com/retries has the real schedule.

    Args:
        events: The events. The same event twice is two messages.
        send: Sends a request to the receiver and returns the status: a call of your test client. An exception passes
            through, so a client has to answer 500 for a handler that raises.
        secret: The signing secret, as `Webhook` takes it.
        seed: Decides the order, the message ids and the messages that come twice. The same seed gives the same run.

    Returns:
        A delivery for each event, in the order of the events.

    Raises:
        SecretError: The secret cannot be a signing secret.
        TypeError: `send` returned something else than a status.

    Example:
        ```python
        deliver([created, updated, deleted], lambda request: client.post(*request).status_code, "whsec_...", seed=7)
        ```
    """
    try:
        chance = Random(seed)  # noqa: S311  # a test has to be repeatable
        deliveries = [Delivery(event, _message_id(chance.randbytes(_ID_LENGTH)), ()) for event in events]
        queue = [*range(len(deliveries)), *(number for number in range(len(deliveries)) if chance.random() < _DOUBLED)]
        chance.shuffle(queue)
        while queue:
            number = queue.pop()
            event, message_id, statuses = deliveries[number]
            status = send(signed_request(event, secret, message_id=message_id))
            if not isinstance(status, int):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
                raise TypeError(f"send must return the status as an int, not {type(status).__name__}.")
            deliveries[number] = Delivery(event, message_id, (*statuses, status))
            if status // 100 != 2 and number not in queue and len(statuses) + 1 < _ATTEMPTS:  # noqa: PLR2004  # 2xx
                queue.insert(chance.randint(0, len(queue)), number)
        return deliveries
    finally:
        # Test runners show the local variables of every frame a traceback passes through.
        del secret


# The part of a Svix message id after "msg_" is a KSUID: 27 digits in base 62.
_ID_LENGTH = 27
# "eight attempts": https://docs.svix.com/retries
_ATTEMPTS = 8
_DOUBLED = 1 / 3
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def _message_id(seed: bytes) -> str:
    """Return a message id in the form of Svix's."""
    return "msg_" + "".join(_BASE62[byte % 62] for byte in seed[:_ID_LENGTH])


def _name(event_type: str | type[Event[Any, Any]]) -> str:
    """Return an event type, or the event type of a class."""
    if isinstance(event_type, str):
        return event_type
    for name, event_class in EVENT_CLASSES.items():
        if event_class is event_type:
            return name
    shown = getattr(event_type, "__name__", type(event_type).__name__)
    raise TypeError(f"{shown} is not an event type or the class of one: pass events.UserCreated, for example.")


def _body(event_type: str, overrides: Mapping[str, object]) -> dict[str, Any]:
    """Return the body of a sample event, with the overrides in its payload."""
    if event_type not in BODIES:
        close = get_close_matches(event_type, BODIES, 1)
        advice = f"did you mean {close[0]!r}?" if close else "events.EVENT_CLASSES has all event types."
        raise ValueError(
            f"{event_type!r} has no sample: {advice} For a type newer than this release, pass a whole body to "
            "signed_request or parse_event."
        )
    payload: Any = data_type_of(event_type)
    unknown = overrides.keys() - payload.__required_keys__ - payload.__optional_keys__
    if unknown:
        raise TypeError(f"{payload.__name__}, the payload of {event_type}, has no key {', '.join(sorted(unknown))}.")
    body = {**BODIES[event_type], "data": {**BODIES[event_type]["data"], **overrides}}
    # deepcopy would keep an object that occurs twice in a sample as one object.
    copy: dict[str, Any] = json.loads(json.dumps(body))
    return copy


def _raw(event: Event[Any, Any] | Mapping[str, Any] | bytes | str) -> bytes:
    """Return an event as the bytes of a body, as compact as Clerk's."""
    if isinstance(event, bytes):
        return event
    if isinstance(event, str):
        return event.encode()
    if not isinstance(event, Event | Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
        raise TypeError(f"event must be an event, a body as a mapping, bytes or str, not {type(event).__name__}.")
    body = event.payload if isinstance(event, Event) else dict(event)
    # UTF-8 cannot encode a lone surrogate. JSON writes it with a backslash.
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
