"""One side, in a separate process and environment: performs JSON requests, one per line, and responds.

Its arguments are those of `open_subject`.
"""

import asyncio
import json
import sys
from typing import Any

from scripts.benchmarks import layers
from scripts.benchmarks.abilities import time_abilities
from scripts.benchmarks.cases import Load, time_case
from scripts.benchmarks.plan import SLOW
from scripts.benchmarks.probes import growth, lag
from scripts.benchmarks.subject import Subject, open_subject


class Worker:
    """Performs requests on one subject."""

    def __init__(self, subject: Subject, *, slow: bool) -> None:
        self._subject = subject
        self._slow = slow
        self._layers: layers.Layers = {}
        self._loads: dict[tuple[str, float | None], Load] = {}

    async def answer(self, do: str, **arguments: Any) -> object:
        """Perform a request by name."""
        if do == "case":
            return await self._case(**arguments)
        if do == "lag":
            return await lag(self._subject, **arguments)
        if do == "growth":
            return await growth(self._subject, **arguments)
        if do == "abilities":
            return await time_abilities(self._subject)
        if do == "layers":
            return await self._time_layers()
        return await self._clear()

    async def _time_layers(self) -> layers.Times:
        self._layers = self._layers or layers.build()
        return await layers.time_layers(self._layers)

    async def _case(self, name: str, size: str, ttl: float | None, times: int) -> tuple[float, float]:
        load = self._loads.get((size, ttl))
        if load is None:
            load = self._loads[size, ttl] = Load(self._subject, size, ttl, few=self._slow)
            await load.fill()
        return await time_case(name, load, times)

    async def _clear(self) -> None:
        for load in self._loads.values():
            await load.empty()
        self._loads.clear()


async def start(library: str, store: str, place: str) -> Worker:
    """Open the subject in the event loop that will use it."""
    return Worker(open_subject(library, store, place), slow=store in SLOW)


def main() -> None:
    loop = asyncio.new_event_loop()
    worker = loop.run_until_complete(start(*sys.argv[1:4]))
    for request in sys.stdin:
        answer = loop.run_until_complete(worker.answer(**json.loads(request)))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
