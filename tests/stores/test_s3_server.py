"""The S3 store with lost requests, lost replies, missing conditions or missing permissions."""

import asyncio
import datetime
import json
import time
from collections.abc import AsyncIterator, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config

from key_value.aio.errors import (
    KeyValueStoreError,
    OutcomeUnknownError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreSetupError,
    StoreTimeoutError,
)
from key_value.aio.stores.s3 import S3Store
from tests.servers.http_proxy import (
    HttpProxy,
    answer,
    cut_body,
    drop_reply,
    http_proxy,
    strip_headers,
)
from tests.servers.processes import free_port
from tests.servers.s3 import arguments
from tests.servers.server import Server

ALWAYS = 1_000
DOCUMENT = b'{"created_at": "2026-01-01T00:00:00+00:00", "value": {"n": 1}, "version": 1}'
"""One of the 0.5 series."""


@pytest.fixture(scope="module")
def module_proxy(s3_server: Server) -> Generator[HttpProxy]:
    with http_proxy(s3_server) as proxy:
        yield proxy


@pytest.fixture
def proxy(module_proxy: HttpProxy) -> HttpProxy:
    module_proxy.clear()
    return module_proxy


def through(proxy: HttpProxy, bucket: str, **others: Any) -> S3Store:
    return S3Store(bucket_name=bucket, **arguments(proxy.server, endpoint_url=proxy.url, **others))


@pytest.fixture
async def store(proxy: HttpProxy, bucket: str) -> AsyncIterator[S3Store]:
    """Yield a store that has already written."""
    async with through(proxy, bucket) as store:
        await store.put("k", {"n": 1})
        proxy.clear()
        yield store


def error(code: str) -> str:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"


def methods(proxy: HttpProxy) -> list[str]:
    return [request.method for request in proxy.requests]


class TestLostReplies:
    @pytest.mark.parametrize("lost", [1, 2])
    async def test_a_claim_knows_that_it_was_stored(
        self, store: S3Store, proxy: HttpProxy, lost: int
    ) -> None:
        proxy.inject(drop_reply, method="PUT", times=lost)
        assert await store.put_if_absent("claim", {"n": 1}) is True
        assert await store.get("claim") == {"n": 1}

    async def test_a_claim_of_another_is_not_taken_for_ones_own(
        self, store: S3Store, proxy: HttpProxy
    ) -> None:
        proxy.inject(drop_reply, method="PUT")
        assert await store.put_if_absent("k", {"n": 2}) is False

    async def test_a_new_version_is_returned(self, store: S3Store, proxy: HttpProxy) -> None:
        found = await store.get_versioned("k")
        assert found is not None
        proxy.inject(drop_reply, method="PUT")
        version = await store.put_if_version("k", {"n": 2}, version=found.version)
        now = await store.get_versioned("k")
        assert now is not None
        assert now.version == version

    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    async def test_a_popped_value_has_a_winner(self, store: S3Store, proxy: HttpProxy, method: str) -> None:
        proxy.inject(drop_reply, method=method, times=2)
        assert await store.pop("k") == {"n": 1}
        assert await store.pop("k") is None
        assert await store.get("k") is None

    async def test_an_outcome_that_nobody_knows_is_said_to_be_so(
        self, store: S3Store, proxy: HttpProxy
    ) -> None:
        proxy.inject(drop_reply, method="PUT", times=ALWAYS)
        proxy.inject(drop_reply, method="GET", times=ALWAYS)
        with pytest.raises(OutcomeUnknownError):
            await store.put_if_absent("claim", {"n": 1})

    async def test_a_put_is_sent_again(self, store: S3Store, proxy: HttpProxy) -> None:
        proxy.inject(drop_reply, method="PUT", times=3)
        await store.put("k", {"n": 2})
        assert await store.get("k") == {"n": 2}

    async def test_a_value_that_was_cut_off_is_read_again(self, store: S3Store, proxy: HttpProxy) -> None:
        proxy.inject(cut_body(20), method="GET")
        assert await store.get("k") == {"n": 1}
        proxy.inject(cut_body(20), method="GET", times=ALWAYS)
        with pytest.raises(StoreConnectionError):
            await store.get("k")
        with pytest.raises(StoreConnectionError):
            await store.get_many(["k", "none"])


