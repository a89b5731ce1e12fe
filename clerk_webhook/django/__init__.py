"""Django: a decorator for views that take a verified, typed event, an endpoint as a view, and an app.

```python
from clerk_webhook import Endpoint
from clerk_webhook.django import atomic, view, webhook_from_settings

endpoint = Endpoint(webhook_from_settings, transaction=atomic())
urlpatterns = [path("api/webhooks", view(endpoint))]
```

With `"clerk_webhook.django"` in `INSTALLED_APPS`, the tables of the inbox and of the mirror are models. The views do
not need that.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

try:
    from asgiref.sync import sync_to_async
    from django.conf import settings
    from django.core.exceptions import RequestDataTooBig
    from django.db import DEFAULT_DB_ALIAS, connections, transaction
    from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: TC002  # `Handlers` resolves the annotation
    from django.http import HttpRequest, HttpResponse
except ImportError as _error:
    raise ImportError("clerk_webhook.django needs Django: pip install django") from _error

from .._dispatch import FAILURES
from .._reception import MAX_BODY, Arrival, Observer, Reception, Refused, WebhookSource, checked, verifier
from .._tracebacks import our_frames_hidden
from ..events import WebhookEvent
from ..webhook import SECRET_VARIABLES, Webhook

if TYPE_CHECKING:
    from ..endpoint import Endpoint

__all__ = ["atomic", "clerk_event", "view", "webhook_from_settings"]

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

# Any, because a check against tuple itself makes a tuple of Unknown.
_TUPLE: Any = tuple
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
    or wrong. If the view raises, or answers anything but 2xx, the transaction around the view is rolled back.
    A success raises the database's error if somebody has caught one, because nothing would be committed.

    For a class-based view: `@method_decorator(clerk_event, name="dispatch")`.

    Args:
        view: The view.
        webhook: A `Webhook`, a signing secret as text, or a function that returns a `Webhook` and is called at each
            request. None: `webhook_from_settings`.
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
        source = webhook_from_settings if webhook is None else webhook
        reception = Reception(verifier(source), observer=observer, max_body=max_body)

    def event_of(request: HttpRequest) -> WebhookEvent | HttpResponse:
        arrival = Arrival(reception, request.path)
        try:
            body = arrival.read(request.method or "", request.META, lambda _: _read(request))
            return arrival.accept(request.META, body)
        except Refused as refused:
            status = arrival.refuse(refused).status
            return HttpResponse(refused.reason, "text/plain", status, headers=refused.headers)

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        _check_view(view)

        @wraps(view)
        def sync_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                event = event_of(request)
                answer = event if isinstance(event, HttpResponse) else view(request, event, *args, **kwargs)
                _end(answer)
            except FAILURES:  # a middleware, or REST framework, may make an answer of it
                _roll_back()
                raise
            return answer

        @wraps(view)
        async def async_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                event = event_of(request)
                answer = event if isinstance(event, HttpResponse) else await view(request, event, *args, **kwargs)
                await sync_to_async(_end)(answer)  # in the thread of the sync code around the view
            except FAILURES:
                await sync_to_async(_roll_back)()
                raise
            return answer

        public = async_view if _is_async(view) else sync_view
        public.__dict__.update(_PUBLIC)
        _hide_event(public, view)
        return public

    with our_frames_hidden:
        return decorate if view is None else decorate(view)


def view(endpoint: Endpoint[Any]) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that answers with an endpoint. Its handlers run as in any sync view.

    If the answer is anything but 2xx, the transaction around the view is rolled back.

    Args:
        endpoint: The endpoint. Make it with `webhook_from_settings`, because `manage.py` imports it.

    Raises:
        TypeError: This is no endpoint, or a handler is async. One that is added later is refused at the first event.

    Example:
        ```python
        urlpatterns = [path("api/webhooks", view(endpoint))]
        ```
    """
    respond = checked(endpoint).door()

    def clerk_webhook(request: HttpRequest) -> HttpResponse:
        answered = respond(request.method or "", request.path, request.META, lambda _: _read(request))
        answer = HttpResponse(answered.body, status=answered.status, headers=answered.headers)
        _end(answer)
        return answer

    clerk_webhook.__dict__.update(_PUBLIC)
    return clerk_webhook


