"""Handlers: their registration, and the order in which they run."""

from functools import partial, wraps
from operator import methodcaller
from unittest.mock import Mock

import pytest
from deliveries import SECRET
from endpoints import HANDLED, AsyncObject, async_handler, delivery, handled
from transports import by_asgi

from clerk_webhook import events
from clerk_webhook.endpoint import Endpoint, Handlers


async def other_async_handler(other, event):
    pass


def test_handlers_run_in_the_order_registered(send):
    endpoint = Endpoint(SECRET)
    seen = []
    endpoint.on_any(lambda event: seen.append("any"))
    endpoint.on(events.UserUpdated, events.UserCreated)(lambda event: seen.append("two"))
    endpoint.on(events.UserDeleted)(lambda event: seen.append("deleted"))
    endpoint.on_unknown(lambda event: seen.append(event.wire_type))
    endpoint.on_any(lambda event: seen.append("any again"))
    assert send(endpoint, *delivery()).status == 200
    assert seen == ["any", "two", "any again"]
    seen.clear()
    assert send(endpoint, *delivery("new.type")) == HANDLED
    assert seen == ["any", "new.type", "any again"]


def test_a_handler_registered_after_the_first_delivery_is_called_too():
    endpoint = Endpoint(SECRET)
    assert endpoint.handle(*delivery()).body == b"ignored"
    endpoint.on_any(lambda event: None)
    assert endpoint.handle(*delivery()) == HANDLED


def test_handlers_after_a_failed_handler_do_not_run():
    endpoint, seen = handled(raises=ValueError())
    endpoint.on_any(lambda event: seen.append("after"))
    assert endpoint.handle(*delivery()).status == 500
    assert len(seen) == 1


@pytest.mark.parametrize("other", [Handlers(), Endpoint(SECRET)], ids=["handlers", "endpoint"])
def test_included_handlers_run_after_the_own_handlers(other):
    endpoint = Endpoint(SECRET)
    seen = []
    endpoint.on_any(lambda event: seen.append("own"))
    other.on(events.UserCreated)(lambda event: seen.append("included"))
    other.on(events.UserDeleted)(lambda event: seen.append("deleted"))
    endpoint.include(other)
    other.on_any(lambda event: seen.append("too late"))
    endpoint.handle(*delivery())
    assert seen == ["own", "included"]


def test_the_decorators_return_the_function_itself():
    endpoint = Endpoint(SECRET)

    def handler(event):
        pass

    for decorate in (endpoint.on(events.UserCreated), endpoint.on_any, endpoint.on_unknown):
        assert decorate(handler) is handler


@pytest.mark.parametrize(
    "event_classes",
    [
        (),
        ("user.created",),
        (lambda event: None,),
        (events.Event,),
        (object,),
        (events.UserCreated, None),
        (events.UserWebhookEvent,),
        ([events.UserCreated],),
    ],
)
def test_on_takes_event_classes_only(event_classes):
    with pytest.raises(TypeError) as caught:
        Endpoint(SECRET).on(*event_classes)
    cure = "such as @endpoint.on(events.UserCreated). For all events use @endpoint.on_any."
    assert str(caught.value) == f"on() takes event classes, {cure}"


class Nothing:
    def __call__(self):
        pass

    def two(self, event, session):
        pass


@pytest.mark.parametrize(
    ("handler", "cure"),
    [
        (None, "A handler must be a function that takes an event, not NoneType"),
        ("welcome", "A handler must be a function that takes an event, not str"),
        (events.UserCreated, r"not the class UserCreated\. For .* one class use @endpoint\.on\(events\.UserCreated\)"),
        (lambda: None, r"<lambda> must take one argument, the event: too many positional arguments"),
        (lambda event, session: None, "one argument, the event: missing a required argument: 'session'"),
        (lambda event, *, session: None, "one argument, the event: missing a required .*argument: 'session'"),
        (lambda *, event: None, "one argument, the event: too many positional arguments"),
        (Nothing(), "Nothing must take one argument, the event: too many positional arguments"),
        (Nothing().two, r"Nothing\.two must take one argument, the event: missing a required argument: 'session'"),
        (partial(other_async_handler, 1, 2), "one argument, the event: too many positional arguments"),
    ],
)
def test_a_handler_that_cannot_take_an_event_is_refused_when_it_is_registered(handler, cure):
    endpoint = Endpoint(SECRET)
    for decorate in (endpoint.on(events.UserCreated), endpoint.on_any, endpoint.on_unknown):
        with pytest.raises(TypeError, match=cure):
            decorate(handler)
    assert endpoint.handle(*delivery()).body == b"ignored"


