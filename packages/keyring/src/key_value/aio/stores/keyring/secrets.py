"""Texts of any length in a keyring that may limit their length."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import uuid4

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.keyring.driver import VANISHED, Keyring, PasswordDeleteError, usable_keyring


class Chunks(NamedTuple):
    """A reference to the chunks of a long text, stored under its name."""

    id: str
    size: int

    @classmethod
    def named_by(cls, text: str | None) -> "Chunks | None":
        """Return the chunks that a text refers to, or None if it is an ordinary text."""
        found = None if text is None else re.fullmatch(r'\{"id": "([0-9a-f]{32})", "parts": (\d+)\}', text)
        return None if found is None else cls(found[1], int(found[2]))

    @property
    def text(self) -> str:
        """The text that refers to the chunks; the 0.5 series treats it as a corrupt document."""
        return f'{{"id": "{self.id}", "parts": {self.size}}}'

    @property
    def names(self) -> Iterator[str]:
        """The names of the chunks; no entry has such a name, because every entry has a collection."""
        return (f"::{self.id}::{number}" for number in range(self.size))


class SecretStore:
    """The texts of one service.

    A text that is longer than the keyring allows is split into chunks with unique names. A reference to them
    is stored under the name of the text once all chunks are written. Therefore readers see either the old
    text or the new one, never a mixture. A process that ends while it writes leaves chunks that are never
    found.
    """

    def __init__(self, backend: Keyring, service: str, *, longest: int | None) -> None:
        """Initialize with a keyring and a service.

        Args:
            backend: The keyring.
            service: Service name.
            longest: Maximum number of characters per name; None sets no limit.
        """
        self._backend = backend
        self._service = service
        self._longest = longest

    def get(self, name: str) -> str | None:
        """Return the text of a name; None if it is missing.

        Raises:
            DeserializationError: A chunk of the text is missing.
        """
        while chunks := Chunks.named_by(text := self._get(name)):
            found = [part for part in map(self._get, chunks.names) if part is not None]
            if len(found) == chunks.size:
                return "".join(found)
            if self._get(name) == text:
                raise DeserializationError(
                    message=f"{chunks.size - len(found)} of {chunks.size} chunks are missing"
                )
            # The text was replaced in the meantime.
        return text

    def set(self, name: str, text: str) -> None:
        """Store or replace the text of a name."""
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
        """Remove the text of a name, if there is one."""
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
            raise DeserializationError(message="The password is not text") from error

    def _remove(self, name: str) -> None:
        """Remove an item, unless it is removed by another process in the meantime."""
        try:
            self._backend.delete_password(self._service, name)
        except VANISHED:
            return
        except PasswordDeleteError:
            # The error is the same for a missing item and for one that may not be deleted.
            if self._get(name) is not None:
                raise

    def _set(self, name: str, text: str) -> None:
        self._backend.set_password(self._service, name, text)


def open_secrets(service: str, *, longest: int | None) -> SecretStore:
    """Return the secrets of a service in the current keyring."""
    return SecretStore(usable_keyring(), service, longest=longest)
