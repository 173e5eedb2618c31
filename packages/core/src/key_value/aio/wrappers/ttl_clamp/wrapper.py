"""A wrapper that keeps times to live within bounds."""

from typing import SupportsFloat

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.time_to_live import prepare_ttl, to_seconds
from key_value.aio.errors import InvalidTTLError
from key_value.aio.protocols.key_value import AsyncKeyValue, TimeToLive
from key_value.aio.wrappers.base import Translator


class TTLClampWrapper(Translator):
    """Raises times to live to a minimum and lowers them to a maximum.

    An entry that is stored without one lives for `missing_ttl`, within the bounds, where that is given, and
    otherwise for ever: the maximum is of the times to live that there are.
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
            key_value: The store.
            min_ttl: Seconds to live at least, or a timedelta, as all here; 0 for no minimum.
            max_ttl: Seconds to live at most.
            missing_ttl: Seconds to live where none are given; None for ever.

        Raises:
            InvalidTTLError: `max_ttl` or `missing_ttl` is not positive and finite, or `min_ttl` negative.
            ValueError: `min_ttl` is more than `max_ttl`.
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
    """Check a time to live as every store does, and return its seconds."""
    seconds = prepare_ttl(ttl)
    if seconds is None:
        raise InvalidTTLError(ttl=ttl)
    return seconds
