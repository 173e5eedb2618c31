"""A plugin for tests under Wine, where no environment can be made: 0.5.0 in the one that was made before."""

import os
from pathlib import Path

import pytest

from tests.published import Publish, Published


@pytest.fixture
def published() -> Publish:
    return lambda extras, *further: Published(Path(os.environ["PUBLISHED_PYTHON"]))
