"""The log and the observer."""

import asyncio
import json
import logging
import re

import pytest
from deliveries import SECRET
from dispatching import ADDRESS, FailingStore, raise_
from endpoints import CODE, delivery, genuine, handled, taking
from transports import by_asgi

from clerk_webhook import PayloadError, WebhookEvent, _reception, events
from clerk_webhook.endpoint import AbortDelivery, Endpoint
from clerk_webhook.inbox import sqlite_transactions
from clerk_webhook.mirror import Mirror
from clerk_webhook.stores import MemoryStore


def wrapped_as_orig(error):
    """Wrap a driver's exception as SQLAlchemy does."""
    outer = Exception()
    outer.orig = error
    return outer


def wrapped_as_cause(error):
    """Wrap a driver's exception as Django does."""
    outer = Exception()
    outer.__cause__ = error
    return outer


def test_each_request_is_logged_and_observed_once(send, caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    seen = []
    failure, abort = KeyError("x"), AbortDelivery()
    store = FailingStore(None)
    endpoint = Endpoint(SECRET, store=store, max_body=1000, observer=seen.append)
    endpoint.on(taking(events.UserCreated, lambda event: None))
    endpoint.on(taking(events.UserDeleted, lambda event: raise_(failure)))
    endpoint.on(taking(events.UserUpdated, lambda event: raise_(abort)))
    for headers, body, method in [
        (*delivery(), "POST"),
        (*delivery(), "POST"),
        (*delivery("new.type", message_id="msg_2"), "POST"),
        (*delivery("user.deleted", message_id="msg_3"), "POST"),
        ({}, b"", "POST"),
        ({}, b"", "GET"),
        ({}, b"x" * 1001, "POST"),
        (*genuine(b"[]"), "POST"),
        (*delivery("user.updated", message_id="msg_4"), "POST"),
    ]:
        send(endpoint, headers, body, method)
    store.fails = "claim"
    send(endpoint, *delivery())
    assert [attempt[:5] for attempt in seen] == [
        ("handled", 200, None, "user.created", "msg_1"),
        ("duplicate", 200, None, "user.created", "msg_1"),
        ("ignored", 200, None, "new.type", "msg_2"),
        ("failed", 500, None, "user.deleted", "msg_3"),
        ("refused", 400, "missing_header", None, None),
        ("method_not_allowed", 405, None, None, None),
        ("too_large", 413, None, None, None),
        ("unreadable", 400, "invalid_payload", None, "msg_1"),
        ("aborted", 400, None, "user.updated", "msg_4"),
        ("unavailable", 503, None, "user.created", "msg_1"),
    ]
    assert [type(attempt.error).__name__ for attempt in seen] == [
        *["NoneType", "NoneType", "NoneType", "KeyError", "MissingHeaderError", "NoneType", "NoneType"],
        *["PayloadError", "AbortDelivery", "ConnectionError"],
    ]
    assert (seen[3].error, seen[8].error) == (failure, abort)
    assert all(0 <= attempt.duration < 10 for attempt in seen)
    assert [(record.outcome, record.levelname) for record in caplog.records] == [
        ("handled", "INFO"),
        ("duplicate", "INFO"),
        ("ignored", "INFO"),
        ("failed", "ERROR"),
        ("refused", "WARNING"),
        ("method_not_allowed", "INFO"),
        ("too_large", "WARNING"),
        ("unreadable", "ERROR"),
        ("aborted", "WARNING"),
        ("unavailable", "ERROR"),
    ]


def test_records_are_structured(caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    endpoint, _ = handled()
    endpoint.handle(*delivery())
    endpoint.handle({}, b"")
    first, second = caplog.records
    assert (first.levelname, first.outcome, first.status, first.code) == ("INFO", "handled", 200, None)
    assert (first.event_type, first.message_id, first.instance_id, first.path) == (
        *("user.created", "msg_1", None),
        None,
    )
    assert first.duration >= 0
    assert first.getMessage().startswith("user.created msg_1: handled in ")
    assert (second.levelname, second.outcome, second.code) == ("WARNING", "refused", "missing_header")
    reason = "The request has no svix-id, svix-timestamp, svix-signature: "
    assert re.match(rf"refused \(missing_header\) in \d+\.\d ms: {reason}", second.getMessage())
    # Error reporters group records by their format.
    assert {record.msg for record in (first, second)} == {"%s"}


def test_a_cancelled_attempt_is_no_failure_of_a_place(caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on
    async def handler(event: events.UserCreated):
        asyncio.current_task().cancel()
        await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(endpoint.handle_async(*delivery()))
    (record,) = caplog.records
    assert re.fullmatch(r"user\.created msg_1: cancelled in \d+\.\d ms", record.getMessage())


def test_a_record_that_nobody_reads_is_not_made(caplog):
    caplog.set_level(logging.CRITICAL, "clerk_webhook")
    assert Endpoint(SECRET).handle({}, b"").status == 400
    assert caplog.records == []


def test_a_failure_is_logged_with_its_place_and_without_its_text(caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on
    def handler(event: events.UserCreated):
        json.loads("{" + event.data["first_name"])

    endpoint.handle(*delivery(first_name="Ada"))
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    first, second, *others = record.getMessage().splitlines()
    assert re.fullmatch(r"user\.created msg_1: failed in \d+\.\d ms: JSONDecodeError", first)
    assert re.fullmatch(r'  File ".*test_log\.py", line \d+, in handler', second)
    assert all(line.startswith("  ") for line in others)
    assert "Ada" not in record.getMessage()


@pytest.mark.parametrize("name", ["sqlstate", "pgcode"])  # of psycopg and asyncpg, of psycopg2
@pytest.mark.parametrize("wrap", [lambda error: error, wrapped_as_orig, wrapped_as_cause])
def test_a_failure_of_a_database_is_logged_with_its_sqlstate(caplog, name, wrap):
    endpoint = Endpoint(SECRET)

    @endpoint.on
    def handler(event: events.UserCreated):
        error = Exception("Failing row contains (user_1, ada@example.com)")
        setattr(error, name, "23514")
        raise wrap(error)

    endpoint.handle(*delivery())
    assert "Exception (SQLSTATE 23514)\n" in caplog.messages[0]
    assert "ada" not in caplog.messages[0]


def test_a_missing_table_is_logged_with_the_cure(caplog, tmp_path):
    endpoint = Endpoint(SECRET, transaction=sqlite_transactions(tmp_path / "new.db"))
    endpoint.include(Mirror().handlers)
    assert endpoint.handle(*delivery()).status == 500
    assert "OperationalError (SQLITE_ERROR: a table does not exist, so run your migration)" in caplog.messages[0]


def test_a_missing_column_is_logged_with_the_cure(caplog, tmp_path):
    transaction = sqlite_transactions(tmp_path / "old.db")
    with transaction() as connection:
        for statement in Mirror().create_tables:
            connection.execute(statement)
    endpoint = Endpoint(SECRET, transaction=transaction)
    endpoint.include(Mirror(users={"banned": "banned"}).handlers)
    assert endpoint.handle(*delivery()).status == 500
    assert "OperationalError (SQLITE_ERROR: a column does not exist, so run your migration)" in caplog.messages[0]


@pytest.mark.parametrize(("sqlstate", "missing"), [("42P01", "table"), ("42703", "column")])
def test_what_is_missing_in_postgresql_is_logged_with_the_cure(sqlstate, missing, caplog):
    endpoint = Endpoint(SECRET)

    @endpoint.on
    def handler(event: events.UserCreated):
        error = Exception('relation "users" does not exist')
        error.sqlstate = sqlstate
        raise error

    endpoint.handle(*delivery())
    cure = f"a {missing} does not exist, so run your migration"
    assert f"Exception (SQLSTATE {sqlstate}: {cure})" in caplog.messages[0]


def test_a_group_of_failures_is_logged_with_the_place_of_each(caplog):
    endpoint = Endpoint(SECRET)

    def find(event):
        raise LookupError(ADDRESS)

    @endpoint.on
    async def handler(event: events.UserCreated):
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(find, event))

    by_asgi(endpoint, *delivery())
    lines = caplog.messages[0].split("\n")
    first, second = (line for line in lines if not line.startswith("  "))
    assert first.endswith(" ms: ExceptionGroup")
    assert second == "in it: LookupError"
    assert "in handler" in lines[1]
    assert "in find" in lines[-2]
    assert lines[-1] == "    raise LookupError(ADDRESS)"
    assert ADDRESS not in caplog.text


def test_an_error_that_is_empty_is_logged_too(caplog):
    class EmptyError(Exception):
        def __len__(self):
            return 0

    endpoint, _ = handled(raises=EmptyError())
    endpoint.handle(*delivery())
    assert "EmptyError" in caplog.text


def test_a_failure_in_a_deep_recursion_is_a_short_record(caplog):
    endpoint, _ = handled()

    @endpoint.on
    def even(event: events.UserCreated):
        odd(event)

    def odd(event):
        even(event)

    endpoint.handle(*delivery())
    assert "RecursionError" in caplog.text
    assert len(caplog.text) < 5000


@pytest.mark.parametrize("raises", [None, ValueError, SystemExit, PayloadError])
@pytest.mark.parametrize("spoiled", [False, True])
def test_no_body_address_or_code_is_logged(send, raises, spoiled, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    endpoint = Endpoint(SECRET, store=MemoryStore())

    @endpoint.on
    def handler(event: events.EmailCreated):
        if raises:
            raise raises(json.dumps(event.payload))

    headers, body = delivery(
        "email.created", to_email_address=ADDRESS, data={"otp_code": CODE}, subject=f"{CODE} is it"
    )
    send(endpoint, headers, body + b"}" if spoiled else body)
    send(endpoint, *genuine(body + b"}"))
    assert caplog.records
    shown = caplog.text + "".join(str(vars(record)) for record in caplog.records) + "".join(capfd.readouterr())
    assert CODE not in shown
    assert ADDRESS not in shown
    assert SECRET not in shown


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
@pytest.mark.parametrize("raises", [None, ValueError()])
def test_an_observer_that_raises_changes_no_answer(send, raises, error, caplog):
    def observer(attempt):
        raise error(f"of {attempt}")

    endpoint = Endpoint(SECRET, observer=observer)

    @endpoint.on
    def handler(event: events.UserCreated):
        if raises:
            raise raises

    assert send(endpoint, *delivery()).status == (500 if raises else 200)
    assert send(endpoint, {}, b"").status == 400
    problems = [record for record in caplog.records if record.getMessage().startswith("The observer failed: ")]
    assert [record.message_id for record in problems] == ["msg_1", None]
    assert error.__name__ in problems[0].getMessage()
    assert "first_name" not in caplog.text


def test_logging_that_raises_changes_no_answer(send):
    def observer(attempt):
        raise RuntimeError

    def broken(record):
        raise OSError("the disk is full")

    logger = logging.getLogger("clerk_webhook")
    logger.addFilter(broken)
    try:
        endpoint = Endpoint(SECRET, observer=observer)
        endpoint.on(taking(WebhookEvent, lambda event: None))
        assert send(endpoint, *delivery()).status == 200
        assert send(endpoint, {}, b"").status == 400
    finally:
        logger.removeFilter(broken)


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("the tenant is gone", "the tenant is gone"),
        ("gone\r\nuser.created msg_2: handled", r"gone\r\nuser.created msg_2: handled"),
        ("x" * 10_000, "x" * 1000 + "..."),
        ("", "AbortDelivery"),
    ],
)
@pytest.mark.parametrize("log_exceptions", [False, True])
def test_the_text_of_abort_delivery_is_logged_in_one_short_line(text, logged, log_exceptions, caplog):
    endpoint, _ = handled(raises=AbortDelivery(text), log_exceptions=log_exceptions)
    endpoint.handle(*delivery())
    (record,) = caplog.records
    assert re.fullmatch(rf"user\.created msg_1: aborted in \d+\.\d ms: {re.escape(logged)}", record.getMessage())
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_an_abort_delivery_without_a_text_of_its_own_is_logged_too(caplog):
    class Unprintable(AbortDelivery):
        def __str__(self):
            raise LookupError(ADDRESS)

    endpoint, _ = handled(raises=Unprintable())
    assert endpoint.handle(*delivery()).body == b"aborted"
    (record,) = caplog.records
    assert record.getMessage().startswith("An attempt could not be logged: LookupError")
    assert (record.message_id, ADDRESS in caplog.text) == ("msg_1", False)


@pytest.mark.parametrize("fails", ["claim", None])
@pytest.mark.parametrize("log_exceptions", [False, True])
def test_the_text_and_the_traceback_of_an_exception_are_logged_if_asked_for(fails, log_exceptions, caplog):
    endpoint, _ = handled(
        raises=LookupError(f"of claim, to {ADDRESS}"),
        store=FailingStore(fails, LookupError),
        log_exceptions=log_exceptions,
    )
    endpoint.handle(*delivery())
    endpoint.handle({}, b"")
    failed, refused = caplog.records
    assert (f"LookupError: of claim, to {ADDRESS}" in caplog.text) == log_exceptions
    assert (failed.exc_info is not None) == ("Traceback" in caplog.text) == log_exceptions
    assert failed.getMessage().count("LookupError") == (not log_exceptions)
    assert (failed.levelname, refused.exc_info) == ("ERROR", None)


@pytest.mark.parametrize(
    ("event_type", "logged"),
    [
        ("new.type\r\nmsg_2: handled", r"new.type\r\nmsg_2: handled"),
        ("\u2028\u202e", r"\u2028\u202e"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 100 + "..."),
        ("x" * 10_000, "x" * 100 + "..."),
        ("\0" * 10_000, r"\x00" * 25 + "..."),
        ("caf\u00e9", "caf\u00e9"),
    ],
)
def test_a_hostile_type_stays_one_short_line(event_type, logged, caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    observed = []
    endpoint = Endpoint(SECRET, observer=observed.append)
    endpoint.handle(*delivery(event_type))
    (record,) = caplog.records
    assert re.fullmatch(rf"{re.escape(logged)} msg_1: ignored in \d+\.\d ms", record.getMessage())
    assert (record.event_type, observed[0].event_type) == (logged, event_type)


@pytest.mark.parametrize(("text", "logged"), [("a\r\nb", r"a\r\nb"), ("x" * 101, "x" * 100 + "..."), ("/a", "/a")])
def test_a_hostile_path_or_instance_is_one_short_line(text, logged, caplog):
    caplog.set_level(logging.INFO, "clerk_webhook")
    observed = []
    answer = Endpoint(SECRET, observer=observed.append).door()
    headers, body = genuine(json.dumps({"type": "user.created", "data": {}, "instance_id": text}).encode())
    answer("POST", text, headers, lambda enough: body)
    (record,) = caplog.records
    assert (record.path, record.instance_id) == (logged, logged)
    assert (observed[0].path, observed[0].instance_id) == (text, text)


@pytest.mark.parametrize(("seconds", "level"), [(9.9, "INFO"), (10, "WARNING"), (20, "WARNING")])
def test_a_slow_attempt_is_a_warning_because_svix_waits_for_15_seconds(monkeypatch, caplog, seconds, level):
    caplog.set_level(logging.INFO, "clerk_webhook")
    now = [0.0]
    monkeypatch.setattr(_reception, "_now", lambda: now[0])
    endpoint = Endpoint(SECRET)

    @endpoint.on
    def handler(event: events.UserCreated):
        now[0] += seconds

    assert endpoint.handle(*delivery()).status == 200
    (record,) = caplog.records
    assert (record.levelname, record.duration) == (level, seconds)
    advice = " - after 15 s Svix counts it as failed and sends it again: hand long work to a queue"
    line = f"user.created msg_1: handled in {seconds * 1000:.1f} ms"
    assert record.getMessage() == (line + advice if level == "WARNING" else line)
