"""OpenSearch through opensearch-py."""

from typing import Any

from opensearchpy import AsyncOpenSearch
from typing_extensions import override

from scripts.benchmarks.raw.search import SearchDriver


class Raw(SearchDriver):
    def __init__(self, place: str) -> None:
        self._transport: Any = AsyncOpenSearch(place).transport

    @override
    async def _request(self, method: str, path: str, body: str | None, kind: str) -> Any:
        headers = {"content-type": f"application/{kind}"}
        return await self._transport.perform_request(method, path, body=body, headers=headers)
