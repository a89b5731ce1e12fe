"""Find what was deleted while no webhook arrived: `python reconcile.py`. It is a backfill that asks for the rest too.

Only a 404 is a deletion. After any other failure nobody is deleted.
"""

from typing import Any
from urllib.parse import quote

import httpx2
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from backfill import PATHS, apply_now, ask, backfill, run
from models import Base, Membership, Organization, User

MODELS: dict[str, type[Base]] = {"user": User, "organization": Organization, "organizationMembership": Membership}


def reconcile(database: sessionmaker[Session], clerk: httpx2.Client) -> None:
    """Ask Clerk for each row that the listing does not show."""
    seen = backfill(database, clerk)
    gone: list[tuple[str, str]] = []
    for kind, model in MODELS.items():
        with database() as session:
            rows = session.scalars(select(model).where(~model.deleted)).all()
        for row in rows:
            if row.id in seen:
                continue
            found = find(clerk, kind, row)
            for data in found:
                apply_now(database, f"{kind}.updated", data)
            if all(data["id"] != row.id for data in found):
                gone.append((kind, row.id))
    for kind, row_id in gone:  # only now, when Clerk has answered everything
        apply_now(database, f"{kind}.deleted", {"id": row_id})
    print(f"deleted: {len(gone)}")


def find(clerk: httpx2.Client, kind: str, row: Base) -> list[Any]:
    """Return what Clerk has of a row. A membership cannot be asked for by its id."""
    try:
        if isinstance(row, Membership):
            return list(ask(clerk, f"/organizations/{row.organization_id}/memberships", user_id=row.user_id)["data"])
        return [ask(clerk, f"{PATHS[kind]}/{quote(row.id, safe='')}")]
    except httpx2.HTTPStatusError as error:
        if error.response.status_code == httpx2.codes.NOT_FOUND:
            return []
        raise


if __name__ == "__main__":
    run(reconcile)
