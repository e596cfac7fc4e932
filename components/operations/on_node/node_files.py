"""Access to a node's files from a script in a pod on it. Runs on the node, standard library only."""

import os
import pathlib

PROC = pathlib.Path("/proc")
ROOT = PROC / "1/root"


def on_host(path: str) -> pathlib.Path:
    """The path by which this script opens a file of the node; links are resolved within the node's file system."""
    parts, here = [each for each in path.split("/") if each], list[str]()
    for _ in range(len(parts) + 200):
        if not parts:
            break
        part = parts.pop(0)
        if part == "..":
            here = here[:-1]
            continue
        link = ROOT.joinpath(*here, part)
        if link.is_symlink():
            target = str(link.readlink())
            here = [] if target.startswith("/") else here
            parts = [each for each in target.split("/") if each and each != "."] + parts
        else:
            here = [*here, part]
    return ROOT.joinpath(*here, *parts)


def names_of(folder: str) -> list[str]:
    """The names of a folder: first through links such as `current`, which survive an upgrade, then its own."""
    folder, real = f"/{folder.strip('/')}", on_host(folder)
    levels = [level for level in (real, *real.parents) if level != ROOT and level.is_relative_to(ROOT)]
    beside = [
        f"/{(entry / real.relative_to(level)).relative_to(ROOT)}"
        for level in levels
        for entry in (sorted(level.parent.iterdir()) if level.parent.is_dir() else ())
        if entry.is_symlink() and on_host(f"/{entry.relative_to(ROOT)}") == level
    ]
    return list(dict.fromkeys([*beside, folder, f"/{real.relative_to(ROOT)}"]))


def cannot_write(folders: "list[str]", *, as_owner_alone: bool) -> "dict[str, str]":
    """The folders in which Cilium's containers cannot create a file, with the reason.

    Its containers run as root. Those that write plugins lack the capability to write into another user's folders.
    """
    found = dict.fromkeys(read_only(folders), "is on a file system that is mounted read-only")
    for name in folders:
        there = on_host(name)
        if name in found or not there.is_dir():
            continue
        if as_owner_alone and not root_may_write(there.stat()):
            found[name] = f"belongs to user {there.stat().st_uid} (mode {there.stat().st_mode & 0o777:03o})"
    return found


def read_only(folders: "list[str]") -> "list[str]":
    """Those of the folders, or of the places where they would be made, that are on a file system mounted read-only."""
    return [name for name in folders if os.statvfs(nearest(on_host(name))).f_flag & os.ST_RDONLY]


def nearest(folder: pathlib.Path) -> pathlib.Path:
    """The folder itself, or the nearest one above it that exists."""
    while not folder.is_dir() and folder != ROOT:
        folder = folder.parent
    return folder


def root_may_write(state: os.stat_result) -> bool:
    """True if root can create files in a folder without any capability."""
    if state.st_uid == 0:
        return bool(state.st_mode & 0o200)
    return bool(state.st_mode & (0o020 if state.st_gid == 0 else 0o002))
