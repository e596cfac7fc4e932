"""The host's kernel settings: saved before the lab starts, restored when it is gone."""

import json
from pathlib import Path

from scripts.lab.cluster.state import write_whole

WATCHED = (
    "kernel/unprivileged_bpf_disabled",
    "kernel/timer_migration",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "net/netfilter/nf_conntrack_max",
    "net/core/bpf_jit_limit",
)
_SYSCTL = Path("/proc/sys")


def current(root: Path = _SYSCTL) -> dict[str, str]:
    """The current values of the settings that this kernel has."""
    return {setting: (root / setting).read_text().strip() for setting in WATCHED if (root / setting).exists()}


def note(file: Path, root: Path = _SYSCTL) -> None:
    """Save the values; those saved by an earlier start stay until they are restored."""
    if not file.exists():
        write_whole(file, json.dumps(current(root), indent=2) + "\n")


def put_back(file: Path, root: Path = _SYSCTL) -> list[str]:
    """Restore the values that changed since `note`; returns a line for each that the kernel does not restore."""
    if not file.exists():
        return []
    stuck = []
    noted: dict[str, str] = json.loads(file.read_text())
    now = current(root)
    for setting, value in noted.items():
        if now.get(setting) == value:
            continue
        try:
            (root / setting).write_text(value)
        except OSError as error:
            stuck.append(
                f"{setting.replace('/', '.')} was {value} and is {now.get(setting)}; the kernel keeps it until the "
                f"machine reboots ({error.strerror})"
            )
    file.unlink()
    return stuck
