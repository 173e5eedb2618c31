"""The whole suite passes on a correct store, whether or not it builds on `BaseStore`."""

from typing import ClassVar

from key_value.aio.testing.suites import PathConformance
from tests.testing.reference_conformance import FileStore, ReferenceConformance
from tests.testing.reference_store import ReferenceStore


class TestReferenceStore(ReferenceConformance):
    make: ClassVar = ReferenceStore


class TestFileStore(PathConformance):
    abilities: ClassVar = frozenset[type]()
    open_store: ClassVar = FileStore
