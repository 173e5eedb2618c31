"""A store in S3."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from typing_extensions import override

from key_value.aio.errors import (
    BaseKeyValueError,
    KeyValueStoreError,
    StoreConnectionError,
    StoreSetupError,
    StoreTimeoutError,
    ValueTooLargeError,
)
from key_value.aio.stores.base import (
    Address,
    AddressPage,
    BatchLimit,
    ClientPerLoop,
    Listed,
    PagedBytesStore,
    SanitizationStrategy,
    VersionedBytesStore,
)
from key_value.aio.stores.s3.client import (
    ERRORS,
    Client,
    ClientError,
    Clients,
    code_of,
    make_config,
    open_clients,
    read_error,
)
from key_value.aio.stores.s3.names import LONGEST_PREFIX, RESERVED, ObjectNames

if TYPE_CHECKING:
    from botocore.config import Config

MAX_BYTES = 5 * 1024**3
"""Maximum object size in one request, in bytes: https://docs.aws.amazon.com/general/latest/gr/s3.html"""

_PER_CALL = 1000
"""Maximum number of objects that one request lists or removes."""

_PROBE = f"{RESERVED}conditions"
_PROBE_ABSENT = f"{RESERVED}absent"
_NO_ETAG = f'"{"0" * 32}"'

_REFUSED = frozenset({"PreconditionFailed", "NoSuchKey", "412", "404"})
"""Error codes of a failed condition; the object of an `If-Match` may not exist at all."""

_CONTENDED = frozenset({*_REFUSED, "ConditionalRequestConflict"})
_UNSUPPORTED = frozenset({"MissingContentMD5", "NotImplemented", "MethodNotAllowed", "InvalidRequest"})
_MALFORMED = "MalformedXML"

_ETAGS = 1000
_SMALL = 1_000_000
"""Maximum size in bytes of an object that is hashed before its version is needed."""

_ATTEMPTS = 3
"""Maximum number of attempts for a conditional write that is rejected although its condition holds."""

_DOCUMENT = re.compile(rb'\{"(?:collection|created_at|expires_at|key|value)": ')
_VERSION = b'"version": '


class _Stored(NamedTuple):
    """An object."""

    data: bytes
    etag: str


