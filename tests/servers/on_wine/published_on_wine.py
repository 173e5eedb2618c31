"""Pytest plugin that runs 0.5.0 from a prepared environment, because none can be created under Wine."""

import os
from pathlib import Path

import pytest

from tests.published import Publish, Published


@pytest.fixture
def published() -> Publish:
    return lambda extras, *further: Published(Path(os.environ["PUBLISHED_PYTHON"]))
