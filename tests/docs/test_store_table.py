"""The table of stores and abilities is up to date and has every store."""

import ast
from pathlib import Path

from scripts.store_table import PAGE, REASONS, STORES, abilities, written

PACKAGES = Path(__file__).parents[2] / "packages"


def exported() -> set[str]:
    """Return the names of the stores that the distributions export."""
    names: set[str] = set()
    for module in PACKAGES.glob("*/src/key_value/aio/stores/*/__init__.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Assign) and module.parent.name != "base":
                names.update(ast.literal_eval(node.value))
    return {name for name in names if name.endswith("Store")}


def test_the_table_in_the_documentation_is_fresh() -> None:
    assert PAGE.read_text() == written(), "run python -m scripts.store_table"


def test_the_table_has_every_store() -> None:
    assert exported() == set(STORES)


def test_a_reason_is_given_only_for_what_is_missing() -> None:
    assert {name for name, store in STORES.items() if not all(abilities(store).values())} == set(REASONS)
