"""Output to stdout and stderr: readable in a terminal, and JSON for programs."""

import json
import re
import sys
from collections.abc import Iterable

# Characters that JSON does not escape, but a terminal may interpret: C1 controls and direction marks.
_OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def in_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def show_json(value: object) -> None:
    """Print a value: indented and coloured in a terminal, otherwise as one line of ASCII."""
    if in_terminal():
        from key_value.aio.cli import terminal  # noqa: PLC0415 -- rich takes longer to import than a command

        terminal.show_json(_printable(json.dumps(value, indent=2, ensure_ascii=False)))
    else:
        sys.stdout.write(f"{json.dumps(value)}\n")


def show_names(names: Iterable[str]) -> None:
    """Print names, one per line: as JSON strings, or in a terminal unquoted if that is safe."""
    sys.stdout.writelines(f"{_plain(name) if in_terminal() else json.dumps(name)}\n" for name in names)
    sys.stdout.flush()


def show_table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Print a table of two columns to a terminal."""
    from key_value.aio.cli import terminal  # noqa: PLC0415 -- rich takes longer to import than a command

    terminal.show_table(title, rows)


def show_text(text: str) -> None:
    """Print a line to a terminal."""
    sys.stdout.write(f"{text}\n")


def show_error(error: Exception | str) -> None:
    """Print an error to stderr."""
    text = _printable(str(error) or type(error).__name__)
    if sys.stderr.isatty():
        from key_value.aio.cli import terminal  # noqa: PLC0415 -- rich takes longer to import than a command

        terminal.show_error(text)
    else:
        sys.stderr.write(f"kv: {text}\n")


def _plain(name: str) -> str:
    quoted = _printable(json.dumps(name, ensure_ascii=False))
    is_plain = quoted == f'"{name}"' and name == name.strip() and name != ""
    return name if is_plain else quoted


def _printable(text: str) -> str:
    """Return a text in which characters that a terminal might interpret are escaped as in JSON."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
