"""A wrapper that compresses values."""

import base64
import binascii
from collections.abc import Mapping
from functools import partial
from typing import Any

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio._utils.json_codec import dumps_compact
from key_value.aio._utils.managed_entry import estimate_serialized_size, load_from_json
from key_value.aio.errors import DeserializationError, EntryTooLargeError, ExtraInfoType
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import Translator
from key_value.aio.wrappers.base.threads import run_in_thread_if_large
from key_value.aio.wrappers.compression.codecs import CODECS, Algorithm, Codec, zstd

DATA = "__compressed_data__"
VERSION = "__compression_version__"
ALGORITHM = "__compression_algorithm__"

MARKS = {DATA, VERSION, ALGORITHM}
"""Fields of a compressed value; a stored value with exactly these fields is one."""

MAX_DECOMPRESSED_SIZE = 256 * 1024 * 1024


class CompressionWrapper(Translator):
    """A wrapper that compresses values that reach a minimum size, and reads both compressed and plain values.

    A value that compression would not shrink is stored unchanged. Values compressed with either algorithm can
    be read, whichever is chosen. Large values are compressed in a thread.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        min_size_to_compress: int = 1024,
        *,
        algorithm: Algorithm = "gzip",
        max_decompressed_size: int = MAX_DECOMPRESSED_SIZE,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            min_size_to_compress: Minimum size of a value to compress, in bytes of JSON.
            algorithm: `gzip`, as in the 0.5 series, or `zstd`, which is faster, compresses better, and needs
                Python 3.14 or the extra `zstd`.
            max_decompressed_size: Maximum size of a compressed value, in bytes of JSON, so that a small
                stored value cannot exhaust memory; a larger value is rejected with `EntryTooLargeError`.

        Raises:
            ValueError: `algorithm` is neither.
            ImportError: zstd is not installed.
        """
        if algorithm not in CODECS:
            raise ValueError(f"algorithm must be 'gzip' or 'zstd', not {algorithm!r}")
        if algorithm == "zstd":
            zstd()
        super().__init__(key_value)
        self.min_size_to_compress = min_size_to_compress
        self.algorithm: Algorithm = algorithm
        self.max_decompressed_size = max_decompressed_size

    @override
    async def _encode_value(
        self, value: Mapping[str, Any], *, collection: str | None, key: str
    ) -> Mapping[str, Any]:
        looks_compressed = _is_compressed(value)
        if not looks_compressed and estimate_serialized_size(value) < self.min_size_to_compress:
            return value
        text = dumps_compact(dict(value))
        packed = base64.b64encode(
            await run_in_thread_if_large(CODECS[self.algorithm].compress, text.encode())
        ).decode()
        stored = {DATA: packed, VERSION: 1, ALGORITHM: self.algorithm}
        if len(dumps_compact(stored)) >= len(text) and not looks_compressed:
            return value
        if len(text) > self.max_decompressed_size:
            raise EntryTooLargeError(
                size=len(text), max_size=self.max_decompressed_size, collection=collection, key=key
            )
        return stored

    @override
    async def _decode_value(
        self, value: dict[str, Any], *, collection: str | None, key: str
    ) -> dict[str, Any] | None:
        if not _is_compressed(value):
            return value
        try:
            return await self._unpack(value)
        except DeserializationError as error:
            address: ExtraInfoType = {"collection": collection, "key": key}
            raise DeserializationError(error.message, address) from error

    async def _unpack(self, value: Mapping[str, Any]) -> dict[str, Any]:
        codec: Codec | None = CODECS.get(str(value[ALGORITHM]))
        if codec is None:
            raise DeserializationError(f"The compression algorithm {value[ALGORITHM]!r} is not known")
        try:
            packed = base64.b64decode(value[DATA], validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise DeserializationError(f"A compressed value is not base64: {error}") from error
        decompress = partial(codec.decompress, limit=self.max_decompressed_size)
        return load_from_json(await run_in_thread_if_large(decompress, packed))


def _is_compressed(value: Mapping[str, Any]) -> bool:
    return DATA in value and set(value) == MARKS
