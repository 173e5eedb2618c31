"""The common base of the stores in Elasticsearch and OpenSearch, without their clients."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast
from urllib.parse import SplitResult, quote

from typing_extensions import override

from key_value.aio.errors import KeyValueStoreError
from key_value.aio.stores.base import (
    Address,
    BatchLimit,
    Listed,
    ManagedEntry,
    Row,
    RowPage,
    RowStore,
    SanitizationStrategy,
)
from key_value.aio.stores.elasticsearch.answers import CONFLICT, EXISTS, MISSING, Answer, error_of
from key_value.aio.stores.elasticsearch.api import JSON, Action, Api, Search
from key_value.aio.stores.elasticsearch.documents import Form, Version, decode, names_of, parse_version
from key_value.aio.stores.elasticsearch.names import Location, SearchNames

PAGE = 1000
"""Number of entries per listing for removal."""

LARGEST_PAGE = 10_000
"""Maximum number of documents per search, the default of the setting `index.max_result_window`."""

SEARCHES = 100
"""Number of searches per call."""

FOREIGN = 0.0
"""Expiry time of a document of another collection that occupies the location of one of our entries."""

NOTHING = Version({}, is_former=False)

META = "py-key-value-aio"
"""Member of the `_meta` of an index that identifies its store."""

FIELDS = {
    "created_at": {"type": "date"},
    "expires_at": {"type": "date"},
    "collection": {"type": "keyword"},
    "key": {"type": "keyword"},
    "value": {"type": "object", "enabled": False},
}
"""The mapping of an index: values never extend it, and are never rejected for their content."""


class SearchStore(RowStore, ABC):
    """A store with one index per collection, whose documents are those of the 0.5 series.

    Writes go through an alias of the index, so that a missing index is noticed and created.
    """

    url_parts = (
        ("hosts", "url"),
        ("path", "index_prefix"),
        ("username", "username"),
        ("password", "password"),
    )
    reconnects = True
    leaves_tombstones = True  # A client that was passed in may send a removal twice.
    gathers_reads = True
    reclaim_after = None  # Searching the indices requires a refresh.
    batch_limit = BatchLimit(items=1000, size=5_000_000)
    read_limit = BatchLimit(items=100)  # A response may have any size.

    form: ClassVar[Form]
    """The encoding of values."""

    timed_out: ClassVar[type[Exception]]
    """Exception that the client raises on a timeout."""

    def __init__(
        self,
        *,
        index_prefix: str,
        index_settings: Mapping[str, Any] | None,
        auto_create: bool,
        collection_sanitization_strategy: SanitizationStrategy | None,
        key_sanitization_strategy: SanitizationStrategy | None,
        default_collection: str | None,
        timeout: float | None,
    ) -> None:
        """Initialize the store; see the subclasses for the arguments."""
        super().__init__(default_collection=default_collection, timeout=timeout)
        self._search_names = SearchNames(
            index_prefix, collection_sanitization_strategy, key_sanitization_strategy
        )
        self.names = self._search_names
        self._auto_create = auto_create
        self._index_settings = dict(index_settings or {})
        self._api = Api(self._send, self._prepare_index, self.form.as_text, timeout)

    @override
    @classmethod
    def _arguments_from_url(cls, url: SplitResult) -> dict[str, Any]:
        arguments = super()._arguments_from_url(url)
        credentials = arguments.pop("username", None), arguments.pop("password", "")
        if credentials[0] is not None:
            arguments["basic_auth"] = credentials
        scheme = "http" if url.scheme.endswith("+http") else "https"
        hosts = arguments.pop("url", None)
        if hosts is not None:
            arguments["url"] = [f"{scheme}://{host}" for host in hosts.split(",")]
        return arguments

    @abstractmethod
    async def _send(
        self,
        method: str,
        path: str,
        body: str | None = None,
        *,
        kind: str = JSON,
        seconds: float | None = None,
    ) -> Answer:
        """Send a request (hook); see `Send`."""

    @override
    async def _setup_collection(self, *, collection: str) -> None:
        name = self.names.collection(collection)
        await self._change([], lambda: self._prepare_index(name))

    async def _prepare_index(self, collection: str) -> None:
        """Create the index of a collection, or check that an existing one can hold its entries.

        Raises:
            KeyValueStoreError: The index cannot hold entries.
            ValueError: The index is missing, and `auto_create` is False.
        """
        index = self._search_names.index(collection)
        answer = await self._api.ask("GET", f"/{quote(index)}")
        if answer.lacks_index:
            if not self._auto_create:
                raise ValueError(
                    f"Index '{index}' does not exist. "
                    "Either create the index manually or set auto_create=True."
                )
            answer = await self._create_index(index, collection)
            if answer.is_good:
                return
            if answer.kind != EXISTS:
                raise error_of(answer, f"Index '{index}' cannot be created")
            answer = await self._api.ask("GET", f"/{quote(index)}")
        if not answer.is_good:
            raise error_of(answer, f"Index '{index}' cannot be inspected")
        await self._check_index(index, collection, cast("dict[str, Any]", answer.body))

    async def _create_index(self, index: str, collection: str) -> Answer:
        meta = {META: {"prefix": self._search_names.start[:-1], "collection": collection}}
        mappings = {"dynamic": False, "_meta": meta, "properties": FIELDS}
        aliases: dict[str, Any] = {self._search_names.alias(collection): {}}
        body = {"mappings": mappings, "aliases": aliases, "settings": self._index_settings}
        return await self._api.create(index, body)

    async def _check_index(self, index: str, collection: str, found: Mapping[str, Any]) -> None:
        if index not in found:
            raise KeyValueStoreError(
                message=f"'{index}' is an alias of other indices, so reads may miss written entries"
            )
        about = found[index]
        if not self._may_have(about.get("mappings", {}), collection):
            raise KeyValueStoreError(
                message=f"Index '{index}' belongs to another store, or has no keyword fields "
                "`collection` and `key`"
            )
        alias = self._search_names.alias(collection)
        if not self._auto_create or alias in about.get("aliases", {}):
            return
        # The index was created by the 0.5 series.
        for path, body in ((f"_alias/{quote(alias)}", {}), ("_mapping", {"dynamic": False})):
            answer = await self._api.ask("PUT", f"/{quote(index)}/{path}", json.dumps(body))
            if not answer.is_good:
                raise error_of(
                    answer, f"Index '{index}' cannot be prepared; auto_create=False leaves it unchanged"
                )

    def _may_have(self, mappings: Mapping[str, Any], collection: str | None) -> bool:
        """Return whether an index with given mappings may have entries of a collection, or of any.

        Two prefixes may lead to the same index name: `a-b-c` belongs to both `a` and `a-b`.
        """
        prefix = self._search_names.start[:-1]
        said = mappings.get("_meta", {}).get(META, {})
        fields = mappings.get("properties", {})
        return (
            said.get("prefix", prefix) == prefix
            and (collection is None or said.get("collection", collection) == collection)
            and all(fields.get(name, {}).get("type") == "keyword" for name in ("collection", "key"))
        )

    @override
    async def _row(self, collection: str, key: str, entry: ManagedEntry) -> Row:
        row = await super()._row(collection, key, entry)
        fields = self._search_names.fields(row.address, Address(collection, key))
        times = {"created_at": entry.created_at_isoformat, "expires_at": entry.expires_at_isoformat}
        given = {name: time for name, time in times.items() if time is not None}
        return row._replace(value=self.form.encode(row, fields, given))

    @override
    async def _row_value(self, row: Row) -> dict[str, Any]:
        value = self.form.value(row.value)
        return await super()._row_value(row._replace(value=value)) if isinstance(value, str) else value

    @override
    async def _get_rows(self, addresses: Sequence[Address]) -> Sequence[Row]:
        locations = [(address, self._search_names.location(address)) for address in addresses]
        rows = await self._look([*locations, *self._former_locations(addresses)])
        # Rows in their current location take precedence.
        return list({row.address: row for row in reversed(rows)}.values())

    def _former_locations(self, addresses: Sequence[Address]) -> list[tuple[Address, Location]]:
        former = ((address, self._search_names.former_location(address)) for address in addresses)
        return [(address, location) for address, location in former if location is not None]

    async def _look(self, locations: Sequence[tuple[Address, Location]]) -> list[Row]:
        """Return the rows at the locations of addresses."""
        if not locations:
            return []
        found = await self._api.look([location for _, location in locations])
        rows = (self._decode(doc, *at) for at, doc in zip(locations, found, strict=True) if doc is not None)
        return [row for row in rows if row is not None]

    def _decode(self, doc: Mapping[str, Any], address: Address, location: Location) -> Row | None:
        """Return the row of a document at a location of an address.

        In an index of the 0.5 series, the document may belong to a collection whose name differs in case. In
        our own location, it then counts as an expired entry, which the next write replaces.
        """
        is_former = location != self._search_names.location(address)
        row = decode(doc, address, is_former=is_former)
        field = self._search_names.field(address.collection)
        if field is None or row.value.get("collection", field) == field:
            return row
        return None if is_former else row._replace(expires=FOREIGN)

    @override
    async def _put_rows(self, rows: Sequence[Row]) -> Sequence[Exception | None]:
        answers = await self._api.bulk([self._storing("index", row, {}) for row in rows])
        stored = [row.address for row, answer in zip(rows, answers, strict=True) if answer.is_good]
        await self._drop_former(stored)
        return [None if answer.is_good else error_of(answer) for answer in answers]

    @override
    async def _delete_rows(self, addresses: Sequence[Address], now: float) -> int:
        rows = [row for row in await self._get_rows(addresses) if row.expires != FOREIGN]
        removed = await self._delete_each(rows, if_unchanged=False)
        counts = zip(rows, removed, strict=True)
        return sum(was_there and not row.has_expired(now) for row, was_there in counts)

    @override
    async def _put_row_if(self, row: Row, version: str | None) -> str | None:
        expected = NOTHING if version is None else parse_version(version)
        if expected is None or (version is None and await self._look(self._former_locations([row.address]))):
            return None
        if version is None or expected.is_former:
            action = self._storing("create", row, {})
        else:
            action = self._storing("index", row, expected.condition)
        [answer] = await self._api.bulk([action])
        if answer.status == CONFLICT:
            return None
        if not answer.is_good:
            raise error_of(answer)
        stored = f"{row.version} {answer.body['_seq_no']}.{answer.body['_primary_term']}"
        if version is not None and expected.is_former and not await self._delete_row_if(row.address, version):
            # It was moved, changed or removed in the meantime.
            await self._api.bulk([self._removal(row._replace(version=stored), if_unchanged=True)])
            return None
        await self._drop_former([row.address])
        return stored

    @override
    async def _delete_row_if(self, address: Address, version: str) -> bool:
        if parse_version(version) is None:
            return False
        [removed] = await self._delete_each([Row(*address, {}, version=version)], if_unchanged=True)
        return removed

    async def _delete_each(self, rows: Sequence[Row], *, if_unchanged: bool) -> list[bool]:
        """Remove documents, and those of the same entries in 0.5; return which of them existed.

        Args:
            rows: Rows of the documents.
            if_unchanged: Whether to keep documents that have another version by now.
        """
        answers = await self._api.bulk([self._removal(row, if_unchanged=if_unchanged) for row in rows])
        for answer in answers:
            if not answer.is_good and answer.status not in (CONFLICT, MISSING):
                raise error_of(answer)
        ours = [row.address for row in rows if not _expected(row).is_former]
        await self._drop_former(ours)
        return [answer.is_good for answer in answers]

    async def _drop_former(self, addresses: Sequence[Address]) -> None:
        """Remove the documents of the 0.5 series for entries that are now stored elsewhere."""
        rows = await self._look(self._former_locations(addresses))
        await self._api.bulk([self._removal(row, if_unchanged=True) for row in rows])

    def _storing(self, operation: str, row: Row, condition: Mapping[str, int]) -> Action:
        location = self._search_names.location(row.address)
        if not self._auto_create:
            return Action(operation, location, condition, row.value)
        written = Location(self._search_names.alias(row.collection), location.document)
        return Action(operation, written, condition, row.value, row.collection)

    def _removal(self, row: Row, *, if_unchanged: bool) -> Action:
        expected = _expected(row)
        location = self._search_names.former_location(row.address) if expected.is_former else None
        # A location of the 0.5 series may hold a document of another collection.
        condition = expected.condition if if_unchanged or expected.is_former else NOTHING.condition
        return Action("delete", location or self._search_names.location(row.address), condition)

    @override
    async def _list_rows(
        self, collection: str | None, prefix: str, after: Address | None, limit: int
    ) -> RowPage:
        filters: list[Any] = [{"prefix": {"key": prefix}}] if prefix else []
        if collection is None:
            return await self._page(await self._own_indices(), filters, after, limit)
        index, former = self._search_names.index(collection), self._search_names.former_index(collection)
        if field := self._search_names.field(collection):
            filters.append({"term": {"collection": field}})
        indices = [index] if former is None or former == index else [index, former]
        return await self._page(indices, filters, after, limit)

    async def _page(
        self, indices: Sequence[str], filters: Sequence[Any], after: Address | None, limit: int
    ) -> RowPage:
        """Return our rows by index and key; `after` of the page may be a document that is not ours."""
        if after is None:
            await self._api.refresh(indices, self.timed_out)
        size = min(limit, LARGEST_PAGE)
        query = {"bool": {"filter": [{"exists": {"field": "key"}}, *filters]}}
        body: dict[str, Any] = {"size": size, "query": query, "sort": [{"_index": "asc"}, {"key": "asc"}]}
        if after is not None:
            body["search_after"] = list(after)
        hits = [hit for found in await self._api.search([Search(indices, body)]) for hit in found]
        rows = [row for row in map(self._listed_row, hits) if row is not None]
        return RowPage(rows, Address(*hits[-1]["sort"]) if len(hits) == size else None)

    def _listed_row(self, hit: Mapping[str, Any]) -> Row | None:
        """Return the row of a listed document, if it is an entry of this store."""
        original = names_of(hit["_source"])
        address = None if original is None else self._search_names.resolve(original)
        if address is None:
            return None
        location = Location(hit["_index"], hit["_id"])
        is_former = location != self._search_names.location(address)
        if is_former and location != self._search_names.former_location(address):
            return None
        return decode(hit, address, is_former=is_former)

    async def _own_indices(self) -> list[str]:
        """Return the indices that may have entries of this store, in order."""
        found = await self._api.mappings(self._search_names.start)
        return sorted(index for index, mappings in found.items() if self._may_have(mappings, None))

    @override
    async def _get_collection_names(self, *, limit: int | None = None) -> list[str]:
        indices = await self._fetch(self._own_indices)
        await self._fetch(self._api.refresh, indices, self.timed_out)
        names: dict[str, None] = {}
        for start in range(0, len(indices), SEARCHES):
            part = indices[start : start + SEARCHES]
            body = {"size": LARGEST_PAGE, "query": _unexpired(), "collapse": {"field": "collection"}}
            searches = [Search([index], body) for index in part]
            found = await self._fetch(self._api.search, searches)
            for index, hits in zip(part, found, strict=True):
                rows = [self._listed_row(hit) for hit in hits]
                # Documents of other applications may hide ours.
                ours = await self._unexpired_rows(index) if None in rows else rows
                listed = [self._listed(row) for row in ours if row is not None]
                names.update((each.collection, None) for each in listed if each is not None)
            if limit is not None and len(names) >= limit:
                break
        return list(names)

    async def _unexpired_rows(self, index: str) -> list[Row]:
        """Return our unexpired rows in an index."""
        rows: list[Row] = []
        after: Address | None = None
        while True:
            page = await self._fetch(self._page, [index], [_unexpired()], after, LARGEST_PAGE)
            rows += page.rows
            after = page.after
            if after is None:
                return rows

    @override
    async def _cull(self) -> None:
        indices = await self._fetch(self._own_indices)
        filters = [_expired(time.time())]
        after: Address | None = None
        while True:
            page = await self._fetch(self._page, indices, filters, after, PAGE)
            await self._remove_expired([each for each in map(self._listed, page.rows) if each is not None])
            after = page.after
            if after is None:
                break

    @override
    async def _remove_listed(self, entries: Sequence[Listed], *, if_unchanged: bool) -> None:
        rows = [cast("Row", entry.handle) for entry in entries]
        for part in self.batch_limit.parts([0] * len(rows)):
            await self._change([], partial(self._delete_each, rows[part], if_unchanged=if_unchanged))


def _expected(row: Row) -> Version:
    return parse_version(row.version) or NOTHING


def _unexpired() -> dict[str, Any]:
    return {"bool": {"must_not": [_expired(time.time())]}}


def _expired(now: float) -> dict[str, Any]:
    """Return the filter for expired documents; the server compares times in milliseconds."""
    return {"range": {"expires_at": {"lte": int(now * 1000), "format": "epoch_millis"}}}
