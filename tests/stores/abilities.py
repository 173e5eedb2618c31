"""The abilities that stores are still to get."""

from key_value.aio.protocols import (
    AsyncCompareAndSetProtocol,
    AsyncPopProtocol,
    AsyncScanProtocol,
    AsyncTouchProtocol,
)

NOT_YET: frozenset[type] = frozenset(
    {AsyncCompareAndSetProtocol, AsyncPopProtocol, AsyncScanProtocol, AsyncTouchProtocol}
)
