"""Commands that a message tells its reader to type, typed."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.lab.console import LabError
from scripts.lab.paths import CHECKOUT
from scripts.lab.session import Run, Session
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.toolchain import parts
from scripts.lab.toolchain.build import build_part
from tests.commands.printed import commands_in

_ASK_NOTHING = ("config", "stack")
TYPED: list[str] = []  # in this process
_TELLS = re.compile(r"\| grep|-m scripts\.")  # they end with 1 where they have something, or nothing, to tell


def commands(output: str, *, check: str) -> list[str]:
    """The commands of a finding, in their order."""
    line = next((each for each in output.splitlines() if f"[{check}]" in each), "")
    return commands_in(line)


def type_in(
    command: str, *, stack: Session | None = None, plane: ControlPlane | None = None, answer: str = "",
    folder: Path = CHECKOUT, kubeconfig: Path | None = None,
) -> str:  # fmt: skip
    """Run the command as it was printed, with a yes to what it asks; returns what it says, raises an error if it fails.

    A shell runs it, as it would the reader's; `pulumi` is told the test's stack. `answer` is what it may ask for,
    `kubeconfig` that of another user than the administrator.
    """
    TYPED.append(command)
    if command.startswith("pulumi "):
        assert stack
        words = shlex.split(command)[1:]
        if answer:
            return _answered(stack, words, answer)
        asks = words[0] not in _ASK_NOTHING or words[:2] == ["stack", "rm"]
        return stack.pulumi(*words, *(["--yes"] if asks else [])).output
    assert plane
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace(".venv/bin/python", sys.executable)],
        cwd=folder, env=_environment(plane, helm="helm " in command, kubeconfig=kubeconfig), input=answer,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = done.returncode == 1 and _TELLS.search(command) and "Traceback" not in done.stderr
    if done.returncode and not told:
        raise LabError(f"{command}: {done.stderr.strip()}")
    return done.stdout


def _answered(stack: Session, words: list[str], answer: str) -> str:
    done = subprocess.run(
        stack.command(*words), cwd=stack.program, env=stack.environment, input=answer, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise LabError(f"pulumi {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _environment(plane: ControlPlane, *, helm: bool, kubeconfig: Path | None) -> dict[str, str]:
    folders = [plane.kubectl_binary.parent, *([build_part(parts.HELM)] if helm else [])]
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "KUBECONFIG": str(kubeconfig or plane.kubeconfig), "PYTHONPATH": str(CHECKOUT)}


def do_as_told(run: Run | str, *, checks: Sequence[str], stack: Session, plane: ControlPlane) -> bool:
    """Type the first command of the first of these findings that the output has; whether there was one."""
    output = run if isinstance(run, str) else run.output
    for check in checks:
        for command in commands(output, check=check)[:1]:
            type_in(command, stack=stack, plane=plane)
            return True
    return False
