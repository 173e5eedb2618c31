"""Explain which command installs a store whose distribution is missing."""

import sys

_STORES = "key_value.aio.stores."
_CORE = "py-key-value-aio"


class MissingStores:
    """An import finder that finds nothing, but explains which distribution has a missing store.

    Each store is a distribution of its own, so there is no module of it that could say so.
    """

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Refuse a store that is an extra of the core.

        Raises:
            ModuleNotFoundError: The module is such a store.
        """
        extra = name.removeprefix(_STORES).replace("_", "-")
        if name.startswith(_STORES) and extra in _extras():
            message = f"No module named {name!r}: pip install '{_CORE}[{extra}]'"
            raise ModuleNotFoundError(message, name=name)


def install() -> None:
    """Put this finder behind those that imports use."""
    if MissingStores not in sys.meta_path:
        sys.meta_path.append(MissingStores)


def _extras() -> list[str]:
    from importlib import metadata  # noqa: PLC0415  -- loaded only to explain a failed import

    try:
        return metadata.metadata(_CORE).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return []