def with_session(handler):
    @wraps(handler)
    def wrapper(event):
        return handler(event, "session")

    return wrapper


@pytest.mark.parametrize(
    "handler",
    [
        lambda *args: None,
        lambda event, retries=3, **more: None,
        with_session(lambda event, session: None),
        partial(lambda session, event: None, "session"),
        Mock(return_value=None),
        [].append,
        methodcaller("__repr__"),
    ],
)
def test_a_handler_may_have_other_parameters_that_need_no_argument(handler):
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(handler)
    assert endpoint.handle(*delivery()) == HANDLED


def test_included_handlers_are_handlers_of_another_object():
    endpoint = Endpoint(SECRET)
    for other in (Endpoint, Handlers, "billing", None):
        with pytest.raises(TypeError, match=rf"include\(\) takes an object .*, not {type(other).__name__}\."):
            endpoint.include(other)
    with pytest.raises(ValueError, match=r"^include\(\) takes other handlers: .* would run each twice\.$"):
        endpoint.include(endpoint)


@pytest.mark.parametrize("handler", [async_handler, partial(other_async_handler, 1), AsyncObject()])
def test_an_async_handler_is_refused_if_nothing_would_run_it(handler):
    for mount in (Endpoint.wsgi, Endpoint.aws_lambda, lambda endpoint: endpoint.handle(*delivery())):
        endpoint = Endpoint(SECRET)
        endpoint.on(events.UserCreated)(handler)
        name = getattr(handler, "__qualname__", type(handler).__qualname__)
        with pytest.raises(TypeError, match=rf"^{name} is async, .*: write it as def, or mount endpoint\.asgi\(\)\.$"):
            mount(endpoint)
    endpoint = Endpoint(SECRET)
    endpoint.wsgi()
    with pytest.raises(TypeError, match=r"is async"):
        endpoint.on(events.UserCreated)(handler)
    assert endpoint.handle(*delivery()).body == b"ignored"
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(handler)
    assert by_asgi(endpoint, *delivery()) == HANDLED


def test_a_hidden_async_function_fails_and_is_not_dropped(send, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        return async_handler(event)

    assert send(endpoint, *delivery()).status == 500
    assert "handler returned something to await: declare it as async def" in caplog.text


def test_an_async_handler_that_forgets_an_await_fails(caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    async def handler(event):
        return async_handler(event)

    assert by_asgi(endpoint, *delivery()).status == 500
    assert "handler returned something to await" in caplog.text


def generator(event):
    yield


async def async_generator(event):
    yield


def test_the_return_value_of_a_handler_is_not_used(send):
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(lambda event: event.data["id"])
    assert send(endpoint, *delivery()) == HANDLED


class GeneratorObject:
    def __call__(self, event):
        yield


@pytest.mark.parametrize("returned", [generator, async_generator])
def test_a_function_that_returns_a_generator_fails_because_nothing_would_run_it(send, returned, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        return returned(event)

    assert send(endpoint, *delivery()).status == 500
    assert "handler returned a generator" in caplog.text


@pytest.mark.parametrize("handler", [generator, async_generator, GeneratorObject()])
def test_a_generator_is_refused_because_nothing_would_run_it(handler):
    with pytest.raises(TypeError, match=r"^A handler must not be a generator, .*: write it without yield\.$"):
        Endpoint(SECRET).on(events.UserCreated)(handler)


def test_a_handler_that_returns_another_awaitable_fails_too():
    class Awaitable:
        def __await__(self):
            yield

    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(lambda event: Awaitable())
    endpoint.on_any(async_handler)
    assert by_asgi(endpoint, *delivery()).status == 500
