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
    epilog="Exit codes: 0 success, 1 no such entry, 2 invalid argument, 3 store failure, "
    "4 unsupported by the store, 5 copied or stored entries differ.",
)
@click.version_option(package_name="py-key-value-aio-cli", prog_name="kv", message="%(prog)s %(version)s")
def app() -> None:
    """Read, write, copy and examine a py-key-value-aio store by its URL."""


@app.command()
@click.argument("key")
@of_collection
@of_store
def get(url: str, key: str, collection: str | None) -> None:
    """Print the value of a key as JSON."""
    run(lambda: entries.get(url, key, collection))


@app.command()
@click.argument("key")
@of_collection
@of_store
def ttl(url: str, key: str, collection: str | None) -> None:
    """Print the remaining TTL of an entry in seconds.

    Prints null if the entry never expires.
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
@click.option("--ttl", "seconds", type=float, help="TTL in seconds; by default, the entry never expires.")
@click.option("--if-absent", is_flag=True, help="Store nothing and exit with 1 if the entry exists.")
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
    """Store a JSON object.

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
    """Delete entries, and print the number of deleted entries.

    Exits with 1 if any were missing.
    """
    run(lambda: entries.delete(url, keys, collection))


@app.command()
@click.option("--prefix", default="", help="Prefix of the keys.")
@of_collection
@of_store
def keys(url: str, prefix: str, collection: str | None) -> None:
    """Print the keys of a collection, one per line.

    Unless the output is a terminal, they are JSON strings.
    """
    run(lambda: entries.keys(url, collection, prefix))


@app.command()
@of_store
def collections(url: str) -> None:
    """Print the collections, one per line.

    Unless the output is a terminal, they are JSON strings.
    """
    run(lambda: entries.collections(url))


@app.command()
@of_store
def cull(url: str) -> None:
    """Remove expired entries."""
    run(lambda: entries.cull(url))


@app.command()
@click.argument("source", envvar="KV_URL")
@click.argument("target", envvar="KV_TARGET_URL")
@click.option(
    "--collection", "-c", multiple=True, help="Collection to copy; may be repeated. Defaults to all."
)
@click.option(
    "--resume", is_flag=True, help="Skip entries that the target already has with equal values and TTLs."
)
@click.option("--verify", is_flag=True, help="Read back the written entries, and exit with 5 if any differ.")
@click.option(
    "--page-size",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Number of entries in memory at a time.",
)
def copy(
    source: str, target: str, collection: tuple[str, ...], resume: bool, verify: bool, page_size: int
) -> None:
    """Copy entries from one store to another.

    TTLs are kept, and so are other entries in TARGET. SOURCE and TARGET are URLs; they default to the
    environment variables KV_URL and KV_TARGET_URL.
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
    help="Number of times each operation is timed.",
)
@click.option("--read-only", is_flag=True, help="Write nothing; only time reads of a missing key.")
def doctor(url: str, rounds: int, read_only: bool) -> None:
    """Measure a store's speed, and print its abilities.

    URL defaults to the environment variable KV_URL.
    """

    async def work() -> ExitCode:
        report = await examine(url, rounds=rounds, writes=not read_only)
        _show_report(report)
        return ExitCode.DIFFERENT if report.keeps is False else ExitCode.OK

    run(work)


def main() -> None:
    """Run `kv` and exit."""
    arguments = sys.argv[1:] or ["--help"]
    try:
        code: object = app(arguments, prog_name="kv", standalone_mode=False)
    except click.ClickException as error:
        # The message quotes a superfluous argument, which may be a URL.
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
    show_table(report.store, [("keeps entries", keeps), ("setup", _milliseconds(report.setup_seconds))])
    show_table("\nmedian time", [(name, _milliseconds(each)) for name, each in report.median_seconds.items()])
    show_table("\nabilities", [(name, "yes" if has else "no") for name, has in report.abilities.items()])
    show_table("\nfacts", [(name, json.dumps(fact)) for name, fact in report.facts.items()])


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.2f} ms"
