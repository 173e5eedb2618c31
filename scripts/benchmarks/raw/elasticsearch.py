"""Elasticsearch through its client."""

from typing import Any

from elasticsearch import AsyncElasticsearch
from typing_extensions import override

from scripts.benchmarks.raw.search import SearchDriver


class Raw(SearchDriver):
    def __init__(self, place: str) -> None:
        self._client = AsyncElasticsearch(place)

    @override
    async def _request(self, method: str, path: str, body: str | None, kind: str) -> Any:
        headers = {"accept": "application/json", "content-type": f"application/{kind}"}
        return (await self._client.perform_request(method, path, headers=headers, body=body)).body
