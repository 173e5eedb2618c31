"""The store in the KV engine of Vault."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import SplitResult

from typing_extensions import override

from key_value.aio.errors import BaseKeyValueError, KeyValueStoreError
from key_value.aio.stores.base import AddressPage, PagedBytesStore, VersionedBytesStore, Worker
from key_value.aio.stores.vault.driver import ERRORS, Mount, make_client, mapped_error
from key_value.aio.stores.vault.names import VaultNames

T = TypeVar("T")

_CLIENT_GIVES_UP = 0.9
"""The part of the timeout after which the HTTP client ends a call."""


class VaultStore(VersionedBytesStore, PagedBytesStore):
    """A store in a KV engine of version 2 of HashiCorp Vault or OpenBao.

    An entry is a secret, its path `collection::key`, its only field the JSON document of the 0.5 series.
    Vault cannot remove a secret on a condition, so a removed entry leaves an empty version, whose
    predecessors are wiped; `destroy()` and `destroy_collection()` remove these too. What has expired is
    removed by `cull()`.

    hvac blocks: its calls are made in threads, each with a client of its own. It repeats nothing by itself;
    reads and plain writes are repeated once on a broken connection.
    """

    errors = ERRORS
    reconnects = True
    buries = True
    reclaim_after = None  # Each look at an entry is a request, and may be audited.
    lists_in_order = True
    url_parts = (("hosts", "url"), ("password", "token"), ("path", "mount_point"))

    def __init__(
        self,
        *,
        client: Any = None,
        url: str = "http://localhost:8200",
        token: str | None = None,
        namespace: str | None = None,
        mount_point: str = "secret",
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        keep_versions: bool = False,
        default_collection: str | None = None,
        max_concurrency: int = 8,
        timeout: float | None = 10.0,
    ) -> None:
        """Use a client, or create some; nothing is sent before the store is used.

        Args:
            client: An `hvac.Client` of yours, logged in as you like; it stays open. Its token is read at
                each call, so that you may renew it.
            url: Where Vault is.
            token: The token; without one hvac takes that of the environment variable `VAULT_TOKEN`, or of
                `~/.vault-token`.
            namespace: The namespace of Vault Enterprise or OpenBao.
            mount_point: Where the KV engine is mounted.
            verify: Whether to verify the server's certificate, or the path of a CA bundle.
            cert: The path of a client certificate, or those of the certificate and its key.
            keep_versions: Whether older versions of an entry are kept, as many as the engine is set to.
            default_collection: The collection used when a call names none.
            max_concurrency: Threads, and so calls at a time.
            timeout: Seconds that a call may take; None sets no bound.

        Raises:
            ValueError: `timeout` or `max_concurrency` is not positive.
        """
        if max_concurrency < 1:
            raise ValueError("max_concurrency must be positive")
        super().__init__(default_collection=default_collection, timeout=timeout)
        self.names = VaultNames()
        self.max_concurrency = max_concurrency
        if client is None:
            self.location = f"{url.rpartition('@')[2]}/{mount_point}"
        patience = None if timeout is None else timeout * _CLIENT_GIVES_UP
        options = {"verify": verify, "cert": cert}

        def open_mount() -> Mount:
            mine = client or make_client(url, token, namespace, patience, options)
            return Mount(mine, mount_point, keeps_versions=keep_versions, owned=client is None)

        # The session of a given client has connections, which a forked child must not share.
        self._worker = self._owns(
            Worker("vault", open_mount, close=Mount.close, threads=max_concurrency, forks=client is None)
        )

    @override
    @classmethod
    def _arguments_from_url(cls, url: SplitResult) -> dict[str, Any]:
        arguments = super()._arguments_from_url(url)
        if "url" in arguments:
            arguments["url"] = f"{'http' if url.scheme == 'vault+http' else 'https'}://{arguments['url']}"
        return arguments

    @override
    async def _setup(self) -> None:
        await self._run(Mount.check)

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        return mapped_error(error) or super()._map_error(error)

    async def _run(self, work: Callable[[Mount], T], *, writes: bool = False) -> T:
        return await self._worker.run(work, writes=writes)

    @override
    async def _read(self, address: str) -> bytes | None:
        text = (await self._run(lambda mount: mount.read(address))).text
        return None if text is None else text.encode()

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._run(lambda mount: _check_lifetime(mount.write(address, data.decode())), writes=True)

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        return await self._run(lambda mount: self._swap(mount, address, data.decode(), version), writes=True)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        return await self._run(lambda mount: self._swap(mount, address, None, version), writes=True)

    @override
    async def _remove(self, address: str) -> None:
        await self._run(lambda mount: mount.write(address, None), writes=True)

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        # What is destroyed leaves nothing.
        return await self._each(self._forget, addresses)

    @override
    async def _delete_collection(self, *, collection: str) -> bool:
        existed = await super()._delete_collection(collection=collection)
        await self._forget_empty(self.names.prefix(collection))
        return existed

    @override
    async def _delete_store(self) -> bool:
        existed = await super()._delete_store()
        await self._forget_empty("")
        return existed

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        paths = await self._run(lambda mount: _paths(mount, prefix))
        found = sorted(path for path in paths if cursor is None or path > cursor)
        page = found[:limit]
        return AddressPage([(path, None) for path in page], page[-1] if len(found) > limit else None)

    def _swap(self, mount: Mount, address: str, text: str | None, version: str | None) -> bool:
        """Write on the condition that what is at an address has a version, or that nothing is there."""
        there = mount.read(address)
        if (None if there.text is None else self.version_of(there.text.encode())) != version:
            return False
        written = mount.write_if(address, text, there.version)
        if written is None:
            return False
        if text is not None:
            _check_lifetime(written)
        return True

    async def _forget(self, address: str) -> None:
        await self._run(lambda mount: mount.forget(address), writes=True)

    async def _forget_empty(self, prefix: str) -> None:
        """Remove what removed entries have left."""
        paths = await self._fetch(lambda: self._run(lambda mount: _paths(mount, prefix)))
        ours = [path for path in paths if self.names.entry(path) is not None]

        async def forget(part: slice) -> Sequence[Exception | None]:
            return await self._each(self._forget_empty_one, ours[part])

        await self._in_parts("destroy", ours, [0] * len(ours), forget)

    async def _forget_empty_one(self, address: str) -> None:
        await self._run(lambda mount: mount.forget_empty(address), writes=True)


def _paths(mount: Mount, prefix: str) -> list[str]:
    """Return the paths that start with a prefix, those in folders, where the 0.5 series put some, too."""
    found: list[str] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        for name in mount.list(folder):
            path = folder + name
            if not name.endswith("/"):
                if path.startswith(prefix):
                    found.append(path)
            elif path.startswith(prefix) or prefix.startswith(path):
                folders.append(path)
    return found


def _check_lifetime(written: dict[str, Any]) -> None:
    """Refuse that Vault removes a version by itself: it would go before its time.

    Raises:
        KeyValueStoreError: It would.
    """
    if written.get("deletion_time"):
        raise KeyValueStoreError(
            message="The mount removes what is written after a time of its own: set delete_version_after to 0"
        )
