"""Clerk's users, organizations and memberships in a database of your own: `uvicorn app:app`."""

import logging
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from clerk_webhook.fastapi import ClerkEvent
from models import Membership, Organization, User, open_database
from sync import apply, stub

app = FastAPI()
database = open_database()


# FastAPI runs functions that are not `async def` in threads, so waiting for the database stops nobody else.
@app.post("/api/webhooks")
def clerk(event: ClerkEvent) -> None:
    with database.begin() as session:  # committed before the answer: an exception rolls all back, and Clerk sends again
        apply(session, event)


@app.get("/me")
def me(x_demo_user: Annotated[str, Header(min_length=1)]) -> dict[str, str | None]:
    """Show the user who is signed in. Your application has the id from a verified session token, not from a header."""
    with database.begin() as session:
        user = session.get(User, x_demo_user)
        if user is None:  # the webhook has not come yet, or comes at this moment
            stub(session, User, x_demo_user)
            user = session.get_one(User, x_demo_user)
        if user.deleted:
            raise HTTPException(403, "this user was deleted")
        return {"id": user.id, "email": user.email}


@app.get("/organizations/{organization_id}/members")
def members(organization_id: str) -> list[dict[str, str | None]]:
    query = (
        select(Membership.user_id, Membership.role)
        .join(User)
        .join(Organization)
        .where(Membership.organization_id == organization_id)
        .where(~Membership.deleted, ~User.deleted, ~Organization.deleted)
        .order_by(Membership.user_id)
    )
    with database() as session:
        return [{"user_id": user_id, "role": role} for user_id, role in session.execute(query)]


@app.exception_handler(SQLAlchemyError)
def failed(request: Request, error: SQLAlchemyError) -> JSONResponse:
    """Answer 500. The log gets no text: PostgreSQL's errors quote rows ("Failing row contains (user_1, ada@...)")."""
    logging.getLogger("sync_users").error("%s on %s", type(error).__name__, request.url.path)
    return JSONResponse({"detail": "the database failed"}, 500)
