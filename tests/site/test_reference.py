"""The reference shows only public names, short headings, and working import lines."""

import html
import re
from importlib import import_module
from pathlib import Path

HEADING = re.compile(r'class="doc doc-object-name[^"]*">(.*?)</span>')
IMPORT = re.compile(r"from (key_value\.aio[\w.]*) import (\w+)")


def pages(site: Path) -> dict[str, str]:
    """Return the text of the pages about stores, wrappers, adapters and the reference."""
    return {
        str(path.relative_to(site)): path.read_text("utf-8")
        for folder in ("api", "stores")
        for path in sorted((site / folder).rglob("*.html"))
    }


def test_headings_are_short_and_public(site: Path) -> None:
    names = [name for text in pages(site).values() for name in HEADING.findall(text)]
    assert len(names) > 100
    assert [name for name in names if name.startswith("_") or "." in name] == []


def test_a_class_is_shown_with_the_line_that_imports_it(site: Path) -> None:
    for page, text in pages(site).items():
        plain = html.unescape(re.sub(r"<[^>]+>", "", text))
        imported = set(IMPORT.findall(plain))
        classes = set(re.findall(r'doc-class-name">(\w+)<', text))
        assert classes <= {name for _, name in imported}, page
        for module, name in imported:
            # The registry module exists only on Windows.
            if "windows_registry" not in module:
                assert hasattr(import_module(module), name), page
