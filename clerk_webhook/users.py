"""Read a user: the primary addresses, the verified addresses, the name, the times.

The user's `primary_email_address_id` names the primary address. That address is not always the first of the list, and
it can be absent from the list::

    match event:
        case events.UserCreated(data=user) | events.UserUpdated(data=user):
            save(user["id"], primary_email_address(user), full_name(user), to_datetime(user["created_at"]))

The functions take the user of a session too, which can be absent or null: `full_name(session.get("user"))`. They accept
a user that lacks keys.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """Return the primary e-mail address of a user. The address need not be verified.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The address. None if the user has no primary address, or if the list lacks it.

    Example:
        ```python
        address = primary_email_address(event.data)
        ```
    """
    return _primary(user, "email_addresses", "email_address")


def verified_email_addresses(user: UserJSON | None) -> list[str]:
    """Return the verified e-mail addresses of a user.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The addresses, in the order sent.

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
    """Return the primary phone number of a user.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The number in E.164 form: `"+15555550100"`. None if the user has no primary number, or if the list lacks it.

    Example:
        ```python
        number = primary_phone_number(event.data)
        ```
    """
    return _primary(user, "phone_numbers", "phone_number")


def primary_web3_wallet(user: UserJSON | None) -> str | None:
    """Return the public address of the primary web3 wallet of a user.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The address. None if the user has no primary wallet, or if the list lacks it.

    Example:
        ```python
        wallet = primary_web3_wallet(event.data)
        ```
    """
    return _primary(user, "web3_wallets", "web3_wallet")


def full_name(user: UserJSON | None) -> str | None:
    """Return the first and the last name of a user, separated by a space.

    Args:
        user: The user, from a `user.*` or a `session.*` event.

    Returns:
        The name. One name alone if the other is null or blank. None if both are, which is common.

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
    """Convert a time in a payload to a `datetime`, exact to the millisecond.

    An event's own `timestamp` can be in seconds: use `event.occurred_at` for it.

    Args:
        millis: Milliseconds since the epoch, or None.

    Returns:
        The time, aware, in UTC. None for None.

    Raises:
        OverflowError: The time is outside the years 1 to 9999.

    Example:
        ```python
        last_sign_in = to_datetime(user["last_sign_in_at"])
        ```
    """
    return None if millis is None else _EPOCH + millis * _MILLISECOND


def _primary(user: Mapping[str, Any] | None, resources: str, key: str) -> str | None:
    """Return the value of a key in the primary resource. A resource without an id is not primary."""
    if user is None or not (primary_id := user.get(f"primary_{key}_id")):
        return None
    return next((each.get(key) for each in user.get(resources) or () if each.get("id") == primary_id), None)
