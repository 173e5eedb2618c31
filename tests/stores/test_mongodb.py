import asyncio
import gc
import signal
import struct
import traceback
from collections.abc import AsyncIterator, Awaitable, Generator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from bson import encode
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from typing_extensions import override

from key_value.aio.errors import (
    KeyValueStoreError,
    OutcomeUnknownError,
    SerializationError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreSetupError,
    StoreTimeoutError,
)
from key_value.aio.stores.mongodb import MongoDBStore
from key_value.aio.stores.mongodb.driver import make_client
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.answering import answering
from tests.servers.certificates import make_certificates
from tests.servers.mongodb import Process, node, secured
from tests.servers.processes import free_port
from tests.servers.server import Server

# A closed PyMongo client leaves a connection that it was still opening to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning"
)

HELD = {key: value for key, value in interop.ENTRIES.items() if key != "numbers"} | {
    "numbers": {"negative": -(2**63), "float": 0.1, "tiny": 5e-324, "whole": 1e22, "long": 2**40}
}
"""What both libraries can store in BSON."""


def published_opening(server: Server, database: str) -> str:
    """Return the code that opens the same database with 0.5.0."""
    return (
        "from key_value.aio.stores.mongodb import MongoDBStore\n"
        f"store = MongoDBStore(url={server.url!r}, db_name={database!r})"
    )