class TestConditions:
    @pytest.mark.parametrize("header", ["If-None-Match", "If-Match"])
    async def test_a_server_that_ignores_them_is_refused(
        self, proxy: HttpProxy, bucket: str, s3_client: Any, header: str
    ) -> None:
        # A signed header could not be removed.
        config = Config(signature_version=UNSIGNED)
        async with through(proxy, bucket, config=config) as store:
            assert await store.get("k") is None
            assert methods(proxy) == ["GET"]
            proxy.inject(strip_headers(header), method="PUT", times=ALWAYS)
            with pytest.raises(StoreSetupError, match="ignores"):
                await store.put("k", {})
            s3_client.put_object(Bucket=bucket, Key="default_collection/k", Body=DOCUMENT)
            with pytest.raises(StoreSetupError, match="ignores"):
                await store.pop("k")
            assert await store.get("k") == {"n": 1}

    async def test_they_are_looked_at_once(self, proxy: HttpProxy, bucket: str) -> None:
        async with through(proxy, bucket) as store:
            await store.put("k", {}, collection="a")
            before = len(proxy.requests)
            await store.put("k", {}, collection="b")
            await store.put_if_absent("l", {})
            assert len(proxy.requests) == before + 2

    async def test_a_server_that_removes_on_no_condition_keeps_what_is_new(
        self, proxy: HttpProxy, bucket: str, s3_client: Any
    ) -> None:
        config = Config(signature_version=UNSIGNED)
        proxy.inject(strip_headers("If-"), method="DELETE", times=ALWAYS)
        async with through(proxy, bucket, config=config) as store:
            await store.put("k", {"n": 1})
            assert await store.pop("k") == {"n": 1}
            assert await store.get("k") is None
            # The dead entry is kept, because removing it might remove a new one.
            s3_client.head_object(Bucket=bucket, Key="default_collection/k")
            assert await store.put_if_absent("k", {"n": 2}) is True

    async def test_a_refusal_where_nothing_is_stored_is_an_error(
        self, store: S3Store, bucket: str, s3_client: Any
    ) -> None:
        # On a server that stores files, a folder prevents an object of the same name.
        s3_client.put_object(Bucket=bucket, Key="default_collection/folder/1", Body=b"")
        with pytest.raises(KeyValueStoreError, match="does not return it"):
            await store.put_if_absent("folder", {"n": 1})

    async def test_a_conflict_is_no_lost_race(self, store: S3Store, proxy: HttpProxy) -> None:
        proxy.inject(answer(409, error("ConditionalRequestConflict")), method="PUT")
        assert await store.put_if_absent("claim", {"n": 1}) is True
        proxy.inject(answer(409, error("ConditionalRequestConflict")), method="PUT", times=ALWAYS)
        with pytest.raises(StoreConnectionError):
            await store.put_if_absent("other", {"n": 1})

    async def test_an_object_that_has_gone_is_no_version(self, store: S3Store, proxy: HttpProxy) -> None:
        found = await store.get_versioned("k")
        assert found is not None
        await store.delete("k")
        # The reply of AWS.
        proxy.inject(answer(404, error("NoSuchKey")), method="PUT")
        assert await store.put_if_version("k", {"n": 2}, version=found.version) is None


