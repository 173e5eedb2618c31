"""Create a backend's package, test and page from `scripts/templates/store`, its extra and its scheme."""

import argparse
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "scripts" / "templates" / "store"
CORE = ROOT / "packages" / "core" / "pyproject.toml"
SCHEMES = CORE.parent / "src" / "key_value" / "aio" / "urls" / "schemes.py"


def main() -> None:
    name, words = _arguments()
    if (ROOT / "packages" / name).exists():
        raise SystemExit(f"packages/{name} exists already")
    for file in sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        target = ROOT / _renamed(str(file.relative_to(TEMPLATE)), words)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_renamed(file.read_text(), words))
        print(target.relative_to(ROOT))
    shutil.copy(ROOT / "LICENSE", ROOT / "packages" / name)
    CORE.write_text(with_extra(CORE.read_text(), name))
    SCHEMES.write_text(with_scheme(SCHEMES.read_text(), name))


def _arguments() -> tuple[str, dict[str, str]]:
    """Return the backend's short name, and the replacements for the template's words."""
    parser = argparse.ArgumentParser(description="Create a new backend.")
    parser.add_argument("name", help="directory below packages/, and extra, such as azure-tables")
    parser.add_argument("title", nargs="?", help="name in the class <title>Store, such as AzureTables")
    arguments = parser.parse_args()
    name: str = arguments.name
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        parser.error(f"a name is of lower-case letters, digits and single hyphens, unlike {name!r}")
    title: str = arguments.title or name.title().replace("-", "")
    return name, {"acme-db": name, "acme_db": name.replace("-", "_"), "AcmeDB": title}


def _renamed(text: str, words: dict[str, str]) -> str:
    return re.sub("|".join(words), lambda match: words[match[0]], text)


def with_extra(core: str, name: str) -> str:
    """Return the core's `pyproject.toml` with one more extra, which is also added to `all`."""
    lines = core.splitlines(keepends=True)
    _insert(lines, "[project.optional-dependencies]", f'{name} = ["py-key-value-aio-{name}>=0.5.1,<0.6"]\n')
    _insert(lines, "[tool.uv.sources]", f"py-key-value-aio-{name} = {{ workspace = true }}\n")
    everything = re.compile(r'^(all = \["py-key-value-aio\[)(.*)(\]"\])$', re.MULTILINE)
    return everything.sub(lambda found: found[1] + _sorted_with(found[2], name) + found[3], "".join(lines))


def with_scheme(schemes: str, name: str) -> str:
    """Return the core's table of schemes with one more."""
    lines = schemes.splitlines(keepends=True)
    _insert(lines, "DISTRIBUTIONS: Mapping[str, str] = {", f'    "{name}": "py-key-value-aio-{name}",\n')
    return "".join(lines)


def _insert(lines: list[str], section: str, line: str) -> None:
    """Insert a line in alphabetical order among the lines of a section that name a backend."""
    at = lines.index(f"{section}\n") + 1
    while at < len(lines) and "py-key-value-aio" in lines[at] and lines[at] < line:
        at += 1
    lines.insert(at, line)


def _sorted_with(extras: str, name: str) -> str:
    return ",".join(sorted([*extras.split(","), name]))


if __name__ == "__main__":
    main()
