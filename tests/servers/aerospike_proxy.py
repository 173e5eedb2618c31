"""A proxy in front of an Aerospike server or its double, which loses replies or delays requests.

async with frame_proxy(server) as proxy:
    proxy.lose_replies(1)
    ...  # The next write is done, and its reply is lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.servers.server import Server

_MESSAGE = 3
_WRITE = 1
_BATCH = 8


@dataclass
class FrameProxy:
    """A running proxy."""

    server: Server
    """The server behind it."""
    port: int = 0
    connections: int = 0
    """How many connections were made to it."""
    writes: int = 0
    """How many writes of single records it has seen."""
    before_write: Callable[[], Awaitable[None]] | None = None
    """What to do before the next write is sent on, once."""
    _lost: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    def lose_replies(self, count: int, *, reads: bool = False) -> None:
        """Close the connection instead of the next replies to single-record writes, or to other requests."""
        self._lost[not reads] = count

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward the requests of a connection, and return their replies."""
        self.connections += 1
        there = await asyncio.open_connection(self.server.host, self.server.port)
        replies = asyncio.create_task(_copy(there[0], writer))
        try:
            while True:
                request = await _frame(reader)
                if request[1] != _MESSAGE:
                    there[1].write(request)
                    continue
                is_write = bool(request[10] & _WRITE) and not request[9] & _BATCH
                self.writes += is_write
                if is_write and self.before_write is not None:
                    change, self.before_write = self.before_write, None
                    await change()
                if not self._lost[is_write]:
                    there[1].write(request)
                    continue
                self._lost[is_write] -= 1
                replies.cancel()
                with suppress(asyncio.CancelledError):
                    await replies
                there[1].write(request)
                await _frame(there[0])
                return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            replies.cancel()
            writer.close()
            there[1].close()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    start = await reader.readexactly(8)
    return start + await reader.readexactly(int.from_bytes(start[2:], "big"))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def frame_proxy(server: Server) -> AsyncGenerator[FrameProxy]:
    """Run a proxy in front of a server while the block runs, in the running event loop."""
    proxy = FrameProxy(server)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1")
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
