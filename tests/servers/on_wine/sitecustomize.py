"""Startup code of every Python under Wine, which keeps event loops from sleeping for long.

Wine 8 occasionally misses a write to a socket, so a loop that another thread has woken keeps sleeping.
"""

import asyncio

from typing_extensions import override

_SECONDS = 0.1


class _Policy(asyncio.DefaultEventLoopPolicy):
    @override
    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        loop.call_soon(_turn_again, loop)
        return loop


def _turn_again(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_later(_SECONDS, _turn_again, loop)


asyncio.set_event_loop_policy(_Policy())  # pyright: ignore[reportDeprecated] -- Wine runs Python 3.11
