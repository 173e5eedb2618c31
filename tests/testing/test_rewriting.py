"""A failing assertion of the suite shows the compared values."""

import ast
import importlib
import pkgutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import key_value.aio.testing


def test_pytest_rewrites_every_module_that_asserts() -> None:
    package = key_value.aio.testing
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    modules = [importlib.import_module(name) for name in names]
    asserting = [module for module in modules if _asserts(module.__spec__)]
    assert "key_value.aio.testing.machine" in {module.__name__ for module in asserting}
    assert [module.__name__ for module in asserting if "@pytest_ar" not in vars(module)] == []


def _asserts(spec: ModuleSpec | None) -> bool:
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    return any(isinstance(node, ast.Assert) for node in ast.walk(tree))
