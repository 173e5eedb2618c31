"""Directories of diskcache, read and written together with diskcache itself."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from key_value.aio.errors import (
    DeserializationError,
    KeyValueStoreError,
    PathSecurityError,
    StoreConnectionError,
)
from key_value.aio.stores.base import VersionedBytesStore
from key_value.aio.stores.disk.cache import Cache
from tests.processes import run_together

LARGE = "x" * 40_000
PAST = 1.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def cache(path: Path) -> Iterator[Cache]:
    with closing(Cache.open(path)) as cache:
        yield cache


def put(cache: Cache, *names: str, text: str = "text", expires: float | None = None) -> None:
    with cache.transaction():
        for name in names:
            cache.put(name, text, expires)


def text_of(cache: Cache, name: str) -> str | DeserializationError | None:
    found = cache.get([name]).get(name)
    return found.decode() if isinstance(found, bytes) else found


def names_of(
    cache: Cache, prefix: str = "", after: str | None = None, *, limit: int
) -> tuple[list[str], str | None]:
    page, last = cache.page(prefix, after, limit)
    return [name for name, _ in page], last


def version_of(text: str) -> str:
    return VersionedBytesStore.version_of(text.encode())


def execute(directory: Path, statement: str, *arguments: object) -> list[Any]:
    with closing(sqlite3.connect(directory / "cache.db")) as connection, connection:
        return connection.execute(statement, arguments).fetchall()


def value_files(directory: Path) -> list[Path]:
    return [file for file in directory.rglob("*.val") if file.is_file()]


class TestDiskcache:
    """Both libraries use one directory, one after the other and side by side."""

    def test_diskcache_finds_nothing_wrong(self, diskcache: Any, path: Path, cache: Cache) -> None:
        put(cache, "a", "b", "expired", expires=PAST)
        put(cache, "a", "large", text=LARGE)
        with cache.transaction():
            cache.delete(["b"])
            cache.put("large", LARGE + LARGE, None)
        with diskcache.Cache(str(path)) as theirs:
            assert theirs.check() == []
            assert len(theirs) == execute(path, "SELECT count(*) FROM Cache")[0][0]
            assert theirs.get("large") == LARGE + LARGE
            assert theirs.get("a") == LARGE
            theirs.set("a", "changed")
            theirs.set("large", LARGE + "y")
            theirs.set("new", "new", expire=1000)
        found = cache.get(["a", "large", "new"])
        assert list(found.values()) == [text.encode() for text in ("changed", LARGE + "y", "new")]

    def test_the_schema_is_that_of_diskcache(self, diskcache: Any, tmp_path: Path) -> None:
        for settings, size in (({"eviction_policy": "none"}, None), ({"size_limit": 1000}, 1000)):
            ours, theirs = tmp_path / f"ours{size}", tmp_path / f"theirs{size}"
            Cache.open(ours, max_size=size).close()
            diskcache.Cache(str(theirs), **settings).close()
            query = "SELECT key, value FROM Settings WHERE key != 'disk_pickle_protocol'"
            assert sorted(execute(ours, query)) == sorted(execute(theirs, query))
            query = "SELECT type, name, tbl_name FROM sqlite_master"
            assert sorted(execute(ours, query)) == sorted(execute(theirs, query))
            for pragma in ("auto_vacuum", "journal_mode", "page_size", "encoding"):
                assert execute(ours, f"PRAGMA {pragma}") == execute(theirs, f"PRAGMA {pragma}")

    def test_both_write_at_once(self, diskcache: Any, path: Path, cache: Cache) -> None:
        def write_theirs() -> None:
            with diskcache.Cache(str(path), eviction_policy="none") as theirs:
                for n in range(100):
                    theirs.set(f"theirs-{n}", LARGE if n % 2 else "small")
                    theirs.set("both", LARGE)

        thread = threading.Thread(target=write_theirs)
        thread.start()
        for n in range(100):
            put(cache, f"ours-{n}", "both", text=LARGE if n % 2 else "small")
            assert text_of(cache, "both") in (LARGE, "small")
        thread.join()
        with diskcache.Cache(str(path)) as theirs:
            assert theirs.check() == []
        assert execute(path, "SELECT count(*) FROM Cache")[0][0] == 201

    def test_processes_open_a_new_directory_at_once(self, path: Path) -> None:
        run_together(_put_some, 4, path)
        assert execute(path, "SELECT count(*) FROM Cache") == [(80,)]
        assert execute(path, "SELECT value FROM Settings WHERE key = 'count'") == [(80,)]

    def test_a_small_limit_of_the_directory_decides_what_is_large(self, diskcache: Any, path: Path) -> None:
        diskcache.Cache(str(path), disk_min_file_size=10).close()
        with closing(Cache.open(path)) as cache:
            put(cache, "key", text="more than ten")
            assert len(value_files(path)) == 1
            assert text_of(cache, "key") == "more than ten"

    @pytest.mark.parametrize(
        ("policy", "kept"),
        [
            ("least-recently-stored", ["new", "read-later", "stored-later"]),
            ("least-recently-used", ["new", "read", "read-later"]),
            ("least-frequently-used", ["new", "read", "read-later"]),
            ("none", ["new", "read", "read-later", "stored-later"]),
        ],
    )
    def test_its_policy_is_kept(self, diskcache: Any, path: Path, policy: str, kept: list[str]) -> None:
        with diskcache.Cache(str(path), eviction_policy=policy, size_limit=3 * 40_000) as theirs:
            with closing(Cache.of(theirs)) as cache:
                for name in ("read", "stored-later", "read-later"):
                    put(cache, name, text=LARGE)
                cache.get(["read-later", "read"])
                put(cache, "new", text=LARGE)
                assert names_of(cache, limit=10)[0] == kept
            assert theirs.check() == []

    def test_a_given_cache_keeps_its_form_and_stays_open(self, diskcache: Any, path: Path) -> None:
        with diskcache.Cache(str(path), disk=diskcache.JSONDisk, disk_compress_level=6) as theirs:
            theirs.set("mine", [1])
            with closing(Cache.of(theirs)) as cache:
                put(cache, "c", "a", "b", text="x")
                put(cache, "large", text=LARGE * 100)
                assert theirs.get("large") == LARGE * 100
                assert text_of(cache, "large") == LARGE * 100
                assert isinstance(text_of(cache, "mine"), DeserializationError)
                assert names_of(cache, limit=2) == (["a", "b"], "b")
                assert names_of(cache, "c", limit=2) == (["c"], None)
                execute(path, "UPDATE Cache SET value = ?, mode = 1, filename = NULL", b"no zlib")
                with cache.transaction():
                    assert isinstance(text_of(cache, "a"), DeserializationError)
            assert theirs.directory == str(path)
            theirs.set("mine", [2])
            assert theirs.get("mine") == [2]

    def test_a_pickle_is_refused_and_not_read(self, diskcache: Any, path: Path, tmp_path: Path) -> None:
        """CVE-2025-69872."""
        trace = tmp_path / "trace"
        with diskcache.Cache(str(path)) as theirs:
            theirs.set("c::small", _Bomb(trace))
            theirs.set("c::large", [_Bomb(trace), LARGE * 3])
            theirs.set(("c", "key"), _Bomb(trace))
            for cache in (Cache.open(path), Cache.of(theirs)):
                with closing(cache):
                    for name in ("c::small", "c::large"):
                        assert "never loaded" in str(text_of(cache, name))
                        with cache.transaction():
                            assert cache.put_if(name, "text", None, None) is False
                            assert cache.put_if(name, "text", None, "") is False
                            assert cache.delete_if(name, "") is False
                    assert names_of(cache, limit=10)[0] == ["c::large", "c::small"]
        assert not trace.exists()

    def test_a_directory_that_has_no_cache_is_refused(self, diskcache: Any, path: Path) -> None:
        with (
            closing(diskcache.FanoutCache(str(path))) as fanout,
            pytest.raises(StoreConnectionError, match="has no cache"),
        ):
            Cache.of(fanout)

    def test_a_database_of_another_application_is_refused(self, path: Path) -> None:
        path.mkdir()
        execute(path, "CREATE TABLE Settings (key TEXT NOT NULL UNIQUE, value)")
        execute(path, "INSERT INTO Settings VALUES ('size_limit', 'much')")
        with pytest.raises(KeyValueStoreError, match="does not contain the settings of diskcache"):
            Cache.open(path)


class TestFilesOutside:
    """Rows that name files outside the directory, which are never read, removed or emptied."""

    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        (tmp_path / "outside" / "deep").mkdir(parents=True)
        (tmp_path / "outside" / "deep" / "file").write_text("secret")
        return tmp_path / "outside"

    @pytest.mark.parametrize(
        "filename",
        ["../outside/deep/file", "{}/deep/file", "link/file", "aa/bb/link", "aa/bb/fifo", "aa", "", b"aa"],
    )
    def test_it_is_refused(self, path: Path, cache: Cache, outside: Path, filename: str | bytes) -> None:
        put(cache, "a", "b", "c", "d")
        (path / "link").symlink_to(outside / "deep")
        (path / "aa" / "bb").mkdir(parents=True)
        (path / "aa" / "bb" / "link").symlink_to(outside / "deep" / "file")
        os.mkfifo(path / "aa" / "bb" / "fifo")
        name = filename.format(outside) if isinstance(filename, str) else filename
        execute(path, "UPDATE Cache SET mode = 3, value = NULL, filename = ?", name)
        text = text_of(cache, "a")
        assert isinstance(text, DeserializationError)
        assert "secret" not in str(text)
        with cache.transaction():
            cache.put("a", "new", None)
            cache.delete(["b", "c"])
        execute(path, "UPDATE Cache SET expire_time = 1 WHERE key = 'd'")
        with cache.transaction():
            assert cache.cull(10) == 1
        assert text_of(cache, "a") == "new"
        assert (outside / "deep" / "file").read_text() == "secret"

    def test_empty_directories_outside_stay(self, path: Path, cache: Cache, tmp_path: Path) -> None:
        (tmp_path / "empty" / "deep").mkdir(parents=True)
        (path / "link").symlink_to(tmp_path / "empty")
        put(cache, "a", "b")
        execute(path, "UPDATE Cache SET filename = '../empty/deep/none' WHERE key = 'a'")
        execute(path, "UPDATE Cache SET filename = 'link/deep/none' WHERE key = 'b'")
        with cache.transaction():
            cache.delete(["a", "b"])
        assert (tmp_path / "empty" / "deep").is_dir()

    def test_nothing_is_written_through_a_link(self, path: Path, cache: Cache, outside: Path) -> None:
        for n in range(256):
            (path / f"{n:02x}").symlink_to(outside)
        with pytest.raises(PathSecurityError):
            put(cache, "large", text=LARGE)
        assert [file.name for file in outside.rglob("*") if file.is_file()] == ["file"]
        assert text_of(cache, "large") is None

    @pytest.mark.parametrize("name", ["cache.db", "cache.db-wal", "cache.db-shm"])
    def test_the_database_is_no_link(self, path: Path, outside: Path, name: str) -> None:
        path.mkdir()
        (path / name).symlink_to(outside / "deep" / "new")
        with pytest.raises(PathSecurityError):
            Cache.open(path)
        assert not (outside / "deep" / "new").exists()


class TestRows:
    def test_what_is_written_is_its_owners_alone(self, path: Path) -> None:
        old = os.umask(0)
        try:
            with closing(Cache.open(path / "deep" / "er")) as cache:
                put(cache, "large", text=LARGE)
                modes = {file: stat.S_IMODE(file.stat().st_mode) for file in path.rglob("*")}
        finally:
            os.umask(old)
        assert {file for file, mode in modes.items() if mode & 0o077} == set()
        assert len(modes) >= 7

    @pytest.mark.parametrize("value", [b'{"value": {}}', 1, 1.5, None])
    def test_what_is_not_text_is_not_missing(self, path: Path, cache: Cache, value: object) -> None:
        put(cache, "key")
        execute(path, "UPDATE Cache SET value = ?", value)
        assert "not text" in str(text_of(cache, "key"))

    def test_text_that_is_not_utf_8_fails_alone(self, path: Path, cache: Cache) -> None:
        put(cache, "bad", "good", "worse")
        execute(path, "UPDATE Cache SET value = CAST(? AS TEXT) WHERE key = 'bad'", b"\xff")
        execute(path, "UPDATE Cache SET key = CAST(? AS TEXT) WHERE key = 'worse'", b"g\xff")
        assert "not text" in str(text_of(cache, "bad"))
        assert text_of(cache, "good") == "text"
        assert names_of(cache, limit=1) == (["bad"], "bad")
        assert names_of(cache, after="bad", limit=2) == (["good"], None)

    @pytest.mark.parametrize("text", ["small", LARGE])
    def test_versions(self, cache: Cache, text: str) -> None:
        with cache.transaction():
            assert cache.put_if("key", text, None, version_of(text)) is False
            assert cache.delete_if("key", version_of(text)) is False
            assert cache.put_if("key", text, None, None) is True
            assert cache.put_if("key", "other", None, None) is False
            assert cache.put_if("key", "other", None, version_of("other")) is False
            assert cache.put_if("key", "other", None, version_of(text)) is True
            assert cache.delete_if("key", version_of(text)) is False
            assert cache.delete_if("key", version_of("other")) is True
            cache.put("key", text, PAST)
            assert cache.put_if("key", text, None, version_of(text)) is False
            assert cache.put_if("key", text, None, None) is True
            assert text_of(cache, "key") == text

    def test_pages(self, path: Path, cache: Cache) -> None:
        names = ["a", "a::", "a::\U0010ffff", "a::b", "a::é", "a:;", "b", "a%", "a_"]
        put(cache, *names)
        put(cache, "a::expired", expires=PAST)
        execute(path, "INSERT INTO Cache (key, raw) VALUES (1, 1), (?, 1), ('a::no', 0)", b"a::blob")
        for prefix in ("", "a", "a::", "a%", "a::\U0010ffff", "c"):
            for limit in (1, 2, 100):
                listed: list[str] = []
                after, pages = None, 0
                while pages == 0 or after is not None:
                    page, after = names_of(cache, prefix, after, limit=limit)
                    listed, pages = listed + page, pages + 1
                assert listed == sorted(name for name in names if name.startswith(prefix))

    def test_a_file_that_is_gone_is_an_error(self, path: Path, cache: Cache) -> None:
        put(cache, "large", text=LARGE)
        value_files(path)[0].unlink()
        assert "is missing" in str(text_of(cache, "large"))

    def test_expired_rows_are_removed_by_later_puts(self, path: Path, cache: Cache) -> None:
        put(cache, *map(str, range(35)))
        execute(path, "UPDATE Cache SET expire_time = 1")
        put(cache, "new")
        assert execute(path, "SELECT count(*) FROM Cache") == [(26,)]
        with cache.transaction():
            assert cache.cull(20) == 20
            assert cache.cull(20) == 5

    def test_what_was_just_stored_stays(self, path: Path) -> None:
        with closing(Cache.open(path, max_size=1)) as cache:
            for n in range(3):
                put(cache, str(n), text=LARGE)
                assert names_of(cache, limit=9)[0] == [str(n)]
        assert len(value_files(path)) == 1

    def test_a_transaction_is_kept_whole_or_not_at_all(self, path: Path, cache: Cache) -> None:
        put(cache, "large", text=LARGE)

        def fail() -> None:
            with cache.transaction():
                cache.put("large", LARGE + "y", None)
                cache.put("other", LARGE, None)
                cache.put("other", LARGE, None)
                raise LookupError

        with pytest.raises(LookupError):
            fail()
        assert text_of(cache, "large") == LARGE
        assert len(value_files(path)) == 1

    def test_a_database_that_was_removed_is_noticed(self, path: Path, cache: Cache) -> None:
        put(cache, "key")
        (path / "cache.db").rename(path / "gone")
        with pytest.raises(StoreConnectionError, match="removed or replaced"):
            put(cache, "key")
        with closing(Cache.open(path)), pytest.raises(StoreConnectionError, match="removed or replaced"):
            put(cache, "key")

    def test_values_that_were_never_stored_are_removed(self, path: Path, cache: Cache) -> None:
        put(cache, "key", text=LARGE)
        ours, others = path / "aa" / "bb" / "cc-kv.val", path / "aa" / "bb" / "cc.val"
        ours.parent.mkdir(parents=True)
        ours.touch()
        others.touch()
        with closing(Cache.open(path)) as second:
            assert text_of(second, "key") == LARGE
        assert not ours.exists()
        assert others.exists()

    def test_locks_of_an_open_connection_survive_another(self, path: Path, cache: Cache) -> None:
        """SQLite's locks belong to the process; closing any descriptor of the file would release them all."""
        put(cache, "key")
        with cache.transaction():
            Cache.open(path).close()
            run_together(_be_locked_out, 1, path)
        run_together(_be_locked_out, 1, path)
        assert text_of(cache, "key") == "text"


class _Bomb:
    """An object that leaves a trace if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


def _put_some(number: int, path: Path) -> None:
    with closing(Cache.open(path)) as cache:
        for n in range(20):
            put(cache, f"{number}-{n}")


def _be_locked_out(_: int, path: Path) -> None:
    with closing(sqlite3.connect(path / "cache.db", timeout=0, isolation_level=None)) as connection:
        # In WAL mode every open connection holds a shared lock on the file itself.
        connection.execute("PRAGMA locking_mode = exclusive")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            connection.execute("PRAGMA journal_mode = delete").fetchall()
