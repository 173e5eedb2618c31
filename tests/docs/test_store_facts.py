"""The table by which to choose a store: fresh, and of every store that has a page."""

from pathlib import Path

import pytest

from scripts.store_facts import FACTS, PAGE, written
from scripts.store_table import STORES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_is_fresh() -> None:
    assert PAGE.read_text() == written(), "run python -m scripts.store_facts"


def test_the_table_has_every_store_but_those_of_the_core() -> None:
    assert set(FACTS) == set(STORES) - {"NullStore", "SimpleStore"}


def test_every_page_of_a_store_is_in_the_table() -> None:
    assert {facts.page for facts in FACTS.values()} == {page.stem for page in DOCS.glob("stores/*.md")}


@pytest.mark.parametrize("heading", ["Backup", "Tested against"])
@pytest.mark.parametrize("page", sorted(DOCS.glob("stores/*.md")), ids=lambda page: page.stem)
def test_a_page_of_a_store_has(page: Path, heading: str) -> None:
    assert f"\n## {heading}\n" in page.read_text("utf-8")
