"""A page states if a block needs the names of a previous block; no block needs anything else."""

import json
import re
import textwrap
from pathlib import Path

import pytest

from tests.docs.test_examples import CONTINUES
from tests.packaging.environment import run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EXCERPTS = DOCS / "write-a-store.md"
"""The page whose `py` blocks are parts of a module, which it names."""

_BLOCK = re.compile(r"^( *)```(?:python|py)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """Return all Python blocks, including those that no test can run."""
    return [textwrap.dedent(code) for _, code in _BLOCK.findall(page.read_text("utf-8"))]


PAGES = [page for page in sorted(DOCS.glob("**/*.md")) if blocks(page) and page != EXCERPTS]


def missing_names(folder: Path, codes: list[str]) -> dict[int, set[str]]:
    """Return the names that no line of their block defines, by block number."""
    files = [folder / f"{number}.py" for number in range(len(codes))]
    for file, code in zip(files, codes, strict=True):
        file.write_text(code, "utf-8")
    command = ("ruff", "check", "--isolated", "--select=F821", "--output-format=json", *files)
    missing: dict[int, set[str]] = {}
    for each in json.loads(run(*command).stdout):
        if each["code"] == "F821":
            missing.setdefault(int(Path(each["filename"]).stem), set()).add(each["message"])
    return missing


def title(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_a_reader_who_pastes_misses_no_name(page: Path, tmp_path: Path) -> None:
    codes = blocks(page)
    missing = missing_names(tmp_path, codes)
    text = page.read_text("utf-8")
    if not missing:
        assert CONTINUES not in text, "no block needs another"
        return
    first_that_needs = list(_BLOCK.finditer(text))[min(missing)]
    assert CONTINUES in " ".join(text[: first_that_needs.start()].split()), missing
    assert missing_names(tmp_path, ["\n\n".join(codes)]) == {}


def test_few_pages_are_one_program_in_parts() -> None:
    in_parts = [title(page) for page in PAGES if CONTINUES in page.read_text("utf-8")]
    assert in_parts == [
        "guides/caching.md",
        "guides/encryption.md",
        "guides/fastapi.md",
        "guides/frameworks.md",
        "guides/moving.md",
        "quick-start.md",
        "write-a-wrapper.md",
    ]


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_a_page_says_before_its_first_block_what_to_install(page: Path) -> None:
    before, *_ = _BLOCK.split(page.read_text("utf-8"))
    assert "pip install " in before


EXTRAS = {
    r"key_value\.aio\.stores\.(?!base|null|simple)(\w+)": None,
    r"(pydantic)\b": "pydantic",
    r"key_value\.aio\.adapters(?:\.base_model|\.dataclass|\.pydantic)\b": "pydantic",
    r"key_value\.aio\.wrappers\.encryption\b": "wrappers-encryption",
    r"key_value\.aio\.wrappers\.opentelemetry\b": "opentelemetry",
}
"""What an import needs, by the module that it names: an extra, or the one called as the store."""


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_what_a_block_imports_was_installed_before_it(page: Path) -> None:
    text = page.read_text("utf-8")
    for block in _BLOCK.finditer(text):
        before = text[: block.start()]
        installed = set(",".join(re.findall(r"pip install [^\n`]*\[([^\]]+)\]", before)).split(","))
        assert needed(block[2]) <= installed


def needed(code: str) -> set[str]:
    """Return the extras of the core that the imports of a block need."""
    modules = re.findall(r"^\s*(?:from|import) ([\w.]+)", code, flags=re.MULTILINE)
    return {
        extra or found[1].replace("_", "-")
        for module in modules
        for pattern, extra in EXTRAS.items()
        if (found := re.match(pattern, module))
    }
