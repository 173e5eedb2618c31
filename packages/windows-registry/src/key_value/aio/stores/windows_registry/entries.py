"""The entries among all that is below a key of the registry."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from key_value.aio.errors import DeserializationError, InvalidKeyError
from key_value.aio.stores.base.documents import is_living, read_head
from key_value.aio.stores.base.places import Entry
from key_value.aio.stores.windows_registry.names import Place
from key_value.aio.stores.windows_registry.registry import Registry


class Found(NamedTuple):
    """A text that is the document of an entry."""

    place: Place
    collection: str
    key: str
    text: str

    @property
    def is_living(self) -> bool:
        """Whether the entry has not expired."""
        return is_living(self.text.encode(errors="replace"))


def find(
    registry: Registry, subkeys: Iterable[str], entry_of: Callable[[str, str], Entry[Place]]
) -> Iterator[Found]:
    """Yield the entries in some subkeys: texts that name the collection and key whose place they are at."""
    for subkey in subkeys:
        for place, text in registry.texts(subkey):
            try:
                head = read_head(text.encode(errors="replace"))
                if head.collection is None or head.key is None:
                    continue
                entry = entry_of(head.collection, head.key)
            except (DeserializationError, InvalidKeyError):
                continue
            if any(_is_same(place, its) for its in (entry.here, entry.former)):
                yield Found(place, head.collection, head.key, text)


def remove(registry: Registry, entries: Iterable[Found]) -> bool:
    """Remove entries, and subkeys that are empty then; True where there were any."""
    subkeys: set[str] = set()
    for found in entries:
        registry.delete(found.place)
        subkeys.add(found.place.subkey)
    for subkey in subkeys:
        registry.prune(subkey)
    return bool(subkeys)


def cull(registry: Registry, entries: Iterable[Found]) -> None:
    """Remove those of the entries that have expired, unless they were replaced meanwhile."""
    for found in entries:
        if not found.is_living and registry.get(found.place) == found.text:
            registry.delete(found.place)


def _is_same(place: Place, other: Place | None) -> bool:
    """Whether two places are one in the registry, which keeps the case of names but pays no regard to it."""
    return other is not None and [part.upper() for part in place] == [part.upper() for part in other]
