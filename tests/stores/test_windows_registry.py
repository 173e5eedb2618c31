"""The store in the registry, on Windows alone; `test_windows_registry_on_wine.py` has it run elsewhere."""

import asyncio
import winreg
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from typing_extensions import override

from key_value.aio.errors import DeserializationError, InvalidKeyError, KeyValueStoreError, StoreSetupError
from key_value.aio.protocols.key_value import AsyncPutIfAbsentProtocol
from key_value.aio.stores.windows_registry import (
    WindowsRegistryStore,
    WindowsRegistryV1CollectionSanitizationStrategy,
)
from key_value.aio.testing import StoreConformance
from key_value.aio.testing.concerns.base import ABILITIES
from key_value.aio.testing.operations import Store
from tests import published as interop
from tests.published import Publish
from tests.stores.embedded import event_loop_lag