class TestAnswers:
    @pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (429, "")])
    async def test_a_busy_server_is_asked_again_and_then_a_connection_error(
        self, store: S3Store, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch, status: int, code: str
    ) -> None:
        def soon(*_: object) -> float:
            return 0.01

        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", soon)
        proxy.inject(answer(status, error(code)), times=1)
        if status != 429:
            assert await store.get("k") == {"n": 1}
        proxy.inject(answer(status, error(code)), times=ALWAYS)
        for call in (store.get("k"), store.put("k", {}), store.keys(), store.delete("k")):
            with pytest.raises(StoreConnectionError):
                await call

    @pytest.mark.parametrize(
        ("status", "code", "message"),
        [
            (403, "AccessDenied", "s3:ListBucket"),
            (400, "ExpiredToken", "no longer valid"),
            (403, "InvalidAccessKeyId", "credentials are wrong"),
            (403, "RequestTimeTooSkewed", "clock"),
            (404, "NoSuchBucket", "does not exist"),
            (501, "NotImplemented", "lacks"),
        ],
    )
    async def test_a_refusal_says_why_and_is_no_missing_key(
        self, store: S3Store, proxy: HttpProxy, status: int, code: str, message: str
    ) -> None:
        proxy.inject(answer(status, error(code)), times=ALWAYS)
        store._auto_create = False
        calls = (store.get("k"), store.get_many(["k", "l"]), store.put("k", {}), store.delete("k"))
        for call in (*calls, store.delete_many(["k"]), store.keys(), store.put_if_absent("k", {})):
            with pytest.raises(KeyValueStoreError, match=message) as caught:
                await call
            assert not isinstance(caught.value, ConnectionError)

    async def test_a_redirection_stores_nothing_and_is_an_error(
        self, store: S3Store, proxy: HttpProxy
    ) -> None:
        for status in (301, 302, 307):
            proxy.inject(answer(status, Location=f"{proxy.url}/elsewhere"), method="PUT")
            with pytest.raises(KeyValueStoreError):
                await store.put("k", {"n": status})
        proxy.inject(answer(200, "<html>Sign in</html>"), method="PUT")
        with pytest.raises(KeyValueStoreError, match="not from S3"):
            await store.put("k", {"n": 2})
        assert await store.get("k") == {"n": 1}

    @pytest.mark.parametrize("code", ["MissingContentMD5", "NotImplemented"])
    async def test_a_server_without_batches_of_removals_gets_single_ones(
        self, store: S3Store, proxy: HttpProxy, code: str
    ) -> None:
        proxy.inject(answer(400, error(code)), method="POST", times=ALWAYS)
        await store.put_many(["a", "b"], [{}, {}])
        assert await store.delete_many(["a", "b", "none"]) == 2
        assert await store.destroy() is True
        assert methods(proxy).count("POST") == 1
        assert await store.keys() == []

    async def test_names_that_xml_lacks_are_removed_one_by_one(
        self, store: S3Store, bucket: str, s3_client: Any
    ) -> None:
        s3_client.put_object(Bucket=bucket, Key="default_collection/a\x01b", Body=DOCUMENT)
        assert await store.get("a\x01b") == {"n": 1}
        assert await store.destroy_collection("default_collection") is True
        assert await store.get("a\x01b") is None


class TestRights:
    async def test_who_may_only_read_writes_and_lists_nothing(
        self, store: S3Store, s3: Server, bucket: str
    ) -> None:
        reader = arguments(s3, aws_access_key_id="reader", aws_secret_access_key="readersecret")
        async with S3Store(bucket_name=bucket, **reader) as other:
            assert await other.get("k") == {"n": 1}
            assert await other.get("none") is None
            for call in (other.put("k", {}), other.pop("k"), other.keys(), other.delete("k")):
                with pytest.raises(StoreAuthenticationError, match="lack a permission") as caught:
                    await call
                assert not isinstance(caught.value, ConnectionError)
            # The reply is a success with an error for each object.
            with pytest.raises(KeyValueStoreError, match="AccessDenied") as caught:
                await other.delete_many(["k", "none"])
            assert caught.value.extra_info == {"failed_keys": "'k'"}
        assert await store.get("k") == {"n": 1}

    async def test_wrong_credentials_are_no_connection_error(self, s3: Server, bucket: str) -> None:
        wrongs: list[dict[str, Any]] = [
            {"aws_access_key_id": "nobody"},
            {"aws_secret_access_key": "mistaken"},
        ]
        for wrong in wrongs:
            async with S3Store(bucket_name=bucket, **arguments(s3, **wrong)) as store:
                with pytest.raises(StoreAuthenticationError, match="credentials are wrong") as caught:
                    await store.get("k")
                assert not isinstance(caught.value, ConnectionError)
                assert "mistaken" not in str(caught.value)

    async def test_a_wrong_clock_is_named(self, store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
        def late(remove_tzinfo: bool = True) -> datetime.datetime:
            now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=20)
            return now.replace(tzinfo=None) if remove_tzinfo else now

        monkeypatch.setattr("botocore.auth.get_current_datetime", late)
        for call in (store.get("k"), store.delete("k"), store.put("k", {})):
            with pytest.raises(KeyValueStoreError, match="clock"):
                await call

    def test_each_loop_refreshes_the_credentials_of_a_role(
        self, proxy: HttpProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = arguments(proxy.server)
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=20)
        credentials = {
            "AccessKeyId": given["aws_access_key_id"],
            "SecretAccessKey": given["aws_secret_access_key"],
            "Token": "",
            "Expiration": soon.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        proxy.inject(answer(200, json.dumps(credentials)), part="/role", times=ALWAYS)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{proxy.url}/role")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nothing")
        store = S3Store(bucket_name=bucket, endpoint_url=proxy.url, region_name="us-east-1")

        async def read_some() -> list[object]:
            return [await store.get("none") for _ in range(5)]

        def use_in_loop(_: int) -> list[object]:
            return asyncio.run(read_some())

        with ThreadPoolExecutor(3) as threads:
            found = list(threads.map(use_in_loop, range(6)))
        assert found == [[None] * 5] * 6
        assert sum("/role" in request.path for request in proxy.requests) > 6
        asyncio.run(store.close())


