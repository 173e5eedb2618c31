"""Sending commands: those issued in the same turn of the event loop are sent together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias, TypeVar

from key_value.aio.stores.redis.client import RAW, UNANSWERED, Client, connections_of, is_cluster

T = TypeVar("T")

Command: TypeAlias = tuple[str | bytes | int, ...]

Waiting: TypeAlias = "tuple[Command, asyncio.Future[Any]]"
"""A command, and the future that its task awaits."""


class Commands:
    """Sends the commands of one event loop through one client.

    A single command is sent the way any client sends it. While one is in flight, the next one is collected
    with the other commands of its turn of the loop, and all of them are sent together, the reads as one MGET.

    A server that hangs still executes the commands it had received once it resumes, possibly after a later
    command from another connection. Therefore, after a command without a response, the next one first waits
    for the response to a PING.

    redis-py raises if a command finds no free connection. This class waits for one instead.
    """

    def __init__(self, client: Client) -> None:
        """Initialize with a client; use it in the running event loop only."""
        self.client = client
        self.is_cluster = is_cluster(client)
        self._waiting: list[Waiting] = []
        self._in_flight = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._connections = asyncio.Semaphore(connections_of(client))
        self._unanswered = self._passed = 0
        """Commands without a response, and how many of them the server is known to have finished."""

    async def execute(self, *command: str | bytes | int) -> Any:
        """Send one command and return its response."""
        if self._in_flight or self._waiting:
            return await self._execute_with_others(command)
        self._in_flight += 1
        try:
            return await self._exchange(self.client.execute_command, *command, **RAW)
        finally:
            self._in_flight -= 1

    async def send(self, *command: str | bytes | int, **options: Any) -> Any:
        """Send one command by itself, with options of redis-py, and return its response."""
        return await self._exchange(self.client.execute_command, *command, **RAW, **options)

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send several commands in one pipeline and return the responses; failures are exceptions."""
        if not commands:
            return []
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command, **RAW)
        return await self._exchange(pipeline.execute, raise_on_error=False)

    async def read(self, addresses: Sequence[str | bytes | int]) -> list[Any]:
        """Return the values at several addresses; a value of another type is an exception."""
        if self.is_cluster or not addresses:
            # All keys of an MGET must be in the same slot.
            return await self.execute_all([("GET", address) for address in addresses])
        answers: list[Any] = await self.send("MGET", *addresses)
        # MGET also returns nil for a value of another type; GET returns an error.
        unclear = [index for index, answer in enumerate(answers) if answer is None]
        again = await self.execute_all([("GET", addresses[index]) for index in unclear])
        for index, answer in zip(unclear, again, strict=True):
            answers[index] = answer
        return answers

    async def nodes(self) -> list[str]:
        """Return the names of the nodes that hold keys, in the same order in every process."""
        if not self.is_cluster:
            return ["redis"]
        await self.client.initialize()
        return sorted(node.name for node in self.client.get_primaries())

    async def scan(self, node: str, *command: str | int) -> tuple[int, list[bytes]]:
        """Return the next cursor of one node, 0 at the end, and the names it has found."""
        if not self.is_cluster:
            cursor, found = await self.send(*command)
            return int(cursor), found
        cursors, found = await self.send(*command, target_nodes=self.client.get_node(node_name=node))
        return int(cursors[node]), found

    async def finish(self) -> None:
        """Wait for the responses to all commands sent so far."""
        await asyncio.gather(*self._sending)

    async def _pass_unanswered(self) -> None:
        """Wait until the server has executed all earlier commands that got no response."""
        unanswered = self._unanswered
        nodes = {"target_nodes": "primaries"} if self.is_cluster else {}
        # Redis accepts pending connections in one turn of its loop and reads from them in the next.
        for _ in range(2):
            await self.client.execute_command("PING", **nodes)
        self._passed = max(self._passed, unanswered)

    async def _exchange(
        self, send: Callable[..., Awaitable[T]], *arguments: str | bytes | int, **options: Any
    ) -> T:
        """Send over a separate connection, once one is free, and await the response."""
        await self._connections.acquire()
        try:
            if self._unanswered > self._passed:
                await self._pass_unanswered()
            return await send(*arguments, **options)
        except (asyncio.CancelledError, *UNANSWERED):
            self._unanswered += 1
            raise
        finally:
            self._connections.release()

    async def _execute_with_others(self, command: Command) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._waiting:
            # A separate task, because any of the waiting tasks may be cancelled.
            # It starts in the next turn, even if the loop's task factory starts tasks at once.
            task = asyncio.Task(self._send(), loop=loop)
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        self._waiting.append((command, future))
        try:
            return await future
        except asyncio.CancelledError:
            self._unanswered += 1
            raise

    async def _send(self) -> None:
        """Send the commands collected in this turn of the loop, except those that were cancelled."""
        waiting, self._waiting = self._waiting, []
        waiting = [one for one in waiting if not one[1].done()]
        reads = [] if self.is_cluster else [one for one in waiting if one[0][0] == "GET"]
        others = [one for one in waiting if one[0][0] != "GET"] if reads else waiting
        self._in_flight += 1
        try:
            await asyncio.gather(
                _answer(reads, self.read([command[1] for command, _ in reads])),
                _answer(others, self.execute_all([command for command, _ in others])),
            )
        finally:
            self._in_flight -= 1


async def _answer(waiting: "list[Waiting]", answers: Coroutine[Any, Any, list[Any]]) -> None:
    """Deliver the responses to the waiting tasks."""
    try:
        found: list[Any] = await _while_awaited(waiting, asyncio.ensure_future(answers))
    except Exception as error:  # noqa: BLE001 -- raised where the response is awaited
        found = [error] * len(waiting)
    for (_, future), answer in zip(waiting, found, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


async def _while_awaited(waiting: "list[Waiting]", answers: "asyncio.Task[list[Any]]") -> list[Any]:
    """Await the responses to commands; stop sending once all waiting tasks are cancelled."""

    def cancel_if_given_up(_: object) -> None:
        if all(future.done() for _, future in waiting):
            answers.cancel()

    for _, future in waiting:
        future.add_done_callback(cancel_if_given_up)
    try:
        return await answers
    except asyncio.CancelledError:
        if all(future.done() for _, future in waiting):
            return [None] * len(waiting)
        raise
