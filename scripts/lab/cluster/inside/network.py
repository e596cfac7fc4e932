"""Configures a machine's end of its cable."""

import subprocess
from pathlib import Path

from scripts.lab.cluster.inside.plan import BootPlan

CARD = "eth0"


def set_up(plan: BootPlan) -> None:
    """Bring up the loopback device and the card, with the card as the default route.

    The route leads nowhere beyond the lab, but Cilium selects only the device of a default route.
    """
    for command in (
        f"link set {CARD} up",
        "link set lo up",
        f"address replace {plan.address}/{plan.prefix_length} dev {CARD}",
        f"route replace default via {plan.gateway} dev {CARD}",
    ):
        subprocess.run(["ip", *command.split()], check=True)


def set_kernel(setting: str, value: str) -> None:
    """Write one setting of this network namespace."""
    Path("/proc/sys/net", setting).write_text(value)
