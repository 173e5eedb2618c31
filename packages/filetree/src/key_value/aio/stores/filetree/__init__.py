"""A store in FileTree."""

from key_value.aio.stores.filetree.store import FileTreeStore

__all__ = ["FileTreeStore"]
