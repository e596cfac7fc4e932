"""The Debian root file system, the base of every node's root and every container image."""

import platform
import shutil
import subprocess
from pathlib import Path

from scripts.lab.console import LabError, Step
from scripts.lab.images.contained import contained
from scripts.lab.paths import cache_folder
from scripts.lab.toolchain import cache

PACKAGES = (
    "ca-certificates",
    "conntrack",
    "curl",
    "iproute2",
    "ipset",
    "iptables",
    "iputils-ping",
    "kmod",
    "nftables",
    "procps",
    "python3",
)
_SCHEMA = 2
_NOT_NEEDED = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")


def root_file_system() -> Path:
    """The cached folder with the root file system, of the host's own Debian release and from its own mirror."""
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "")

    def make(folder: Path) -> None:
        mirror = _mirror(suite)
        log = cache_folder() / "logs" / "debootstrap.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with Step(f"root file system ({suite}, {len(PACKAGES)} packages and what they need)"), log.open("w") as sink:
            done = subprocess.run(
                contained(
                    "debootstrap",
                    "--variant=minbase",
                    f"--include={','.join(PACKAGES)}",
                    suite,
                    str(folder),
                    mirror,
                    has_children=True,
                ),
                stdout=sink,
                stderr=subprocess.STDOUT,
                check=False,
            )
            if done.returncode != 0:
                raise LabError(f"debootstrap of {suite} failed (exit {done.returncode}); see the end of {log}")
            for path in _NOT_NEEDED:
                shutil.rmtree(folder / path, ignore_errors=True)
                (folder / path).mkdir(parents=True)

    return cache.entry(f"images/root-{suite}-{_SCHEMA}", make)


def _mirror(suite: str) -> str:
    """The mirror from which this machine's own apt takes `suite`, so that the lab uses no other."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    for line in targets.splitlines():
        address, release, component = line.split()
        if (release, component) == (suite, "main"):
            return address
    raise LabError(f"apt has no source for {suite or 'this system'}, component main; add this release to apt's sources")
