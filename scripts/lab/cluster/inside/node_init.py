"""The second half of a node's boot, then its first process: network, containerd, kubelet, kube-proxy."""

import hashlib
import os
import shutil
import socket
import sys
from pathlib import Path

from scripts.lab.cluster.inside import kernel, network
from scripts.lab.cluster.inside.keeper import Daemon, Keeper
from scripts.lab.cluster.inside.node_root import LIBRARY, PYTHON
from scripts.lab.cluster.inside.plan import BootPlan

_CONTAINERD_SECONDS = 60
_END = f"""#!/bin/sh
# {{what}} as on any machine: the kernel ends this machine's first process, and with it all others.
PYTHONPATH={LIBRARY} exec {PYTHON} -B -m scripts.lab.cluster.inside.node_init {{what}}
"""
_SYSTEMCTL = """#!/bin/sh
# There is no systemd here; these two are what people and programs ask for by habit.
case "$1" in
  reboot|poweroff) exec /usr/sbin/"$1" ;;
  *) echo "systemctl: this node has no systemd, only reboot and poweroff are known" >&2; exit 1 ;;
esac
"""
_ENDINGS = {"reboot": kernel.RESTART, "poweroff": kernel.POWER_OFF}


def _install(path: str, content: str) -> None:
    file = Path(path)
    file.write_text(content)
    file.chmod(0o755)


def _prepare_disk(plan: BootPlan) -> None:
    Path("/etc/hostname").write_text(f"{plan.name}\n")
    Path("/etc/hosts").write_text(f"127.0.0.1 localhost\n{plan.address} {plan.name}\n")
    Path("/etc/resolv.conf").write_text("")
    Path("/etc/machine-id").write_text(hashlib.sha256(plan.name.encode()).hexdigest()[:32] + "\n")
    for ending in _ENDINGS:
        _install(f"/usr/sbin/{ending}", _END.format(what=ending))
    _install("/usr/bin/systemctl", _SYSTEMCTL)
    for folder in ("/etc/cni/net.d", "/opt/cni/bin", "/lib/modules", "/etc/kubernetes/manifests"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for plugin in Path("/opt/lab/cni-plugins").iterdir():
        if not Path("/opt/cni/bin", plugin.name).exists():
            shutil.copy(plugin, "/opt/cni/bin")


def _leave_the_root_group(plan: BootPlan) -> None:
    """Move the daemons into a group beside the pods': in version 2 a group with processes delegates no controllers."""
    if plan.cgroups_version_1:
        return
    root = Path("/sys/fs/cgroup")
    (root / "system").mkdir(exist_ok=True)
    (root / "system/cgroup.procs").write_text("0")
    for controller in (root / "cgroup.controllers").read_text().split():
        (root / "cgroup.subtree_control").write_text(f"+{controller}")


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def boot(plan_file: str) -> None:
    """Start the node's daemons and keep them running; never returns."""
    plan = BootPlan.read(Path(plan_file))
    socket.sethostname(plan.name)
    _leave_the_root_group(plan)
    network.set_up(plan)
    network.set_kernel("ipv4/ip_forward", "1")
    network.set_kernel("bridge/bridge-nf-call-iptables", "1")
    _prepare_disk(plan)
    keeper = Keeper(logs=Path(plan.logs), environment=dict(os.environ))
    daemons = [Daemon(name, tuple(command)) for name, command in plan.daemons.items()]
    runtime, *others = daemons
    keeper.start(runtime)
    keeper.wait_for(lambda: _answers("/run/containerd/containerd.sock"), seconds=_CONTAINERD_SECONDS, what=runtime.name)
    for daemon in others:
        keeper.start(daemon)
    keeper.run_for_ever()


if __name__ == "__main__":
    if sys.argv[1] in _ENDINGS:
        kernel.reboot(_ENDINGS[sys.argv[1]])
    else:
        boot(sys.argv[1])
