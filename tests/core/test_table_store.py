"""Operations of several tasks that share one call to a table."""

from collections.abc import Collection
from typing import cast

from key_value.aio.stores.base import Address, Row, Table
from key_value.aio.stores.base.table_store import TOGETHER, _delete, _put


class FakeTable:
    """A table that records stored rows."""

    def __init__(self) -> None:
        self.puts: list[list[Row]] = []

    def put(self, rows: Collection[Row], /) -> None:
        self.puts.append(list(rows))

    def delete(self, addresses: Collection[Address], now: float, /) -> list[Address]:
        return [address for address in addresses if address.key != "missing"]


def row(key: str, text: str = "{}") -> Row:
    return Row("c", key, text)


def at(key: str) -> Address:
    return Address("c", key)


def test_the_last_row_of_an_address_is_stored() -> None:
    table = FakeTable()
    assert _put(cast("Table", table), [[row("a", "1")], [row("b")], [row("a", "2")]]) == [None] * 3
    assert table.puts == [[row("a", "2"), row("b")]]


def test_large_values_of_several_tasks_are_stored_in_turn() -> None:
    table = FakeTable()
    large = "x" * (TOGETHER // 2 + 1)
    _put(cast("Table", table), [[row("a", large)], [row("b", large), row("c", large)], [row("a", "1")]])
    assert [[each.key for each in rows] for rows in table.puts] == [["a", "b", "c"], ["a"]]


def test_a_row_that_several_tasks_delete_counts_once() -> None:
    batches = [[at("a")], [at("missing")], [at("a"), at("b")]]
    assert _delete(cast("Table", FakeTable()), batches) == [1, 0, 1]
