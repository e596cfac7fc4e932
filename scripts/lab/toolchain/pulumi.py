"""The Pulumi CLI: the one on PATH where it is recent enough, else built; and the environment it runs in."""

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

# Below this the CLI does not hand the stack's config to dynamic providers.
_OLDEST = (3, 150, 0)
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
    """A Python for the language host that answers from a file what it asks before each run.

    The host lists the installed packages by pip, which takes half a second, to learn which plugins they need. The
    answer lies in the environment itself, whose packages never change: another lock file makes another environment.
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
    # Each command of the CLI writes a compressed log of all that it does there, a tenth of its time, unless it can't.
    (home / "logs").touch()
    state.mkdir(parents=True, exist_ok=True)
    # The built language host knows nothing of the `virtualenv` option, so the venv must come first on PATH.
    folders = [Path(sys.executable).parent, cli_folder(), *([helm.parent] if helm else [])]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
    return {
        **kept,
        "PATH": os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")]),
        "VIRTUAL_ENV": str(Path(sys.prefix)),
        "PULUMI_HOME": str(home),
        "PULUMI_PYTHON_CMD": str(_python(home)),
        # Without it the backend keeps a file of attributes beside each checkpoint, written in place: a kill tears it.
        "PULUMI_BACKEND_URL": f"file://{state}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
        **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}),
        **({"HELM_BINARY": str(helm)} if helm else {}),
    }


def stack_history(environment: dict[str, str], *, stack: str, folder: Path) -> list[dict[str, object]]:
    """The stack's updates, newest first, as the engine keeps them."""
    done = subprocess.run(
        ["pulumi", "stack", "history", "--stack", stack, "--json"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout))
