"""Creating a database that only its owner can access."""

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
    """Create an empty database atomically: DuckDB rejects a file that was only partly written."""
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
    """Remove files left by processes that ended while creating a database that now exists."""
    for folder in path.parent.glob(f"{escape(_prefix(path))}*{_UNFINISHED}"):
        shutil.rmtree(folder, ignore_errors=True)


def create_log(path: Path) -> None:
    """Create the write-ahead log before DuckDB does, because DuckDB would let others read it."""
    with suppress(FileExistsError):
        os.close(os.open(f"{path}.wal", os.O_CREAT | os.O_EXCL, 0o600))


def is_writable(path: Path) -> bool:
    """Return whether a database is writable, that is, both the file and its log."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _prefix(path: Path) -> str:
    return f".{path.name}-"


def _publish(created: Path, path: Path) -> None:
    """Rename a file to its final name, unless another process was faster."""
    try:
        os.link(created, path)
    except FileExistsError:
        return
    except OSError:
        # Some file systems have no hard links.
        if not path.exists():
            created.rename(path)
