"""Where the files of a store are."""

from pathlib import Path

from key_value.aio._utils.sanitization import SanitizationStrategy
from key_value.aio.stores.filetree.names import Names, default_strategies
from key_value.aio.stores.filetree.strategies import INFO_SUFFIX, SUFFIX


class Layout:
    """Entries in `{data}/{collection}/{key}.json`, collections in `{metadata}/{collection}-info.json`.

    Attributes:
        data: The directory that has one for each collection.
        metadata: The directory of the files that describe collections.
        keys: What keys are called.
        collections: What collections are called.
    """

    keys: Names
    collections: Names

    def __init__(
        self,
        data: Path,
        metadata: Path,
        keys: SanitizationStrategy | None,
        collections: SanitizationStrategy | None,
    ) -> None:
        """Say where the files are; `survey` must be called before any is asked for.

        Args:
            data: See above.
            metadata: See above.
            keys: What to make of keys; None leaves them as they are where the file system can hold them.
            collections: What to make of collections.
        """
        self.data = data
        self.metadata = metadata
        self._strategies = keys, collections

    def survey(self) -> None:
        """Learn what the file system can hold."""
        given_keys, given_collections = self._strategies
        keys, collections = default_strategies(self.data)
        # 0.5 took keys that its strategies keep for themselves: what generates keys at random relies on that.
        self.keys = Names(given_keys or keys, suffix=SUFFIX)
        self.collections = Names(given_collections or collections, refuses_reserved=True)

    def directory(self, collection: str) -> Path:
        """The directory of a collection."""
        return self.data / self.collections.file_name(collection)

    def info(self, directory: Path) -> Path:
        """The file that describes the collection of a directory."""
        return self.metadata / f"{directory.name}{INFO_SUFFIX}"

    def names_in_document(self, collection: str, key: str) -> tuple[str | None, str | None]:
        """The collection and key, each where its file or directory does not say it."""
        return (
            collection if self.collections.is_lost(collection) else None,
            key if self.keys.is_lost(key) else None,
        )
