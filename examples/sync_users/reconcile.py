"""Find what was deleted while no webhook arrived: `python reconcile.py`.

It is a backfill, which marks each row that Clerk lists. Then it asks for the other rows by their ids. Only an id that
is absent from a regular answer is a deletion. After any other answer nobody is deleted.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from itertools import groupby
from urllib.parse import quote

import httpx2
from sqlalchemy import bindparam, column, func, select, table, text

from backfill import apply, backfill
from clerk import PATHS, ask_for_list, persistently, run
from clerk_webhook import parse_event
from clerk_webhook.mirror import Mirrored
from models import Session
from sync import handlers, mirror

TABLES: dict[Mirrored, str] = {
    "user": "clerk_users",
    "organization": "clerk_organizations",
    "organizationMembership": "clerk_memberships",
}
BATCH = 100  # ids in one request are the most that Clerk takes
MEMBERSHIPS = text(
    "SELECT organization_id, user_id, id FROM clerk_memberships WHERE id IN :ids AND version <> 'deleted' ORDER BY 1"
).bindparams(bindparam("ids", expanding=True))


def reconcile(clerk: httpx2.Client, *, dry_run: bool, max_deletions: int | None) -> None:
    """Delete what Clerk does not have, once Clerk has answered everything."""
    began_at, _ = backfill(clerk)
    gone: dict[Mirrored, list[str]] = {}
    for kind, name in TABLES.items():
        count = select(func.count()).select_from(table(name)).where(column("version") != "deleted")
        with Session() as session:
            unseen = mirror.unseen(session, kind, began_at)
            rows = session.scalar(count) or 0
        find = absent_memberships if kind == "organizationMembership" else absent
        batches = (unseen[start : start + BATCH] for start in range(0, len(unseen), BATCH))
        gone[kind] = [one for batch in batches for one in find(clerk, kind, batch)]
        most = math.ceil(rows / 100) if max_deletions is None else max_deletions
        print(f"{name}: Clerk does not have {len(gone[kind])} of {rows}.", *gone[kind][:10])
        if len(gone[kind]) > most and not dry_run:
            sys.exit(f"Nothing was deleted, because these are more than {most}. --max-deletions raises the limit.")
    for kind, ids in gone.items():
        for one in ids:
            if not dry_run:
                delete(kind, one)


def absent(clerk: httpx2.Client, kind: Mirrored, ids: list[str]) -> list[str]:
    """Return the users or organizations that Clerk does not have. Those that it has are written."""
    found = ask_for_list(clerk, PATHS[kind], **{f"{kind}_id": ids})
    apply(kind, found, again=False)
    have = {one["id"] for one in found}
    return [one for one in ids if one not in have]


def absent_memberships(clerk: httpx2.Client, kind: Mirrored, ids: list[str]) -> Iterator[str]:
    """Yield the memberships that Clerk does not have. They can be asked for by organization and user."""
    with Session() as session:
        rows = session.execute(MEMBERSHIPS, {"ids": ids}).all()
    for organization_id, group in groupby(rows, key=lambda row: row.organization_id):
        members = {row.id: row.user_id for row in group}
        # A row without an organization is one that was deleted, and raised by the recipe in README.md.
        if organization_id and not absent(clerk, "organization", [organization_id]):
            path = f"/organizations/{quote(organization_id, safe='')}/memberships"
            found = ask_for_list(clerk, path, user_id=list(members.values()))
            apply(kind, found, again=False)
            for one in found:
                members.pop(one["id"], None)
        yield from members


@persistently
def delete(kind: Mirrored, one: str) -> None:
    """Run the handlers of a deletion, as if its webhook had arrived. `once` handlers need the id of a message."""
    data = {"object": PATHS[kind][1:-1], "id": one, "deleted": True}
    handlers.dispatch(parse_event({"type": f"{kind}.deleted", "data": data}, message_id=f"reconcile_{one}"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="delete nobody, and show who would be deleted")
    parser.add_argument("--max-deletions", type=int, metavar="N", help="of each table (default: 1 %% of its rows)")
    arguments = parser.parse_args()
    run(lambda clerk: reconcile(clerk, dry_run=arguments.dry_run, max_deletions=arguments.max_deletions))
