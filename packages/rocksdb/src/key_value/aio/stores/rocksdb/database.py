"""A RocksDB directory that is made when something is first written, and changed by one at a time."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from key_value.aio.stores.base.pacing import SMALL
from key_value.aio.stores.base.worker import Bench, Worker
from key_value.aio.stores.rocksdb.driver import Options, Rdict, WriteOptions, is_stall, open_directory

T = TypeVar("T")

PAUSE = 0.000_05
"""Seconds that the thread rests after each change."""

Change: TypeAlias = Callable[[Rdict, WriteOptions | None], T]
"""Writes to a database, with the options that it is given; None for those of the database."""


class Database:
    """One RocksDB database, used by the tasks of any event loop.

    What is small is done where it is asked for: it takes microseconds in memory, and a thread needs longer to
    hear of it. What is large, or would have to wait for RocksDB, is done in a thread.
    """

    def __init__(self, source: Path | Rdict, options: Options | None, *, syncs: bool) -> None:
        """Say where it is; nothing is opened yet.

        Args:
            source: The directory, or a database that someone else opened.
            options: How to open the directory.
            syncs: Whether each write to a directory waits for the disk.
        """
        self._source = source
        self._options = options
        self._rdict: Rdict | None = None
        self._worker = Worker(f"RocksDBStore {source}", lambda: Bench(self, Database._leave))
        self._writing = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        """How many changes the thread has yet to do."""
        self._patient: WriteOptions | None = None
        self._hasty: WriteOptions | None = None
        if isinstance(source, Path):
            self._patient = WriteOptions()
            self._patient.sync = syncs
            if not syncs:
                self._hasty = WriteOptions()
                self._hasty.no_slowdown = True

    async def open(self) -> None:
        """Start the thread, and open what is there."""
        self._waiting = 0
        self._worker.open()
        await self._worker.run(Database._find)

    async def close(self) -> None:
        """Do what was asked for, write all of it to the tables, and close what was opened here."""
        try:
            await self._worker.run(Database._flush)
        finally:
            await self._worker.close()

    async def get(self, place: str) -> object:
        """What is stored at an address; None where there is nothing."""
        rdict = self._rdict
        return await self.read(lambda found: found.get(place), None) if rdict is None else rdict.get(place)

    async def read(self, work: Callable[[Rdict], T], nothing: T) -> T:
        """Read in the thread; `nothing` where there is no database."""

        def do(database: Database) -> T:
            rdict = database._find()
            return nothing if rdict is None else work(rdict)

        return await self._worker.run(do)

    def try_at_once(self, change: Change[T], size: int = 0) -> tuple[T] | None:
        """Change the database here and now.

        Args:
            change: What to do.
            size: How many bytes it writes.

        Returns:
            What it returned; None where it was not done, because it is large or would have to wait.
        """
        rdict, hasty = self._rdict, self._hasty
        if rdict is None or hasty is None or size > SMALL:
            return None
        # What waits for the thread was asked for earlier, perhaps by a task that was cancelled since.
        if self._waiting or not self._writing.acquire(blocking=False):
            return None
        try:
            return (change(rdict, hasty),)
        except Exception as error:
            if is_stall(error):
                return None
            raise
        finally:
            self._writing.release()

    async def store(self, change: Change[T]) -> T:
        """Change the database in the thread, while nobody else does; make it where there is none."""
        return await self._change(lambda database: change(database._make(), database._patient))

    async def remove(self, change: Change[T], nothing: T) -> T:
        """Change the database in the thread, while nobody else does; `nothing` where there is none."""

        def do(database: Database) -> T:
            rdict = database._find()
            return nothing if rdict is None else change(rdict, database._patient)

        return await self._change(do)

    async def _change(self, work: "Callable[[Database], T]") -> T:
        def do(database: Database) -> T:
            try:
                with database._writing:
                    return work(database)
            finally:
                database._count(-1)
                # The driver lets no other thread run Python while it writes: now the event loop may.
                time.sleep(PAUSE)

        self._count(1)
        return await self._worker.run(do, writes=True)

    def _count(self, more: int) -> None:
        with self._counting:
            self._waiting += more

    def _find(self) -> Rdict | None:
        if self._rdict is None and isinstance(self._source, Path) and not (self._source / "CURRENT").exists():
            return None
        return self._rdict or self._open()

    def _make(self) -> Rdict:
        if isinstance(self._source, Path):
            # RocksDB makes its files as the umask says, but nobody else can enter the directory.
            self._source.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._find() or self._open()

    def _open(self) -> Rdict:
        self._rdict = (
            self._source if isinstance(self._source, Rdict) else open_directory(self._source, self._options)
        )
        return self._rdict

    def _flush(self) -> None:
        if self._rdict is not None and self._rdict is not self._source:
            self._rdict.flush(wait=True)

    def _leave(self) -> None:
        rdict, self._rdict = self._rdict, None
        if rdict is not None and rdict is not self._source:
            rdict.close()
