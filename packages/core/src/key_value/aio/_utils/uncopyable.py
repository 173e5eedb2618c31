"""Refuse deep copies and pickles of objects that represent external resources."""

from typing import Any, NoReturn, SupportsIndex

from typing_extensions import Self, override


class Uncopyable:
    """An object that holds connections, locks or threads, and can be neither deep-copied nor pickled."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be deep-copied: it holds resources such as connections,"
            f" locks and threads. Share the object, or construct another"
        )

    @override
    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied: it holds resources such as"
            f" connections, locks and threads. Construct it where it is used, in each process"
        )


class ShallowCopyable(Uncopyable):
    """An object, such as a wrapper, that `copy.copy` copies with its attributes: the store is shared."""

    __slots__ = ()

    def __copy__(self) -> Self:
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied
