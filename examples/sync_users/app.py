"""An application with users of its own, and Clerk's data beside them: `alembic upgrade head`, `uvicorn app:app`."""

import logging
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from clerk import why
from clerk_webhook import Endpoint
from clerk_webhook.fastapi import view
from models import Instance, Session, now
from sync import handlers, mirror

app = FastAPI()
endpoint = Endpoint(transaction=Session.begin)
endpoint.include(handlers)
app.post("/api/webhooks")(view(endpoint))


def signed_in(x_demo_user: Annotated[str, Header(min_length=1)]) -> str:
    """Return the id of the user who is signed in. REPLACE THIS by the `sub` of a verified session token."""
    return x_demo_user


SignedIn = Annotated[str, Depends(signed_in)]
ME = text("SELECT handle, email FROM users JOIN clerk_users ON id = clerk_id WHERE clerk_id = :id")
MAKE_ME = text("""
    INSERT INTO users (clerk_id, handle, joined_at) VALUES (:id, :handle, :now) ON CONFLICT (clerk_id) DO NOTHING
""")
# LEFT, because a membership can come before its user and its organization.
MEMBERS = text("""
    SELECT m.user_id, m.role, u.first_name, u.last_name
    FROM clerk_memberships AS m
    LEFT JOIN clerk_organizations AS o ON o.id = m.organization_id
    LEFT JOIN clerk_users AS u ON u.id = m.user_id
    WHERE m.organization_id = :id AND coalesce(o.version, '') <> 'deleted' AND coalesce(u.version, '') <> 'deleted'
    ORDER BY m.user_id
""")


# FastAPI runs functions that are not `async def` in threads, so waiting for the database stops nobody else.
@app.get("/me")
def me(user_id: SignedIn) -> dict[str, Any]:
    """Show who is signed in. The first request makes both rows: the webhook comes later, or at this moment."""
    with Session.begin() as session:
        if not mirror.ensure(session, "user", user_id):  # a session token outlives its user by up to a minute
            raise HTTPException(403, "this user was deleted")
        row = session.execute(ME, {"id": user_id}).first()
        if row is None:
            session.execute(MAKE_ME, {"id": user_id, "handle": f"user-{uuid4().hex[:12]}", "now": now()})
            row = session.execute(ME, {"id": user_id}).one()
    return {"id": user_id, "handle": row.handle, "email": row.email}


@app.get("/organizations/{organization_id}/members")
def members(organization_id: str, user_id: SignedIn) -> list[dict[str, Any]]:
    """List the members of an organization for one of them."""
    with Session() as session:
        found = [dict(row) for row in session.execute(MEMBERS, {"id": organization_id}).mappings()]
    if user_id not in {member["user_id"] for member in found}:
        raise HTTPException(404, "no organization of yours")
    return found


@app.get("/health")
def health() -> dict[str, int | None]:
    """Show that the database answers (503 if not), how late the last webhook was, and how long ago, in seconds."""
    newest = select(Instance).where(Instance.seen_at > 0).order_by(Instance.seen_at.desc()).limit(1)
    with Session() as session:
        last = session.scalar(newest)
    if last is None:
        return {"lag": None, "quiet_for": None}
    return {"lag": last.lag // 1000, "quiet_for": (now() - last.seen_at) // 1000}


@app.exception_handler(SQLAlchemyError)
def database_failed(request: Request, error: SQLAlchemyError) -> JSONResponse:
    """Answer 503. The log gets no text: PostgreSQL's errors quote rows ("Failing row contains (user_1, ada@...)")."""
    logging.getLogger("app").error("%s: %s", request.url.path, why(error))
    return JSONResponse({"detail": "the database failed"}, 503)
