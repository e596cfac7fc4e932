"""The lab's control groups, on machines with version 1, version 2 or both."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CPUSET = ("cpuset.cpus", "cpuset.mems")


@dataclass(frozen=True)
class Hierarchy:
    """One mounted tree of control groups; the lab creates its groups below the folder `base`."""

    version: int
    options: str
    mount: Path
    base: Path

    @property
    def has_cpuset(self) -> bool:
        """True if new groups need CPUs and memory assigned before a process may join."""
        return self.version == 1 and "cpuset" in self.options.split(",")


def hierarchies(*, mounts: str, own: str) -> list[Hierarchy]:
    """Parse the trees from the text of /proc/self/mountinfo and /proc/self/cgroup.

    In version 1 the lab's groups hang below the caller's own. In version 2 controllers can only be handed on
    by groups without processes, so they hang below the root of the tree.
    """
    paths: dict[frozenset[str], str] = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        paths[frozenset(controllers.split(",")) if controllers else frozenset()] = path
    found: dict[frozenset[str], Hierarchy] = {}
    for line in mounts.splitlines():
        fields = line.split()
        tail = fields[fields.index("-") + 1 :]
        kind, mount = tail[0], Path(fields[4])
        if kind == "cgroup2":
            found.setdefault(frozenset(), Hierarchy(2, "", mount, mount))
        elif kind == "cgroup":
            options = set(tail[2].split(","))
            key = next((key for key in paths if key and key <= options), None)
            if key is not None:
                # Below another mount's root the path of the file is not the path of the tree.
                inside = os.path.relpath(paths[key], fields[3])
                base = mount / inside if not inside.startswith("..") else mount
                found.setdefault(key, Hierarchy(1, ",".join(sorted(key)), mount, base))
    return list(found.values())


def machine_hierarchies() -> list[Hierarchy]:
    """The trees of this machine."""
    return hierarchies(mounts=Path("/proc/self/mountinfo").read_text(), own=Path("/proc/self/cgroup").read_text())


def create(name: str, *, trees: list[Hierarchy]) -> None:
    """Make the group `name` (as LAB/MACHINE) in every tree."""
    for tree in trees:
        folder = tree.base
        for part in Path(name).parts:
            if tree.version == 2:
                _hand_on_controllers(folder)
            parent, folder = folder, folder / part
            folder.mkdir(exist_ok=True)
            if tree.has_cpuset:
                for file in _CPUSET:
                    (folder / file).write_text((parent / file).read_text())


def _hand_on_controllers(folder: Path) -> None:
    for controller in (folder / "cgroup.controllers").read_text().split():
        # A controller that cannot be delegated is no loss here: kubelet reports those that it needs.
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def join(name: str, *, trees: list[Hierarchy]) -> None:
    """Move the calling process into the group `name` of every tree."""
    for tree in trees:
        (tree.base / name / "cgroup.procs").write_text("0")


def groups(name: str, *, trees: list[Hierarchy]) -> Iterator[Path]:
    """Every folder of the group and below it, the deepest first."""
    for tree in trees:
        for folder, _, _ in os.walk(tree.base / name, topdown=False):
            yield Path(folder)


def processes(name: str, *, trees: list[Hierarchy]) -> set[int]:
    """The processes in the group and below it."""
    found: set[int] = set()
    for folder in groups(name, trees=trees):
        with contextlib.suppress(OSError):
            found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
    return found


def remove(name: str, *, trees: list[Hierarchy]) -> list[Path]:
    """Remove the group and all below it; returns those that still have processes."""
    left = []
    for folder in groups(name, trees=trees):
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            left.append(folder)
    return left
