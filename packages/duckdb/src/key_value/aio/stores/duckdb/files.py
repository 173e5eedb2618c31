"""Making a database that its owner alone can read."""

import os
import shutil
from contextlib import suppress
from glob import escape
from pathlib import Path
from tempfile import mkdtemp

from key_value.aio.stores.duckdb.driver import duckdb

_UNFINISHED = ".tmp"


def make(path: Path) -> None:
    """Make an empty database, whole or not at all: DuckDB refuses a file that it had no time to finish."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=_prefix(path), suffix=_UNFINISHED, dir=path.parent))
    try:
        made = folder / path.name
        duckdb.connect(made).close()
        made.chmod(0o600)
        _publish(made, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(path: Path) -> None:
    """Remove what was left by processes that ended while they made a database that now exists."""
    for folder in path.parent.glob(f"{escape(_prefix(path))}*{_UNFINISHED}"):
        shutil.rmtree(folder, ignore_errors=True)


def make_log(path: Path) -> None:
    """Make the write-ahead log before DuckDB does, which would let others read it."""
    with suppress(FileExistsError):
        os.close(os.open(f"{path}.wal", os.O_CREAT | os.O_EXCL, 0o600))


def _prefix(path: Path) -> str:
    return f".{path.name}-"


def _publish(made: Path, path: Path) -> None:
    """Give a file its name, unless another process was quicker."""
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:
        # Not every file system has hard links.
        if not path.exists():
            made.rename(path)
