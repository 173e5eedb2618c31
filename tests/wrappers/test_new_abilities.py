"""Versions, `pop`, `touch` and `scan` through the wrappers that translate, refuse, log and measure."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from key_value.aio.errors import DecryptionError, InvalidTTLError
from key_value.aio.protocols import ABILITIES, AsyncScanProtocol
from key_value.aio.wrappers.encryption import AESGCMEncryptionWrapper
from key_value.aio.wrappers.logging import LoggingWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.read_only import ReadOnlyWrapper
from key_value.aio.wrappers.routing import CollectionRoutingWrapper
from key_value.aio.wrappers.single_collection import SingleCollectionWrapper
from scripts.wrapper_table import WRAPPERS, Wrap
from tests.wrappers.able import FullStore, SecondsStore, able

KEEPING: Mapping[str, Wrap] = {
    name: wrap for name, wrap in WRAPPERS.items() if name not in ("DefaultValueWrapper", "ReadOnlyWrapper")
}

every_wrapper = pytest.mark.parametrize("wrap", KEEPING.values(), ids=KEEPING)


@every_wrapper
async def test_writes_by_version(wrap: Wrap) -> None:
    store = able(wrap(able(FullStore())))
    assert await store.get_versioned("k", collection="c") is None
    await store.put("k", {"n": 1}, collection="c", ttl=100)
    found = await store.get_versioned("k", collection="c")
    assert found is not None
    assert found.value == {"n": 1}
    assert found.ttl == pytest.approx(100, abs=5)
    version = await store.put_if_version("k", {"n": 2}, version=found.version, collection="c")
    assert version is not None
    assert await store.put_if_version("k", {"n": 3}, version=found.version, collection="c") is None
    assert await store.get("k", collection="c") == {"n": 2}
    assert await store.delete_if_version("k", version=found.version, collection="c") is False
    assert await store.delete_if_version("k", version=version, collection="c") is True
    assert await store.get("k", collection="c") is None


@every_wrapper
async def test_pops_and_touches(wrap: Wrap) -> None:
    store = able(wrap(able(FullStore())))
    await store.put("k", {"n": 1}, collection="c")
    assert await store.touch("k", ttl=100, collection="c") is True
    assert (await store.ttl("k", collection="c"))[1] == pytest.approx(100, abs=5)
    assert await store.touch("x", ttl=100, collection="c") is False
    assert await store.pop("k", collection="c") == {"n": 1}
    assert await store.pop("k", collection="c") is None
    assert await store.get("k", collection="c") is None


@every_wrapper
async def test_a_timedelta_reaches_the_store_as_seconds(wrap: Wrap) -> None:
    inner = able(SecondsStore())
    store, hour = able(wrap(inner)), timedelta(hours=1)
    writing: Any = store
    await writing.put("a", {"n": 1}, collection="c", ttl=hour)
    await writing.put_many(["b"], [{"n": 1}], collection="c", ttl=hour)
    await store.put_if_absent("c", {"n": 1}, collection="c", ttl=hour)
    await store.put("d", {"n": 1}, collection="c")
    assert await store.touch("d", ttl=hour, collection="c")
    found = await store.get_versioned("d", collection="c")
    assert found is not None
    await store.put_if_version("d", {"n": 2}, version=found.version, collection="c", ttl=hour)
    for _, seconds in await store.ttl_many(["a", "b", "c", "d"], collection="c"):
        assert seconds == pytest.approx(3600, abs=60)
    with pytest.raises(InvalidTTLError):
        await writing.put("a", {"n": 1}, collection="c", ttl=timedelta())


@every_wrapper
async def test_scans_in_pages_by_prefix(wrap: Wrap) -> None:
    store = able(wrap(able(FullStore())))
    keys = ["a", "a*", "aa", "a[b", "b", ""]
    await store.put_many(keys, [{"n": 1}] * len(keys), collection="c")
    await store.put("a", {"n": 1}, collection="other")
    for prefix in ("", "a", "a*", "x"):
        found: list[str] = []
        cursor = None
        while True:
            page = await store.scan("c", prefix=prefix, cursor=cursor, limit=2)
            assert len(page.keys) <= 2
            found += page.keys
            if (cursor := page.cursor) is None:
                break
        assert sorted(found) == sorted(key for key in keys if key.startswith(prefix))


@pytest.mark.parametrize("ability", ABILITIES, ids=lambda ability: ability.method)
def test_read_only_has_nothing_that_writes(ability: Any) -> None:
    store = ReadOnlyWrapper(able(FullStore()))
    assert isinstance(store, ability.protocol) is not any(
        each.effect != "read" for each in ABILITIES if each.protocol is ability.protocol
    )


async def test_a_value_that_cannot_be_decrypted_is_no_version() -> None:
    inner = FullStore()
    await inner.put("k", {"n": 1})
    strict = able(AESGCMEncryptionWrapper(able(inner), bytes(32)))
    with pytest.raises(DecryptionError):
        await strict.get_versioned("k")
    lenient = able(AESGCMEncryptionWrapper(able(inner), bytes(32), raise_on_decryption_error=False))
    assert await lenient.get_versioned("k") is None


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        ({"__encrypted_data__": ""}, "missing encryption version key"),
        ({"__encrypted_data__": "", "__encryption_version__": 9}, "has the encryption version 9"),
        (
            {"__encrypted_data__": "", "__encryption_version__": 2, "__encryption_key_id__": "x"},
            "No key has the name 'x'",
        ),
    ],
)
async def test_a_decryption_error_names_its_entry(stored: dict[str, Any], problem: str) -> None:
    inner = FullStore()
    await inner.put("k", stored, collection="c")
    with pytest.raises(DecryptionError, match=problem) as caught:
        await AESGCMEncryptionWrapper(able(inner), bytes(32)).get("k", collection="c")
    assert caught.value.extra_info == {"collection": "c", "key": "k"}


async def test_only_the_prefix_is_scanned() -> None:
    inner = FullStore()
    store = able(PrefixKeysWrapper(able(inner), "p"))
    await store.put("k", {"n": 1})
    await inner.put("other", {"n": 1})
    assert await store.scan(limit=1) == (["k"], None)


async def test_a_single_collection_is_destroyed_and_listed_in_pages() -> None:
    inner = FullStore()
    store = able(SingleCollectionWrapper(able(inner), "all"))
    for name in ("a", "b"):
        await store.put_many([f"k{n}" for n in range(1500)], [{"n": 1}] * 1500, collection=name)
    assert sorted(await store.collections()) == ["a", "b"]
    assert await store.destroy_collection("a") is True
    assert await store.destroy_collection("a") is False
    assert len(await store.keys("b")) == 1500
    assert inner.scans > 4


async def test_a_routed_scan_stays_in_its_store() -> None:
    one, other = FullStore(), FullStore()
    store = CollectionRoutingWrapper({"c": able(one)}, able(other))
    await store.put_many(["a", "b"], [{"n": 1}] * 2, collection="c")
    assert isinstance(store, AsyncScanProtocol)
    page = await store.scan("c", limit=1)
    assert await store.scan("c", cursor=page.cursor) == (["b"], None)
    assert (one.scans, other.scans) == (2, 0)


async def test_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "key_value.logging")
    store = able(LoggingWrapper(able(FullStore()), log_values=True))
    await store.put("k", {"n": 1})
    found = await store.get_versioned("k")
    assert found is not None
    await store.put_if_version("k", {"n": 2}, version=found.version, ttl=5)
    await store.touch("k", ttl=7)
    await store.scan()
    await store.delete_if_version("k", version="0")
    await store.pop("k")
    assert [message for message in caplog.messages if message.startswith("Finish")][1:] == [
        "Finish GET_VERSIONED collection='default_collection' keys='k' value={'n': 1} ({'hit': True})",
        "Finish PUT_IF_VERSION collection='default_collection' keys='k' value={'n': 2} ({'stored': True})",
        "Finish TOUCH collection='default_collection' keys='k' ({'done': True})",
        "Finish SCAN collection='default_collection' ({'listed': 1})",
        "Finish DELETE_IF_VERSION collection='default_collection' keys='k' ({'deleted': False})",
        "Finish POP collection='default_collection' keys='k' value={'n': 2} ({'hit': True})",
    ]
    assert "Start TOUCH collection='default_collection' keys='k' ({'ttl': 7})" in caplog.messages
