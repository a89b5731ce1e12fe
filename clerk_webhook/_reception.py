"""The answer to a request, once for all doors: the outcomes, the limit of a body, the log and the observer.

Svix sends a message until it gets a 2xx within 15 s: at once, then again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and
10 h (https://docs.svix.com/retries). So a 2xx says "done, or not for us", and everything else says "send it again".
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, cast

from ._annotations import is_a
from ._dispatch import Outcome as DispatchEnd
from ._headers import Headers
from ._parse import to_bytes
from ._problems import log_problem, where_raised
from .errors import PayloadError, SecretError, SignatureMismatchError, WebhookVerificationError
from .events import WebhookEvent
from .webhook import Webhook

EndpointT = TypeVar("EndpointT")

MAX_BODY: Final = 1 << 20
"""The size of the largest body that is read unless told otherwise, in bytes. Svix sends up to about 350 kB."""

Outcome: TypeAlias = Literal[
    DispatchEnd, "accepted", "refused", "unreadable", "too_large", "method_not_allowed", "misconfigured"
]
"""The result of an attempt.

`"accepted"`: a route of one's own has the event, and answers itself. `"ignored"`: the message is genuine, and no
handler takes it. `"refused"`: the message is not genuine. `"unreadable"`: the message is genuine, and not a Clerk
event. `"unavailable"`: the database or the store is not there. `"misconfigured"`: the signing secret is missing or
wrong.
"""


class _Row(NamedTuple):
    """The answer to an outcome, and the level of its log record."""

    status: int
    headers: Mapping[str, str] = {}
    level: int = logging.INFO


# "stops retries of the message just sent" (https://docs.svix.com/receiving/delivery-control).
_ABORT = {"webhook-delivery": "abort-message"}

# The status policy. "accepted" is not in it, because a route of one's own answers itself.
_POLICY: Mapping[Outcome, _Row] = {
    "handled": _Row(200),
    # Svix would send anything else again for 27 h 35 min.
    "ignored": _Row(200),
    "duplicate": _Row(200),
    "in_progress": _Row(409, {"retry-after": "5"}),
    # An endpoint's answer does not say why: the reason is in the log, and a forger learns nothing.
    "refused": _Row(400, {}, logging.WARNING),
    # The same body will never be readable, and an event is lost.
    "unreadable": _Row(400, _ABORT, logging.ERROR),
    "too_large": _Row(413, {}, logging.WARNING),
    # RFC 9110, section 15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
    "method_not_allowed": _Row(405, {"allow": "POST"}),
    "aborted": _Row(400, _ABORT, logging.WARNING),
    "failed": _Row(500, {}, logging.ERROR),
    "unavailable": _Row(503, {"retry-after": "30"}, logging.ERROR),
    "misconfigured": _Row(500, {}, logging.ERROR),
    # The server answers a cancelled request itself, if at all.
    "cancelled": _Row(503, {}, logging.WARNING),
}

# "within a reasonable time-frame (15s with Svix)" (https://docs.svix.com/retries): a slower attempt is warned of.
_SLOW = 10.0
_MANY_DIGITS: Final = 20
_NAME_LENGTH = len("content-length")
_LONGEST_NAME = 100
_LONGEST_REASON = 1000

_logger = logging.getLogger("clerk_webhook")
_now = time.perf_counter

WebhookSource: TypeAlias = Webhook | str | Callable[[], Webhook]
"""A `Webhook`, a signing secret as text, or a function that returns a `Webhook` and is called at each request."""

Verify: TypeAlias = Callable[[Headers, bytes | str], WebhookEvent]
"""A function that verifies a request and returns its event, as `Webhook.verify_and_parse` does."""


class Response(NamedTuple):
    """The answer to a request.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case; `content-length` is among them.
        body: The outcome as plain text, because Svix shows it beside the attempt. Empty for `"handled"`.
    """

    status: int
    headers: dict[str, str]
    body: bytes


class Attempt(NamedTuple):
    """The result of one request, for the observer and the log.

    Attributes:
        outcome: The result.
        status: The HTTP status of the answer. None for `"accepted"`, because the route answers later.
        code: The reason for a refusal, as the errors' `code`: `"signature_mismatch"`, or `"incomplete_body"`. None for
            all other outcomes.
        event_type: The event type as sent. None if the message is not genuine, or not readable.
        message_id: The message id. None if the message is not genuine.
        instance_id: The id of the Clerk instance, as the payload has it. None if the payload has none.
        path: The path of the request, without its query. None if `Endpoint.handle` was called, which knows no path.
        duration: The time from the last byte of the body until the answer was known, in seconds.
        error: The exception of verification, of a handler, of the database or of the store. The text of any but the
            first may hold personal data.
    """

    outcome: Outcome
    status: int | None
    code: str | None
    event_type: str | None
    message_id: str | None
    instance_id: str | None
    path: str | None
    duration: float
    error: BaseException | None


Observer: TypeAlias = Callable[[Attempt], object]
"""A function that is called with each attempt, in the thread of that attempt: for metrics and error reporters."""


class Refused(Exception):  # noqa: N818  # an answer, not an error
    """A request gets no further.

    Attributes:
        outcome: The result.
        code: The reason, for the log.
        error: The exception that led to it.
    """

    def __init__(self, outcome: Outcome, code: str | None = None, error: BaseException | None = None) -> None:
        """Keep the outcome and its reason."""
        super().__init__(outcome)
        self.outcome: Outcome = outcome
        self.code = code
        self.error = error

    @property
    def reason(self) -> str:
        """The reason that a route of one's own answers. A wrong configuration is not explained to strangers."""
        return self.code if self.code and self.outcome != "misconfigured" else self.outcome

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer that are not about its body."""
        return dict(_POLICY[self.outcome].headers)


class Reception:
    """All that the requests to one URL have in common: how they are verified, their limit, and who is told of them."""

    def __init__(
        self, verify: Verify, *, observer: Observer | None, max_body: int, log_exceptions: bool = False
    ) -> None:
        """Check the configuration.

        Args:
            verify: Verifies a request and returns its event, as `Webhook.verify_and_parse` does.
            observer: Is called once with each attempt.
            max_body: The size of the largest body that is read, in bytes.
            log_exceptions: Log the exceptions of handlers with their text and their traceback.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: `max_body` is not positive.
        """
        if type(max_body) is not int:
            raise TypeError(f"max_body must be an int, in bytes, not {type(max_body).__name__}.")
        if max_body <= 0:
            raise ValueError(f"max_body must be positive, in bytes, not {max_body}: every body would be too large.")
        if observer is not None and (not callable(observer) or is_a(inspect.iscoroutinefunction, observer)):
            raise TypeError("observer must be a function that takes an Attempt, and not async: nothing awaits it.")
        self.verify = verify
        self.observer = observer
        self.max_body = max_body
        self.log_exceptions = log_exceptions


class Arrival:
    """One request on its way. A door makes it, and ends it by `accept`, `end` or `refuse`."""

    __slots__ = ("_event", "_path", "_reception", "_started")

    def __init__(self, reception: Reception, path: str | None = None) -> None:
        """Start without an event.

        Args:
            reception: The reception of this URL.
            path: The path of the request, without its query, for the log.
        """
        self._reception = reception
        self._path = path
        self._started: float | None = None
        self._event: WebhookEvent | None = None

    def read(self, method: str, headers: Headers, read: Callable[[int], bytes]) -> bytes:
        """Read the body of a request that may be genuine.

        Args:
            method: The HTTP method.
            headers: All headers of the request.
            read: Reads the body. It gets the number of bytes after which it may stop. An exception from it means that
                the body is not there.

        Raises:
            Refused: The method is not POST, or the body is too large or cannot be read.
        """
        enough = self._check_head(method, headers)
        try:
            body = read(enough)
        except Exception as error:  # noqa: BLE001  # servers and frameworks raise what they like
            raise _unread(error) from None
        return self._check_size(body)

    async def read_async(self, method: str, headers: Headers, read: Callable[[int], Awaitable[bytes]]) -> bytes:
        """Read the body of a request that may be genuine, as `read` does.

        Args:
            method: The HTTP method.
            headers: All headers of the request.
            read: Reads the body.

        Raises:
            Refused: The method is not POST, or the body is too large or cannot be read.
        """
        enough = self._check_head(method, headers)
        try:
            body = await read(enough)
        except Exception as error:  # noqa: BLE001  # as above
            raise _unread(error) from None
        return self._check_size(body)

    def _check_head(self, method: str, headers: Headers) -> int:
        """Return the number of bytes after which a body is too large."""
        if method != "POST":
            raise Refused("method_not_allowed")
        length = _announced(headers)
        if length is not None and length > self._reception.max_body:
            raise Refused("too_large")
        return self._reception.max_body + 1

    def _check_size(self, body: bytes) -> bytes:
        if len(body) > self._reception.max_body:
            raise Refused("too_large")
        return body

    def verify(self, headers: Headers, body: bytes | str) -> WebhookEvent:
        """Return the event of a genuine request.

        Args:
            headers: All headers of the request.
            body: The raw body.

        Raises:
            Refused: The request is not genuine, or not readable, or the signing secret is missing or wrong.
            TypeError: `headers` are not headers, or `body` is not a raw body.
        """
        self._started = _now()
        raw = body if type(body) is bytes else to_bytes(body)
        if raw is not None:
            self._check_size(raw)
        try:
            self._event = self._reception.verify(headers, body)
        except SignatureMismatchError as error:
            raise _cut_off(headers, raw or b"") or Refused("refused", error.code, error) from None
        except WebhookVerificationError as error:
            raise Refused("refused", error.code, error) from None
        except PayloadError as error:
            raise Refused("unreadable", error.code, error) from None
        except SecretError as error:
            raise Refused("misconfigured", error.code, error) from None
        return self._event

    def accept(self, headers: Headers, body: bytes) -> WebhookEvent:
        """Return the event of a genuine request to a route of one's own, and end the attempt.

        Args:
            headers: All headers of the request.
            body: The raw body.

        Raises:
            Refused: As for `verify`.
        """
        event = self.verify(headers, body)
        self._end("accepted", None, logging.INFO, None, None)
        return event

    def refuse(self, refused: Refused) -> Response:
        """End the attempt, and return the answer to a request that got no further.

        Args:
            refused: The reason.
        """
        return self.end(refused.outcome, refused.error, refused.code)

    def end(self, outcome: Outcome, error: BaseException | None, code: str | None = None) -> Response:
        """End the attempt: log it, tell the observer, and return the answer.

        Args:
            outcome: The result.
            error: The exception that led to it.
            code: The reason for a refusal.
        """
        response = respond(outcome)
        self._end(outcome, response.status, _POLICY[outcome].level, error, code)
        return response

    def _end(
        self, outcome: Outcome, status: int | None, level: int, error: BaseException | None, code: str | None
    ) -> None:
        event = self._event
        attempt = Attempt(
            outcome,
            status,
            code,
            event_type=event.wire_type if event else None,
            message_id=event.message_id if event else getattr(error, "message_id", None),
            instance_id=event.instance_id if event else None,
            path=self._path,
            duration=0.0 if self._started is None else _now() - self._started,
            error=error,
        )
        _log(attempt, level, log_exceptions=self._reception.log_exceptions)
        observer = self._reception.observer
        if observer is not None:
            try:
                observer(attempt)
            except (Exception, SystemExit) as observer_error:  # noqa: BLE001  # an observer changes no answer
                log_problem("The observer failed", observer_error, attempt.message_id)


def respond(outcome: Outcome) -> Response:
    """Return the answer to an outcome.

    Args:
        outcome: The result of the attempt.
    """
    row = _POLICY[outcome]
    # Send no body on success: some servers use a second packet for it.
    body = b"" if outcome == "handled" else outcome.encode()
    always = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}
    return Response(row.status, {**always, **row.headers}, body)


def verifier(webhook: WebhookSource) -> Verify:
    """Return the function that verifies requests for a source of secrets.

    Args:
        webhook: The source.

    Raises:
        SecretError: A text is not a signing secret.
        TypeError: The source is something else.
    """
    if isinstance(webhook, str):
        webhook = Webhook(webhook)
    if isinstance(webhook, Webhook):
        return webhook.verify_and_parse
    is_async = callable(webhook) and is_a(inspect.iscoroutinefunction, webhook)
    if not callable(webhook) or isinstance(webhook, type) or is_async:
        kind = "an async one" if is_async else type(webhook).__name__
        raise TypeError(
            f"webhook must be a Webhook, a signing secret as text, or a function that returns a Webhook, not {kind}."
        )
    source = webhook

    def verify(headers: Headers, body: bytes | str) -> WebhookEvent:
        try:
            made = _made_by(source)
        except SecretError:
            raise
        except Exception as error:  # noqa: BLE001  # settings that are missing, a vault that is down
            raise Refused("misconfigured", None, error) from None
        return made.verify_and_parse(headers, body)

    return verify


def _made_by(source: Callable[[], Webhook]) -> Webhook:
    webhook = source()
    if not isinstance(webhook, Webhook):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's mistake
        raise TypeError(f"The function for webhook must return a Webhook, not {type(webhook).__name__}.")
    return webhook


def _announced(headers: Any) -> int | None:
    """Return the `content-length` of a request, in bytes.

    Raises:
        Refused: The length is not a number.
    """
    value = _content_length(headers)  # mostly text or bytes, a list of AWS Lambda's, an int of somebody's own
    if isinstance(value, list | tuple):
        value = next(iter(cast("Iterable[Any]", value)), None)
    length = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    if not length:  # PEP 3333: "may be empty or absent"
        return None
    # isdigit alone lets other digits pass, and int raises for thousands of them.
    if not (length.isascii() and length.isdigit() and len(length) < _MANY_DIGITS):
        raise Refused("refused", "incomplete_body", EOFError("content-length is not a number."))
    return int(length)


def _content_length(headers: Any) -> Any:
    get: Any = getattr(headers, "get", None)
    value = get and get("CONTENT_LENGTH")  # of a WSGI environ, which has many keys
    if value:
        return value
    pairs: Iterable[tuple[Any, Any]] = headers.items() if hasattr(headers, "items") else headers
    for name, value in pairs:
        if len(name) == _NAME_LENGTH:
            text = name.decode("latin-1") if isinstance(name, bytes) else name
            if text.lower() == "content-length":
                return value
    return None


def _cut_off(headers: Headers, body: bytes) -> Refused | None:
    """Return the refusal of a body that matches no signature because it is not all there."""
    try:
        length = _announced(headers)
    except Refused as refused:
        return refused
    # No genuine body is empty, so an empty one was lost, whether its length was announced or not.
    if body and len(body) >= (length or 0):
        return None
    announced = "" if length is None else f" of the {length} that content-length announces"
    return _incomplete(f"The body has {len(body)} bytes{announced}")


def _unread(error: Exception) -> Refused:
    """Return the refusal of a body that could not be read."""
    if isinstance(error, Refused):
        return error
    # A smaller limit of the framework's own, by Starlette and by Werkzeug.
    if 413 in (getattr(error, "status_code", None), getattr(error, "code", None)):  # noqa: PLR2004
        return Refused("too_large")
    return _incomplete(f"The body could not be read ({type(error).__name__})")


def _incomplete(problem: str) -> Refused:
    cause = "the client hung up, or something else read the request first, such as a middleware"
    return Refused("refused", "incomplete_body", EOFError(f"{problem}: {cause}."))


def _log(attempt: Attempt, level: int, *, log_exceptions: bool) -> None:
    """Log one attempt in one record, with the fields of the attempt as attributes of the record."""
    slow = attempt.duration >= _SLOW
    if slow:
        level = max(level, logging.WARNING)
    if not _logger.isEnabledFor(level):
        return
    try:
        event_type = attempt.event_type and _one_line(attempt.event_type, _LONGEST_NAME)
        about = " ".join(filter(None, (event_type, attempt.message_id)))
        text = f"{about}: {attempt.outcome}" if about else attempt.outcome
        if attempt.code:
            text += f" ({attempt.code})"
        text += f" in {attempt.duration * 1000:.1f} ms"
        if slow:
            text += " - after 15 s Svix counts it as failed and sends it again: hand long work to a queue"
        exception = None
        if attempt.error is not None and attempt.outcome != "cancelled":
            if attempt.code or attempt.outcome == "aborted":  # an error of this package, or the application's own word
                text += f": {_one_line(str(attempt.error) or type(attempt.error).__name__, _LONGEST_REASON)}"
            elif log_exceptions:
                exception = attempt.error
            else:
                text += f": {where_raised(attempt.error)}"
        extra = attempt._asdict() | {
            "event_type": event_type,
            "instance_id": attempt.instance_id and _one_line(attempt.instance_id, _LONGEST_NAME),
            "path": attempt.path and _one_line(attempt.path, _LONGEST_NAME),
        }
        del extra["error"]
        _logger.log(level, "%s", text, exc_info=exception, extra=extra)
    except Exception as error:  # noqa: BLE001  # a filter, a log handler or a __str__ must not change the answer
        log_problem("An attempt could not be logged", error, attempt.message_id)


def _one_line(text: str, limit: int) -> str:
    """Return a text without line breaks and lone surrogates, cut off at a limit."""
    if not text.isprintable():
        text = repr(text)[1:-1]
    return text if len(text) <= limit else f"{text[:limit]}..."


def checked(endpoint: EndpointT) -> EndpointT:
    """Return the endpoint of a door.

    Args:
        endpoint: The argument of the door.

    Raises:
        TypeError: This is no endpoint.
    """
    if isinstance(endpoint, type) or not hasattr(endpoint, "door"):
        name = getattr(endpoint, "__name__", type(endpoint).__name__)
        raise TypeError(f"A door takes an Endpoint(), not {name}. Handlers go into one: endpoint.include(handlers).")
    return endpoint
