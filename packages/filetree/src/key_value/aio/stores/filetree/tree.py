"""The entries of a store as files: everything here blocks, and belongs to one thread."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from key_value.aio._utils.json_codec import dumps
from key_value.aio._utils.time_to_live import epoch_to_datetime
from key_value.aio.errors import KeyValueStoreError
from key_value.aio.stores.base.documents import Head
from key_value.aio.stores.base.files import missing
from key_value.aio.stores.filetree import reading
from key_value.aio.stores.filetree.layout import Layout
from key_value.aio.stores.filetree.names import WRITING
from key_value.aio.stores.filetree.writing import Desk

T = TypeVar("T")


class Tree:
    """The files of a store, as one thread uses them.

    Whoever puts a file in its place shares a lock for that moment. Whoever takes the place of an expired
    entry, or removes one, has it alone: what is expired when that is looked up is so when it is removed.

    Attributes:
        layout: Where the files are.
    """

    def __init__(self, layout: Layout, *, auto_create: bool, durable: bool) -> None:
        """Say where the files are.

        Args:
            layout: Where.
            auto_create: Whether to make directories that are missing.
            durable: Whether to wait until what is written is on the disk.
        """
        self.layout = layout
        self._auto_create = auto_create
        self._desk = Desk(layout.data / WRITING, durable=durable)
        self._metadata_desk = Desk(layout.metadata / WRITING, durable=durable)

    def open(self) -> None:
        """Learn what the file system can hold, and remove what a crash left behind."""
        self.layout.survey()
        self._desk.clear()
        self._metadata_desk.clear()

    def close(self) -> None:
        """Close the lock."""
        self._desk.lock.close()

    def directory(self, collection: str) -> Path:
        """The directory of a collection; it may be missing."""
        return reading.inside(self.layout.directory(collection), self.layout.data)

    def make(self, collection: str) -> None:
        """Make the directory of a collection, and the file that describes it, where they are missing."""
        self.layout.directory(collection)  # A name that is refused leaves nothing behind.
        with self.alone():
            # Only now is there a directory that shows what its file system makes of names.
            self.layout.survey()
            directory = self.directory(collection)
            if not directory.is_dir():
                if not self._auto_create:
                    raise ValueError(missing(directory))
                self._desk.make(directory)
            self._describe(self.layout.directory(collection), collection)

    def read(self, collection: str, keys: Sequence[str]) -> list[bytes | None]:
        """The documents of keys."""
        directory = self.directory(collection)
        return [self._read(directory, collection, key) for key in keys]

    def put(self, collection: str, keys: Sequence[str], data: Sequence[bytes]) -> None:
        """Store documents."""

        def put(directory: Path) -> None:
            places = [directory / self.layout.keys.file_name(key) for key in keys]
            with self._desk.drafts(data) as drafts, self._desk.lock.held(shared=True):
                for draft, place in zip(drafts, places, strict=True):
                    draft.move(place)

        self._change(collection, put)

    def put_if_absent(self, collection: str, key: str, data: bytes) -> bool:
        """Store a document unless there is an entry that has not expired."""

        def put(directory: Path) -> bool:
            if self._holds(directory, collection, key):
                return False
            with self._desk.drafts([data]) as (draft,), self._desk.lock.held():
                if self._holds(directory, collection, key):
                    return False
                draft.move(directory / self.layout.keys.file_name(key))
                return True

        return self._change(collection, put)

    def delete(self, collection: str, keys: Sequence[str]) -> int:
        """Remove entries; how many there were that had not expired."""
        directory = self.directory(collection)
        removed = sum(
            self._holds(directory, collection, key)
            and reading.remove(directory / self.layout.keys.file_name(key))
            for key in keys
        )
        if removed:
            self._desk.sync(directory)
        return removed

    def remove_expired(self, path: Path) -> None:
        """Remove the file of an entry, if it is expired still."""
        with self.alone():
            head = reading.head(path)
            if head is not None and not head.is_living:
                reading.remove(path)

    def remove_collection(self, directory: Path) -> None:
        """Remove the directory of a collection, unless there is anything in it, with what describes it."""
        with self.alone():
            if reading.remove_directory(directory):
                reading.remove(self.layout.info(directory))
        self._desk.sync(self.layout.data)
        self._metadata_desk.sync(self.layout.metadata)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Keep the other threads and processes from changing the tree."""
        if self._auto_create:
            self._desk.make(self.layout.data)
            self._metadata_desk.make(self.layout.metadata)
        self._desk.make(self._desk.directory)
        with self._desk.lock.held():
            yield

    def _change(self, collection: str, change: Callable[[Path], T]) -> T:
        directory = self.directory(collection)
        try:
            result = change(directory)
        except FileNotFoundError:
            # Another process has destroyed the collection since it was made, or cleared a draft away.
            self.make(collection)
            result = change(directory)
        self._desk.sync(directory)
        return result

    def _read(self, directory: Path, collection: str, key: str) -> bytes | None:
        data = reading.read(self._file(directory, key))
        return None if data is None or not _is_of(reading.head_of(data), collection, key) else data

    def _holds(self, directory: Path, collection: str, key: str) -> bool:
        """Whether there is an entry that has not expired."""
        head = reading.head(self._file(directory, key))
        return head is not None and head.is_living and _is_of(head, collection, key)

    def _file(self, directory: Path, key: str) -> Path:
        return reading.inside(directory / self.layout.keys.file_name(key), self.layout.data)

    def _describe(self, directory: Path, collection: str) -> None:
        info = self.layout.info(directory)
        described = reading.read_collection(info)
        if described not in (None, collection):
            raise KeyValueStoreError(message=f"Directory '{directory}' is the collection {described!r}")
        if described is None:
            document = {
                "collection": collection,
                "created_at": epoch_to_datetime(time.time()).isoformat(),
                "directory": str(directory),
                "version": 1,
            }
            self._metadata_desk.make(self._metadata_desk.directory)
            with self._metadata_desk.drafts([dumps(document).encode()]) as (draft,):
                draft.move(info)
            self._metadata_desk.sync(self.layout.metadata)


def _is_of(head: Head, collection: str, key: str) -> bool:
    """Whether a document is of an entry: strategies may give one file to several."""
    return head.key in (None, key) and head.collection in (None, collection)
