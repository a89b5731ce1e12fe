"""Send the mails of the outbox: `python worker.py`, as many as you like.

No mail is lost. A mail is sent twice only if a worker dies between sending and committing. Then both have the same
idempotency key, by which the mail service drops the second.
"""

import logging
import os
import sys
import time

import httpx2
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from clerk import why
from models import Mail, Session, now

TRIES = 20  # in 48 hours
MINUTE = 60_000  # milliseconds

logger = logging.getLogger("worker")


def send_one(service: httpx2.Client) -> bool:
    """Send a mail that is due. Return whether one was due."""
    due = select(Mail.id).where(Mail.due_at <= now(), Mail.tries < TRIES).order_by(Mail.due_at).limit(1)
    # Two workers never take the same row, and none waits. SQLAlchemy leaves FOR UPDATE out for SQLite, where an UPDATE
    # locks the whole database before it reads.
    due = due.with_for_update(skip_locked=True)
    # No transaction is open while the mail is sent, so the row says that it is being sent: it is due again after one
    # minute, then after four, nine and so on. This is the backoff too.
    take = (
        update(Mail)
        .where(Mail.id == due.scalar_subquery())
        .values(tries=Mail.tries + 1, due_at=now() + MINUTE * (Mail.tries + 1) * (Mail.tries + 1))
        .returning(Mail.id, Mail.user_id)
        .execution_options(synchronize_session=False)
    )
    with Session.begin() as session:
        mail = session.execute(take).first()
        if mail is None:
            return False
        email = session.scalar(text("SELECT email FROM clerk_users WHERE id = :id"), {"id": mail.user_id})
    try:
        if email:  # who was deleted has none, and so has who signed up by telephone
            send(service, mail.id, email)
    except httpx2.HTTPError as error:  # its text may hold the address
        status = error.response.status_code if isinstance(error, httpx2.HTTPStatusError) else type(error).__name__
        logger.warning("mail %s was not sent: %s", mail.id, status)
        return True
    with Session.begin() as session:
        session.execute(delete(Mail).where(Mail.id == mail.id))
    return True


def send(service: httpx2.Client, key: str, email: str) -> None:
    """Hand a mail to the service. This is Resend's API; others differ in the names."""
    mail = {"from": "hello@example.com", "to": email, "subject": "Welcome", "text": "It is good that you are here."}
    service.post("/emails", json=mail, headers={"Idempotency-Key": key}).raise_for_status()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    url = os.environ.get("MAIL_API_URL", "https://api.resend.com")
    key = os.environ.get("MAIL_API_KEY", "").strip()
    if not key:
        sys.exit("MAIL_API_KEY is not set.")
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as service:
        while True:
            try:
                if not send_one(service):
                    time.sleep(1)
            except SQLAlchemyError as error:
                logger.warning("waiting, because %s", why(error))
                time.sleep(5)
            except KeyboardInterrupt:
                sys.exit()
