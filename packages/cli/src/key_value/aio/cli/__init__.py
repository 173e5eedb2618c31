"""The command `kv`: read, write, copy and examine any store by its URL."""

from key_value.aio.cli.app import main

__all__ = ["main"]
