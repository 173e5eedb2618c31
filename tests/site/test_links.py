"""Every link of the built site leads to an existing page and anchor."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from typing_extensions import override

ROOT = "http://site/"
PROJECT = Path(__file__).parents[2]
PUBLISHED = re.compile(r'https://strawgate\.github\.io/py-key-value/([^)"\s]*)')
"""Where the site is, as mkdocs.yml says."""


class Page(HTMLParser):
    """Parser for the anchors of a page and the targets of its links and files."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.anchors = {""}
        self.targets: set[str] = set()
        self._address = address
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in {"id", "name"}:
                self.anchors.add(value)
            elif value and name in {"href", "src"}:
                self.targets.add(urljoin(self._address, value))


def read(site: Path) -> dict[str, Page]:
    """Return the pages of a site by address."""
    pages: dict[str, Page] = {}
    for path in site.rglob("*.html"):
        address = ROOT + path.relative_to(site).as_posix().removesuffix("index.html")
        # The error page may be served at any address, so its links start with the address of the site.
        if path.name != "404.html":
            pages[address] = Page(address, path.read_text("utf-8"))
    return pages


def broken(site: Path) -> list[str]:
    """Return the broken links."""
    pages = read(site)
    found: list[str] = []
    for address, page in pages.items():
        for target in page.targets:
            place, anchor = urldefrag(target)
            if not target.startswith(ROOT):
                continue
            if place in pages:
                if unquote(anchor) not in pages[place].anchors:
                    found.append(f"{address} -> {target}")
            elif not (site / unquote(urlsplit(place).path).lstrip("/")).is_file():
                found.append(f"{address} -> {target}")
    return found


def test_every_link_leads_somewhere(site: Path) -> None:
    assert broken(site) == []


def test_links_to_the_published_site_lead_somewhere(site: Path) -> None:
    pages = read(site)
    files = [*PROJECT.glob("packages/*/README.md"), *PROJECT.glob("packages/*/pyproject.toml")]
    for file in files:
        for link in PUBLISHED.finditer(file.read_text("utf-8")):
            target = link[1]
            place, anchor = urldefrag(f"{ROOT}{target}")
            assert place in pages, f"{file.parent.name}: {target}"
            assert anchor in pages[place].anchors, f"{file.parent.name}: {target}"


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="gone/">a</a><a href="#gone">b</a><a id="here" href="#here">c</a>'
    )
    assert len(broken(tmp_path)) == 2
