"""The whole suite, as one base class."""

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
    """The tests that every store must pass: inherit from it, provide a fixture, and run pytest.

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

    The fixture `store` opens one store for each test and closes it afterwards. Tests may share a backend,
    since each uses separate collections; but if the store has `destroy`, no other test may use the data that
    it destroys. `abilities` declares the ability protocols of the store; the suite fails if one is missing or
    undeclared. The other facts and hooks are the attributes and methods of `Conformance`; a test is collected
    only if they make it applicable.

    The tests are coroutines: set `asyncio_mode = "auto"` for pytest-asyncio.

    Test a wrapper around a store like a store. If only a part of the suite applies, for example to a store
    that discards everything, inherit from the matching classes of `key_value.aio.testing.suites` instead.
    """
