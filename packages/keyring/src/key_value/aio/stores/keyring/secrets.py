"""Texts of any length in a keyring that may limit them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import uuid4

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.keyring.driver import VANISHED, Keyring, PasswordDeleteError, usable_keyring


class Chunks(NamedTuple):
    """What stands at the name of a text that is too long: where its chunks are."""

    id: str
    size: int

    @classmethod
    def named_by(cls, text: str | None) -> "Chunks | None":
        """The chunks that a text names, or None where it is a text by itself."""
        found = None if text is None else re.fullmatch(r'\{"id": "([0-9a-f]{32})", "parts": (\d+)\}', text)
        return None if found is None else cls(found[1], int(found[2]))

    @property
    def text(self) -> str:
        """The text that names them; the 0.5 series takes it for a document that is broken."""
        return f'{{"id": "{self.id}", "parts": {self.size}}}'

    @property
    def names(self) -> Iterator[str]:
        """The names of the chunks; no entry has such a name, for none lies in a collection without one."""
        return (f"::{self.id}::{number}" for number in range(self.size))


class SecretStore:
    """The texts of one service.

    A text that is longer than the keyring allows is cut into chunks with names that are used only once. The
    name of the text leads to them, and is set when they are all there: so others find the old text or the new
    one, and no mixture. A process that ends while it writes leaves chunks that nobody will find.
    """

    def __init__(self, backend: Keyring, service: str, *, longest: int | None) -> None:
        """Say where to keep them.

        Args:
            backend: The keyring.
            service: The name of the service.
            longest: Characters that the keyring takes for one name; None for any number.
        """
        self._backend = backend
        self._service = service
        self._longest = longest

    def get(self, name: str) -> str | None:
        """Return the text of a name, or None where there is none.

        Raises:
            DeserializationError: A part of it is missing.
        """
        while chunks := Chunks.named_by(text := self._get(name)):
            found = [part for part in map(self._get, chunks.names) if part is not None]
            if len(found) == chunks.size:
                return "".join(found)
            if self._get(name) == text:
                raise DeserializationError(
                    message=f"{chunks.size - len(found)} of {chunks.size} chunks are missing"
                )
            # Somebody replaced it meanwhile.
        return text

    def set(self, name: str, text: str) -> None:
        """Store a text in place of any that has the name."""
        if self._longest is None:
            self._set(name, text)
            return
        replaced = self._chunks_of(name)
        new = None if len(text) <= self._longest else self._spread(text, self._longest)
        try:
            self._set(name, text if new is None else new.text)
        except Exception:
            self._forget(new)
            raise
        self._forget(replaced)

    def delete(self, name: str) -> None:
        """Remove the text of a name, where there is one."""
        chunks = self._chunks_of(name)
        self._remove(name)
        self._forget(chunks)

    def _chunks_of(self, name: str) -> Chunks | None:
        try:
            return Chunks.named_by(self._get(name))
        except DeserializationError:
            return None

    def _spread(self, text: str, longest: int) -> Chunks:
        starts = range(0, len(text), longest)
        chunks = Chunks(uuid4().hex, len(starts))
        try:
            for name, start in zip(chunks.names, starts, strict=True):
                self._set(name, text[start : start + longest])
        except Exception:
            self._forget(chunks)
            raise
        return chunks

    def _forget(self, chunks: Chunks | None) -> None:
        names: Iterable[str] = () if chunks is None else chunks.names
        for name in names:
            self._remove(name)

    def _get(self, name: str) -> str | None:
        try:
            try:
                return self._backend.get_password(self._service, name)
            except VANISHED:
                return self._backend.get_password(self._service, name)
        except UnicodeDecodeError as error:
            raise DeserializationError(message="It is not text") from error

    def _remove(self, name: str) -> None:
        """Remove what has a name, unless another does meanwhile."""
        try:
            self._backend.delete_password(self._service, name)
        except VANISHED:
            return
        except PasswordDeleteError:
            # It says the same of what is not there and of what may not be deleted.
            if self._get(name) is not None:
                raise

    def _set(self, name: str, text: str) -> None:
        self._backend.set_password(self._service, name, text)


def open_secrets(service: str, *, longest: int | None) -> SecretStore:
    """Return the secrets of a service in the keyring that is in use."""
    return SecretStore(usable_keyring(), service, longest=longest)
