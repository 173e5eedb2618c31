"""Sending commands, the same way to a server and to a cluster."""

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
    """The commands of the tasks of one event loop; the driver sends them over one connection.

    A client of ours that does not answer is replaced before the next command, once a new one gets an answer:
    the server has read by then what was sent before, so that none of it can overtake a later write.

    The driver reads the answers to all loops in the loop of its first client. Where that one has ended, or
    an answer to another loop that has ended comes first, no answer comes, not even that of a timeout: the
    next client reads them again.
    """

    def __init__(
        self, client: Client, *, renew: Callable[[], Awaitable[Client]] | None, timeout: float | None
    ) -> None:
        """Use a client, in the running event loop only.

        Args:
            client: The client.
            renew: Creates another client in its place; None leaves this one.
            timeout: Seconds that a client of ours takes at most to answer; None for the client's own timeout.
        """
        self.client = client
        self.is_cluster = is_cluster(client)
        self._renew = renew
        self._may_be_lost = False
        self._replacing = asyncio.Lock()
        self._timeout = math.inf if timeout is None else timeout
        # A replica may not have yet what was acknowledged; GETEX is sent to the primary.
        reads_from_primary = client.config.read_from is ReadFrom.PRIMARY
        self._get = "GET" if reads_from_primary else "GETEX"
        # While a slot of a cluster moves, commands of several keys are refused, even if all are of one slot.
        self._has_mget = reads_from_primary and not self.is_cluster

    async def execute(self, *command: str | bytes) -> Any:
        """Send one command, and return the answer to it."""
        client = await self._working_client()
        answer = await self._answer(client.custom_command(command))
        self._may_be_lost = False
        return answer

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send several commands in one batch, and return the answers, exceptions among them."""
        if not commands:
            return []
        client = await self._working_client()
        answers = await self._answer(self._send_batch(client, commands))
        for answer in answers:
            self._note(answer)
        return answers

    async def read(self, address: str) -> bytes | None:
        """Return what is stored at an address."""
        return await self.execute(self._get, address)

    async def read_many(self, addresses: Sequence[str]) -> list[Any]:
        """Return what is stored at several addresses, an exception where it is of another type."""
        if not self._has_mget:
            return await self.execute_all([(self._get, address) for address in addresses])
        answers: list[Any] = await self.execute("MGET", *addresses)
        # MGET answers nothing for a value of another type too; GET says so.
        unclear = [index for index, answer in enumerate(answers) if answer is None]
        again = await self.execute_all([("GET", addresses[index]) for index in unclear])
        for index, answer in zip(unclear, again, strict=True):
            answers[index] = answer
        return answers

    async def primaries(self) -> list[Node]:
        """Return the nodes of a cluster that hold keys, in an order that every process finds."""
        ranges: list[list[Any]] = await self.execute("CLUSTER", "SLOTS")
        primaries = {
            Node(node[2].decode(), node[0].decode(), int(node[1])) for node in (each[2] for each in ranges)
        }
        return sorted(primaries)

    async def scan(self, node: Node | None, *command: str) -> tuple[str, list[bytes]]:
        """Return the next cursor of a node, or of the only server, "0" at the end, and the names it found."""
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
        # A cluster's client looks for lost nodes by itself.
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
