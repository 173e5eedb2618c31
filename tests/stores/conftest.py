"""Leaves out what this system cannot import, and repeats a test in which the keyring itself ended."""

import gc
import sys
import warnings
from collections.abc import Generator
from typing import Any

import pytest

collect_ignore = ["test_chdb.py"] if sys.platform == "win32" else []

REPEATS = 5


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Generator[None, Any, Any]:
    """gnome-keyring 42 can end when somebody connects to it: that says nothing of what is tested."""
    for repeat in range(REPEATS):
        try:
            return (yield) if repeat == 0 else item.runtest()
        except Exception:
            revive = item.funcargs.get("revive_keyring")
            if revive is None or not revive():
                raise
        _forget_connections()
    return item.runtest()


def _forget_connections() -> None:
    """The driver leaves those that failed to the garbage collector; what pytest remembers holds them, too."""
    for name in ("last_exc", "last_value", "last_traceback"):
        setattr(sys, name, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
