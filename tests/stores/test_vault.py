"""The Vault store, on OpenBao."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Generator
from functools import partial
from typing import Any, ClassVar, cast

import hvac
import pytest
from hvac.exceptions import InvalidPath
from typing_extensions import override

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreSetupError,
    StoreUnreachableError,
)
from key_value.aio.stores.vault import VaultStore
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.http_proxy import HttpProxy, answer, http_proxy
from tests.servers.processes import free_port
from tests.servers.server import Server
from tests.servers.vault import address, client
from tests.stores.http_faults import ALWAYS, HttpFaults


@pytest.fixture
async def store(vault: Server, mount: str) -> AsyncIterator[VaultStore]:
    async with VaultStore(url=address(vault), token=vault.password, mount_point=mount) as store:
        yield store


class TestVaultStore(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    # Each call takes milliseconds.
    model_examples: ClassVar = 3
    rivals: ClassVar = 4
    many: ClassVar = 201

    @override
    @pytest.fixture
    def opening(self, vault: Server, mount: str) -> Opening:
        return partial(VaultStore, url=address(vault), token=vault.password, mount_point=mount)

    @override
    @pytest.fixture
    async def store(self, store: VaultStore) -> VaultStore:
        return store

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        ours = cast("VaultStore", store)
        path = ours.names.address(collection, key)
        await ours._run(lambda mount: mount.write(path, data.decode("latin-1")), writes=True)


def published_opening(server: Server, mount: str) -> str:
    """Return the code that opens the same mount with 0.5.0."""
    return (
        "from key_value.aio.stores.vault import VaultStore\n"
        f"store = VaultStore(url={address(server)!r}, token={server.password!r}, mount_point={mount!r})"
    )


@pytest.fixture
def kv(vault: Server) -> Any:
    """Return the API of the KV engine."""
    return client(vault).secrets.kv.v2


def names(kv: Any, mount: str) -> list[str]:
    """Return the names that the mount lists."""
    try:
        return kv.list_secrets("", mount_point=mount)["data"]["keys"]
    except InvalidPath:
        return []


class TestStoredForm:
    async def test_stores_the_documents_of_the_0_5_series(
        self, store: VaultStore, kv: Any, mount: str
    ) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        [field] = kv.read_secret_version("c::k", mount_point=mount, raise_on_deleted_version=False)["data"][
            "data"
        ].items()
        assert field[0] == "value"
        document = json.loads(field[1])
        assert (document["collection"], document["key"], document["value"]) == ("c", "k", {"b": 1, "a": "é"})

    async def test_reads_what_0_5_wrote(
        self, store: VaultStore, vault: Server, mount: str, published: Publish
    ) -> None:
        entries = {**interop.ENTRIES, "a/b": {"n": 1}}
        published("vault").write(published_opening(vault, mount), "people", entries)
        await interop.check(store, "people", entries)
        assert sorted(await store.keys("people")) == sorted(entries)
        found = await store.get_versioned("plain", collection="people")
        assert found is not None
        assert await store.put_if_version("plain", {"n": 1}, version=found.version, collection="people")
        assert await store.put_if_absent("a/b", {}, collection="people") is False
        await store.put("a/b", {"n": 2}, collection="people")
        assert await store.get("a/b", collection="people") == {"n": 2}
        assert sorted(await store.keys("people")) == sorted(entries)

    async def test_0_5_reads_what_this_writes(
        self, store: VaultStore, vault: Server, mount: str, published: Publish
    ) -> None:
        held = interop.ENTRIES
        await store.put_many(list(held), list(held.values()), collection="people", ttl=interop.TTL)
        await store.put("gone", {"n": 1}, collection="people")
        await store.delete("gone", collection="people")
        await store.put("k", {"n": 1}, collection="theirs")
        found = await store.get_versioned("k", collection="theirs")
        values, timed, gone, _ = published("vault").run(
            published_opening(vault, mount),
            ("get_many", {"keys": list(held), "collection": "people"}),
            ("ttl_many", {"keys": list(held), "collection": "people"}),
            ("get", {"key": "gone", "collection": "people"}),
            ("put", {"key": "k", "value": {"new": 1}, "collection": "theirs"}),
        )
        assert dict(zip(held, values, strict=True)) == held
        assert all(interop.TTL - 600 < seconds <= interop.TTL for _, seconds in timed)
        assert gone is None
        assert found is not None
        assert await store.put_if_version("k", {}, version=found.version, collection="theirs") is None
        assert await store.get("k", collection="theirs") == {"new": 1}

    @pytest.mark.parametrize(
        "key", ["../../x", "a/../../x", "/", "//", "..", "a//b", "é\u00a0\u3000\ufeff", "😀"]
    )
    async def test_no_key_reaches_another_path(
        self, store: VaultStore, kv: Any, mount: str, key: str
    ) -> None:
        kv.create_or_update_secret("x", {"value": "theirs"}, mount_point=mount)
        await store.put(key, {"n": 1}, collection=key)
        assert await store.get(key, collection=key) == {"n": 1}
        assert await store.keys(key) == [key]
        assert await store.delete(key, collection=key) is True
        assert len(names(kv, mount)) == 2
        assert kv.read_secret_version("x", mount_point=mount, raise_on_deleted_version=True)

    async def test_a_deleted_secret_cannot_be_read_in_its_history(
        self, store: VaultStore, kv: Any, mount: str
    ) -> None:
        for number in range(3):
            await store.put("k", {"secret": number})
        await store.delete("k")
        metadata = kv.read_secret_metadata("default_collection::k", mount_point=mount)["data"]
        assert [*metadata["versions"]] == ["4"]
        found = kv.read_secret_version(
            "default_collection::k", mount_point=mount, raise_on_deleted_version=False
        )
        assert found["data"]["data"] == {}

    async def test_versions_are_kept_on_request(self, vault: Server, kv: Any, mount: str) -> None:
        async with VaultStore(
            url=address(vault), token=vault.password, mount_point=mount, keep_versions=True
        ) as store:
            for number in range(3):
                await store.put("k", {"n": number})
        metadata = kv.read_secret_metadata("default_collection::k", mount_point=mount)["data"]
        assert [*metadata["versions"]] == ["1", "2", "3"]

    async def test_destroy_leaves_what_is_not_ours(self, store: VaultStore, kv: Any, mount: str) -> None:
        kv.create_or_update_secret("theirs", {"password": "x"}, mount_point=mount)
        kv.create_or_update_secret("a::theirs", {"password": "x"}, mount_point=mount)
        await store.put_many(["k", "l"], [{}, {}], collection="a")
        await store.put("k", {}, collection="b")
        await store.delete("k", collection="a")
        await store.destroy_collection("a")
        assert names(kv, mount) == ["a::theirs", "b::k", "theirs"]
        await store.delete("k", collection="b")
        await store.destroy()
        assert names(kv, mount) == ["a::theirs", "theirs"]
        assert await store.put_if_absent("k", {"n": 1}, collection="a") is True


class TestMounts:
    async def test_a_mount_may_demand_conditions(self, store: VaultStore, kv: Any, mount: str) -> None:
        kv.configure(cas_required=True, mount_point=mount)
        for number in range(3):
            await store.put("k", {"n": number})
        assert await store.get("k") == {"n": 2}
        await asyncio.gather(*(store.put("k", {"n": number}) for number in range(8)))
        assert await store.delete("k") is True
        assert await store.put_if_absent("k", {"n": 1}) is True

    async def test_a_mount_that_removes_by_itself_is_refused(
        self, store: VaultStore, kv: Any, mount: str
    ) -> None:
        kv.configure(delete_version_after="1h", mount_point=mount)
        with pytest.raises(KeyValueStoreError, match="delete_version_after"):
            await store.put("k", {"n": 1})

    async def test_an_engine_of_version_1_is_refused(self, vault: Server, mount: str) -> None:
        root = client(vault)
        root.sys.enable_secrets_engine("kv", path=f"{mount}-1", options={"version": "1"})
        try:
            store = VaultStore(url=address(vault), token=vault.password, mount_point=f"{mount}-1")
            with pytest.raises(StoreSetupError, match="not a version 2 KV engine"):
                await store.get("k")
            await store.close()
        finally:
            root.sys.disable_secrets_engine(f"{mount}-1")

    async def test_a_missing_mount_is_no_miss(self, store: VaultStore, vault: Server, mount: str) -> None:
        other = VaultStore(url=address(vault), token=vault.password, mount_point="none")
        with pytest.raises(StoreSetupError):
            await other.get("k")
        await other.close()
        client(vault).sys.disable_secrets_engine(mount)
        for call in (store.get("k"), store.keys(), store.get_many(["k", "l"])):
            with pytest.raises(KeyValueStoreError, match="no handler"):
                await call

    async def test_in_a_namespace(self, vault: Server) -> None:
        root = client(vault)
        root.adapter.post("/v1/sys/namespaces/team")
        inside: Any = hvac.Client(url=address(vault), token=vault.password, namespace="team")
        inside.sys.enable_secrets_engine("kv", path="apart", options={"version": "2"})
        try:
            async with VaultStore(
                url=address(vault), token=vault.password, namespace="team", mount_point="apart"
            ) as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}
        finally:
            inside.sys.disable_secrets_engine("apart")
            root.adapter.delete("/v1/sys/namespaces/team")


class TestRights:
    async def test_a_given_client_logs_in_as_it_likes_and_stays_open(self, vault: Server, mount: str) -> None:
        root = client(vault)
        rules = f'path "{mount}/*" {{ capabilities = ["create", "update", "read", "list"] }}'
        root.sys.create_or_update_policy(mount, rules)
        root.sys.enable_auth_method("approle", path=mount)
        try:
            root.auth.approle.create_or_update_approle("app", token_policies=[mount], mount_point=mount)
            role = root.auth.approle.read_role_id("app", mount_point=mount)["data"]["role_id"]
            secret = root.auth.approle.generate_secret_id("app", mount_point=mount)["data"]["secret_id"]
            given: Any = hvac.Client(url=address(vault), token="")
            given.auth.approle.login(role, secret, mount_point=mount)
            async with VaultStore(client=given, mount_point=mount) as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}
                given.auth.token.revoke_self()
                with pytest.raises(StoreAuthenticationError, match="rejects the token"):
                    await store.get("k")
                given.auth.approle.login(role, secret, mount_point=mount)
                assert await store.get("k") == {"n": 1}
            assert given.is_authenticated()
        finally:
            root.sys.disable_auth_method(mount)

    async def test_a_policy_that_refuses_is_no_miss(self, vault: Server, mount: str) -> None:
        root = client(vault)
        root.sys.create_or_update_policy(mount, f'path "{mount}/data/c::*" {{ capabilities = ["create"] }}')
        token = root.auth.token.create(policies=[mount])["auth"]["client_token"]
        async with VaultStore(url=address(vault), token=token, mount_point=mount) as store:
            for call in (store.get("k", collection="c"), store.keys("c"), store.delete("k", collection="d")):
                with pytest.raises(StoreAuthenticationError, match="policies") as caught:
                    await call
                assert not isinstance(caught.value, ConnectionError)

    async def test_a_token_that_has_ended_is_an_error(self, vault: Server, mount: str) -> None:
        token = client(vault).auth.token.create(policies=["root"])["auth"]["client_token"]
        async with VaultStore(url=address(vault), token=token, mount_point=mount) as store:
            await store.setup()
            client(vault).auth.token.revoke(token)
            with pytest.raises(KeyValueStoreError, match="rejects the token"):
                await store.get("k")


class TestFaults(HttpFaults):
    creation: ClassVar = "POST"
    replacement: ClassVar = "POST"
    statuses: ClassVar = (412, 429, 500, 502, 503)

    @pytest.fixture
    def proxy(self, vault: Server) -> Generator[HttpProxy]:
        with http_proxy(vault) as proxy:
            yield proxy

    @pytest.fixture
    def opening(self, vault: Server, mount: str, proxy: HttpProxy) -> Callable[..., VaultStore]:
        return partial(VaultStore, url=proxy.url, token=vault.password, mount_point=mount)

    async def test_a_redirected_write_is_not_taken_for_done(
        self, behind: VaultStore, proxy: HttpProxy
    ) -> None:
        proxy.inject(answer(302, location=f"{proxy.url}/v1/sys/health"), times=ALWAYS)
        for call in (behind.put("k", {"n": 1}), behind.get("there"), behind.keys()):
            with pytest.raises(KeyValueStoreError):
                await call
        proxy.clear()
        assert await behind.get("k") is None

    async def test_an_engine_that_is_not_ready_is_a_connection_error(
        self, behind: VaultStore, proxy: HttpProxy
    ) -> None:
        upgrading = "Upgrading from non-versioned to versioned data. This backend will be unavailable."
        proxy.inject(answer(400, json.dumps({"errors": [upgrading]})), times=ALWAYS)
        for call in (
            behind.put("k", {}),
            behind.get("there"),
            behind.pop("there"),
            behind.put_if_absent("k", {}),
        ):
            with pytest.raises(StoreUnreachableError, match=r"not ready: .*Upgrading"):
                await call

    async def test_no_server_is_a_connection_error(self, mount: str) -> None:
        store = VaultStore(url=f"http://127.0.0.1:{free_port()}", token="t", mount_point=mount)
        for call in (store.get("k"), store.put("k", {}), store.put_if_absent("k", {}), store.pop("k")):
            with pytest.raises((StoreUnreachableError, StoreSetupError)):
                await call
        await store.close()

    async def test_too_large_an_entry_is_named_so(self, store: VaultStore) -> None:
        with pytest.raises(KeyValueStoreError, match="too large") as caught:
            await store.put("k", {"text": "x" * 34_000_000})
        assert not isinstance(caught.value, ConnectionError)
