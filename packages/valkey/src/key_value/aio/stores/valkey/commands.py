"""Sending commands, in the same way to a server and to a cluster."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from glide import (
    Batch,
    BatchOptions,
    ByAddressRoute,
    ClusterBatch,
    ClusterBatchOptions,
    GlideError,
    ReadFrom,
)

from key_value.aio.stores.valkey.client import Client, is_cluster, is_lost

Command: TypeAlias = tuple[str | bytes, ...]

T = TypeVar("T")


class Node(NamedTuple):
    """A primary node of a cluster."""

    name: str
    host: str
    port: int


class Commands:
    """Sends the commands of one event loop; the driver sends them over one connection.

    If a client that the store created stops responding, it is replaced before the next command, as soon as a
    new client gets a response. By then the server has read all earlier commands, so none of them can overtake
    a later write.

    The driver reads the responses for all event loops in the loop of its first client. If that loop has
    ended, or a response for another ended loop comes first, no response arrives, not even a timeout. The next
    client starts reading them again.
    """

    def __init__(
        self, client: Client, *, renew: Callable[[], Awaitable[Client]] | None, timeout: float | None
    ) -> None:
        """Initialize with a client; use it in the running event loop only.

        Args:
            client: The client.
            renew: Creates a client to replace it; None keeps this client.
            timeout: Maximum time that a client created by the store takes to respond, in seconds; None keeps
                the client's own timeout.
        """
        self.client = client
        self.is_cluster = is_cluster(client)
        self._renew = renew
        self._may_be_lost = False
        self._replacing = asyncio.Lock()
        self._timeout = math.inf if timeout is None else timeout
        # A replica may lag behind acknowledged writes. GETEX is always sent to the primary.
        reads_from_primary = client.config.read_from is ReadFrom.PRIMARY
        self._get = "GET" if reads_from_primary else "GETEX"
        # While a cluster slot migrates, commands with several keys are rejected, even within one slot.
        self._has_mget = reads_from_primary and not self.is_cluster

    async def execute(self, *command: str | bytes) -> Any:
        """Send one command and return its response."""
        client = await self._working_client()
        answer = await self._answer(client.custom_command(command))
        self._may_be_lost = False
        return answer

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send several commands in one batch and return the responses; failures are exceptions."""
        if not commands:
            return []
        client = await self._working_client()
        answers = await self._answer(self._send_batch(client, commands))
        for answer in answers:
            self._note(answer)
        return answers

    async def read(self, address: str) -> bytes | None:
        """Return the value at an address."""
        return await self.execute(self._get, address)

    async def read_many(self, addresses: Sequence[str]) -> list[Any]:
        """Return the values at several addresses; a value of another type is an exception."""
        if not self._has_mget:
            return await self.execute_all([(self._get, address) for address in addresses])
        answers: list[Any] = await self.execute("MGET", *addresses)
        # MGET also returns nil for a value of another type; GET returns an error.
        unclear = [index for index, answer in enumerate(answers) if answer is None]
        again = await self.execute_all([("GET", addresses[index]) for index in unclear])
        for index, answer in zip(unclear, again, strict=True):
            answers[index] = answer
        return answers

    async def primaries(self) -> list[Node]:
        """Return the nodes of a cluster that hold keys, in the same order in every process."""
        ranges: list[list[Any]] = await self.execute("CLUSTER", "SLOTS")
        primaries = {
            Node(node[2].decode(), node[0].decode(), int(node[1])) for node in (each[2] for each in ranges)
        }
        return sorted(primaries)

    async def scan(self, node: Node | None, *command: str) -> tuple[str, list[bytes]]:
        """Return the next cursor of a node or single server, "0" at the end, and the names it has found."""
        if node is None:
            answer = await self.execute(*command)
        else:
            route = ByAddressRoute(node.host, node.port)
            client = await self._working_client()
            answer = await self._answer(client.custom_command(command, route))
        return answer[0].decode(), answer[1]

    async def _send_batch(self, client: Client, commands: Sequence[Command]) -> list[Any]:
        batch = ClusterBatch(is_atomic=False) if self.is_cluster else Batch(is_atomic=False)
        options = ClusterBatchOptions if self.is_cluster else BatchOptions
        for command in commands:
            batch.custom_command(list(command))
        milliseconds = None if self._timeout == math.inf else math.ceil(self._timeout * 1000)
        return await client.exec(batch, raise_on_error=False, options=options(timeout=milliseconds))

    async def _answer(self, call: Awaitable[T]) -> T:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            return await call
        except GlideError as error:
            self._note(error)
            raise
        except asyncio.CancelledError:
            self._may_be_lost = self._may_be_lost or loop.time() - begun > self._timeout
            raise

    def _note(self, answer: object) -> None:
        # A cluster client looks for lost nodes by itself.
        self._may_be_lost = self._may_be_lost or (not self.is_cluster and is_lost(answer))

    async def _working_client(self) -> Client:
        if self._may_be_lost and self._renew is not None:
            async with self._replacing:
                if self._may_be_lost:
                    await self._replace(await self._renew())
        return self.client

    async def _replace(self, fresh: Client) -> None:
        try:
            await fresh.custom_command(["PING"])
        except BaseException:
            await fresh.close()
            raise
        lost, self.client = self.client, fresh
        self._may_be_lost = False
        await lost.close()
