"""The model: any sequence of operations has the same effect as on a dict of entries with expiry times."""

import asyncio
from typing import Any, cast

from hypothesis import HealthCheck, settings, stateful

from key_value.aio.testing.machine import StoreMachine
from key_value.aio.testing.operations import Store
from key_value.aio.testing.suites.base import Conformance, nightly


class ModelConformance(Conformance):
    """The guarantees of single operations hold in any order that Hypothesis finds, while time passes."""

    async def test_behaves_like_a_dict_with_time(self, store: Store) -> None:
        loop = asyncio.get_running_loop()

        def machine() -> StoreMachine:
            return StoreMachine(store, loop, self.abilities, self.short_ttl / 4)

        # Hypothesis documents that any function that creates a machine will do, but annotates the parameter
        # as a class, or before 6.170 not at all.
        run = cast("Any", stateful).run_state_machine_as_test
        # Each rule waits for the store, so the rules must not run in the store's event loop.
        await asyncio.to_thread(run, machine, settings=self._settings())

    def _settings(self) -> settings:
        return settings(
            max_examples=self.model_examples * (10 if nightly() else 1),
            stateful_step_count=30,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        )
