"""The S3 store, on SeaweedFS."""

import json
import tracemalloc
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, ClassVar, cast

import pytest
from aiobotocore.config import AioConfig
from typing_extensions import override

from key_value.aio.errors import DeserializationError, ValueTooLargeError
from key_value.aio.stores.s3 import (
    S3CollectionSanitizationStrategy,
    S3KeySanitizationStrategy,
    S3Store,
)
from key_value.aio.stores.s3 import store as store_module
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import ABILITIES, Opening
from tests import published as interop
from tests.published import Publish
from tests.servers.http_proxy import answer, http_proxy
from tests.servers.s3 import arguments, connected, contents
from tests.servers.server import Server


def published_opening(s3: Server, bucket: str) -> str:
    """Return the code that opens the same bucket with 0.5.0."""
    return (
        "from key_value.aio.stores.s3 import S3Store\n"
        f"store = S3Store(bucket_name={bucket!r}, **{arguments(s3)!r})"
    )


def document(n: int, **others: str) -> bytes:
    """Return a document of the 0.5 series, which contains neither its collection nor its key."""
    fields = {"created_at": "2026-01-01T00:00:00+00:00", "value": {"n": n}, "version": 1, **others}
    return json.dumps(fields, sort_keys=True).encode()


@pytest.fixture
async def store(s3: Server, bucket: str) -> AsyncIterator[S3Store]:
    async with S3Store(bucket_name=bucket, **arguments(s3)) as store:
        yield store


class TestS3Store(StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    # Each call takes milliseconds, and each entry is written and read by a separate request.
    model_examples: ClassVar = 3
    many: ClassVar = 301
    rivals: ClassVar = 2
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, s3: Server, bucket: str) -> Opening:
        return partial(S3Store, bucket_name=bucket, **arguments(s3))

    @override
    async def write_raw(self, store: Store, *, collection: str, key: str, data: bytes) -> None:
        ours = cast("S3Store", store)
        name = ours.names.address(collection, key)
        await ours.client.put_object(Bucket=ours.bucket_name, Key=name, Body=data)

    @override
    async def plant(self, store: Store, *, collection: str, key: str) -> None:
        await self.write_raw(store, collection=collection, key=key, data=b"[1]")

    @override
    async def test_deleted_entries_keep_no_memory(self, store: Store, collection: str) -> None:
        # The driver caches data about the last hundred keys or so.
        tracemalloc.start()
        for start in (-120, -60):
            await self._put_and_delete(store, collection, start)
        await super().test_deleted_entries_keep_no_memory(store, collection)


