"""What a database holds at addresses: bytes, or what was not stored here."""

from collections.abc import Sequence
from typing import cast

from key_value.aio.stores.base.documents import is_living
from key_value.aio.stores.rocksdb.driver import Rdict


def blob(value: object) -> bytes | None:
    """A value as bytes; none where it was not stored here, as it then is no document."""
    return value if value is None or isinstance(value, bytes) else b""


def blobs(rdict: Rdict, places: Sequence[str]) -> list[bytes | None]:
    """What is stored at several addresses."""
    values = cast("list[object]", rdict.get([*places]))
    return [blob(value) for value in values]


def lives(data: bytes | None) -> bool:
    """Whether there is an entry that has not expired."""
    return data is not None and is_living(data)
