"""Sending commands: those that tasks give in the same turn of the event loop leave together."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeAlias, cast

from key_value.aio.stores.redis.client import RAW, Client, is_cluster

Command: TypeAlias = tuple[str | bytes | int, ...]

Waiting: TypeAlias = "tuple[Command, asyncio.Future[Any]]"
"""A command, and the task that waits for the answer to it."""

COMMANDS_PER_PIPELINE = 1000


class Commands:
    """The commands of the tasks of one event loop to one client.

    A task that is alone sends its command as any client would. While one is under way, the next waits for
    those that come in the same turn of the loop, and all leave together, the reads as one MGET.
    """

    def __init__(self, client: Client) -> None:
        """Use a client, in the running event loop only."""
        self.client = client
        self._waiting: list[Waiting] | None = None
        """What waits for the end of this turn; None while there is no task that will send it."""
        self._in_flight = 0
        self._sending: set[asyncio.Task[None]] = set()

    async def execute(self, *command: str | bytes | int) -> Any:
        """Send one command, and wait for the answer to it."""
        waiting = self._waiting
        if waiting is not None:
            return await _join(waiting, command)
        if not self._in_flight:
            return await self._execute_alone(command)
        waiting = self._waiting = []
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self._send(waiting)
            raise
        finally:
            self._waiting = None
        if waiting:
            answer = _join(waiting, command)
            self._send(waiting)
            return await answer
        return await self._execute_alone(command)

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """Send several commands, and wait for the answers: an error where one was refused."""
        answers: list[Any] = []
        for start in range(0, len(commands), COMMANDS_PER_PIPELINE):
            pipeline = self.client.pipeline(transaction=False)
            for command in commands[start : start + COMMANDS_PER_PIPELINE]:
                pipeline.execute_command(*command, **RAW)
            answers += await pipeline.execute(raise_on_error=False)
        return answers

    async def finish(self) -> None:
        """Wait for the answers to what was sent."""
        await asyncio.gather(*self._sending)

    async def _execute_alone(self, command: Command) -> Any:
        self._in_flight += 1
        try:
            return await self.client.execute_command(*command, **RAW)
        finally:
            self._in_flight -= 1

    def _send(self, waiting: "list[Waiting]") -> None:
        if waiting:
            # In a task of its own: the one that sends for all may be cancelled.
            task = asyncio.get_running_loop().create_task(self._answer(waiting))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _answer(self, waiting: "list[Waiting]") -> None:
        """Send what waits; of one server all values that are asked for are one command."""
        reads = [] if is_cluster(self.client) else [one for one in waiting if one[0][0] == "GET"]
        others = [one for one in waiting if one[0][0] != "GET"] if reads else waiting
        await asyncio.gather(self._answer_reads(reads), self._answer_others(others))

    async def _answer_reads(self, waiting: "list[Waiting]") -> None:
        for start in range(0, len(waiting), COMMANDS_PER_PIPELINE):
            some = waiting[start : start + COMMANDS_PER_PIPELINE]
            places = [command[1] for command, _ in some]
            await _settle(some, self.client.execute_command("MGET", *places, **RAW))

    async def _answer_others(self, waiting: "list[Waiting]") -> None:
        if waiting:
            await _settle(waiting, self.execute_all([command for command, _ in waiting]))


async def _settle(waiting: "list[Waiting]", answers: Awaitable[list[Any]]) -> None:
    try:
        found = await answers
    except Exception as error:  # noqa: BLE001  -- raised where the answers are awaited
        found = [cast("Any", error)] * len(waiting)
    for (_, future), answer in zip(waiting, found, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _join(waiting: "list[Waiting]", command: Command) -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    waiting.append((command, future))
    return future
