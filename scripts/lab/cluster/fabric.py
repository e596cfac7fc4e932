"""The lab's network: a bridge in the supervisor's own network namespace, and a cable to each machine."""

import subprocess
from pathlib import Path

from scripts.lab.cluster.inside import kernel
from scripts.lab.cluster.inside.network import CARD
from scripts.lab.cluster.layout import Layout, Machine
from scripts.lab.console import LabError

BRIDGE = "br0"


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def enter(layout: Layout) -> None:
    """Move this process from the host's network namespace to a new one that has only a bridge.

    All cables are attached to this namespace, so nothing of the lab is visible in the host's network, and all of it
    disappears with the supervisor.
    """
    kernel.unshare(kernel.NEW_NETWORK)
    _ip("link", "set", "lo", "up")
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("address", "add", f"{layout.gateway}/{layout.lan.prefixlen}", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")
    for family in ("ip", "ip6", "arp"):
        # A switch does not filter what it forwards.
        setting = Path(f"/proc/sys/net/bridge/bridge-nf-call-{family}tables")
        if setting.exists():
            setting.write_text("0")


def plug_in(machine: Machine, *, pid: int) -> None:
    """Attach a cable (a veth pair) from the bridge to the network namespace of a process."""
    _ip(
        "link",
        "add",
        machine.port,
        "type",
        "veth",
        "peer",
        "name",
        CARD,
        "address",
        machine.hardware_address,
        "netns",
        str(pid),
    )
    _ip("link", "set", machine.port, "master", BRIDGE, "up")


def unplug(machine: Machine) -> None:
    """Remove both ends of the cable; the kernel would do so too, but only some time after the machine's end."""
    subprocess.run(["ip", "link", "delete", machine.port], capture_output=True, check=False)
