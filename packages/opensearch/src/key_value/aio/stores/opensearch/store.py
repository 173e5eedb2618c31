"""The store in OpenSearch."""

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
    """A store in OpenSearch 2 or 3, with an index for each collection.

    The documents are those of the 0.5 series. No value adds to the mapping of an index, and none is refused
    for its size or depth; one that OpenSearch takes for no JSON, such as NaN, is kept as text, which 0.5
    cannot read. What is listed is searched, after a refresh; a read of a key sees every write, and a write
    waits for no refresh. What has expired counts as missing; `cull()` removes it.

    The store's own client sends a conditional write once; if its answer is lost, the document says whose
    write it was. A client of yours follows its own `max_retries`.
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
        """Name indices; nothing is sent before the store is used.

        Args:
            opensearch_client: A client, for the event loop that it belongs to; the store does not close it.
            url: The address of a node, or several.
            api_key: The API key, encoded, or its id and the key.
            basic_auth: A user's name and password.
            bearer_auth: A token.
            ca_certs: The file of the authorities to trust.
            verify_certs: Whether the certificate of a node is checked.
            client_options: Further arguments of `AsyncOpenSearch`, such as `pool_maxsize`, `http_compress`,
                `client_cert`, or the `http_auth` and `connection_class` of AWS' signatures.
            index_prefix: What the names of indices start with: that of the collection `users` is then
                `<index_prefix>-users`. It is put in lower case.
            index: Another name of `index_prefix`.
            index_settings: The settings of an index that is created, such as `number_of_replicas`.
            default_collection: The collection used when a call names none.
            key_sanitization_strategy: What becomes of keys, in place of escaping what no id may be.
            collection_sanitization_strategy: What becomes of collections, in place of escaping what no index
                may be called.
            auto_create: Whether the first write to a collection creates its index, or prepares the one of
                0.5; otherwise a missing index is a `StoreSetupError`.
            timeout: Seconds that a call may take; None leaves it to the client.

        Raises:
            ValueError: It is not said where OpenSearch is, or several times; or the prefix cannot be one.
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
            raise ValueError("Provide either opensearch_client, or how to create one")
        self.location = location_of(hosts, prefix)
        self._options: dict[str, Any] = {"hosts": hosts, "timeout": timeout, "max_retries": 0, **options}
        self._clients = self._owns(ClientPerLoop[AsyncOpenSearch](opensearch_client, self._open))

    @property
    def client(self) -> AsyncOpenSearch:
        """The client that was passed in, or the one of the running event loop, which the store has opened.

        Raises:
            StoreClosedError: The store is not set up in this event loop, or closed.
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
