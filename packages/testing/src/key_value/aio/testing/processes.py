"""Work in several processes at the same time, for stores that processes may share."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

PROCESSES = 4


async def in_processes(
    work: Callable[..., Coroutine[Any, Any, ResultT]], *args: Any, count: int = PROCESSES
) -> list[ResultT]:
    """Run a coroutine function in the event loops of several new processes at the same time.

    Args:
        work: Function at module level.
        args: Picklable arguments; the number of the process is passed as the last argument.
        count: Number of processes.

    Returns:
        The results, in the order of the process numbers.
    """
    loop = asyncio.get_running_loop()
    # Forked processes would inherit the event loop and the connections of this process.
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        calls = [loop.run_in_executor(pool, _run, work, *args, number) for number in range(count)]
        return await asyncio.gather(*calls)


def _run(work: Callable[..., Coroutine[Any, Any, ResultT]], *args: Any) -> ResultT:
    return asyncio.run(work(*args))
