"""Write the table of the abilities that each wrapper keeps into the documentation."""

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.fernet import Fernet
from typing_extensions import override

from key_value.aio.protocols.abilities import ABILITIES
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import BaseWrapper
from key_value.aio.wrappers.compression import CompressionWrapper
from key_value.aio.wrappers.default_value import DefaultValueWrapper
from key_value.aio.wrappers.encryption import AESGCMEncryptionWrapper, FernetEncryptionWrapper
from key_value.aio.wrappers.fallback import FallbackWrapper
from key_value.aio.wrappers.limit_size import LimitSizeWrapper
from key_value.aio.wrappers.logging import LoggingWrapper
from key_value.aio.wrappers.opentelemetry import OpenTelemetryWrapper
from key_value.aio.wrappers.passthrough_cache import PassthroughCacheWrapper
from key_value.aio.wrappers.prefix_collections import PrefixCollectionsWrapper
from key_value.aio.wrappers.prefix_keys import PrefixKeysWrapper
from key_value.aio.wrappers.read_only import ReadOnlyWrapper
from key_value.aio.wrappers.retry import RetryWrapper
from key_value.aio.wrappers.routing import CollectionRoutingWrapper, RoutingWrapper
from key_value.aio.wrappers.single_collection import SingleCollectionWrapper
from key_value.aio.wrappers.statistics import StatisticsWrapper
from key_value.aio.wrappers.timeout import TimeoutWrapper
from key_value.aio.wrappers.ttl_clamp import TTLClampWrapper

PAGE = Path(__file__).parents[1] / "docs" / "api" / "wrappers.md"

FERNET = Fernet(Fernet.generate_key())
LOGGER = logging.getLogger("key_value.logging")

Wrap = Callable[[AsyncKeyValue], BaseWrapper]


class Everything(BaseWrapper):
    """A store that claims every ability, so that only the wrapper determines which of them remain."""

    @override
    def _can_offer(self, protocol: type) -> bool:
        return True


WRAPPERS: Mapping[str, Wrap] = {
    "AESGCMEncryptionWrapper": lambda store: AESGCMEncryptionWrapper(store, bytes(32)),
    "CollectionRoutingWrapper": lambda store: CollectionRoutingWrapper(
        {"other": Everything(MemoryStore())}, store
    ),
    "CompressionWrapper": lambda store: CompressionWrapper(store, min_size_to_compress=0),
    "DefaultValueWrapper": lambda store: DefaultValueWrapper(store, {"a": "default"}),
    "FallbackWrapper": lambda store: FallbackWrapper(store, Everything(MemoryStore())),
    "FernetEncryptionWrapper": lambda store: FernetEncryptionWrapper(store, fernet=FERNET),
    "LimitSizeWrapper": lambda store: LimitSizeWrapper(store, max_size=10_000_000),
    "LoggingWrapper": lambda store: LoggingWrapper(store, LOGGER, logging.WARNING, log_values=True),
    "OpenTelemetryWrapper": OpenTelemetryWrapper,
    "PassthroughCacheWrapper": lambda store: PassthroughCacheWrapper(store, Everything(MemoryStore())),
    "PrefixCollectionsWrapper": lambda store: PrefixCollectionsWrapper(store, "prefix"),
    "PrefixKeysWrapper": lambda store: PrefixKeysWrapper(store, "prefix"),
    "ReadOnlyWrapper": ReadOnlyWrapper,
    "RetryWrapper": RetryWrapper,
    "RoutingWrapper": lambda store: RoutingWrapper(
        lambda _: store, Everything(MemoryStore()), stores=[store]
    ),
    "SingleCollectionWrapper": lambda store: SingleCollectionWrapper(store, "all"),
    "StatisticsWrapper": lambda store: StatisticsWrapper(store, max_collections=2),
    "TTLClampWrapper": lambda store: TTLClampWrapper(store, min_ttl=0, max_ttl=1e11),
    "TimeoutWrapper": lambda store: TimeoutWrapper(store, timeout=60),
}
"""Each wrapper around a store, with the arguments that change its visible behaviour least."""

_TABLE = re.compile(r"(<!-- abilities -->\n).*?(<!-- /abilities -->)", re.DOTALL)


def abilities(wrap: Wrap) -> dict[str, bool]:
    """Return whether a wrapper around a store with every ability has the method of each."""
    wrapper = wrap(Everything(MemoryStore()))
    return {ability.method: isinstance(wrapper, ability.protocol) for ability in ABILITIES}


def table() -> str:
    """Return the table as Markdown."""
    methods = [ability.method for ability in ABILITIES]
    head = f"| wrapper | {' | '.join(f'`{method}`' for method in methods)} |\n|---|{':-:|' * len(methods)}\n"
    rows = {name: abilities(wrap) for name, wrap in WRAPPERS.items()}
    return head + "".join(
        f"| `{name}` | {' | '.join('yes' if kept[method] else '-' for method in methods)} |\n"
        for name, kept in rows.items()
    )


def written() -> str:
    """Return the page with an up-to-date table."""
    return _TABLE.sub(lambda found: found[1] + table() + found[2], PAGE.read_text())


if __name__ == "__main__":
    PAGE.write_text(written())
