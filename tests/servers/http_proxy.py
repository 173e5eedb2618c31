"""A proxy before a server that speaks HTTP, which loses, cuts or makes up answers as a test says."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum

from typing_extensions import override


class Fault(Enum):
    """What goes wrong with a request."""

    LOST = "the server does it, and its answer is lost"
    CUT = "the server does it, and the connection breaks in the middle of its answer"
    SILENT = "it is not sent on, and there is no answer"


Judge = Callable[[str, str], "Fault | bytes | None"]
"""Given the method and the path of a request: what goes wrong, or a made-up answer; None sends it on."""


class HttpProxy:
    """The proxy: `judge` may be replaced at any time."""

    def __init__(self, host: str, port: int) -> None:
        self.judge: Judge = lambda _method, _path: None
        self.requests: list[tuple[str, str]] = []
        self.port = 0
        self._server = host, port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass the requests of one connection on, each over a connection of its own."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await _body(head, reader)
                method, path = head.decode("latin-1").split(" ")[:2]
                self.requests.append((method, path))
                fault = self.judge(method, path)
                if fault is Fault.SILENT:
                    await reader.read()
                    break
                answer = fault if isinstance(fault, bytes) else await self._answer(head, body, method)
                if fault is Fault.LOST:
                    break
                writer.write(answer[: len(answer) - 10] if fault is Fault.CUT else answer)
                await writer.drain()
                if fault is Fault.CUT:
                    break
        writer.close()

    async def _answer(self, head: bytes, body: bytes, method: str) -> bytes:
        reader, writer = await asyncio.open_connection(*self._server)
        try:
            writer.write(head + body)
            answered = await reader.readuntil(b"\r\n\r\n")
            while answered.startswith(b"HTTP/1.1 100"):
                answered = await reader.readuntil(b"\r\n\r\n")
            empty = method == "HEAD" or answered.split(b" ")[1] in (b"204", b"304")
            return answered if empty else answered + await _body(answered, reader)
        finally:
            writer.close()

    @override
    def __repr__(self) -> str:
        return f"HttpProxy({self.port})"


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """Read the rest of a message, as it is sent."""
    lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
    fields = {name.strip().lower(): value.strip() for name, _, value in lines}
    if fields.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while True:
            size = await reader.readuntil(b"\r\n")
            chunk = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
            body += size + chunk
            if chunk == b"\r\n":
                return body
    return await reader.readexactly(int(fields.get("content-length", "0")))


@asynccontextmanager
async def http_proxy(host: str, port: int) -> AsyncGenerator[HttpProxy]:
    """Run a proxy before a server, on a port of its own on loopback."""
    proxy = HttpProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
