"""Full disks: a write without space raises an error, stored data survives, and writes resume afterwards."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from key_value.aio.errors import KeyValueStoreError
from key_value.aio.testing.processes import in_processes
from key_value.aio.testing.selection import when
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.suites.paths import takes_a_path

FILE_BYTES = 500_000
"""Limit on the size of a file, which affects most engines like a full disk."""
DISK_BYTES = 24 * 1024 * 1024
"""Size of the small disk for the other engines."""
ENOUGH = 64


class FullDiskConformance(Conformance):
    """On a full disk, only the put that needs space fails."""

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
    @when(takes_a_path)
    async def test_a_full_disk_is_an_error_that_passes(self, tmp_path: Path) -> None:
        open_store = type(self).open_store
        if self.bears_file_limits:
            await in_processes(_fill, open_store, tmp_path / "store", _limit_files, count=1)
            return
        with _small_disk(tmp_path) as disk:
            await in_processes(_fill, open_store, disk / "store", _limit_disk, count=1)


async def _fill(
    open_store: Callable[[Path], Any], path: Path, limit: Callable[[Path, bool], None], _: int
) -> None:
    """Store entries until the disk is full, and more once there is space."""
    stored = 0
    async with open_store(path) as store:
        await store.put("first", {"n": 0})
        limit(path, True)
        with pytest.raises(KeyValueStoreError):  # noqa: PT012 -- the engine determines which put fails
            while True:
                text = os.urandom(20_000 * (stored + 1)).hex()
                await store.put(f"key-{stored}", {"text": text}, ttl=1000)
                stored += 1
        keys = ["first", *(f"key-{n}" for n in range(stored))]
        assert all(await store.get_many(keys))
        limit(path, False)
        await store.put("room", {"n": 1})
        assert all(await store.get_many([*keys, "room"]))
    async with open_store(path) as store:
        assert all(await store.get_many([*keys, "room"]))


def _limit_files(_: Path, is_limited: bool) -> None:
    resource: Any = import_module("resource")  # Missing on Windows.
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES if is_limited else most, most))


def _limit_disk(path: Path, is_limited: bool) -> None:
    if not is_limited:
        size = f"remount,size={ENOUGH * DISK_BYTES}"
        assert _run("mount", "-o", size, path.parent) == ""


@contextmanager
def _small_disk(directory: Path) -> Generator[Path]:
    disk = directory / "disk"
    disk.mkdir()
    failure = _run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", disk)
    if failure:
        pytest.skip(f"a small disk cannot be mounted: {failure}")
    try:
        yield disk
    finally:
        assert _run("umount", "--lazy", disk) == ""


def _run(*command: str | Path) -> str:
    """Run a command; return its error message if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- written above
    return (done.stderr.strip() or "it failed") if done.returncode else ""
