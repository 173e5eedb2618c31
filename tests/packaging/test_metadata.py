"""The metadata of the distributions, such as their requirements."""

import re

import pytest
from packaging.requirements import Requirement

from key_value.aio.urls.schemes import DISTRIBUTIONS as BY_SCHEME
from key_value.aio.urls.schemes import GROUP
from tests.packaging.workspace import BACKENDS, CORE, DISTRIBUTIONS, Distribution

OTHERS = [distribution for distribution in DISTRIBUTIONS.values() if distribution.name != CORE]
EXTRAS = DISTRIBUTIONS[CORE].extras


def _admits_one_series(requirement: Requirement) -> bool:
    """Return whether this is `>=0.5.N,<0.6` and admits the version in the workspace."""
    bounds = re.fullmatch(r"<0\.6,>=0\.5\.\d+", ",".join(sorted(str(requirement.specifier).split(","))))
    return bounds is not None and DISTRIBUTIONS[requirement.name].version in requirement.specifier


@pytest.mark.parametrize("distribution", OTHERS, ids=str)
def test_the_lowest_core_is_stated(distribution: Distribution) -> None:
    (core,) = [requirement for requirement in distribution.requirements if requirement.name == CORE]
    assert _admits_one_series(core), f"expected {CORE}>=0.5.N,<0.6, found {core}"


@pytest.mark.parametrize("distribution", OTHERS, ids=str)
def test_no_distribution_needs_another_but_the_core(distribution: Distribution) -> None:
    assert [driver for driver in distribution.drivers if driver in DISTRIBUTIONS] == []


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_each_backend_is_an_extra_of_the_core(backend: Distribution) -> None:
    extras = [requirement for requirements in EXTRAS.values() for requirement in requirements]
    found = [requirement for requirement in extras if requirement.name == backend.name]
    assert found
    assert all(_admits_one_series(requirement) for requirement in found)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=str)
def test_a_distribution_below_1_0_is_a_beta(distribution: Distribution) -> None:
    stated = [each for each in distribution.project["classifiers"] if each.startswith("Development Status")]
    assert (stated == ["Development Status :: 4 - Beta"]) is distribution.version.startswith("0.")


def test_all_is_every_extra() -> None:
    (all_of_them,) = EXTRAS["all"]
    assert all_of_them.name == CORE
    assert all_of_them.extras == EXTRAS.keys() - {"all"}


def test_distributions_share_what_does_not_differ() -> None:
    shared = ("requires-python", "license", "license-files", "authors")
    assert len({str([each.project[field] for field in shared]) for each in DISTRIBUTIONS.values()}) == 1


@pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=str)
def test_an_index_shows_where_the_documentation_and_the_source_are(distribution: Distribution) -> None:
    urls = distribution.project["urls"]
    assert list(urls) == ["Documentation", "Repository", "Issues", "Changelog"]
    shared = DISTRIBUTIONS[CORE].project["urls"]
    assert {**urls, "Documentation": shared["Documentation"]} == shared
    assert urls["Documentation"].startswith(shared["Documentation"])


def _schemes(distribution: Distribution) -> dict[str, str]:
    return distribution.project.get("entry-points", {}).get(GROUP, {})


def test_the_core_knows_the_distribution_of_each_scheme() -> None:
    found = {scheme: each.name for each in DISTRIBUTIONS.values() for scheme in _schemes(each)}
    assert found == BY_SCHEME


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_each_backend_registers_a_scheme_of_a_class_of_its_own(backend: Distribution) -> None:
    assert _schemes(backend)
    assert all(value.startswith(f"{backend.modules[0]}:") for value in _schemes(backend).values())
