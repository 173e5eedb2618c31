"""The whole suite passes over a store that does everything right, whether or not it builds on `BaseStore`."""

from typing import ClassVar

from key_value.aio.testing.suites import PathConformance
from tests.testing.reference_conformance import FileStore, ReferenceConformance
from tests.testing.reference_store import ReferenceStore


class TestReferenceStore(ReferenceConformance):
    make: ClassVar = ReferenceStore


class TestFileStore(PathConformance):
    abilities: ClassVar = frozenset[type]()
    open_store: ClassVar = FileStore