class TestDocuments:
    async def test_names_its_entry_in_the_document_of_0_5(
        self, store: S3Store, bucket: str, s3_client: Any
    ) -> None:
        await store.put("k", {"b": 1, "a": "é"}, collection="c", ttl=100)
        reply = s3_client.get_object(Bucket=bucket, Key="c/k")
        text = reply["Body"].read().decode()
        stored = json.loads(text)
        assert reply["ContentType"] == "application/json"
        assert text == json.dumps(stored, sort_keys=True)
        assert (stored["collection"], stored["key"], stored["version"]) == ("c", "k", 1)

    async def test_reads_what_0_5_wrote(
        self, store: S3Store, s3: Server, bucket: str, published: Publish
    ) -> None:
        entries = {**interop.ENTRIES, "example.com/a?b=c&d": {"n": 1}, "%2F": {"n": 2}}
        published("s3").write(published_opening(s3, bucket), "people", entries)
        await interop.check(store, "people", entries)
        assert sorted(await store.keys("people")) == sorted(entries)
        assert await store.collections() == ["people", "people-ttl"]
        assert await store.delete_many([*entries, "none"], collection="people") == len(entries)
        assert await store.pop("%2F", collection="people-ttl") == {"n": 2}
        assert await store.destroy() is True

    async def test_0_5_reads_what_this_writes(
        self, store: S3Store, s3: Server, bucket: str, published: Publish
    ) -> None:
        await interop.write(store, "people")
        published("s3").check(published_opening(s3, bucket), "people")

    async def test_finds_and_moves_what_0_5_kept_under_a_plain_name(
        self, store: S3Store, bucket: str, s3_client: Any
    ) -> None:
        for n, name in enumerate(("c/a/b", "c/x/y", "a/b/k", "c/https://example.com/1")):
            s3_client.put_object(Bucket=bucket, Key=name, Body=document(n))
        assert await store.get("a/b", collection="c") == {"n": 0}
        assert await store.get("k", collection="a/b") == {"n": 2}
        assert await store.get("https://example.com/1", collection="c") == {"n": 3}
        assert await store.pop("https://example.com/1", collection="c") == {"n": 3}
        assert sorted(await store.keys("c")) == ["a/b", "x/y"]
        await store.put("a/b", {"n": 3}, collection="c")
        assert await store.put_if_absent("x/y", {}, collection="c") is False
        assert await store.delete("k", collection="a/b") is True
        assert set(contents(s3_client, bucket)) == {"%/conditions", "c/a%2Fb", "c/x%2Fy"}

    async def test_what_reads_like_an_escaped_name_is_not_taken_for_it(
        self, store: S3Store, bucket: str, s3_client: Any
    ) -> None:
        s3_client.put_object(Bucket=bucket, Key="c/a%2Fb", Body=document(1))
        s3_client.put_object(Bucket=bucket, Key="x%2Fy/%2F", Body=document(2))
        assert await store.get("a/b", collection="c") is None
        assert await store.delete("a/b", collection="c") is False
        assert await store.get("a%2Fb", collection="c") == {"n": 1}
        assert await store.get("/", collection="x/y") is None
        assert await store.get("%2F", collection="x%2Fy") == {"n": 2}

    async def test_an_expired_entry_is_left_to_cull(
        self, store: S3Store, bucket: str, s3_client: Any
    ) -> None:
        dead = document(1, expires_at="2026-01-01T00:00:01+00:00")
        s3_client.put_object(Bucket=bucket, Key="c/dead", Body=dead)
        await store.put("alive", {"n": 1}, collection="c", ttl=1000)
        assert await store.get("dead", collection="c") is None
        assert "c/dead" in contents(s3_client, bucket)
        await store.cull()
        assert set(contents(s3_client, bucket)) == {"%/conditions", "c/alive"}

    async def test_what_others_stored_is_neither_listed_nor_removed(
        self, store: S3Store, bucket: str, s3_client: Any
    ) -> None:
        copied = json.dumps({"collection": "c", "key": "k", "value": {}, "version": 1})
        foreign = {
            "top": "text",
            "c/image": "\x01",
            "c/settings": '{"n": 1}',
            "c/list": "[1]",
            "c/copy": copied,
        }
        for name, text in foreign.items():
            s3_client.put_object(Bucket=bucket, Key=name, Body=text.encode())
        await store.put("mine", {"n": 1}, collection="c")
        assert await store.keys("c") == ["mine"]
        assert await store.collections() == ["c"]
        # Another object is at the address where 0.5 would have stored the entry.
        s3_client.put_object(Bucket=bucket, Key="c/a/settings", Body=b'{"n": 1}')
        await store.put("a/settings", {}, collection="c")
        with pytest.raises(DeserializationError, match="settings"):
            await store.get("settings", collection="c")
        await store.destroy()
        assert set(contents(s3_client, bucket)) == {*foreign, "c/a/settings"}

    async def test_what_s3_cannot_hold_is_not_sent(
        self, store: S3Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store_module, "MAX_BYTES", 1000)
        with pytest.raises(ValueTooLargeError):
            await store.put("k", {"text": "x" * 1000})
        assert await store.get("k") is None


class TestNames:
    async def test_no_two_entries_have_one_object(self, store: S3Store) -> None:
        keys = [
            "k",
            "k/1",
            "k//1",
            "/k",
            "k/",
            "k\\1",
            "a b",
            "a+b",
            "a%20b",
            "100%",
            "%",
            "",
            ".",
            "..",
            "%2F",
        ]
        keys += ["K", "é", "e\u0301", "\x00", "\x7f", "\ufffe", "k" * 255, "k" * 256, "k" * 2000, "\ud800"]
        collections = ["c", "c/k", "c/", "C", ".", "..", ".uploads", "x.versions", "%", "c" * 1000]
        for collection in collections:
            values = [{"n": n, "in": collection} for n in range(len(keys))]
            await store.put_many(keys, values, collection=collection)
        for collection in collections:
            values = [{"n": n, "in": collection} for n in range(len(keys))]
            assert await store.get_many(keys, collection=collection) == values
            assert sorted(await store.keys(collection)) == sorted(keys)
        assert sorted(await store.collections()) == sorted(collections)
        assert await store.delete("k", collection="c") is True
        assert await store.get("k/1", collection="c") == {"n": 1, "in": "c"}

    async def test_a_prefix_is_sought_by_the_server(self, s3: Server, bucket: str) -> None:
        with http_proxy(s3) as proxy:
            others = arguments(s3, endpoint_url=proxy.url)
            async with S3Store(bucket_name=bucket, **others) as store:
                await store.put_many(["User-é1", "User-é2", "User-e", "x"], [{}, {}, {}, {}], collection="c")
                proxy.clear()
                page = await store.scan("c", prefix="User-é")
        assert sorted(page.keys) == ["User-é1", "User-é2"]
        assert [request.method for request in proxy.requests] == ["GET"] * 3

    async def test_strategies_of_0_5_find_their_entries(
        self, s3: Server, bucket: str, published: Publish
    ) -> None:
        made = "{name}=S3{part}SanitizationStrategy(max_bytes=40)"
        strategies = ", ".join(
            made.format(name=f"{part.lower()}_sanitization_strategy", part=part)
            for part in ("Key", "Collection")
        )
        opening = (
            "from key_value.aio.stores.s3 import *\n"
            f"store = S3Store(bucket_name={bucket!r}, {strategies}, **{arguments(s3)!r})"
        )
        collection, key = "c" * 30 + "é" * 20, "k/" * 30
        put = {"key": key, "value": {"n": 1}, "collection": collection}
        published("s3").run(opening, ("put", put))
        async with S3Store(
            bucket_name=bucket,
            key_sanitization_strategy=S3KeySanitizationStrategy(max_bytes=40),
            collection_sanitization_strategy=S3CollectionSanitizationStrategy(max_bytes=40),
            **arguments(s3),
        ) as store:
            assert await store.get(key, collection=collection) == {"n": 1}
            await store.put(key, {"n": 2}, collection=collection)
            assert await store.get(key, collection=collection) == {"n": 2}
            assert await store.keys(collection) == [key]

    def test_strategies_keep_at_least_a_hash(self) -> None:
        with pytest.raises(ValueError, match="16"):
            S3KeySanitizationStrategy(max_bytes=15)


