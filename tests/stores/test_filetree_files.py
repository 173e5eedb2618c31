"""The files of a tree, together with foreign files."""

import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base import VersionedBytesStore
from key_value.aio.stores.filetree.atomic import WRITING, Lock, claim, temp_files
from key_value.aio.stores.filetree.files import Files
from tests.processes import run_together

version_of = VersionedBytesStore.version_of


def open_files(root: Path, *, auto_create: bool = True) -> Files:
    return Files(root, root, auto_create=auto_create, durable=True)


def as_collection(_: bytes | None) -> bytes:
    return b"{}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def files(root: Path) -> Iterator[Files]:
    with closing(open_files(root)) as files:
        files.make("users", as_collection)
        yield files


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "k.json").write_text("secret")
    (outside / "old.tmp").touch()
    return outside


def unchanged(outside: Path) -> bool:
    return {path.name: path.read_text() for path in outside.iterdir()} == {"k.json": "secret", "old.tmp": ""}


class TestFiles:
    def test_reads_and_writes(self, files: Files, root: Path) -> None:
        assert files.read("users/k.json") is files.read("none/k.json") is None
        files.write([("users/k.json", b"1"), ("users/l.json", b"2"), ("users/k.json", b"3")])
        assert files.read("users/k.json") == b"3"
        files.remove(["users/k.json", "users/k.json", "users/none.json", "none/k.json"])
        assert files.take(["users/l.json", "users/k.json", "none/l.json"]) == [b"2", None, None]
        assert files.take(["users/l.json"]) == [None]
        assert list((root / "users").iterdir()) == []
        assert [path.name for path in (root / WRITING).iterdir()] == ["lock"]

    def test_versions(self, files: Files) -> None:
        assert files.write_if("users/k.json", b"1", version_of(b"1")) is False
        assert files.write_if("users/k.json", b"1", None) is True
        assert files.write_if("users/k.json", b"2", None) is False
        assert files.write_if("users/k.json", b"2", version_of(b"1")) is True
        assert files.remove_if("users/k.json", version_of(b"1")) is False
        assert files.remove_if("none/k.json", version_of(b"1")) is False
        assert files.remove_if("users/k.json", version_of(b"2")) is True

    def test_a_missing_directory_is_told(self, files: Files, root: Path) -> None:
        with pytest.raises(FileNotFoundError):
            files.write([("none/k.json", b"1")])
        with pytest.raises(FileNotFoundError):
            files.write_if("none/k.json", b"1", None)
        assert [path.name for path in (root / WRITING).iterdir()] == ["lock"]

    def test_a_tree_without_anything_of_ours_is_changed(self, root: Path) -> None:
        """0.5 does not create `.writing`."""
        (root / "users").mkdir(parents=True)
        for name in "abc":
            (root / "users" / f"{name}.json").write_text("1")
        with closing(open_files(root)) as files:
            files.remove(["users/none.json"])
            assert not (root / WRITING).exists()
            files.remove(["users/a.json"])
            shutil.rmtree(root / WRITING)
            assert files.take(["users/b.json"]) == [b"1"]
            assert files.remove_if("users/c.json", version_of(b"1")) is True

    def test_pages(self, files: Files, root: Path) -> None:
        for directory in ("users", "a-b", "a", "empty", "undescribed"):
            files.make(directory, as_collection)
        (root / "undescribed-info.json").unlink()
        addresses = [f"{directory}/{n}.json" for directory in ("a", "a-b", "users") for n in range(5)]
        files.write([(address, b"1") for address in (*addresses, "undescribed/0.json")])
        (root / "users" / "notes.txt").touch()
        (root / "users" / "directory.json").mkdir()
        (root / "users" / "link.json").symlink_to("0.json")
        for prefix in ("", "a", "users", "a/", "users/3", "undescribed/", "none/", "none"):
            expected = [address for address in addresses if address.startswith(prefix)]
            for limit in (1, 2, 5, 100):
                listed: list[str] = []
                cursor, pages = None, 0
                while pages == 0 or cursor is not None:
                    page, cursor = files.page(prefix, cursor, limit)
                    listed, pages = listed + page, pages + 1
                    assert len(page) <= limit
                assert listed == (["undescribed/0.json"] if prefix == "undescribed/" else expected)

    def test_many_directories_are_paged(self, files: Files) -> None:
        names = [f"{n:03}" for n in range(250)]
        for name in names:
            files.make(name, as_collection)
        files.write([("249/k.json", b"1")])
        assert files.page("", None, 10) == (["249/k.json"], None)

    def test_directories_are_made_and_removed(self, files: Files, root: Path) -> None:
        given: list[bytes | None] = []

        def describe(data: bytes | None) -> bytes | None:
            given.append(data)
            return b"new" if data is None else None

        files.make("new", describe)
        files.make("new", describe)
        assert given == [None, b"new"]
        files.write([("new/k.json", b"1")])
        (root / "new" / "notes.txt").touch()
        assert files.destroy("new") is True
        assert files.destroy("new") is False
        assert files.description("new") == b"new"
        (root / "new" / "notes.txt").unlink()
        assert files.destroy("new") is False
        assert files.description("new") is None
        assert not (root / "new").exists()

    def test_directories_need_not_be_made(self, root: Path) -> None:
        root.mkdir()
        with closing(open_files(root, auto_create=False)) as files:
            with pytest.raises(ValueError, match="users' does not exist"):
                files.make("users", as_collection)
            (root / "users").mkdir()
            files.make("users", as_collection)

    def test_what_is_made_is_its_owners_alone(self, root: Path) -> None:
        old = os.umask(0)
        try:
            with closing(open_files(root / "deep" / "er")) as files:
                files.make("users", as_collection)
                files.write([("users/k.json", b"1")])
        finally:
            os.umask(old)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
        assert {path for path, mode in modes.items() if mode & 0o077} == set()

    def test_of_many_one_takes_it(self, files: Files, root: Path) -> None:
        def take(_: int) -> bytes | None:
            with closing(open_files(root)) as own:
                [taken] = own.take(["users/k.json"])
                assert not isinstance(taken, Exception)
                return taken

        with ThreadPoolExecutor(8) as threads:
            for n in range(20):
                files.write([("users/k.json", b"%d" % n)])
                assert sorted(threads.map(take, range(8)), key=str)[-1] == b"%d" % n
                assert files.read("users/k.json") is None

    def test_no_count_is_lost_between_processes(self, files: Files, root: Path) -> None:
        files.write([("users/k.json", b"0")])
        run_together(_count, 4, root)
        assert files.read("users/k.json") == b"100"


