"""Compression algorithms for values."""

import gzip
import sys
import zlib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Literal, Protocol, cast

from key_value.aio.errors import DeserializationError

Algorithm = Literal["gzip", "zstd"]

_GZIP = zlib.MAX_WBITS | 16


class Codec(Protocol):
    """A compression algorithm."""

    def compress(self, data: bytes) -> bytes:
        """Compress bytes."""
        ...

    def decompress(self, data: bytes, *, limit: int) -> bytes:
        """Decompress bytes.

        Raises:
            DeserializationError: The data is truncated, or would decompress to more than `limit` bytes.
        """
        ...


class Gzip:
    """Gzip at its fastest level, as in the 0.5 series; without a time, so equal values have equal bytes."""

    def compress(self, data: bytes) -> bytes:
        """Compress bytes."""
        return gzip.compress(data, compresslevel=1, mtime=0)

    def decompress(self, data: bytes, *, limit: int) -> bytes:
        """Decompress bytes."""
        unpacking = zlib.decompressobj(_GZIP)
        try:
            unpacked = unpacking.decompress(data, limit + 1)
        except zlib.error as error:
            raise _corrupt(error) from error
        return _checked(unpacked, limit, unpacking)


class Zstd:
    """Zstandard at its default level."""

    def compress(self, data: bytes) -> bytes:
        """Compress bytes."""
        return zstd().compress(data)

    def decompress(self, data: bytes, *, limit: int) -> bytes:
        """Decompress bytes."""
        unpacking = zstd().ZstdDecompressor()
        try:
            unpacked = unpacking.decompress(data, limit + 1)
        except (EOFError, zstd().ZstdError) as error:
            raise _corrupt(error) from error
        return _checked(unpacked, limit, unpacking)


class _Unpacking(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


class _Decompressor(_Unpacking, Protocol):
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _ZstdModule(Protocol):
    """The part of `compression.zstd` that is used here."""

    ZstdError: type[Exception]

    def compress(self, data: bytes) -> bytes: ...

    def ZstdDecompressor(self) -> _Decompressor: ...  # noqa: N802  -- its name there


@cache
def zstd() -> _ZstdModule:
    """Import the Zstandard module of Python, or its backport.

    Raises:
        ImportError: Neither is installed.
    """
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return cast("_ZstdModule", import_module(name))
    except ImportError as error:
        message = "zstd needs Python 3.14 or backports.zstd: pip install 'py-key-value-aio[zstd]'"
        raise ImportError(message) from error


def _checked(unpacked: bytes, limit: int, unpacking: _Unpacking) -> bytes:
    if len(unpacked) > limit:
        raise DeserializationError(f"A compressed value expands to more than {limit} bytes of JSON")
    if not unpacking.eof:
        raise _corrupt("it is truncated")
    if unpacking.unused_data:
        raise _corrupt("other data follows it")
    return unpacked


def _corrupt(reason: object) -> DeserializationError:
    return DeserializationError(f"A compressed value cannot be decompressed: {reason}")


CODECS: Mapping[str, Codec] = {"gzip": Gzip(), "zstd": Zstd()}
