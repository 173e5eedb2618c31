"""Create a store from a URL, whose parts and query parameters become constructor arguments."""

# ruff: noqa: PLC0415 -- few programs need URLs, and urllib.parse takes milliseconds to load

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from typing_extensions import Self

if TYPE_CHECKING:
    from urllib.parse import SplitResult


class FromURL:
    """The part of a store that creates it from a URL."""

    url_parts: ClassVar[Sequence[tuple[str, str]]] = ()
    """Parts of a URL and the constructor arguments that they become; a URL may have no other parts.

    `username`, `password`, `host`, `port` and `path` are percent-decoded. `hosts` is one or more hosts, each
    with its port, exactly as written in the URL. A path has no leading slash: `sqlite:///app.db` is relative,
    `sqlite:////var/app.db` absolute. `url` is the whole URL, for a driver that accepts one: without the
    parameters that are constructor arguments, and with all others.
    """

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Create a store from a URL. Nothing is opened before its first use.

        The query parameters are the constructor arguments that can be written as text: strings, numbers,
        paths, `true` and `false`, and `none` for None. Special characters must be percent-encoded.

        Args:
            url: URL of the store. The scheme is ignored: `open_store` uses it to find a class.

        Returns:
            The store.

        Raises:
            StoreURLError: The URL is not valid for this store. The message omits any part that may be secret.
            ValueError: The constructor rejects an argument.
        """
        from key_value.aio.stores.base.store_url import constructor_arguments

        arguments = constructor_arguments(cls, url, cls.url_parts, cls._arguments_from_url)
        return cast("Callable[..., Self]", cls)(**arguments)

    @classmethod
    def _arguments_from_url(cls, url: "SplitResult") -> dict[str, Any]:
        """Hook: return the constructor arguments for the parts of a URL, if `url_parts` does not suffice.

        Args:
            url: URL without the parameters that are constructor arguments. It may contain a password, which
                must not appear in any message.

        Raises:
            StoreURLError: The URL has a part that is not in `url_parts`.
        """
        from key_value.aio.stores.base.store_url import part_arguments

        return part_arguments(cls, url, cls.url_parts)
