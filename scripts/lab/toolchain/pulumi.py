"""The Pulumi CLI: the one on PATH if it is recent enough, else a built one; and its environment."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.lab.toolchain import cache
from scripts.lab.toolchain.build import build_part, download_module
from scripts.lab.toolchain.parts import PULUMI, PULUMI_PYTHON_HOST, PULUMI_VERSION

# Older CLIs do not pass the stack's config to dynamic providers.
_OLDEST = (3, 150, 0)
# Each run of the engine would compile the program three times, a second of processor that a user does not pay.
_NOT_KEPT = ("PYTHONDONTWRITEBYTECODE",)
_HOST_SCRIPTS = (
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-resource-pulumi-python",
)


def _version(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def installed_cli() -> Path | None:
    """The folder of the CLI on PATH, if it and its Python language host are there and recent enough."""
    program = shutil.which("pulumi")
    if not program or not shutil.which("pulumi-language-python"):
        return None
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
    return Path(program).parent if _version(said) >= _OLDEST else None


def cli_folder() -> Path:
    """A folder with the CLI and its Python language host: the machine's own, or one built and cached."""
    found = installed_cli()
    if found:
        return found
    cli, host = build_part(PULUMI), build_part(PULUMI_PYTHON_HOST)

    def make(folder: Path) -> None:
        module = download_module("github.com/pulumi/pulumi/sdk/v3", f"v{PULUMI_PYTHON_HOST.version}")
        for program in (cli / "pulumi", host / "pulumi-language-python"):
            # Hard links: a symbolic one would be resolved, and the CLI would not find its host beside itself.
            (folder / program.name).hardlink_to(program)
        for script in _HOST_SCRIPTS:
            target = folder / Path(script).name
            shutil.copy(module / script, target)
            target.chmod(0o755)

    return cache.entry(f"cli/pulumi-{PULUMI_VERSION}-{cli.name[-10:]}", make)


def _python(home: Path) -> Path:
    """A Python for the language host that answers the host's question before each run from a file.

    The host lists the installed packages with pip, which takes half a second, to find the plugins that they need. The
    answer is stored in the environment, whose packages never change: a new lock file creates a new environment.
    """
    real, program, listed = Path(sys.executable), home / "python", Path(sys.prefix) / "packages.json"
    question = "-m pip list -v --format json"
    program.write_text(f'''#!/bin/sh
if [ "$*" = "{question}" ]; then
  [ -s "{listed}" ] || {{ "{real}" {question} >"{listed}.$$" && mv "{listed}.$$" "{listed}"; }}
  exec cat "{listed}"
fi
exec "{real}" "$@"
''')
    program.chmod(0o755)
    return program


def environment(*, home: Path, state: Path, kubeconfig: Path | None = None, helm: Path | None = None) -> dict[str, str]:
    """The environment of the CLI: a private home, state in files, the venv's Python before every other.

    The passphrase is empty on purpose: a lab's state holds no secret.
    """
    home.mkdir(parents=True, exist_ok=True)
    # Each command of the CLI spends a tenth of its time on a compressed log there, unless it cannot write it.
    (home / "logs").touch()
    state.mkdir(parents=True, exist_ok=True)
    # The built language host does not support the `virtualenv` option, so the venv must be first on PATH.
    folders = [Path(sys.executable).parent, cli_folder(), *([helm.parent] if helm else [])]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_") and key not in _NOT_KEPT}
    return {
        **kept,
        "PATH": os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")]),
        "VIRTUAL_ENV": str(Path(sys.prefix)),
        "PULUMI_HOME": str(home),
        "PULUMI_PYTHON_CMD": str(_python(home)),
        # Without it the backend writes an attributes file beside each checkpoint in place, which a kill can corrupt.
        "PULUMI_BACKEND_URL": f"file://{state}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
        **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}),
        **({"HELM_BINARY": str(helm)} if helm else {}),
    }


def stack_history(environment: dict[str, str], *, stack: str, folder: Path) -> list[dict[str, object]]:
    """The stack's update history from the engine, newest first."""
    done = subprocess.run(
        ["pulumi", "stack", "history", "--stack", stack, "--json"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout))
