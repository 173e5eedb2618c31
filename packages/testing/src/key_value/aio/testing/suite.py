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
    suites.LinkConformance,
    suites.FullDiskConformance,
    suites.ResourceConformance,
    suites.ReclamationConformance,
    suites.ModelConformance,
):
    """The tests that every store passes. Inherit from it, give a fixture, and pytest runs it over your store.

    ```python
    class TestMyStore(StoreConformance):
        abilities = frozenset({AsyncEnumerateKeysProtocol})

        @pytest.fixture
        async def store(self) -> AsyncIterator[MyStore]:
            async with MyStore() as store:
                yield store

        @pytest.fixture
        def opening(self) -> Opening:
            return MyStore
    ```

    The fixture `store` opens one store for one test and closes it afterwards. The backend may be shared with
    other tests, since each uses collections of its own; but where the store has `destroy`, no other test may
    use what it destroys. `abilities` states the ability protocols that the store has: one that it lost, or
    has beyond them, fails. The other facts and hooks are the attributes and methods of `Conformance`; a test
    is collected only where they say that it applies.

    The tests are coroutines: set `asyncio_mode = "auto"` for pytest-asyncio.

    A wrapper around a store is tested as a store. Where only a part of the suite applies, as to a store that
    forgets everything, inherit from those classes of `key_value.aio.testing.suites` that do.
    """
