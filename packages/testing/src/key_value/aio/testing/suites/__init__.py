"""The parts of the suite, one module each."""

from key_value.aio.testing.suites.abilities import AbilityConformance
from key_value.aio.testing.suites.arguments import ArgumentConformance
from key_value.aio.testing.suites.batch import BatchConformance
from key_value.aio.testing.suites.cancelling import CancellingConformance
from key_value.aio.testing.suites.concurrency import ConcurrencyConformance
from key_value.aio.testing.suites.core import CoreConformance
from key_value.aio.testing.suites.corruption import CorruptionConformance
from key_value.aio.testing.suites.destroying import DestroyingConformance
from key_value.aio.testing.suites.failures import FailureConformance
from key_value.aio.testing.suites.forks import ForkConformance
from key_value.aio.testing.suites.full_disks import FullDiskConformance
from key_value.aio.testing.suites.isolation import IsolationConformance
from key_value.aio.testing.suites.lifecycle import LifecycleConformance
from key_value.aio.testing.suites.links import LinkConformance
from key_value.aio.testing.suites.listing import ListingConformance
from key_value.aio.testing.suites.loops import LoopConformance
from key_value.aio.testing.suites.model import ModelConformance
from key_value.aio.testing.suites.names import NameConformance
from key_value.aio.testing.suites.nesting import NestingConformance
from key_value.aio.testing.suites.paths import PathConformance
from key_value.aio.testing.suites.pop import PopConformance
from key_value.aio.testing.suites.reclamation import ReclamationConformance
from key_value.aio.testing.suites.resources import ResourceConformance
from key_value.aio.testing.suites.scan import ScanConformance
from key_value.aio.testing.suites.setup import SetupConformance
from key_value.aio.testing.suites.strings import StringConformance
from key_value.aio.testing.suites.touch import TouchConformance
from key_value.aio.testing.suites.ttl import TTLConformance
from key_value.aio.testing.suites.values import ValueConformance
from key_value.aio.testing.suites.versions import VersionConformance

__all__ = [
    "AbilityConformance",
    "ArgumentConformance",
    "BatchConformance",
    "CancellingConformance",
    "ConcurrencyConformance",
    "CoreConformance",
    "CorruptionConformance",
    "DestroyingConformance",
    "FailureConformance",
    "ForkConformance",
    "FullDiskConformance",
    "IsolationConformance",
    "LifecycleConformance",
    "LinkConformance",
    "ListingConformance",
    "LoopConformance",
    "ModelConformance",
    "NameConformance",
    "NestingConformance",
    "PathConformance",
    "PopConformance",
    "ReclamationConformance",
    "ResourceConformance",
    "ScanConformance",
    "SetupConformance",
    "StringConformance",
    "TTLConformance",
    "TouchConformance",
    "ValueConformance",
    "VersionConformance",
]
