"""The whole suite, as one class to inherit from."""

from key_value.aio.testing import suites


class StoreConformance(
    suites.CoreConformance,
    suites.ArgumentConformance,
    suites.BatchConformance,
    suites.TTLConformance,
    suites.NameConformance,
    suites.ValueConformance,
    suites.IsolationConformance,
    suites.AbilityConformance,
    suites.ListingConformance,
    suites.DestroyingConformance,
    suites.LifecycleConformance,
    suites.SetupConformance,
    suites.ConcurrencyConformance,
    suites.CorruptionConformance,
    suites.VersionConformance,
    suites.PopConformance,
    suites.TouchConformance,
    suites.ScanConformance,
    suites.StringConformance,
    suites.NestingConformance,
    suites.FailureConformance,
    suites.CancellingConformance,
    suites.LoopConformance,
    suites.ForkConformance,
    suites.PathConformance,
    suites.ResourceConformance,
    suites.ReclamationConformance,
    suites.ModelConformance,
):
    """What every store is held to. Inherit from it, give a fixture, and pytest runs it over your store.

    ```python
    class TestMyStore(StoreConformance):
        abilities = frozenset({AsyncEnumerateKeysProtocol})

        @pytest.fixture
        async def store(self) -> AsyncIterator[MyStore]:
            async with MyStore() as store:
                yield store
    ```

    The fixture opens one store for one test and closes it afterwards. The backend may be shared with other
    tests, since each takes collections of its own; but where the store has `destroy`, no other test may use
    what it destroys. `abilities` says which ability protocols the store has: one that it lost, or got
    unawares, fails. The other facts that a store may state are the attributes of `Conformance`.

    The tests are coroutines: set `asyncio_mode = "auto"` for pytest-asyncio.

    A wrapper around a store is tested as a store. Where only a part of the suite applies, as to a store that
    forgets everything, inherit from those classes of `key_value.aio.testing.suites` that do.
    """
