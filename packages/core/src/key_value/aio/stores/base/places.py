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

    Attributes:
        collection: Its collection.
        key: Its key.
        here: Its place.
        former: The place that the 0.5 series gave it, where that is another; others may share it.
    """

    collection: str
    key: str
    here: PlaceT
    former: PlaceT | None

    def read(self, texts: Texts[PlaceT]) -> str | None:
        """What is stored for it."""
        text = texts.get(self.here)
        return self._read_former(texts) if text is None else text

    def write(self, texts: Texts[PlaceT], text: str) -> None:
        """Store it."""
        texts.set(self.here, text)
        self._delete_former(texts)

    def delete(self, texts: Texts[PlaceT]) -> bool:
        """Remove it; True where there was one that had not expired, or that cannot be read."""
        try:
            text = self.read(texts)
        except DeserializationError:
            living = True
        else:
            living = text is not None and is_living(text.encode(errors="replace"))
        texts.delete(self.here)
        self._delete_former(texts)
        return living

    def _read_former(self, texts: Texts[PlaceT]) -> str | None:
        text = None if self.former is None else texts.get(self.former)
        if text is None:
            return None
        head = read_head(text.encode(errors="replace"))
        return text if (head.collection, head.key) == (self.collection, self.key) else None

    def _delete_former(self, texts: Texts[PlaceT]) -> None:
        if self.former is None:
            return
        try:
            found = self._read_former(texts) is not None
        except DeserializationError:
            found = True
        if found:
            texts.delete(self.former)
