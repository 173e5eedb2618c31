"""Tests, in addition to the suite, for every store that keeps its entries in its own files."""

import asyncio
import os
import stat
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from key_value.aio.errors import KeyValueStoreError, StoreSetupError
from key_value.aio.protocols.key_value import AsyncPutIfAbsentProtocol
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.selection import states, when
from key_value.aio.testing.suites.base import Opening, nightly
from tests import published as interop
from tests.processes import killed_while_writing, run_together
from tests.published import Publish

Open = Callable[[Path], Any]
"""Opens the store that is at a path; a function or class of a module, so that another process finds it."""

KILLS = 20 if nightly() else 8
PROCESSES = 3
ENTRIES = 40
TASKS = 50
LAG_SECONDS = 0.010
ROUNDS = 8
BATCH = 1_000

_unfinished: list[object] = []


def was_in_0_5(tests: Any) -> bool:
    """Return whether 0.5.0 has this store."""
    return tests.published_extra is not None


class EmbeddedConformance(StoreConformance):
    """The suite, and tests of files: other processes, killed processes, privacy, and data of 0.5.

    Attributes:
        published_extra: Extra of 0.5.0 that contains this store; None if there is no such extra.
        published_keeps: Entries of `tests.published` that 0.5.0 stores unchanged.
        private_files: Whether only the owner may access each file; otherwise the directory excludes others.
        kills: Number of times that a writing process is killed.
        reads_what_it_cannot_write: Whether the engine opens read-only files.
    """

    persistent: ClassVar[bool] = True
    open_store: ClassVar[Open]
    published_extra: ClassVar[str | None]
    published_keeps: ClassVar[interop.Entries] = interop.ENTRIES
    private_files: ClassVar[bool] = True
    kills: ClassVar[int] = KILLS
    reads_what_it_cannot_write: ClassVar[bool] = True

    def published_opening(self, path: Path) -> str:
        """Return the code that opens the store in the same directory with 0.5.0, as `store`."""
        raise NotImplementedError

    def leftovers(self, path: Path) -> list[Path]:
        """Return the temporary files below a directory."""
        return [file for file in path.rglob("*") if "tmp" in file.name]

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    @override
    @pytest.fixture
    def opening(self, path: Path) -> Opening:
        return partial(type(self).open_store, path)

    @pytest.fixture
    async def store(self, path: Path) -> AsyncIterator[Store]:
        async with type(self).open_store(path) as store:
            yield store

    def test_the_interpreter_ends_while_a_batch_is_stored(self, path: Path) -> None:
        for _ in range(2):
            run_together(_leave_a_batch_unfinished, 1, type(self).open_store, path)

    @pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")
    @when(states(keeps_files=True))
    async def test_what_cannot_be_written_is_read_or_refused(self, path: Path) -> None:
        with TemporaryDirectory() as directory:
            place = Path(directory) / path.name
            async with type(self).open_store(place) as store:
                await store.put("key", {"n": 1})
            for found in (place.parent, place, *place.rglob("*")):
                found.chmod(0o555 if found.is_dir() else 0o444)
            run_together(_read_only, 1, type(self).open_store, place, self.reads_what_it_cannot_write)

    @when(was_in_0_5)
    async def test_reads_what_0_5_wrote(self, published: Publish, path: Path) -> None:
        assert self.published_extra is not None
        published(self.published_extra).write(self.published_opening(path), "people", self.published_keeps)
        async with type(self).open_store(path) as store:
            await interop.check(store, "people", self.published_keeps)

    @when(was_in_0_5)
    async def test_0_5_reads_what_this_writes(self, published: Publish, path: Path) -> None:
        assert self.published_extra is not None
        async with type(self).open_store(path) as store:
            await interop.write(store, "people")
        published(self.published_extra).check(self.published_opening(path), "people")

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
    @when(states(keeps_files=True))
    async def test_files_are_their_owners_alone(self, path: Path) -> None:
        async with type(self).open_store(path) as store:
            await store.put("key", {"text": "x" * 100_000})
            await store.put("other", {"n": 1}, collection="other")
            root = path if path.is_dir() else path.parent
            files = (root, *root.rglob("*")) if self.private_files else (root,)
            modes = {file: stat.S_IMODE(file.stat().st_mode) for file in files}
        assert {file: mode for file, mode in modes.items() if mode & 0o077} == {}

    @pytest.mark.timeout(120)
    async def test_the_event_loop_is_not_held_up(self, store: Store, collection: str) -> None:
        """Check that the loop is no later than next to a busy thread without a store."""
        lags: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            late = await _lag(store, collection)
            if late <= LAG_SECONDS:
                return
            with _busy_thread():
                anyway = await _lag(MemoryStore(), collection)
            if late <= 1.5 * anyway:
                return
            lags.append((late, anyway))
        pytest.fail(f"late by, and anyway by: {lags}")

    @pytest.mark.timeout(300)
    async def test_a_killed_process_leaves_whole_entries(self, path: Path, tmp_path: Path) -> None:
        open_store = type(self).open_store
        for attempt in range(self.kills):
            started = tmp_path / "started"
            started.unlink(missing_ok=True)
            killed_while_writing(_write_for_ever, open_store, path, started, until=started.exists)
            async with open_store(path) as store:
                await _check_whole(store)
                await store.put("after", {"n": attempt})
                assert await store.get("after") == {"n": attempt}
            assert self.leftovers(path) == []

    @when(states(shared_by_processes=True))
    @pytest.mark.timeout(120)
    async def test_processes_that_write_at_once_lose_nothing(self, path: Path) -> None:
        run_together(_write_many, PROCESSES, type(self).open_store, path)
        async with type(self).open_store(path) as store:
            for number in range(PROCESSES):
                found = await store.get_many([f"{number}-{n}" for n in range(ENTRIES)])
                assert found == [{"n": n} for n in range(ENTRIES)]
                found = await store.get_many([f"{number}-b{n}" for n in range(ENTRIES)])
                assert found == [{"n": n} for n in range(ENTRIES)]
            if _can_claim(store):
                claims = await store.get_many([f"claim-{n}" for n in range(ENTRIES)], collection="claims")
                counts = await store.get_many([f"won-{n}" for n in range(PROCESSES)], collection="claims")
                assert None not in claims
                assert sum(count["n"] for count in counts) == ENTRIES

    @when(states(shared_by_processes=False))
    @pytest.mark.timeout(120)
    async def test_a_second_process_is_told(self, path: Path) -> None:
        async with type(self).open_store(path) as store:
            await store.put("key", {"n": 1})
            await asyncio.to_thread(run_together, _be_refused, 1, type(self).open_store, path)
            assert await store.get("key") == {"n": 1}


