"""Wheels in clean environments: alone, together, without a driver, and with a foreign package."""

import sys
from zipfile import ZipFile

import pytest

from tests.packaging.environment import Environment
from tests.packaging.workspace import BACKENDS, CORE, DISTRIBUTIONS, Distribution

every_backend = pytest.mark.parametrize("backend", BACKENDS, ids=str)


def _importing(*modules: str) -> str:
    return "".join(f"import {module}\n" for module in modules)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS.values(), ids=str)
def test_a_wheel_works_with_only_what_it_declares(
    distribution: Distribution, environment: Environment
) -> None:
    environment.install_locked(distribution.name)
    environment.install(distribution.name)
    assert environment.installed() & DISTRIBUTIONS.keys() == {CORE, distribution.name}
    done = environment.execute(_importing(*distribution.modules))
    if distribution.works_here:
        assert done.returncode == 0, done.stderr
    else:
        assert f"not on {sys.platform}" in done.stderr.splitlines()[-1]


@every_backend
def test_an_extra_pulls_its_backend(backend: Distribution, environment: Environment) -> None:
    environment.install_locked(backend.name)
    environment.install(f"{CORE}[{_extra(backend)}]")
    assert environment.installed() & DISTRIBUTIONS.keys() == {CORE, backend.name}


@every_backend
def test_uninstalling_one_leaves_the_others_working(backend: Distribution, everything: Environment) -> None:
    everything.uninstall(backend.name)
    try:
        gone = everything.execute(_importing(*backend.modules))
        working = [each for each in DISTRIBUTIONS.values() if each != backend and each.works_here]
        rest = [module for each in working for module in each.modules]
        others = everything.execute(_importing(*rest))
    finally:
        everything.install_alone(backend.name)
    assert gone.stderr.splitlines()[-1] == _is_missing(backend)
    assert others.returncode == 0, others.stderr


@every_backend
def test_a_missing_store_names_the_command(backend: Distribution, environment: Environment) -> None:
    environment.install_locked(CORE)
    environment.install(CORE)
    done = environment.execute(_importing(*backend.modules))
    assert done.stderr.splitlines()[-1] == _is_missing(backend)


def test_a_store_that_is_installed_elsewhere_is_found(environment: Environment) -> None:
    """This happens with a core of the system, or in a checkout."""
    environment.install_locked("py-key-value-aio-memory")
    environment.install(CORE)
    elsewhere = environment.folder / "elsewhere"
    with ZipFile(DISTRIBUTIONS["py-key-value-aio-memory"].wheel(environment.dist)) as wheel:
        wheel.extractall(elsewhere)
    code = "from key_value.aio.stores.memory import MemoryStore\nprint(MemoryStore())"
    done = environment.execute(f"import sys; sys.path.append({str(elsewhere)!r})\n{code}")
    assert (done.returncode, done.stdout) == (0, "MemoryStore()\n"), done.stderr


# aiomcache is only for the argument `client` of MemcachedStore.
ON_DRIVERS = [each for each in BACKENDS if each.drivers and each.name != "py-key-value-aio-memcached"]


@pytest.mark.parametrize("backend", ON_DRIVERS, ids=str)
def test_a_missing_driver_names_the_command(backend: Distribution, environment: Environment) -> None:
    environment.install_locked(CORE)
    environment.install(CORE)
    environment.install_alone(backend.name)
    done = environment.execute(_importing(*backend.modules))
    assert done.stderr.splitlines()[-1].startswith("ImportError: ")
    assert f"pip install 'py-key-value-aio[{_extra(backend)}]'" in done.stderr.splitlines()[-1]


def test_a_foreign_package_of_the_same_name_is_named(environment: Environment) -> None:
    environment.install_locked(CORE)
    environment.install(CORE)
    (namespace,) = environment.folder.rglob("site-packages/key_value")
    (namespace / "__init__.py").touch()
    last_line = environment.execute(_importing("key_value.aio.stores.base")).stderr.splitlines()[-1]
    assert last_line.startswith(f"ImportError: {namespace / '__init__.py'} belongs to another distribution")


def _is_missing(backend: Distribution) -> str:
    """Return the last line that Python prints if a missing store is imported."""
    command = f"pip install 'py-key-value-aio[{backend.folder.name}]'"
    return f"ModuleNotFoundError: No module named {backend.modules[0]!r}: {command}"


def _extra(backend: Distribution) -> str:
    extras = DISTRIBUTIONS[CORE].extras
    return next(name for name, needs in extras.items() if backend.name in {need.name for need in needs})
