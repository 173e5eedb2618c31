"""Creating a database that its owner alone can read."""

import os
import shutil
from contextlib import suppress
from glob import escape
from pathlib import Path
from tempfile import mkdtemp

from key_value.aio.stores.base import make_directory
from key_value.aio.stores.duckdb.driver import duckdb

_UNFINISHED = ".tmp"


def create(path: Path) -> None:
    """Create an empty database, whole or not at all: DuckDB refuses a file that it had no time to finish."""
    make_directory(path.parent)
    folder = Path(mkdtemp(prefix=_prefix(path), suffix=_UNFINISHED, dir=path.parent))
    try:
        created = folder / path.name
        duckdb.connect(created).close()
        created.chmod(0o600)
        _publish(created, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(path: Path) -> None:
    """Remove what was left by processes that ended while they created a database that now exists."""
    for folder in path.parent.glob(f"{escape(_prefix(path))}*{_UNFINISHED}"):
        shutil.rmtree(folder, ignore_errors=True)


def create_log(path: Path) -> None:
    """Create the write-ahead log before DuckDB does, which would let others read it."""
    with suppress(FileExistsError):
        os.close(os.open(f"{path}.wal", os.O_CREAT | os.O_EXCL, 0o600))


def is_writable(path: Path) -> bool:
    """Return whether a database may be written: the file, and its log beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _prefix(path: Path) -> str:
    return f".{path.name}-"


def _publish(created: Path, path: Path) -> None:
    """Give a file its name, unless another process was faster."""
    try:
        os.link(created, path)
    except FileExistsError:
        return
    except OSError:
        # Not every file system has hard links.
        if not path.exists():
            created.rename(path)
