"""Sending commands: those that tasks give in the same turn of the event loop are sent together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias, TypeVar

from key_value.aio.stores.redis.client import RAW, UNANSWERED, Client, connections_of, is_cluster

T = TypeVar("T")

Command: TypeAlias = tuple[str | bytes | int, ...]

Waiting: TypeAlias = "tuple[Command, asyncio.Future[Any]]"
"""A command, and what the task that gave it awaits."""


class Commands:
    """The commands of the tasks of one event loop to one client.

    A task that is alone sends its command as any client would. While one is under way, the next waits for
    those of the same turn of the loop, and all are sent together, the reads as one MGET.

    A server that hung does what it had received when it goes on, which may be after a later command over
    another connection. So after a command without an answer the next one waits for the answer to a PING.

    redis-py fails where a command finds no free connection: here it waits for one.
    """

    def __init__(self, client: Client) -> None:
        """Use a client, in the running event loop only."""
        self.client = client
        self.is_cluster = is_cluster(client)
        self._waiting: list[Waiting] = []
        self._in_flight = 0
        self._sending: set[asyncio.Task[None]] = set()
        self._connections = asyncio.Semaphore(connections_of(client))
        self._unanswered = self._passed = 0
        """Commands without an answer, and how many of them the server is known to be done with."""

    async def execute(self, *command: str | bytes | int) -> Any:
        """Send one command, and return the answer to it."""
        if self._in_flight or self._waiting:
            return await self._execute_with_others(command)
        self._in_flight += 1
        try:
            return await self._exchange(self.client.execute_command, *command, **RAW)
        finally:
            self._in_flight -= 1

    async def send(self, *command: str | bytes | int, **options: Any) -> Any:
        """Send one command by itself, with options of redis-py, and return the answer to it."""
        return await self._exchange(self.client.execute_command, *command, **RAW, **options)

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send several commands in one pipeline, and return the answers, exceptions among them."""
        if not commands:
            return []
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command, **RAW)
        return await self._exchange(pipeline.execute, raise_on_error=False)

    async def read(self, addresses: Sequence[str | bytes | int]) -> list[Any]:
        """Return what is stored at several addresses, an exception where it is of another type."""
        if self.is_cluster or not addresses:
            # The keys of an MGET have to be in one slot.
            return await self.execute_all([("GET", address) for address in addresses])
        answers: list[Any] = await self.send("MGET", *addresses)
        # MGET answers nothing for a value of another type too; GET says so.
        unclear = [index for index, answer in enumerate(answers) if answer is None]
        again = await self.execute_all([("GET", addresses[index]) for index in unclear])
        for index, answer in zip(unclear, again, strict=True):
            answers[index] = answer
        return answers

    async def nodes(self) -> list[str]:
        """Return the names of the nodes that hold keys, in an order that every process finds."""
        if not self.is_cluster:
            return ["redis"]
        await self.client.initialize()
        return sorted(node.name for node in self.client.get_primaries())

    async def scan(self, node: str, *command: str | int) -> tuple[int, list[bytes]]:
        """Return the next cursor of one node, 0 at the end, and the names that it found."""
        if not self.is_cluster:
            cursor, found = await self.send(*command)
            return int(cursor), found
        cursors, found = await self.send(*command, target_nodes=self.client.get_node(node_name=node))
        return int(cursors[node]), found

    async def finish(self) -> None:
        """Wait for the answers to what was sent."""
        await asyncio.gather(*self._sending)

    async def _pass_unanswered(self) -> None:
        """Wait until the server has done what was sent before and got no answer."""
        unanswered = self._unanswered
        nodes = {"target_nodes": "primaries"} if self.is_cluster else {}
        # In one turn of its loop Redis accepts the connections that wait, and in the next it reads from them.
        for _ in range(2):
            await self.client.execute_command("PING", **nodes)
        self._passed = max(self._passed, unanswered)

    async def _exchange(
        self, send: Callable[..., Awaitable[T]], *arguments: str | bytes | int, **options: Any
    ) -> T:
        """Send over a connection of its own, once one is free, and await the answer."""
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
            # In a task of its own: any of those that wait may be cancelled.
            task = loop.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        self._waiting.append((command, future))
        try:
            return await future
        except asyncio.CancelledError:
            self._unanswered += 1
            raise

    async def _send(self) -> None:
        """Send what has gathered in this turn of the loop, but for what was given up."""
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
    """Give waiting tasks the answers to their commands."""
    try:
        found: list[Any] = await _while_awaited(waiting, asyncio.ensure_future(answers))
    except Exception as error:  # noqa: BLE001 -- raised where the answers are awaited
        found = [error] * len(waiting)
    for (_, future), answer in zip(waiting, found, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


async def _while_awaited(waiting: "list[Waiting]", answers: "asyncio.Task[list[Any]]") -> list[Any]:
    """Await the answers to commands; once all tasks have given up, nothing more is sent."""

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