def webhook_from_settings() -> Webhook:
    """Return the `Webhook` of `settings.CLERK_WEBHOOK_SIGNING_SECRET`, or else of the environment.

    An endpoint calls this at each request, so commands such as `manage.py migrate` need no secret.

    Raises:
        SecretError: No secret is configured, or it cannot be a signing secret.

    Example:
        ```python
        endpoint = Endpoint(webhook_from_settings, transaction=atomic())
        ```
    """
    with our_frames_hidden:
        secret = getattr(settings, SECRET_VARIABLES[0], None)
        return Webhook(secret) if secret else Webhook.from_env()


def atomic(using: str | None = None) -> Callable[[], AbstractContextManager[BaseDatabaseWrapper]]:
    """Return what begins a transaction of Django, `transaction.atomic`, and gives handlers Django's connection.

    Args:
        using: The alias of the database. None: the default one.

    Raises:
        ConnectionDoesNotExist: `settings.DATABASES` has no such alias.

    Example:
        ```python
        endpoint = Endpoint(webhook_from_settings, transaction=atomic())
        ```
    """
    return _atomic(using or DEFAULT_DB_ALIAS)


@cache  # so that handlers of several apps have the same one, and can be included into one endpoint
def _atomic(alias: str) -> Callable[[], AbstractContextManager[BaseDatabaseWrapper]]:
    connections[alias]  # raises now, and not at the first event

    @contextmanager
    def begin() -> Generator[BaseDatabaseWrapper]:
        with transaction.atomic(alias):
            yield connections[alias]

    return begin


def _read(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:  # by DATA_UPLOAD_MAX_MEMORY_SIZE
        raise Refused("too_large") from None


def _check_view(view: Any) -> None:
    """Refuse what cannot be a view."""
    cure = '@method_decorator(clerk_event, name="dispatch")'
    if isinstance(view, type):
        raise TypeError(f"Decorate the class {view.__name__} by {cure}.")
    if not callable(view):
        raise TypeError(f"@clerk_event decorates a view, not {type(view).__name__}: write @clerk_event(webhook=...).")
    name = getattr(view, "__name__", "dispatch")
    # method_decorator hands over a method as a partial, which has its "self" already.
    by_name = inspect.ismethod(getattr(view, "func", None)) and name != "dispatch"
    in_class = inspect.isfunction(view) and "self" in [*inspect.signature(view).parameters][:1]
    if by_name or (in_class and not hasattr(view, "view_class")):  # which the result of as_view() has
        raise TypeError(
            f"{name} is a method, so Django would ask Clerk for a CSRF token. Decorate its class instead, by {cure}, "
            "and each method takes (self, request, event)."
        )
    if hasattr(view, "_ninja_operation"):
        raise TypeError(f"Write @clerk_event below the decorator of django-ninja, directly above {name}.")


def _is_async(view: Any) -> bool:
    # A class-based view says whether its `dispatch`, or the view that it becomes, returns something to await.
    cls = getattr(view, "view_class", getattr(getattr(view, "func", None), "__self__", None))
    return inspect.iscoroutinefunction(view) or getattr(cls, "view_is_async", False)


def _hide_event(public: Any, view: Callable[..., Any]) -> None:
    """Take the event out of the signature, because django-ninja makes parameters of the request of it."""
    signature = inspect.signature(view)
    parameters = [*signature.parameters.values()]
    if len(parameters) > 1 and parameters[1].kind < inspect.Parameter.VAR_POSITIONAL:
        public.__signature__ = signature.replace(parameters=[parameters[0], *parameters[2:]])


def _is_success(answer: Any) -> bool:
    """Return whether an answer is 2xx. In django-ninja it can be a body too, or a status and a body."""
    if isinstance(answer, _TUPLE) and len(answer) == 2:  # noqa: PLR2004
        status: int = answer[0]
    else:
        status = getattr(answer, "status_code", 200)
    return status // 100 == 2  # noqa: PLR2004  # 2xx


def _end(answer: Any) -> None:
    """End the transactions that are open around the view: they commit a success alone.

    Raises:
        DatabaseError: The answer is a success, but somebody has caught an error of the database. Django and PostgreSQL
            roll back then, and would say nothing.
    """
    if not _is_success(answer):
        return _roll_back()
    for connection in _open():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1{connection.features.bare_select_suffix}")
    return None


def _roll_back() -> None:
    """See to it that the transactions that are open around the view do not commit."""
    for connection in _open():
        connection.set_rollback(True)


def _open() -> Iterator[BaseDatabaseWrapper]:
    for connection in connections.all(initialized_only=True):
        # The transaction of a TestCase is the test's own, as Django's check of durable blocks has it.
        if connection.in_atomic_block and not getattr(connection.atomic_blocks[-1], "_from_testcase", False):
            yield connection