async def _lag(store: Store, collection: str) -> float:
    """Return the 99th percentile of the loop's lateness under load, in seconds."""
    value = {"text": "x" * 200_000}
    end = time.perf_counter() + 0.5

    async def work(key: str) -> None:
        while time.perf_counter() < end:
            await store.put(key, value, collection=collection)
            await store.get(key, collection=collection)

    async def watch() -> list[float]:
        late: list[float] = []
        while (started := time.perf_counter()) < end:
            await asyncio.sleep(0.001)
            late.append(time.perf_counter() - started - 0.001)
        return late

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(work(f"lag-{n}") for n in range(TASKS)))
    late = sorted(await watching)
    return late[len(late) * 99 // 100]


@contextmanager
def _busy_thread() -> Generator[None]:
    """Run a thread that never waits, like a store's worker thread."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _check_whole(store: Any) -> None:
    for value in await store.get_many([f"key-{n}" for n in range(5)]):
        assert value is None or value["text"] == str(value["n"]) * 10_000
    batch = await store.get_many([f"batch-{n}" for n in range(10)])
    assert all(value is None or value["text"] == str(value["n"]) * 100 for value in batch)


def _can_claim(store: object) -> bool:
    return isinstance(store, AsyncPutIfAbsentProtocol)


def _leave_a_batch_unfinished(_: int, open_store: Open, path: Path) -> None:
    """End the process while a batch is being stored, without closing anything."""

    async def begin() -> None:
        store = open_store(path)
        await store.put("first", {"n": 1})
        batch = store.put_many([str(n) for n in range(BATCH)], [{"n": n} for n in range(BATCH)])
        _unfinished.append((store, asyncio.ensure_future(batch)))
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    _unfinished.append(loop)
    # The loop would report the abandoned task, which is intended here.
    loop.set_exception_handler(lambda _, __: None)
    loop.run_until_complete(begin())


def _read_only(_: int, open_store: Open, path: Path, reads: bool) -> None:
    async def use() -> None:
        store = open_store(path)
        if reads:
            assert await store.get("key") == {"n": 1}
        for refused in (partial(store.put, "key", {"n": 2}), partial(store.put_many, ["a"], [{"n": 2}])):
            with pytest.raises((KeyValueStoreError, StoreSetupError)):
                await refused()
        if reads:
            assert await store.get("key") == {"n": 1}
        await store.close()

    if os.geteuid() == 0:
        path.as_uri()  # Python 3.13 imports a module here, which the other user may be unable to read.
        os.setuid(65534)  # Root can write everything except read-only file systems.
    asyncio.run(use())


def _write_for_ever(open_store: Open, path: Path, started: Path) -> None:
    async def write() -> None:
        async with open_store(path) as store:
            n = 0
            while True:
                await store.put(f"key-{n % 5}", {"n": n, "text": str(n) * 10_000})
                values = [{"n": n, "text": str(n) * 100}] * 10
                await store.put_many([f"batch-{number}" for number in range(10)], values, ttl=1000)
                started.touch()
                n += 1

    asyncio.run(write())


def _write_many(number: int, open_store: Open, path: Path) -> None:
    async def write() -> None:
        async with open_store(path) as store:
            won = 0
            for n in range(ENTRIES):
                await store.put(f"{number}-{n}", {"n": n})
                if _can_claim(store):
                    won += await store.put_if_absent(f"claim-{n}", {"by": number}, collection="claims")
            keys, values = [f"{number}-b{n}" for n in range(ENTRIES)], [{"n": n} for n in range(ENTRIES)]
            await store.put_many(keys, values)
            await store.put(f"won-{number}", {"n": won}, collection="claims")

    asyncio.run(write())


def _be_refused(_: int, open_store: Open, path: Path) -> None:
    async def use() -> None:
        async with open_store(path) as store:
            await store.get("key")

    with suppress(KeyValueStoreError):
        asyncio.run(use())
        raise SystemExit("the second process was not refused")
