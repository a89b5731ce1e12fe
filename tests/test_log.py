"""The log and the observer."""

import asyncio
import json
import logging
import time
from operator import methodcaller

import pytest
from deliveries import SECRET, signed
from endpoints import ADDRESS, CODE, delivery, handled
from transports import by_asgi

from clerk_webhook import PayloadError, events
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.endpoint import endpoint as endpoint_module
from clerk_webhook.stores import MemoryStore


def test_the_observer_is_called_once_for_each_request(send):
    seen = []
    failure = KeyError("x")

    def fail(event):
        raise failure

    endpoint = Endpoint(SECRET, store=MemoryStore(), max_body=1000, observer=seen.append)
    endpoint.on(events.UserCreated)(lambda event: None)
    endpoint.on(events.UserDeleted)(fail)
    for headers, body, method in [
        (*delivery(), "POST"),
        (*delivery(), "POST"),
        (*delivery("new.type", message_id="msg_2"), "POST"),
        (*delivery("user.deleted", message_id="msg_3"), "POST"),
        ({}, b"", "POST"),
        ({}, b"", "GET"),
        ({}, b"x" * 1001, "POST"),
    ]:
        send(endpoint, headers, body, method)
    assert [attempt[:5] for attempt in seen] == [
        ("handled", 200, None, "user.created", "msg_1"),
        ("duplicate", 200, None, "user.created", "msg_1"),
        ("ignored", 200, None, "new.type", "msg_2"),
        ("failed", 500, None, "user.deleted", "msg_3"),
        ("refused", 400, "missing_header", None, None),
        ("method_not_allowed", 405, None, None, None),
        ("too_large", 413, None, None, None),
    ]
    assert [attempt.error for attempt in seen if attempt.outcome == "failed"] == [failure]
    assert all(0 <= attempt.duration < 10 for attempt in seen)


def test_records_are_structured(caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    endpoint, _ = handled()
    endpoint.handle(*delivery())
    endpoint.handle({}, b"")
    first, second = caplog.records
    assert (first.levelname, first.outcome, first.status, first.code) == ("INFO", "handled", 200, None)
    assert (first.event_type, first.message_id) == ("user.created", "msg_1")
    assert first.duration >= 0
    assert first.getMessage().startswith("user.created msg_1: handled in ")
    assert (second.levelname, second.outcome, second.code) == ("WARNING", "refused", "missing_header")
    assert "refused (missing_header)" in second.getMessage()
    assert "svix-id, svix-timestamp, svix-signature" in second.getMessage()


def test_nothing_is_rendered_that_nobody_reads(caplog):
    caplog.set_level(logging.CRITICAL, "clerk_webhook")
    assert Endpoint(SECRET).handle({}, b"").status == 400
    assert caplog.records == []


def test_a_failure_is_logged_with_its_place_and_without_its_text(caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        json.loads("{" + event.data["first_name"])

    endpoint.handle(*delivery(first_name="Ada"))
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "JSONDecodeError" in record.getMessage()
    assert "in handler" in record.getMessage()
    assert "test_log.py" in record.getMessage()
    assert "Ada" not in record.getMessage()


def test_a_group_of_failures_is_logged_with_the_place_of_each(caplog):
    endpoint = Endpoint(SECRET)

    def find(event):
        raise LookupError(ADDRESS)

    @endpoint.on(events.UserCreated)
    async def handler(event):
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(find, event))

    by_asgi(endpoint, *delivery())
    assert "in it: LookupError" in caplog.text
    assert "in find" in caplog.text
    assert ADDRESS not in caplog.text


def test_an_error_that_is_empty_is_logged_too(caplog):
    class EmptyError(Exception):
        def __len__(self):
            return 0

    endpoint, _ = handled(raises=EmptyError())
    endpoint.handle(*delivery())
    assert "EmptyError" in caplog.text


def test_the_text_of_a_failure_in_a_function_without_frames_is_withheld_too(caplog):
    endpoint = Endpoint(SECRET)
    endpoint.on(events.UserCreated)(methodcaller("__getattribute__", ADDRESS))
    endpoint.handle(*delivery())
    assert "AttributeError" in caplog.text
    assert ADDRESS not in caplog.text


def test_a_failure_far_down_is_no_flood(caplog):
    endpoint, _ = handled()

    @endpoint.on(events.UserCreated)
    def even(event):
        odd(event)

    def odd(event):
        even(event)

    endpoint.handle(*delivery())
    assert "RecursionError" in caplog.text
    assert len(caplog.text) < 5000


@pytest.mark.parametrize("raises", [None, ValueError, AbortDelivery, PayloadError])
@pytest.mark.parametrize("spoiled", [False, True])
def test_no_body_address_or_code_is_logged(send, raises, spoiled, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on(events.EmailCreated)
    def handler(event):
        if raises:
            raise raises(json.dumps(event.raw))

    headers, body = delivery(
        "email.created", to_email_address=ADDRESS, data={"otp_code": CODE}, subject=f"{CODE} is it"
    )
    send(endpoint, headers, body + b"}" if spoiled else body)
    unread = signed(body + b"}", timestamp=int(time.time()))
    send(endpoint, unread, body + b"}")  # genuine, and no JSON
    assert caplog.records
    shown = caplog.text + "".join(str(vars(record)) for record in caplog.records) + "".join(capfd.readouterr())
    assert CODE not in shown
    assert ADDRESS not in shown
    assert SECRET not in shown


@pytest.mark.parametrize("raises", [None, ValueError()])
def test_an_observer_that_raises_changes_nothing(send, raises, caplog):
    def observer(attempt):
        raise RuntimeError(f"of {attempt}")

    endpoint = Endpoint(SECRET, observer=observer)

    @endpoint.on(events.UserCreated)
    def handler(event):
        if raises:
            raise raises

    assert send(endpoint, *delivery()).status == (500 if raises else 200)
    assert send(endpoint, {}, b"").status == 400
    assert "The observer failed: RuntimeError" in caplog.text


def test_logging_that_raises_changes_nothing(send):
    def observer(attempt):
        raise RuntimeError

    def broken(record):
        raise OSError("the disk is full")

    logger = logging.getLogger("clerk_webhook")
    logger.addFilter(broken)
    try:
        endpoint = Endpoint(SECRET, observer=observer)
        endpoint.on_any(lambda event: None)
        assert send(endpoint, *delivery()).status == 200
        assert send(endpoint, {}, b"").status == 400
    finally:
        logger.removeFilter(broken)


@pytest.mark.parametrize(("seconds", "level"), [(9.9, "INFO"), (10, "WARNING"), (20, "WARNING")])
def test_a_handler_that_comes_near_the_15_seconds_of_svix_is_warned_of(monkeypatch, caplog, seconds, level):
    caplog.set_level(logging.INFO, "clerk_webhook")
    now = [0.0]
    monkeypatch.setattr(endpoint_module, "_now", lambda: now[0])
    endpoint = Endpoint(SECRET)

    @endpoint.on(events.UserCreated)
    def handler(event):
        now[0] += seconds

    assert endpoint.handle(*delivery()).status == 200
    (record,) = caplog.records
    assert (record.levelname, record.duration) == (level, seconds)
    assert ("15 s" in record.getMessage()) == (level == "WARNING")