class S3Store(VersionedBytesStore, PagedBytesStore):
    """A store in a bucket of S3, or of any S3-compatible server that supports conditional writes.

    An entry is the object `<collection>/<key>`, below `prefix` if it is given. Characters that servers change
    or merge are escaped; objects of the 0.5 series are found where it stored them. The bucket may hold other
    objects, which are neither listed nor removed, but are read when entries are listed.

    S3 removes nothing by itself: use `cull`, or a lifecycle rule of the bucket.

    The first write checks whether the bucket exists, creates it if `auto_create` is True, and rejects a
    server that ignores conditions. Reads create nothing.

    Without a `client` argument, the store creates clients per event loop. Reads and plain writes are retried
    on a broken connection and if the server is busy; conditional writes are not. A client that you pass in
    keeps its own retry settings.
    """

    errors = ERRORS
    reconnects = True
    buries = True
    reclaim_after = None  # Searching for expired entries costs money: one request per entry.
    batch_limit = BatchLimit(items=_PER_CALL)
    max_concurrency = 16
    url_parts = (
        ("host", "bucket_name"),
        ("path", "prefix"),
        ("username", "aws_access_key_id"),
        ("password", "aws_secret_access_key"),
    )

    def __init__(
        self,
        *,
        client: Any = None,
        bucket_name: str,
        prefix: str | None = None,
        region_name: str | None = None,
        endpoint_url: str | None = None,
        profile_name: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        verify: bool | str | None = None,
        addressing_style: Literal["auto", "path", "virtual"] | None = None,
        max_pool_connections: int = 32,
        config: "Config | None" = None,
        server_side_encryption: str | None = None,
        sse_kms_key_id: str | None = None,
        sse_customer_key: bytes | None = None,
        put_options: Mapping[str, Any] | None = None,
        auto_create: bool = True,
        default_collection: str | None = None,
        collection_sanitization_strategy: SanitizationStrategy | None = None,
        key_sanitization_strategy: SanitizationStrategy | None = None,
        timeout: float | None = 20.0,
    ) -> None:
        """Initialize with a client, or with arguments to create clients; connects on first use.

        Args:
            client: aiobotocore S3 client, bound to its event loop. It replaces the arguments from
                `region_name` to `config`. The store does not close it.
            bucket_name: Bucket name.
            prefix: Folder of the bucket that holds the entries, such as `app` or `app/cache`. Defaults to the
                top level.
            region_name: Region. Defaults to that of the environment or the profile.
            endpoint_url: URL of a server other than AWS.
            profile_name: Profile in the shared configuration files.
            aws_access_key_id: Access key ID. By default, the driver searches for credentials like boto3.
            aws_secret_access_key: Secret access key.
            aws_session_token: Session token of temporary credentials.
            verify: Whether to verify certificates, or the file of trusted CA certificates.
            addressing_style: Whether URLs contain the bucket in their path or their host name. By default,
                the driver decides.
            max_pool_connections: Maximum number of open connections.
            config: Configuration of the driver, such as retries, timeouts or proxies, which takes precedence
                over the store's settings.
            server_side_encryption: `AES256`, `aws:kms` or `aws:kms:dsse`. Defaults to the bucket's setting.
            sse_kms_key_id: Key ID for `aws:kms`.
            sse_customer_key: Key of 32 bytes that the server encrypts with but does not store (SSE-C).
            put_options: Further arguments of `PutObject`, such as `StorageClass` or `Tagging`.
            auto_create: Whether the first write creates a missing bucket, which reads treat as empty;
                otherwise a missing bucket is an error.
            default_collection: Collection used when a call does not name one.
            collection_sanitization_strategy: Strategy applied to collections before they are escaped.
            key_sanitization_strategy: Strategy applied to keys before they are escaped.
            timeout: Maximum duration of a call for up to 1000 entries, in seconds; None leaves it to the
                client.

        Raises:
            ValueError: `sse_customer_key` does not have 32 bytes, `prefix` is too long, or `timeout` is not
                positive.
        """
        super().__init__(default_collection=default_collection, timeout=timeout)
        if sse_customer_key is not None and len(sse_customer_key) != 32:
            raise ValueError(f"sse_customer_key must have 32 bytes, not {len(sse_customer_key)}")
        self._object_names = ObjectNames(
            keys=key_sanitization_strategy, collections=collection_sanitization_strategy
        )
        self.names = self._object_names
        self.bucket_name = bucket_name
        self._prefix = f"{prefix.strip('/')}/" if prefix else ""
        if len(self._prefix.encode()) > LONGEST_PREFIX:
            raise ValueError(f"prefix must have at most {LONGEST_PREFIX - 1} bytes")
        self._auto_create = auto_create
        self._profile = profile_name
        self._arguments = {
            "region_name": region_name,
            "endpoint_url": endpoint_url,
            "aws_access_key_id": aws_access_key_id,
            "aws_secret_access_key": aws_secret_access_key,
            "aws_session_token": aws_session_token,
            "verify": verify,
        }
        self._config = make_config(
            config,
            timeout=timeout,
            endpoint_url=endpoint_url,
            pool_size=max_pool_connections,
            addressing_style=addressing_style,
        )
        given = cast("Client | None", client)
        url = endpoint_url if given is None else given.meta.endpoint_url
        shown = re.sub("//[^/]*@", "//", url).rstrip("/") if url else "s3:/"
        place = f"{shown}/{bucket_name}"
        self.location = f"{place}/{self._prefix}".rstrip("/")
        self._key_options: dict[str, Any] = {}
        if sse_customer_key is not None:
            self._key_options = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": sse_customer_key}
        encryption = {"ServerSideEncryption": server_side_encryption, "SSEKMSKeyId": sse_kms_key_id}
        self._put_options = {
            "ContentType": "application/json",
            **{name: option for name, option in encryption.items() if option is not None},
            **self._key_options,
            **(put_options or {}),
        }
        self._clients = self._owns(
            ClientPerLoop[Clients](None if given is None else Clients(given, given), self._open)
        )
        self._etags: dict[str, str] = {}
        """ETags by version, of data that was read or written; such data can be replaced without a read."""
        self._is_prepared = False
        self._knows_conditions = False
        self._removes_on_condition = True
        self._removes_many = True

    @property
    def client(self) -> Any:
        """The client of the running event loop."""
        return self._clients.current().client

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Clients]:
        async with open_clients(self._profile, self._config, self._arguments) as clients:
            yield clients

    @override
    async def _setup(self) -> None:
        await self._clients.get()

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        if not self._is_prepared:
            await self._fetch(self._prepare_bucket)
            await self._fetch(self._check_conditions)
            self._is_prepared = True

    async def _prepare_bucket(self) -> None:
        """Create the bucket if it is missing and `auto_create` is True."""
        client = (await self._clients.get()).client
        try:
            await client.head_bucket(Bucket=self.bucket_name)
        except ClientError as error:
            # Without the permission for HeadBucket, the first write reports whether the bucket exists.
            if code_of(error) in {"403", "AccessDenied"}:
                return
            if code_of(error) not in {"404", "NoSuchBucket"}:
                raise
            if not self._auto_create:
                raise StoreSetupError(message=f"{self!r}: the bucket does not exist") from error
            await self._create_bucket(client)

    async def _create_bucket(self, client: Client) -> None:
        region = client.meta.region_name
        is_elsewhere = ".amazonaws.com" in client.meta.endpoint_url and region not in {
            None,
            "us-east-1",
            "aws-global",
        }
        location = {"CreateBucketConfiguration": {"LocationConstraint": region}} if is_elsewhere else {}
        try:
            await client.create_bucket(Bucket=self.bucket_name, **location)
        except ClientError as error:
            if code_of(error) != "BucketAlreadyOwnedByYou":
                raise

    async def _check_conditions(self) -> None:
        """Raise if the server ignores conditions; the check leaves one object in the bucket.

        Raises:
            StoreSetupError: The server ignores conditions.
        """
        if self._knows_conditions:
            return
        created, replaced = await asyncio.gather(
            self._is_refused(_PROBE, IfNoneMatch="*"), self._is_refused(_PROBE_ABSENT, IfMatch=_NO_ETAG)
        )
        # Another process may remove the object in the meantime, with `destroy`.
        for _ in range(_ATTEMPTS):
            created = created or await self._is_refused(_PROBE, IfNoneMatch="*")
        if not replaced:
            await self._remove(_PROBE_ABSENT)
        if not (created and replaced):
            raise StoreSetupError(
                message=f"{self!r}: the server ignores If-None-Match or If-Match, so no write is safe"
            )
        self._removes_on_condition = await self._refuses_removal()
        self._knows_conditions = True

    def _at(self, address: str) -> dict[str, str]:
        """Return the arguments that identify the object at an address."""
        return {"Bucket": self.bucket_name, "Key": self._prefix + address}

    async def _is_refused(self, address: str, **condition: str) -> bool:
        once = (await self._clients.get()).once
        text = b"Shows that this server writes on conditions."
        try:
            await once.put_object(
                **self._at(address),
                Body=text,
                **self._put_options,
                **condition,
            )
        except ClientError as error:
            if code_of(error) not in _CONTENDED:
                raise
            return True
        return False

    async def _refuses_removal(self) -> bool:
        once = (await self._clients.get()).once
        try:
            await once.delete_object(**self._at(_PROBE), IfMatch=_NO_ETAG)
        except ClientError as error:
            if isinstance(read_error(error, ""), (StoreConnectionError, StoreTimeoutError)):
                raise
            return code_of(error) in _CONTENDED
        return False

    @override
    def _map_error(self, error: Exception) -> BaseKeyValueError | None:
        if isinstance(error, ClientError):
            return read_error(error, repr(self))
        return super()._map_error(error)

    async def _get(self, address: str) -> _Stored | None:
        client = (await self._clients.get()).client
        try:
            reply = await client.get_object(**self._at(address), **self._key_options)
        except ClientError as error:
            if code_of(error) == "NoSuchKey" or self._is_nothing(error):
                return None
            raise
        # An unread body would block its connection.
        async with reply["Body"] as body:
            data = await body.read()
        self._keep_etag(data, reply["ETag"])
        return _Stored(data, reply["ETag"])

    def _keep_etag(self, data: bytes, etag: str) -> None:
        if len(data) > _SMALL:
            return
        if len(self._etags) >= _ETAGS:
            self._etags.clear()
        self._etags[self.version_of(data)] = etag

    def _is_nothing(self, error: ClientError) -> bool:
        """Return whether the bucket is missing and the first write will create it."""
        return self._auto_create and code_of(error) == "NoSuchBucket"

    @override
    async def _read(self, address: str) -> bytes | None:
        found = await self._get(address)
        return None if found is None else found.data

    async def _put(self, client: Client, address: str, data: bytes, **condition: str) -> None:
        if len(data) > MAX_BYTES:
            raise ValueTooLargeError(size=len(data), max_size=MAX_BYTES)
        try:
            reply = await client.put_object(
                **self._at(address),
                Body=data,
                **self._put_options,
                **condition,
            )
        except ClientError as error:
            if code_of(error) == "NoSuchBucket":
                # The next write checks for the bucket again.
                self._is_prepared = False
                self._forget_prepared()
            raise
        if "ETag" not in reply:
            raise KeyValueStoreError(message=f"{self!r}: the response to PutObject is not from S3")
        if condition:
            self._keep_etag(data, reply["ETag"])

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None:
        await self._put((await self._clients.get()).client, address, data)

    @override
    async def _remove(self, address: str) -> None:
        client = (await self._clients.get()).client
        try:
            await client.delete_object(**self._at(address))
        except ClientError as error:
            if code_of(error) != "NoSuchKey" and not self._is_nothing(error):
                raise

    @override
    async def _remove_many(self, addresses: Sequence[str]) -> Sequence[Exception | None]:
        if not self._removes_many:
            return await self._each(self._remove, addresses)
        client = (await self._clients.get()).client
        objects = [{"Key": self._prefix + address} for address in addresses]
        try:
            reply = await client.delete_objects(
                Bucket=self.bucket_name, Delete={"Objects": objects, "Quiet": True}
            )
        except ClientError as error:
            if self._is_nothing(error):
                return [None] * len(addresses)
            if code_of(error) in _UNSUPPORTED:
                self._removes_many = False
            # XML cannot represent some names of the 0.5 series.
            elif code_of(error) != _MALFORMED:
                raise
            return await self._each(self._remove, addresses)
        refused = {
            each.get("Key", "").removeprefix(self._prefix): _as_error(each)
            for each in reply.get("Errors", [])
        }
        unknown = refused.keys() - set(addresses)
        if unknown:
            raise refused[unknown.pop()]
        return [refused.get(address) for address in addresses]

    @override
    async def _take_many(self, addresses: Sequence[str]) -> Sequence[bytes | Exception | None]:
        found = await self._read_many(addresses)
        stored = [address for address, data in zip(addresses, found, strict=True) if isinstance(data, bytes)]
        removed = await self._remove_many(stored) if stored else ()
        failed = {address: error for address, error in zip(stored, removed, strict=True) if error is not None}
        return [failed.get(address, data) for address, data in zip(addresses, found, strict=True)]

    @override
    async def _write_if(self, address: str, data: bytes, ttl: float | None, version: str | None) -> bool:
        await self._check_conditions()
        once = (await self._clients.get()).once
        etag = None if version is None else self._etags.get(version)
        is_known = version is None or etag is not None
        refusal: ClientError | None = None
        for _ in range(_ATTEMPTS):
            if not is_known:
                stored = await self._get(address)
                if (None if stored is None else self.version_of(stored.data)) != version:
                    return False
                etag = None if stored is None else stored.etag
            try:
                await self._put(once, address, data, **_if(etag))
            except ClientError as error:
                if code_of(error) not in _CONTENDED:
                    raise
                if version is not None and code_of(error) in _REFUSED:
                    return False  # The driver may have sent this very write twice; the base class checks.
                refusal, is_known = error, False
            else:
                return True
        raise cast("ClientError", refusal)

    @override
    async def _remove_if(self, address: str, version: str) -> bool:
        await self._check_conditions()
        if not self._removes_on_condition:
            return False
        etag = self._etags.get(version)
        if etag is None:
            stored = await self._get(address)
            if stored is None or self.version_of(stored.data) != version:
                return False
            etag = stored.etag
        once = (await self._clients.get()).once
        try:
            await once.delete_object(**self._at(address), IfMatch=etag)
        except ClientError as error:
            if code_of(error) not in _REFUSED:
                raise
            return False
        return True

    @override
    async def _list(self, prefix: str, cursor: str | None, limit: int) -> AddressPage:
        client = (await self._clients.get()).client
        arguments: dict[str, Any] = {"Bucket": self.bucket_name, "MaxKeys": min(limit, _PER_CALL)}
        if cursor is not None:
            arguments["ContinuationToken"] = cursor
        try:
            reply = await client.list_objects_v2(Prefix=self._prefix + prefix, **arguments)
        except ClientError as error:
            if self._is_nothing(error):
                return AddressPage([], None)
            raise
        addresses = [each["Key"].removeprefix(self._prefix) for each in reply.get("Contents", [])]
        return AddressPage(
            [(address, None) for address in addresses if _may_be_entry(address)],
            reply["NextContinuationToken"] if reply.get("IsTruncated") else None,
        )

    @override
    async def _delete_store(self) -> bool:
        await super()._delete_store()
        await self._change([_PROBE], lambda: self._remove(_PROBE), repeatable=True)
        return True

    @override
    def _is_entry(
        self, address: str, named: tuple[str | None, str | None] | None, collection: str, key: str
    ) -> bool:
        if named == (None, None):
            return self._object_names.was_at(address, collection, key)
        if named is None:
            return address == self.names.address(collection, key)
        return named == (collection, key)

    @override
    def _holds_entry(self, address: str, data: bytes, collection: str, key: str) -> bool:
        is_ours = super()._holds_entry(address, data, collection, key)
        return is_ours and (address == self.names.address(collection, key) or _is_document(data))

    @override
    def _listed(self, address: str, data: bytes) -> Listed | None:
        return super()._listed(address, data) if _is_document(data) else None

    @override
    def _entry_at(self, address: str, collection: str | None, key: str | None) -> Address | None:
        if collection is None and key is None:
            return self._object_names.former_entry(address)
        return super()._entry_at(address, collection, key)


def _if(etag: str | None) -> dict[str, str]:
    """Return the condition that an object has an ETag, or that it does not exist."""
    return {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}


def _may_be_entry(address: str) -> bool:
    return "/" in address and not address.endswith("/") and not address.startswith(RESERVED)


def _is_document(data: bytes) -> bool:
    """Return whether an object is a document of this library, even without the names of its entry."""
    return _DOCUMENT.match(data) is not None and _VERSION in data[-100:]


def _as_error(each: Mapping[str, Any]) -> ClientError:
    """Return the exception that removing this object on its own would have raised."""
    detail = {"Code": each.get("Code", ""), "Message": each.get("Message", "")}
    return ClientError(cast("Any", {"Error": detail}), "DeleteObjects")
