"""Links and pipes planted in a store's directory: the store does not follow links or wait for pipes."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.testing.selection import states, when
from key_value.aio.testing.suites.base import Conformance
from key_value.aio.testing.suites.paths import takes_a_path

COLLECTIONS = ("one", "two")
LARGE = {"text": "x" * 100_000}
HANGS = 20
"""Seconds after which a call counts as waiting for a pipe."""


class LinkConformance(Conformance):
    """A link in the directory of a store cannot lead it outside the directory, nor make it hang."""

    @pytest.mark.skipif(sys.platform == "win32", reason="making links needs a privilege there")
    @when(takes_a_path, states(owns_directories=True))
    async def test_a_link_in_place_of_a_directory_is_not_followed(self, tmp_path: Path) -> None:
        path, outside = tmp_path / "store", tmp_path / "outside"
        await self._fill_two(path)
        outside.mkdir()
        directories = [each for each in path.iterdir() if each.is_dir()]
        assert directories, "the store keeps no directories"
        for directory in directories:
            directory.rename(outside / directory.name)
            directory.symlink_to(outside / directory.name)
        before = _contents(outside)
        await self._do_all(path)
        assert _contents(outside) == before

    @pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
    @when(takes_a_path, states(owns_directories=True))
    async def test_a_pipe_in_place_of_a_file_holds_nobody_up(self, tmp_path: Path) -> None:
        path = tmp_path / "store"
        await self._fill_two(path)
        files = [each for each in path.rglob("*") if each.is_file() and each.parent != path]
        assert files, "the store keeps no files of its own"
        for file in files:
            file.unlink()
            os.mkfifo(file)
        await self._do_all(path)

    async def _fill_two(self, path: Path) -> None:
        async with type(self).open_store(path) as store:
            for collection in COLLECTIONS:
                await store.put("small", {"n": 1}, collection=collection)
                await store.put("large", LARGE, collection=collection)

    async def _do_all(self, path: Path) -> None:
        """Call all operations of a store; rejected ones must raise store errors."""
        store = type(self).open_store(path)
        for collection in COLLECTIONS:
            for key in ("small", "large", "new"):
                await _refused_or_done(partial(store.get, key, collection=collection))
                await _refused_or_done(partial(store.put, key, LARGE, collection=collection))
                await _refused_or_done(partial(store.delete, key, collection=collection))
            for name, arguments in _OF_COLLECTIONS.items():
                if hasattr(store, name):
                    await _refused_or_done(partial(getattr(store, name), **arguments, collection=collection))
        for name in ("collections", "cull", "destroy"):
            if hasattr(store, name):
                await _refused_or_done(getattr(store, name))
        await store.close()


_OF_COLLECTIONS: Mapping[str, Mapping[str, Any]] = {
    "put_many": {"keys": ["small", "large"], "values": [{}, LARGE]},
    "get_many": {"keys": ["small", "large"]},
    "delete_many": {"keys": ["small", "large"]},
    "put_if_absent": {"key": "claimed", "value": {}},
    "pop": {"key": "small"},
    "touch": {"key": "small", "ttl": 10},
    "keys": {},
    "destroy_collection": {},
}


async def _refused_or_done(call: Callable[[], Awaitable[object]]) -> None:
    with suppress(BaseKeyValueError):
        await asyncio.wait_for(asyncio.ensure_future(call()), HANGS)


def _contents(directory: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in directory.rglob("*") if file.is_file()}
