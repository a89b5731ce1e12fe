"""Sample events, and requests that are signed as Clerk signs them."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from hashlib import sha256
from math import floor
from typing import Any, NamedTuple, TypeVar, overload

from .._parse import parse_event
from .._tracebacks import our_frames_hidden
from ..events import EVENT_CLASSES, Event, WebhookEvent, data_type_of
from ..webhook import Webhook
from ._samples import PAYLOADS

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
    return parse_event(_payload(name, overrides), message_id=message_id_of(sha256(name.encode()).digest()))


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
        message_id = own or message_id_of(secrets.token_bytes(_ID_LENGTH))
    if timestamp is None:
        timestamp = int(time.time())
    body = as_body(event)
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


# The part of a Svix message id after "msg_" is a KSUID: 27 digits in base 62.
_ID_LENGTH = 27
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def message_id_of(seed: bytes) -> str:
    """Return a message id in the form of Svix's, made of 27 bytes or more."""
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


def as_body(event: Event[Any, Any] | Mapping[str, Any] | bytes | str) -> bytes:
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