class MongoDBConformance(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    # Each call takes milliseconds.
    model_examples: ClassVar = 5
    many: ClassVar = 1_201

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        kv = self.documents(store, collection)
        await kv.update_one({"key": key}, {"$set": {"value": data}})

    @override
    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        await self.documents(store, collection).insert_one({"key": key, "items": [1]})

    def documents(self, store: Store, collection: str) -> Any:
        ours = cast("MongoDBStore", store)
        return ours.client[ours.db_name][ours.names.collection(collection)]


# A loop that ends during a call leaves pymongo's client open, and its coroutines behind.
@pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:Unclosed AsyncMongoClient:ResourceWarning")
class TestMongoDBStore(MongoDBConformance):
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, mongodb: Server, database: str) -> Opening:
        return partial(MongoDBStore, url=mongodb.url, db_name=database)

    @pytest.fixture
    async def store(self, opening: Opening) -> AsyncIterator[MongoDBStore]:
        async with opening() as store:
            yield store

    async def test_stores_the_documents_of_the_0_5_series(self, store: MongoDBStore) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        document = await self.documents(store, "c").find_one({"key": "k"})
        assert {name: document[name] for name in ("key", "collection", "value", "version")} == {
            "key": "k",
            "collection": "c",
            "value": {"object": {"b": 1, "a": "é"}},
            "version": 1,
        }
        assert document["expires_at"] > document["created_at"]
        await store.put("k", {}, collection="c")
        assert "expires_at" not in await self.documents(store, "c").find_one({"key": "k"})

    async def test_reads_what_0_5_wrote(
        self, store: MongoDBStore, mongodb: Server, database: str, published: Publish
    ) -> None:
        published("mongodb").write(published_opening(mongodb, database), "people", HELD)
        await interop.check(store, "people", HELD)
        version = await store.get_versioned("plain", collection="people")
        assert version is not None
        assert await store.put_if_version("plain", {"n": 1}, version=version.version, collection="people")
        assert await store.put_if_absent("plain", {}, collection="people") is False

    async def test_0_5_reads_what_this_writes(
        self, store: MongoDBStore, mongodb: Server, database: str, published: Publish
    ) -> None:
        await store.put_many(list(HELD), list(HELD.values()), collection="people")
        await store.put_many(list(HELD), list(HELD.values()), collection="people-ttl", ttl=interop.TTL)
        await store.put_many(list(HELD), [{"old": 1}] * len(HELD), collection="theirs", ttl=1000)
        opening = published_opening(mongodb, database)
        keys = list(HELD)
        values, timed, _ = published("mongodb").run(
            opening,
            ("get_many", {"keys": keys, "collection": "people"}),
            ("ttl_many", {"keys": keys, "collection": "people-ttl"}),
            ("put", {"key": "plain", "value": {"new": 1}, "collection": "theirs"}),
        )
        assert dict(zip(keys, values, strict=True)) == HELD
        assert all(interop.TTL - 600 < seconds <= interop.TTL for _, seconds in timed)
        assert await store.get("plain", collection="theirs") == {"new": 1}

    async def test_0_5_changes_the_version(
        self, store: MongoDBStore, mongodb: Server, database: str, published: Publish
    ) -> None:
        await store.put("k", {"n": 1}, collection="c")
        found = await store.get_versioned("k", collection="c")
        assert found is not None
        put = ("put", {"key": "k", "value": {"n": 2}, "collection": "c"})
        published("mongodb").run(published_opening(mongodb, database), put)
        assert await store.put_if_version("k", {"n": 3}, version=found.version, collection="c") is None
        assert await store.get("k", collection="c") == {"n": 2}

    async def test_the_newest_of_several_documents_wins(self, store: MongoDBStore) -> None:
        kv = self.documents(store, "c")
        await kv.create_index("key")
        for n in (3, 1, 2):
            created = datetime(2025, 1, n, tzinfo=timezone.utc)
            document = {"key": "k", "collection": "c", "value": {"object": {"n": n}}, "version": 1}
            await kv.insert_one({**document, "created_at": created})
        assert await store.get("k", collection="c") == {"n": 3}
        assert await store.put_if_absent("k", {"n": 4}, collection="c") is False
        assert await kv.count_documents({}) == 1
        assert await store.get("k", collection="c") == {"n": 3}
        aside = await store.client[store.db_name]["kv_duplicates"].find().to_list()
        assert sorted(document["value"]["object"]["n"] for document in aside) == [1, 2]
        assert await store.collections() == ["c"]

    async def test_every_collection_has_its_indexes(self, store: MongoDBStore) -> None:
        kv = self.documents(store, "c")
        await kv.create_index("key")
        await store.put("k", {}, collection="c")
        indexes = await kv.index_information()
        assert indexes["kv_key"]["unique"] is True
        assert indexes["expires_at_1"]["expireAfterSeconds"] == 0

    async def test_an_index_of_somebody_else_stays(self, store: MongoDBStore) -> None:
        kv = self.documents(store, "c")
        await kv.create_index("expires_at")
        await store.put("k", {"n": 1}, collection="c", ttl=60)
        assert "expireAfterSeconds" not in (await kv.index_information())["expires_at_1"]

    async def test_a_dropped_collection_gets_its_indexes_again(self, store: MongoDBStore) -> None:
        await store.put("k", {"n": 0}, collection="c")
        await self.documents(store, "c").drop()
        claims = [await store.put_if_absent("k", {"n": n}, collection="c", ttl=60) for n in range(3)]
        assert claims == [True, False, False]
        indexes = await self.documents(store, "c").index_information()
        assert indexes["kv_key"]["unique"] is True
        assert indexes["expires_at_1"]["expireAfterSeconds"] == 0

    async def test_a_dropped_index_is_made_again_once_it_is_needed(self, store: MongoDBStore) -> None:
        await store.put("hint", {"n": 0}, collection="c")
        await self.documents(store, "c").drop_index("kv_key")
        assert await store.put_if_absent("hint", {"n": 1}, collection="c") is False
        assert await store.put_if_absent("hint", {"n": 2}, collection="c") is False
        assert await store.get("hint", collection="c") == {"n": 0}

    async def test_a_unique_index_of_another_name_serves(self, store: MongoDBStore) -> None:
        await self.documents(store, "c").create_index("key", unique=True)
        claims = [await store.put_if_absent("k", {"n": n}, collection="c") for n in range(2)]
        assert claims == [True, False]
        await self.documents(store, "c").drop()
        claims = [await store.put_if_absent("k", {"n": n}, collection="c") for n in range(2)]
        assert claims == [True, False]

    async def test_put_if_absent_is_refused_without_a_unique_index(self, store: MongoDBStore) -> None:
        kv = self.documents(store, "c")
        await kv.create_index("key", name="kv_key")
        await store.put("k", {"n": 1}, collection="c")
        with pytest.raises(KeyValueStoreError, match="put_if_absent needs a unique index on `key` in 'c'"):
            await store.put_if_absent("k", {"n": 2}, collection="c")
        await kv.drop_index("kv_key")
        await kv.create_index("key", name="kv_key", unique=True)
        assert await store.put_if_absent("k", {"n": 2}, collection="c") is False
        assert await store.put_if_absent("j", {"n": 2}, collection="c") is True

    async def test_an_index_of_somebody_else_that_refuses_an_entry_says_so(self, store: MongoDBStore) -> None:
        """Neither the error nor its cause, which appears in logs, quotes a value."""
        await self.documents(store, "c").create_index("value.object.n", unique=True)
        entry = {"n": 1, "token": "secret"}
        await store.put("there", entry, collection="c")
        calls: list[Awaitable[Any]] = [
            store.put("k", entry, collection="c"),
            store.put_many(["k", "l"], [entry, entry], collection="c"),
            store.put_if_absent("k", entry, collection="c"),
        ]
        for call in calls:
            with pytest.raises(KeyValueStoreError, match="duplicate key error") as caught:
                await asyncio.wait_for(call, 20)
            assert "secret" not in "".join(traceback.format_exception(caught.value))

    async def test_objects_set_up_a_collection_together(self, opening: Opening) -> None:
        stores = [opening() for _ in range(8)]
        await asyncio.gather(*(store.put("k", {}, collection="c") for store in stores))
        await asyncio.gather(*(store.close() for store in stores))

    async def test_what_looks_like_an_expression_is_a_value(self, store: MongoDBStore) -> None:
        value = {"a": "$secret", "b": "$$NOW", "$set": {"x.y": {"$ref": "c", "$id": 1}}}
        await store.put("k", value)
        assert await store.put_if_absent("l", value)
        assert await store.get_many(["k", "l"]) == [value, value]

    @pytest.mark.parametrize("value", [2**63, "\ud800", {"a\0b": 1}, interop.ENTRIES["numbers"]])
    async def test_stores_as_text_what_bson_cannot_hold(self, store: MongoDBStore, value: Any) -> None:
        await store.put_many(["k", "l"], [{}, {"value": value}])
        assert await store.get_many(["k", "l"]) == [{}, {"value": value}]
        document = await self.documents(store, store.default_collection).find_one({"key": "l"})
        assert list(document["value"]) == ["json"]

    async def test_refuses_a_document_of_more_than_16_mib(self, store: MongoDBStore) -> None:
        with pytest.raises(SerializationError, match="16 MiB"):
            await store.put_many(["k", "l"], [{}, {"text": "x" * 17_000_000}])
        assert await store.get_many(["k", "l"]) == [None, None]

    async def test_a_put_replaces_the_whole_document(self, store: MongoDBStore) -> None:
        await store.put("k", {"n": 1})
        kv = self.documents(store, store.default_collection)
        await kv.update_one({"key": "k"}, {"$set": {"foreign": 1}})
        await store.put("k", {"n": 2})
        assert "foreign" not in await kv.find_one({"key": "k"})

    async def test_what_others_stored_is_neither_listed_nor_removed(self, store: MongoDBStore) -> None:
        await store.put("k", {"n": 1}, collection="c")
        await self.documents(store, "c").insert_one({"name": "foreign"})
        await self.documents(store, "theirs").insert_one({"key": "k", "name": "foreign"})
        assert await store.collections() == ["c"]
        assert await store.keys("theirs") == []
        assert await store.destroy() is True
        assert await self.documents(store, "c").count_documents({}) == 1
        assert await self.documents(store, "theirs").count_documents({}) == 1

    async def test_a_long_collection_is_listed_under_its_name(self, store: MongoDBStore) -> None:
        names = ["é" * 300, "system.users", "a$b", "..", "kv_duplicates"]
        for name in names:
            await store.put("k", {}, collection=name)
            assert await store.keys(name) == ["k"]
        assert sorted(await store.collections()) == sorted(names)

    async def test_a_missing_collection_is_refused_without_auto_create(
        self, mongodb: Server, database: str
    ) -> None:
        async with MongoDBStore(url=mongodb.url, db_name=database, auto_create=False) as store:
            with pytest.raises(StoreSetupError, match="does not exist"):
                await store.put("k", {})
            assert await store.get("k") is None

    async def test_a_client_of_any_options_is_used_and_stays_open(
        self, mongodb: Server, database: str
    ) -> None:
        options: dict[str, Any] = {"w": 0, "tz_aware": True, "readPreference": "secondaryPreferred"}
        async with AsyncMongoClient[Any](mongodb.url, **options) as client:
            async with MongoDBStore(client=client, db_name=database, coll_name="named") as store:
                assert await store.put_if_absent("k", {"n": 1}, ttl=60)
                assert await store.put_if_absent("k", {"n": 2}) is False
                assert await store.get("k") == {"n": 1}
                assert await store.collections() == ["named"]
            assert await client[database]["named"].count_documents({}) == 1

    async def test_a_client_of_another_event_loop_is_said_to_be_one(
        self, mongodb: Server, database: str
    ) -> None:
        async with AsyncMongoClient[Any](mongodb.url) as client:
            store = MongoDBStore(client=client, db_name=database)
            await store.put("k", {"n": 1})
            with pytest.raises(StoreConnectionError, match="belongs to another event loop"):
                await asyncio.to_thread(asyncio.run, store.get("k"))

    async def test_options_of_the_client(self, mongodb: Server, database: str) -> None:
        options = {"maxPoolSize": 2, "appname": "kv"}
        async with MongoDBStore(url=mongodb.url, db_name=database, client_options=options) as store:
            await asyncio.gather(*(store.put(str(n), {"n": n}) for n in range(50)))
            assert len(await store.keys()) == 50
            assert store.client.options.pool_options.max_pool_size == 2
            assert store.client.options.retry_writes is False

    def test_refuses_unacknowledged_writes_and_other_urls(self) -> None:
        with pytest.raises(ValueError, match="acknowledged"):
            MongoDBStore(write_concern=WriteConcern(w=0))
        with pytest.raises(ValueError, match="mongodb://"):
            MongoDBStore(url="http://localhost")
        assert "secret" not in repr(MongoDBStore(url="mongodb://me:secret@host/?tls=true"))
        with pytest.raises(ValueError, match="percent-encode") as caught:
            MongoDBStore(url="mongodb://me:\u2100secret@host")
        assert "secret" not in str(caught.value)
        assert caught.value.__suppress_context__


