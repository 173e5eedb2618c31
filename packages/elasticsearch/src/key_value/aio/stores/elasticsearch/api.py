"""The requests that a store makes. Document IDs are never a part of a path, which `..` would change."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import quote

from key_value.aio.errors import StoreConnectionError, StoreTimeoutError
from key_value.aio.stores.elasticsearch.answers import (
    INVALID,
    Answer,
    error_of,
    is_found,
    item,
    lacks_shard,
    members,
)
from key_value.aio.stores.elasticsearch.documents import LISTED
from key_value.aio.stores.elasticsearch.names import Place

ATTEMPTS = 4
"""Maximum number of attempts for a request while the server is overloaded."""

LONGEST_PATH = 2000
"""Maximum length of the index names in a path; a server accepts request lines of 4096 characters."""

JSON = "application/json"
LINES = "application/x-ndjson"

_SEARCHED: dict[str, Any] = {"ignore_unavailable": True, "allow_partial_search_results": False}
_FOUND: dict[str, Any] = {"seq_no_primary_term": True, "_source": LISTED, "track_total_hits": False}


class Send(Protocol):
    """A function that sends a request once and returns the response, even if it is an error."""

    def __call__(
        self,
        method: str,
        path: str,
        body: str | None = None,
        *,
        kind: str = JSON,
        seconds: float | None = None,
    ) -> Awaitable[Answer]:
        """Send a request.

        Args:
            method: HTTP method.
            path: Encoded path with the query.
            body: Request body.
            kind: Media type of the body.
            seconds: Timeout in seconds; None leaves it to the client.
        """
        ...


class Action(NamedTuple):
    """An operation of a bulk request."""

    operation: str
    """`index`, `create` or `delete`."""
    place: Place
    """Index and ID of the document."""
    condition: Mapping[str, int]
    """Required sequence number and term of the existing document."""
    document: str = ""
    """The document to store."""
    collection: str | None = None
    """The collection whose index is created if it is missing; `place` then names the alias of the index."""


class Search(NamedTuple):
    """A search in several indices."""

    indices: Sequence[str]
    body: Mapping[str, Any]


class Api:
    """Requests to a cluster."""

    def __init__(
        self,
        send: Send,
        prepare: Callable[[str], Awaitable[None]],
        as_text: Callable[[str], str | None],
        timeout: float | None,
    ) -> None:
        """Initialize with functions that send requests and create indices.

        Args:
            send: Sends a request.
            prepare: Creates the index of a collection.
            as_text: Returns a document with its value as text.
            timeout: Maximum duration of a call of the store, in seconds.
        """
        self._send = send
        self._prepare = prepare
        self._as_text = as_text
        self._seconds = None if timeout is None else timeout * 0.8
        # The server must give up first; otherwise a write could happen after it was reported as failed.
        self._patience = "" if timeout is None else f"timeout={max(1, int(timeout * 800))}ms"

    async def ask(self, method: str, path: str, body: str | None = None, *, kind: str = JSON) -> Answer:
        """Send a request, with several attempts while the server is overloaded, and return the response."""
        for attempt in range(1, ATTEMPTS):
            answer = await self._send(method, path, body, kind=kind)
            if not answer.is_busy:
                return answer
            await _back_off(attempt)
        return await self._send(method, path, body, kind=kind)

    async def create(self, index: str, body: Mapping[str, Any]) -> Answer:
        """Create an index and return the response."""
        return await self.ask("PUT", f"/{quote(index)}?{self._patience}", json.dumps(body))

    async def look(self, places: Sequence[Place]) -> list[Mapping[str, Any] | None]:
        """Return the document at each place; None if it is missing."""
        docs = [{"_index": place.where, "_id": place.document} for place in places]
        found = await self._items("/_mget", json.dumps({"docs": docs}), JSON, "docs", len(docs))
        return [doc if is_found(doc) else None for doc in found]

    async def _items(self, path: str, body: str, kind: str, name: str, count: int) -> list[Any]:
        """Return the items of a read response; wait a little for shards that are not available yet."""
        for attempt in range(1, ATTEMPTS):
            found = members(await self.ask("POST", path, body, kind=kind), name, count)
            if not any(map(lacks_shard, found)):
                return found
            await _back_off(attempt)
        return members(await self.ask("POST", path, body, kind=kind), name, count)

    async def bulk(self, actions: Sequence[Action]) -> list[Answer]:
        """Perform operations and return the response to each.

        Some operations are repeated: if the server was overloaded, if their index is missing, and, with the
        value as text, if the server rejects the value.
        """
        answers: dict[int, Answer] = {}
        left = dict(enumerate(actions))
        for attempt in range(1, ATTEMPTS + 1):
            if not left:
                break
            body = "".join(map(_lines, left.values()))
            answer = await self.ask("POST", f"/_bulk?{self._patience}", body, kind=LINES)
            found = members(answer, "items", len(left))
            answers.update(zip(left, (item(next(iter(each.values()))) for each in found), strict=True))
            left = await self._again(left, answers, attempt)
        return [answers[index] for index in range(len(actions))]

    async def _again(
        self, sent: Mapping[int, Action], answers: Mapping[int, Answer], attempt: int
    ) -> dict[int, Action]:
        """Return the operations to repeat, once they may succeed."""
        again: dict[int, Action] = {}
        gone: set[str] = set()
        is_busy = False
        for index, action in sent.items():
            answer = answers[index]
            if answer.is_busy:
                again[index] = action
                is_busy = True
            elif answer.lacks_index and action.collection is not None:
                again[index] = action
                gone.add(action.collection)
            elif answer.status == INVALID and (text := self._as_text(action.document)) is not None:
                again[index] = action._replace(document=text)
        for collection in gone:
            await self._prepare(collection)
        if is_busy:
            await _back_off(attempt)
        return again

    async def search(self, searches: Sequence[Search]) -> list[list[Any]]:
        """Return the results of several searches; a missing index has no results.

        Raises:
            StoreConnectionError: A shard could not be searched, so results are missing.
        """
        wanted = [search for search in searches if search.indices]
        if not wanted:
            return []
        body = "".join(
            f"{json.dumps({'index': indices, **_SEARCHED})}\n{json.dumps({**search, **_FOUND})}\n"
            for indices, search in wanted
        )
        found = await self._items("/_msearch", body, LINES, "responses", len(wanted))
        for each in found:
            if "error" in each:
                raise error_of(item(each))
            if lacks_shard(each):
                raise StoreConnectionError(message="A shard of an index could not be searched")
        return [each["hits"]["hits"] for each in found]

    async def refresh(self, indices: Sequence[str], timed_out: type[Exception]) -> None:
        """Make all writes visible to searches.

        Args:
            indices: Indices to refresh; missing ones are ignored.
            timed_out: Exception that the client raises on a timeout.
        """
        for path in _paths(indices):
            url = f"/{path}/_refresh?ignore_unavailable=true"
            try:
                answer = await self._send("POST", url, seconds=self._seconds)
            except timed_out as error:
                # The server waits for a shard without a node.
                raise StoreTimeoutError(message=f"A refresh of {path} timed out") from error
            if not answer.is_good:
                raise error_of(answer, f"{path} cannot be refreshed")

    async def mappings(self, prefix: str) -> dict[str, Any]:
        """Return the `_meta` and the field types of all indices whose names start with a prefix."""
        wanted = "*.mappings._meta,*.mappings.properties.*.type"
        answer = await self.ask("GET", f"/{quote(prefix)}*/_mapping?filter_path={wanted}")
        if answer.lacks_index:
            return {}
        if not answer.is_good or not isinstance(answer.body, dict):
            raise error_of(answer)
        return {
            index: about.get("mappings", {}) for index, about in cast("dict[str, Any]", answer.body).items()
        }


async def _back_off(attempt: int) -> None:
    await asyncio.sleep(0.05 * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 -- jitter


def _lines(action: Action) -> str:
    """Return the lines of an operation in a bulk request."""
    about: dict[str, Any] = {"_index": action.place.where, "_id": action.place.document, **action.condition}
    if action.collection is not None:
        # Otherwise a missing index would be created, with a mapping derived from the document.
        about["require_alias"] = True
    line = json.dumps({action.operation: about})
    return f"{line}\n{action.document}\n" if action.document else f"{line}\n"


def _paths(indices: Sequence[str]) -> Iterator[str]:
    """Return index names for paths, as many in each path as a server accepts."""
    path = ""
    for name in map(quote, indices):
        if path and len(path) + len(name) >= LONGEST_PATH:
            yield path
            path = ""
        path = f"{path},{name}" if path else name
    if path:
        yield path
