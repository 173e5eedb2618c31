"""One module per concern; together they are the suite."""

from key_value.aio.testing.suites.abilities import AbilityConformance
from key_value.aio.testing.suites.arguments import ArgumentConformance
from key_value.aio.testing.suites.batch import BatchConformance
from key_value.aio.testing.suites.concurrency import ConcurrencyConformance
from key_value.aio.testing.suites.core import CoreConformance
from key_value.aio.testing.suites.corruption import CorruptionConformance
from key_value.aio.testing.suites.destroying import DestroyingConformance
from key_value.aio.testing.suites.isolation import IsolationConformance
from key_value.aio.testing.suites.lifecycle import LifecycleConformance
from key_value.aio.testing.suites.listing import ListingConformance
from key_value.aio.testing.suites.model import ModelConformance
from key_value.aio.testing.suites.names import NameConformance
from key_value.aio.testing.suites.setup import SetupConformance
from key_value.aio.testing.suites.ttl import TTLConformance
from key_value.aio.testing.suites.values import ValueConformance

__all__ = [
    "AbilityConformance",
    "ArgumentConformance",
    "BatchConformance",
    "ConcurrencyConformance",
    "CoreConformance",
    "CorruptionConformance",
    "DestroyingConformance",
    "IsolationConformance",
    "LifecycleConformance",
    "ListingConformance",
    "ModelConformance",
    "NameConformance",
    "SetupConformance",
    "TTLConformance",
    "ValueConformance",
]
