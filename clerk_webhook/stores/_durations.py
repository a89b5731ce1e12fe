"""The durations that a store takes: `lease` holds a claim, and `keep` remembers a message that is done."""

from __future__ import annotations

from datetime import timedelta

# Svix sends a message again 5 s and 5 min after an attempt that died (https://docs.svix.com/retries). The first of the
# two finds the claim still held, the second finds it free.
LEASE = timedelta(minutes=4)
# A manual replay sends a message again under the same id, and can come late.
KEEP = timedelta(days=90)

# Every database can add this to its clock. Milliseconds that were passed for seconds are mostly more.
_LONGEST = timedelta(days=36500)


def in_seconds(name: str, duration: object) -> float:
    """Return a duration in seconds.

    Args:
        name: The argument's name.
        duration: The duration, in seconds if it is a number.

    Raises:
        TypeError: If the duration is neither a number nor a timedelta.
        ValueError: If the duration is zero, negative, NaN or more than a hundred years.
    """
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or a timedelta, not {type(seconds).__name__}.")
    if not 0 < seconds <= _LONGEST.total_seconds():  # false for NaN, too
        raise ValueError(f"{name} must be more than 0 seconds and at most 100 years, not {seconds} seconds.")
    return float(seconds)
