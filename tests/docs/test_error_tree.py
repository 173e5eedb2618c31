"""The tree of errors in the documentation is up to date and complete."""

from scripts.error_tree import PAGE, classes, tree, written


def test_the_tree_is_fresh() -> None:
    assert PAGE.read_text() == written(), "run python -m scripts.error_tree"


def test_every_error_is_in_the_tree_once() -> None:
    shown = [line.split()[0] for line in tree().splitlines() if not line.startswith("```")]
    assert sorted(shown) == sorted(error.__name__ for error in classes())