class TestPlanted:
    """Links and FIFOs that another user put into the tree."""

    def test_a_linked_writing_directory(self, root: Path, outside: Path) -> None:
        (root / "users").mkdir(parents=True)
        (root / "users" / "k.json").write_text("1")
        (root / WRITING).symlink_to(outside)
        with closing(open_files(root)) as files:
            files.clear()
            assert files.read("users/k.json") == b"1"
            for change in (
                lambda: files.write([("users/k.json", b"2")]),
                lambda: files.write_if("users/l.json", b"2", None),
                lambda: files.remove(["users/k.json"]),
                lambda: files.take(["users/k.json"]),
                lambda: files.make("new", as_collection),
            ):
                with pytest.raises(PathSecurityError):
                    change()
        assert unchanged(outside)
        assert (root / "users" / "k.json").read_text() == "1"

    def test_a_linked_lock(self, files: Files, root: Path, outside: Path) -> None:
        files.close()
        (root / WRITING / "lock").unlink()
        (root / WRITING / "lock").symlink_to(outside / "lock")
        with pytest.raises(PathSecurityError):
            files.write([("users/k.json", b"2")])
        assert unchanged(outside)

    def test_a_linked_temporary_file(self, files: Files, root: Path, outside: Path) -> None:
        (root / WRITING / "a.tmp").symlink_to(outside / "k.json")
        files.clear()
        assert unchanged(outside)

    def test_a_linked_collection(self, files: Files, root: Path, outside: Path) -> None:
        files.write([("users/k.json", b"1")])
        (root / "in").symlink_to("users")
        (root / "out").symlink_to(outside)
        for name in ("in", "out"):
            (root / f"{name}-info.json").write_text("{}")
            for refused in (
                lambda name=name: files.read(f"{name}/k.json"),
                lambda name=name: files.write([(f"{name}/k.json", b"2")]),
                lambda name=name: files.remove([f"{name}/k.json"]),
                lambda name=name: files.page(f"{name}/", None, 10),
                lambda name=name: files.make(name, as_collection),
            ):
                with pytest.raises(PathSecurityError):
                    refused()
            assert files.destroy(name) is False
            assert (root / name).is_symlink()
        assert files.page("", None, 10) == (["users/k.json"], None)
        assert unchanged(outside)

    def test_a_linked_file(self, files: Files, root: Path, outside: Path) -> None:
        (root / "users" / "k.json").symlink_to(outside / "k.json")
        for refused in (
            lambda: files.read("users/k.json"),
            lambda: files.remove(["users/k.json"]),
            lambda: files.write_if("users/k.json", b"2", None),
        ):
            with pytest.raises(PathSecurityError):
                refused()
        assert files.page("users/", None, 10) == ([], None)
        files.write([("users/k.json", b"2")])
        assert files.read("users/k.json") == b"2"
        assert unchanged(outside)

    @pytest.mark.timeout(20)
    def test_a_fifo(self, files: Files, root: Path) -> None:
        os.mkfifo(root / "users" / "k.json")
        os.mkfifo(root / "users-info.json.new")
        (root / "users-info.json.new").replace(root / "users-info.json")
        for refused in (lambda: files.read("users/k.json"), lambda: files.description("users")):
            with pytest.raises(PathSecurityError, match="not a regular file"):
                refused()
        assert files.page("users/", None, 10) == ([], None)
        files.write([("users/k.json", b"2")])
        assert files.read("users/k.json") == b"2"

    @pytest.mark.parametrize(
        "address", ["../outside/k.json", "users/../../outside/k.json", "/etc/passwd", "users/", "k\0/k.json"]
    )
    def test_an_address_leads_nowhere_else(self, files: Files, outside: Path, address: str) -> None:
        for refused in (
            lambda: files.read(address),
            lambda: files.write([(address, b"2")]),
            lambda: files.remove([address]),
        ):
            with pytest.raises(PathSecurityError):
                refused()
        assert unchanged(outside)


