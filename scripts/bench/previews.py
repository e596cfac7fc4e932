"""Benchmarks a preview of this program against one of an empty program, on the same engine."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from scripts.lab.session import Session
from scripts.lab.simulated.control_plane import ControlPlane

_EMPTY = "name: empty\nruntime: python\n"


def prepare(plane: ControlPlane, folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """(a preview of this program, a preview of the empty program)."""
    session = Session.start(kubeconfig=plane.kubeconfig, stack="bench", folder=folder, echo=False)
    empty = folder / "empty"
    empty.mkdir()
    (empty / "Pulumi.yaml").write_text(_EMPTY)
    (empty / "__main__.py").write_text("")

    def run(*words: str) -> None:
        subprocess.run(["pulumi", *words], cwd=empty, env=session.environment, check=True, capture_output=True)

    run("stack", "init", "bench")

    def ours() -> None:
        session.preview()

    return ours, lambda: run("preview", "--stack", "bench", "--non-interactive")
