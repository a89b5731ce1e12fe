"""Flask: the verified, typed event of the current request, and an endpoint as a view.

```python
from clerk_webhook import events
from clerk_webhook.flask import clerk_event

@app.post("/api/webhooks")
def clerk() -> str:
    match clerk_event():
        case events.UserCreated(data=user):
            print("new user", user["id"])
    return ""
```
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

try:
    from flask import Response, abort, after_this_request, current_app, has_request_context, request
    from werkzeug.wsgi import LimitedStream
except ImportError as _error:
    raise ImportError("clerk_webhook.flask needs Flask: pip install flask") from _error

from ._reception import MAX_BODY, Arrival, Observer, Reception, Refused, Verify, WebhookSource, checked, verifier
from ._tracebacks import our_frames_hidden
from .endpoint import Endpoint
from .events import WebhookEvent
from .webhook import SECRET_VARIABLES, verify_and_parse

__all__ = ["clerk_event", "view"]

_numbers = count(1)


def clerk_event(
    webhook: WebhookSource | None = None, *, observer: Observer | None = None, max_body: int = MAX_BODY
) -> WebhookEvent:
    """Return the event of the current request, or abort the request if it is not genuine.

    A smaller `MAX_CONTENT_LENGTH` of the application holds too. `request.get_data()` returns the body afterwards.

    Args:
        webhook: A `Webhook`, a signing secret as text, or a function that returns a `Webhook`. None: the secret in
            `app.config["CLERK_WEBHOOK_SIGNING_SECRET"]`, or else in the environment, as it is now.
        observer: Is called once with the attempt. Its exceptions are logged, and change no answer.
        max_body: The size of the largest body that is read, in bytes.

    Raises:
        werkzeug.exceptions.HTTPException: 400 with the code of the error as description (`"signature_mismatch"`), or
            with `"incomplete_body"`; 413 with `"too_large"`; 500 with `"misconfigured"` if the secret is missing or
            wrong.
        RuntimeError: There is no request.
        TypeError: An argument has the wrong type.
        ValueError: `max_body` is not positive.

    Example:
        ```python
        @app.post("/api/webhooks")
        def clerk() -> dict[str, str]:
            event = clerk_event()
            return {"received": event.wire_type}
        ```
    """
    if not has_request_context():
        raise RuntimeError("clerk_event() is called in a view, and decorates none: event = clerk_event().")
    with our_frames_hidden:
        verify = verifier(webhook) if webhook is not None and not isinstance(webhook, str) else _verify_by(webhook)
        reception = Reception(verify, observer=observer, max_body=max_body)
    arrival = Arrival(reception, request.path)
    try:
        event = arrival.accept(request.environ, arrival.read(request.method, request.environ, _read))
    except Refused as refused:
        answer = arrival.refuse(refused)
        # An application's error handler makes an answer of its own, which needs the headers too.
        after_this_request(partial(_with_headers, refused.headers))
        abort(answer.status, description=refused.reason)
    return event


def _verify_by(secret: str | None) -> Verify:
    """Verify by a text that is looked at when a request is there to be answered 500 if it is wrong."""
    config: Any = current_app.config
    return partial(verify_and_parse, secret=secret if secret is not None else config.get(SECRET_VARIABLES[0]) or None)


def _with_headers(headers: dict[str, str], response: Response) -> Response:
    response.headers.update(headers)
    return response


def view(endpoint: Endpoint[Any]) -> Callable[[], Response]:
    """Return a view that answers with an endpoint. Its handlers run in the application context of the request.

    The view takes POST without being told. Each view has a name of its own.

    Args:
        endpoint: The endpoint.

    Raises:
        TypeError: This is no endpoint, or a handler is async. One that is added later is refused at the first event.

    Example:
        ```python
        app.add_url_rule("/api/webhooks", view_func=view(endpoint))
        ```
    """
    respond = checked(endpoint).door()

    def clerk_webhook() -> Response:
        answer = respond(request.method, request.path, request.environ, _read)
        return Response(answer.body, answer.status, answer.headers)

    # Flask takes the name for the rule's, and refuses a second rule of one name.
    clerk_webhook.__name__ = f"clerk_webhook_{next(_numbers)}"
    clerk_webhook.__dict__["methods"] = ["POST"]
    return clerk_webhook


def _read(enough: int) -> bytes:
    """Return the body of the current request, or its first part if that is as large as `enough`."""
    length = request.content_length  # None: the body comes in chunks
    # Werkzeug cuts a longer body at the limit and does not say so: one byte more tells.
    limit = enough if length is None else length
    request.__dict__["stream"] = LimitedStream(request.stream, limit, is_max=length is None)
    return request.get_data()
