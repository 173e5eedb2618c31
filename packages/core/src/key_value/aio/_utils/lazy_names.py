"""Import the names of a package on first use."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], Sequence[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package.

    Args:
        package: `__name__` of the package.
        modules: Names of the package, with the submodules that define them.
    """
    namespace = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        return namespace.setdefault(name, value)

    def list_names() -> Sequence[str]:
        return sorted({*namespace, *modules})

    return get, list_names
