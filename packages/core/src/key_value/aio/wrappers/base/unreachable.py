"""Errors of a store that cannot be reached."""

import asyncio

UNREACHABLE: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, asyncio.TimeoutError)
"""Before Python 3.11, asyncio has a separate timeout error."""
