"""Starts the plugin with only the protocol's modules: importing the rest of Pulumi's SDK takes a fifth of a second."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def _empty_package(name: str, folder: Path) -> None:
    """Register a package so that its modules can be imported but its own code does not run."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


def main() -> None:
    """Serve the engine."""
    sdk = find_spec("pulumi")
    if sdk and sdk.origin:
        folder = Path(sdk.origin).parent
        _empty_package("pulumi", folder)
        _empty_package("pulumi.runtime", folder / "runtime")
    from scripts.lab.kubernetes_plugin.__main__ import main as serve

    serve()


if __name__ == "__main__":
    main()
