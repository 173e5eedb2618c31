"""What keys and collections are called as files and directories."""

import os
import re
from pathlib import Path

from key_value.aio._utils.sanitization import RESERVED_PREFIXES, SanitizationStrategy
from key_value.aio.errors import PathSecurityError
from key_value.aio.stores.base.files import RELATIVE, file_names
from key_value.aio.stores.filetree.strategies import INFO_SUFFIX, SUFFIX

WRITING = ".writing"
"""The directory beside the collections in which files are written before they are moved to their place."""

_LEADS_ELSEWHERE = re.compile(r"[/\\:\x00]|^\.{0,2}\Z" if os.name == "nt" else r"[/\x00]|^\.{0,2}\Z")


def default_strategies(directory: Path) -> tuple[SanitizationStrategy, SanitizationStrategy]:
    """How to name keys and collections where a directory is, or will be: as they are, where that can be."""
    others = "|".join([RELATIVE, f"^{re.escape(WRITING)}\\Z", f"{re.escape(INFO_SUFFIX)}\\Z"])
    return (
        file_names(directory, suffix=SUFFIX, witness=WRITING),
        file_names(directory, unsafe=others, suffix=INFO_SUFFIX, witness=WRITING),
    )


class Names:
    """What a strategy makes of names, checked to be the name of one file."""

    def __init__(
        self, strategy: SanitizationStrategy, *, suffix: str = "", refuses_reserved: bool = False
    ) -> None:
        """Choose a form.

        Args:
            strategy: What to make of a name.
            suffix: What every file's name ends with.
            refuses_reserved: Whether names are refused that the strategy keeps for itself.
        """
        self._strategy = strategy
        self._suffix = suffix
        self._refuses_reserved = refuses_reserved

    def file_name(self, name: str) -> str:
        """What the file or directory of a name is called.

        Raises:
            PathSecurityError: The strategy made something of it that leads elsewhere.
            InvalidKeyError: The strategy keeps such names for itself.
        """
        if self._refuses_reserved:
            self._strategy.validate(name)
        file = self._strategy.sanitize(name) + self._suffix
        if _LEADS_ELSEWHERE.search(file):
            raise PathSecurityError(
                message=f"{name!r} resolves outside of its directory", extra_info={"file": file}
            )
        return file

    def original(self, file: str) -> str | None:
        """The name that a file is called after, or None where it does not say."""
        if not file.endswith(self._suffix):
            return None
        stem = file[: len(file) - len(self._suffix)]
        name = self._strategy.try_unsanitize(stem)
        if name is None and not stem.startswith(RESERVED_PREFIXES) and self._strategy.sanitize(stem) == stem:
            return stem
        return name

    def is_named(self, file: str, name: str) -> bool:
        """Whether a file is the one of a name."""
        return self._strategy.sanitize(name) + self._suffix == file

    def is_lost(self, name: str) -> bool:
        """Whether the name of the file does not say what it is called after."""
        return self._strategy.try_unsanitize(self._strategy.sanitize(name)) != name
