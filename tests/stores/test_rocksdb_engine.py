"""A RocksDB directory: forks, changed directories, full disks, and the data at its addresses."""

import os
import random
import resource
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rocksdict import Rdict

from key_value.aio.errors import KeyValueStoreError, StoreConnectionError
from key_value.aio.stores.rocksdb.engine import Change, Engine, map_error
from key_value.aio.stores.rocksdb.store import _page
from tests.processes import run_together

FILE_LIMIT = 300_000


def open_engine(path: Path) -> Engine:
    return Engine(path, None, syncs=False)


def putting(address: str, data: bytes) -> Change[None]:
    return lambda db, options: db.put(address, data, options)


def put(engine: Engine, address: str, data: bytes) -> None:
    engine.change(putting(address, data), None, makes=True)


def get(engine: Engine, address: str) -> object:
    return engine.read(lambda db: db.get(address), None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    with closing(open_engine(path)) as engine:
        yield engine


class TestPages:
    @pytest.fixture
    def db(self, path: Path) -> Iterator[Rdict]:
        with closing(Rdict(str(path))) as db:
            yield db

    def test_they_are_in_order(self, db: Rdict) -> None:
        names = ["a", "a::", "a::\U0010ffff", "a::b", "a::é", "a:;", "b", "a%", "a::\ue000"]
        random.Random(1).shuffle(names)
        for name in names:
            db[name] = b"1"
        db[5], db[b"a::c"] = b"1", b"1"
        for prefix in ("", "a", "a::", "a%", "a::\U0010ffff", "c"):
            for limit in (1, 2, 100):
                listed: list[str] = []
                cursor, pages = None, 0
                while pages == 0 or cursor is not None:
                    page, cursor = _page(db, prefix=prefix, cursor=cursor, limit=limit)
                    listed += [address for address, data in page if data == b"1"]
                    pages += 1
                assert listed == sorted(name for name in names if name.startswith(prefix))


class TestEngine:
    def test_reading_makes_nothing(self, engine: Engine, path: Path) -> None:
        assert get(engine, "a") is None
        assert engine.change(lambda db, options: db.delete("a", options), 0, makes=False) == 0
        assert engine.try_at_once(putting("a", b"1")) is None
        assert not path.exists()

    def test_what_is_made_lets_no_other_user_in(self, path: Path) -> None:
        old = os.umask(0)
        try:
            with closing(open_engine(path / "deep" / "er")) as engine:
                put(engine, "a", b"1")
        finally:
            os.umask(old)
        for directory in (path, path / "deep", path / "deep" / "er"):
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700

    def test_a_given_database_stays_open(self, path: Path) -> None:
        with closing(Rdict(str(path))) as db:
            engine = Engine(db, None, syncs=False)
            put(engine, "a", b"1")
            engine.close()
            assert db["a"] == b"1"

    def test_it_opens_again_after_close(self, engine: Engine) -> None:
        put(engine, "a", b"1")
        engine.close()
        engine.close()
        assert get(engine, "a") == b"1"

    @pytest.mark.skipif(sys.platform == "win32", reason="no fork")
    @pytest.mark.timeout(60)
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child_is_refused_and_harms_nothing(self, path: Path) -> None:
        run_together(_fork, 1, path)
        with closing(open_engine(path)) as engine:
            assert [get(engine, str(n)) for n in range(100)] == [b"x" * 1000] * 100

    @pytest.mark.timeout(60)
    def test_a_full_disk(self, path: Path) -> None:
        run_together(_fill, 1, path)

    def test_a_full_disk_is_no_contention(self) -> None:
        full = map_error("store", Exception("IO error: No space left on device: While appending to file: x"))
        assert type(full) is KeyValueStoreError
        lost = (
            Exception("IO error: While open a file: x"),
            Exception("IO error: lock hold by current process"),
            FileExistsError(17, "File exists", "x"),
        )
        for error in lost:
            assert type(map_error("store", error)) is StoreConnectionError
        assert map_error("store", ValueError("x")) is None


def _fork(_: int, path: Path) -> None:
    engine = open_engine(path)
    put(engine, "0", b"x" * 1000)
    child = os.fork()
    if child == 0:
        for refused in (lambda: get(engine, "0"), lambda: put(engine, "0", b"child")):
            with pytest.raises(StoreConnectionError, match="forked"):
                refused()
        with pytest.raises(StoreConnectionError, match="forked"):
            engine.try_at_once(putting("0", b"child"))
        engine.close()
        # Unlike os._exit, this finalizes the interpreter and its objects.
        sys.exit(0)
    assert _ends(child)
    for n in range(100):
        put(engine, str(n), b"x" * 1000)
    engine.close()


def _ends(child: int) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.01)
    os.kill(child, 9)
    return False


def _fill(_: int, path: Path) -> None:
    """Reach a file size limit, which the system reports like a full disk."""
    engine = open_engine(path)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, unlimited[1]))
    stored = 0
    with pytest.raises(Exception, match="File too large"):  # noqa: PT012 -- RocksDB decides when it is reached
        while True:
            put(engine, str(stored), os.urandom(10_000))
            stored += 1
    assert stored > 10
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, unlimited[1]))
    for refused in (lambda: put(engine, "more", b"1" * 10_000), lambda: put(engine, "more", b"1")):
        with pytest.raises(Exception, match="too large"):
            refused()
        assert engine.try_at_once(putting("more", b"1")) is None
        assert all(get(engine, str(n)) is not None for n in range(stored))
    engine.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert all(get(engine, str(n)) is not None for n in range(stored))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, unlimited[1]))
    with pytest.raises(Exception, match="too large"):  # noqa: PT012
        for n in range(100):
            put(engine, f"again-{n}", os.urandom(10_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    put(engine, "room", b"1")
    assert engine.try_at_once(putting("room", b"2")) is not None
    assert all(get(engine, str(n)) is not None for n in range(stored))
    engine.close()
    with closing(open_engine(path)) as reopened:
        assert get(reopened, "room") == b"2"
