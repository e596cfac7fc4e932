"""The images of the lab and their contents."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.lab.console import LabError
from scripts.lab.images.archive import Image, Layer, layer_of_files, layer_of_folder
from scripts.lab.images.rootfs import root_file_system
from scripts.lab.toolchain import build, parts

PREFIX = "lab.local"
PAUSE = f"{PREFIX}/pause:1"
PYTHON = f"{PREFIX}/python:3.11"
FLANNEL = f"{PREFIX}/flannel:v{parts.FLANNEL_VERSION}"
FLANNEL_CNI_PLUGIN = f"{PREFIX}/flannel-cni-plugin:v{parts.FLANNEL_CNI_PLUGIN.version}"
COREDNS = f"{PREFIX}/coredns:{parts.COREDNS.version}"
CILIUM = f"{PREFIX}/cilium:v{parts.CILIUM_VERSION}"
CILIUM_OPERATOR = f"{PREFIX}/operator-generic:v{parts.CILIUM_VERSION}"
NAMES = (PAUSE, PYTHON, FLANNEL, FLANNEL_CNI_PLUGIN, COREDNS, CILIUM, CILIUM_OPERATOR)

_CLANG = "clang-19"


@dataclass(frozen=True)
class Ingredients:
    """The folders that the images are built from; their names contain their versions."""

    root: Path
    pause: Path
    flannel: Path
    flannel_cni_plugin: Path
    coredns: Path
    cilium: Path
    cni_plugins: Path

    def key(self) -> str:
        """A key that changes whenever an image does."""
        return "\n".join(folder.name for folder in vars(self).values())


def ingredients() -> Ingredients:
    """Build the parts that are not in the cache yet."""
    return Ingredients(
        root=root_file_system(),
        pause=build.build_pause(),
        flannel=build.build_part(parts.FLANNEL),
        flannel_cni_plugin=build.build_part(parts.FLANNEL_CNI_PLUGIN),
        coredns=build.build_part(parts.COREDNS),
        cilium=build.build_cilium(),
        cni_plugins=build.build_part(parts.CNI_PLUGINS),
    )


def make_images(made_from: Ingredients, *, scratch: Path) -> list[Image]:
    """Write every layer below `scratch` and return the images over them."""

    def layer(name: str, files: dict[str, Path | str]) -> Layer:
        return layer_of_files(files, scratch=scratch, name=name)

    base = layer_of_folder(made_from.root, scratch=scratch, name="base")
    pause = layer("pause", {"/pause": made_from.pause / "pause"})
    flannel = layer("flannel", {"/opt/bin/flanneld": made_from.flannel / "flanneld"})
    flannel_cni_plugin = layer("flannel-cni-plugin", {"/flannel": made_from.flannel_cni_plugin / "flannel"})
    coredns = layer("coredns", {"/coredns": made_from.coredns / "coredns"})
    clang = layer("clang", _compiler_files(made_from.root))
    cilium = layer("cilium", _cilium_files(made_from))
    operator = layer(
        "operator",
        {
            "/usr/bin/cilium-operator-generic": made_from.cilium / "bin/cilium-operator-generic",
        },
    )
    return [
        Image(name=PAUSE, layers=(pause,), entrypoint=("/pause",)),
        Image(name=PYTHON, layers=(base,), command=("python3",)),
        Image(name=FLANNEL, layers=(base, flannel), entrypoint=("/opt/bin/flanneld",)),
        Image(name=FLANNEL_CNI_PLUGIN, layers=(base, flannel_cni_plugin)),
        Image(name=COREDNS, layers=(base, coredns), entrypoint=("/coredns",)),
        Image(name=CILIUM, layers=(base, clang, cilium), command=("/usr/bin/cilium-dbg",)),
        Image(name=CILIUM_OPERATOR, layers=(base, operator), command=("/usr/bin/cilium-operator-generic",)),
    ]


def _cilium_files(made_from: Ingredients) -> dict[str, Path | str]:
    files: dict[str, Path | str] = {
        f"/usr/bin/{name}": made_from.cilium / "bin" / name for name in parts.CILIUM_BINARIES if name != "cilium-cni"
    }
    files |= {f"/{script.name}": script for script in sorted((made_from.cilium / "scripts").iterdir())}
    return files | {
        "/usr/bin/cilium": "cilium-dbg",
        "/opt/cni/bin/cilium-cni": made_from.cilium / "bin/cilium-cni",
        "/cni/loopback": made_from.cni_plugins / "loopback",
        "/var/lib/cilium/bpf": made_from.cilium / "bpf",
    }


def _compiler_files(root: Path) -> dict[str, Path | str]:
    """The host's clang, with which the Cilium agent compiles its programs, and libraries that the root lacks."""
    found = shutil.which(_CLANG)
    if not found:
        raise LabError(f"{_CLANG} is not on this machine and Cilium compiles with it; install the package {_CLANG}")
    compiler = Path(found).resolve()
    linked = subprocess.run(["ldd", str(compiler)], capture_output=True, text=True, check=True).stdout
    # All files keep their paths: the compiler finds its libraries relative to itself.
    files: dict[str, Path | str] = {str(compiler): compiler, "/usr/bin/clang": str(compiler)}
    for library in re.findall(r"=> (/\S+)", linked):
        # On a merged /usr the linker may name either /lib or /usr/lib.
        path = Path("/usr") / os.path.normpath(library).lstrip("/").removeprefix("usr/")
        if not (root / path.relative_to("/")).exists():
            files[str(path)] = Path(library).resolve()
    return files
