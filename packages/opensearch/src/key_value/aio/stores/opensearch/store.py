"""A store in OpenSearch."""

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from opensearchpy import (
    AsyncOpenSearch,
    ConnectionTimeout,
    OpenSearchException,
    SSLError,
    TransportError,
)
from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)
from key_value.aio.stores.base import ClientPerLoop, SanitizationStrategy
from key_value.aio.stores.opensearch.answers import Answer
from key_value.aio.stores.opensearch.api import JSON
from key_value.aio.stores.opensearch.arguments import authorization_of, location_of, options_of, prefix_of
from key_value.aio.stores.opensearch.documents import Form
from key_value.aio.stores.opensearch.engine import SearchStore
from key_value.aio.stores.opensearch.formerly import (
    OpenSearchSerializationAdapter,
    OpenSearchV1CollectionSanitizationStrategy,
    OpenSearchV1KeySanitizationStrategy,
)

__all__ = [
    "OpenSearchSerializationAdapter",
    "OpenSearchStore",
    "OpenSearchV1CollectionSanitizationStrategy",
    "OpenSearchV1KeySanitizationStrategy",
]


class OpenSearchStore(SearchStore):
    """A store in OpenSearch 2 or 3, with one index per collection.

    The documents are those of the 0.5 series. Values never extend the mapping of an index, and are never
    rejected for their size or depth. Values that OpenSearch does not accept as JSON, such as NaN, are stored
    as text, which 0.5 cannot read. Listings are searches after a refresh. Reading a key sees every write, and
    writes do not wait for a refresh. Expired entries count as missing; `cull()` removes them.

    A client that the store creates sends a conditional write once. If its response is lost, the document
    shows whether it was applied. A client that you pass in keeps its own `max_retries`.
    """

    errors = (
        (ConnectionTimeout, StoreTimeoutError),
        (SSLError, KeyValueStoreError),
        ((OpenSearchException, aiohttp.ClientError), StoreConnectionError),
    )
    form = Form("flat")
    timed_out = ConnectionTimeout

    def __init__(
        self,
        *,
        opensearch_client: AsyncOpenSearch | None = None,
        url: str | Sequence[str] | None = None,
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
            opensearch_client: Client, bound to its event loop. The store does not close it.
            url: URL of a node, or of several nodes.
            api_key: Encoded API key, or its ID and the key.
            basic_auth: User name and password.
            bearer_auth: Bearer token.
            ca_certs: File of trusted CA certificates.
            verify_certs: Whether to verify the certificates of nodes.
            client_options: Further arguments of `AsyncOpenSearch`, such as `pool_maxsize`, `http_compress`,
                `client_cert`, or the `http_auth` and `connection_class` for AWS signatures.
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
        credentials = authorization_of(api_key, basic_auth, bearer_auth)
        options = options_of(credentials, ca_certs, verify_certs, client_options)
        if opensearch_client is None and not hosts:
            raise ValueError("Either opensearch_client or url must be provided")
        if opensearch_client is not None and (hosts or options):
            raise ValueError("Provide either opensearch_client, or arguments to create one")
        self.location = location_of(hosts, prefix)
        self._options: dict[str, Any] = {"hosts": hosts, "timeout": timeout, "max_retries": 0, **options}
        self._clients = self._owns(ClientPerLoop[AsyncOpenSearch](opensearch_client, self._open))

    @property
    def client(self) -> AsyncOpenSearch:
        """The client that was passed in, or the one that the store opened for the running event loop.

        Raises:
            StoreClosedError: The store is closed or not set up in this event loop.
        """
        return self._clients.current()

    def _open(self) -> AsyncOpenSearch:
        return AsyncOpenSearch(**self._options)

    @override
    async def _setup(self) -> None:
        await self._clients.get()

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        cause = error.info if isinstance(error, TransportError) and len(error.args) > 2 else None
        if isinstance(cause, aiohttp.ClientConnectorError):
            return StoreUnreachableError(message=f"{self!r} cannot be reached: {cause}")
        return super()._map_error(error)

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
        transport: Any = (await self._clients.get()).transport
        headers = {"content-type": kind}
        try:
            found = await transport.perform_request(method, path, body=body, headers=headers, timeout=seconds)
        except TransportError as error:
            if not isinstance(error.status_code, int):
                raise
            return Answer(error.status_code, error.info)
        return Answer(200, found)
