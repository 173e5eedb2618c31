"""Output to a terminal, in colours and columns."""

from collections.abc import Iterable

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.markup import escape
from rich.table import Table
from rich.text import Text


def show_json(text: str) -> None:
    """Print JSON."""
    Console().print(JSONHighlighter()(Text(text)), soft_wrap=True)


def show_table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Print a table of two columns."""
    table = Table(title=title, title_justify="left", show_header=False, box=None)
    for name, text in rows:
        table.add_row(escape(name), escape(text))
    Console().print(table)


def show_error(text: str) -> None:
    """Print an error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[red]kv:[/] {escape(text)}")
