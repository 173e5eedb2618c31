"""Find the store class registered for a URL's scheme and create the store."""

from importlib.metadata import EntryPoint, entry_points

from key_value.aio.errors import StoreURLError
from key_value.aio.stores.base import BaseStore
from key_value.aio.stores.base.store_url import split_url
from key_value.aio.urls.schemes import DISTRIBUTIONS, GROUP


def open_store(url: str) -> BaseStore:
    """Create the store described by a URL. Nothing is opened before its first use.

    ```python
    async with open_store("sqlite:///app.db") as store:
        await store.put("ada", {"born": 1815})
    ```

    Only the package for this scheme is imported. Each call creates a separate store; two `memory://` stores
    share nothing. Use `isinstance` to find out which abilities a store has beyond `AsyncKeyValue`.

    Args:
        url: URL of the store: a scheme that an installed distribution registers, the parts documented by the
            store, and constructor arguments as query parameters: `sqlite:///app.db?durability=full`.

    Returns:
        The store, to be used with `async with`.

    Raises:
        StoreURLError: No distribution registers the scheme, in which case the message names the package to
            install, or the URL is not valid for its store. The message omits any part that may be secret.
        ValueError: The store's constructor rejects an argument.
        ImportError: A driver is missing; the message names the package to install.
    """
    scheme = split_url(url).scheme
    # An editable installation may appear twice.
    found = {point.value: point for point in entry_points(group=GROUP, name=scheme)}
    if not found:
        raise StoreURLError(_unknown(scheme))
    if len(found) > 1:
        names = ", ".join(sorted(found))
        raise StoreURLError(
            f"Several installed stores use the scheme {scheme!r}: {names}; call from_url of one of them"
        )
    return _load(*found.values()).from_url(url)


def _load(point: EntryPoint) -> type[BaseStore]:
    store_class: object = point.load()
    if not (isinstance(store_class, type) and issubclass(store_class, BaseStore)):
        raise StoreURLError(f"The entry point {point.name!r} is {point.value!r}, which is not a store class")
    return store_class


def _unknown(scheme: str) -> str:
    if scheme in DISTRIBUTIONS:
        return f"No installed package provides a store for {scheme}://: pip install {DISTRIBUTIONS[scheme]}"
    schemes = ", ".join(sorted({*DISTRIBUTIONS, *(point.name for point in entry_points(group=GROUP))}))
    return f"No installed package provides a store for {scheme}://; the available schemes are {schemes}"
