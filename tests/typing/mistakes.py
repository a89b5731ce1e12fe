"""Mistakes that type checkers must find: each line marked with `E:` has to be an error, and no other may be.

Never run: `check_mistakes.py` reads what mypy, pyright, ty and pyrefly say of it.
"""

from typing import assert_never

from django.http import HttpRequest, HttpResponse
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from clerk_webhook import (
    Webhook,
    WebhookEvent,
    asgi,
    aws_lambda,
    django,
    events,
    fastapi,
    flask,
    parse_event,
    svix_compat,
    verify,
    verify_and_parse,
    wsgi,
)
from clerk_webhook.diagnosis import Diagnosis, diagnose
from clerk_webhook.endpoint import Endpoint
from clerk_webhook.handlers import Handlers
from clerk_webhook.inbox import Version, record_newest, record_once, sqlite_transactions
from clerk_webhook.mirror import Mirror
from clerk_webhook.stores import MemoryStore, PostgresStore, RedisStore
from clerk_webhook.testing import sample, sample_event
from clerk_webhook.types import SessionJSON
from clerk_webhook.users import full_name

endpoint = Endpoint()
sync_session = sessionmaker()
handlers = Handlers(transaction=sync_session.begin)
async_handlers = Handlers(transaction=async_sessionmaker().begin)
bare = Handlers()
endpoint_in_a_transaction = Endpoint(transaction=sync_session.begin)


def misspelled_key(event: events.UserCreated) -> None:
    print(event.data["frist_name"])  # E: no such key


def key_of_another_payload(event: events.UserDeleted) -> None:
    print(event.data["email_addresses"])  # E: only the id is left of a deleted user


def not_narrowed(event: WebhookEvent) -> None:
    print(event.data["email_addresses"])  # E: most events have none


def null_not_considered(event: events.UserCreated) -> str:
    return event.data["first_name"]  # E: it may be null


def misspelled_class(event: WebhookEvent) -> None:
    match event:
        case events.UserCreate():  # E: no such class
            pass
        case _:
            pass


def narrowed_to_another_payload(event: WebhookEvent) -> None:
    if event.type == "session.created":
        print(event.data["first_name"])  # E: a session has none


def a_case_forgotten(event: events.UserWebhookEvent) -> str:
    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            return user["id"]
        case _:
            assert_never(event)  # E: UserDeleted is left


def parsed_body(webhook: Webhook, body: dict[str, object]) -> None:
    webhook.verify_and_parse({}, body)  # E: the raw body is wanted


def no_headers() -> None:
    verify_and_parse(None, b"")  # E: headers are wanted


def not_awaited(webhook: Webhook, event: WebhookEvent) -> None:
    event.payload = {}  # E: events are frozen
    webhook.verify(3, b"")  # E: headers are wanted


@handlers.newest  # E: there is no such session
def with_another_session(event: events.UserCreated, session: AsyncSession) -> None: ...


@async_handlers.once  # E: nor here
async def with_a_sync_session(event: events.UserCreated, session: Session) -> None: ...


@handlers.on  # E mypy pyright: the data isn't the event
def for_the_data(deleted: dict[str, object], session: Session) -> None: ...


@handlers.on  # E: the connection comes second
def the_wrong_way_round(session: Session, event: events.UserCreated) -> None: ...


@bare.on  # E: a handler takes the event
def for_nothing() -> None: ...


@handlers.newest  # E: a handler takes the event and the connection
def for_too_much(event: events.UserCreated, session: Session, retries: int) -> None: ...


@bare.on  # E: there is no connection
def without_a_transaction(event: events.UserCreated, session: Session) -> None: ...


@handlers.newest
def of_one_of_a_family(event: events.UserWebhookEvent, session: Session) -> None:
    print(event.data["first_name"])  # E: only the id is left of a deleted user


def of_a_decorated_handler(event: events.SessionEnded, session: Session) -> None:
    of_one_of_a_family(event, session)  # E: another event


handlers.on(events.UserCreated)  # E: the class is no handler
handlers.include(async_handlers)  # E: they get another session
bare.include(handlers)  # E: they need a session
handlers.dispatch({"type": "user.created"})  # E: an event is wanted
Handlers(transaction=sqlite_transactions)  # E: the path is missing
Handlers(transaction=sync_session.begin())  # E: the function is wanted
Handlers(transaction=django.atomic)  # E: its result is wanted
Handlers(transaction=Session.begin)  # E: the method of an object is wanted
PostgresStore(async_sessionmaker().begin)  # E: a sync connection is wanted
RedisStore(Redis)  # E: an object is wanted
events.data_type_of(events.UserCreated)  # E: the event type is text
Handlers(transaction=sync_session.begin, store=MemoryStore())  # E: one of the two is wanted
Handlers(store=MemoryStore)  # E: an object is wanted


