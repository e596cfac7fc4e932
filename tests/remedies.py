"""Commands that a refusal tells its reader to type, typed."""

import re
import shlex
from collections.abc import Sequence

from scripts.lab.session import Run, Session
from scripts.lab.simulated.control_plane import ControlPlane

_COMMAND = re.compile(r"`((?:pulumi|kubectl) [^`]+)`")


def commands(output: str, *, check: str) -> list[str]:
    """The commands of a finding, in their order."""
    line = next((each for each in output.splitlines() if f"[{check}]" in each), "")
    return _COMMAND.findall(line)


def type_in(command: str, *, stack: Session, plane: ControlPlane) -> None:
    """Run the command as it was printed, with a yes to what it asks; raises an error if it fails."""
    program, *words = shlex.split(command)
    if program == "kubectl":
        plane.kubectl(*words)
    else:
        stack.pulumi(*words, *([] if words[0] == "config" else ["--yes"]))


def do_as_told(run: Run | str, *, checks: Sequence[str], stack: Session, plane: ControlPlane) -> bool:
    """Type the first command of the first of these findings that the output has; whether there was one."""
    output = run if isinstance(run, str) else run.output
    for check in checks:
        for command in commands(output, check=check)[:1]:
            type_in(command, stack=stack, plane=plane)
            return True
    return False
