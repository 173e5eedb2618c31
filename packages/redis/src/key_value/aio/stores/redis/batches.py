"""Several keys at a time: one command where one server has them all, one for each key in a cluster."""

from collections.abc import Sequence
from typing import Any

from key_value.aio.stores.redis.client import RAW, ResponseError, is_cluster
from key_value.aio.stores.redis.commands import Command, Commands

KEYS_PER_COMMAND = 1000


async def read(commands: Commands, addresses: Sequence[str]) -> list[bytes | None]:
    """What is stored at several addresses."""
    if is_cluster(commands.client):
        # The keys of an MGET have to lie in one slot.
        answers = await commands.execute_all([("GET", place) for place in addresses])
        return raise_first(answers)
    found: list[bytes | None] = []
    for start in range(0, len(addresses), KEYS_PER_COMMAND):
        some = addresses[start : start + KEYS_PER_COMMAND]
        found += await commands.client.execute_command("MGET", *some, **RAW)
    return found


async def remove(commands: Commands, addresses: Sequence[str]) -> int:
    """Remove what is stored at several addresses; how many of them there were."""
    if is_cluster(commands.client):
        answers = await commands.execute_all([("UNLINK", place) for place in addresses])
        return sum(raise_first(answers))
    removed = 0
    for start in range(0, len(addresses), KEYS_PER_COMMAND):
        some = addresses[start : start + KEYS_PER_COMMAND]
        removed += await commands.client.execute_command("UNLINK", *some, **RAW)
    return removed


async def store(commands: Commands, entries: Sequence[tuple[str, bytes]], ttl: int | None) -> list[Any]:
    """Store bytes at several addresses.

    Args:
        commands: How to send.
        entries: Addresses and bytes.
        ttl: Milliseconds to live.

    Returns:
        An answer for each, an error where it was refused.
    """
    if ttl is not None or is_cluster(commands.client):
        return await commands.execute_all([set_command(place, data, ttl) for place, data in entries])
    answers: list[Any] = []
    for start in range(0, len(entries), KEYS_PER_COMMAND):
        some = entries[start : start + KEYS_PER_COMMAND]
        try:
            answer = await commands.client.execute_command(
                "MSET", *(part for entry in some for part in entry)
            )
        except ResponseError as error:
            answer = error
        answers += [answer] * len(some)
    return answers


def set_command(place: str, data: bytes, ttl: int | None) -> Command:
    """The command that stores bytes at an address, for so many milliseconds."""
    command = ("SET", place, data)
    return command if ttl is None else (*command, "PX", ttl)


def raise_first(answers: list[Any]) -> list[Any]:
    """The answers, unless one of them is an error."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
