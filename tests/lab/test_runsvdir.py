"""The stand-in for runit in Calico's node image, run as a process of its own."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from scripts.lab.images import runsvdir


def _service(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir(parents=True)
    run = folder / name / "run"
    run.write_text(f"#!/bin/sh\n{text}\n")
    run.chmod(0o755)


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_services_run_side_by_side_again_when_they_end_and_end_with_it(tmp_path: Path) -> None:
    enabled, said = tmp_path / "enabled", tmp_path / "said"
    said.touch()
    _service(enabled, "short", f"echo short >> {said}")
    _service(
        enabled, "long", f"trap 'echo ended >> {said}; exit' TERM; echo long >> {said}; while :; do sleep 0.1; done"
    )
    _service(tmp_path / "available", "other", f"echo other >> {said}")
    command = [sys.executable, runsvdir.__file__, "-P", str(enabled)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _until(lambda: said.read_text().split().count("short") >= 2 and "long" in said.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 128 + signal.SIGTERM
    _until(lambda: "ended" in said.read_text())
    assert said.read_text().split().count("long") == 1
    assert "other" not in said.read_text()
