"""Django: a decorator for views that take a verified, typed event, and an endpoint as a view.

```python
from clerk_webhook import WebhookEvent, events
from clerk_webhook.django import clerk_event

@clerk_event
def clerk(request: HttpRequest, event: WebhookEvent) -> HttpResponse:
    match event:
        case events.UserCreated(data=user):
            print("new user", user["id"])
    return HttpResponse()
```
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

try:
    from django.conf import settings
    from django.core.exceptions import RequestDataTooBig
    from django.db import connections
    from django.http import HttpRequest, HttpResponse
except ImportError as _error:
    raise ImportError("clerk_webhook.django needs Django: pip install django") from _error

from ._reception import MAX_BODY, Arrival, Observer, Reception, Refused, WebhookSource, verifier
from ._tracebacks import our_frames_hidden
from .events import WebhookEvent
from .webhook import SECRET_VARIABLES, verify_and_parse

if TYPE_CHECKING:
    from ._headers import Headers
    from .endpoint import Endpoint

__all__ = ["clerk_event", "view"]

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
AnswerT = TypeVar("AnswerT")

# Clerk has no CSRF token and does not sign in, for LoginRequiredMiddleware: the signature protects the view.
_PUBLIC = {"csrf_exempt": True, "login_required": False}


@overload
def clerk_event(
    view: Callable[Concatenate[HttpRequest, WebhookEvent, P], ResultT], /
) -> Callable[Concatenate[HttpRequest, P], ResultT]: ...
@overload
def clerk_event(
    *, webhook: WebhookSource | None = None, observer: Observer | None = None, max_body: int = MAX_BODY
) -> Callable[
    [Callable[Concatenate[HttpRequest, WebhookEvent, P], ResultT]], Callable[Concatenate[HttpRequest, P], ResultT]
]: ...
def clerk_event(
    view: Any = None,
    /,
    *,
    webhook: WebhookSource | None = None,
    observer: Observer | None = None,
    max_body: int = MAX_BODY,
) -> Any:
    """Decorate a view, sync or async, that takes the event after the request.

    The view is exempt from CSRF and from the login of `LoginRequiredMiddleware`, and takes POST only. A request that is
    not genuine never reaches it: the answer is 400 or 413 with the code as plain text, or 500 if the secret is missing
    or wrong. If a sync view answers anything but 2xx, the transaction around the view is rolled back, as if the view
    had raised.

    For a class-based view: `@method_decorator(clerk_event, name="dispatch")`.

    Args:
        view: The view.
        webhook: A `Webhook`, a signing secret as text, or a function that returns a `Webhook` and is called at each
            request. None: the secret in `settings.CLERK_WEBHOOK_SIGNING_SECRET`, or else in the environment, as it is
            then.
        observer: Is called once with each attempt. Its exceptions are logged, and change no answer.
        max_body: The size of the largest body that is read, in bytes. A smaller `DATA_UPLOAD_MAX_MEMORY_SIZE` holds
            too.

    Returns:
        The view as Django calls it.

    Raises:
        SecretError: `webhook` is a text that is not a signing secret.
        TypeError: `view` is not a function, or a method, or an argument has the wrong type.
        ValueError: `max_body` is not positive.

    Example:
        ```python
        @clerk_event(webhook=Webhook("whsec_...", tolerance=60))
        async def clerk(request: HttpRequest, event: WebhookEvent) -> HttpResponse: ...
        ```
    """
    with our_frames_hidden:
        verify = _verify_by_settings if webhook is None else verifier(webhook)
        reception = Reception(verify, observer=observer, max_body=max_body)

    def event_of(request: HttpRequest) -> WebhookEvent | HttpResponse:
        arrival = Arrival(reception, request.path)
        try:
            body = arrival.read(request.method or "", request.META, lambda _: _read(request))
            return arrival.accept(request.META, body)
        except Refused as refused:
            status = arrival.refuse(refused).status
            answer = _Refusal(refused.reason, "text/plain", status, headers=refused.headers)
        return _roll_back(answer)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        _check_view(view)

        @wraps(view)
        def sync_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            event = event_of(request)
            return event if isinstance(event, HttpResponse) else _roll_back(view(request, event, *args, **kwargs))

        @wraps(view)
        async def async_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            event = event_of(request)
            return event if isinstance(event, HttpResponse) else await view(request, event, *args, **kwargs)

        public = async_view if inspect.iscoroutinefunction(view) else sync_view
        public.__dict__.update(_PUBLIC)
        return public

    with our_frames_hidden:
        return decorate if view is None else decorate(view)


def view(endpoint: Endpoint[Any]) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that answers with an endpoint. Its handlers run as in any sync view.

    If the answer is anything but 2xx, the transaction around the view is rolled back.

    Args:
        endpoint: The endpoint.

    Raises:
        TypeError: A handler is async. One that is registered later is refused at the first event.

    Example:
        ```python
        urlpatterns = [path("api/webhooks", view(endpoint))]
        ```
    """
    respond = endpoint.door()

    def clerk_webhook(request: HttpRequest) -> HttpResponse:
        answer = respond(request.method or "", request.path, request.META, lambda _: _read(request))
        return _roll_back(HttpResponse(answer.body, status=answer.status, headers=answer.headers))

    clerk_webhook.__dict__.update(_PUBLIC)
    return clerk_webhook


class _Refusal(HttpResponse):
    """A refusal. Django awaits what the `dispatch` of a class-based view with async methods returns."""

    def __await__(self) -> Generator[None, None, HttpResponse]:
        yield from ()
        return self


def _verify_by_settings(headers: Headers, body: bytes | str) -> WebhookEvent:
    return verify_and_parse(headers, body, secret=getattr(settings, SECRET_VARIABLES[0], None) or None)


def _read(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:  # by DATA_UPLOAD_MAX_MEMORY_SIZE
        raise Refused("too_large") from None


def _check_view(view: object) -> None:
    """Refuse what cannot be a view."""
    if not callable(view) or isinstance(view, type):
        if isinstance(view, type):
            raise TypeError(f'Decorate the class {view.__name__} by @method_decorator(clerk_event, name="dispatch").')
        raise TypeError(f"@clerk_event decorates a view, not {type(view).__name__}: write @clerk_event(webhook=...).")
    # method_decorator hands over a method as a partial, which has its "self" already.
    if inspect.isfunction(view) and next(iter(inspect.signature(view).parameters), None) == "self":
        raise TypeError(
            f"{view.__qualname__} is a method. Decorate its class instead, by "
            '@method_decorator(clerk_event, name="dispatch"), and each method takes (self, request, event).'
        )


def _roll_back(answer: AnswerT) -> AnswerT:
    """Return an answer. If it is not a success, the transactions that are open around the view will not commit."""
    if getattr(answer, "status_code", 200) // 100 != 2:  # noqa: PLR2004  # 2xx
        for connection in connections.all(initialized_only=True):
            # The transaction of a TestCase is the test's own, as Django's check of durable blocks has it.
            if connection.in_atomic_block and not getattr(connection.atomic_blocks[-1], "_from_testcase", False):
                connection.set_rollback(True)
    return answer