class TestLocks:
    def test_a_temporary_file_is_locked_while_it_is_written(self, files: Files, root: Path) -> None:
        with temp_files(root, [b"1"], durable=False) as [file]:
            files.clear()
            assert (root / WRITING / file.name).is_file()
        (root / WRITING / "left.tmp").touch()
        files.clear()
        assert [path.name for path in (root / WRITING).iterdir()] == ["lock"]

    def test_a_lock_excludes_others(self, files: Files, root: Path) -> None:
        lock, waiting = Lock(root), threading.Event()
        events: list[str] = []

        def write() -> None:
            with closing(open_files(root)) as own:
                waiting.set()
                own.write([("users/k.json", b"1")])
                events.append("written")

        with lock.held():
            thread = threading.Thread(target=write)
            thread.start()
            waiting.wait()
            time.sleep(0.05)
            events.append("released")
        thread.join()
        lock.close()
        assert events == ["released", "written"]
        assert files.read("users/k.json") == b"1"

    def test_a_lock_whose_file_was_removed_is_a_new_one(self, files: Files, root: Path) -> None:
        files.write([("users/k.json", b"1")])
        (root / WRITING / "lock").unlink()
        files.write([("users/k.json", b"2")])
        with files._lock.held(), (root / WRITING / "lock").open("rb") as file:
            assert claim(file.fileno()) is False

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child_has_a_lock_of_its_own(self, files: Files, root: Path) -> None:
        files.make_roots()
        with files._lock.held():
            child = os.fork()
            if child == 0:
                with (root / WRITING / "lock").open("rb") as file:
                    os._exit(claim(file.fileno()))
            assert os.waitpid(child, 0)[1] == 0
        lock = Lock(root)
        with lock.held():
            pass
        inherited = lock._file
        child = os.fork()
        if child == 0:
            with lock.held():
                os._exit(lock._file == inherited)
        assert os.waitpid(child, 0)[1] == 0
        lock.close()


def _count(_: int, root: Path) -> None:
    with closing(open_files(root)) as files:
        for _ in range(25):
            while True:
                data = files.read("users/k.json")
                assert data is not None
                if files.write_if("users/k.json", b"%d" % (int(data) + 1), version_of(data)):
                    break
