"""Payloads of ``email.created`` and ``sms.created``: they hold one-time codes, so log nothing of them."""

from typing import Any, Literal, NotRequired, TypedDict

from .shared import UnixMillis


class EmailJSON(TypedDict):
    """An e-mail to a user: ``email.created``."""

    object: NotRequired[Literal["email"]]
    """Required by Clerk's schema; the Dashboard's "Send Example" has none."""

    id: str

    slug: NotRequired[str | None]
    """Which of your templates it is, such as `"verification_code"`."""

    from_email_name: str
    """The part of the sender's address before the `@`."""

    reply_to_email_name: NotRequired[str | None]
    """The part of the reply address before the `@`."""

    to_email_address: NotRequired[str]

    email_address_id: NotRequired[str | None]
    """Which address of the user it goes to, where it goes to one of a user's."""

    user_id: NotRequired[str | None]

    subject: NotRequired[str]
    """May hold the one-time code."""

    body: NotRequired[str]
    """The text as HTML, one-time codes and links included."""

    body_plain: NotRequired[str | None]
    """The text as plain text, one-time codes and links included."""

    status: NotRequired[str]
    """Such as `"queued"`. Clerk may add to these."""

    data: NotRequired[dict[str, Any] | None]
    """What the template was filled in with, by template: `otp_code` is a one-time code."""

    delivered_by_clerk: bool
    """False where it is for you to deliver."""


class SMSMessageJSON(TypedDict):
    """A text message to a user: ``sms.created``."""

    object: NotRequired[Literal["sms_message"]]
    """Required by Clerk's schema; the Dashboard's "Send Example" has none."""

    id: str

    slug: NotRequired[str | None]
    """Which of your templates it is, such as `"verification_code"`."""

    from_phone_number: str

    to_phone_number: str

    phone_number_id: NotRequired[str | None]
    """Which number of the user it goes to, where it goes to one of a user's."""

    user_id: NotRequired[str | None]

    message: str
    """The text, one-time codes included."""

    status: str
    """Such as `"queued"`. Clerk may add to these."""

    data: NotRequired[dict[str, Any] | None]
    """What the template was filled in with, by template: `otp_code` is a one-time code."""

    delivered_by_clerk: bool
    """False where it is for you to deliver."""

    created_at_ms: NotRequired[UnixMillis]
    """In milliseconds since the epoch. The Dashboard's "Send Example" names it `created_at`."""
