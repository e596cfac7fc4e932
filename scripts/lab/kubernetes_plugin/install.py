"""Installs the plugin for the engine: a small launcher in the plugin folder of a PULUMI_HOME."""

import shlex
from pathlib import Path

from scripts.lab.kubernetes_plugin import VERSION
from scripts.lab.paths import CHECKOUT


def install(pulumi_home: Path, *, python: Path) -> Path:
    """Write the launcher into `pulumi_home` and return its path; `python` must have the project's requirements."""
    folder = pulumi_home / "plugins" / f"resource-kubernetes-v{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "pulumi-resource-kubernetes"
    # -P: the engine starts plugins in the program's folder, and a file there must not shadow a module.
    lines = [
        "#!/bin/sh",
        f"PYTHONPATH={shlex.quote(str(CHECKOUT))} exec {shlex.quote(str(python))} -P "
        '-m scripts.lab.kubernetes_plugin.start "$@"',
    ]
    launcher.write_text("\n".join(lines) + "\n")
    launcher.chmod(0o755)
    # To the engine this mark means that the installation was interrupted.
    folder.with_name(f"{folder.name}.partial").unlink(missing_ok=True)
    return launcher
