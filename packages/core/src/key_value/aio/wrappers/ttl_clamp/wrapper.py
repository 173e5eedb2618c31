"""A wrapper that keeps TTLs within limits."""

from typing import SupportsFloat

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.time_to_live import prepare_ttl, to_seconds
from key_value.aio.errors import InvalidTTLError
from key_value.aio.protocols.key_value import AsyncKeyValue, TimeToLive
from key_value.aio.wrappers.base import Translator


class TTLClampWrapper(Translator):
    """A wrapper that raises TTLs to a minimum and lowers them to a maximum.

    An entry that is stored without a TTL gets `missing_ttl`, within the limits, if that is given. Otherwise
    it never expires: the maximum applies only to given TTLs.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        min_ttl: TimeToLive,
        max_ttl: TimeToLive,
        missing_ttl: TimeToLive | None = None,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            min_ttl: Minimum TTL, in seconds or as a timedelta; 0 sets no minimum.
            max_ttl: Maximum TTL, in seconds or as a timedelta.
            missing_ttl: TTL of entries stored without one, in seconds or as a timedelta; None means that they
                never expire.

        Raises:
            InvalidTTLError: `max_ttl` or `missing_ttl` is not positive and finite, or `min_ttl` is negative.
            ValueError: `min_ttl` is greater than `max_ttl`.
        """
        super().__init__(key_value)
        self.min_ttl = (
            0.0 if to_seconds(min_ttl) == 0 and not isinstance(min_ttl, bool) else _seconds(min_ttl)
        )
        self.max_ttl = _seconds(max_ttl)
        if self.min_ttl > self.max_ttl:
            raise ValueError(f"min_ttl must not be more than max_ttl, but {min_ttl} is more than {max_ttl}")
        self.missing_ttl = None if missing_ttl is None else self._clamped(missing_ttl)

    @override
    def _ttl(self, ttl: SupportsFloat | None) -> float | None:
        return self.missing_ttl if ttl is None else self._clamped(ttl)

    def _clamped(self, ttl: TimeToLive) -> float:
        return max(self.min_ttl, min(_seconds(ttl), self.max_ttl))


def _seconds(ttl: TimeToLive) -> float:
    """Check a TTL as every store does, and return its seconds."""
    seconds = prepare_ttl(ttl)
    if seconds is None:
        raise InvalidTTLError(ttl=ttl)
    return seconds
