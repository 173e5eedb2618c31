"""The Elasticsearch store, on a node of Elasticsearch."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from functools import partial
from typing import ClassVar

import pytest
from elasticsearch import AsyncElasticsearch
from typing_extensions import override

from key_value.aio.errors import KeyValueStoreError
from key_value.aio.stores.elasticsearch import (
    ElasticsearchStore,
    ElasticsearchV1CollectionSanitizationStrategy,
    ElasticsearchV1KeySanitizationStrategy,
)
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.suites.base import ABILITIES
from key_value.aio.testing.suites.base import Opening as ConformanceOpening
from tests.servers.elasticsearch import SETTINGS, node
from tests.servers.http_proxy import HttpProxy, answer, drop_reply, http_proxy
from tests.servers.server import Server
from tests.stores import search
from tests.stores.http_faults import ALWAYS
from tests.stores.search import Opening, source


@pytest.fixture
async def store(elasticsearch: Server, elasticsearch_prefix: str) -> AsyncIterator[ElasticsearchStore]:
    async with ElasticsearchStore(
        url=elasticsearch.url, index_prefix=elasticsearch_prefix, index_settings=SETTINGS
    ) as store:
        yield store


# A loop that ends during a call leaves aiohttp sessions open.
@pytest.mark.filterwarnings("ignore:.*[Uu]nclosed:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
class TestElasticsearchStore(search.Documents, StoreConformance):
    abilities: ClassVar = ABILITIES
    persistent: ClassVar = True
    # Each call takes milliseconds.
    model_examples: ClassVar = 3
    rivals: ClassVar = 2
    dropped_unclosed: ClassVar = False

    @override
    @pytest.fixture
    def opening(self, elasticsearch: Server, elasticsearch_prefix: str) -> ConformanceOpening:
        return partial(
            ElasticsearchStore,
            url=elasticsearch.url,
            index_prefix=elasticsearch_prefix,
            index_settings=SETTINGS,
        )


class Facts:
    member: ClassVar = "flattened"
    member_type: ClassVar = "flattened"
    store_module: ClassVar = "key_value.aio.stores.elasticsearch"
    store_class: ClassVar = "ElasticsearchStore"
    driver: ClassVar = "elasticsearch"

    def node(self, port: int) -> AbstractContextManager[Server]:
        return node(port)

    @pytest.fixture
    def server(self, elasticsearch: Server) -> Server:
        return elasticsearch

    @pytest.fixture
    def prefix(self, elasticsearch_prefix: str) -> str:
        return elasticsearch_prefix

    @pytest.fixture
    def make(self) -> Opening:
        return ElasticsearchStore

    @pytest.fixture
    def opening(self, server: Server, prefix: str) -> Opening:
        return partial(ElasticsearchStore, url=server.url, index_prefix=prefix, index_settings=SETTINGS)


class TestStoredForm(Facts, search.StoredFormTests):
    async def test_reads_what_was_stored_with_the_strategies_of_0_5(
        self, opening: Opening, server: Server, prefix: str
    ) -> None:
        strategies = {
            "collection_sanitization_strategy": ElasticsearchV1CollectionSanitizationStrategy(),
            "key_sanitization_strategy": ElasticsearchV1KeySanitizationStrategy(),
        }
        async with opening(**strategies) as store:
            await store.put("a", {"n": 1}, collection="My Coll!")
            digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
            assert source(server, f"{prefix}-s_my_coll_-d92c233e", digest)["key"] == "a"
            assert await store.get("a", collection="My Coll!") == {"n": 1}
            assert await store.keys("My Coll!") == ["a"]
            assert await store.collections() == ["My Coll!"]
            assert await store.delete("a", collection="My Coll!") is True


class TestNames(Facts, search.NamesTests): ...


class TestIndices(Facts, search.IndexTests): ...


class TestConnect(Facts, search.ConnectTests):
    async def test_a_given_client_stays_open(self, server: Server, prefix: str) -> None:
        async with AsyncElasticsearch(server.url) as client:
            async with ElasticsearchStore(elasticsearch_client=client, index_prefix=prefix) as store:
                await store.put("k", {"n": 1})
                assert store.client is client
            assert (await client.get(index=f"{prefix}-default_collection", id="k"))["found"]
            with pytest.raises(ValueError, match="Provide either"):
                ElasticsearchStore(elasticsearch_client=client, api_key="a", index_prefix=prefix)


# The proxy ends before the aiohttp sessions.
@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
class TestFaults(Facts, search.FaultTests):
    opening = search.FaultTests.opening

    async def test_a_given_client_sends_no_conditional_write_again(self, server: Server, prefix: str) -> None:
        with http_proxy(server) as proxy:
            async with AsyncElasticsearch(proxy.url, max_retries=3, retry_on_timeout=True) as client:
                store = ElasticsearchStore(
                    elasticsearch_client=client, index_prefix=prefix, index_settings=SETTINGS
                )
                async with store:
                    await store.put("there", {})
                    proxy.clear()
                    proxy.inject(drop_reply, part="/_bulk")
                    assert await store.put_if_absent("k", {}) is True
                    assert len([sent for sent in proxy.requests if "/_bulk" in sent.path]) == 1

    async def test_another_product_is_refused(self, opening: Opening, proxy: HttpProxy) -> None:
        proxy.inject(
            answer(200, '{"docs": [{"found": false}]}', content_type="application/json"), times=ALWAYS
        )
        async with opening() as store:
            with pytest.raises(KeyValueStoreError, match="not Elasticsearch") as caught:
                await store.get("k")
            assert not isinstance(caught.value, ConnectionError)
