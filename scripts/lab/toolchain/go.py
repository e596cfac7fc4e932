"""The Go tool for all builds: the machine's own if it is recent enough, else downloaded as a Go module."""

import json
import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from scripts.lab.console import LabError
from scripts.lab.toolchain import cache

WANTED = "1.26.8"
_OLDEST = (1, 26)


def _version(program: str) -> tuple[int, ...]:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False, env=environment).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


@lru_cache(maxsize=1)
def go_folder() -> Path:
    """The folder of a `go` that is recent enough.

    Debian's own is older, but every `go` since 1.19 can download the toolchain's module and verify its checksum.
    """
    program = shutil.which("go") or next((str(each) for each in Path("/usr/lib").glob("go-*/bin/go")), None)
    if program is None:
        raise LabError("there is no `go` on this machine: `apt-get install golang-go`")
    if _version(program) >= _OLDEST:
        return Path(program).parent

    def make(folder: Path) -> None:
        scratch = folder.with_name("go-module")
        scratch.mkdir(exist_ok=True)
        (scratch / "go.mod").write_text("module lab.local/go\n\ngo 1.19\n")
        wanted = f"golang.org/toolchain@v0.0.1-go{WANTED}.linux-amd64"
        environment = {**os.environ, "GOFLAGS": "-mod=mod"}
        done = subprocess.run(
            [program, "mod", "download", "-json", wanted],
            cwd=scratch, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise LabError(f"Go {WANTED} cannot be had: {(done.stdout + done.stderr).strip()[-300:]}")
        shutil.copytree(json.loads(done.stdout)["Dir"], folder, dirs_exist_ok=True)
        for each in [folder, *folder.rglob("*")]:
            executable = each.is_dir() or each.parent.name == "bin" or "tool" in each.parts
            each.chmod(0o755 if executable else 0o644)  # a module stores neither write nor execute permission

    return cache.entry(f"parts/go-{WANTED}", make) / "bin"


def go_environment(*, cgo: bool) -> dict[str, str]:
    """The environment of a build: this Go first on PATH, and no automatic download of another."""
    flags = os.environ.get("GOFLAGS", "")
    return {
        **os.environ,
        "PATH": f"{go_folder()}{os.pathsep}{os.environ.get('PATH', '')}",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "1" if cgo else "0",
        "GOFLAGS": f"{flags} -buildvcs=false".strip(),
    }
