"""Mirror all that Clerk has: `python backfill.py`, at any time and as often as you like, while webhooks arrive too.

A run that was stopped goes on at the next run. `--again` writes the rows that did not change too, for a new column.
"""

import argparse
import sys
import time
from itertools import dropwhile
from typing import Any

import httpx2
from sqlalchemy import delete, select
from sqlalchemy.exc import DataError, IntegrityError
from tqdm import tqdm

from clerk import PATHS, ask, count, pages, persistently, run, why
from clerk_webhook.mirror import Mirrored
from models import Instance, Progress, Session, now
from sync import mirror


def backfill(clerk: httpx2.Client, *, again: bool = False) -> tuple[int, int]:
    """Apply each resource that Clerk lists. Return when that began, in seconds, and how many were skipped."""
    check_instance(clerk)
    with Session() as session:
        progress = session.get(Progress, 1) or Progress(id=1, began_at=now() // 1000, kind="user", last_id="", offset=0)
    skipped = 0
    for kind in dropwhile(lambda kind: kind != progress.kind, PATHS):
        if kind != progress.kind:
            progress.kind, progress.last_id, progress.offset = kind, "", 0
        # A bar on a terminal, a line a minute elsewhere.
        with tqdm(desc=kind, total=count(clerk, kind), initial=progress.offset, disable=None) as bar:
            told = time.monotonic()
            for page, offset in pages(clerk, kind, progress.last_id, progress.offset):
                skipped += apply(kind, page, again=again)
                progress.last_id, progress.offset = page[-1]["id"], offset
                save(progress)
                bar.update(offset - bar.n)
                if bar.disable and time.monotonic() > told + 60:
                    told = time.monotonic()
                    print(f"{kind}: {offset} of {bar.total}", flush=True)
        print(f"{kind}: {progress.offset}", flush=True)
    with Session.begin() as session:
        session.execute(delete(Progress))
    return progress.began_at, skipped


def main(clerk: httpx2.Client, *, again: bool) -> None:
    _, skipped = backfill(clerk, again=again)
    if skipped:
        sys.exit(f"{skipped} could not be written.")


def check_instance(clerk: httpx2.Client) -> None:
    """Refuse the key of an instance other than the one whose webhooks arrive."""
    own = ask(clerk, "/instance")["id"]
    with Session.begin() as session:
        known = set(session.scalars(select(Instance.id)))
        if not known:
            session.add(Instance(id=own, seen_at=0, lag=0))
        elif known != {own}:
            sys.exit(f"CLERK_SECRET_KEY is of {own}, but the webhooks come from {', '.join(sorted(known))}.")


def apply(kind: Mirrored, page: list[Any], *, again: bool) -> int:
    """Write a page, and return how many rows of it cannot be written."""
    try:
        write(kind, page, again=again)
    except (DataError, IntegrityError, ValueError) as error:
        if len(page) == 1:
            print(f"Skipped {page[0]['id']}: {why(error)}.", file=sys.stderr)
            return 1
        half = len(page) // 2
        return apply(kind, page[:half], again=again) + apply(kind, page[half:], again=again)
    return 0


@persistently
def write(kind: Mirrored, page: list[Any], *, again: bool) -> None:
    with Session.begin() as session:
        mirror.apply_many(session, kind, page, again=again)


@persistently
def save(progress: Progress) -> None:
    with Session.begin() as session:
        session.merge(progress)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true", help="write the rows that did not change too")
    arguments = parser.parse_args()
    run(lambda clerk: main(clerk, again=arguments.again))
