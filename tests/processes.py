"""Processes that use a store at the same time as the test."""

import random
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

_context = get_context("spawn")


def run_together(work: Callable[..., None], count: int, *args: Any) -> None:
    """Call a function in several processes at once, with the process number and the arguments."""
    processes = [_context.Process(target=work, args=(number, *args)) for number in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0] * count


def killed_while_writing(work: Callable[..., None], *args: Any, until: Callable[[], bool]) -> None:
    """Call a function in a process, and kill the process at some moment after a condition becomes true."""
    process = _context.Process(target=work, args=args)
    process.start()
    while not until():
        assert process.is_alive(), "it ended by itself"
        time.sleep(0.005)
    time.sleep(random.uniform(0.02, 0.1))
    process.kill()
    process.join(timeout=30)
    assert (process.exitcode or 0) < 0
