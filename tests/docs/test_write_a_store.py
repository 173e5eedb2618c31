"""The page "Write a store" explains every part of a backend, with excerpts from the source."""

import re
import textwrap
from pathlib import Path

import griffe
import pytest

from key_value.aio.stores import base

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "write-a-store.md").read_text()
EXCERPTS = re.findall(r"^```py\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHOWN: list[str] = re.findall(r'"(\^_[^"]*)"', PAGE)

package = griffe.load("key_value.aio.stores.base", resolve_aliases=True)


@pytest.mark.parametrize("name", base.__all__)
def test_a_public_name_has_a_docstring(name: str) -> None:
    assert package[name].docstring is not None or f"`{name}` is" in PAGE


@pytest.mark.parametrize("name", base.__all__)
def test_its_hooks_are_shown(name: str) -> None:
    if package[name].is_class:
        for member in package[name].all_members.values():
            if member.docstring is not None and member.docstring.value.startswith("Hook:"):
                assert any(re.search(shown, member.name) for shown in SHOWN), (
                    f"add {member.name} to the filters of docs/write-a-store.md"
                )


@pytest.mark.parametrize("name", ["BaseStore", "VersionedBytesStore", "PagedBytesStore", "RowStore"])
def test_its_facts_are_in_the_table(name: str) -> None:
    attributes = {name for name, member in package[name].all_members.items() if member.is_attribute}
    facts = {name for name in attributes if not name.startswith("_")} - {"default_collection"}
    assert {fact for fact in facts if f"\n| `{fact}` |" not in PAGE} == set()


@pytest.mark.parametrize("excerpt", EXCERPTS)
def test_an_excerpt_is_of_the_source(excerpt: str) -> None:
    sources = ROOT.glob("packages/redis/src/key_value/aio/stores/redis/*.py")
    assert any(excerpt in source.read_text() for source in sources), textwrap.dedent(excerpt)


def test_the_table_of_levels_has_every_hook_that_must_be_written() -> None:
    for name in ("BytesStore", "VersionedBytesStore", "PagedBytesStore", "RowStore"):
        hooks = getattr(base, name).__abstractmethods__
        missing = {hook for hook in hooks if f"`{hook}`" not in PAGE}
        assert missing == set(), name
