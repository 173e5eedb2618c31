"""Pytest plugin that runs all tests on uvloop, the event loop of many servers such as uvicorn."""

import asyncio

import pytest
import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # pyright: ignore[reportDeprecated] -- as pytest-asyncio does


def pytest_configure(config: pytest.Config) -> None:
    # Some tests abandon a loop with pending tasks; uvloop releases their coroutines later than asyncio does.
    config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
