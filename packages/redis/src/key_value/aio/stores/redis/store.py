"""A store in Redis."""

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError
from key_value.aio.stores.base import (
    BaseDestroyCollectionStore,
    BaseDestroyStore,
    BaseEnumerateCollectionsStore,
    BaseEnumerateKeysStore,
    BasePutIfAbsentStore,
    BytesStore,
)
from key_value.aio.stores.base.address import address, key_at
from key_value.aio.stores.base.per_loop import PerLoop
from key_value.aio.stores.redis import batches, scanning
from key_value.aio.stores.redis.client import (
    CertReqs,
    Client,
    checked_url,
    client_for_host,
    client_for_url,
    tls_options,
)
from key_value.aio.stores.redis.commands import Commands
from key_value.aio.stores.redis.failures import meaning, refused

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster


class RedisStore(
    BytesStore,
    BaseEnumerateKeysStore,
    BaseEnumerateCollectionsStore,
    BaseDestroyStore,
    BaseDestroyCollectionStore,
    BasePutIfAbsentStore,
):
    """A store in Redis, or in a Redis Cluster; the server removes what has expired.

    An entry lies at `<collection>::<key>`. The database may hold other data: `keys` passes over what does not
    lie so, `collections` over what does not name its own collection and key, and nothing of it is removed.

    Commands that tasks give at the same time leave together. A store that made its own client has one for
    each event loop that uses it.
    """

    def __init__(
        self,
        *,
        client: "Redis | RedisCluster | None" = None,
        url: str | None = None,
        host: str = "localhost",
        port: int = 6379,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        ssl: bool = False,
        ssl_ca_certs: str | None = None,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
        ssl_check_hostname: bool = True,
        ssl_cert_reqs: CertReqs | None = None,
        default_collection: str | None = None,
    ) -> None:
        """Use a client, or make one from a URL or from a host; nothing is sent before the store is used.

        Args:
            client: A client, with either `decode_responses`, for a cluster too; the store does not close it.
            url: `redis://`, `rediss://` or `unix://`, with redis-py's options; its parts go before the
                other arguments.
            host: The host, without a URL.
            port: The port, without a URL.
            db: The number of the database.
            username: Who to be.
            password: Their password.
            ssl: Whether to use TLS, which any of the arguments below implies.
            ssl_ca_certs: A file of certificates to trust.
            ssl_certfile: A file with a certificate of one's own.
            ssl_keyfile: A file with the key of that.
            ssl_check_hostname: Whether the server's certificate has to name the host.
            ssl_cert_reqs: Whether the server's certificate has to be valid.
            default_collection: The collection used where none is named.

        Raises:
            ValueError: The URL is not one that redis-py understands.
        """
        super().__init__(default_collection=default_collection)
        options = tls_options(
            ssl=ssl,
            ssl_ca_certs=ssl_ca_certs,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
            ssl_check_hostname=ssl_check_hostname,
            ssl_cert_reqs=ssl_cert_reqs,
        )
        tls = bool(options)
        options.update(db=db, username=username, password=password)
        self._owns_client = client is None
        if client is not None:
            make_client = partial(_same, cast("Client", client))
        elif url is not None:
            make_client = partial(client_for_url, checked_url(url, tls=tls), options)
        else:
            make_client = partial(client_for_host, host=host, port=port, ssl=tls, options=options)
        self._commands = PerLoop(lambda: Commands(make_client()), self._close_commands)

    @override
    async def _setup(self) -> None:
        self._commands.open()
        self._exit_stack.push_async_callback(self._commands.close)

    @override
    def _store_error(self, error: Exception) -> BaseKeyValueError | None:
        return meaning(error)

    @override
    async def _get_bytes(self, *, collection: str, key: str) -> bytes | None:
        return await self._commands.get().execute("GET", address(collection, key))

    @override
    async def _put_bytes(self, *, collection: str, key: str, data: bytes, ttl: float | None) -> None:
        command = batches.set_command(address(collection, key), data, _milliseconds(ttl))
        await self._commands.get().execute(*command)

    @override
    async def _put_bytes_if_absent(
        self, *, collection: str, key: str, data: bytes, ttl: float | None
    ) -> bool:
        command = batches.set_command(address(collection, key), data, _milliseconds(ttl))
        return bool(await self._commands.get().execute(*command, "NX"))

    @override
    async def _delete(self, *, collection: str, key: str) -> bool:
        return await self._commands.get().execute("UNLINK", address(collection, key)) > 0

    @override
    async def _get_many_bytes(self, *, collection: str, keys: Sequence[str]) -> Sequence[bytes | None]:
        return await batches.read(self._commands.get(), [address(collection, key) for key in keys])

    @override
    async def _put_many_bytes(
        self, *, collection: str, keys: Sequence[str], data: Sequence[bytes], ttl: float | None
    ) -> None:
        entries = [(address(collection, key), blob) for key, blob in zip(keys, data, strict=True)]
        answers = await batches.store(self._commands.get(), entries, _milliseconds(ttl))
        failures = {
            key: answer for key, answer in zip(keys, answers, strict=True) if isinstance(answer, Exception)
        }
        if failures:
            raise refused(failures, len(keys))

    @override
    async def _delete_many(self, *, collection: str, keys: Sequence[str]) -> int:
        return await batches.remove(self._commands.get(), [address(collection, key) for key in keys])

    @override
    async def _get_collection_keys(self, *, collection: str, limit: int | None = None) -> list[str]:
        keys: dict[str, None] = {}
        async for places in scanning.scan(self._commands.get(), collection):
            found = (key_at(place, collection) for place in places)
            keys.update((key, None) for key in found if key is not None)
            if limit is not None and len(keys) >= limit:
                break
        return list(keys)

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        names: set[str] = set()
        async for places in scanning.scan(self._commands.get()):
            names |= await scanning.own_collections(self._commands.get(), places, names)
            if limit is not None and len(names) >= limit:
                break
        return list(names)

    @override
    async def _delete_store(self) -> bool:
        await scanning.remove_own(self._commands.get())
        return True

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        return await scanning.remove_own(self._commands.get(), collection)

    async def _close_commands(self, commands: Commands) -> None:
        await commands.finish()
        if self._owns_client:
            await commands.client.aclose()


def _milliseconds(ttl: float | None) -> int | None:
    return None if ttl is None else math.ceil(ttl * 1000)


def _same(client: Client) -> Client:
    return client
