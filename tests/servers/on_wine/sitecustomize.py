"""Loaded at the start of every Python that Wine runs: no event loop sleeps for long.

Wine 8 now and then misses that a socket was written to; a loop that another thread has woken then sleeps on.
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


asyncio.set_event_loop_policy(_Policy())  # pyright: ignore[reportDeprecated] -- Python 3.11 is what runs there
