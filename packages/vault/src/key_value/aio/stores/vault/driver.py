"""hvac: its client, the blocking calls that the store makes, and its exceptions."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import hvac
import requests
from hvac import exceptions
from typing_extensions import override
from urllib3.exceptions import NewConnectionError

from key_value.aio.errors import (
    BaseKeyValueError,
    DeserializationError,
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreTimeoutError,
    StoreUnreachableError,
)

FIELD = "value"
"""Field of a secret that contains the document of its entry."""

_KEPT_METHODS = frozenset({307, 308})

_UPGRADING = "Upgrading from non-versioned"
"""Start of the reply of a KV engine that has just been mounted or upgraded, and does nothing yet."""

_FAILED = (
    exceptions.VaultDown,
    exceptions.VaultNotInitialized,
    exceptions.RateLimitExceeded,
    exceptions.BadGateway,
    exceptions.InternalServerError,
)

ERRORS = (
    (requests.exceptions.ConnectTimeout, StoreUnreachableError),
    (requests.exceptions.Timeout, StoreTimeoutError),
    (requests.exceptions.SSLError, KeyValueStoreError),
    (requests.exceptions.RequestException, StoreConnectionError),
    (exceptions.VaultError, KeyValueStoreError),
)


class Session(requests.Session):
    """A session that never turns a redirected write into a read, as HTTP clients usually do."""

    @override
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return super().get_redirect_target(resp) if resp.status_code in _KEPT_METHODS else None


class Secret(NamedTuple):
    """The current version of a secret."""

    text: str | None
    """The document; None if it does not exist or was removed."""
    version: int
    """The version number; 0 if there never was a version."""
    is_empty: bool = True
    """Whether the secret has no field, because its entry was removed."""


def make_client(
    url: str, token: str | None, namespace: str | None, timeout: float | None, options: Mapping[str, Any]
) -> Any:
    """Create a client with a separate session, without sending anything."""
    session = Session()
    session.verify, session.cert = options["verify"], options["cert"]
    patience: Any = timeout
    return hvac.Client(url=url, token=token, namespace=namespace, timeout=patience, session=session)


class Mount:
    """The secrets of a mount, accessed through the client of one thread."""

    def __init__(self, client: Any, path: str, *, keeps_versions: bool, owned: bool) -> None:
        self._client = client
        self._owned = owned
        self._kv = client.secrets.kv.v2
        self._path = path
        self._keeps_versions = keeps_versions

    def close(self) -> None:
        """Close the connections, unless the client was passed in."""
        if self._owned:
            self._client.adapter.close()

    def check(self) -> None:
        """Check that the mount is an engine with conditional writes.

        Raises:
            ValueError: It is not such an engine.
        """
        about = _data(self._client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._path}"))
        options: dict[str, Any] = about.get("options") or {}
        if options.get("version") != "2":
            raise ValueError(f"The mount {self._path!r} is not a version 2 KV engine")

    def read(self, path: str) -> Secret:
        """Return the current version of a secret."""
        try:
            answer = self._kv.read_secret_version(
                path, mount_point=self._path, raise_on_deleted_version=False
            )
        except exceptions.InvalidPath as error:
            if error.errors:  # The mount or the namespace is missing.
                raise
            return Secret(None, 0)
        data = _data(answer)
        fields: dict[str, Any] = data["data"] or {}
        text = fields.get(FIELD)
        if text is not None and not isinstance(text, str):
            raise DeserializationError(f"The field {FIELD!r} of the secret is not text")
        return Secret(text, data["metadata"]["version"], not fields)

    def write(self, path: str, text: str | None) -> dict[str, Any]:
        """Store a document, or an empty version for None, and return the metadata of the new version."""
        while True:
            try:
                return self._write(path, text)
            except exceptions.InvalidRequest as error:
                # A mount may require that every write is conditional.
                if "parameter required" not in str(error):
                    raise
            written = self.write_if(path, text, self.read(path).version)
            if written is not None:
                return written

    def write_if(self, path: str, text: str | None, version: int) -> dict[str, Any] | None:
        """Write like `write` if the current version is the given one; otherwise return None."""
        try:
            return self._write(path, text, cas=version)
        except exceptions.InvalidRequest as error:
            if "did not match" in str(error):
                return None
            raise

    def forget(self, path: str) -> None:
        """Remove all versions of a secret."""
        self._kv.delete_metadata_and_all_versions(path, mount_point=self._path)

    def forget_empty(self, path: str) -> None:
        """Remove the empty version of a removed entry."""
        if self.read(path).is_empty:
            self.forget(path)

    def list(self, folder: str) -> list[str]:
        """Return the names in a folder; those of subfolders end with `/`."""
        try:
            answer = self._kv.list_secrets(folder, mount_point=self._path)
        except exceptions.InvalidPath as error:
            if error.errors:
                raise
            return []
        return _data(answer)["keys"]

    def _write(self, path: str, text: str | None, **condition: int) -> dict[str, Any]:
        secret = {} if text is None else {FIELD: text}
        written = _data(self._kv.create_or_update_secret(path, secret, mount_point=self._path, **condition))
        if written["version"] == 1 and not self._keeps_versions:
            self._kv.update_metadata(path, max_versions=1, mount_point=self._path)
        return written


def mapped_error(error: Exception) -> BaseKeyValueError | None:
    """Return the error for an exception that the error table does not distinguish."""
    if isinstance(error, (exceptions.Forbidden, exceptions.Unauthorized)):
        return StoreAuthenticationError(
            message=f"Vault rejects the token, or its policies forbid the call: {_said(error)}"
        )
    too_large = (exceptions.InternalServerError, exceptions.UnexpectedError)
    if isinstance(error, too_large) and "too large" in str(error):
        return KeyValueStoreError(message="The entry is too large for Vault or its storage")
    if isinstance(error, exceptions.InvalidRequest) and _UPGRADING in str(error):
        return StoreUnreachableError(message=f"Vault is not ready: {_said(error)}")
    if isinstance(error, (*_FAILED, exceptions.UnexpectedError)):
        return StoreConnectionError(message=f"Vault failed: {type(error).__name__} {_said(error)}")
    if isinstance(error, requests.exceptions.ConnectionError) and _was_unreachable(error):
        return StoreUnreachableError(message=f"Vault cannot be reached: {error}")
    return None


def _said(error: Any) -> str:
    """Return Vault's message without the URL, which contains the name of an entry."""
    return "; ".join(map(str, error.errors or [])) or str(error.args[0] if error.args else "")


def _was_unreachable(error: requests.exceptions.ConnectionError) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _data(answer: Any) -> Any:
    """Return the data of a response.

    Raises:
        StoreConnectionError: The response is not from Vault, but possibly from a proxy.
    """
    if not isinstance(answer, dict) or "data" not in answer:
        raise StoreConnectionError(message="The response is not from Vault: is there a proxy in between?")
    return cast("dict[str, Any]", answer)["data"]
