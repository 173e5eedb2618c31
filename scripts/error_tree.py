"""Write the tree of errors into the documentation."""

import inspect
import re
from pathlib import Path

from key_value.aio import errors

PAGE = Path(__file__).parents[1] / "docs" / "api" / "errors.md"
_TREE = re.compile(r"(<!-- tree -->\n).*?(<!-- /tree -->)", re.DOTALL)


def classes() -> list[type[errors.BaseKeyValueError]]:
    """Return the errors that the library exports."""
    exported = (getattr(errors, name) for name in errors.__all__)
    return [each for each in exported if inspect.isclass(each) and issubclass(each, errors.BaseKeyValueError)]


def parent(
    error: type[BaseException], exported: list[type[errors.BaseKeyValueError]]
) -> type[BaseException] | None:
    """Return the nearest exported class that an error derives from."""
    return next((base for base in error.__mro__[1:] if base in exported), None)


def tree() -> str:
    """Return the tree as a Markdown block, with each error below its base class."""
    exported = classes()
    lines: list[str] = []

    def add(error: type[errors.BaseKeyValueError], depth: int) -> None:
        others = {*error.__bases__} - {Exception, parent(error, exported)}
        also = sorted(base.__name__ for base in others if not base.__name__.startswith("_"))
        name = "  " * depth + error.__name__
        lines.append(f"{name:42}also a {', '.join(also)}" if also else name)
        for each in exported:
            if parent(each, exported) is error:
                add(each, depth + 1)

    add(errors.BaseKeyValueError, 0)
    return "```text\n" + "\n".join(lines) + "\n```\n"


def written() -> str:
    """Return the page with an up-to-date tree."""
    return _TREE.sub(lambda found: found[1] + tree() + found[2], PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(written())
