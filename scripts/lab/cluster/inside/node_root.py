"""The first half of a node's boot: builds the node's root file system, enters it, and starts the node's own Python."""

import os
import stat
import sys
from pathlib import Path

from scripts.lab.cluster.inside import kernel
from scripts.lab.cluster.inside.plan import BootPlan

PYTHON = "/usr/bin/python3"
LIBRARY = "/opt/lab/python"
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "kmsg", "net/tun", "fuse")


def build(plan: BootPlan, *, boot_id: str) -> Path:
    """Mount the node's whole file system below the folder that is returned."""
    kernel.mount(None, "/", flags=kernel.RECURSIVE | kernel.PRIVATE)
    disk = Path(plan.disk)
    root = disk / "root"
    for folder in (root, disk / "upper", disk / "work"):
        folder.mkdir(parents=True, exist_ok=True)
    kernel.mount(
        "overlay",
        root,
        kind="overlay",
        options=f"lowerdir={plan.base},upperdir={disk / 'upper'},workdir={disk / 'work'}",
    )
    for name in ("run", "tmp"):
        kernel.mount("tmpfs", root / name, kind="tmpfs", options="mode=1777" if name == "tmp" else "mode=755")
    for name in ("lock", "netns"):
        (root / "run" / name).mkdir()
    kernel.mount("proc", root / "proc", kind="proc")
    kernel.mount("sysfs", root / "sys", kind="sysfs")
    kernel.mount("bpf", root / "sys/fs/bpf", kind="bpf")
    _cgroups(plan, root / "sys/fs/cgroup")
    _devices(root / "dev")
    _shields({**plan.shields, "kernel/random/boot_id": boot_id}, root)
    for bind in plan.binds:
        target = root / bind.target.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        kernel.mount(bind.source, target, flags=kernel.BIND)
        if bind.read_only:
            kernel.mount(None, target, flags=kernel.BIND | kernel.REMOUNT | kernel.READ_ONLY)
    return root


def _cgroups(plan: BootPlan, folder: Path) -> None:
    if not plan.cgroups_version_1:
        kernel.mount("cgroup2", folder, kind="cgroup2")
        return
    kernel.mount("tmpfs", folder, kind="tmpfs", options="mode=755")
    for controllers in plan.cgroups_version_1:
        target = folder / controllers.removeprefix("name=")
        target.mkdir()
        named = controllers.startswith("name=")
        kernel.mount("cgroup", target, kind="cgroup", options=f"none,{controllers}" if named else controllers)
        if "," in controllers:
            for controller in controllers.split(","):
                (folder / controller).symlink_to(target.name)
    if plan.cgroups_version_2:
        (folder / "unified").mkdir()
        kernel.mount("cgroup2", folder / "unified", kind="cgroup2")


def _devices(folder: Path) -> None:
    kernel.mount("tmpfs", folder, kind="tmpfs", flags=kernel.NO_SUID, options="mode=755")
    for name in _DEVICES:
        outside = Path("/dev", name)
        if outside.exists():
            device = folder / name
            device.parent.mkdir(exist_ok=True)
            os.mknod(device, stat.S_IFCHR | 0o666, outside.stat().st_rdev)
            device.chmod(0o666)
    for name, target in {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        (folder / name).symlink_to(f"/proc/self/{target}")
    (folder / "ptmx").symlink_to("pts/ptmx")
    for name, kind, options in (
        ("pts", "devpts", "newinstance,ptmxmode=0666,mode=0620"),
        ("shm", "tmpfs", "mode=1777"),
        ("mqueue", "mqueue", None),
    ):
        (folder / name).mkdir()
        kernel.mount(kind, folder / name, kind=kind, options=options)


def _shields(values: dict[str, str], root: Path) -> None:
    """Mount files of the node over settings that belong to the whole host."""
    folder = root / "run/lab/settings"
    folder.mkdir(parents=True)
    for setting, value in values.items():
        if (root / "proc/sys" / setting).exists():
            file = folder / setting.replace("/", ".")
            file.write_text(value + "\n")
            kernel.mount(file, root / "proc/sys" / setting, flags=kernel.BIND)


def main(plan_file: str, boot_id: str) -> None:
    """Boot the node; never returns, as this process becomes the node's init."""
    plan = BootPlan.read(Path(plan_file))
    os.chdir(build(plan, boot_id=boot_id))
    kernel.pivot_root_here()
    # As on a machine with systemd: pods may request mount propagation to the node.
    kernel.mount(None, "/", flags=kernel.RECURSIVE | kernel.SHARED)
    environment = {**plan.environment, "PYTHONPATH": LIBRARY}
    arguments = [PYTHON, "-B", "-m", "scripts.lab.cluster.inside.node_init", "/opt/lab/config/boot.json"]
    os.execve(PYTHON, arguments, environment)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
