"""Paths: a relative path is resolved against the working directory at construction time."""

from pathlib import Path
from typing import Any

import pytest

from key_value.aio.testing.selection import when
from key_value.aio.testing.suites.base import Conformance


def takes_a_path(tests: Any) -> bool:
    """Return whether the store keeps files at a given path."""
    return hasattr(tests, "open_store") and tests.keeps_files


class PathConformance(Conformance):
    """A store stays at its path if the process changes its working directory."""

    @when(takes_a_path)
    async def test_a_relative_path_is_resolved_when_it_is_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = self._constructed(tmp_path, monkeypatch)
        async with store:
            await store.put("key", {"n": 1})
        await self._check(tmp_path, {"n": 1})

    @when(takes_a_path)
    async def test_a_store_stays_when_the_directory_changes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "before").mkdir()
        monkeypatch.chdir(tmp_path / "before")
        async with self._open(Path("data")) as store:
            await store.put("key", {"n": 1})
            (tmp_path / "after").mkdir()
            monkeypatch.chdir(tmp_path / "after")
            await store.put_many(["key", "other"], [{"n": 2}] * 2)
            assert await store.get_many(["key", "other"]) == [{"n": 2}] * 2
        await self._check(tmp_path, {"n": 2})

    def _constructed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        for directory in ("before", "after"):
            (tmp_path / directory).mkdir()
        monkeypatch.chdir(tmp_path / "before")
        store = self._open(Path("data"))
        monkeypatch.chdir(tmp_path / "after")
        return store

    async def _check(self, tmp_path: Path, value: dict[str, Any]) -> None:
        assert list((tmp_path / "after").iterdir()) == []
        async with self._open(tmp_path / "before" / "data") as store:
            assert await store.get("key") == value

    def _open(self, path: Path) -> Any:
        return type(self).open_store(path)
