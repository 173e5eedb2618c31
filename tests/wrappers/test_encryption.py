import asyncio
import base64
import json
import subprocess
import sys
import threading
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet

from key_value.aio.errors import (
    CorruptedDataError,
    DecryptionError,
    EncryptionError,
    EncryptionVersionError,
    SerializationError,
)
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.encryption import (
    AESGCMEncryptionWrapper,
    BaseEncryptionWrapper,
    DerivedKey,
    FernetEncryptionWrapper,
)
from key_value.aio.wrappers.encryption.passphrase import derive
from tests.published import Publish
from tests.wrappers.able import able

KEY = b"k" * 32
FERNET = Fernet(base64.urlsafe_b64encode(KEY))
VALUE = {"secret": "s3cr3t", "é": [1, None]}

OF_0_5 = """
from cryptography.fernet import Fernet
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.encryption import FernetEncryptionWrapper

inner = MemoryStore()
wrapper = FernetEncryptionWrapper(inner, fernet=Fernet(KEY))


class Exchange:
    async def write(self, value):
        await wrapper.put("k", value)
        return await inner.get("k")

    async def read(self, stored):
        await inner.put("k", stored)
        return await wrapper.get("k")


store = Exchange()
""".replace("KEY", repr(base64.urlsafe_b64encode(KEY)))


def fernet(inner: MemoryStore, **options: Any) -> FernetEncryptionWrapper:
    return FernetEncryptionWrapper(inner, fernet=FERNET, **options)


def aes(inner: MemoryStore, **options: Any) -> AESGCMEncryptionWrapper:
    return AESGCMEncryptionWrapper(inner, KEY, **options)


both = pytest.mark.parametrize("wrap", [fernet, aes])


async def raw_of(inner: MemoryStore, key: str = "k") -> dict[str, Any]:
    raw = await inner.get(key, collection="c")
    assert raw is not None
    return raw


@both
async def test_nothing_of_a_value_is_stored_in_plain(wrap: Any) -> None:
    inner = MemoryStore()
    await wrap(inner).put("k", VALUE, collection="c")
    assert "s3cr3t" not in json.dumps(await raw_of(inner))
    assert await wrap(inner).get("k", collection="c") == VALUE


@both
async def test_plaintext_is_refused_unless_it_is_allowed(wrap: Any) -> None:
    inner = MemoryStore()
    await inner.put("k", VALUE, collection="c")
    with pytest.raises(DecryptionError, match=r"not encrypted.*collection: c;key: k"):
        await wrap(inner).get("k", collection="c")
    assert await wrap(inner, raise_on_decryption_error=False).get("k", collection="c") is None
    assert await wrap(inner, allow_plaintext=True).get("k", collection="c") == VALUE


@both
async def test_a_value_of_another_key_is_an_error_or_missing(wrap: Any) -> None:
    inner = MemoryStore()
    await FernetEncryptionWrapper(inner, fernet=Fernet(Fernet.generate_key())).put("f", VALUE)
    await AESGCMEncryptionWrapper(inner, b"o" * 32).put("a", VALUE, ttl=100)
    for key in ("f", "a"):
        with pytest.raises(DecryptionError):
            await wrap(inner).get(key)
    suppressing = wrap(inner, raise_on_decryption_error=False)
    assert await suppressing.get_many(["f", "a"]) == [None, None]
    assert await suppressing.ttl("a") == (None, None)
    assert await suppressing.ttl_many(["a"]) == [(None, None)]


@both
async def test_pop_leaves_what_it_cannot_decrypt(wrap: Any) -> None:
    inner = MemoryStore()
    other = AESGCMEncryptionWrapper(inner, b"o" * 32)
    await other.put("k", VALUE, ttl=100)
    with pytest.raises(DecryptionError):
        await able(wrap(inner)).pop("k")
    assert await able(wrap(inner, raise_on_decryption_error=False)).pop("k") is None
    assert await able(other).pop("k") == VALUE
    assert await able(other).pop("k") is None


@pytest.mark.parametrize("key", ["k" * 32, None, bytearray(32), memoryview(KEY)])
def test_a_key_of_another_type_is_refused(key: Any) -> None:
    every: list[dict[str, Any]] = [{"key": key}, {"key": KEY, "key_id": "2", "old_keys": {"1": key}}]
    for options in every:
        with pytest.raises(TypeError, match=f"must be bytes or a DerivedKey, not {type(key).__name__}"):
            AESGCMEncryptionWrapper(MemoryStore(), **options)


