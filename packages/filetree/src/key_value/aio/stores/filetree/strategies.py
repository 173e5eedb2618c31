"""The names that the 0.5 series offered for files, bit for bit; two names may become one."""

import os
from pathlib import Path

from key_value.aio._utils.sanitization import HybridSanitizationStrategy
from key_value.aio._utils.sanitize import ALPHANUMERIC_CHARACTERS
from key_value.aio.stores.base.files import existing, longest_name

SUFFIX = ".json"
"""What the name of an entry's file ends with."""

INFO_SUFFIX = "-info.json"
"""What the name of the file that describes a collection ends with."""

_ALLOWED = ALPHANUMERIC_CHARACTERS + "_"

# https://learn.microsoft.com/en-us/windows/win32/fileio/maximum-file-path-limitation
_WINDOWS_PATH = 260


def get_max_path_length(root: Path) -> int:
    """The characters that a path may have where a directory is."""
    return os.pathconf(existing(Path(root)), "PC_PATH_MAX") if hasattr(os, "pathconf") else _WINDOWS_PATH


def get_max_file_name_length(root: Path) -> int:
    """The bytes that the name of a file may have where a directory is."""
    return longest_name(Path(root))


class FileTreeV1KeySanitizationStrategy(HybridSanitizationStrategy):
    """Keeps letters, digits and `_` of a key, and marks with `S_` and a part of the hash what it changed."""

    def __init__(self, directory: Path) -> None:
        """Look up how long a name may be.

        Args:
            directory: The directory of the store, or where it will be.
        """
        room = get_max_path_length(directory) - len(str(directory))
        length = min(room, get_max_file_name_length(directory) - len(SUFFIX))
        super().__init__(max_length=length, allowed_characters=_ALLOWED)


class FileTreeV1CollectionSanitizationStrategy(HybridSanitizationStrategy):
    """Keeps letters, digits and `_` of a collection, and marks what it changed as is done with keys."""

    def __init__(self, directory: Path) -> None:
        """Look up how long a name may be.

        Args:
            directory: The directory of the store, or where it will be.
        """
        length = get_max_file_name_length(directory) - len(INFO_SUFFIX)
        super().__init__(max_length=length, allowed_characters=_ALLOWED)
