"""The server's responses: its errors, and responses from something else."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from key_value.aio.errors import (
    KeyValueStoreError,
    StoreAuthenticationError,
    StoreConnectionError,
    StoreUnreachableError,
)

CONFLICT = 409
MISSING = 404
INVALID = 400

MISSING_INDEX = "index_not_found_exception"
EXISTS = "resource_already_exists_exception"
_BLOCKED = "cluster_block_exception"
_INACTIVE = "unavailable_shards_exception"
_SHARDS = "validation_exception"
"""The server refused to create an index, for example because there are too many shards."""


class Answer(NamedTuple):
    """The response to a request."""

    status: int
    body: Any
    """The parsed JSON, or the text of a response that is not JSON."""

    @property
    def is_good(self) -> bool:
        """Whether the request succeeded."""
        return 200 <= self.status < 300

    @property
    def error(self) -> Mapping[str, Any]:
        """The details of an error; empty if there are none."""
        error = cast("Mapping[str, Any]", self.body).get("error") if isinstance(self.body, dict) else None
        return cast("Mapping[str, Any]", error) if isinstance(error, dict) else {}

    @property
    def kind(self) -> str:
        """The type of the error."""
        return str(self.error.get("type", ""))

    @property
    def is_busy(self) -> bool:
        """Whether the server is overloaded and has done nothing."""
        return self.status == 429 and self.kind != _BLOCKED

    @property
    def lacks_index(self) -> bool:
        """Whether the index does not exist."""
        return self.status == MISSING and self.kind == MISSING_INDEX


def item(found: Mapping[str, Any]) -> Answer:
    """Return the response to one operation of several."""
    return Answer(int(found.get("status", 500)), found)


def lacks_shard(found: Mapping[str, Any]) -> bool:
    """Return whether a part of a response is missing, for example just after an index was created."""
    shards, error = found.get("_shards", {}), found.get("error", {})
    return (
        found.get("status") == 503
        or error.get("type") == "no_shard_available_action_exception"
        # OpenSearch does not count a shard without a node as failed.
        or shards.get("successful", 0) < shards.get("total", 0)
    )


def is_found(found: Mapping[str, Any]) -> bool:
    """Return whether a document was found.

    Raises:
        KeyValueStoreError: The result is unknown, for example because the shard has failed.
    """
    if isinstance(there := found.get("found"), bool):
        return there
    error = cast("Mapping[str, Any]", found.get("error") or {})
    if error.get("type") == MISSING_INDEX:
        return False
    raise StoreConnectionError(message=f"A document could not be looked up: {error.get('type')}")


def members(answer: Answer, name: str, count: int) -> list[Any]:
    """Return the items of a response.

    Raises:
        KeyValueStoreError: The request failed.
        StoreConnectionError: The response is not from the server, but possibly from a proxy.
    """
    if not answer.is_good:
        raise error_of(answer)
    items = cast("dict[str, Any]", answer.body).get(name) if isinstance(answer.body, dict) else None
    if not isinstance(items, list) or len(cast("list[Any]", items)) != count:
        raise StoreConnectionError(
            message="The response is not from the server: is there a proxy in between?"
        )
    return cast("list[Any]", items)


def error_of(answer: Answer, what: str = "The server rejected a request") -> KeyValueStoreError:
    """Return the error for an unsuccessful response.

    For errors of documents it quotes only the error type, because the reason may contain a part of a value.

    Args:
        answer: The response.
        what: Description of the failure, for requests that concern indices only.
    """
    status, said = answer.status, f"{answer.status} {answer.kind}".strip()
    if answer.kind == _BLOCKED:
        return KeyValueStoreError(
            message=f"The index is blocked, as all indices are while a disk is full: {said}"
        )
    if status == 429:
        message = f"The server rejected the request: too many, or one too large for its heap: {said}"
        return StoreUnreachableError(message=message)
    if answer.kind == _INACTIVE:
        return StoreUnreachableError(message=f"No primary shard is available: {said}")
    if status >= 500 or status == 408:
        return StoreConnectionError(message=f"The server failed: {said}")
    if status in (401, 403):
        message = f"{what}: the credentials are invalid, or they lack a privilege: {said}"
        return StoreAuthenticationError(message=message)
    if status == 413:
        what = f"{what}: it is larger than the server accepts"
    elif answer.kind == _SHARDS:
        said = f"{said}: {answer.error.get('reason')}"
    return KeyValueStoreError(message=f"{what}: {said}")
