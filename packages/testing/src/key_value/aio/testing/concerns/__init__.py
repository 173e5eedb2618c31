"""One module per concern; together they are the suite."""

from key_value.aio.testing.concerns.abilities import AbilityConformance
from key_value.aio.testing.concerns.arguments import ArgumentConformance
from key_value.aio.testing.concerns.batch import BatchConformance
from key_value.aio.testing.concerns.concurrency import ConcurrencyConformance
from key_value.aio.testing.concerns.core import CoreConformance
from key_value.aio.testing.concerns.corruption import CorruptionConformance
from key_value.aio.testing.concerns.destroying import DestroyingConformance
from key_value.aio.testing.concerns.isolation import IsolationConformance
from key_value.aio.testing.concerns.lifecycle import LifecycleConformance
from key_value.aio.testing.concerns.listing import ListingConformance
from key_value.aio.testing.concerns.model import ModelConformance
from key_value.aio.testing.concerns.names import NameConformance
from key_value.aio.testing.concerns.setup import SetupConformance
from key_value.aio.testing.concerns.ttl import TTLConformance
from key_value.aio.testing.concerns.values import ValueConformance

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
