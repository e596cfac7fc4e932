"""Benchmarks the checks and the plan on a thousand nodes, each in its own process, against kubectl's reads."""

import os
import subprocess
import sys
import time

from pydantic import BaseModel

from scripts.bench.large_cluster import fill
from scripts.lab.paths import CHECKOUT
from scripts.lab.simulated.control_plane import ControlPlane


class Looked(BaseModel):
    """Time and peak memory of one run of the command."""

    seconds: float
    processor_seconds: float
    megabytes: float


def look(plane: ControlPlane, module: str, *options: str) -> Looked:
    """Run one of the commands that read a whole cluster."""
    command = [sys.executable, "-m", module, "--kubeconfig", str(plane.kubeconfig), *options]
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.strip()}")
    return Looked(
        seconds=time.monotonic() - began,
        processor_seconds=used.ru_utime + used.ru_stime,
        megabytes=used.ru_maxrss / 1024,
    )


def measure(plane: ControlPlane, *, nodes: int, pods: int) -> tuple[Looked, Looked, float]:
    """(the checks, the plan, the seconds that kubectl takes to print all pods and nodes)."""
    fill(plane, nodes=nodes, pods=pods)
    checks = look(plane, "scripts.check", "--phase", "secondary")
    plan = look(plane, "scripts.plan")
    began = time.monotonic()
    plane.kubectl("get", "pods", "-A", "-o", "json")
    plane.kubectl("get", "nodes", "-o", "json")
    return checks, plan, time.monotonic() - began
