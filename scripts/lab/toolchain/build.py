"""Compiles the parts with the Go tool, shows progress, and caches the results."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scripts.lab.console import BuildProgress, LabError
from scripts.lab.paths import cache_folder
from scripts.lab.toolchain import cache
from scripts.lab.toolchain.go import go_environment
from scripts.lab.toolchain.parts import CILIUM_BINARIES, CILIUM_VERSION, GoPart

MODULES = Path(__file__).parent / "modules"
# Without debug information, which the linker drops anyway, the programs compile faster.
CILIUM_KEY = f"parts/cilium-{CILIUM_VERSION}-2"
PAUSE_KEY = "parts/pause-1"
COMPILER = ("-gcflags=all=-dwarf=false",)


def run_logged(
    command: list[str], *, cwd: Path, log: Path, environment: Mapping[str, str], progress: BuildProgress
) -> None:
    """Run one build command with its output in `log`; each line that names a package advances the progress.

    Raises LabError with the last lines of the log if the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a") as sink,
        subprocess.Popen(
            command, cwd=cwd, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            sink.write(line)
            progress.advance(line.strip())
    if process.returncode != 0:
        tail = "\n  ".join(log.read_text(errors="replace").splitlines()[-12:])
        raise LabError(f"{progress.name} did not build (exit {process.returncode}); the end of {log}:\n  {tail}")


def go_build(
    *,
    binaries: Mapping[str, str],
    source: Path,
    target: Path,
    linker_flags: str,
    tags: tuple[str, ...],
    environment: Mapping[str, str],
    mode: str,
    log: Path,
    progress: BuildProgress,
) -> None:
    """Build each package of `binaries`, a mapping of file names to packages, in the module at `source` into `target`.

    One command for all: they share most of their packages, and are linked side by side.
    """
    command = [
        "go", "build", "-v", f"-mod={mode}", "-trimpath", *COMPILER, f"-tags={','.join(tags)}",
        f"-ldflags={linker_flags}", "-o", f"{target}/", *binaries.values(),
    ]  # fmt: skip
    run_logged(command, cwd=source, log=log, environment=environment, progress=progress)
    for name, package in binaries.items():
        built = target / _executable(package)
        if built.name != name:
            built.rename(target / name)


def _executable(package: str) -> str:
    """The file name that Go gives to a package's program: the last path element that is not a major version."""
    *_, before, last = f"/{package}".split("/")
    return before if re.fullmatch(r"v[2-9]\d*", last) else last


def part_key(part: GoPart) -> str:
    """The part's cache key, which changes with its version, module and recipe."""
    module = MODULES / part.module_folder
    recipe = json.dumps([sorted(part.binaries.items()), part.tags, part.linker_flags, part.cgo, COMPILER])
    digest = hashlib.sha256(recipe.encode())
    for name in ("go.mod", "go.sum"):
        digest.update((module / name).read_bytes())
    return f"parts/{part.name}-{part.version}-{digest.hexdigest()[:10]}"


def build_part(part: GoPart) -> Path:
    """The cached folder with the part's binaries; builds them if they are missing."""

    def make(folder: Path) -> None:
        with BuildProgress(f"{part.name} {part.version}") as progress:
            go_build(
                binaries=part.binaries,
                source=MODULES / part.module_folder,
                target=folder,
                linker_flags=" ".join(part.linker_flags),
                tags=part.tags,
                environment=go_environment(cgo=part.cgo),
                mode="readonly",
                log=build_log(part.name),
                progress=progress,
            )

    return cache.entry(part_key(part), make)


def build_log(name: str) -> Path:
    """An empty log file for one build."""
    log = cache_folder() / "logs" / f"build-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    return log


def download_module(module: str, version: str) -> Path:
    """The source folder of one module in Go's own cache (read only), downloaded and verified by the Go tool."""
    scratch = cache_folder() / "download"
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "go.mod").write_text("module lab.local/download\n\ngo 1.26.0\n")
    done = subprocess.run(
        ["go", "mod", "download", "-json", f"{module}@{version}"],
        cwd=scratch,
        env=go_environment(cgo=False),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"module {module} {version} cannot be had: {(done.stdout + done.stderr).strip()[-400:]}")
    return Path(json.loads(done.stdout)["Dir"])


def build_cilium() -> Path:
    """The cached folder of Cilium: `bin/`, `bpf/` and the image's scripts, from its own module.

    Cilium is built as the main module, from a copy of its source: its go.mod is complete, and its replacements
    would not apply in a dependency.
    """

    def make(folder: Path) -> None:
        with BuildProgress(f"cilium {CILIUM_VERSION}") as progress:
            module = download_module("github.com/cilium/cilium", f"v{CILIUM_VERSION}")
            source = folder / "source"
            shutil.copytree(module, source)
            subprocess.run(["chmod", "-R", "u+w", str(source)], check=True)
            # It must have three words, or `cilium status` shows no version.
            stamp = f"{CILIUM_VERSION} 00000000 2026-01-01T00:00:00+00:00"
            flags = f"-s -w -X 'github.com/cilium/cilium/pkg/version.ciliumVersion={stamp}'"
            (folder / "bin").mkdir()
            log = build_log("cilium")
            for binaries, tags in (
                (CILIUM_BINARIES, ("osusergo",)),
                ({"cilium-operator-generic": "./operator"}, ("osusergo", "ipam_provider_operator")),
            ):
                go_build(
                    binaries=binaries,
                    source=source,
                    target=folder / "bin",
                    linker_flags=flags,
                    tags=tags,
                    environment=go_environment(cgo=False),
                    mode="mod",
                    log=log,
                    progress=progress,
                )
            shutil.copytree(source / "bpf", folder / "bpf", ignore=shutil.ignore_patterns("tests", "complexity-tests"))
            (folder / "scripts").mkdir()
            for script in (
                "images/cilium/init-container.sh",
                "plugins/cilium-cni/install-plugin.sh",
                "plugins/cilium-cni/cni-uninstall.sh",
            ):
                shutil.copy(source / script, folder / "scripts")
            shutil.rmtree(source)

    return cache.entry(CILIUM_KEY, make)


def cilium_chart() -> Path:
    """The folder of Cilium's Helm chart, without compiling anything."""

    def make(folder: Path) -> None:
        module = download_module("github.com/cilium/cilium", f"v{CILIUM_VERSION}")
        shutil.copytree(module / "install/kubernetes/cilium", folder / "cilium")
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)

    return cache.entry(f"parts/cilium-chart-{CILIUM_VERSION}", make) / "cilium"


def build_pause() -> Path:
    """The cached folder with Kubernetes' own pause program, compiled from its C source."""

    def make(folder: Path) -> None:
        with BuildProgress("pause") as progress:
            source = download_module("k8s.io/kubernetes", "v1.36.4") / "build/pause/linux/pause.c"
            run_logged(
                ["gcc", "-Os", "-Wall", "-static", "-DVERSION=lab", "-o", str(folder / "pause"), str(source)],
                cwd=folder,
                log=build_log("pause"),
                environment=os.environ,
                progress=progress,
            )
            subprocess.run(["strip", str(folder / "pause")], check=True)

    return cache.entry(PAUSE_KEY, make)
