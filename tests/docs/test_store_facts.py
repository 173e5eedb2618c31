"""The table for choosing a store is up to date and has every store with a page."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.store_facts import FACTS, PAGE, written
from scripts.store_table import STORES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("stores/*.md"))
OF_THE_CORE = "null-and-simple"
SECTIONS = [
    "Installation",
    "Connecting",
    "Storage format",
    "Additional files",
    "Threads and processes",
    "Expiration",
    "Abilities",
    "Batching and round trips",
    "Limits",
    "Consistency",
    "Backup",
    "Tested against",
    "API reference",
]
UNIVERSAL = {"self", "default_collection"}
"""The arguments that all stores have."""


def test_the_table_is_fresh() -> None:
    assert PAGE.read_text() == written(), "run python -m scripts.store_facts"


def test_the_table_has_every_store_but_those_of_the_core() -> None:
    assert set(FACTS) == set(STORES) - {"NullStore", "SimpleStore"}


def test_every_page_of_a_store_is_in_the_table() -> None:
    assert {facts.page for facts in FACTS.values()} == {page.stem for page in PAGES} - {OF_THE_CORE}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_of_stores_have_the_same_sections(page: Path) -> None:
    headings = [line[3:] for line in prose(page).splitlines() if line.startswith("## ")]
    assert headings == SECTIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_section_is_empty(page: Path) -> None:
    for section in re.split(r"^## ", prose(page), flags=re.MULTILINE)[1:]:
        heading, text = section.split("\n", 1)
        assert text.strip(), heading


@pytest.mark.parametrize("name", STORES)
def test_the_page_of_a_store_has_each_argument_of_its_constructor(name: str) -> None:
    page = DOCS / "stores" / f"{FACTS[name].page if name in FACTS else OF_THE_CORE}.md"
    missing = [each for each in arguments(STORES[name]) if each not in page.read_text("utf-8")]
    assert missing == []


def test_the_pages_of_the_stores_that_most_use_are_the_longest() -> None:
    longest = sorted(PAGES, key=lambda page: len(page.read_text("utf-8")), reverse=True)
    assert {page.stem for page in longest[:2]} == {"sqlite", "redis"}
    assert longest[2].stem == "postgresql"


def prose(page: Path) -> str:
    """Return a page without its code blocks, whose lines may begin with any characters."""
    return re.sub(r"^```.*?^```", "...", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def arguments(store: Callable[[], object]) -> list[str]:
    return [each for each in inspect.signature(type(store()).__init__).parameters if each not in UNIVERSAL]
