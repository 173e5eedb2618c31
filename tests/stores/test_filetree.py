"""The file tree store."""

import asyncio
import errno
import json
import os
import re
import shutil
import stat
import sys
import unicodedata
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from key_value.aio._utils.sanitization import PassthroughStrategy
from key_value.aio.errors import (
    DeserializationError,
    InvalidKeyError,
    KeyValueStoreError,
    PathSecurityError,
    StoreSetupError,
)
from key_value.aio.stores.base import Directory
from key_value.aio.stores.base import files as base_files
from key_value.aio.stores.filetree import (
    FileTreeStore,
    FileTreeV1CollectionSanitizationStrategy,
    FileTreeV1KeySanitizationStrategy,
)
from key_value.aio.stores.filetree.atomic import WRITING, claim
from key_value.aio.stores.filetree.names import FileNames, get_max_file_name_length, get_max_path_length
from key_value.aio.testing.hostile_names import HOSTILE_NAMES
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES
from tests.published import ENTRIES, Publish, check
from tests.stores.embedded import EmbeddedConformance

LONG = "long" * 100


def open_tree(path: Path) -> FileTreeStore:
    return FileTreeStore(data_directory=path)


def open_v1(path: Path) -> FileTreeStore:
    path.mkdir(exist_ok=True)
    return FileTreeStore(
        data_directory=path,
        key_sanitization_strategy=FileTreeV1KeySanitizationStrategy(path),
        collection_sanitization_strategy=FileTreeV1CollectionSanitizationStrategy(path),
    )


def files(path: Path) -> set[str]:
    """Return the files of a tree, except those in the `.writing` directory."""
    found = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
    return {file.as_posix() for file in found if file.parts[0] != WRITING}


def expire(path: Path) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "expires_at": "2020-01-01T00:00:00+00:00"}, sort_keys=True))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