session: SessionJSON = sample(events.UserCreated)  # E: another payload
full_name(sample(events.OrganizationCreated))  # E: no user
sample(events.UserCreated)["frist_name"]  # E: no such key
sample(dict)  # E: no event class
key_of_another_payload(sample_event(events.UserCreated))  # E: another event


def cause_not_considered(diagnosis: Diagnosis) -> bool:
    return diagnosis.cause.startswith("timestamp")  # E: it may be None


diagnose({}, {}, "whsec_")  # E: the raw body is wanted
diagnose({}, b"", None)  # E: a secret is wanted
svix_compat.Webhook("whsec_").sign("msg_1", 1614265330, "")  # E: svix takes a datetime
fastapi.clerk_event_from(42)  # E: a Webhook is wanted
fastapi.clerk_event("whsec_")  # E: it is a dependency, which takes the request
flask.clerk_event(b"whsec_")  # E: a secret is text
flask.clerk_event(observer=lambda: None)  # E: an observer takes an attempt
flask.view(Webhook("whsec_"))  # E: an Endpoint is wanted
django.view(Webhook("whsec_"))  # E: so it is here
fastapi.view(Webhook("whsec_"))  # E: so it is here
asgi.application(Webhook("whsec_"))  # E: so it is here
wsgi.application(Handlers())  # E: so it is here
aws_lambda.handler(Endpoint)  # E: an object is wanted
django.clerk_event(webhook=42)  # E: a Webhook is wanted
django.clerk_event(Webhook("whsec_"))  # E: it stands behind its name


@django.clerk_event  # E: the view takes no event
def without_an_event(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@django.clerk_event()  # E: nor does this one
async def async_without_an_event(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def forgotten_await(event: WebhookEvent, session: AsyncSession, connection: AsyncConnection) -> None:
    if record_newest(session, event):  # E pyright pyrefly: it must be awaited
        print()
    if not record_once(connection, event):  # E pyright pyrefly: it must be awaited
        print()


def awaitable_for_an_answer(event: WebhookEvent, session: AsyncSession) -> bool:
    return record_newest(session, event)  # E: it must be awaited


async def needless_await(event: WebhookEvent, session: Session) -> None:
    await record_newest(session, event)  # E: the session is sync


def no_connection(event: WebhookEvent, engine: Engine, async_engine: AsyncEngine, make: sessionmaker[Session]) -> None:
    record_newest(engine, event)  # E: one of its connections is wanted
    record_newest(async_engine, event)  # E: one of its connections is wanted
    record_once(make, event)  # E: one of its sessions is wanted
    record_once("sqlite://", event)  # E: a connection is wanted


def of_the_other(event: WebhookEvent, session: Session) -> None:
    record_newest(session, "msg_1")  # E: a message id has no order
    record_once(session, Version("user", "user_1", 1))  # E: a version is no message
    record_newest(session, {"id": "user_1"})  # E: the event is wanted
    Version.of(event).statement("pyformat")  # E: its name is format


def of_the_session(session: SessionJSON) -> str:
    return session["id"]


async def misused_mirror(
    mirror: Mirror, event: WebhookEvent, session: Session, async_session: AsyncSession, engine: Engine
) -> None:
    mirror.apply(engine, event)  # E: one of its connections is wanted
    mirror.apply(event, session)  # E: the connection comes first
    mirror.ensure(session, "users", "user_1")  # E: the kind is user
    mirror.apply_many(session, "user", event.data)  # E: a page is wanted
    mirror.apply_many(async_session, "user", [])  # E mypy pyright pyrefly: it must be awaited
    await mirror.unseen(session, "user", 0)  # E: the session is sync
    Mirror(users={"id": of_the_session})  # E: a function of a user is wanted
    Mirror(users=["email"])  # E: columns have names


endpoint.include(Endpoint)  # E: an endpoint is wanted
Endpoint(42)  # E: a Webhook is wanted
Endpoint("whsec_", "whsec_")  # E: one is wanted
Endpoint(observer=lambda: None)  # E: an observer takes an attempt
Endpoint(tolerance=60)  # E: that is the Webhook's
Endpoint(transaction=sync_session.begin, store=MemoryStore())  # E: one of the two is wanted


@endpoint_in_a_transaction.newest  # E: there is no such session
def of_an_endpoint(event: events.UserCreated, session: AsyncSession) -> None: ...


def misused_webhook(webhook: Webhook, headers: dict[str, str], body: bytes) -> None:
    webhook.verify_and_parse(body, headers)  # E: the headers come first
    webhook.sign("msg_1", 1614265330.5, body)  # E: whole seconds are wanted
    webhook.sign(b"msg_1", 1614265330, body)  # E: the id is text
    verify(headers, body, secret=["whsec_"])  # E: one secret is wanted
    verify(headers, body, tolerance="300")  # E: seconds are wanted
    Webhook(secret=5)  # E: a secret is str or bytes
    Webhook.from_env("WEBHOOK_SECRET")  # E: a mapping is wanted
    parse_event([])  # E: the body is wanted
