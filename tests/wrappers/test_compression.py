import base64
import gzip
import json
import sys
import zlib
from typing import Any

import pytest

from key_value.aio.errors import DeserializationError, EntryTooLargeError, SerializationError
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.compression import CompressionWrapper
from tests.published import Publish

LONG = {"text": "to be or not to be " * 200, "z": 1, "a": None}

OF_0_5 = """
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.compression import CompressionWrapper

inner = MemoryStore()
wrapper = CompressionWrapper(inner)


class Exchange:
    async def write(self, value):
        await wrapper.put("k", value)
        return await inner.get("k")

    async def read(self, stored):
        await inner.put("k", stored)
        return await wrapper.get("k")


store = Exchange()
"""


async def stored(value: dict[str, Any], **options: Any) -> dict[str, Any]:
    inner = MemoryStore()
    await CompressionWrapper(inner, **options).put("k", value)
    found = await inner.get("k")
    assert found is not None
    return found


async def read(raw: dict[str, Any], **options: Any) -> dict[str, Any] | None:
    inner = MemoryStore()
    await inner.put("k", raw, collection="c")
    return await CompressionWrapper(inner, **options).get("k", collection="c")


async def test_stores_the_form_of_the_0_5_series() -> None:
    raw = await stored(LONG)
    assert raw.keys() == {"__compressed_data__", "__compression_version__", "__compression_algorithm__"}
    assert (raw["__compression_version__"], raw["__compression_algorithm__"]) == (1, "gzip")
    text = gzip.decompress(base64.b64decode(raw["__compressed_data__"])).decode()
    assert text == json.dumps(LONG, separators=(",", ":"))
    assert raw == await stored(LONG)


async def test_keeps_the_order_of_fields() -> None:
    inner = MemoryStore()
    store = CompressionWrapper(inner)
    await store.put("k", LONG)
    found = await store.get("k")
    assert found is not None
    assert list(found) == list(LONG)


def test_exchanges_with_the_published_library(published: Publish) -> None:
    library = published("memory")
    raw, same = library.run(OF_0_5, ("write", {"value": LONG}), ("read", {"stored": _packed(LONG)}))
    assert raw.keys() == _packed(LONG).keys()
    assert same == LONG


async def test_reads_what_the_published_library_wrote(published: Publish) -> None:
    [raw] = published("memory").run(OF_0_5, ("write", {"value": LONG}))
    assert await read(raw) == LONG


@pytest.mark.parametrize("size", [0, 50, 1014])
async def test_leaves_small_values_alone(size: int) -> None:
    assert await stored({"a": "x" * size}) == {"a": "x" * size}


async def test_leaves_alone_what_would_grow() -> None:
    noise = {"a": base64.b85encode(zlib.compress(bytes(range(256)) * 4)).decode()}
    assert await stored(noise, min_size_to_compress=0) == noise
    assert await stored({"a": 1}, min_size_to_compress=0) == {"a": 1}


@pytest.mark.parametrize(
    "value",
    [
        {"__compressed_data__": "mine"},
        {"__compressed_data__": "H4sIAKvpA2sE/6tWSlKyUqogGSjpKCUqWRnWAgCfjw3rQAAAAA=="},
        {"__compressed_data__": "x", "__compression_version__": 1, "__compression_algorithm__": "gzip"},
        {"__compressed_data__": 1, "__compression_version__": [], "__compression_algorithm__": {}},
    ],
)
async def test_a_users_own_fields_survive(value: dict[str, Any]) -> None:
    store = CompressionWrapper(MemoryStore())
    await store.put("k", value)
    assert await store.get("k") == value


