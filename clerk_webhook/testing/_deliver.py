"""Svix in small, in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from random import Random
from typing import NamedTuple

from .._tracebacks import our_frames_hidden
from ..events import WebhookEvent
from ._requests import SignedRequest, message_id_of, signed_request

# "eight attempts": https://docs.svix.com/retries
_ATTEMPTS = 8
_DOUBLED = 1 / 3


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
        self.deliveries = [Delivery(event, message_id_of(self._chance.randbytes(32)), ()) for event in events]
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
        if not isinstance(status, int) or isinstance(status, bool):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
            cure = ". For an async client, use deliver_async." if isawaitable(status) else "."
            raise TypeError(f"send must return the status as an int, not {type(status).__name__}{cure}")
        number = self._number
        event, message_id, statuses = self.deliveries[number]
        self.deliveries[number] = Delivery(event, message_id, (*statuses, status))
        if status // 100 != 2 and number not in self._queue and len(statuses) + 1 < _ATTEMPTS:  # noqa: PLR2004  # 2xx
            self._queue.insert(self._chance.randint(0, len(self._queue)), number)
