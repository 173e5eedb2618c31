"""What tasks ask of a table together."""

from collections.abc import Collection
from typing import cast

from key_value.aio.stores.base.table import TOGETHER, Place, Row, Table, delete, put


class FakeTable:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.puts: list[list[Row]] = []

    def put(self, rows: Collection[Row], /) -> None:
        self.puts.append(list(rows))

    def delete(self, places: Collection[Place], /) -> list[Place]:
        return [place for place in places if place[1] != "missing"]


def row(key: str, text: str = "{}") -> Row:
    return "c", key, text, None, None


def test_the_last_row_of_a_place_is_stored() -> None:
    table = FakeTable()
    assert put(cast("Table", table), [[row("a", "1")], [row("b")], [row("a", "2")]]) == [None] * 3
    assert table.puts == [[row("a", "2"), row("b")]]


def test_large_values_of_several_tasks_are_stored_in_turn() -> None:
    table = FakeTable()
    large = "x" * (TOGETHER // 2 + 1)
    put(cast("Table", table), [[row("a", large)], [row("b", large), row("c", large)], [row("a", "1")]])
    assert [[key for _, key, *_ in rows] for rows in table.puts] == [["a", "b", "c"], ["a"]]


def test_a_row_is_deleted_by_the_first_who_asks() -> None:
    works = [[("c", "a")], [("c", "missing")], [("c", "a"), ("c", "b")]]
    assert delete(cast("Table", FakeTable()), works) == [1, 0, 1]
