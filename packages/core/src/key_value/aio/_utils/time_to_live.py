"""Times: seconds to live, epochs and datetimes, all in UTC."""

import math
import time
from datetime import datetime, timedelta, timezone
from typing import Any, SupportsFloat

from key_value.aio.errors import DeserializationError, InvalidTTLError
from key_value.aio.protocols.abilities import TimeToLive

MAXIMUM_EPOCH = 253402300799.0
"""The last second that a datetime can hold, at the end of the year 9999."""


def now_as_epoch() -> float:
    """Seconds since 1970 in UTC."""
    return time.time()


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(tz=timezone.utc)


def epoch_to_datetime(epoch: float) -> datetime:
    """The UTC datetime of so many seconds since 1970."""
    return datetime.fromtimestamp(epoch, tz=timezone.utc)


def datetime_to_epoch(moment: datetime) -> float:
    """Seconds since 1970 of a datetime; one without a time zone is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def seconds_to(moment: datetime) -> float:
    """Seconds from now until a time; negative where it has passed."""
    return datetime_to_epoch(moment) - time.time()


def now_plus(seconds: float) -> datetime:
    """The time that is so many seconds from now."""
    return now() + timedelta(seconds=seconds)


def parse_epoch(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; one without an offset is taken as UTC.

    Raises:
        DeserializationError: It is not such a time.
    """
    try:
        # Python 3.10 does not know the suffix Z.
        return datetime_to_epoch(datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text))
    except ValueError as error:
        raise DeserializationError(message=f"Invalid datetime string: {text}") from error


def try_parse_datetime_str(value: object) -> datetime | None:
    """The time that an ISO 8601 text gives, or None for anything else."""
    try:
        return epoch_to_datetime(parse_epoch(value)) if isinstance(value, str) else None
    except DeserializationError:
        return None


def to_seconds(ttl: TimeToLive | None) -> SupportsFloat | None:
    """Return the seconds of a timedelta, and anything else as it is: the store checks it."""
    return ttl.total_seconds() if isinstance(ttl, timedelta) else ttl


def prepare_ttl(ttl: TimeToLive | None) -> float | None:
    """Check a time to live.

    Args:
        ttl: Seconds or a timedelta, or None for ever.

    Returns:
        The seconds as a float.

    Raises:
        InvalidTTLError: It is not a positive, finite number, or is a bool or a str, or ends after the year
            9999.
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
    """The creation time, the seconds to live and the expiry of an entry that is stored now."""
    seconds = prepare_ttl(ttl)
    created_at = now()
    return created_at, seconds, None if seconds is None else created_at + timedelta(seconds=seconds)
