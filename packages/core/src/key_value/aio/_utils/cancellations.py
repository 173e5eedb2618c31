"""Cancellations of tasks, which Python counts since 3.11."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

cancellations: Callable[["asyncio.Task[Any]"], int] = (
    asyncio.Task.cancelling if sys.version_info >= (3, 11) else lambda _: 0
)
"""Return how often a task was cancelled, as far as Python counts it."""
