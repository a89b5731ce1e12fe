"""Handlers: what is registered, in which order it runs, and what is refused."""

from functools import partial

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


def test_handlers_behind_one_that_fails_do_not_run():
    endpoint, seen = handled(raises=ValueError())
    endpoint.on_any(lambda event: seen.append("behind"))
    assert endpoint.handle(*delivery()).status == 500
    assert len(seen) == 1


@pytest.mark.parametrize("other", [Handlers(), Endpoint(SECRET)], ids=["handlers", "endpoint"])
def test_included_handlers_come_behind_those_there(other):
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
    "register",
    [
        lambda endpoint: endpoint.on(),
        lambda endpoint: endpoint.on("user.created"),
        lambda endpoint: endpoint.on(lambda event: None),
        lambda endpoint: endpoint.on(events.Event),
        lambda endpoint: endpoint.on(events.UserCreated, None),
        lambda endpoint: endpoint.on(events.UserWebhookEvent),
        lambda endpoint: endpoint.on([events.UserCreated]),
        lambda endpoint: endpoint.on(events.UserCreated)(None),
        lambda endpoint: endpoint.on_any(None),
    ],
)
def test_a_mistaken_registration_is_a_type_error(register):
    with pytest.raises(TypeError, match=r"on\(\) takes the classes|must be a function"):
        register(Endpoint(SECRET))


@pytest.mark.parametrize("handler", [async_handler, partial(other_async_handler, 1), AsyncObject()])
def test_an_async_handler_is_refused_where_nothing_would_run_it(handler):
    for mount in (Endpoint.wsgi, Endpoint.aws_lambda, lambda endpoint: endpoint.handle(*delivery())):
        endpoint = Endpoint(SECRET)
        endpoint.on(events.UserCreated)(handler)
        with pytest.raises(TypeError, match=r"is async.*endpoint\.asgi"):
            mount(endpoint)
    endpoint = Endpoint(SECRET)
    endpoint.wsgi()
    with pytest.raises(TypeError, match=r"is async"):
        endpoint.on(events.UserCreated)(handler)
    assert endpoint.handle(*delivery()).body == b"ignored"
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(handler)
    assert by_asgi(endpoint, *delivery()) == HANDLED


def test_an_async_function_that_does_not_look_it_fails_rather_than_being_dropped(send, caplog):
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


def test_what_else_a_handler_returns_is_not_used(send):
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(lambda event: event.data["id"])
    assert send(endpoint, *delivery()) == HANDLED


class GeneratorObject:
    def __call__(self, event):
        yield


@pytest.mark.parametrize("returned", [generator, async_generator])
def test_a_function_that_returns_a_generator_fails_rather_than_running_nothing(send, returned, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        return returned(event)

    assert send(endpoint, *delivery()).status == 500
    assert "returned a generator" in caplog.text


@pytest.mark.parametrize("handler", [generator, async_generator, GeneratorObject()])
def test_a_generator_is_refused_for_nothing_would_run_it(handler):
    with pytest.raises(TypeError, match="without yield"):
        Endpoint(SECRET).on(events.UserCreated)(handler)


def test_a_handler_that_takes_no_event_is_told_of(send, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler():
        pass

    assert send(endpoint, *delivery()).status == 500
    assert "handler() takes 0 positional arguments but 1 was given" in caplog.text


def test_something_else_to_await_is_refused_too():
    class Awaitable:
        def __await__(self):
            yield

    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(lambda event: Awaitable())
    endpoint.on_any(async_handler)
    assert by_asgi(endpoint, *delivery()).status == 500
