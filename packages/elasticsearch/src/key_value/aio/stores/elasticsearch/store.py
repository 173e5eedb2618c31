"""A store in Elasticsearch."""

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from elastic_transport import ConnectionError as BrokenError
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, AsyncElasticsearch, UnsupportedProductError
from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)
from key_value.aio.stores.base import ClientPerLoop, SanitizationStrategy
from key_value.aio.stores.elasticsearch.answers import Answer
from key_value.aio.stores.elasticsearch.api import JSON
from key_value.aio.stores.elasticsearch.arguments import authorization_of, location_of, options_of, prefix_of
from key_value.aio.stores.elasticsearch.documents import Form
from key_value.aio.stores.elasticsearch.engine import SearchStore
from key_value.aio.stores.elasticsearch.formerly import (
    ElasticsearchSerializationAdapter,
    ElasticsearchV1CollectionSanitizationStrategy,
    ElasticsearchV1KeySanitizationStrategy,
)

__all__ = [
    "ElasticsearchSerializationAdapter",
    "ElasticsearchStore",
    "ElasticsearchV1CollectionSanitizationStrategy",
    "ElasticsearchV1KeySanitizationStrategy",
]


class ElasticsearchStore(SearchStore):
    """A store in Elasticsearch 8 or 9, with one index per collection.

    The documents are those of the 0.5 series. Values never extend the mapping of an index, and are never
    rejected for their size or depth. Values that Elasticsearch does not accept as JSON, such as NaN, are
    stored as text, which 0.5 cannot read. Listings are searches after a refresh. Reading a key sees every
    write, and writes do not wait for a refresh. Expired entries count as missing; `cull()` removes them.

    A conditional write is sent once. If its response is lost, the document shows whether it was applied.
    """

    errors = (
        (ConnectionTimeout, StoreTimeoutError),
        ((TlsError, UnsupportedProductError), KeyValueStoreError),
        ((TransportError, aiohttp.ClientError), StoreConnectionError),
    )
    form = Form("flattened")
    timed_out = ConnectionTimeout

    def __init__(
        self,
        *,
        elasticsearch_client: AsyncElasticsearch | None = None,
        url: str | Sequence[str] | None = None,
        cloud_id: str | None = None,
        api_key: str | tuple[str, str] | None = None,
        basic_auth: tuple[str, str] | None = None,
        bearer_auth: str | None = None,
        ca_certs: str | None = None,
        verify_certs: bool = True,
        client_options: Mapping[str, Any] | None = None,
        index_prefix: str | None = None,
        index: str | None = None,
        index_settings: Mapping[str, Any] | None = None,
        default_collection: str | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
        auto_create: bool = True,
        timeout: float | None = 10.0,
    ) -> None:
        """Initialize with a client, or with arguments to create one; connects on first use.

        Args:
            elasticsearch_client: Client, bound to its event loop. The store does not close it.
            url: URL of a node, including its port, or of several nodes.
            cloud_id: Deployment in Elastic Cloud, instead of `url`.
            api_key: Encoded API key, or its ID and the key.
            basic_auth: User name and password.
            bearer_auth: Bearer token.
            ca_certs: File of trusted CA certificates.
            verify_certs: Whether to verify the certificates of nodes.
            client_options: Further arguments of `AsyncElasticsearch`, such as `connections_per_node`,
                `http_compress`, `client_cert` or `ssl_assert_fingerprint`.
            index_prefix: Prefix of index names: the index of the collection `users` is
                `<index_prefix>-users`. The prefix is converted to lower case.
            index: Alias of `index_prefix`.
            index_settings: Settings of new indices, such as `number_of_replicas`.
            default_collection: Collection used when a call does not name one.
            key_sanitization_strategy: Strategy that maps keys to document IDs. By default, unsupported
                characters are escaped.
            collection_sanitization_strategy: Strategy that maps collections to index names. By default,
                unsupported characters are escaped.
            auto_create: Whether the first write to a collection creates its index, or prepares that of 0.5;
                otherwise a missing index raises `StoreSetupError`.
            timeout: Maximum duration of a call, in seconds; None leaves it to the client.

        Raises:
            ValueError: No client or server is given, or several, or the prefix is invalid.
        """
        prefix = prefix_of(index_prefix, index)
        super().__init__(
            index_prefix=prefix,
            index_settings=index_settings,
            auto_create=auto_create,
            collection_sanitization_strategy=collection_sanitization_strategy,
            key_sanitization_strategy=key_sanitization_strategy,
            default_collection=default_collection,
            timeout=timeout,
        )
        hosts = [url] if isinstance(url, str) else list(url or ())
        where: dict[str, Any] = {"hosts": hosts} if hosts else {"cloud_id": cloud_id} if cloud_id else {}
        credentials = authorization_of(api_key, basic_auth, bearer_auth)
        options = options_of(credentials, ca_certs, verify_certs, client_options)
        if elasticsearch_client is None and not where:
            raise ValueError("Either elasticsearch_client or url must be provided")
        if elasticsearch_client is not None and (where or options):
            raise ValueError("Provide either elasticsearch_client, or arguments to create one")
        self.location = location_of(hosts, prefix)
        self._options: dict[str, Any] = {"request_timeout": timeout, "max_retries": 0, **where, **options}
        given = elasticsearch_client
        self._given_once = None if given is None else given.options(max_retries=0, retry_on_timeout=False)
        self._clients = self._owns(ClientPerLoop[AsyncElasticsearch](given, self._open))

    @property
    def client(self) -> AsyncElasticsearch:
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._clients.current()

    def _open(self) -> AsyncElasticsearch:
        return AsyncElasticsearch(**self._options)

    @override
    async def _setup(self) -> None:
        await self._clients.get()

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        mapped = super()._map_error(error)
        if mapped is None or not isinstance(error, TransportError):
            return mapped
        # If the driver did not retry, only these attributes have the message and the cause.
        unreachable = type(error) is BrokenError and isinstance(
            error.__context__, aiohttp.ClientConnectorError
        )
        kind = StoreUnreachableError if unreachable else type(mapped)
        return kind(message=f"{self!r}: {error.message or type(error).__name__}")

    @override
    async def _send(
        self,
        method: str,
        path: str,
        body: str | None = None,
        *,
        kind: str = JSON,
        seconds: float | None = None,
    ) -> Answer:
        client = self._given_once or await self._clients.get()
        if seconds is not None:
            client = client.options(request_timeout=seconds)
        headers = {"accept": JSON} if body is None else {"accept": JSON, "content-type": kind}
        try:
            reply = await client.perform_request(method, path, headers=headers, body=body)
        except UnsupportedProductError:
            raise
        except ApiError as error:
            return Answer(error.meta.status, error.body)
        return Answer(reply.meta.status, reply.body)