class TestFileTreeStore(EmbeddedConformance):
    abilities: ClassVar = ABILITIES
    open_store: ClassVar = staticmethod(open_tree)
    owns_directories: ClassVar = True
    published_extra: ClassVar = "filetree"

    @override
    def published_opening(self, path: Path) -> str:
        return (
            "from key_value.aio.stores.filetree import FileTreeStore\n"
            f"store = FileTreeStore(data_directory={str(path)!r})\n"
        )

    @override
    async def count_stored(self, store: Store, *, collection: str) -> int:
        assert isinstance(store, FileTreeStore)
        return len(list((Path(store.location) / collection).glob("*.json")))

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        assert isinstance(store, FileTreeStore)
        (Path(store.location) / collection / f"{key}.json").write_bytes(data)

    async def test_reading_creates_nothing(self, path: Path) -> None:
        store = FileTreeStore(data_directory=path, metadata_directory=path / "metadata")
        assert await store.get("key") is None
        assert await store.ttl_many(["key"]) == [(None, None)]
        assert await store.delete("key") is False
        assert await store.keys() == await store.collections() == []
        await store.close()
        assert not path.exists()

    async def test_files_are_those_of_0_5(self, store: FileTreeStore, path: Path) -> None:
        await store.put("k", {"b": 1, "a": 2}, collection="users", ttl=100)
        odd = ["user:1 é", "", ".", "..", "CON", " ", "a.json", "a\\b"]
        await store.put_many(odd, [{"n": 1}] * len(odd), collection="Users.old")
        assert files(path) == {
            *("users/k.json", "users-info.json", "Users.old-info.json"),
            *(f"Users.old/{key}.json" for key in odd),
        }
        moment = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00"'
        assert re.fullmatch(
            rf'{{"created_at": {moment}, "expires_at": {moment}, "value": {{"a": 2, "b": 1}}, "version": 1, '
            r'"write_id": "[0-9a-f]{16}"}',
            (path / "users" / "k.json").read_text(),
        )
        assert re.fullmatch(
            rf'{{"collection": "users", "created_at": {moment}, "directory": "{path}/users", "version": 1}}',
            (path / "users-info.json").read_text(),
        )

    async def test_a_document_names_what_its_file_does_not(self, store: FileTreeStore, path: Path) -> None:
        await store.put(LONG, {"n": 1}, collection=LONG)
        [file] = [file for file in path.rglob("*.json") if file.parent != path]
        document = json.loads(file.read_text())
        assert (document["key"], document["collection"]) == (LONG, LONG)
        assert len(file.name.encode()) <= 255

    async def test_describes_collections_elsewhere(self, path: Path, tmp_path: Path) -> None:
        metadata = tmp_path / "metadata"
        async with FileTreeStore(directory=str(path), metadata_directory=str(metadata)) as store:
            await store.put("key", {"n": 1}, collection="users")
            assert await store.collections() == ["users"]
        assert files(path) == {"users/key.json"}
        assert files(metadata) == {"users-info.json"}

    async def test_a_tree_can_be_moved(self, path: Path, tmp_path: Path) -> None:
        async with open_tree(path) as store:
            await store.put_many(["key", LONG], [{"n": 1}] * 2, collection="users")
        moved = path.rename(tmp_path / "moved")
        async with open_tree(moved) as store:
            assert await store.get("key", collection="users") == {"n": 1}
            await store.put("other", {"n": 2}, collection="users")
            assert await store.collections() == ["users"]
            assert sorted(await store.keys("users")) == sorted(["key", LONG, "other"])
        assert not path.exists()

    async def test_a_tree_of_0_5_can_be_moved(self, published: Publish, path: Path, tmp_path: Path) -> None:
        published("filetree").write(self.published_opening(path), "people")
        shutil.move(path, tmp_path / "moved")
        async with open_tree(tmp_path / "moved") as store:
            await check(store, "people")
            assert sorted(await store.collections()) == ["people", "people-ttl"]
            assert sorted(await store.keys("people")) == sorted(ENTRIES)

    async def test_reads_a_tree_of_0_5_from_a_directory_without_anything_else(
        self, store: FileTreeStore, path: Path
    ) -> None:
        (path / "users").mkdir(parents=True)
        (path / "users" / "k.json").write_text('{"value": {"n": 1}, "version": 1}')
        assert await store.get("k", collection="users") == {"n": 1}

    async def test_an_info_file_that_cannot_be_read_is_written_anew(self, path: Path) -> None:
        async with open_tree(path) as store:
            await store.put("key", {"n": 1}, collection="users")
        (path / "users-info.json").write_text("{")
        async with open_tree(path) as store:
            assert await store.collections() == ["users"]
            await store.put("key", {"n": 2}, collection="users")
        assert json.loads((path / "users-info.json").read_text())["collection"] == "users"

    async def test_a_collection_destroyed_elsewhere_is_made_anew(self, path: Path) -> None:
        async with open_tree(path) as first, open_tree(path) as second:
            await first.put("key", {"n": 1}, collection="users")
            assert await second.destroy_collection("users") is True
            assert files(path) == set()
            await first.put("key", {"n": 2}, collection="users")
            assert await second.destroy() is True
            assert await first.put_if_absent("key", {"n": 3}, collection="users") is True
            assert await second.collections() == ["users"]

    async def test_nothing_else_is_removed(self, store: FileTreeStore, path: Path) -> None:
        await store.put("key", {"n": 1}, collection="users")
        strangers = [path / "node" / "package.json", path / "users" / "notes.txt", path / "README"]
        strangers[0].parent.mkdir()
        for file in strangers:
            file.write_text('{"value": {}, "expires_at": "2020-01-01T00:00:00+00:00"}')
        await store.cull()
        assert await store.collections() == ["users"]
        assert await store.destroy_collection("node") is False
        assert await store.destroy() is True
        assert await store.get("key", collection="users") is None
        assert all(file.exists() for file in strangers)

    async def test_cull_removes_expired_files(self, store: FileTreeStore, path: Path) -> None:
        await store.put_many(["old", "new", "broken"], [{"n": 1}] * 3, collection="users")
        expire(path / "users" / "old.json")
        (path / "users" / "broken.json").write_text("{")
        await store.cull()
        assert files(path) == {"users/new.json", "users/broken.json", "users-info.json"}
        assert sorted(await store.keys("users")) == ["broken", "new"]

    async def test_an_expired_entry_is_claimed_once(self, path: Path) -> None:
        async with open_tree(path) as first, open_tree(path) as second:
            for attempt in range(20):
                await first.put("key", {"n": -1})
                expire(path / "default_collection" / "key.json")
                claims = [each.put_if_absent("key", {"n": attempt}) for each in (first, second) * 5]
                assert sum(await asyncio.gather(*claims)) == 1

    async def test_an_unreadable_entry_is_not_taken_for_absent(
        self, store: FileTreeStore, path: Path
    ) -> None:
        await store.put("key", {"n": 1})
        (path / "default_collection" / "key.json").write_text("{")
        with pytest.raises(DeserializationError):
            await store.put_if_absent("key", {"n": 2})
        with pytest.raises(DeserializationError):
            await store.get("key")

    async def test_a_batch_says_which_keys_failed(self, store: FileTreeStore, path: Path) -> None:
        keys = [f"key-{n}" for n in range(100)]
        (path / "default_collection" / "key-40.json").mkdir(parents=True)
        with pytest.raises(KeyValueStoreError, match="put_many failed for 32 of 100 keys") as caught:
            await store.put_many(keys, [{"n": 1}] * 100)
        assert caught.value.extra_info is not None
        failed = str(caught.value.extra_info["failed_keys"])
        assert "'key-40'" in failed
        assert "'key-31'" not in failed
        assert isinstance(caught.value.__cause__, KeyValueStoreError)
        refusal = PermissionError if os.name == "nt" else IsADirectoryError
        assert isinstance(caught.value.__cause__.__cause__, refusal)
        assert await store.get_many(["key-0", "key-99"]) == [{"n": 1}] * 2
        assert not list((path / WRITING).glob("*.tmp"))

    async def test_a_copy_of_a_file_is_no_entry(self, store: FileTreeStore, path: Path) -> None:
        await store.put(LONG, {"n": 1})
        [file] = (path / "default_collection").iterdir()
        shutil.copy(file, file.with_name("copy.json"))
        assert await store.get("copy") is None
        assert await store.delete("copy") is False
        assert await store.keys() == [LONG]

    @pytest.mark.skipif(sys.platform != "linux", reason="the names of open files are read from /proc")
    async def test_the_disk_is_waited_for(
        self, store: FileTreeStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.put("key", {"n": 0})
        synced: list[Path] = []
        sync = os.fsync

        def watch(file: int) -> None:
            synced.append(Path(f"/proc/self/fd/{file}").readlink())
            sync(file)

        monkeypatch.setattr(os, "fsync", watch)
        await store.put("key", {"n": 1})
        draft, directory = synced
        assert draft.parent == path / WRITING
        assert directory == path / "default_collection"
        synced.clear()
        await store.put_many(["a", "b", "c"], [{"n": 1}] * 3)
        assert len(synced) == 4
        synced.clear()
        await store.delete("key")
        assert synced == [path / "default_collection"]
        await store.put("key", {"n": 1}, collection="new")
        assert {path, path / "new"} <= set(synced)

    async def test_a_file_system_may_be_unable_to_wait_for_names(
        self, store: FileTreeStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sync = os.fsync

        def refuse(file: int) -> None:
            if stat.S_ISDIR(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "Invalid argument")
            sync(file)

        monkeypatch.setattr(os, "fsync", refuse)
        await store.put("key", {"n": 1})
        assert await store.get("key") == {"n": 1}

    async def test_the_disk_need_not_be_waited_for(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(os, "fsync")
        async with FileTreeStore(data_directory=path, durability="none") as store:
            await store.put("key", {"n": 1})
            await store.delete("key")
            await store.destroy()

    async def test_drafts_of_the_dead_are_removed_and_those_of_the_living_are_not(self, path: Path) -> None:
        async with open_tree(path) as store:
            await store.put("key", {"n": 1})
        dead, living, other = (path / WRITING / name for name in ("dead.tmp", "living.tmp", "other"))
        for file in (dead, living, other):
            file.touch()
        with living.open("rb") as file:
            assert claim(file.fileno())
            async with open_tree(path):
                assert not dead.exists()
                assert living.exists()
                assert other.exists()
        async with open_tree(path):
            assert not living.exists()

    async def test_a_draft_that_was_removed_is_written_again(
        self, store: FileTreeStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.put("key", {"n": 1})
        move, removed = Directory.move, list[str]()

        def remove_first(self: Directory, name: str, target: Directory, new_name: str) -> None:
            if not removed:
                removed.append(name)
                self.remove(name)
            move(self, name, target, new_name)

        monkeypatch.setattr(Directory, "move", remove_first)
        await store.put("key", {"n": 2})
        assert removed
        assert await store.get("key") == {"n": 2}

    async def test_an_error_of_the_system_is_mapped(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        store = FileTreeStore(data_directory=tmp_path / "file")
        with pytest.raises(KeyValueStoreError, match="Not a directory") as caught:
            await store.get("key")
        assert isinstance(caught.value.__cause__, NotADirectoryError)

    def test_refuses_an_unknown_durability(self, path: Path) -> None:
        with pytest.raises(ValueError, match="'full' or 'none', not 'normal'"):
            FileTreeStore(data_directory=path, durability="normal")  # pyright: ignore[reportArgumentType] -- invalid on purpose

    def test_wants_one_directory(self, path: Path) -> None:
        with pytest.raises(ValueError, match="one of data_directory and directory"):
            FileTreeStore()
        with pytest.raises(ValueError, match="one of data_directory and directory"):
            FileTreeStore(data_directory=path, directory=path)


class TestWithoutAutoCreate:
    async def test_a_missing_directory_is_refused(self, path: Path) -> None:
        with pytest.raises(ValueError, match="does not exist") as caught:
            FileTreeStore(data_directory=path, auto_create=False)
        assert str(caught.value) == (
            f"Directory '{path}' does not exist. "
            "Either create the directory manually or set auto_create=True."
        )

    async def test_a_missing_collection_is_refused_when_it_is_written(self, path: Path) -> None:
        path.mkdir()
        async with FileTreeStore(data_directory=path, auto_create=False) as store:
            assert await store.get("key", collection="users") is None
            with pytest.raises(StoreSetupError, match="users' does not exist"):
                await store.put("key", {"n": 1}, collection="users")
            (path / "users").mkdir()
            await store.put("key", {"n": 1}, collection="users")
            assert await store.get("key", collection="users") == {"n": 1}


class TestV1Strategies:
    """The strategies that determine where FastMCP and others store their data."""

    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("test", "test"),
            ("a b/c", "S_a_b_c-539138d5"),
            ("test::key", "S_test_key-a2bc4860"),
            ("", ""),
            ("!", "S_-bb7208bc"),
            ("x" * 300, "S_" + "x" * 248),
        ],
    )
    def test_keys(self, tmp_path: Path, name: str, file: str) -> None:
        assert FileTreeV1KeySanitizationStrategy(tmp_path).sanitize(name) == file

    def test_collections(self, tmp_path: Path) -> None:
        strategy = FileTreeV1CollectionSanitizationStrategy(tmp_path)
        assert strategy.sanitize("co l!") == "S_co_l_-d16c4263"
        assert strategy.sanitize("x" * 300) == "S_" + "x" * 243

    def test_lengths(self, tmp_path: Path) -> None:
        assert get_max_file_name_length(tmp_path) == os.pathconf(tmp_path, "PC_NAME_MAX")
        assert get_max_path_length(tmp_path / "missing") == os.pathconf(tmp_path, "PC_PATH_MAX")

    @pytest.mark.parametrize("by_0_5", [True, False])
    async def test_both_series_use_one_tree(self, published: Publish, path: Path, *, by_0_5: bool) -> None:
        path.mkdir()
        opening = (
            "from pathlib import Path\n"
            "from key_value.aio.stores.filetree import *\n"
            f"path = Path({str(path)!r})\n"
            "store = FileTreeStore(data_directory=path,\n"
            "    key_sanitization_strategy=FileTreeV1KeySanitizationStrategy(path),\n"
            "    collection_sanitization_strategy=FileTreeV1CollectionSanitizationStrategy(path))\n"
        )
        key, collection = "https://mcp.example/tokens", "mcp-oauth-token"
        call = {"key": key, "collection": collection}
        async with open_v1(path) as store:
            if by_0_5:
                published("filetree").run(opening, ("put", {**call, "value": {"n": 1}}))
                assert await store.get(key, collection=collection) == {"n": 1}
                assert await store.collections() == [collection]
            else:
                await store.put(key, {"n": 1}, collection=collection)
                assert published("filetree").run(opening, ("get", call)) == [{"n": 1}]
                assert await store.keys(collection) == [key]

    async def test_names_are_listed_as_they_were_given(self, path: Path) -> None:
        keys = ["plain", "session:1", "https://a/b", "é", "x" * 300, "S_like", ""]
        async with open_v1(path) as store:
            await store.put_many(keys, [{"n": 1}] * len(keys), collection="tools/list")
            assert sorted(await store.keys("tools/list")) == sorted(keys)
            assert await store.collections() == ["tools/list"]
            assert await store.destroy_collection("tools/list") is True
            assert files(path) == set()

    async def test_plain_names_that_0_5_wrote_are_listed(self, path: Path) -> None:
        async with open_v1(path) as store:
            await store.put("other", {}, collection="users")
            for name in ("plain", "S_a_b-00000000"):
                (path / "users" / f"{name}.json").write_text('{"value": {}, "version": 1}')
            assert sorted(await store.keys("users")) == ["other", "plain"]

    async def test_what_lies_in_one_file_is_not_mistaken(self, path: Path) -> None:
        """These strategies may map two keys to one file, and reserve some names."""
        first, second = "x" * 300, "x" * 300 + "y"
        async with open_v1(path) as store:
            await store.put(first, {"n": 1})
            assert await store.get_many([first, second]) == [{"n": 1}, None]
            assert await store.delete(second) is False
            assert await store.put_if_absent(second, {"n": 2}) is True
            assert await store.get_many([first, second]) == [None, {"n": 2}]
            assert await store.keys() == [second]

    async def test_reserved_collections_are_refused(self, path: Path) -> None:
        async with open_v1(path) as store:
            with pytest.raises(StoreSetupError, match="reserved prefixes"):
                await store.put("key", {}, collection="S_users")
            with pytest.raises(InvalidKeyError, match="reserved prefixes"):
                await store.get("key", collection="S_users")
            assert list(path.iterdir()) == []

    async def test_a_name_that_utf_8_cannot_hold_is_refused(self, path: Path) -> None:
        async with open_v1(path) as store:
            with pytest.raises(InvalidKeyError):
                await store.put("\ud800", {})


class _OneForAll(PassthroughStrategy):
    @override
    def sanitize(self, value: str) -> str:
        return "one"

    @override
    def try_unsanitize(self, value: str) -> str | None:
        return None


class TestOtherStrategies:
    @pytest.mark.parametrize("name", ["../private/secret", "a/b", "/etc/passwd", "a\x00b"])
    async def test_no_key_leads_out_of_its_collection(self, path: Path, name: str) -> None:
        """A strategy that leaves names unchanged must not give access to other files."""
        async with FileTreeStore(
            data_directory=path, key_sanitization_strategy=PassthroughStrategy()
        ) as store:
            await store.put("secret", {"n": 1}, collection="private")
            with pytest.raises(PathSecurityError, match="resolves outside"):
                await store.get(name, collection="users")
            with pytest.raises(PathSecurityError):
                await store.put(name, {"n": 2}, collection="users")
            with pytest.raises(PathSecurityError):
                await store.delete(name, collection="users")
            assert await store.get("secret", collection="private") == {"n": 1}

    @pytest.mark.parametrize("name", ["..", ".", "../a", "a/b"])
    async def test_no_collection_leads_out_of_the_tree(self, path: Path, name: str) -> None:
        async with FileTreeStore(
            data_directory=path, collection_sanitization_strategy=PassthroughStrategy()
        ) as store:
            with pytest.raises(PathSecurityError):
                await store.get("key", collection=name)
            with pytest.raises(StoreSetupError) as caught:
                await store.put("key", {}, collection=name)
            assert isinstance(caught.value.__cause__, PathSecurityError)

    async def test_a_name_that_is_too_long_is_refused(self, path: Path) -> None:
        async with FileTreeStore(
            data_directory=path, key_sanitization_strategy=PassthroughStrategy()
        ) as store:
            with pytest.raises(InvalidKeyError, match="too long"):
                await store.put("x" * 300, {})

    async def test_a_directory_is_one_collections(self, path: Path) -> None:
        async with FileTreeStore(data_directory=path, collection_sanitization_strategy=_OneForAll()) as store:
            await store.put("key", {"n": 1}, collection="first")
            assert await store.get("key", collection="second") is None
            assert await store.destroy_collection("second") is False
            with pytest.raises(StoreSetupError, match="belongs to the collection 'first'"):
                await store.put("key", {"n": 2}, collection="second")
            assert await store.get("key", collection="first") == {"n": 1}


FORMER = '{"created_at": "2026-11-23T07:14:39.564761+00:00", "value": {"n": 1}, "version": 1}'


class TestFormerFiles:
    """0.5 used names as paths."""

    @pytest.mark.parametrize(
        ("collection", "key", "file"),
        [
            ("tools/list", "k", "tools/list/k.json"),
            ("c", "a%2Fb", "c/a%2Fb.json"),
            ("c", "../up", "up.json"),
        ],
    )
    async def test_it_is_found_moved_and_removed(
        self, path: Path, collection: str, key: str, file: str
    ) -> None:
        for name in (f"{collection}-info.json", file):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / collection).mkdir(exist_ok=True)
        (path / f"{collection}-info.json").write_text(json.dumps({"collection": collection}))
        former = path / file
        former.write_text(FORMER)
        call: Any = {"collection": collection}
        async with open_tree(path) as store:
            assert await store.get(key, **call) == {"n": 1}
            assert await store.get_many([key], **call) == [{"n": 1}]
            if key != "../up":
                assert await store.collections() == [collection]
                assert await store.keys(collection) == [key]
                first = await store.scan(collection)
                last = await store.scan(collection, cursor=first.cursor) if first.cursor else first
                assert last.keys == [key]
            assert await store.get("a/b", **call) is None
            await store.put(key, {"n": 2}, **call)
            assert not former.exists()
            assert await store.get(key, **call) == {"n": 2}
            assert await store.keys(collection) == [key]
            await store.delete(key, **call)
            former.parent.mkdir(parents=True, exist_ok=True)
            former.write_text(FORMER)
            assert await store.delete(key, **call) is True
            assert not former.exists()
            former.write_text(FORMER)
            assert await store.pop(key, **call) == {"n": 1}
            assert await store.pop(key, **call) is None
            former.write_text(FORMER)
            assert await store.delete_many([key], **call) == 1

    async def test_what_leads_out_of_the_tree_is_not_looked_at(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "up").mkdir()
        (tmp_path / "up" / "k.json").write_text(FORMER)
        async with open_tree(path) as store:
            assert await store.get("k", collection="../up") is None
            await store.put("k", {"n": 2}, collection="../up")
            assert await store.collections() == ["../up"]
        assert (tmp_path / "up" / "k.json").read_text() == FORMER


class TestSymbolicLinks:
    async def test_one_that_leads_out_is_refused(self, path: Path, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        secret = outside / "secret.json"
        secret.write_text('{"value": {"n": 1}, "version": 1}')
        async with open_tree(path) as store:
            await store.put("key", {}, collection="users")
            (path / "users" / "secret.json").symlink_to(secret)
            (path / "linked").symlink_to(outside)
            shutil.copy(path / "users-info.json", path / "linked-info.json")
            with pytest.raises(PathSecurityError, match="is a link"):
                await store.get("secret", collection="users")
            with pytest.raises(PathSecurityError):
                await store.get("secret", collection="linked")
            with pytest.raises(StoreSetupError, match="is a link"):
                await store.put("key", {}, collection="linked")
            assert await store.keys("users") == ["key"]
            assert await store.collections() == ["users"]
            await store.cull()
            await store.put("secret", {"n": 2}, collection="users")
            assert await store.get("secret", collection="users") == {"n": 2}
            await store.destroy()
        assert secret.read_text() == '{"value": {"n": 1}, "version": 1}'

    async def test_one_within_the_tree_is_refused_too(self, path: Path) -> None:
        async with open_tree(path) as store:
            await store.put("key", {"n": 1}, collection="users")
            (path / "users" / "link.json").symlink_to("key.json")
            (path / "people").symlink_to("users")
            shutil.copy(path / "users-info.json", path / "people-info.json")
            for key, collection in (("link", "users"), ("key", "people")):
                with pytest.raises(PathSecurityError, match="is a link"):
                    await store.get(key, collection=collection)
                with pytest.raises(PathSecurityError, match="is a link"):
                    await store.delete(key, collection=collection)
            assert await store.destroy_collection("people") is False
            assert await store.get("key", collection="users") == {"n": 1}


def _always(_: Path, *, probe: str | None = None) -> bool:
    return True


class TestNames:
    """Names on other file systems: which ones they treat as equal, and which ones they cannot hold."""

    @pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
    def test_no_two_names_are_one_where_case_is_folded(
        self, tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.platform", platform)
        monkeypatch.setattr(base_files, "folds_case", _always)
        names = FileNames(tmp_path, keys=None, collections=None)
        for strategy in (names.keys, names.collections):
            sanitized = [strategy.sanitize(name) for name in HOSTILE_NAMES]
            assert len({unicodedata.normalize("NFKC", name).casefold() for name in sanitized}) == len(
                HOSTILE_NAMES
            )
            for name, file in zip(HOSTILE_NAMES, sanitized, strict=True):
                assert strategy.try_unsanitize(file) in (name, None)

    async def test_a_tree_where_case_is_folded(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base_files, "folds_case", _always)
        async with open_tree(path) as store:
            for index, name in enumerate(("users", "Users", "USERS", "%55sers")):
                await store.put(name, {"n": index}, collection=name)
            assert sorted(await store.collections()) == ["%55sers", "USERS", "Users", "users"]
            assert await store.get("Users", collection="Users") == {"n": 1}
        assert len({file.lower() for file in files(path)}) == 8

    @pytest.mark.parametrize("name", ["x-info.json", WRITING, ".", ".."])
    async def test_a_collection_is_not_taken_for_something_else(self, path: Path, name: str) -> None:
        async with open_tree(path) as store:
            await store.put("key", {"n": 1}, collection="x")
            await store.put("key", {"n": 2}, collection=name)
            assert await store.get("key", collection="x") == {"n": 1}
            assert sorted(await store.collections()) == sorted(["x", name])
