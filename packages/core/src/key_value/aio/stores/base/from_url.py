"""Create a store from a URL, whose parts and parameters become arguments of the constructor."""

# ruff: noqa: PLC0415 -- few programs need URLs, and urllib.parse takes milliseconds to load

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from typing_extensions import Self

if TYPE_CHECKING:
    from urllib.parse import SplitResult


class FromURL:
    """The part of a store that creates it from a URL."""

    url_parts: ClassVar[Sequence[tuple[str, str]]] = ()
    """The parts of a URL, and the constructor's arguments that they become; a URL may have no others.

    `username`, `password`, `host`, `port` and `path` are without their percent codes, `hosts` is one host or
    more, each with its port, as they stand in the URL. A path has no slash in front: `sqlite:///app.db` is
    relative, `sqlite:////var/app.db` absolute. `url` is the whole URL, for a driver that takes it: without
    the parameters that are the constructor's, and with all others.
    """

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Create a store from a URL; nothing is opened before it is used.

        The parameters after the `?` are the constructor's arguments that a text can say: strings, numbers,
        paths, `true` and `false`, and `none` for None. What is special in a part is percent-encoded.

        Args:
            url: The URL. The scheme is not looked at: `open_store` finds a class by it.

        Returns:
            The store.

        Raises:
            StoreURLError: It is not a URL of this store; the message repeats nothing that may be secret.
            ValueError: The constructor refuses an argument.
        """
        from key_value.aio.stores.base.store_url import constructor_arguments

        arguments = constructor_arguments(cls, url, cls.url_parts, cls._arguments_from_url)
        return cast("Callable[..., Self]", cls)(**arguments)

    @classmethod
    def _arguments_from_url(cls, url: "SplitResult") -> dict[str, Any]:
        """Hook: return the arguments that the parts of a URL become, where `url_parts` is not all.

        Args:
            url: The URL, without the parameters that are arguments themselves. It may hold a password, which
                no message may repeat.

        Raises:
            StoreURLError: The URL has a part that `url_parts` does not.
        """
        from key_value.aio.stores.base.store_url import part_arguments

        return part_arguments(cls, url, cls.url_parts)