@pytest.mark.parametrize(
    "raw",
    [
        {"__compressed_data__": "!", "__compression_version__": 1, "__compression_algorithm__": "gzip"},
        {"__compressed_data__": 1, "__compression_version__": 1, "__compression_algorithm__": "gzip"},
        {"__compressed_data__": "aGk=", "__compression_version__": 1, "__compression_algorithm__": "gzip"},
        {"__compressed_data__": "aGk=", "__compression_version__": 1, "__compression_algorithm__": "zstd"},
        {"__compressed_data__": "", "__compression_version__": 1, "__compression_algorithm__": "gzip"},
        {"__compressed_data__": "aGk=", "__compression_version__": 1, "__compression_algorithm__": "lzma"},
        {"__compressed_data__": "aGk=", "__compression_version__": 1, "__compression_algorithm__": []},
    ],
)
async def test_what_is_corrupt_is_an_error(raw: dict[str, Any]) -> None:
    with pytest.raises(DeserializationError, match=r"collection: c;key: k"):
        await read(raw)


async def test_what_is_cut_off_or_no_object_is_an_error() -> None:
    whole = _packed(LONG)
    data = base64.b64decode(whole["__compressed_data__"])
    with pytest.raises(DeserializationError, match="truncated"):
        await read({**whole, "__compressed_data__": base64.b64encode(data[:-9]).decode()})
    with pytest.raises(DeserializationError, match="not a Mapping"):
        await read(_packed([1]))


@pytest.mark.parametrize("algorithm", ["gzip", "zstd"])
async def test_what_follows_the_compressed_value_is_an_error(algorithm: str) -> None:
    whole = await stored(LONG, algorithm=algorithm)
    data = base64.b64decode(whole["__compressed_data__"])
    with pytest.raises(DeserializationError, match="other data follows it"):
        await read({**whole, "__compressed_data__": base64.b64encode(data + b"more").decode()})


@pytest.mark.parametrize("algorithm", ["gzip", "zstd"])
async def test_a_small_value_cannot_take_all_memory(algorithm: str) -> None:
    bomb = await stored({"a": "x" * 5_000_000}, algorithm=algorithm)
    assert len(bomb["__compressed_data__"]) < 100_000
    with pytest.raises(DeserializationError, match="more than 1000000 bytes"):
        await read(bomb, max_decompressed_size=1_000_000)


async def test_reads_either_algorithm() -> None:
    inner = MemoryStore()
    await CompressionWrapper(inner, algorithm="zstd").put("z", LONG)
    await CompressionWrapper(inner).put("g", LONG)
    assert await CompressionWrapper(inner).get_many(["z", "g"]) == [LONG, LONG]
    raw = await inner.get("z")
    assert raw is not None
    assert raw["__compression_algorithm__"] == "zstd"


async def test_refuses_what_is_not_json() -> None:
    with pytest.raises(SerializationError):
        await stored({"a": {1}})


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="'gzip' or 'zstd', not 'lzma'"):
        CompressionWrapper(MemoryStore(), algorithm="lzma")  # pyright: ignore[reportArgumentType] -- invalid on purpose


def test_a_missing_zstd_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from key_value.aio.wrappers.compression.codecs import zstd  # noqa: PLC0415 -- next to the code that it undoes

    zstd.cache_clear()
    monkeypatch.setitem(
        sys.modules, "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", None
    )
    with pytest.raises(ImportError, match=r"pip install 'py-key-value-aio\[zstd\]'"):
        CompressionWrapper(MemoryStore(), algorithm="zstd")


def _packed(value: Any) -> dict[str, Any]:
    data = base64.b64encode(gzip.compress(json.dumps(value).encode())).decode()
    return {"__compressed_data__": data, "__compression_version__": 1, "__compression_algorithm__": "gzip"}


async def test_what_could_not_be_read_is_refused() -> None:
    store = CompressionWrapper(MemoryStore(), min_size_to_compress=10, max_decompressed_size=1000)
    await store.put("k", {"a": 1})
    with pytest.raises(EntryTooLargeError, match="max_size: 1000"):
        await store.put("k", {"a": "x" * 1000})
    assert await store.get("k") == {"a": 1}
    value = {"a": "x" * (1000 - len('{"a":""}'))}
    await store.put("k", value)
    assert await store.get("k") == value
