"""How names and documents are written into the rows of a cache; pickles are never read."""

import hashlib
from typing import Any, Final, NamedTuple, Protocol

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.disk.value_files import ValueFiles

MODE_RAW: Final = 1
"""diskcache's mark of a value that is in the database as it is."""

MODE_TEXT: Final = 3
"""The mark of a text in a file."""

MODE_PICKLE: Final = 4
"""The mark of a value to unpickle."""


class Found(NamedTuple):
    """What is stored under a name."""

    text: str | DeserializationError
    """The document, or why it cannot be read."""
    expires: float | None
    """When it expires, in seconds since 1970."""

    @property
    def version(self) -> object:
        """The digest of the text; where it cannot be read, something that equals no version."""
        return self if isinstance(self.text, DeserializationError) else version_of(self.text)


def version_of(text: str) -> str:
    """Compute the version of a stored text."""
    return hashlib.sha256(text.encode()).hexdigest()


class Form(Protocol):
    """How a cache writes names and texts into its table."""

    is_ordered: bool
    """Whether the keys of the table are the names, in their order."""

    def key(self, name: str) -> str | bytes:
        """Encode a name as the key of a row."""
        ...

    def name(self, key: object) -> str | None:
        """Decode the key of a row; None where it is no name."""
        ...

    def store(self, text: str) -> tuple[int, int, str | None, object]:
        """Encode a text as the columns `size`, `mode`, `filename` and `value`."""
        ...

    def fetch(self, mode: object, filename: object, value: object) -> object:
        """Decode what `store` returned; what is no text is for the caller to refuse."""
        ...


class TextForm:
    """diskcache's own form: a name is a key, and a large text a file."""

    is_ordered = True

    def __init__(self, files: ValueFiles, large: int) -> None:
        """Choose what is large.

        Args:
            files: The files of large texts.
            large: Characters from which a text gets a file.
        """
        self._files = files
        self._large = large

    def key(self, name: str) -> str:
        """Return the name."""
        return name

    def name(self, key: object) -> str | None:
        """Return the key, if it is text."""
        return key if isinstance(key, str) else None

    def store(self, text: str) -> tuple[int, int, str | None, object]:
        """Write a large text into a file."""
        if len(text) < self._large:
            return 0, MODE_RAW, None, text
        data = text.encode()
        return len(data), MODE_TEXT, self._files.write(data), None

    def fetch(self, mode: object, filename: object, value: object) -> object:
        """Read a text."""
        if mode == MODE_TEXT:
            return self._files.read(filename).decode()
        return value if mode == MODE_RAW else None


class DiskForm:
    """The form of an application's own `diskcache.Disk`, which reads and writes its files itself."""

    is_ordered = False

    def __init__(self, files: ValueFiles, disk: Any) -> None:
        """Wrap a disk.

        Args:
            files: Checks the files that it reads.
            disk: Has `put`, `get`, `store` and `fetch` as diskcache documents them.
        """
        self._files = files
        self._disk = disk

    def key(self, name: str) -> str | bytes:
        """Have the disk encode a name."""
        key, _ = self._disk.put(name)
        return key if isinstance(key, str) else bytes(key)

    def name(self, key: object) -> str | None:
        """Have the disk decode a key."""
        name = self._disk.get(key, True)
        return name if isinstance(name, str) else None

    def store(self, text: str) -> tuple[int, int, str | None, object]:
        """Have the disk store a text."""
        stored = self._disk.store(text, False)
        self._files.keep(stored[2])
        return stored

    def fetch(self, mode: object, filename: object, value: object) -> object:
        """Have the disk read a text."""
        if filename is not None:
            self._files.check(filename)
        return self._disk.fetch(mode, filename, value, False)


def read_text(form: Form, mode: object, filename: object, value: object) -> str | DeserializationError:
    """Read the text of a row, or return why that cannot be done.

    Raises:
        FileNotFoundError: The file of the value is missing.
    """
    if mode == MODE_PICKLE:
        return DeserializationError(message="The value is a pickle, which is never read")
    try:
        text = form.fetch(mode, filename, value)
    except DeserializationError as error:
        return error
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  -- an application's disk may raise anything
        return DeserializationError(message=f"The value cannot be read: {error}")
    return text if isinstance(text, str) else DeserializationError(message="The value is not text")
