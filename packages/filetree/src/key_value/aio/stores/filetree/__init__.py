"""The store in a tree of files: `FileTreeStore`, and the names that the 0.5 series offered for its files."""

from key_value.aio.stores.filetree.names import (
    FileTreeV1CollectionSanitizationStrategy,
    FileTreeV1KeySanitizationStrategy,
)
from key_value.aio.stores.filetree.store import FileTreeStore

__all__ = [
    "FileTreeStore",
    "FileTreeV1CollectionSanitizationStrategy",
    "FileTreeV1KeySanitizationStrategy",
]
