"""Mirror all that Clerk has: `python backfill.py`, at any time and as often as you like, while webhooks arrive too.

`CLERK_SECRET_KEY` is the key of the instance that sends the webhooks. `CLERK_API_URL` overrides Clerk's address.
"""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import stamina
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from clerk_webhook import parse_event
from models import open_database
from sync import apply

PATHS = {"user": "/users", "organization": "/organizations", "organizationMembership": "/organization_memberships"}


def backfill(database: sessionmaker[Session], clerk: httpx2.Client) -> set[str]:
    """Apply each resource that Clerk lists, and return the ids."""
    seen: set[str] = set()
    for kind, path in PATHS.items():
        count = 0
        for page in pages(clerk, path):
            for data in page:
                apply_now(database, f"{kind}.updated", data)
                seen.add(data["id"])
            count += len(page)
            print(f"{path}: {count}", flush=True)
    return seen


def apply_now(database: sessionmaker[Session], event_type: str, data: Any) -> None:
    """Apply a resource as if a webhook had brought it, in a transaction of its own: larger ones would deadlock."""
    with database.begin() as session:
        apply(session, parse_event({"type": event_type, "data": data}))


def pages(clerk: httpx2.Client, path: str) -> Iterator[list[Any]]:
    """List all, page by page, to the first empty page."""
    offset = 0
    while True:
        # 500 is the most. Clerk takes 501 for its default, 10.
        answer = ask(clerk, path, limit=500, offset=offset, order_by="+created_at")
        page = answer if isinstance(answer, list) else answer["data"]
        if not page:
            return
        yield page
        offset += len(page)


def again(error: Exception) -> bool | float:
    """Say whether to ask again, or after how many seconds."""
    if isinstance(error, httpx2.HTTPStatusError):
        if error.response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            seconds = error.response.headers.get("retry-after", "")
            return float(seconds) if seconds.isdecimal() else True
        return error.response.is_server_error
    return isinstance(error, httpx2.TransportError)


@stamina.retry(on=again, attempts=None, timeout=45)
def ask(clerk: httpx2.Client, path: str, **parameters: Any) -> Any:
    """Return the JSON of Clerk's answer."""
    return clerk.get(path, params=parameters).raise_for_status().json()


def run(job: Callable[[sessionmaker[Session], httpx2.Client], object]) -> None:
    """Run a job with the database and Clerk, and say in one line how it failed."""
    key = os.environ["CLERK_SECRET_KEY"].strip()  # an error about a line break would show the key
    url = os.environ.get("CLERK_API_URL", "https://api.clerk.com/v1")
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as clerk:
        try:
            job(open_database(), clerk)
        except (httpx2.HTTPError, ValueError, KeyError) as error:  # ValueError: no JSON, or not a resource
            sys.exit(f"Stopped, and nobody was deleted, because Clerk did not answer as it should: {error!r}")
        except SQLAlchemyError as error:  # not its text, which may quote a row
            sys.exit(f"Stopped, because the database failed: {type(error).__name__}")


if __name__ == "__main__":
    run(backfill)
