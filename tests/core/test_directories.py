"""Directories whose entries are opened without following links."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base.directories import Directory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "inner").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    return tmp_path / "outside"


@pytest.fixture
def inner(root: Path) -> Iterator[Directory]:
    with Directory.open(root, "inner") as directory:
        yield directory


def test_the_root_may_be_reached_through_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    with Directory.open(tmp_path / "link") as directory:
        assert [entry.name for entry in directory.entries()] == ["inner"]


def test_a_linked_directory_is_refused(root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    with pytest.raises(PathSecurityError, match="link"):
        Directory.open(root, "link")
    with pytest.raises(PathSecurityError, match="link"):
        Directory.open(root, "link", "deeper")


def test_a_missing_directory_is_missing(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Directory.open(root, "inner", "none")
    (root / "file").touch()
    with pytest.raises(NotADirectoryError):
        Directory.open(root, "file")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc/passwd", "a\x00b"])
def test_a_name_is_one_component(inner: Directory, root: Path, name: str) -> None:
    for refused in (
        lambda: Directory.open(root, name),
        lambda: inner.read(name),
        lambda: inner.remove(name),
        lambda: inner.make(name),
        lambda: inner.remove_directory(name),
        lambda: inner.move(name, inner, "b"),
    ):
        with pytest.raises(PathSecurityError, match="outside its directory"):
            refused()


def test_a_linked_file_is_neither_read_nor_written(inner: Directory, outside: Path) -> None:
    (inner.path / "link").symlink_to(outside / "file")
    (inner.path / "dangling").symlink_to(outside / "new")
    for name in ("link", "dangling"):
        with pytest.raises(PathSecurityError, match="link"):
            inner.read(name)
        with pytest.raises(PathSecurityError, match="link"):
            inner.open_file(name, os.O_RDWR | os.O_CREAT)
    assert inner.remove("link") is True
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_only_regular_files_are_opened(inner: Directory) -> None:
    os.mkfifo(inner.path / "fifo")
    (inner.path / "directory").mkdir()
    for name, flags in (("fifo", os.O_RDONLY), ("fifo", os.O_WRONLY), ("directory", os.O_RDONLY)):
        with pytest.raises(PathSecurityError, match="not a regular file"):
            inner.open_file(name, flags)


def test_what_is_made_is_its_owners_alone(inner: Directory) -> None:
    old = os.umask(0)
    try:
        assert inner.make("made") is True
        assert inner.make("made") is False
        os.close(inner.open_file("file", os.O_RDWR | os.O_CREAT))
    finally:
        os.umask(old)
    assert stat.S_IMODE((inner.path / "made").stat().st_mode) == 0o700
    assert stat.S_IMODE((inner.path / "file").stat().st_mode) == 0o600


def test_a_move_replaces_a_link(inner: Directory, outside: Path) -> None:
    (inner.path / "new").write_text("new")
    (inner.path / "file").symlink_to(outside / "file")
    inner.move("new", inner, "file")
    assert inner.read("file") == b"new"
    assert (outside / "file").read_text() == "secret"


def test_descriptors_are_closed(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Directory.open(root, "inner") as directory:
        directory.sync()
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            Directory.open(root, "inner", "none")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
