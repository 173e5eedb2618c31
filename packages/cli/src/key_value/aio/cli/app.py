"""The commands of `kv` and their arguments."""

import json
import re
import sys
from pathlib import Path

import click

from key_value.aio.cli import entries
from key_value.aio.cli.copying import Copied, Copier
from key_value.aio.cli.doctor import Report, examine
from key_value.aio.cli.options import of_collection, of_store
from key_value.aio.cli.output import in_terminal, show_error, show_json, show_table
from key_value.aio.cli.running import ExitCode, UsageError, run
from key_value.aio.cli.values import read_value
from key_value.aio.urls import open_store

_CREDENTIALS = re.compile(r"://\S*@")


@click.group(
    name="kv",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 no such entry, 2 wrong argument, 3 the store failed, "
    "4 the store cannot do this, 5 what was read back differs.",
)
@click.version_option(package_name="py-key-value-aio-cli", prog_name="kv", message="%(prog)s %(version)s")
def app() -> None:
    """Read, write, copy and examine a store of py-key-value-aio, named by its URL."""


@app.command()
@click.argument("key")
@of_collection
@of_store
def get(url: str, key: str, collection: str | None) -> None:
    """Write the value of a key, as JSON."""
    run(lambda: entries.get(url, key, collection))


@app.command()
@click.argument("key")
@of_collection
@of_store
def ttl(url: str, key: str, collection: str | None) -> None:
    """Write the seconds that an entry has left.

    null if it never expires.
    """
    run(lambda: entries.ttl(url, key, collection))


@app.command()
@click.argument("key")
@click.argument("value", required=False)
@click.option(
    "--file",
    "-f",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="Read the value from a file.",
)
@click.option("--ttl", "seconds", type=float, help="Seconds to live; for ever unless given.")
@click.option("--if-absent", is_flag=True, help="Store nothing, and exit with 1, where there is an entry.")
@of_collection
@of_store
def put(
    url: str,
    key: str,
    value: str | None,
    file: Path | None,
    seconds: float | None,
    if_absent: bool,
    collection: str | None,
) -> None:
    """Store a value, a JSON object.

    Without VALUE, or if it is -, the object is read from stdin.
    """
    run(
        lambda: entries.put(
            url, key, read_value(value, file), collection, seconds=seconds, if_absent=if_absent
        )
    )


@app.command()
@click.argument("keys", nargs=-1, required=True)
@of_collection
@of_store
def delete(url: str, keys: tuple[str, ...], collection: str | None) -> None:
    """Remove entries, and write how many there were.

    Exits with 1 if some were missing.
    """
    run(lambda: entries.delete(url, keys, collection))


@app.command()
@click.option("--prefix", default="", help="What the keys start with.")
@of_collection
@of_store
def keys(url: str, prefix: str, collection: str | None) -> None:
    """Write the keys of a collection, one a line.

    Outside a terminal they are JSON strings.
    """
    run(lambda: entries.keys(url, collection, prefix))


@app.command()
@of_store
def collections(url: str) -> None:
    """Write the collections, one a line.

    Outside a terminal they are JSON strings.
    """
    run(lambda: entries.collections(url))


@app.command()
@of_store
def cull(url: str) -> None:
    """Remove what has expired."""
    run(lambda: entries.cull(url))


@app.command()
@click.argument("source", envvar="KV_URL")
@click.argument("target", envvar="KV_TARGET_URL")
@click.option("--collection", "-c", multiple=True, help="A collection; may be repeated. All unless given.")
@click.option("--resume", is_flag=True, help="Skip what the target has already, equal and with the same TTL.")
@click.option("--verify", is_flag=True, help="Read back what was written, and exit with 5 if it differs.")
@click.option(
    "--page-size",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Entries that are in memory at a time.",
)
def copy(
    source: str, target: str, collection: tuple[str, ...], resume: bool, verify: bool, page_size: int
) -> None:
    """Copy entries from one store to another.

    Their times to live are kept, and what TARGET has besides. SOURCE and TARGET are URLs, for which KV_URL
    and KV_TARGET_URL in the environment may stand.
    """

    async def work() -> ExitCode:
        from key_value.aio.cli.progress import shown_progress  # noqa: PLC0415 -- rich, as in `output`

        if source == target:
            raise UsageError("SOURCE and TARGET are the same store")
        async with open_store(source) as reads, open_store(target) as writes:
            with shown_progress() as report:
                copier = Copier(
                    reads, writes, resume=resume, verify=verify, page_size=page_size, report=report
                )
                done = await copier.copy(collection)
        return _show_copied(done, verify=verify)

    run(work)


@app.command()
@click.argument("url", envvar="KV_URL")
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often each operation is timed.",
)
@click.option("--read-only", is_flag=True, help="Write nothing: time only a get.")
def doctor(url: str, rounds: int, read_only: bool) -> None:
    """Time a store, and write what it can do.

    KV_URL in the environment may stand for URL.
    """

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
    except click.ClickException as error:
        # An argument that is one too many is repeated, which may be a URL.
        show_error(f"{_CREDENTIALS.sub('://...@', error.format_message())} Try 'kv --help'.")
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
