"""File names, including those for file systems of other platforms."""

import re
from pathlib import Path

import pytest

from key_value.aio.stores.base.files import (
    existing,
    file_names,
    folds_case,
    longest_name,
    unsafe_in_names,
)


@pytest.mark.parametrize(
    "name", ["con", "CON", "nul.txt", "com1", "a.", "a ", "a:b", "a?", "progra~1", "a\\b", "\x1f"]
)
def test_windows_gets_no_name_that_it_refuses(name: str) -> None:
    assert re.search(unsafe_in_names("win32", folds_case=False), name)
    assert not re.search(unsafe_in_names("linux", folds_case=False), name)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_plain_names_stay(platform: str) -> None:
    assert not re.search(unsafe_in_names(platform, folds_case=True), "users.old_2-a b (c) console")


def test_composed_letters_are_not_left_to_apple() -> None:
    unsafe = unsafe_in_names("darwin", folds_case=False)
    assert re.search(unsafe, "é")
    assert not re.search(unsafe, "Users")


def test_whether_case_is_folded_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "123").touch()
    (tmp_path / "probe").touch()
    asked: list[tuple[str, str]] = []

    def samefile(self: Path, other: Path) -> bool:
        asked.append((self.name, other.name))
        return True

    assert folds_case(tmp_path) is False
    monkeypatch.setattr(Path, "samefile", samefile)
    assert folds_case(tmp_path) is True
    assert folds_case(tmp_path / "missing", probe="probe") is True
    assert asked == [("probe", "PROBE")] * 2


def test_the_length_is_that_of_the_file_system(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "there"
    assert existing(missing) == tmp_path
    name = file_names(missing, suffix=".json").sanitize("é" * 300)
    assert longest_name(tmp_path) - 7 <= len(name.encode()) <= longest_name(tmp_path) - 5
