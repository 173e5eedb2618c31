"""A pytest plugin that runs all tests on uvloop, the event loop of many servers such as uvicorn."""

import asyncio

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # pyright: ignore[reportDeprecated] -- as pytest-asyncio does
