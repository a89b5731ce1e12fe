"""`clerk-webhook demo`: a receiver with a mirror, real HTTP deliveries to it, and the tables that they leave."""

from __future__ import annotations

import json
import logging
import secrets
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias
from wsgiref.simple_server import WSGIRequestHandler, make_server

from .. import events
from .._parse import parse_event
from ..endpoint import Attempt, Endpoint
from ..inbox import sqlite_transactions
from ..mirror import Mirror
from ..testing import SignedRequest, sample_event, signed_request
from ..wsgi import application
from ._http import post
from ._style import paint
from .secret import new_secret

if TYPE_CHECKING:
    import sqlite3

SUMMARY = "mirror genuine, late and doubled deliveries on this machine, refuse bad ones, and show the tables"
EXAMPLE = "clerk-webhook demo"

_TABLES = {
    "clerk_users": ("id", "email", "first_name", "last_name", "deleted"),
    "clerk_memberships": ("id", "user_id", "role", "deleted"),
}

_Transaction: TypeAlias = "Callable[[], AbstractContextManager[sqlite3.Connection]]"
_Rows: TypeAlias = dict[str, list[dict[str, str | None]]]


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per delivery, and one for the tables"
    )


class Quiet(WSGIRequestHandler):
    """Leaves the terminal to the table."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Log nothing."""


def deliveries(secret: str) -> Iterator[tuple[str, SignedRequest, int, str]]:
    """Yield the name, the request, and the status and the outcome that are expected."""
    now = int(time.time())
    person = {"user_id": "user_ada", "first_name": None, "last_name": None}
    member = sample_event(events.OrganizationMembershipCreated, id="orgmem_1", public_user_data=person)
    ada = sample_event(events.UserCreated, id="user_ada")
    update = sample_event(events.UserUpdated, id="user_ada", first_name="Augusta", last_name="King")
    late = sample_event(events.UserUpdated, id="user_ada", updated_at=update.data["updated_at"] - 1)
    yield "a membership, before its user", signed_request(member, secret), 200, "written"
    yield "user.created", signed_request(ada, secret), 200, "written"
    yield "user.updated", signed_request(update, secret), 200, "written"
    yield "the same again", signed_request(update, secret), 200, "not_newer"
    yield "an older user.updated, late", signed_request(late, secret), 200, "not_newer"
    created, updated = (sample_event(cls, id="user_eve") for cls in (events.UserCreated, events.UserUpdated))
    yield "user.created, another user", signed_request(created, secret), 200, "written"
    yield "user.deleted", signed_request(sample_event(events.UserDeleted, id="user_eve"), secret), 200, "written"
    yield "user.updated, after the deletion", signed_request(updated, secret), 200, "not_newer"
    unknown = parse_event({**ada.payload, "type": "user.teleported"})
    yield "user.teleported, a new type", signed_request(unknown, secret), 200, "ignored"

    headers, body = genuine = signed_request(ada, secret, timestamp=now)
    yield "forged: another secret", signed_request(ada, secrets.token_bytes(24)), 400, "signature_mismatch"
    yield "tampered: a name changed", genuine._replace(body=body.replace(b"Ada", b"Eve")), 400, "signature_mismatch"
    yield "stale: an hour old", signed_request(ada, secret, timestamp=now - 3600), 400, "timestamp_too_old"
    yield "unsigned", SignedRequest({}, body), 400, "missing_header"
    malformed = SignedRequest(headers | {"svix-timestamp": f"{now}.0"}, body)
    yield "malformed: a fraction of a second", malformed, 400, "invalid_header"
    broken = signed_request(body.replace(b"Ada", b"\xff\xfe"), secret)
    yield "signed, but not UTF-8", broken, 400, "invalid_payload"


def run(options: Namespace) -> int:
    """Print the answer to each delivery, and the tables; return 0 if all answers are the expected ones, else 1."""
    logger, silent = logging.getLogger("clerk_webhook"), logging.NullHandler()
    logger.addHandler(silent)  # a process without logging would print the warnings
    try:
        with TemporaryDirectory() as folder:
            return _run(options, sqlite_transactions(Path(folder) / "app.db"))
    finally:
        logger.removeHandler(silent)


def _run(options: Namespace, transaction: _Transaction) -> int:
    attempts: list[Attempt] = []
    secret, mirror = new_secret(), Mirror()
    with transaction() as database:
        for statement in mirror.create_tables:
            database.execute(statement)
    endpoint = Endpoint(secret, transaction=transaction, observer=attempts.append)
    endpoint.include(mirror.handlers)
    unexpected = 0
    with make_server("127.0.0.1", 0, application(endpoint), handler_class=Quiet) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        rows = _rows(transaction)
        for name, (headers, body), status, outcome in deliveries(secret):
            before = rows
            response = post(f"http://127.0.0.1:{server.server_port}/", headers.items(), body)
            rows = _rows(transaction)
            attempt = attempts[-1]
            became: str = attempt.code or attempt.outcome
            if became == "handled":
                became = "not_newer" if rows == before else "written"
            expected = (response.status, became) == (status, outcome)
            unexpected += not expected
            if options.json:
                shown = {"delivery": name, "status": response.status, "outcome": became, "expected": expected}
                print(json.dumps(shown | {"detail": str(attempt.error or "")}))
            else:
                verdict = paint("ok ", "good") if expected else paint("BAD", "bad")
                print(f"{verdict} {name:35}{response.status}  {became}")
        server.shutdown()
    if options.json:
        print(json.dumps(rows))
    else:
        for table, columns in _TABLES.items():
            print(f"\n{table}")
            _print_table([columns, *(list(row.values()) for row in rows[table])])
    if unexpected:
        print(f"{unexpected} deliveries were not answered as expected.", file=sys.stderr)
    return 1 if unexpected else 0


def _rows(transaction: _Transaction) -> _Rows:
    """Return what the tables show."""
    rows: _Rows = {}
    with transaction() as database:
        for table, (*columns, deleted) in _TABLES.items():
            sql = f"SELECT {', '.join(columns)}, CASE version WHEN 'deleted' THEN 'yes' END FROM {table} ORDER BY id"  # noqa: S608
            rows[table] = [dict(zip([*columns, deleted], row, strict=True)) for row in database.execute(sql)]
    return rows


def _print_table(lines: Sequence[Sequence[str | None]]) -> None:
    texts = [[value or "" for value in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for number, line in enumerate(texts):
        row = "  ".join(f"{value:{width}}" for value, width in zip(line, widths, strict=True)).rstrip()
        print(f"    {row if number else paint(row, 'faint')}")
