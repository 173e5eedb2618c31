"""Tests that both search engine stores share, in addition to the conformance suite."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from importlib.metadata import version
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any, ClassVar, cast
from urllib.parse import quote

import pytest
import trustme
from typing_extensions import override

from key_value.aio.errors import (
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreSetupError,
    StoreTimeoutError,
    StoreUnreachableError,
)
from key_value.aio.testing.suites.base import Conformance
from tests import published as interop
from tests.published import Publish
from tests.servers.elasticsearch import SETTINGS, request
from tests.servers.http_proxy import Forward, HttpProxy, Reply, Request, answer, drop_reply, http_proxy
from tests.servers.processes import free_port
from tests.servers.server import Server, needed
from tests.stores.http_faults import ALWAYS, HttpFaults

Opening = Callable[..., Any]

NOWHERE = {"index.routing.allocation.require._name": "nowhere"}
"""The settings of an index whose shards have no node."""

FIELDS = {
    "created_at": {"type": "date"},
    "expires_at": {"type": "date"},
    "collection": {"type": "keyword"},
    "key": {"type": "keyword"},
}

HARD: Mapping[str, dict[str, Any]] = {
    "a long text": {"text": "x" * 40_000},
    "deep": json.loads('{"a":' * 30 + "1" + "}" * 30),
    "NUL in a name": {"a\0b": 1},
    "no name": {"": {"": 1}},
    "dots": {"a.b": 1, ".": 2, "a": {"b": 3}},
    "numbers": {"big": 10**30, "float": 1.0, "many": 10**3000},
}
"""Values that the mapping of 0.5 refuses, or changes."""

NO_JSON: Mapping[str, dict[str, Any]] = {
    "NaN": {"a": float("inf")},
    "half a pair": {"\ud800": "\ud800"},
}
"""Values that are no JSON to the engine, or may be none."""


class Documents(Conformance):
    """Hooks by which the conformance suite accesses documents directly."""

    @override
    async def write_raw(self, store: Any, *, collection: str, key: str, data: bytes) -> None:
        try:
            document = json.loads(data)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            document = {"value": data.decode("latin-1")}
        # The engine rejects an invalid time.
        kept = {name: held for name, held in cast("dict[str, Any]", document).items() if name != "expires_at"}
        await self._index(store, collection, key, kept)

    @override
    async def plant(self, store: Any, *, collection: str, key: str) -> None:
        await self._index(store, collection, key, {"items": [1]})

    async def _index(self, store: Any, collection: str, key: str, document: Any) -> None:
        await store.setup_collection(collection=collection)
        index, id_ = map(quote, store.names.location(store.names.pair(collection, key)))
        stored = await store._api.ask("PUT", f"/{index}/_doc/{id_}?refresh=true", json.dumps(document))
        assert stored.is_good


class EngineTests:
    """Tests of a store; the subclass defines the fixtures `server`, `prefix` and `opening`.

    Attributes:
        member: Member of `value` that 0.5 reads.
        member_type: Type of that member in the mapping of 0.5.
        store_module: Module of the store.
        store_class: Name of the store's class.
        driver: Distribution of the store's driver.
    """

    member: ClassVar[str]
    member_type: ClassVar[str]
    store_module: ClassVar[str]
    store_class: ClassVar[str]
    driver: ClassVar[str]

    @pytest.fixture
    async def store(self, opening: Opening) -> AsyncIterator[Any]:
        async with opening() as store:
            yield store

    def node(self, port: int) -> AbstractContextManager[Server]:
        """Run a server on a port."""
        raise NotImplementedError

    def published_opening(self, server: Server, prefix: str) -> str:
        """Return the code that opens the same indices with 0.5.0."""
        return (
            f"from {self.store_module} import {self.store_class}\n"
            f"store = {self.store_class}(url={server.url!r}, index_prefix={prefix!r})"
        )

    def requirements(self) -> tuple[str, str]:
        """Return the extra of 0.5.0, and the driver in this environment's version, which suits the server."""
        return self.store_module.rpartition(".")[2], f"{self.driver}=={version(self.driver)}"

    def create(self, server: Server, index: str, *, fields: Any = None, **body: Any) -> None:
        """Create an index, by default the one that 0.5 creates."""
        value = {"properties": {self.member: {"type": self.member_type}}}
        mappings = {"properties": fields or {**FIELDS, "version": {"type": "integer"}, "value": value}}
        settings = {**SETTINGS, **body.pop("settings", {})}
        created = request(
            server,
            "PUT",
            f"/{index}?wait_for_active_shards=0",
            {"mappings": mappings, "settings": settings, **body},
        )
        assert created.get("acknowledged"), created

    def document(self, collection: str, key: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Return a document of 0.5."""
        created = "2026-11-23T07:26:53.475678+00:00"
        held = {self.member: value}
        about = {"version": 1, "key": key, "collection": collection, "created_at": created, "value": held}
        return {**about, **more}

    def write(self, server: Server, index: str, id: str, document: Any) -> None:  # noqa: A002
        """Store a document without the store."""
        stored = request(server, "PUT", f"/{index}/_doc/{id}?refresh=true", document)
        assert stored.get("result") in ("created", "updated"), stored


def source(server: Server, index: str, id: str) -> Any:  # noqa: A002
    """Return the source of a document, or None if it does not exist."""
    return request(server, "GET", f"/{index}/_doc/{quote(id)}").get("_source")


def mapping(server: Server, index: str) -> Any:
    return request(server, "GET", f"/{index}/_mapping")[index]["mappings"]


class StoredFormTests(EngineTests):
    async def test_stores_the_documents_of_the_0_5_series(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        found = source(server, f"{prefix}-c", "k")
        assert found["value"] == {self.member: {"a": "é", "b": 1}}
        assert {name: found[name] for name in ("collection", "key", "version")} == {
            "collection": "c",
            "key": "k",
            "version": 1,
        }
        assert found["expires_at"][-6:] == found["created_at"][-6:] == "+00:00"
        await store.put("k", {}, collection="c")
        assert "expires_at" not in source(server, f"{prefix}-c", "k")

    async def test_no_value_adds_to_the_mapping_or_is_refused(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        await store.put("k", {}, collection="c")
        before = mapping(server, f"{prefix}-c")
        values = {**HARD, **NO_JSON}
        await store.put_many(list(values), list(values.values()), collection="c")
        for name, value in values.items():
            found = await store.get(name, collection="c")
            assert found == json.loads(json.dumps(value)), name
        assert mapping(server, f"{prefix}-c") == before
        # Only values that are not JSON are stored as text, which 0.5 does not read.
        as_text = [name for name in values if "text" in source(server, f"{prefix}-c", name)["value"]]
        assert set(as_text) <= {*NO_JSON, "numbers"}

    async def test_an_index_of_0_5_takes_the_same_values(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        self.create(server, f"{prefix}-c")
        self.write(server, f"{prefix}-c", "old", self.document("c", "old", {"n": 1}))
        before = mapping(server, f"{prefix}-c")["properties"]
        values = {**HARD, **NO_JSON, "plain": {"n": 1}}
        await store.put_many(list(values), list(values.values()), collection="c")
        for name, value in values.items():
            await store.put(name, value, collection="c")
            assert await store.get(name, collection="c") == json.loads(json.dumps(value)), name
        assert source(server, f"{prefix}-c", "plain")["value"] == {self.member: {"n": 1}}
        assert mapping(server, f"{prefix}-c")["properties"] == before
        assert sorted(await store.keys("c")) == sorted([*values, "old"])
        assert await store.get("old", collection="c") == {"n": 1}

    async def test_reads_what_0_5_wrote(
        self, store: Any, server: Server, prefix: str, published: Publish
    ) -> None:
        held = {key: value for key, value in interop.ENTRIES.items() if key != "large"}
        theirs = published(*self.requirements())
        theirs.write(self.published_opening(server, prefix), "people", held)
        await interop.check(store, "people", held)
        assert sorted(await store.keys("people")) == sorted(held)
        assert sorted(await store.collections()) == ["people", "people-ttl"]
        found = await store.get_versioned("plain", collection="people")
        assert await store.put_if_version("plain", {"n": 1}, version=found.version, collection="people")
        assert await store.put_if_absent("plain", {}, collection="people") is False
        assert await store.pop("empty", collection="people") == {}
        assert await store.delete("plain", collection="people") is True

    async def test_0_5_reads_what_this_writes(
        self, store: Any, server: Server, prefix: str, published: Publish
    ) -> None:
        await interop.write(store, "people")
        await store.put("k", {"n": 1}, collection="theirs", ttl=1000)
        found = await store.get_versioned("k", collection="theirs")
        opening = self.published_opening(server, prefix)
        theirs = published(*self.requirements())
        theirs.check(opening, "people")
        theirs.run(opening, ("put", {"key": "k", "value": {"new": 1}, "collection": "theirs"}))
        assert await store.put_if_version("k", {}, version=found.version, collection="theirs") is None
        assert await store.ttl("k", collection="theirs") == ({"new": 1}, None)

    async def test_an_id_leads_nowhere(self, opening: Opening, server: Server, prefix: str) -> None:
        with http_proxy(server) as proxy:
            async with opening(url=proxy.url) as store:
                await store.put("there", {"n": 1}, collection="c")
                for key in (".", "..", "", "a/b", "*", "_all", "é" * 300, "x" * 513, "\0", "\ud800", "%-"):
                    await store.put(key, {"key": 1}, collection="c")
                    assert await store.get(key, collection="c") == {"key": 1}
                    assert await store.delete(key, collection="c") is True
                    assert await store.delete(key, collection="c") is False
                assert await store.keys("c") == ["there"]
            paths = {sent.path.partition("?")[0] for sent in proxy.requests}
            index = f"/{prefix}-c"
            assert paths == {index, "/_bulk", "/_mget", "/_msearch", f"{index}/_refresh"}
            assert not [sent for sent in proxy.requests if "refresh=" in sent.path]


class NamesTests(EngineTests):
    async def test_names_that_differ_in_case_share_nothing(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        for number, name in enumerate(("users", "Users", "USERS", "%55sers", "u%73ers")):
            await store.put("k", {"n": number}, collection=name)
        await store.put("K", {"n": 9}, collection="users")
        for number, name in enumerate(("users", "Users", "USERS", "%55sers", "u%73ers")):
            assert await store.get("k", collection=name) == {"n": number}
        assert await store.destroy_collection("Users") is True
        assert sorted(await store.keys("users")) == ["K", "k"]
        assert await store.get("k", collection="USERS") == {"n": 2}
        assert await store.get("k", collection="Users") is None

    async def test_what_0_5_wrote_under_another_case_is_found_and_moved(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        index = f"{prefix}-users"
        self.create(server, index)
        keys = ("put", "many", "absent", "version", "delete", "pop", "touch", "stay")
        for key in keys:
            self.write(server, index, key, self.document("Users", key, {"old": key}))
        assert await store.get_many(list(keys), collection="Users") == [{"old": key} for key in keys]
        assert await store.get_many(list(keys), collection="users") == [None] * len(keys)
        assert sorted(await store.keys("Users")) == sorted(keys)
        assert await store.keys("users") == []
        assert await store.collections() == ["Users"]

        await store.put("put", {"n": 1}, collection="Users")
        await store.put_many(["many"], [{"n": 1}], collection="Users")
        assert await store.put_if_absent("absent", {}, collection="Users") is False
        found = await store.get_versioned("version", collection="Users")
        new = await store.put_if_version("version", {"n": 1}, version=found.version, collection="Users")
        assert new is not None
        assert await store.put_if_version("version", {}, version=found.version, collection="Users") is None
        assert await store.delete("delete", collection="Users") is True
        assert await store.pop("pop", collection="Users") == {"old": "pop"}
        assert await store.touch("touch", ttl=100, collection="Users") is True
        left = {key: source(server, index, key) is not None for key in keys}
        assert [key for key, is_there in left.items() if is_there] == ["absent", "stay"]
        values = await store.get_many(list(keys), collection="Users")
        expected = [{"n": 1}, {"n": 1}, {"old": "absent"}, {"n": 1}, None, None, {"old": "touch"}]
        assert values == [*expected, {"old": "stay"}]
        assert await store.put_if_absent("stay", {"n": 2}, collection="users") is True
        assert await store.destroy_collection("Users") is True
        assert await store.keys("users") == ["stay"]

    async def test_two_that_move_an_entry_of_0_5_do_not_both_win(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        index = f"{prefix}-users"
        self.create(server, index)
        self.write(server, index, "k", self.document("Users", "k", {"old": 1}))
        found = await store.get_versioned("k", collection="Users")
        self.write(server, index, "k", self.document("Users", "k", {"old": 2}))
        assert await store.put_if_version("k", {"n": 1}, version=found.version, collection="Users") is None
        assert await store.get("k", collection="Users") == {"old": 2}
        popped = await asyncio.gather(*(store.pop("k", collection="Users") for _ in range(10)))
        assert [value for value in popped if value is not None] == [{"old": 2}]

    async def test_prefixes_that_begin_alike_share_nothing(
        self, store: Any, opening: Opening, server: Server, prefix: str
    ) -> None:
        async with opening(index_prefix=f"{prefix}-prod") as other:
            await other.put("k", {"n": 1}, collection="users", ttl=0.001)
            await other.put("l", {"n": 1}, collection="users")
            await store.put("k", {"n": 2}, collection="mine")
            with pytest.raises(StoreSetupError, match="another store"):
                await store.put("k", {"n": 2}, collection="prod-users")
            assert await store.get("l", collection="prod-users") is None
            assert await store.collections() == ["mine"]
            await store.cull()
            assert await store.destroy() is True
            assert source(server, f"{prefix}-prod-users", "k") is not None
            assert await other.get("l", collection="users") == {"n": 1}

    async def test_what_others_keep_beside_it_is_left_alone(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        await store.put("k", {"n": 1}, collection="c")
        past = "2020-01-01T00:00:00+00:00"
        index = f"{prefix}-c"
        self.write(server, index, "x", {"expires_at": past, "message": "no entry"})
        self.write(server, index, "y", self.document("other", "y", {}, expires_at=past))
        self.write(server, index, "z", self.document("c", "not z", {}, expires_at=past))
        # A foreign document that sorts first and has not expired.
        self.write(server, index, "a", self.document("c", "not a", {}))
        await store.put("k", {"n": 2}, collection="c")
        # An index with a dynamic mapping, in which `key` is not sortable.
        self.write(server, f"{prefix}-logs", "l", {"key": "l", "collection": "logs", "expires_at": past})
        assert await store.keys("c") == ["k"]
        assert await store.collections() == ["c"]
        await store.cull()
        assert await store.destroy() is True
        assert await store.keys("c") == []
        for where, name in ((index, "a"), (index, "x"), (index, "y"), (index, "z"), (f"{prefix}-logs", "l")):
            assert source(server, where, name) is not None

    async def test_cull_removes_what_has_expired_in_bulk(
        self, opening: Opening, server: Server, prefix: str
    ) -> None:
        with http_proxy(server) as proxy:
            async with opening(url=proxy.url) as store:
                keys = [f"k{number}" for number in range(1500)]
                for collection in ("a", "B"):
                    await store.put_many(keys, [{}] * 1500, collection=collection, ttl=0.001)
                await store.put("stays", {}, collection="a", ttl=100)
                proxy.clear()
                await store.cull()
                removing = [sent for sent in proxy.requests if "/_bulk" in sent.path]
                assert len(removing) <= 8
                found = request(server, "POST", f"/{prefix}-*/_refresh") and request(
                    server, "GET", f"/{prefix}-*/_count"
                )
                assert found["count"] == 1

    async def test_an_entry_that_was_renewed_is_not_culled(self, opening: Opening, server: Server) -> None:
        with http_proxy(server) as proxy:
            async with opening(url=proxy.url) as store:
                await store.put("k", {"n": 1}, ttl=0.001)
                loop = asyncio.get_running_loop()

                def renew(sent: Request, forward: Forward) -> Reply:
                    found = forward(sent)
                    put = store.put("k", {"n": 2})
                    asyncio.run_coroutine_threadsafe(put, loop).result(30)
                    return found

                proxy.inject(renew, part="/_msearch")
                await store.cull()
                assert await store.get("k") == {"n": 2}


class IndexTests(EngineTests):
    async def test_an_index_that_is_gone_is_made_again(self, store: Any, server: Server, prefix: str) -> None:
        await store.put("k", {"n": 1}, collection="c")
        before = mapping(server, f"{prefix}-c")
        for write in (
            partial(store.put, "k", {"n": 2}),
            partial(store.put_many, ["k", "l"], [{"n": 2}, {}]),
            partial(store.put_if_absent, "k", {"n": 2}),
        ):
            request(server, "DELETE", f"/{prefix}-c")
            assert await store.get("k", collection="c") is None
            assert await store.delete("k", collection="c") is False
            await write(collection="c")
            assert await store.get("k", collection="c") == {"n": 2}
            assert "k" in await store.keys("c")
            assert mapping(server, f"{prefix}-c") == before
        request(server, "DELETE", f"/{prefix}-c")
        assert await store.pop("k", collection="c") is None
        assert await store.put_if_version("k", {}, version="a 1.1", collection="c") is None
        assert await store.keys("c") == []

    async def test_reads_create_nothing(self, store: Any, server: Server, prefix: str) -> None:
        assert await store.get("k") is None
        assert await store.keys() == await store.collections() == []
        assert await store.delete("k") is False
        assert await store.pop("k") is None
        await store.cull()
        await store.destroy()
        assert request(server, "GET", f"/{prefix}*/_mapping") == {}

    async def test_without_auto_create_nothing_is_made_or_changed(
        self, opening: Opening, server: Server, prefix: str
    ) -> None:
        async with opening(auto_create=False) as store:
            with pytest.raises(StoreSetupError, match=f"Index '{prefix}-c' does not exist"):
                await store.put("k", {}, collection="c")
            self.create(server, f"{prefix}-c")
            before = request(server, "GET", f"/{prefix}-c")
            await store.put("k", {"n": 1}, collection="c")
            assert await store.put_if_absent("k", {}, collection="c") is False
            assert await store.get("k", collection="c") == {"n": 1}
            assert request(server, "GET", f"/{prefix}-c")[f"{prefix}-c"]["aliases"] == {}
            assert before[f"{prefix}-c"]["aliases"] == {}

    async def test_an_alias_of_several_indices_is_refused(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        for number, writes in ((1, False), (2, True)):
            alias = {f"{prefix}-c": {"is_write_index": writes}}
            self.create(server, f"{prefix}.{number}", aliases=alias)
        with pytest.raises(StoreSetupError, match="alias of other indices"):
            await store.put("k", {}, collection="c")

    async def test_an_index_that_cannot_be_searched_is_refused(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        self.create(server, f"{prefix}-c", fields={"key": {"type": "text"}})
        with pytest.raises(StoreSetupError, match="no keyword fields"):
            await store.put("k", {}, collection="c")

    async def test_too_many_shards_are_an_error_that_says_so(
        self, store: Any, server: Server, prefix: str
    ) -> None:
        name = "cluster.max_shards_per_node"
        request(server, "PUT", "/_cluster/settings", {"persistent": {name: 1}})
        try:
            await self.fill(server, prefix)
            with pytest.raises(StoreSetupError, match="maximum"):
                await store.put("k", {}, collection="c")
        finally:
            request(server, "PUT", "/_cluster/settings", {"persistent": {name: None}})
        await store.put("k", {}, collection="c")

    async def fill(self, server: Server, prefix: str) -> None:
        """Use up the only shard that the server allows."""
        request(server, "PUT", f"/{prefix}.full", {"settings": SETTINGS})

    async def test_a_shard_without_a_node_is_no_miss(
        self, opening: Opening, server: Server, prefix: str
    ) -> None:
        async with opening(timeout=4) as store:
            await store.put("k", {"n": 1}, collection="good")
            self.create(server, f"{prefix}-c", fields=FIELDS, settings=NOWHERE)
            for read in (store.get("k", collection="c"), store.get_many(["k", "l"], collection="c")):
                with pytest.raises(StoreConnectionError):
                    await read
            with pytest.raises((StoreConnectionError, StoreTimeoutError)):
                await store.delete("k", collection="c")
            # These calls refresh the index first, which waits for the shard.
            for read in (store.keys("c"), store.collections(), store.cull()):
                with pytest.raises((StoreTimeoutError, StoreConnectionError), match=f"{prefix}-c|shard"):
                    await read
            assert await store.get("k", collection="good") == {"n": 1}

    async def test_a_write_that_was_given_up_does_not_happen_later(
        self, opening: Opening, server: Server, prefix: str
    ) -> None:
        async with opening(timeout=2) as store:
            self.create(server, f"{prefix}-c", fields=FIELDS, settings=NOWHERE)
            for write in (store.put("k", {}, collection="c"), store.put_if_absent("l", {}, collection="c")):
                with pytest.raises((StoreConnectionError, StoreTimeoutError, OutcomeUnknownError)):
                    await write
            request(server, "PUT", f"/{prefix}-c/_settings", {next(iter(NOWHERE)): None})
            request(server, "GET", f"/_cluster/health/{prefix}-c?wait_for_status=yellow&timeout=30s")
            async with opening() as patient:
                await patient.put("m", {}, collection="c")
                assert await patient.keys("c") == ["m"]

    async def test_a_full_disk_is_an_error_that_is_not_tried_again(
        self, opening: Opening, server: Server, prefix: str
    ) -> None:
        with http_proxy(server) as proxy:
            async with opening(url=proxy.url) as store:
                await store.put("k", {"n": 1}, collection="c")
                block = "index.blocks.read_only_allow_delete"
                request(server, "PUT", f"/{prefix}-c/_settings", {block: True})
                proxy.clear()
                for write in (
                    store.put("k", {}, collection="c"),
                    store.put_if_absent("l", {}, collection="c"),
                ):
                    with pytest.raises(
                        KeyValueStoreError, match="blocked, as all indices are while a disk"
                    ) as caught:
                        await write
                    assert not isinstance(caught.value, ConnectionError)
                assert len([sent for sent in proxy.requests if "/_bulk" in sent.path]) == 2
                assert await store.get("k", collection="c") == {"n": 1}
                request(server, "PUT", f"/{prefix}-c/_settings", {block: None})
                await store.put("k", {"n": 2}, collection="c")


class ConnectTests(EngineTests):
    @pytest.fixture
    def tls(self, tmp_path: Path) -> tuple[SSLContext, str]:
        """Return an SSL context for a server, and the file of the authority that signed its certificate."""
        authority = trustme.CA()
        context = SSLContext(PROTOCOL_TLS_SERVER)
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
        context.load_cert_chain(tmp_path / "server.pem")
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        return context, str(tmp_path / "ca.pem")

    @pytest.mark.parametrize(
        ("arguments", "sent"),
        [
            ({"api_key": "VuaCfGcBCdbkQm-e5aOx"}, "ApiKey VuaCfGcBCdbkQm-e5aOx"),
            ({"api_key": ("id", "key")}, "ApiKey aWQ6a2V5"),
            ({"basic_auth": ("ada", "pässword")}, "Basic YWRhOnDDpHNzd29yZA=="),
            ({"bearer_auth": "token"}, "Bearer token"),
        ],
    )
    async def test_credentials_are_sent_with_each_request(
        self, opening: Opening, server: Server, arguments: dict[str, Any], sent: str
    ) -> None:
        def check(request: Request, forward: Forward) -> Reply:
            given = {name.lower(): text for name, text in request.headers.items()}.get("authorization")
            return forward(request) if given == sent else answer(401, "{}")(request, forward) or Reply(500)

        with http_proxy(server) as proxy:
            proxy.inject(check, times=ALWAYS)
            async with opening(url=proxy.url, **arguments) as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}
                assert await store.keys() == ["k"]
            async with opening(url=proxy.url) as store:
                with pytest.raises(StoreAuthenticationError, match="the credentials are invalid"):
                    await store.get("k")

    async def test_a_password_in_the_url_is_sent_and_not_shown(
        self, opening: Opening, server: Server
    ) -> None:
        with http_proxy(server) as proxy:
            url = proxy.url.replace("//", "//ada:p%40w@")
            async with opening(url=url) as store:
                await store.put("k", {})
                assert "p%40w" not in repr(store)
                assert proxy.url in repr(store)
            assert {sent.headers["authorization"] for sent in proxy.requests} == {"Basic YWRhOnBAdw=="}
            assert "/" not in {sent.path for sent in proxy.requests}

    async def test_a_certificate_is_checked(
        self, opening: Opening, server: Server, tls: tuple[SSLContext, str]
    ) -> None:
        context, authority = tls
        with http_proxy(server, context) as proxy:
            async with opening(url=proxy.url, ca_certs=authority) as store:
                await store.put("k", {"n": 1})
                assert await store.get("k") == {"n": 1}
            async with opening(url=proxy.url, verify_certs=False) as store:
                assert await store.get("k") == {"n": 1}
            async with opening(url=proxy.url) as store:
                with pytest.raises(KeyValueStoreError) as caught:
                    await store.get("k")
                assert "certificate" in str(caught.value).lower()

    async def test_no_server_is_a_connection_error(self, opening: Opening) -> None:
        async with opening(url=f"http://127.0.0.1:{free_port()}") as store:
            for call in (store.get("k"), store.put("k", {}), store.put_if_absent("k", {}), store.pop("k")):
                with pytest.raises(StoreConnectionError) as caught:
                    await call
                assert caught.value.nothing_was_sent

    async def test_index_is_another_name_of_the_prefix(
        self, opening: Opening, server: Server, prefix: str
    ) -> None:
        async with opening(index_prefix=None, index=prefix.upper()) as store:
            await store.put("k", {"n": 1}, collection="c")
        assert source(server, f"{prefix}-c", "k") is not None

    async def test_a_server_that_was_restarted_is_used_again(self, opening: Opening) -> None:
        port = free_port()
        with ExitStack() as stack:
            with needed("node to restart"):
                server = stack.enter_context(self.node(port))
            async with opening(url=server.url) as store:
                await store.put("k", {"n": 1})
                stack.close()
                for call in (store.get("k"), store.put("k", {}), store.keys()):
                    with pytest.raises(StoreConnectionError):
                        await call
                with self.node(port):
                    # The data is gone, and so is the index that was created before the first write.
                    assert await store.get("k") is None
                    await store.put("k", {"n": 2})
                    assert await store.keys() == ["k"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"url": None}, "must be provided"),
            ({"index_prefix": None}, "Provide index_prefix"),
            ({"index": "b"}, "Provide index_prefix"),
            ({"index_prefix": ""}, "index_prefix must have"),
            ({"index_prefix": "a*"}, "index_prefix must have"),
            ({"index_prefix": "-a"}, "index_prefix must have"),
            ({"index_prefix": "a" * 151}, "index_prefix must have"),
            ({"timeout": 0}, "timeout"),
        ],
    )
    def test_refuses_what_leads_nowhere(
        self, opening: Opening, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            opening(**arguments)


def change_items(status: int, kind: str, wanted: str = "") -> Callable[[Request, Forward], Reply]:
    """Return a fault that fails all operations of a bulk request, or the one with the id `wanted`.

    The server does not receive the failed operations.
    """
    error = {"type": kind, "reason": "secret value"}

    def refuse(request: Request, forward: Forward) -> Reply:
        lines = request.body.decode().splitlines()
        heads = [json.loads(line) for line in lines if '"_index"' in line]
        kept = [
            line for index, line in enumerate(lines) if wanted and f'"{wanted}"' not in lines[index // 2 * 2]
        ]
        if kept:
            reply = forward(request._replace(body="".join(f"{line}\n" for line in kept).encode()))
            items: Iterator[Any] = iter(json.loads(reply.body)["items"])
        else:
            reply = forward(Request("GET", "/_cluster/health", request.headers, b""))
            items = iter(())
        answered: list[Any] = []
        for head in heads:
            [(operation, about)] = head.items()
            refused = not wanted or about["_id"] == wanted
            answered.append(
                {operation: {"_id": about["_id"], "status": status, "error": error}}
                if refused
                else next(items)
            )
        body = json.dumps({"errors": True, "items": answered})
        headers = {name: text for name, text in reply.headers.items() if name.lower() != "content-encoding"}
        return Reply(200, headers, body.encode())

    return refuse


class FaultTests(EngineTests, HttpFaults):
    creation: ClassVar = "POST /_bulk"
    replacement: ClassVar = "POST /_bulk"
    removal: ClassVar = "POST /_bulk"
    reading: ClassVar = "POST /_mget"
    statuses: ClassVar = (429, 500, 503)
    patience: ClassVar = 2.0

    @pytest.fixture
    def proxy(self, server: Server) -> Generator[HttpProxy]:
        with http_proxy(server) as proxy:
            yield proxy

    @pytest.fixture
    def opening(self, prefix: str, proxy: HttpProxy, make: Opening) -> Opening:
        return partial(make, url=proxy.url, index_prefix=prefix, index_settings=SETTINGS)

    async def test_what_a_busy_server_refuses_is_sent_again(self, behind: Any, proxy: HttpProxy) -> None:
        busy = '{"error": {"type": "es_rejected_execution_exception"}, "status": 429}'
        proxy.inject(answer(429, busy, content_type="application/json"), times=2)
        assert await behind.get("there") == {"n": 0}
        proxy.inject(change_items(429, "es_rejected_execution_exception"), part="/_bulk", times=2)
        assert await behind.put_if_absent("k", {"n": 1}) is True
        proxy.inject(change_items(429, "es_rejected_execution_exception", "b"), part="/_bulk", times=1)
        await behind.put_many(["a", "b", "c"], [{"n": 1}, {"n": 2}, {"n": 3}])
        assert await behind.get_many(["a", "b", "c"]) == [{"n": 1}, {"n": 2}, {"n": 3}]

    async def test_a_server_that_stays_busy_is_an_error_that_says_so(
        self, behind: Any, proxy: HttpProxy
    ) -> None:
        proxy.inject(change_items(429, "es_rejected_execution_exception"), part="/_bulk", times=ALWAYS)
        for write in (behind.put("k", {}), behind.put_if_absent("k", {}), behind.put_many(["k"], [{}])):
            with pytest.raises(StoreUnreachableError, match="too many, or one too large"):
                await write
        proxy.clear()
        assert await behind.get("k") is None

    async def test_an_item_that_is_refused_is_named(self, behind: Any, proxy: HttpProxy) -> None:
        proxy.inject(change_items(400, "strict_dynamic_mapping_exception", "b"), part="/_bulk", times=ALWAYS)
        with pytest.raises(KeyValueStoreError, match="1 of 3 keys") as caught:
            await behind.put_many(["a", "b", "c"], [{"n": 1}] * 3)
        assert "'b'" in str(caught.value)
        assert "secret value" not in str(caught.value)
        proxy.clear()
        assert await behind.get_many(["a", "b", "c"]) == [{"n": 1}, None, {"n": 1}]

    async def test_an_answer_of_something_else_is_an_error(self, behind: Any, proxy: HttpProxy) -> None:
        elastic = {"x_elastic_product": "Elasticsearch", "content_type": "application/json"}
        for body in ("{}", '{"items": []}', "[]", '{"docs": 5}'):
            proxy.inject(answer(200, body, **elastic), times=ALWAYS)
            calls = (
                behind.get("there"),
                behind.get_many(["there", "k"]),
                behind.put("k", {}),
                behind.delete("there"),
            )
            for call in calls:
                with pytest.raises(StoreConnectionError):
                    await call
            proxy.clear()
        assert await behind.get("there") == {"n": 0}

    async def test_a_part_of_a_list_is_an_error(self, behind: Any, proxy: HttpProxy) -> None:
        def lose_a_shard(request: Request, forward: Forward) -> Reply:
            reply = forward(request._replace(headers={**request.headers, "Accept-Encoding": "identity"}))
            found = json.loads(reply.body)
            # OpenSearch does not count this shard as failed.
            found["responses"][0]["_shards"]["total"] += 1
            return reply._replace(body=json.dumps(found).encode())

        proxy.inject(lose_a_shard, part="/_msearch", times=ALWAYS)
        for call in (behind.keys(), behind.collections(), behind.scan(), behind.cull(), behind.destroy()):
            with pytest.raises(StoreConnectionError, match="shard of an index could not be searched"):
                await call
        proxy.clear()
        proxy.inject(lose_a_shard, part="/_msearch", times=2)
        assert await behind.keys() == ["there"]

    async def test_a_refusal_is_no_miss(self, behind: Any, proxy: HttpProxy) -> None:
        body = '{"error": {"type": "security_exception"}}'
        proxy.inject(answer(403, body, content_type="application/json"), times=ALWAYS)
        for call in (behind.get("there"), behind.delete("there"), behind.keys(), behind.cull()):
            with pytest.raises(StoreAuthenticationError, match="lack a privilege: 403 security_exception"):
                await call

    async def test_what_is_too_large_is_an_error_that_says_so(self, behind: Any, proxy: HttpProxy) -> None:
        proxy.inject(answer(413, ""), part="/_bulk", times=ALWAYS)
        with pytest.raises(KeyValueStoreError, match="larger than the server accepts"):
            await behind.put("k", {"text": "x"})

    async def test_a_conditional_write_is_sent_once(self, behind: Any, proxy: HttpProxy) -> None:
        proxy.clear()
        proxy.inject(drop_reply, part="/_bulk")
        started = time.monotonic()
        assert await behind.put_if_absent("k", {"n": 1}) is True
        assert len([sent for sent in proxy.requests if "/_bulk" in sent.path]) == 1
        assert time.monotonic() - started < 60
