"""The data of ``email.created`` and ``sms.created``. They hold one-time codes: never log them."""

from typing import Any, Literal, NotRequired, TypedDict

from .shared import UnixMillis


class EmailJSON(TypedDict):
    """An e-mail to a user, in ``email.created``."""

    object: NotRequired[Literal["email"]]
    """Clerk's schema requires it; the Dashboard's "Send Example" lacks it."""

    id: str

    slug: NotRequired[str | None]
    """The name of the template, such as `"verification_code"`."""

    from_email_name: str
    """The part of the sender's address before the `@`."""

    reply_to_email_name: NotRequired[str | None]
    """The part of the reply address before the `@`."""

    to_email_address: NotRequired[str]

    email_address_id: NotRequired[str | None]
    """The id of the user's address, if the e-mail goes to one."""

    user_id: NotRequired[str | None]

    subject: NotRequired[str]
    """It can hold the one-time code."""

    body: NotRequired[str]
    """The text as HTML, with one-time codes and links."""

    body_plain: NotRequired[str | None]
    """The text as plain text, with one-time codes and links."""

    status: NotRequired[str]
    """Such as `"queued"`. Clerk may add to these."""

    data: NotRequired[dict[str, Any] | None]
    """The values that fill the template. `otp_code` is a one-time code."""

    delivered_by_clerk: bool
    """False if you have to deliver the e-mail."""

    suppression_reason: NotRequired[str | None]
    """Clerk's TypeScript has this key (`@clerk/backend` 3.17.0) and says no more; its schema does not."""


class SMSMessageJSON(TypedDict):
    """A text message to a user, in ``sms.created``."""

    object: NotRequired[Literal["sms_message"]]

    id: str

    slug: NotRequired[str | None]
    """The name of the template, such as `"verification_code"`."""

    from_phone_number: str

    to_phone_number: str

    phone_number_id: NotRequired[str | None]
    """The id of the user's number, if the message goes to one."""

    user_id: NotRequired[str | None]

    message: str
    """The text, with one-time codes."""

    status: str
    """Such as `"queued"`. Clerk may add to these."""

    data: NotRequired[dict[str, Any] | None]
    """The values that fill the template. `otp_code` is a one-time code."""

    delivered_by_clerk: bool
    """False if you have to deliver the message."""

    created_at_ms: NotRequired[UnixMillis]
    """In milliseconds since the epoch."""

    created_at: NotRequired[UnixMillis]
    """The Dashboard's "Send Example" has this name for `created_at_ms`. In milliseconds since the epoch."""
