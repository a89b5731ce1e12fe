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

from itertools import count
from typing import TYPE_CHECKING

try:
    from flask import Response, abort, after_this_request, request
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.wsgi import LimitedStream
except ImportError as _error:
    raise ImportError("clerk_webhook.flask needs Flask: pip install flask") from _error

from ._route import MAX_BODY, Refusal, check_source, receive

if TYPE_CHECKING:
    from collections.abc import Callable

    from .endpoint import Endpoint
    from .endpoint.answers import Unread
    from .events import WebhookEvent
    from .webhook import Webhook

__all__ = ["clerk_event", "view"]

_numbers = count(1)


def clerk_event(webhook: Webhook | None = None, *, max_body: int = MAX_BODY) -> WebhookEvent:
    """Return the event of the current request, or abort the request if it is not genuine.

    A smaller `MAX_CONTENT_LENGTH` of the application holds too. `request.get_data()` returns the body afterwards.

    Args:
        webhook: Has the signing secret. None: the secret of the environment, as it is now.
        max_body: The largest body that is read, in bytes.

    Raises:
        werkzeug.exceptions.HTTPException: 400 with the code of the error as description (`"signature_mismatch"`), or
            with `"incomplete_body"`; 413 with `"too_large"`; 500 if the secret is missing or wrong.
        TypeError: `webhook` is something else, such as a bare secret.

    Example:
        ```python
        @app.post("/api/webhooks")
        def clerk() -> dict[str, str]:
            event = clerk_event()
            return {"received": event.wire_type}
        ```
    """
    try:
        check_source(webhook)
    except TypeError:
        del webhook  # a secret, perhaps, and error reporters record local variables
        raise
    event = receive(webhook, request.environ, _read(max_body))
    if isinstance(event, Refusal):
        status, reason, headers = event

        # An application's error handler makes an answer of its own, which needs the headers too.
        @after_this_request
        def add_headers(response: Response) -> Response:
            response.headers.update(headers)
            return response

        abort(status, description=reason)
    return event


def view(endpoint: Endpoint) -> Callable[[], Response]:
    """Return a view that answers with an endpoint. Its handlers run in the application context of the request.

    The view takes POST without being told. Each view has a name of its own.

    Args:
        endpoint: The endpoint.

    Raises:
        TypeError: A handler is async. Async handlers are refused later too, when they are registered.

    Example:
        ```python
        app.add_url_rule("/api/webhooks", view_func=view(endpoint))
        ```
    """
    endpoint.require_sync_handlers()

    def clerk_webhook() -> Response:
        body = _read(endpoint.max_body)
        answer = endpoint.refuse(body) if isinstance(body, str) else endpoint.handle(request.environ, body)
        return Response(answer.body, answer.status, answer.headers)

    # Flask takes the name for the rule's, and refuses a second rule of one name.
    clerk_webhook.__name__ = f"clerk_webhook_{next(_numbers)}"
    clerk_webhook.__dict__["methods"] = ["POST"]
    return clerk_webhook


def _read(max_body: int) -> bytes | Unread:
    """Return the body of the current request, or the reason why it cannot be read."""
    length = request.content_length  # None: the body comes in chunks
    if length is not None and length > max_body:
        return "too_large"
    try:
        # Werkzeug cuts a longer body at the limit and does not say so: one byte more tells.
        limit = max_body + 1 if length is None else length
        request.__dict__["stream"] = LimitedStream(request.stream, limit, is_max=length is None)
        body = request.get_data()
    except RequestEntityTooLarge:  # by the application's MAX_CONTENT_LENGTH
        return "too_large"
    except Exception:  # noqa: BLE001  # servers raise what they like if the client has gone, or sends bad chunks
        return "refused"
    return "too_large" if len(body) > max_body else body
