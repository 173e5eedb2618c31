"""Bytes at the addresses of a database: each function is one read, or one change, of `Engine`."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import cast

from rocksdict import Rdict, WriteBatch, WriteOptions


def get(rdict: Rdict, address: str) -> bytes | None:
    """Read what is at an address; empty where that was not stored here, which is no document."""
    return _bytes(rdict.get(address))


def get_many(rdict: Rdict, addresses: Sequence[str]) -> list[bytes | None]:
    """Read what is at several addresses."""
    return [_bytes(value) for value in cast("list[object]", rdict.get([*addresses]))]


def put(rdict: Rdict, options: WriteOptions | None, address: str, data: bytes) -> None:
    """Write bytes in place of any."""
    rdict.put(address, data, options)


def put_many(rdict: Rdict, options: WriteOptions | None, entries: Iterable[tuple[str, bytes]]) -> None:
    """Write bytes at several addresses, all or none."""
    batch = WriteBatch()
    for address, data in entries:
        batch.put(address, data)
    rdict.write(batch, options)


def put_if(
    rdict: Rdict, options: WriteOptions | None, address: str, data: bytes, version: str | None
) -> bool:
    """Write bytes if what is there has a version, or if there is nothing and the version is None."""
    if _version(rdict, address) != version:
        return False
    rdict.put(address, data, options)
    return True


def remove(rdict: Rdict, options: WriteOptions | None, addresses: Sequence[str]) -> int:
    """Remove what is at addresses, and return how much there was."""
    there = {
        address
        for address, data in zip(addresses, get_many(rdict, addresses), strict=True)
        if data is not None
    }
    if there:
        batch = WriteBatch()
        for address in there:
            batch.delete(address)
        rdict.write(batch, options)
    return len(there)


def remove_if(rdict: Rdict, options: WriteOptions | None, address: str, version: str) -> bool:
    """Remove what is at an address if it has a version."""
    if _version(rdict, address) != version:
        return False
    rdict.delete(address, options)
    return True


def take(rdict: Rdict, options: WriteOptions | None, address: str) -> bytes | None:
    """Remove what is at an address, and return it."""
    data = get(rdict, address)
    if data is not None:
        rdict.delete(address, options)
    return data


def page(rdict: Rdict, prefix: str, cursor: str | None, limit: int) -> tuple[list[str], str | None]:
    """List addresses in their order.

    Args:
        rdict: The database.
        prefix: What the addresses start with.
        cursor: The address after which to begin; None for the first.
        limit: Addresses to return.

    Returns:
        The addresses, and the cursor of what follows; None at the end.
    """
    found: list[str] = []
    iterator = rdict.iter()
    iterator.seek(prefix if cursor is None else max(prefix, cursor))
    while len(found) < limit:
        if not iterator.valid():
            iterator.status()
            return found, None
        address = iterator.key()
        # All keys that are text are neighbours.
        if not isinstance(address, str) or not address.startswith(prefix):
            return found, None
        if address != cursor:
            found.append(address)
        iterator.next()
    return found, found[-1] if found else None


def version_of(data: bytes) -> str:
    """Compute the version of what is at an address."""
    return sha256(data).hexdigest()


def _bytes(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else b""


def _version(rdict: Rdict, address: str) -> str | None:
    data = get(rdict, address)
    return None if data is None else version_of(data)
