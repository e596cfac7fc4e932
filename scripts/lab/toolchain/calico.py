"""Builds Calico from its own module: programs, files of the node image, and manifests."""

import hashlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.lab.console import BuildProgress
from scripts.lab.toolchain import cache
from scripts.lab.toolchain.build import COMPILER, build_log, download_module, run_logged
from scripts.lab.toolchain.go import go_environment
from scripts.lab.toolchain.parts import CALICO_API_MODULE, CALICO_MODULE, CALICO_PROGRAMS, CALICO_VERSION

_MODULE = "github.com/projectcalico/calico"
_API = "github.com/projectcalico/api"


def calico_manifests() -> Path:
    """The folder with Calico's own manifests: calico-vxlan.yaml, canal.yaml and others (read only)."""
    return download_module(_MODULE, CALICO_MODULE) / "manifests"


def calico_key() -> str:
    """Its cache key."""
    recipe = inspect.getsource(sys.modules[__name__]) + repr(CALICO_PROGRAMS)
    digest = hashlib.sha256("\n".join((CALICO_MODULE, CALICO_API_MODULE, recipe)).encode()).hexdigest()[:10]
    return f"parts/calico-{CALICO_VERSION}-{digest}"


def build_calico() -> Path:
    """The cached folder of Calico: `bin/`, and `node/` with the other files of its node image.

    Calico is built as the main module, from a copy of its source, with the module of its API at the path that its
    go.mod names. Without cgo Felix has no BPF data plane; its iptables data plane is complete.
    """

    def make(folder: Path) -> None:
        with BuildProgress(f"calico {CALICO_VERSION}") as progress:
            source = folder / "source"
            shutil.copytree(download_module(_MODULE, CALICO_MODULE), source)
            subprocess.run(["chmod", "-R", "u+w", str(source)], check=True)
            shutil.rmtree(source / "api", ignore_errors=True)
            shutil.copytree(download_module(_API, CALICO_API_MODULE), source / "api")
            subprocess.run(["chmod", "-R", "u+w", str(source / "api")], check=True)
            (folder / "bin").mkdir()
            stamps = ("node/pkg/lifecycle/startup.VERSION", "node/buildinfo.GitVersion")
            flags = " ".join(["-s", "-w", *(f"-X {_MODULE}/{name}=v{CALICO_VERSION}" for name in stamps)])
            command = ["go", "build", "-v", "-mod=mod", "-trimpath", *COMPILER, f"-ldflags={flags}", "-o"]
            run_logged(
                # In one command: they share most of their packages, and are linked in parallel.
                [*command, f"{folder / 'bin'}/", *CALICO_PROGRAMS],
                cwd=source,
                log=build_log("calico"),
                environment=go_environment(cgo=False),
                progress=progress,
            )
            shutil.copytree(source / "node/filesystem", folder / "node")
            for file in (folder / "node").rglob("*"):
                # A module stores no file modes; only these files must be executable.
                if file.name in ("run", "rc.local") or file.parent.name == "sbin":
                    file.chmod(0o755)
            shutil.rmtree(source)

    return cache.entry(calico_key(), make)
