"""The progress of a copy, shown on stderr if it is a terminal."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from key_value.aio.cli.copying import Copied


@contextmanager
def shown_progress() -> Generator[Callable[[str, Copied], None]]:
    """Show a progress bar while the body runs; yield a function that takes a collection and the progress."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[entries]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        # The total is unknown until all entries are listed.
        task = progress.add_task("", total=None, entries="")

        def report(collection: str, done: Copied) -> None:
            seen = done.copied + done.skipped + done.expired
            progress.update(
                task, description=escape(json.dumps(collection)), entries=f"{seen:,} entries", completed=seen
            )

        yield report