@pytest.fixture(scope="module")
def secured_mongodb(mongodb_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with secured(tmp_path_factory.mktemp("mongodb")) as server:
        yield server


class TestSecurity:
    """TLS and a password."""

    async def test_connects(self, secured_mongodb: Server) -> None:
        async with MongoDBStore(url=secured_mongodb.url) as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}
            assert "p@ss" not in repr(store)
        options = {"tls": True, "tlsCAFile": secured_mongodb.option("tlsCAFile"), "username": "kv"}
        url = f"mongodb://{secured_mongodb.host}:{secured_mongodb.port}/?directConnection=true"
        async with MongoDBStore(url=url, client_options={**options, "password": "p@ss:w/r d"}) as store:
            assert await store.get("k") == {"n": 1}

    async def test_a_wrong_password_is_no_connection_error(self, secured_mongodb: Server) -> None:
        url = secured_mongodb.url.replace("p%40ss%3Aw%2Fr%20d", "mistaken")
        without = secured_mongodb.url.replace("kv:p%40ss%3Aw%2Fr%20d@", "")
        for each in (url, without):
            async with MongoDBStore(url=each) as store:
                for call in (store.get("k"), store.put("k", {}), store.put_if_absent("k", {}), store.keys()):
                    with pytest.raises(StoreAuthenticationError) as caught:
                        await call
                    assert not isinstance(caught.value, ConnectionError)
                    assert "mistaken" not in str(caught.value)

    async def test_trusts_no_unknown_certificate(self, secured_mongodb: Server, tmp_path: Path) -> None:
        other = make_certificates(tmp_path).authority
        url = secured_mongodb.url.replace(secured_mongodb.option("tlsCAFile"), str(other))
        async with MongoDBStore(url=url, timeout=2.0) as store:
            with pytest.raises(StoreConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await store.get("k")


class TestAnswers:
    """Replies of a replica set, a shard or another user's collection."""

    async def test_an_unmet_write_concern_is_no_failed_write(self, mongodb: Server, database: str) -> None:
        """The write was applied, but on fewer members than required."""
        concern = WriteConcern(w=3, wtimeout=50)
        async with MongoDBStore(url=mongodb.url, db_name=database, write_concern=concern) as store:
            with pytest.raises(OutcomeUnknownError):
                await store.put("k", {"n": 1})
            with pytest.raises(OutcomeUnknownError):
                await store.put_many(["a", "b"], [{"n": 2}, {"n": 3}])
            # The claim is confirmed by a read.
            assert await store.put_if_absent("new", {"n": 4}) is True
            assert await store.put_if_absent("new", {"n": 5}) is False
            found = await store.get_many(["k", "a", "b", "new"])
            assert found == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]

    async def test_reads_ask_the_primary_for_what_is_acknowledged(
        self, mongodb: Server, database: str
    ) -> None:
        commands = Commands()
        options: dict[str, Any] = {
            "readPreference": "secondaryPreferred",
            "event_listeners": [commands],
        }
        async with MongoDBStore(url=mongodb.url, db_name=database, client_options=options) as store:
            await store.put("k", {"n": 1})
            assert await store.get_many(["k", "l"]) == [{"n": 1}, None]
            assert await store.get_versioned("k") is not None
            await store.keys()
        finds = [command for name, command in commands.sent if name == "find"]
        assert finds
        modes = {command.get("$readPreference", {"mode": "primary"})["mode"] for command in finds}
        # A directly addressed server is used whatever its role.
        assert modes <= {"primary", "primaryPreferred"}

    async def test_an_upsert_that_meets_another_is_sent_again(self, mongodb: Server, database: str) -> None:
        """If two upserts of one missing key compete, the server rejects the second one."""
        proxy = DuplicateKeys(mongodb)
        async with answering(proxy.relay) as port:
            url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
            async with MongoDBStore(url=url, db_name=database) as store:
                await store.put("other", {})
                proxy.refused = [0]
                await store.put("k", {"n": 1})
                proxy.refused = [1, 2]
                await store.put_many(["k", "l", "m"], [{"n": 2}, {"n": 3}, {"n": 4}])
                assert await store.get_many(["k", "l", "m"]) == [{"n": 2}, {"n": 3}, {"n": 4}]
                proxy.refused = [0]
                assert await store.put_if_absent("claimed", {}) is False
            assert proxy.refused == []

    async def test_a_collection_with_a_collation_is_refused(self, store: MongoDBStore) -> None:
        """With a collation, "Tok" and "tok" can be the same key."""
        database = store.client[store.db_name]
        await database.create_collection("folding", collation={"locale": "en", "strength": 2})
        with pytest.raises(StoreSetupError, match="collation"):
            await store.put("k", {}, collection="folding")

    @pytest.fixture
    async def store(self, mongodb: Server, database: str) -> AsyncIterator[MongoDBStore]:
        async with MongoDBStore(url=mongodb.url, db_name=database) as store:
            yield store

    def test_retries_are_those_of_the_url(self) -> None:
        """Amazon DocumentDB rejects retryable writes; a keyword argument would override the URL."""
        for stated, expected in (("retryWrites=false", False), ("retryWrites=true", True), ("", False)):
            client = make_client(f"mongodb://127.0.0.1:1/?{stated}", 1.0, {})
            assert client.options.retry_writes is expected


