"""Find the class that a URL's scheme names, and let it create a store."""

from importlib.metadata import EntryPoint, entry_points

from key_value.aio.errors import StoreURLError
from key_value.aio.stores.base import BaseStore
from key_value.aio.stores.base.store_url import split_url
from key_value.aio.urls.schemes import DISTRIBUTIONS, GROUP


def open_store(url: str) -> BaseStore:
    """Create the store that a URL names; nothing is opened before it is used.

    ```python
    async with open_store("sqlite:///app.db") as store:
        await store.put("ada", {"born": 1815})
    ```

    Only the package of this scheme is imported. Each call creates another store; two of `memory://` share
    nothing. Which abilities a store has beyond `AsyncKeyValue`, `isinstance` tells.

    Args:
        url: The URL: a scheme that an installed distribution registers, the parts that its store documents,
            and arguments of the constructor as parameters: `sqlite:///app.db?durability=full`.

    Returns:
        The store, to be used with `async with`.

    Raises:
        StoreURLError: No distribution registers the scheme, in which case the message says what to install,
            or the URL is not one of its store. The message repeats nothing of it that may be secret.
        ValueError: The store's constructor refuses an argument.
        ImportError: A driver is missing; the message says what to install.
    """
    scheme = split_url(url).scheme
    # An editable installation may be listed twice.
    found = {point.value: point for point in entry_points(group=GROUP, name=scheme)}
    if not found:
        raise StoreURLError(_unknown(scheme))
    if len(found) > 1:
        names = ", ".join(sorted(found))
        raise StoreURLError(
            f"Several stores have the scheme {scheme!r}: {names}; call from_url of one of them"
        )
    return _load(*found.values()).from_url(url)


def _load(point: EntryPoint) -> type[BaseStore]:
    store_class: object = point.load()
    if not (isinstance(store_class, type) and issubclass(store_class, BaseStore)):
        raise StoreURLError(
            f"The entry point {point.name!r} is {point.value!r}, which is not a store's class"
        )
    return store_class


def _unknown(scheme: str) -> str:
    if scheme in DISTRIBUTIONS:
        return f"No installed package has a store for {scheme}://: pip install {DISTRIBUTIONS[scheme]}"
    installed = sorted({*DISTRIBUTIONS, *(point.name for point in entry_points(group=GROUP))})
    return f"No installed package has a store for {scheme}://; known are {', '.join(installed)}"
