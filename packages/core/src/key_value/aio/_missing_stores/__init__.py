"""Placeholders for stores whose distribution is not installed.

The core's wheel has a module for each store of this project, such as `key_value/aio/stores/redis.py`, which
names the command that installs it. If the store is installed next to the core, its package `redis/` is found
first.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

_CORE = "py-key-value-aio"


def give_way(name: str, file: str) -> None:
    """Load a store that is installed elsewhere on the path, instead of its placeholder module.

    Args:
        name: Name of the module.
        file: Path of the placeholder's file.

    Raises:
        ModuleNotFoundError: The store is not installed.
    """
    parent, _, store = name.rpartition(".")
    elsewhere = [each for each in sys.modules[parent].__path__ if Path(each) != Path(file).parent]
    spec = PathFinder.find_spec(name, elsewhere)
    if spec is None or spec.loader is None:
        extra = store.replace("_", "-")
        raise ModuleNotFoundError(f"No module named {name!r}: pip install '{_CORE}[{extra}]'", name=name)
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
