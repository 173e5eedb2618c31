"""What a tree of files holds: its keys and collections, what has expired, and the removal of all of it."""

from collections.abc import Generator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base.documents import Head
from key_value.aio.stores.filetree import reading
from key_value.aio.stores.filetree.strategies import INFO_SUFFIX
from key_value.aio.stores.filetree.tree import Tree


def list_keys(tree: Tree, collection: str, limit: int | None) -> list[str]:
    """The keys of a collection that have not expired."""
    return list(islice(_keys(tree, collection), limit))


def list_collections(tree: Tree, limit: int | None) -> list[str]:
    """The collections that have an entry that has not expired."""
    living = (
        collection
        for collection, directory in _collections(tree)
        if any(head.is_living for _, head in _entries(tree, directory))
    )
    return list(islice(living, limit))


def cull(tree: Tree) -> None:
    """Remove the entries that have expired."""
    for _, directory in _collections(tree):
        for path, head in _entries(tree, directory):
            if not head.is_living:
                tree.remove_expired(path)


def destroy_collection(tree: Tree, collection: str) -> bool:
    """Remove a collection; True where there was an entry to remove."""
    directory = tree.layout.directory(collection)
    if reading.read_collection(tree.layout.info(directory)) != collection:
        return False
    return _destroy(tree, directory)


def destroy(tree: Tree) -> bool:
    """Remove every collection."""
    for _, directory in _collections(tree):
        _destroy(tree, directory)
    return True


def _destroy(tree: Tree, directory: Path) -> bool:
    inside = reading.inside(directory, tree.layout.data)
    removed = sum(reading.remove(inside / file) for file in reading.entry_files(inside))
    tree.remove_collection(directory)
    return removed > 0


def _keys(tree: Tree, collection: str) -> Generator[str]:
    for path, head in _entries(tree, tree.directory(collection)):
        key = tree.layout.keys.original(path.name) if head.key is None else head.key
        if key is not None and head.is_living and tree.layout.keys.is_named(path.name, key):
            yield key


def _entries(tree: Tree, directory: Path) -> Generator[tuple[Path, Head]]:
    for file in reading.entry_files(directory):
        path = directory / file
        try:
            head = reading.head(reading.inside(path, tree.layout.data))
        except PathSecurityError:
            head = reading.UNKNOWN
        if head is not None:
            yield path, head


def _collections(tree: Tree) -> Generator[tuple[str, Path]]:
    """The collections that are named as this store names them, each with its directory."""
    for info in _infos(tree.layout.metadata):
        directory = tree.layout.data / info.name.removesuffix(INFO_SUFFIX)
        names = tree.layout.collections
        collection = reading.read_collection(info) or names.original(directory.name)
        if collection is not None and names.is_named(directory.name, collection):
            with suppress(PathSecurityError):
                reading.inside(directory, tree.layout.data)
                yield collection, directory


def _infos(metadata: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in metadata.iterdir() if path.name.endswith(INFO_SUFFIX)]
    return []