class Commands(CommandListener):
    """Listener that records the commands of a client."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    @override
    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append((event.command_name, dict(event.command)))

    @override
    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    @override
    def failed(self, event: CommandFailedEvent) -> None: ...


class DuplicateKeys:
    """A proxy that rejects some upserts of the next command as a unique index does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.refused: list[int] = []
        """Which updates of the next command are refused."""

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond, to = await asyncio.open_connection(self._server.host, self._server.port)
        while request := await _message(reader):
            to.write(request)
            reply = await _message(beyond)
            if self.refused and b"update\x00" in request:
                reply = self._refusal(reply)
            if not writer.is_closing():
                writer.write(reply)
        to.close()

    def _refusal(self, reply: bytes) -> bytes:
        """Return the reply as if other clients had stored documents with those keys."""
        errors = [{"index": n, "code": 11000, "errmsg": "E11000 duplicate key"} for n in self.refused]
        self.refused = []
        # A header of 16 bytes, the flags, and one section of kind 0.
        body = encode({"ok": 1.0, "n": 0, "nModified": 0, "writeErrors": errors})
        return struct.pack("<i", 21 + len(body)) + reply[4:21] + body


async def _message(reader: asyncio.StreamReader) -> bytes:
    try:
        length = await reader.readexactly(4)
    except asyncio.IncompleteReadError:
        return b""
    return length + await reader.readexactly(struct.unpack("<i", length)[0] - 4)