@both
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"__encryption_version__": None}, "to be an int"),
        ({"__encryption_version__": True}, "to be an int"),
        ({"__encryption_version__": "1"}, "to be an int"),
        ({"__encrypted_data__": 1}, "to be a str"),
        ({"__encrypted_data__": "?"}, "base64"),
    ],
)
async def test_what_is_not_in_its_form_is_corrupt(wrap: Any, change: dict[str, Any], expected: str) -> None:
    inner = MemoryStore()
    await wrap(inner).put("k", VALUE, collection="c")
    await inner.put("k", {**await raw_of(inner), **change}, collection="c")
    with pytest.raises(CorruptedDataError, match=expected):
        await wrap(inner).get("k", collection="c")


@both
async def test_a_missing_version_is_corrupt(wrap: Any) -> None:
    inner = MemoryStore()
    await inner.put("k", {"__encrypted_data__": ""})
    with pytest.raises(CorruptedDataError, match="missing encryption version key"):
        await wrap(inner).get("k")


@both
async def test_a_newer_version_says_so(wrap: Any) -> None:
    inner = MemoryStore()
    await wrap(inner).put("k", VALUE, collection="c")
    await inner.put("k", {**await raw_of(inner), "__encryption_version__": 9}, collection="c")
    with pytest.raises(EncryptionVersionError, match="version 9") as caught:
        await wrap(inner).get("k", collection="c")
    assert isinstance(caught.value, DecryptionError)


@both
async def test_refuses_what_is_not_json(wrap: Any) -> None:
    with pytest.raises(SerializationError):
        await wrap(MemoryStore()).put("k", {"a": {1}})


@both
async def test_large_values_are_encrypted_in_a_thread(wrap: Any) -> None:
    store = wrap(MemoryStore())
    await store.put("k", {"text": "x" * 1_000_000})
    assert await store.get("k") == {"text": "x" * 1_000_000}


