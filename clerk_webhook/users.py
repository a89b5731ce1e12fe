"""What is asked of a user most often: the primary addresses, the verified ones, the name, the times.

The primary address is the one that the user's `primary_email_address_id` names. It is not always the first, and it
can be gone::

    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            save(user["id"], primary_email_address(user), full_name(user), to_datetime(user["created_at"]))

Every function takes `session["user"]` too, which can be null, and none minds a key that a body lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from .types import UnixMillis, UserJSON

__all__ = [
    "full_name",
    "primary_email_address",
    "primary_phone_number",
    "primary_web3_wallet",
    "to_datetime",
    "verified_email_addresses",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def primary_email_address(user: UserJSON | None) -> str | None:
    """Return the primary e-mail address of a user. Whether it is verified is another question.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The address. None where the user has none, or where the one that is named isn't there.

    Example:
        ```python
        address = primary_email_address(event.data)
        ```
    """
    if user is None:
        return None
    return _by_id(user.get("email_addresses"), user.get("primary_email_address_id"), "email_address")


def verified_email_addresses(user: UserJSON | None) -> list[str]:
    """Return the e-mail addresses that a user has proven to have, in the order sent.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Example:
        ```python
        may_enter = any(address.endswith("@example.com") for address in verified_email_addresses(event.data))
        ```
    """
    if user is None:
        return []
    return [
        text
        for address in user.get("email_addresses") or ()
        if (verification := address.get("verification")) and verification.get("status") == "verified"
        if (text := address.get("email_address"))
    ]


def primary_phone_number(user: UserJSON | None) -> str | None:
    """Return the primary phone number of a user, in E.164 form: `"+15555550100"`.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The number. None where the user has none, or where the one that is named isn't there.

    Example:
        ```python
        number = primary_phone_number(event.data)
        ```
    """
    if user is None:
        return None
    return _by_id(user.get("phone_numbers"), user.get("primary_phone_number_id"), "phone_number")


def primary_web3_wallet(user: UserJSON | None) -> str | None:
    """Return the public address of the primary web3 wallet of a user.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The address. None where the user has none, or where the one that is named isn't there.

    Example:
        ```python
        wallet = primary_web3_wallet(event.data)
        ```
    """
    if user is None:
        return None
    return _by_id(user.get("web3_wallets"), user.get("primary_web3_wallet_id"), "web3_wallet")


def full_name(user: UserJSON | None) -> str | None:
    """Return the first and the last name of a user, or the one that there is.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The name. None where both are null or blank, which is common.

    Example:
        ```python
        greeting = f"Hello {full_name(event.data) or 'there'}"
        ```
    """
    if user is None:
        return None
    names = ((name or "").strip() for name in (user.get("first_name"), user.get("last_name")))
    return " ".join(filter(None, names)) or None


@overload
def to_datetime(millis: UnixMillis) -> datetime: ...
@overload
def to_datetime(millis: None) -> None: ...
@overload
def to_datetime(millis: UnixMillis | None) -> datetime | None: ...
def to_datetime(millis: UnixMillis | None) -> datetime | None:
    """Return a time in a payload as a `datetime`, in UTC and exact to the millisecond.

    For the times of payloads. An event's own `timestamp` can be in seconds, which its `occurred_at` knows.

    Args:
        millis: Milliseconds since the epoch, or the null that many of these fields can hold.

    Returns:
        The time, aware. None for null.

    Raises:
        OverflowError: It lies outside the years 1 to 9999, and is no time that Clerk means.

    Example:
        ```python
        last_sign_in = to_datetime(user["last_sign_in_at"])
        ```
    """
    return None if millis is None else _EPOCH + millis * _MILLISECOND


def _by_id(resources: Iterable[Mapping[str, Any]] | None, resource_id: str | None, key: str) -> str | None:
    """Return what the resource with an id has under a key. An id can be absent, and then it is not the one meant."""
    if not resource_id:
        return None
    return next((resource.get(key) for resource in resources or () if resource.get("id") == resource_id), None)
