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

import json
import secrets
import string
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from hashlib import sha256
from inspect import isawaitable
from math import floor
from random import Random
from typing import Any, NamedTuple, TypeVar, overload

from ._parse import parse_event
from ._samples import PAYLOADS
from ._tracebacks import our_frames_hidden
from .events import EVENT_CLASSES, Event, WebhookEvent, data_type_of
from .stores._contract import check_store
from .webhook import Webhook

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

EventT = TypeVar("EventT", bound=Event[Any, Any])
DataT = TypeVar("DataT")


class SignedRequest(NamedTuple):
    """A request as Clerk sends it. `webhook.verify_and_parse(*request)` accepts it.

    Attributes:
        headers: The three signature headers and the content type.
        body: The raw body, exactly as signed.

    Example:
        ```python
        from clerk_webhook import Webhook, events
        from clerk_webhook.testing import sample_delivery

        webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        request = sample_delivery(events.UserCreated, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        assert webhook.verify_and_parse(request.headers, request.body).type == "user.created"
        ```
    """

    headers: dict[str, str]
    body: bytes


class Delivery(NamedTuple):
    """One message that `deliver` or `deliver_async` delivered.

    Attributes:
        event: The event as it was passed.
        message_id: The message id, the same in all attempts.
        statuses: The status of each attempt, in order.

    Example:
        ```python
        from clerk_webhook import events
        from clerk_webhook.testing import deliver, sample_event

        statuses = iter([500, 200, 200])
        (delivery,) = deliver(
            [sample_event(events.UserCreated)],
            lambda request: next(statuses),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )
        assert delivery.statuses[:2] == (500, 200)
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
    """Return sample data: the `data` of an event.

    Args:
        event_type: A class in `clerk_webhook.events`, for the exact data type, or an event type: `"user.created"`.
        overrides: Keys of the data with the values to use instead, as in JSON. Other keys do not adapt to them.

    Returns:
        The data. Each call makes a new one, with copies of the overrides, so you may change it.

    Raises:
        ValueError: The event type does not exist.
        TypeError: The class has no event type, the data type lacks a key of the overrides, or JSON cannot hold a
            value.

    Example:
        ```python
        from clerk_webhook import events
        from clerk_webhook.testing import sample
        from clerk_webhook.users import full_name

        assert full_name(sample(events.UserCreated, first_name="Grace", last_name=None)) == "Grace"
        ```
    """
    return _payload(_name(event_type), overrides)["data"]


@overload
def sample_event(event_class: type[EventT], /, **overrides: object) -> EventT: ...
@overload
def sample_event(event_type: str, /, **overrides: object) -> WebhookEvent: ...
def sample_event(event_type: str | type[Event[Any, Any]], /, **overrides: object) -> Any:
    """Return a sample event, as `verify_and_parse` returns it.

    Two calls return equal events, with equal message ids. Each event type has a message id of its own.

    Args:
        event_type: A class in `clerk_webhook.events`, for exactly that class, or an event type.
        overrides: Keys of the data, as for `sample`.

    Returns:
        The event. Each call makes a new one.

    Raises:
        ValueError: The event type does not exist.
        TypeError: The class has no event type, the data type lacks a key of the overrides, or JSON cannot hold a
            value.

    Example:
        ```python
        from clerk_webhook import events
        from clerk_webhook.testing import sample_event


        def greet(event: events.UserCreated) -> str:
            return f"Hello {event.data['first_name'] or 'there'}"


        assert greet(sample_event(events.UserCreated, first_name=None)) == "Hello there"
        ```
    """
    name = _name(event_type)
    return parse_event(_payload(name, overrides), message_id=_message_id(sha256(name.encode()).digest()))


def signed_request(
    event: Event[Any, Any] | Mapping[str, Any] | bytes | str,
    secret: str | bytes,
    *,
    message_id: str | None = None,
    timestamp: int | datetime | None = None,
) -> SignedRequest:
    """Sign an event or a body as Clerk does.

    Args:
        event: An event, a payload (a JSON object with `type` and `data`), or a raw body as text or bytes. An event and
            a payload become compact JSON with sorted keys, as Clerk's. Text and bytes are signed as they are, even if
            they are not JSON.
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
        from clerk_webhook import events
        from clerk_webhook.testing import sample_event, signed_request

        event = sample_event(events.UserCreated)
        stale = signed_request(event, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", timestamp=1614265330)
        assert stale.headers["svix-timestamp"] == "1614265330"
        ```
    """
    with our_frames_hidden:
        webhook = Webhook(secret)
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
        overrides: Keys of the data, as for `sample`.

    Returns:
        The headers and the body.

    Raises:
        SecretError: The secret cannot be a signing secret.
        ValueError: The event type does not exist.
        TypeError: The class has no event type, the data type lacks a key of the overrides, or JSON cannot hold a
            value.

    Example:
        ```python
        from clerk_webhook import events, verify_and_parse
        from clerk_webhook.testing import sample_delivery

        SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

        request = sample_delivery(events.UserCreated, SECRET, first_name="Grace")
        event = verify_and_parse(request.headers, request.body, secret=SECRET)
        assert event.data["first_name"] == "Grace"
        ```
    """
    with our_frames_hidden:
        # The payload has no message id, so signed_request makes a new one.
        return signed_request(sample_event(event_type, **overrides).payload, secret)


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
        from clerk_webhook import events, verify_and_parse
        from clerk_webhook.testing import deliver, sample_event

        SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        received = []


        def send(request):  # with a test client: return client.post(url, ...).status_code
            received.append(verify_and_parse(*request, secret=SECRET).type)
            return 200


        deliver([sample_event(events.UserCreated), sample_event(events.UserUpdated)], send, SECRET, seed=7)
        assert set(received) == {"user.created", "user.updated"}
        ```
    """
    with our_frames_hidden:
        queue = _Queue(events, secret, seed)
        while (request := queue.next_attempt()) is not None:
            queue.answered(send(request))
        return queue.deliveries


async def deliver_async(
    events: Iterable[WebhookEvent],
    send: Callable[[SignedRequest], Awaitable[int]],
    secret: str | bytes,
    *,
    seed: int = 0,
) -> list[Delivery]:
    """Deliver events through an async client. `deliver` says how; the same seed gives the same run in both.

    Args:
        events: The events. The same event twice is two messages.
        send: Sends a request to the receiver and returns the status. One attempt ends before the next one starts.
        secret: The signing secret, as `Webhook` takes it.
        seed: Decides the order, the message ids and the messages that come twice.

    Returns:
        A delivery for each event, in the order of the events.

    Raises:
        SecretError: The secret cannot be a signing secret.
        TypeError: `send` is not async, or returned something else than a status.

    Example:
        ```python
        import asyncio

        from clerk_webhook import events, verify_and_parse
        from clerk_webhook.testing import deliver_async, sample_event

        SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        received = []


        async def send(request):  # with a test client: return (await client.post(url, ...)).status_code
            received.append(verify_and_parse(*request, secret=SECRET).type)
            return 200


        asyncio.run(deliver_async([sample_event(events.UserDeleted)], send, SECRET))
        assert set(received) == {"user.deleted"}
        ```
    """
    with our_frames_hidden:
        queue = _Queue(events, secret, seed)
        while (request := queue.next_attempt()) is not None:
            answer = send(request)
            if not isawaitable(answer):
                raise TypeError("send must be async. For a client that is not async, use deliver.")
            queue.answered(await answer)
        return queue.deliveries


class _Queue:
    """The messages that Svix still has to deliver, and the deliveries so far."""

    def __init__(self, events: Iterable[WebhookEvent], secret: str | bytes, seed: int) -> None:
        self._secret = secret
        self._chance = Random(seed)  # noqa: S311  # a test has to be repeatable
        self.deliveries = [Delivery(event, _message_id(self._chance.randbytes(_ID_LENGTH)), ()) for event in events]
        numbers = range(len(self.deliveries))
        self._queue = [*numbers, *(number for number in numbers if self._chance.random() < _DOUBLED)]
        self._chance.shuffle(self._queue)
        self._number = 0

    def next_attempt(self) -> SignedRequest | None:
        """Return the next request, or None if every message is delivered."""
        if not self._queue:
            return None
        self._number = self._queue.pop()
        event, message_id, _ = self.deliveries[self._number]
        return signed_request(event, self._secret, message_id=message_id)

    def answered(self, status: int) -> None:
        """Take the answer to the request, and queue the message again if the attempt failed."""
        if not isinstance(status, int):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
            cure = ". For an async client, use deliver_async." if isawaitable(status) else "."
            raise TypeError(f"send must return the status as an int, not {type(status).__name__}{cure}")
        number = self._number
        event, message_id, statuses = self.deliveries[number]
        self.deliveries[number] = Delivery(event, message_id, (*statuses, status))
        if status // 100 != 2 and number not in self._queue and len(statuses) + 1 < _ATTEMPTS:  # noqa: PLR2004  # 2xx
            self._queue.insert(self._chance.randint(0, len(self._queue)), number)


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


def _payload(event_type: str, overrides: Mapping[str, object]) -> dict[str, Any]:
    """Return the payload of a sample event, with the overrides in its data."""
    if event_type not in PAYLOADS:
        close = get_close_matches(event_type, PAYLOADS, 1)
        advice = f"did you mean {close[0]!r}?" if close else "events.EVENT_CLASSES has all event types."
        raise ValueError(
            f"{event_type!r} has no sample: {advice} For a type newer than this release, pass a whole payload to "
            "signed_request or parse_event."
        )
    data_type: Any = data_type_of(event_type)
    unknown = overrides.keys() - data_type.__required_keys__ - data_type.__optional_keys__
    if unknown:
        keys = ", ".join(sorted(unknown))
        raise TypeError(f"{data_type.__name__}, the data type of {event_type}, has no key {keys}.")
    payload = {**PAYLOADS[event_type], "data": {**PAYLOADS[event_type]["data"], **overrides}}
    # deepcopy would keep an object that occurs twice in a sample as one object.
    copy: dict[str, Any] = json.loads(json.dumps(payload))
    return copy


def _raw(event: Event[Any, Any] | Mapping[str, Any] | bytes | str) -> bytes:
    """Return an event as the bytes of a body: compact, with sorted keys, as Clerk's."""
    if isinstance(event, bytes):
        return event
    if isinstance(event, str):
        return event.encode()
    if not isinstance(event, Event | Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
        raise TypeError(f"event must be an event, a payload as a mapping, bytes or str, not {type(event).__name__}.")
    payload = event.payload if isinstance(event, Event) else dict(event)
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    # UTF-8 cannot encode a lone surrogate. JSON writes it with a backslash.
    return text.encode("utf-8", "backslashreplace")
