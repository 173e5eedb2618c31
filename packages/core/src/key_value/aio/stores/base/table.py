"""A table with one row for each entry, and what tasks ask of it together."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeAlias

TOGETHER = 1_000_000
"""Characters of values after which those of the next task are stored by themselves: a driver that is handed
many megabytes lets no other thread run Python meanwhile."""

Place: TypeAlias = tuple[str, str]
"""The collection and key of a row: text that UTF-8 can hold."""


Row: TypeAlias = tuple[str, str, str, float | None, float | None]
"""What is to be stored for an entry: the collection and key of its place, its value as JSON text, and the
seconds since 1970 at which it was stored and expires."""

Found: TypeAlias = tuple[str, float | str | None, float | str | None]
"""What is stored for an entry: its value as JSON text, and when it was stored and expires, in seconds since
1970, or as ISO 8601 text where the table holds that."""


class Table(Protocol):
    """What a `TableStore` asks of its table, in the one thread that uses it."""

    def exists(self) -> bool:
        """Whether the table is there; nothing is made that is not."""
        ...

    def get(self, places: Collection[Place], /) -> Mapping[Place, Found]:
        """The rows of those places that have one; no place is there twice."""
        ...

    def put(self, rows: Collection[Row], /) -> None:
        """Store rows, each in place of any that is there, all of them or none; no two have the same place."""
        ...

    def put_if_absent(self, row: Row, /) -> bool:
        """Store a row unless there is a living one; True where it was stored."""
        ...

    def delete(self, places: Collection[Place], /) -> Collection[Place]:
        """Remove rows; the places of those that were living."""
        ...

    def list_keys(self, collection: str, limit: int | None, /) -> Sequence[str]:
        """The keys of the living rows of a collection."""
        ...

    def list_collections(self, limit: int | None, /) -> Sequence[str]:
        """The collections that have living rows."""
        ...

    def delete_collection(self, collection: str, /) -> bool:
        """Remove the rows of a collection; True where there were any."""
        ...

    def delete_all(self) -> None:
        """Remove every row."""
        ...

    def cull(self) -> bool:
        """Remove rows that have expired; True where there may be more of them."""
        ...


def get(table: Table, works: Sequence[Sequence[Place]]) -> Sequence[Sequence[Found | None]]:
    """The rows of places for each of several tasks, None where there is none."""
    rows = table.get(works[0] if len(works) == 1 else {place for places in works for place in places})
    return [[rows.get(place) for place in places] for places in works]


def put(table: Table, works: Sequence[Sequence[Row]]) -> Sequence[None]:
    """Store the rows of several tasks; of two for one place the last."""
    if len(works) == 1:
        table.put(works[0])
        return [None]
    waiting: dict[Place, Row] = {}
    size = 0
    for rows in works:
        waiting.update((row[:2], row) for row in rows)
        size += sum(len(text) for _, _, text, _, _ in rows)
        if size > TOGETHER:
            table.put(waiting.values())
            waiting, size = {}, 0
    if waiting:
        table.put(waiting.values())
    return [None] * len(works)


def delete(table: Table, works: Sequence[Sequence[Place]]) -> Sequence[int]:
    """Remove rows for several tasks; for each how many were living and not removed for one before it."""
    deleted = set(table.delete({place for places in works for place in places}))
    counts: list[int] = []
    for places in works:
        own = deleted.intersection(places)
        deleted -= own
        counts.append(len(own))
    return counts
