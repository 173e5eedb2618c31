"""The commands of `kv` and their arguments."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from key_value.aio.cli import entries
from key_value.aio.cli.copying import Copied, Copier
from key_value.aio.cli.doctor import Report, examine
from key_value.aio.cli.options import Collection, Url
from key_value.aio.cli.output import in_terminal, show_error, show_json, show_table
from key_value.aio.cli.progress import shown_progress
from key_value.aio.cli.running import ExitCode, UsageError, run
from key_value.aio.cli.values import read_value
from key_value.aio.urls import open_store

app = typer.Typer(
    name="kv",
    help="Read, write, copy and examine a store of py-key-value-aio, named by its URL.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 no such entry, 2 wrong argument, 3 the store failed, "
    "4 the store cannot do this, 5 what was read back differs.",
)

_CREDENTIALS = re.compile(r"://\S*@")

Key = Annotated[str, typer.Argument(help="The key.")]


@app.command()
def get(url: Url, key: Key, collection: Collection = None) -> None:
    """Write the value of a key, as JSON."""
    run(lambda: entries.get(url, key, collection))


@app.command()
def ttl(url: Url, key: Key, collection: Collection = None) -> None:
    """Write the seconds that an entry has left; null if it never expires."""
    run(lambda: entries.ttl(url, key, collection))


@app.command()
def put(
    url: Url,
    key: Key,
    value: Annotated[
        str | None, typer.Argument(help="The value, a JSON object; - or nothing reads it from stdin.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="Read the value from a file.", dir_okay=False, exists=True),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--ttl", help="Seconds to live; for ever unless given.")
    ] = None,
    if_absent: Annotated[
        bool, typer.Option("--if-absent", help="Store nothing, and exit with 1, where there is an entry.")
    ] = False,
    collection: Collection = None,
) -> None:
    """Store a value."""
    run(
        lambda: entries.put(
            url, key, read_value(value, file), collection, seconds=seconds, if_absent=if_absent
        )
    )


@app.command()
def delete(
    url: Url,
    keys: Annotated[list[str], typer.Argument(help="The keys.")],
    collection: Collection = None,
) -> None:
    """Remove entries, and write how many there were; exit with 1 if some were missing."""
    run(lambda: entries.delete(url, keys, collection))


@app.command()
def keys(
    url: Url,
    prefix: Annotated[str, typer.Option("--prefix", help="What the keys start with.")] = "",
    collection: Collection = None,
) -> None:
    """Write the keys of a collection, one a line, as JSON strings outside a terminal."""
    run(lambda: entries.keys(url, collection, prefix))


@app.command()
def collections(url: Url) -> None:
    """Write the collections, one a line, as JSON strings outside a terminal."""
    run(lambda: entries.collections(url))


@app.command()
def cull(url: Url) -> None:
    """Remove what has expired."""
    run(lambda: entries.cull(url))


@app.command()
def copy(
    source: Annotated[str, typer.Argument(envvar="KV_URL", help="The URL of the store to read.")],
    target: Annotated[str, typer.Argument(envvar="KV_TARGET_URL", help="The URL of the store to write.")],
    collection: Annotated[
        list[str] | None,
        typer.Option("--collection", "-c", help="A collection to copy; may be repeated. All unless given."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip what the target has already, equal and with the same TTL.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read back what was written, and exit with 5 if it differs.")
    ] = False,
    page_size: Annotated[
        int, typer.Option("--page-size", min=1, help="Entries that are in memory at a time.")
    ] = 1000,
) -> None:
    """Copy entries, with their times to live, from one store to another; what it has besides stays there."""

    async def work() -> ExitCode:
        if source == target:
            raise UsageError("SOURCE and TARGET are the same store")
        async with open_store(source) as reads, open_store(target) as writes:
            with shown_progress() as report:
                copier = Copier(
                    reads, writes, resume=resume, verify=verify, page_size=page_size, report=report
                )
                done = await copier.copy(collection or [])
        return _show_copied(done, verify=verify)

    run(work)


@app.command()
def doctor(
    url: Annotated[str, typer.Argument(envvar="KV_URL", help="The URL of the store.")],
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each operation is timed.")] = 5,
    read_only: Annotated[bool, typer.Option("--read-only", help="Write nothing: time only a get.")] = False,
) -> None:
    """Connect to a store, time it, and write what it can do and what its limits are."""

    async def work() -> ExitCode:
        report = await examine(url, rounds=rounds, writes=not read_only)
        _show_report(report)
        return ExitCode.DIFFERENT if report.keeps is False else ExitCode.OK

    run(work)


def main() -> None:
    """Run `kv`, and exit."""
    arguments = sys.argv[1:] or ["--help"]
    try:
        code: object = app(arguments, prog_name="kv", standalone_mode=False)
    except Exception as error:
        # An argument that is one too many is repeated, which may be a URL.
        message: object = getattr(error, "format_message", None)
        if not callable(message):
            raise
        show_error(f"{_CREDENTIALS.sub('://...@', str(message()))} Try 'kv --help'.")
        code = int(ExitCode.USAGE)
    sys.exit(code if isinstance(code, int) else 0)


def _show_copied(done: Copied, *, verify: bool) -> ExitCode:
    for collection, key in done.different if in_terminal() else ():
        show_error(f"Differs at the target: {json.dumps(key)} in {json.dumps(collection)}")
    counts = {
        "collections": done.collections,
        "copied": done.copied,
        "skipped": done.skipped,
        "expired": done.expired,
        **({"verified": done.verified, "differences": done.differences} if verify else {}),
    }
    if in_terminal():
        show_table("", [(name, f"{count:,}") for name, count in counts.items()])
    else:
        show_json({**counts, **({"different": done.different} if verify else {})})
    return ExitCode.DIFFERENT if done.differences else ExitCode.OK


def _show_report(report: Report) -> None:
    if not in_terminal():
        show_json(report.as_dict())
        return
    keeps = {True: "yes", False: "NO", None: "not tried"}[report.keeps]
    show_table(report.store, [("keeps what it takes", keeps), ("setup", _milliseconds(report.setup_seconds))])
    show_table("\nmedian time", [(name, _milliseconds(each)) for name, each in report.median_seconds.items()])
    show_table("\nabilities", [(name, "yes" if has else "no") for name, has in report.abilities.items()])
    show_table("\nfacts", [(name, json.dumps(fact)) for name, fact in report.facts.items()])


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.2f} ms"
