"""The contents of wheels and sdists, whose paths let many distributions share a namespace."""

import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from tests.packaging.workspace import BACKENDS, CORE, DISTRIBUTIONS, ROOT, Distribution

NAMESPACES = [PurePosixPath(path) for path in ("key_value", "key_value/aio", "key_value/aio/stores")]

every_distribution = pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=str)


def _files(dist: Path, distribution: Distribution) -> list[PurePosixPath]:
    with ZipFile(distribution.wheel(dist)) as wheel:
        return [PurePosixPath(name) for name in wheel.namelist() if not name.endswith("/")]


def _modules(files: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    return [file for file in files if not file.parts[0].endswith((".dist-info", ".data"))]


@every_distribution
def test_a_wheel_holds_nothing_at_a_namespace_level(dist: Path, distribution: Distribution) -> None:
    stray = [
        file for file in _modules(_files(dist, distribution)) if file.parent in {*NAMESPACES, PurePosixPath()}
    ]
    assert stray == []


@every_distribution
def test_a_wheel_holds_its_declared_packages_each_marked_as_typed(
    dist: Path, distribution: Distribution
) -> None:
    modules = _modules(_files(dist, distribution))
    packages = {file.parent for file in modules if file.name == "__init__.py"}
    leaves = {package for package in packages if package.parent not in packages}
    assert leaves == {PurePosixPath(*module.split(".")) for module in distribution.modules}
    assert {file.parent for file in modules if file.name == "py.typed"} >= leaves


@every_distribution
def test_every_package_of_the_source_is_in_the_wheel(dist: Path, distribution: Distribution) -> None:
    source = distribution.folder / "src"
    files = {
        file.relative_to(source).as_posix() for file in source.rglob("*") if file.suffix in {".py", ".typed"}
    }
    assert {str(file) for file in _modules(_files(dist, distribution))} == files


def test_the_core_has_a_module_in_the_place_of_each_store_that_is_missing(dist: Path) -> None:
    expected = {f"{each.modules[0].replace('.', '/')}.py" for each in BACKENDS}
    core = DISTRIBUTIONS[CORE]
    placeholders = {path for path in _files(dist, core) if path.parts[0].endswith(".data")}
    assert {str(PurePosixPath(*path.parts[2:])) for path in placeholders} == expected
    with ZipFile(core.wheel(dist)) as wheel:
        assert len({wheel.read(str(path)) for path in placeholders}) == 1


def test_no_path_is_in_two_wheels(dist: Path) -> None:
    owners = Counter(file for each in DISTRIBUTIONS.values() for file in _modules(_files(dist, each)))
    assert [str(file) for file, count in owners.items() if count > 1] == []


@every_distribution
def test_wheel_and_sdist_carry_the_licence(dist: Path, distribution: Distribution) -> None:
    text = (ROOT / "LICENSE").read_bytes()
    (in_wheel,) = [file for file in _files(dist, distribution) if file.name == "LICENSE"]
    with ZipFile(distribution.wheel(dist)) as wheel:
        assert wheel.read(str(in_wheel)) == text
    sdist = distribution.archive(dist, ".tar.gz")
    with tarfile.open(sdist) as archive:
        member = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/LICENSE")
        assert member is not None
        assert member.read() == text
