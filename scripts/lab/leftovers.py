"""Lists the remains of a lab on the host; after `down` there must be none."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from scripts.lab.cluster import cgroups
from scripts.lab.cluster.state import start_time

_LINKS = re.compile(r"port\d+|cilium_\w+|lxc\w+|flannel\.\d+|vxlan\.calico|cali\w+|cni0|br0")


def mounts_below(mountinfo: str, folder: Path) -> list[str]:
    """The mount points at or below `folder`, by the text of /proc/self/mountinfo."""
    points = [line.split()[4].replace("\\040", " ") for line in mountinfo.splitlines()]
    return [point for point in points if Path(point).is_relative_to(folder)]


def suspicious_links(names: set[str], *, before: set[str]) -> list[str]:
    """Network devices that only a lab creates and that did not exist before it."""
    return sorted(name for name in names - before if _LINKS.fullmatch(name))


def machine_links() -> set[str]:
    """The devices of the host's own network."""
    return {path.name for path in Path("/sys/class/net").iterdir()}


def lab_processes(lab_id: str) -> list[int]:
    """The processes of the lab, found by the mark in their environment and by their control group."""
    found = cgroups.processes(lab_id, trees=cgroups.machine_hierarchies())
    mark = f"LAB_ID={lab_id}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
    return sorted(pid for pid in found if start_time(pid) is not None)


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80].strip()
    return ""


def leftovers(lab_id: str, *, folder: Path, links_before: set[str]) -> Iterator[str]:
    """One line for each remaining object."""
    for pid in lab_processes(lab_id):
        yield f"process {pid} ({_command(pid)})"
    seen = set()
    for tree in cgroups.machine_hierarchies():
        for place in (tree.base, tree.mount):
            if (place / lab_id).exists() and place / lab_id not in seen:
                seen.add(place / lab_id)
                yield f"control group {place / lab_id}"
    for point in mounts_below(Path("/proc/self/mountinfo").read_text(), folder):
        yield f"mount {point}"
    for name in suspicious_links(machine_links(), before=links_before):
        yield f"network device {name}"
