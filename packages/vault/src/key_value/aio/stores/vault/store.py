"""A store in the KV engine of Vault."""

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
"""Fraction of the timeout after which the HTTP client ends a call."""


class VaultStore(VersionedBytesStore, PagedBytesStore):
    """A store in a version 2 KV engine of HashiCorp Vault or OpenBao.

    An entry is a secret with the path `collection::key`, and its only field is the JSON document of the 0.5
    series. Vault has no conditional deletion, so a removed entry leaves an empty version, and its earlier
    versions are wiped. `destroy()` and `destroy_collection()` remove the empty versions, too. `cull()`
    removes expired entries.

    hvac blocks, so its calls are made in threads, each with a separate client. It never retries by itself;
    on a broken connection, the store retries reads and plain writes once.
    """

    errors = ERRORS
    reconnects = True
    buries = True
    reclaim_after = None  # Reading an entry takes a request, and may be audited.
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
        """Initialize with a client, or with arguments to create clients; connects on first use.

        Args:
            client: Logged-in `hvac.Client`. The store does not close it. Its token is read for each call, so
                you may renew it.
            url: URL of Vault.
            token: Token. By default, hvac uses the environment variable `VAULT_TOKEN` or `~/.vault-token`.
            namespace: Namespace of Vault Enterprise or OpenBao.
            mount_point: Mount path of the KV engine.
            verify: Whether to verify the server certificate, or the path of a CA bundle.
            cert: Path of a client certificate, or the paths of the certificate and its key.
            keep_versions: Whether to keep older versions of an entry, up to the engine's limit.
            default_collection: Collection used when a call does not name one.
            max_concurrency: Number of threads, which is the maximum number of concurrent calls.
            timeout: Maximum duration of a call, in seconds; None sets no limit.

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

        # A client that was passed in has open connections, which a forked child must not share.
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
        # Destroying a secret leaves no empty version.
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
        """Write if the current document has the version, or if it is missing and `version` is None."""
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
        """Remove the empty versions of removed entries."""
        paths = await self._fetch(lambda: self._run(lambda mount: _paths(mount, prefix)))
        ours = [path for path in paths if self.names.entry(path) is not None]

        async def forget(part: slice) -> Sequence[Exception | None]:
            return await self._each(self._forget_empty_one, ours[part])

        await self._in_parts("destroy", ours, [0] * len(ours), forget)

    async def _forget_empty_one(self, address: str) -> None:
        await self._run(lambda mount: mount.forget_empty(address), writes=True)


def _paths(mount: Mount, prefix: str) -> list[str]:
    """Return the paths that start with a prefix, including those in folders, as used by the 0.5 series."""
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
    """Raise if Vault removes versions by itself, because it would remove entries too early.

    Raises:
        KeyValueStoreError: Vault removes versions by itself.
    """
    if written.get("deletion_time"):
        raise KeyValueStoreError(
            message="The mount deletes versions after a time: set its delete_version_after to 0"
        )
