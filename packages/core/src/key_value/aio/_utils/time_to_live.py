"""Times: TTLs in seconds, epochs and datetimes, all in UTC."""

import math
import time
from datetime import datetime, timedelta, timezone
from typing import Any, SupportsFloat

from key_value.aio.errors import DeserializationError, InvalidTTLError
from key_value.aio.protocols.abilities import TimeToLive

MAXIMUM_EPOCH = 253402300799.0
"""The last second that a datetime can represent, at the end of the year 9999."""


def now_as_epoch() -> float:
    """Return the current time in seconds since 1970, in UTC."""
    return time.time()


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(tz=timezone.utc)


def epoch_to_datetime(epoch: float) -> datetime:
    """Convert seconds since 1970 to a UTC datetime."""
    return datetime.fromtimestamp(epoch, tz=timezone.utc)


def datetime_to_epoch(moment: datetime) -> float:
    """Convert a datetime to seconds since 1970; one without a time zone is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def seconds_to(moment: datetime) -> float:
    """Return the seconds from now until a time; negative if it has passed."""
    return datetime_to_epoch(moment) - time.time()


def now_plus(seconds: float) -> datetime:
    """Return the time that is a number of seconds from now."""
    return now() + timedelta(seconds=seconds)


def parse_epoch(text: str) -> float:
    """Convert an ISO 8601 time to seconds since 1970; one without an offset is taken as UTC.

    Raises:
        DeserializationError: The text is not such a time.
    """
    try:
        # Python 3.10 does not support the suffix Z.
        return datetime_to_epoch(datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text))
    except ValueError as error:
        raise DeserializationError(message=f"Invalid datetime string: {text}") from error


def try_parse_datetime_str(value: object) -> datetime | None:
    """Return the time of ISO 8601 text in UTC, or None for anything else."""
    try:
        return epoch_to_datetime(parse_epoch(value)) if isinstance(value, str) else None
    except DeserializationError:
        return None


def to_seconds(ttl: TimeToLive | None) -> SupportsFloat | None:
    """Convert a timedelta to seconds; return anything else unchanged, for the store to check."""
    return ttl.total_seconds() if isinstance(ttl, timedelta) else ttl


def prepare_ttl(ttl: TimeToLive | None) -> float | None:
    """Check a TTL and convert it to seconds.

    Args:
        ttl: Seconds or a timedelta; None means without expiry.

    Returns:
        The seconds as a float, or None.

    Raises:
        InvalidTTLError: The TTL is not a positive, finite number, or is a bool or a str, or ends after the
            year 9999.
    """
    if ttl is None:
        return None
    seconds = _as_seconds(ttl)
    if not 0 < seconds <= MAXIMUM_EPOCH - time.time():
        raise InvalidTTLError(ttl=to_seconds(ttl))
    return float(seconds)


def _as_seconds(ttl: Any) -> float:
    if type(ttl) is float or type(ttl) is int:
        return ttl
    if isinstance(ttl, timedelta):
        return ttl.total_seconds()
    if isinstance(ttl, bool) or not isinstance(ttl, SupportsFloat):
        raise InvalidTTLError(ttl=ttl, extra_info={"type": type(ttl).__name__})
    try:
        return float(ttl)
    except (OverflowError, TypeError, ValueError):
        return math.nan


def prepare_entry_timestamps(ttl: TimeToLive | None) -> tuple[datetime, float | None, datetime | None]:
    """Return the creation time, the TTL in seconds, and the expiry time of an entry that is stored now."""
    seconds = prepare_ttl(ttl)
    created_at = now()
    return created_at, seconds, None if seconds is None else created_at + timedelta(seconds=seconds)
