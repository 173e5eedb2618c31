"""The few requests that a store makes: no id is a part of a path, where `..` would lead elsewhere."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import quote

from key_value.aio.errors import StoreConnectionError, StoreTimeoutError
from key_value.aio.stores.opensearch.answers import (
    INVALID,
    Answer,
    error_of,
    is_found,
    item,
    lacks_shard,
    members,
)
from key_value.aio.stores.opensearch.documents import LISTED
from key_value.aio.stores.opensearch.names import Place

ATTEMPTS = 4
"""How often a request is sent while the server has too much to do."""

LONGEST_PATH = 2000
"""Characters of the names of indices in a path; a server takes 4096 of a request line."""

JSON = "application/json"
LINES = "application/x-ndjson"

_SEARCHED: dict[str, Any] = {"ignore_unavailable": True, "allow_partial_search_results": False}
_FOUND: dict[str, Any] = {"seq_no_primary_term": True, "_source": LISTED, "track_total_hits": False}


class Send(Protocol):
    """Sends a request once and returns the answer, also one that is an error."""

    def __call__(
        self,
        method: str,
        path: str,
        body: str | None = None,
        *,
        kind: str = JSON,
        seconds: float | None = None,
    ) -> Awaitable[Answer]:
        """Send it.

        Args:
            method: The method.
            path: The path with the query, encoded.
            body: The body.
            kind: The media type of the body.
            seconds: Seconds that it may take; None leaves it to the client.
        """
        ...


class Action(NamedTuple):
    """An operation of a bulk request."""

    operation: str
    """`index`, `create` or `delete`."""
    place: Place
    """Where the document is."""
    condition: Mapping[str, int]
    """What it demands of the document that is there."""
    document: str = ""
    """What to store."""
    collection: str | None = None
    """The collection whose index is created if it is missing: `place` has the alias of that."""


class Search(NamedTuple):
    """A search in some indices."""

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
        """State how to send them.

        Args:
            send: Sends one.
            prepare: Creates the index of a collection.
            as_text: Returns a document with its value as text.
            timeout: Seconds that a call of the store may take.
        """
        self._send = send
        self._prepare = prepare
        self._as_text = as_text
        self._seconds = None if timeout is None else timeout * 0.8
        # The server must give up first, or a write may happen after it was reported as failed.
        self._patience = "" if timeout is None else f"timeout={max(1, int(timeout * 800))}ms"

    async def ask(self, method: str, path: str, body: str | None = None, *, kind: str = JSON) -> Answer:
        """Send a request, some times more if the server has too much to do, and return the answer."""
        for attempt in range(1, ATTEMPTS):
            answer = await self._send(method, path, body, kind=kind)
            if not answer.is_busy:
                return answer
            await _back_off(attempt)
        return await self._send(method, path, body, kind=kind)

    async def create(self, index: str, body: Mapping[str, Any]) -> Answer:
        """Create an index, and return the answer."""
        return await self.ask("PUT", f"/{quote(index)}?{self._patience}", json.dumps(body))

    async def look(self, places: Sequence[Place]) -> list[Mapping[str, Any] | None]:
        """Return the document at each place; None if there is none."""
        docs = [{"_index": place.where, "_id": place.document} for place in places]
        found = await self._items("/_mget", json.dumps({"docs": docs}), JSON, "docs", len(docs))
        return [doc if is_found(doc) else None for doc in found]

    async def _items(self, path: str, body: str, kind: str, name: str, count: int) -> list[Any]:
        """Return the items of an answer to a read, which waits a little for shards that are not there yet."""
        for attempt in range(1, ATTEMPTS):
            found = members(await self.ask("POST", path, body, kind=kind), name, count)
            if not any(map(lacks_shard, found)):
                return found
            await _back_off(attempt)
        return members(await self.ask("POST", path, body, kind=kind), name, count)

    async def bulk(self, actions: Sequence[Action]) -> list[Answer]:
        """Do operations, and return the answer to each.

        Some are sent again: what a server with too much to do has refused, what was to be written to an index
        that is gone, and, as text, a value that it refuses.
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
        """Return what to send again after some answers, once it may succeed."""
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
        """Return what each of several searches finds; an index that is missing has nothing.

        Raises:
            StoreConnectionError: A shard could not be searched, so that a part is missing.
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
        """Let searches find all that was written.

        Args:
            indices: The indices; those that are missing are passed over.
            timed_out: What the client raises where there is no answer in time.
        """
        for path in _paths(indices):
            url = f"/{path}/_refresh?ignore_unavailable=true"
            try:
                answer = await self._send("POST", url, seconds=self._seconds)
            except timed_out as error:
                # A shard without a node is waited for.
                raise StoreTimeoutError(message=f"There is no answer to a refresh of {path}") from error
            if not answer.is_good:
                raise error_of(answer, f"{path} cannot be refreshed")

    async def mappings(self, prefix: str) -> dict[str, Any]:
        """Return the `_meta` and the types of fields of all indices whose names start so."""
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
    await asyncio.sleep(0.05 * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 -- it spreads callers


def _lines(action: Action) -> str:
    """Return the lines of an operation in a bulk request."""
    about: dict[str, Any] = {"_index": action.place.where, "_id": action.place.document, **action.condition}
    if action.collection is not None:
        # A missing index would else be created, with a mapping that is guessed from the document.
        about["require_alias"] = True
    line = json.dumps({action.operation: about})
    return f"{line}\n{action.document}\n" if action.document else f"{line}\n"


def _paths(indices: Sequence[str]) -> Iterator[str]:
    """Return the names of indices for paths, as many in each as a server takes."""
    path = ""
    for name in map(quote, indices):
        if path and len(path) + len(name) >= LONGEST_PATH:
            yield path
            path = ""
        path = f"{path},{name}" if path else name
    if path:
        yield path
