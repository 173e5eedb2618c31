"""Run a command and choose its exit code."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from enum import IntEnum
from typing import Any, NoReturn

import click

from key_value.aio.cli.output import show_error
from key_value.aio.errors import (
    BaseKeyValueError,
    InvalidKeyError,
    InvalidTTLError,
    SerializationError,
    StoreURLError,
    ValueTooLargeError,
)


class ExitCode(IntEnum):
    """The exit codes of `kv`, which scripts may rely on."""

    OK = 0
    """The command succeeded."""
    ABSENT = 1
    """The entry does not exist; for `put --if-absent`, it exists."""
    USAGE = 2
    """An argument, a URL or a value is invalid."""
    FAILED = 3
    """The store failed or cannot be reached."""
    UNABLE = 4
    """The store lacks an ability that the command needs."""
    DIFFERENT = 5
    """`copy --verify` found entries that differ, or `doctor` found a store that does not keep its entries."""
    BUG = 70
    """An unexpected error."""
    INTERRUPTED = 128 + signal.SIGINT
    """The user interrupted the command."""
    BROKEN_PIPE = 141
    """The program that reads the output has ended."""


class UnableError(Exception):
    """A store lacks an ability."""

    def __init__(self, store: object, method: str, advice: str = "") -> None:
        super().__init__(f"{type(store).__name__} has no {method}{advice}")


class UsageError(Exception):
    """An argument is invalid."""


_CODES: Sequence[tuple[tuple[type[Exception], ...], ExitCode]] = (
    ((UsageError, StoreURLError, ImportError), ExitCode.USAGE),
    ((InvalidKeyError, InvalidTTLError, SerializationError, ValueTooLargeError), ExitCode.USAGE),
    ((UnableError,), ExitCode.UNABLE),
    ((BaseKeyValueError, OSError), ExitCode.FAILED),
    # Raised by a store's constructor for an invalid argument.
    ((ValueError,), ExitCode.USAGE),
)
"""The exit code of each error; the first matching row applies."""


def run(command: Callable[[], Coroutine[Any, Any, ExitCode]]) -> NoReturn:
    """Run a command and end the program.

    Raises:
        click.exceptions.Exit: Always; its code is the result of the command.
    """
    try:
        code = asyncio.run(command())
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Otherwise Python would flush the remaining output at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 -- shown, with an exit code for its kind
        code = next((code for kinds, code in _CODES if isinstance(error, kinds)), ExitCode.BUG)
        if code is ExitCode.BUG:
            traceback.print_exc()
        else:
            show_error(error)
    raise click.exceptions.Exit(int(code))
