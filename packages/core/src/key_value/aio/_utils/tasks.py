"""Tasks that start in the next turn of the event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def start_task(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Run a coroutine as a task that never starts before this function returns.

    `loop.create_task` may start it at once: `asyncio.eager_task_factory` of Python 3.12 does.
    """
    return asyncio.Task(work, loop=asyncio.get_running_loop())
