"""Operators install what the program needs, developers the same versions and their tools besides."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.wheel.project import ROOT, brought, locked, wanted

TOOLS = ("mypy", "ruff", "pytest", "playwright", "import-linter", "pre-commit", "hypothesis")
_OWN = ("components", "stacks", "scripts")


def imported(file: Path) -> set[str]:
    """The top-level modules that a file imports, wherever in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - set(_OWN)


def test_operators_get_no_tool_of_developers() -> None:
    assert [tool for tool in TOOLS if tool in locked("requirements.lock")] == []
    assert [tool for tool in TOOLS if tool not in locked("requirements-dev.lock")] == []


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_each_lock_has_what_its_list_asks_for(name: str) -> None:
    pins = locked(f"{name}.lock")
    unmet = [
        str(each)
        for each in wanted(f"{name}.in")
        if (pin := pins.get(canonicalize_name(each.name))) is None or not each.specifier.contains(pin)
    ]
    assert unmet == []


def test_both_locks_have_the_same_versions() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {name: development.get(name) for name in runtime} == runtime


def test_what_operators_run_imports_nothing_else() -> None:
    folders = ["components", "stacks", *(f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir())]
    product = [ROOT / folder for folder in folders if not folder.endswith(("/lab", "/bench", "/monitoring"))]
    files = [ROOT / "__main__.py", *(file for folder in product for file in folder.rglob("*.py"))]
    distributions, allowed = packages_distributions(), brought("requirements.in")
    foreign = {
        f"{file.relative_to(ROOT)}: {module}"
        for file in files
        for module in imported(file)
        if not {canonicalize_name(each) for each in distributions.get(module, [])} & allowed
    }
    assert foreign == set()
