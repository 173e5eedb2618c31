"""hvac: its client, the few calls that a store makes, and its exceptions. They block."""

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
"""The field of a secret that has the document of its entry."""

_KEPT_METHODS = frozenset({307, 308})

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
    """A session that sends no write on as a read, as HTTP clients do for most redirections."""

    @override
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return super().get_redirect_target(resp) if resp.status_code in _KEPT_METHODS else None


class Secret(NamedTuple):
    """What is at a path now."""

    text: str | None
    """The document; None if there is none, or it was removed."""
    version: int
    """The number of its version; 0 if nothing was ever there."""
    is_empty: bool = True
    """Whether it has no field: an entry was removed."""


def make_client(
    url: str, token: str | None, namespace: str | None, timeout: float | None, options: Mapping[str, Any]
) -> Any:
    """Create a client with a session of its own; nothing is sent."""
    session = Session()
    session.verify, session.cert = options["verify"], options["cert"]
    patience: Any = timeout
    return hvac.Client(url=url, token=token, namespace=namespace, timeout=patience, session=session)


class Mount:
    """The secrets below a mount, through the client of one thread."""

    def __init__(self, client: Any, path: str, *, keeps_versions: bool, owned: bool) -> None:
        self._client = client
        self._owned = owned
        self._kv = client.secrets.kv.v2
        self._path = path
        self._keeps_versions = keeps_versions

    def close(self) -> None:
        """Close the connections, unless they are those of a given client."""
        if self._owned:
            self._client.adapter.close()

    def check(self) -> None:
        """Make sure that there is an engine that can write on a condition.

        Raises:
            ValueError: There is none.
        """
        about = _data(self._client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._path}"))
        options: dict[str, Any] = about.get("options") or {}
        if options.get("version") != "2":
            raise ValueError(f"The mount {self._path!r} is no KV engine of version 2")

    def read(self, path: str) -> Secret:
        """Return what is at a path."""
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
            raise DeserializationError(f"The field {FIELD!r} of the secret is no text")
        return Secret(text, data["metadata"]["version"], not fields)

    def write(self, path: str, text: str | None) -> dict[str, Any]:
        """Store a document, or None in its place, and return what is said of the new version."""
        while True:
            try:
                return self._write(path, text)
            except exceptions.InvalidRequest as error:
                # A mount may demand that every write is on a condition.
                if "parameter required" not in str(error):
                    raise
            written = self.write_if(path, text, self.read(path).version)
            if written is not None:
                return written

    def write_if(self, path: str, text: str | None, version: int) -> dict[str, Any] | None:
        """Do the same if the version is this one; None if it is not."""
        try:
            return self._write(path, text, cas=version)
        except exceptions.InvalidRequest as error:
            if "did not match" in str(error):
                return None
            raise

    def forget(self, path: str) -> None:
        """Remove all versions of what is at a path."""
        self._kv.delete_metadata_and_all_versions(path, mount_point=self._path)

    def forget_empty(self, path: str) -> None:
        """Remove what a removed entry has left."""
        if self.read(path).is_empty:
            self.forget(path)

    def list(self, folder: str) -> list[str]:
        """Return the names in a folder, those of folders with a `/` at the end."""
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
    """Return the error for an exception that the table of errors does not tell apart."""
    if isinstance(error, (exceptions.Forbidden, exceptions.Unauthorized)):
        return StoreAuthenticationError(
            message=f"Vault refuses the token, or its policies do: {_said(error)}"
        )
    if isinstance(error, exceptions.InternalServerError) and "too large" in str(error):
        return KeyValueStoreError(message="The entry is too large for Vault's storage")
    if isinstance(error, exceptions.UnexpectedError) and "too large" in str(error):
        return KeyValueStoreError(message="The entry is too large for Vault")
    if isinstance(error, (*_FAILED, exceptions.UnexpectedError)):
        return StoreConnectionError(message=f"Vault failed: {type(error).__name__} {_said(error)}")
    if isinstance(error, requests.exceptions.ConnectionError) and _was_unreachable(error):
        return StoreUnreachableError(message=f"Vault cannot be reached: {error}")
    return None


def _said(error: Any) -> str:
    """Return what Vault said, without the URL, which holds the name of an entry."""
    return "; ".join(map(str, error.errors or [])) or str(error.args[0] if error.args else "")


def _was_unreachable(error: requests.exceptions.ConnectionError) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _data(answer: Any) -> Any:
    """Return the data of an answer.

    Raises:
        StoreConnectionError: It is no answer of Vault's, but of something in between.
    """
    if not isinstance(answer, dict) or "data" not in answer:
        raise StoreConnectionError(message="The answer is not one of Vault: is a proxy in between?")
    return cast("dict[str, Any]", answer)["data"]
