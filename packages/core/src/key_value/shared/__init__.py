"""Deprecated aliases of `key_value.aio._utils` and `key_value.aio.errors`; importing one warns."""

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from typing_extensions import override

_OLD = __name__
_UTILITIES = (
    "beartype",
    "compound",
    "constants",
    "managed_entry",
    "retry",
    "sanitization",
    "sanitize",
    "serialization",
    "time_to_live",
    "wait",
)
_ERRORS = ("errors", "errors.base", "errors.key_value", "errors.store", "errors.wrappers")

NEW_NAMES: Mapping[str, str] = {
    _OLD: "key_value.aio._utils",
    **{f"{_OLD}.{name}": f"key_value.aio._utils.{name}" for name in _UTILITIES},
    **{f"{_OLD}.{name}": f"key_value.aio.{name}" for name in _ERRORS},
}
"""New names of the deprecated modules."""


class _Alias(MetaPathFinder, Loader):
    """A finder of the deprecated modules. Each is a separate module with the contents of the new one."""

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _OLD or fullname not in NEW_NAMES:
            return None
        return ModuleSpec(fullname, self, is_package=fullname == f"{_OLD}.errors")

    @override
    def exec_module(self, module: ModuleType) -> None:
        _fill(module, NEW_NAMES[module.__name__])


def _fill(module: ModuleType, new_name: str) -> None:
    message = (
        f"Importing from '{module.__name__}' is deprecated and will be removed in a future version. "
        f"Please use '{new_name}' instead."
    )
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    new: dict[str, Any] = vars(import_module(new_name))
    vars(module).update({name: value for name, value in new.items() if not name.startswith("__")})
    vars(module).update(__deprecated__=True, __new_name__=new_name)


sys.meta_path.append(_Alias())
_fill(sys.modules[__name__], NEW_NAMES[__name__])