class TestFernet:
    async def test_stores_the_form_of_the_0_5_series(self) -> None:
        inner = MemoryStore()
        await fernet(inner).put("k", VALUE, collection="c")
        raw = await raw_of(inner)
        assert raw.keys() == {"__encrypted_data__", "__encryption_version__"}
        assert raw["__encryption_version__"] == 1
        plain = FERNET.decrypt(base64.b64decode(raw["__encrypted_data__"]))
        assert plain.decode() == json.dumps(VALUE, separators=(",", ":"))

    async def test_exchanges_with_the_published_library(self, published: Publish) -> None:
        inner = MemoryStore()
        await fernet(inner).put("k", VALUE, collection="c")
        library = published("memory,wrappers-encryption")
        raw, same = library.run(
            OF_0_5, ("write", {"value": VALUE}), ("read", {"stored": await raw_of(inner)})
        )
        assert same == VALUE
        await inner.put("theirs", raw)
        assert await fernet(inner).get("theirs") == VALUE

    async def test_takes_a_multi_fernet(self) -> None:
        inner = MemoryStore()
        await fernet(inner).put("old", VALUE)
        new = Fernet(Fernet.generate_key())
        store = FernetEncryptionWrapper(inner, fernet=MultiFernet([new, FERNET]))
        await store.put("new", VALUE)
        assert await store.get_many(["old", "new"]) == [VALUE, VALUE]
        assert await FernetEncryptionWrapper(inner, fernet=new).get("new") == VALUE

    def test_is_a_base_encryption_wrapper(self) -> None:
        assert isinstance(fernet(MemoryStore()), BaseEncryptionWrapper)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({}, "Must provide either fernet or source_material"),
            ({"source_material": " ", "salt": "s"}, "Must provide either fernet or source_material"),
            ({"source_material": "m"}, "Must provide a salt"),
            ({"source_material": "m", "salt": " "}, "Must provide a salt"),
            ({"fernet": FERNET, "salt": "s"}, "Cannot provide fernet together with"),
        ],
    )
    def test_refuses_what_is_missing_or_too_much(self, arguments: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            FernetEncryptionWrapper(MemoryStore(), **arguments)


class TestPassphrase:
    @pytest.mark.parametrize(
        ("material", "salt", "expected"),
        [
            ("test-source-material", "test-salt", "znx7rVYt4roVgu3ymt5sIYFmfMNGEPbm8AShXQv6CY4="),
            ("different-source-material", "test-salt", "1TLRpjxQm4Op699i9hAXFVfyz6PqPXbuvwKaWB48tS8="),
            ("test-source-material", "different-salt", "oLz_g5NoLhANNh2_-ZwbgchDZ1q23VFx90kUQDjracc="),
        ],
    )
    def test_gives_the_keys_of_the_0_5_series(self, material: str, salt: str, expected: str) -> None:
        assert base64.urlsafe_b64encode(derive(material, salt)).decode() == expected

    async def test_is_derived_once_and_never_in_the_event_loop(self, monkeypatch: pytest.MonkeyPatch) -> None:
        threads: list[str] = []

        def note(material: str, salt: str) -> bytes:
            threads.append(threading.current_thread().name)
            return KEY

        monkeypatch.setattr("key_value.aio.wrappers.encryption.passphrase.derive", note)
        by_fernet = FernetEncryptionWrapper(MemoryStore(), source_material="m", salt="s")
        by_aes = AESGCMEncryptionWrapper(MemoryStore(), DerivedKey("m", "s"))
        stores: list[BaseWrapper] = [by_fernet, by_aes]
        for store in stores:
            await asyncio.gather(*(store.put(str(n), VALUE) for n in range(20)))
            assert await store.get("1") == VALUE
        assert len(threads) == 2
        assert threading.main_thread().name not in threads


class TestAESGCM:
    async def test_a_value_belongs_to_its_entry(self) -> None:
        inner = MemoryStore()
        store = aes(inner)
        await store.put_many(["a", "b"], [{"n": 1}, {"n": 2}], collection="c")
        await store.put("a", {"n": 3}, collection="d")
        for key, collection in (("b", "c"), ("a", "d")):
            moved = await inner.get("a", collection="c")
            assert moved is not None
            await inner.put(key, moved, collection=collection)
            with pytest.raises(DecryptionError):
                await store.get(key, collection=collection)
        assert await store.get("a", collection="c") == {"n": 1}

    async def test_the_default_collection_has_one_name(self) -> None:
        inner = MemoryStore(default_collection="mine")
        await aes(inner).put("k", VALUE)
        assert await aes(inner).get("k", collection="mine") == VALUE

    async def test_an_altered_value_is_an_error(self) -> None:
        inner = MemoryStore()
        await aes(inner).put("k", VALUE, collection="c")
        raw = await raw_of(inner)
        data = bytearray(base64.b64decode(raw["__encrypted_data__"]))
        for position in (0, 12, len(data) - 1):
            altered = bytearray(data)
            altered[position] ^= 1
            await inner.put(
                "k", {**raw, "__encrypted_data__": base64.b64encode(altered).decode()}, collection="c"
            )
            with pytest.raises(DecryptionError, match="Failed to decrypt value"):
                await aes(inner).get("k", collection="c")

    async def test_the_same_value_is_never_encrypted_alike(self) -> None:
        inner = MemoryStore()
        await aes(inner).put_many(["a", "b"], [VALUE, VALUE], collection="c")
        assert await raw_of(inner, "a") != await raw_of(inner, "b")

    def test_refuses_keys_that_are_none(self) -> None:
        with pytest.raises(ValueError, match="bit"):
            AESGCMEncryptionWrapper(MemoryStore(), b"short")
        with pytest.raises(ValueError, match="Two keys have the name '1'"):
            AESGCMEncryptionWrapper(MemoryStore(), KEY, old_keys={"1": KEY})

    async def test_an_unknown_key_is_named(self) -> None:
        inner = MemoryStore()
        await aes(inner, key_id="2024").put("k", VALUE)
        with pytest.raises(DecryptionError, match="No key has the name '2024'"):
            await aes(inner, key_id="2025").get("k")


class TestFunctions:
    async def test_values_go_through_them(self) -> None:
        inner = MemoryStore()
        store = BaseEncryptionWrapper(inner, lambda data: data[::-1], lambda data, version: data[::-1], 7)
        await store.put("k", VALUE, collection="c")
        raw = await raw_of(inner)
        assert raw["__encryption_version__"] == 7
        assert (
            base64.b64decode(raw["__encrypted_data__"])[::-1]
            == json.dumps(VALUE, separators=(",", ":")).encode()
        )
        assert await store.get("k", collection="c") == VALUE

    async def test_what_they_raise_is_the_cause(self) -> None:
        def fail(data: bytes, version: int = 0) -> bytes:
            raise LookupError("no key")

        store = BaseEncryptionWrapper(MemoryStore(), fail, fail, 1)
        with pytest.raises(EncryptionError, match="Failed to encrypt value") as caught:
            await store.put("k", VALUE)
        assert isinstance(caught.value.__cause__, LookupError)


def test_the_generic_one_needs_no_cryptography() -> None:
    code = """
import sys
sys.modules["cryptography"] = None
from key_value.aio.wrappers.encryption import BaseEncryptionWrapper
from key_value.aio.wrappers.encryption import FernetEncryptionWrapper
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert '"<string>", line 5' in done.stderr
    assert done.stderr.splitlines()[-1].endswith("pip install 'py-key-value-aio[wrappers-encryption]'")
