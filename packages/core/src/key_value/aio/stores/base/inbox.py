"""What threads are to do, and how they are woken."""

import os
import threading
import weakref
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue for threads that wait at a pipe.

    Linux takes it that who writes to a pipe will soon wait for an answer, and wakes the reader on the same
    processor. Who waits for a lock is woken on another one, which sleeps: one call at a time takes half as
    long again.
    """

    def __init__(self, threads: int) -> None:
        """Make it empty.

        Args:
            threads: How many threads take from it.
        """
        self._threads = threads
        self._items: deque[T] = deque()
        self._waiting = 0
        self._ended = False
        self._lock = threading.Lock()
        self._reader, self._writer = os.pipe()
        weakref.finalize(self, _close, self._reader, self._writer).atexit = False

    def put(self, item: T) -> bool:
        """Add an item, unless `end` was called; whether it was added."""
        with self._lock:
            if self._ended:
                return False
            self._items.append(item)
            wakes = self._waiting > 0
            if wakes:
                self._waiting -= 1
        if wakes:
            os.write(self._writer, bytes(1))
        return True

    def take(self, most: int) -> list[T]:
        """Wait for items, and take so many at most; none at the end."""
        while True:
            with self._lock:
                if self._items or self._ended:
                    return [self._items.popleft() for _ in range(min(most, len(self._items)))]
                self._waiting += 1
            os.read(self._reader, 1)

    def end(self) -> None:
        """Let no more come; it takes no lock, so that the garbage collector may call it at any time."""
        if not self._ended:
            self._ended = True
            os.write(self._writer, bytes(self._threads))


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
