import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from typing_extensions import override

from key_value.aio.errors import DecryptionError
from key_value.aio.protocols import Ability, AsyncCompareAndSetProtocol, AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.stores.null import NullStore
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.base.abilities import EVERY_ABILITY
from key_value.aio.wrappers.encryption import AESGCMEncryptionWrapper
from tests.wrappers.able import FullStore, able

OLD, NEW = b"o" * 32, b"n" * 32
KEYS = [f"k{n}" for n in range(250)]


def old(inner: AsyncKeyValue) -> AESGCMEncryptionWrapper:
    return AESGCMEncryptionWrapper(inner, OLD, key_id="old")


def new(inner: AsyncKeyValue, **options: Any) -> AESGCMEncryptionWrapper:
    return AESGCMEncryptionWrapper(inner, NEW, key_id="new", old_keys={"old": OLD}, **options)


async def test_nothing_is_left_under_an_old_key() -> None:
    inner = MemoryStore()
    await old(inner).put_many(KEYS, [{"n": n} for n in range(250)], collection="c")
    await new(inner).put("already", {"n": -1}, collection="c")
    assert await new(inner).rotate("c") == 250
    assert await new(inner).rotate("c") == 0
    only_new = AESGCMEncryptionWrapper(inner, NEW, key_id="new")
    assert await only_new.get_many(KEYS, collection="c") == [{"n": n} for n in range(250)]
    assert await only_new.get("already", collection="c") == {"n": -1}


async def test_times_to_live_stay() -> None:
    inner = MemoryStore()
    await old(inner).put("timed", {"n": 1}, ttl=1000)
    await old(inner).put("lasting", {"n": 2})
    before = (await inner.ttl("timed"))[1]
    await new(inner).rotate()
    after = (await inner.ttl("timed"))[1]
    assert before is not None
    assert after is not None
    assert before - 5 < after <= before + 0.01
    assert await new(inner).ttl("lasting") == ({"n": 2}, None)


async def test_goes_on_after_an_interruption() -> None:
    inner = MemoryStore()
    await old(inner).put_many(KEYS, [{"n": 1}] * 250)
    await inner.put("k200", {"not": "encrypted"})
    with pytest.raises(DecryptionError):
        await new(inner).rotate()
    assert await new(inner, allow_plaintext=True).rotate() == 50
    assert await AESGCMEncryptionWrapper(inner, NEW, key_id="new").get("k200") == {"not": "encrypted"}


class Paused(BaseWrapper):
    """Wrapper that pauses after reading a key until released; without versions, rotation needs locks."""

    drops = frozenset({AsyncCompareAndSetProtocol})

    def __init__(self, key_value: AsyncKeyValue) -> None:
        super().__init__(key_value)
        self.has_read = asyncio.Event()
        self.let_go = asyncio.Event()

    @override
    async def ttl(
        self, key: str, *, collection: str | None = None
    ) -> tuple[dict[str, Any] | None, float | None]:
        found = await super().ttl(key, collection=collection)
        self.has_read.set()
        await self.let_go.wait()
        return found


@pytest.mark.parametrize(
    "write", ["put", "put_many", "delete", "delete_many", "destroy_collection", "destroy"]
)
async def test_a_write_meanwhile_is_kept(write: str) -> None:
    inner = Paused(MemoryStore())
    await old(inner).put("k", {"n": 1}, collection="c")
    rotating = asyncio.create_task(new(inner).rotate("c"))
    await asyncio.wait_for(inner.has_read.wait(), timeout=10)
    other = able(old(inner))
    writes = {
        "put": lambda: other.put("k", {"n": 2}, collection="c"),
        "put_many": lambda: other.put_many(["x", "k"], [{"n": 2}, {"n": 2}], collection="c"),
        "delete": lambda: other.delete("k", collection="c"),
        "delete_many": lambda: other.delete_many(["k", "x"], collection="c"),
        "destroy_collection": lambda: other.destroy_collection("c"),
        "destroy": other.destroy,
    }
    writing = asyncio.ensure_future(writes[write]())
    await asyncio.sleep(0)
    inner.let_go.set()
    await asyncio.wait_for(asyncio.gather(rotating, writing), timeout=10)
    expected = {"n": 2} if write.startswith("put") else None
    assert await new(inner).get("k", collection="c") == expected


async def test_a_store_that_cannot_list_says_so() -> None:
    with pytest.raises(TypeError, match="NullStore cannot list its keys"):
        await new(NullStore()).rotate()


@pytest.mark.parametrize(("name", "other"), [("", None), (None, ""), ("default_collection", None)])
async def test_a_collection_has_one_name_for_rotation_and_writes(name: str | None, other: str | None) -> None:
    inner = Paused(MemoryStore())
    await old(inner).put("k", {"n": 1})
    rotating = asyncio.create_task(new(inner).rotate(other))
    await asyncio.wait_for(inner.has_read.wait(), timeout=10)
    destroying = asyncio.create_task(able(old(inner)).destroy_collection(name or ""))
    for _ in range(5):
        await asyncio.sleep(0)
    inner.let_go.set()
    await asyncio.wait_for(asyncio.gather(rotating, destroying), timeout=10)
    assert await new(inner).get("k") is None


class TestByVersion:
    """Rotation on a store with versions and pages."""

    async def test_rotates_what_is_old(self) -> None:
        inner = FullStore()
        await old(able(inner)).put_many(KEYS, [{"n": n} for n in range(len(KEYS))], ttl=1000)
        await new(able(inner)).put("already", {"n": -1})
        assert await new(able(inner)).rotate() == len(KEYS)
        assert inner.scans == 3
        only_new = AESGCMEncryptionWrapper(able(inner), NEW, key_id="new")
        assert await only_new.get_many(KEYS) == [{"n": n} for n in range(len(KEYS))]
        seconds = (await only_new.ttl(KEYS[0]))[1]
        assert seconds is not None
        assert 900 < seconds <= 1000

    @pytest.mark.parametrize("write", ["put", "delete", "destroy"])
    async def test_a_write_of_another_process_meanwhile_is_kept(self, write: str) -> None:
        inner = FullStore()
        await old(able(inner)).put("k", {"n": 1})

        other = able(old(able(inner)))
        writes: dict[str, Callable[[], Awaitable[object]]] = {
            "put": lambda: other.put("k", {"n": 2}),
            "delete": lambda: other.delete("k"),
            "destroy": other.destroy,
        }

        class Overtaken(BaseWrapper):
            """Wrapper that makes another write between the read and the write of the rotation, once."""

            reads = 0
            keeps = EVERY_ABILITY

            @override
            async def _call_ability(self, ability: Ability, arguments: Any) -> Any:
                result = await super()._call_ability(ability, arguments)
                if ability.method == "get_versioned":
                    self.reads += 1
                    if self.reads == 1:
                        await writes[write]()
                return result

        overtaken = Overtaken(able(inner))
        assert await new(overtaken).rotate() == (1 if write == "put" else 0)
        assert await new(able(inner)).get("k") == ({"n": 2} if write == "put" else None)
        assert overtaken.reads == 2
