"""Clerk's Backend API: ask, and list everything. `CLERK_API_URL` overrides Clerk's address."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import stamina
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from clerk_webhook.mirror import Mirrored

PATHS: dict[Mirrored, str] = {
    "user": "/users",
    "organization": "/organizations",
    "organizationMembership": "/organization_memberships",
}
PAGE = 500  # the most. Clerk takes 501 for its default, 10.


def is_passing(error: Exception) -> bool | float:
    """Say whether to try again, or after how many seconds: Clerk, the network or the database is away for a while."""
    if isinstance(error, httpx2.HTTPStatusError):
        if error.response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            seconds = error.response.headers.get("retry-after", "")
            return float(seconds) if seconds.isdecimal() else True
        return error.response.is_server_error
    passing = (httpx2.TransportError, json.JSONDecodeError, UnicodeDecodeError, OperationalError, InterfaceError)
    return isinstance(error, passing)


persistently = stamina.retry(on=is_passing, attempts=None, timeout=600, wait_max=20)


@persistently
def ask(clerk: httpx2.Client, path: str, **parameters: Any) -> Any:
    """Return the JSON of Clerk's answer."""
    return clerk.get(path, params=parameters).raise_for_status().json()


def ask_for_list(clerk: httpx2.Client, path: str, **parameters: Any) -> list[Any]:
    """Return the resources of one page, the oldest first."""
    answer = ask(clerk, path, limit=PAGE, order_by="+created_at", **parameters)
    page: list[Any] | Any = answer if path == "/users" else answer["data"]
    if not isinstance(page, list):
        raise TypeError(path)  # an empty object of some gateway must not pass for an empty list
    return page


def pages(clerk: httpx2.Client, kind: Mirrored, last_id: str = "", offset: int = 0) -> Iterator[tuple[list[Any], int]]:
    """List all of a kind page by page, or what follows the place where an earlier listing stopped.

    Yields:
        A page, and the number of resources up to its end.
    """
    return _users(clerk, last_id, offset) if kind == "user" else _others(clerk, PATHS[kind], last_id, offset)


def _users(clerk: httpx2.Client, last_id: str, offset: int) -> Iterator[tuple[list[Any], int]]:
    cursors = ["", last_id] if last_id else [""]
    while True:
        try:
            page = ask_for_list(clerk, "/users", **({"starting_after": cursors[-1]} if cursors[-1] else {}))
        except httpx2.HTTPStatusError as error:
            if len(cursors) == 1 or error.response.status_code not in {400, 404, 422}:
                raise
            # Clerk's reference does not say how it answers if that user was deleted meanwhile. So it is asked for those
            # after the user before, and for all if none of the last page is left.
            cursors.pop()
            continue
        if not page:
            return
        offset = offset + len(page) if cursors[-1] else len(page)
        cursors = ["", cursors[-1], *(one["id"] for one in page)]
        yield page, offset


def _others(clerk: httpx2.Client, path: str, last_id: str, offset: int) -> Iterator[tuple[list[Any], int]]:
    # Clerk pages these by offset alone, and each deletion moves all that follow up by one. So each page begins in the
    # last tenth of the one before. If it does not, more was deleted than a tenth, and the listing steps back.
    known = {last_id}
    begin = max(0, offset - PAGE // 10)
    while True:
        page = ask_for_list(clerk, path, offset=begin)
        ids = {one["id"] for one in page}
        if begin and not ids & known:
            begin = max(0, begin - PAGE // 2)
        elif ids <= known:
            return
        else:
            known = ids
            yield page, begin + len(page)
            begin += len(page) - len(page) // 10


def count(clerk: httpx2.Client, kind: Mirrored) -> int:
    """Return how many there are."""
    return int((ask(clerk, "/users/count") if kind == "user" else ask(clerk, PATHS[kind], limit=1))["total_count"])


def why(error: BaseException) -> str:
    """Say in words what failed. The text of a database's error is left out, because it may quote a row."""
    match error:
        case httpx2.HTTPStatusError():
            return f"Clerk answered {error.response.status_code}"
        case httpx2.HTTPError():
            return f"Clerk did not answer ({type(error).__name__})"
        case DBAPIError():
            return f"the database failed ({type(error).__name__}, {getattr(error.orig, 'sqlstate', None)})"
        case SQLAlchemyError():
            return f"the database failed ({type(error).__name__})"
        case _:
            return f"Clerk's answer is not as its reference says ({type(error).__name__})"


def tell(details: RetryDetails) -> None:
    print(f"Waiting {details.wait_for:.1f} s, because {why(details.caused_by)}.", file=sys.stderr)


def run(job: Callable[[httpx2.Client], object]) -> None:
    """Run a job with a client for Clerk's API, and say in one line how it failed."""
    set_on_retry_hooks([tell])
    key = os.environ.get("CLERK_SECRET_KEY", "").strip()  # an error about a line break would show the key
    if not key:
        sys.exit("CLERK_SECRET_KEY is not set. Clerk's Dashboard has it, on the page API keys.")
    url = os.environ.get("CLERK_API_URL", "https://api.clerk.com/v1")
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as clerk:
        try:
            job(clerk)
        except KeyboardInterrupt:
            sys.exit("Stopped. The next run goes on from here.")
        except (httpx2.HTTPError, SQLAlchemyError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"Stopped, because {why(error)}. The next run goes on from here.")