class TestBuckets:
    async def test_reading_creates_none(self, s3: Server, no_bucket: str, s3_client: Any) -> None:
        async with S3Store(bucket_name=no_bucket, **arguments(s3)) as store:
            assert await store.get("k") is None
            assert await store.get_many(["k", "l"]) == [None, None]
            assert await store.ttl("k") == (None, None)
            assert (await store.keys(), await store.collections()) == ([], [])
            assert await store.delete("k") is False
            assert await store.delete_many(["k"]) == 0
            await store.cull()
            names = [each["Name"] for each in s3_client.list_buckets()["Buckets"]]
            assert no_bucket not in names
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}

    async def test_one_that_is_missing_is_an_error_where_none_is_created(
        self, proxy: HttpProxy, no_bucket: str
    ) -> None:
        async with through(proxy, no_bucket, auto_create=False) as store:
            for call in (store.get("k"), store.keys(), store.get_many(["k"]), store.put("k", {})):
                with pytest.raises(KeyValueStoreError, match="does not exist"):
                    await call
            assert set(methods(proxy)) == {"GET", "HEAD"}

    async def test_one_that_was_removed_is_created_again(self, store: S3Store, proxy: HttpProxy) -> None:
        proxy.inject(answer(404, error("NoSuchBucket")), method="PUT")
        proxy.inject(answer(404), method="HEAD")
        with pytest.raises(KeyValueStoreError, match="does not exist"):
            await store.put("k", {"n": 2})
        await store.put("k", {"n": 3})
        assert [method for method in methods(proxy) if method != "DELETE"][:3] == ["PUT", "HEAD", "PUT"]
        assert await store.get("k") == {"n": 3}

    async def test_one_may_be_used_without_the_right_to_look_at_it(
        self, proxy: HttpProxy, bucket: str
    ) -> None:
        proxy.inject(answer(403), method="HEAD")
        async with through(proxy, bucket, auto_create=False) as store:
            await store.put("k", {"n": 1})
            assert await store.get("k") == {"n": 1}


class TestNoAnswer:
    async def test_no_server_is_a_connection_error(self, s3: Server) -> None:
        nowhere = arguments(s3, endpoint_url=f"http://127.0.0.1:{free_port()}")
        config = Config(retries={"total_max_attempts": 1})
        async with S3Store(bucket_name="bucket", config=config, **nowhere) as store:
            calls = (store.get("k"), store.put("k", {}), store.put_many(["k"], [{}]), store.keys())
            for call in (*calls, store.put_if_absent("k", {}), store.pop("k")):
                with pytest.raises(StoreConnectionError):
                    await call

    async def test_a_silent_server_is_a_timeout(self, proxy: HttpProxy, bucket: str) -> None:
        async with through(proxy, bucket, timeout=1.0) as store:
            proxy.inject(proxy.be_silent, times=ALWAYS)
            calls = (store.get("k"), store.put("k", {}), store.keys(), store.get_many(["k", "l"]))
            started = time.monotonic()
            for outcome in await asyncio.gather(*calls, return_exceptions=True):
                assert isinstance(outcome, StoreTimeoutError)
            assert time.monotonic() - started < 3
            proxy.clear()
            await store.put("k", {"n": 1})
            proxy.inject(proxy.be_silent, method="PUT", times=ALWAYS)
            with pytest.raises(OutcomeUnknownError):
                await store.put_if_absent("l", {})
            assert await store.get("k") == {"n": 1}
