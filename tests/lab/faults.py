"""Faults made by force in the network of one machine of the lab, with the moments at which they really held."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.lab.lab import Lab

# Runs in the machine's network namespace alone. A rule holds from somewhere in the first call to somewhere in the last,
# and for no less than `seconds`: a busy machine takes long for each call.
_DROP = """
import json, subprocess, sys, time
seconds, rule = float(sys.argv[1]), sys.argv[2:]
def iptables(do):
    began = time.time()
    subprocess.run(["iptables", "-w", "-t", "mangle", do, "PREROUTING", *rule, "-j", "DROP"], check=True)
    return began, time.time()
first = iptables("-I")
time.sleep(seconds)
print(json.dumps([first, iptables("-D")]))
"""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A time in which something was broken, in seconds since 1970; `unsure` is how exactly each end is known."""

    start: float
    end: float
    unsure: float = 0.0

    @property
    def milliseconds(self) -> float:
        """Its duration in seconds."""
        return (self.end - self.start) * 1000


def drop(lab: Lab, node: str, rule: Sequence[str], *, seconds: float) -> Fault:
    """Drop the packets that a rule matches as they come into the machine, from its own pods or from elsewhere."""
    current = lab.current()
    assert current
    init = current.machines[node].init
    assert init
    command = ["nsenter", f"--net=/proc/{init.pid}/ns/net", "--", sys.executable, "-c", _DROP, str(seconds), *rule]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    (began, there), (ending, gone) = json.loads(done.stdout)
    # The call ends just after the kernel took the rule.
    return Fault(start=there - 0.002, end=gone - 0.002, unsure=max(there - began, gone - ending) / 2)


def process_of(pod: str) -> int:
    """The process of a probe, as this machine numbers it."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"POD_NAME={pod}".encode() in environment and b"probe.probe" in command:
            return int(folder.name)
    raise LookupError(f"no process of probe {pod}")


def stop(pod: str, *, seconds: float) -> Fault:
    """Stop a probe's process for a while."""
    process = process_of(pod)
    os.kill(process, signal.SIGSTOP)
    start = time.time()
    try:
        time.sleep(seconds)
    finally:
        os.kill(process, signal.SIGCONT)
    return Fault(start=start, end=time.time())
