"""Django: a decorator for views that take a verified, typed event, and an endpoint as a view.

```python
from clerk_webhook import WebhookEvent, events
from clerk_webhook.django import webhook

@webhook
def clerk(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    match event:
        case events.UserCreated(data=user):
            print("new user", user["id"])
    return HttpResponse()
```
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

try:
    from django.core.exceptions import RequestDataTooBig
    from django.db import connections
    from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, RawPostDataException
except ImportError as _error:
    raise ImportError("clerk_webhook.django needs Django: pip install django") from _error

from ._route import MAX_BODY, Refusal, WebhookSource, check_source, receive
from .endpoint.handlers import is_async
from .endpoint.log import Attempt, log_attempt
from .events import WebhookEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from .endpoint import Endpoint
    from .endpoint.answers import Unread

__all__ = ["view", "webhook"]

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

# Clerk has no CSRF token and does not sign in, for LoginRequiredMiddleware: the signature protects the view.
_PUBLIC = {"csrf_exempt": True, "login_required": False}

_logger = logging.getLogger("clerk_webhook")


@overload
def webhook(
    view: Callable[Concatenate[HttpRequest, WebhookEvent, P], ResultT], /
) -> Callable[Concatenate[HttpRequest, P], ResultT]: ...
@overload
def webhook(
    *, webhook: WebhookSource | None = None, max_body: int = MAX_BODY
) -> Callable[
    [Callable[Concatenate[HttpRequest, WebhookEvent, P], ResultT]], Callable[Concatenate[HttpRequest, P], ResultT]
]: ...
def webhook(view: Any = None, *, webhook: WebhookSource | None = None, max_body: int = MAX_BODY) -> Any:
    """Decorate a view, sync or async, that takes the event after the request.

    The view is exempt from CSRF and from the login of `LoginRequiredMiddleware`, and takes POST only. A request that is
    not genuine never reaches it: the answer is 400 or 413 with the code as plain text, or 500 if the secret is missing
    or wrong.

    Args:
        view: The view.
        webhook: Has the signing secret, or is a function that returns the `Webhook`, and is called at each request.
            None: the secret of the environment, as it is then.
        max_body: The largest body that is read, in bytes. A smaller `DATA_UPLOAD_MAX_MEMORY_SIZE` holds too.

    Returns:
        The view as Django calls it.

    Raises:
        TypeError: `view` is not a function, or `webhook` is something else, such as a bare secret.

    Example:
        ```python
        @webhook(webhook=Webhook("whsec_..."))
        async def clerk(request: HttpRequest, event: WebhookEvent) -> HttpResponse: ...
        ```
    """
    try:
        check_source(webhook)
    except TypeError:
        del webhook  # a secret, perhaps, and error reporters record local variables
        raise

    def event_of(request: HttpRequest) -> WebhookEvent | HttpResponse:
        if request.method != "POST":
            log_attempt(Attempt("method_not_allowed", 405, None, None, None, 0.0, None))
            return HttpResponseNotAllowed(["POST"])
        event = receive(webhook, request.META, _read(request, max_body))
        if not isinstance(event, Refusal):
            return event
        status, reason, headers = event
        return HttpResponse(reason, content_type="text/plain", status=status, headers=headers)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def sync_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            event = event_of(request)
            return event if isinstance(event, HttpResponse) else view(request, event, *args, **kwargs)

        @wraps(view)
        async def async_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            event = event_of(request)
            return event if isinstance(event, HttpResponse) else await view(request, event, *args, **kwargs)

        public = async_view if is_async(view) else sync_view
        public.__dict__.update(_PUBLIC)
        return public

    if view is None:
        return decorate
    if not callable(view):
        kind = type(view).__name__
        del view
        raise TypeError(f"@webhook decorates a view, not {kind}: write @webhook(webhook=...).")
    return decorate(view)


def view(endpoint: Endpoint) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that answers with an endpoint. Its handlers run as in any sync view.

    Under `ATOMIC_REQUESTS` the rows of a handler that failed are rolled back.

    Args:
        endpoint: The endpoint.

    Raises:
        TypeError: A handler is async. Async handlers are refused later too, when they are registered.

    Example:
        ```python
        urlpatterns = [path("api/webhooks", view(endpoint))]
        ```
    """
    endpoint.require_sync_handlers()

    def clerk_webhook(request: HttpRequest) -> HttpResponse:
        answer = endpoint.precheck(request.method or "", None)
        if answer is None:
            body = _read(request, endpoint.max_body)
            answer = endpoint.refuse(body) if isinstance(body, str) else endpoint.handle(request.META, body)
        if answer.status != 200:  # noqa: PLR2004  # the endpoint has caught what Django would roll back for
            not_atomic = clerk_webhook.__dict__.get("_non_atomic_requests", ())
            for connection in connections.all(initialized_only=True):
                atomic = connection.settings_dict["ATOMIC_REQUESTS"] and connection.alias not in not_atomic
                if atomic and connection.in_atomic_block:  # it is not if a test calls the view itself
                    connection.set_rollback(True)
        return HttpResponse(answer.body, status=answer.status, headers=answer.headers)

    clerk_webhook.__dict__.update(_PUBLIC)
    return clerk_webhook


def _read(request: HttpRequest, max_body: int) -> bytes | Unread:
    """Return the body, or the reason why it cannot be read."""
    with suppress(ValueError):  # an odd length announces nothing
        if int(request.META.get("CONTENT_LENGTH") or 0) > max_body:
            return "too_large"
    try:
        body = request.body
    except RequestDataTooBig:  # by DATA_UPLOAD_MAX_MEMORY_SIZE
        return "too_large"
    except RawPostDataException:
        _logger.warning("Something read the request before the view (request.POST, request.read()): no body is left.")
        return "refused"
    except Exception:  # noqa: BLE001  # servers raise what they like if the client has gone, or sends bad chunks
        return "refused"
    return "too_large" if len(body) > max_body else body