@pytest.mark.usefixtures("mongodb")
class TestFailures:
    async def test_no_server_is_a_connection_error(self) -> None:
        async with MongoDBStore(url=f"mongodb://127.0.0.1:{free_port()}", timeout=2.0) as store:
            for call in (store.get("k"), store.put("k", {}), store.keys(), store.pop("k")):
                with pytest.raises((StoreConnectionError, StoreTimeoutError)):
                    await call

    async def test_survives_the_ends_of_its_server(self, tmp_path: Path) -> None:
        """Every acknowledged write survives SIGTERM and SIGSTOP; SecantusDB loses all data on SIGKILL."""
        server = Server(f"mongodb://127.0.0.1:{free_port()}/?directConnection=true")
        acknowledged: dict[str, int] = {}
        async with MongoDBStore(url=server.url, timeout=2.0) as store:
            with node(server, storage=str(tmp_path / "data")) as process:
                await write_until_it_fails(store, acknowledged, "a", process, signal.SIGSTOP)
                process.send_signal(signal.SIGCONT)
                await write_until_it_fails(store, acknowledged, "b", process, signal.SIGTERM)
            with node(server, storage=str(tmp_path / "data")) as process:
                found = await store.get_many(list(acknowledged))
                assert found == [{"n": n} for n in acknowledged.values()]
                await write_until_it_fails(store, {}, "c", process, signal.SIGKILL)
            with node(server, storage=str(tmp_path / "data")):
                await store.put("again", {"n": 1})
                assert await store.get("again") == {"n": 1}
        # PyMongo leaves a half-open connection to the collector; collect it while its warning is ignored.
        gc.collect()


async def write_until_it_fails(
    store: MongoDBStore, acknowledged: dict[str, int], name: str, process: Process, number: signal.Signals
) -> None:
    """Write from several tasks, signal the server, and check that every task ends with a store error."""

    async def write(task: int) -> None:
        n = 0
        while True:
            key = f"{name}-{task}-{n}"
            await store.put(key, {"n": n})
            acknowledged[key] = n
            n += 1

    enough = len(acknowledged) + 20
    tasks = [asyncio.create_task(write(task)) for task in range(5)]
    while len(acknowledged) < enough and not any(task.done() for task in tasks):
        await asyncio.sleep(0.01)
    process.send_signal(number)
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, (StoreConnectionError, StoreTimeoutError)) for error in errors), errors
    with pytest.raises((StoreConnectionError, StoreTimeoutError)):
        await store.get("none")
