import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from key_value.aio._utils import time_to_live
from key_value.aio._utils.time_to_live import prepare_entry_timestamps, prepare_ttl
from key_value.aio.errors import InvalidTTLError


@pytest.mark.parametrize("ttl", [1, 0.001, Decimal("1.5"), Fraction(1, 3), 2.5e11])
def test_takes_what_is_a_positive_number_of_seconds(ttl: Any) -> None:
    seconds = prepare_ttl(ttl)
    assert type(seconds) is float
    assert seconds == float(ttl)


def test_none_is_for_ever() -> None:
    assert prepare_ttl(None) is None
    assert prepare_entry_timestamps(None)[1:] == (None, None)


@pytest.mark.parametrize(
    "ttl",
    [
        0,
        -1,
        0.0,
        float("nan"),
        float("inf"),
        -float("inf"),
        1e12,
        sys.maxsize,
        10**400,
        Decimal("NaN"),
        Decimal("sNaN"),
    ],
)
def test_refuses_what_is_not(ttl: Any) -> None:
    with pytest.raises(InvalidTTLError, match="a positive, finite number of seconds"):
        prepare_ttl(ttl)


@pytest.mark.parametrize("ttl", [True, False, "10", b"10", [1]])
def test_refuses_other_types_by_name(ttl: Any) -> None:
    with pytest.raises(InvalidTTLError) as caught:
        prepare_ttl(ttl)
    assert caught.value.extra_info == {"ttl": str(ttl), "type": type(ttl).__name__}


def test_takes_a_timedelta() -> None:
    seconds = prepare_ttl(timedelta(minutes=1, milliseconds=500))
    assert type(seconds) is float
    assert seconds == 60.5


@pytest.mark.parametrize("seconds", [0.0, -1.0, 86_400.0 * 999_999_999])
def test_refuses_a_timedelta_as_it_refuses_its_seconds(seconds: float) -> None:
    with pytest.raises(InvalidTTLError) as number:
        prepare_ttl(seconds)
    with pytest.raises(InvalidTTLError) as caught:
        prepare_ttl(timedelta(seconds=seconds))
    assert str(caught.value) == str(number.value)


def test_times_of_an_entry() -> None:
    created, seconds, expires = prepare_entry_timestamps(60)
    assert seconds == 60.0
    assert expires == created + timedelta(seconds=60)
    assert created.tzinfo is timezone.utc


def test_helpers() -> None:
    moment = datetime(2025, 1, 2, tzinfo=timezone.utc)
    assert time_to_live.epoch_to_datetime(moment.timestamp()) == moment
    assert time_to_live.try_parse_datetime_str(moment.isoformat()) == moment
    assert time_to_live.try_parse_datetime_str("bad") is None
    assert time_to_live.try_parse_datetime_str(5) is None
    assert time_to_live.seconds_to(time_to_live.now_plus(100)) == pytest.approx(100, abs=1)
    assert time_to_live.now_as_epoch() == pytest.approx(time_to_live.now().timestamp(), abs=1)
