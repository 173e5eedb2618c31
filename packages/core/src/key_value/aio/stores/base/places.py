"""Documents that are kept elsewhere than the 0.5 series kept them, and are found there too."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.documents import is_living, read_head

PlaceT = TypeVar("PlaceT")
PlaceT_contra = TypeVar("PlaceT_contra", contravariant=True)


class Texts(Protocol[PlaceT_contra]):
    """A backend that keeps a text at each place."""

    def get(self, place: PlaceT_contra, /) -> str | None:
        """The text at a place, or None.

        Raises:
            DeserializationError: There is something, but no text.
        """
        ...

    def set(self, place: PlaceT_contra, text: str, /) -> None:
        """Keep a text, in place of any that is there."""
        ...

    def delete(self, place: PlaceT_contra, /) -> None:
        """Remove what is at a place, where there is anything."""
        ...


@dataclass(frozen=True)
class Entry(Generic[PlaceT]):
    """Where one entry is.

    A document that names another entry is not taken for this one: the 0.5 series kept some at one place.

    Attributes:
        collection: Its collection.
        key: Its key.
        here: Its place.
        former: The place that the 0.5 series gave it, where that is another.
    """

    collection: str
    key: str
    here: PlaceT
    former: PlaceT | None

    def read(self, texts: Texts[PlaceT]) -> str | None:
        """What is stored for it."""
        text = self._own(texts, self.here)
        return self._own(texts, self.former) if text is None else text

    def write(self, texts: Texts[PlaceT], text: str) -> None:
        """Store it."""
        texts.set(self.here, text)
        self._take(texts, self.former)

    def delete(self, texts: Texts[PlaceT]) -> bool:
        """Remove it; True where there was one that had not expired, or that cannot be read."""
        removed = [self._take(texts, place) for place in (self.here, self.former)]
        text = next((text for text in removed if text is not None), None)
        return text is not None and is_living(_bytes(text))

    def _take(self, texts: Texts[PlaceT], place: PlaceT | None) -> str | None:
        """Remove what a place holds for this entry, and return it."""
        try:
            text = self._own(texts, place)
        except DeserializationError:
            text = ""
        if place is not None and text is not None:
            texts.delete(place)
        return text

    def _own(self, texts: Texts[PlaceT], place: PlaceT | None) -> str | None:
        """What a place holds, unless that is another entry."""
        text = None if place is None else texts.get(place)
        if text is None:
            return None
        try:
            collection, key, _ = read_head(_bytes(text))
        except DeserializationError:
            return text
        return text if collection in (None, self.collection) and key in (None, self.key) else None


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
