"""Checks that this machine can run the lab, before anything is started."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from scripts.lab.cluster import cgroups
from scripts.lab.console import LabError
from scripts.lab.paths import cache_folder

GIBIBYTE = 1 << 30
COLD_DISK = 15 * GIBIBYTE
WARM_DISK = 6 * GIBIBYTE
MEMORY_BASE = 2 * GIBIBYTE
MEMORY_PER_NODE = GIBIBYTE // 2

PROGRAMS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "tar": "tar",
    "debootstrap": "debootstrap",
    "clang-19": "clang-19",
    "gcc": "gcc",
    "go": "golang 1.26 or newer",
    "ldd": "libc-bin",
}
_MODULES = (
    "overlay",
    "br_netfilter",
    "vxlan",
    "veth",
    "bridge",
    "nf_conntrack",
    "iptable_nat",
    "iptable_mangle",
    "iptable_raw",
    "iptable_filter",
    "xt_comment",
    "xt_mark",
    "xt_conntrack",
    "xt_statistic",
    "xt_addrtype",
    "xt_MASQUERADE",
    "xt_set",
    "ip_set",
    "xt_socket",
    "xt_TPROXY",
    "xt_CT",
    "cls_bpf",
    "sch_ingress",
)
_DEVICES = {
    "veth pairs (CONFIG_VETH)": "link add name probe type veth peer name probe-peer",
    "bridges (CONFIG_BRIDGE)": "link add name probe type bridge",
    "VXLAN (CONFIG_VXLAN)": "link add name probe type vxlan id 1 dstport 8472 dev lo",
}
_FILES = {
    "BPF type information (CONFIG_DEBUG_INFO_BTF)": "/sys/kernel/btf/vmlinux",
    "filtering of bridged packets (CONFIG_BRIDGE_NETFILTER; modprobe br_netfilter)": "/proc/sys/net/bridge",
    "kernel log device": "/dev/kmsg",
}


def _tried(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _kernel_problems(scratch: Path) -> Iterator[str]:
    if shutil.which("modprobe") and not Path("/proc/config.gz").exists():
        subprocess.run(["modprobe", "-a", "-q", *_MODULES], capture_output=True, check=False)
    isolated = ("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork")
    if not _tried(*isolated, "true"):
        yield "the kernel does not let this process make namespaces; run the lab on a machine or in a virtual machine"
        return
    for feature, command in _DEVICES.items():
        if not _tried(*isolated, "ip", *command.split()):
            yield f"the kernel has no {feature}"
    for feature, path in _FILES.items():
        if not Path(path).exists():
            yield f"the kernel has no {feature}: {path} is missing"
    if not _tried(*isolated, "mount", "-t", "bpf", "bpf", str(scratch)):
        yield "the kernel cannot mount a BPF file system (CONFIG_BPF_SYSCALL)"
    for name in ("lower", "upper", "work", "merged"):
        (scratch / name).mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={scratch}/lower,upperdir={scratch}/upper,workdir={scratch}/work"
    if not _tried(*isolated, "mount", "-t", "overlay", "overlay", "-o", options, str(scratch / "merged")):
        yield (
            f"no overlay file system can be mounted in {scratch} (CONFIG_OVERLAY_FS, and the folder must not itself be "
            "on an overlay); set LAB_FOLDER to a folder on a disk"
        )
    if not cgroups.machine_hierarchies():
        yield "no control groups are mounted; the lab needs version 1 or 2 at /sys/fs/cgroup"


def _room_problems(folder: Path, *, nodes: int) -> Iterator[str]:
    cold = not (cache_folder() / "images").exists()
    need = COLD_DISK if cold else WARM_DISK
    free = shutil.disk_usage(folder).free
    if free < need:
        yield (
            f"{folder} has {free / GIBIBYTE:.1f} GiB free and the lab needs {need / GIBIBYTE:.0f} GiB; "
            "make room or set LAB_FOLDER"
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = MEMORY_BASE + nodes * MEMORY_PER_NODE
    if memory < wanted:
        yield (
            f"the machine has {memory / GIBIBYTE:.1f} GiB of memory, {nodes} nodes need {wanted / GIBIBYTE:.1f} GiB; "
            "ask for fewer nodes"
        )


def problems(folder: Path, *, nodes: int) -> list[str]:
    """Every problem that prevents the lab from running, a line each."""
    if os.geteuid() != 0:
        return ["the lab makes namespaces and mounts, which only root may; run it with sudo"]
    found = [
        f"the program {name} is missing; install {package}"
        for name, package in PROGRAMS.items()
        if not shutil.which(name)
    ]
    if any(character in str(folder) for character in ",: "):
        found.append(f"{folder} has a comma, colon or space in it, which overlay mounts cannot take; set LAB_FOLDER")
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / "check"
    scratch.mkdir(exist_ok=True)
    try:
        found += _kernel_problems(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return found + list(_room_problems(folder, nodes=nodes))


def check(folder: Path, *, nodes: int) -> None:
    """Raise LabError with all problems at once."""
    found = problems(folder, nodes=nodes)
    if found:
        raise LabError("this machine cannot carry the lab:\n" + "\n".join(f"  - {line}" for line in found))
