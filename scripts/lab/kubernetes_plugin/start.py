"""Starts the plugin with the protocol's modules alone: Pulumi's SDK around them takes a fifth of a second to import."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def _empty_package(name: str, folder: Path) -> None:
    """Put a package into the process whose modules can be imported and whose own code does not run."""
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