class TestForms:
    async def test_a_client_of_yours_stays_open(self, s3: Server, bucket: str) -> None:
        async with connected(s3) as client:
            async with S3Store(client=client, bucket_name=bucket) as store:
                await store.put("k", {"n": 1})
                assert store.client is client
                assert store.location == f"http://{s3.host}:{s3.port}/{bucket}"
            assert (await client.list_objects_v2(Bucket=bucket))["KeyCount"] == 2

    async def test_takes_a_configuration(self, s3: Server, bucket: str) -> None:
        config = AioConfig(max_pool_connections=3, retries={"total_max_attempts": 1})
        async with S3Store(bucket_name=bucket, config=config, **arguments(s3)) as store:
            assert store.client.meta.config.max_pool_connections == 3
            assert store.client.meta.config.read_timeout == store.timeout

    @pytest.mark.parametrize(
        ("style", "url"), [("virtual", "http://bucket.s3.test/k"), ("path", "http://s3.test/bucket/k")]
    )
    async def test_addresses_the_bucket_in_either_style(self, style: Any, url: str) -> None:
        async with S3Store(
            bucket_name="bucket",
            endpoint_url="http://s3.test",
            region_name="us-east-1",
            addressing_style=style,
            aws_access_key_id="id",
            aws_secret_access_key="secret",
        ) as store:
            parameters = {"Bucket": "bucket", "Key": "k"}
            signed = await store.client.generate_presigned_url("get_object", Params=parameters)
        assert signed.partition("?")[0] == url

    async def test_the_server_encrypts_with_a_key_of_yours(
        self, s3: Server, bucket: str, s3_client: Any
    ) -> None:
        async with S3Store(bucket_name=bucket, sse_customer_key=b"k" * 32, **arguments(s3)) as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}
            assert await store.pop("k") == {"n": 1}
            await store.put("k", {"n": 1})
        with pytest.raises(s3_client.exceptions.ClientError, match="customer"):
            s3_client.get_object(Bucket=bucket, Key="default_collection/k")
        with pytest.raises(ValueError, match="32 bytes"):
            S3Store(bucket_name=bucket, sse_customer_key=b"short")

    async def test_objects_are_stored_as_the_options_say(self, s3: Server, bucket: str) -> None:
        with http_proxy(s3) as proxy:
            others = arguments(s3, endpoint_url=proxy.url)
            async with S3Store(
                bucket_name=bucket,
                server_side_encryption="aws:kms",
                sse_kms_key_id="key",
                put_options={"StorageClass": "STANDARD_IA"},
                **others,
            ) as store:
                store._is_prepared = True
                proxy.inject(answer(200, ETag='"etag"'), method="PUT")
                await store.put("k", {})
        headers = proxy.requests[-1].headers
        assert headers["x-amz-server-side-encryption"] == "aws:kms"
        assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "key"
        assert headers["x-amz-storage-class"] == "STANDARD_IA"

    async def test_a_profile_gives_credentials_and_endpoint(
        self, s3: Server, bucket: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = arguments(s3)
        file = tmp_path / "config"
        lines = [f"{name} = {given[name]}" for name in ("endpoint_url", "aws_access_key_id")]
        lines += [f"aws_secret_access_key = {given['aws_secret_access_key']}", "region = us-east-1"]
        file.write_text("\n".join(["[profile people]", *lines]))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
        async with S3Store(bucket_name=bucket, profile_name="people") as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}
