"""Contents of the images of Calico and Canal, which are built only for labs that have one of the two."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from scripts.lab.images.archive import Image, layer_of_files, layer_of_folder
from scripts.lab.images.catalogue import PREFIX
from scripts.lab.images.rootfs import root_file_system
from scripts.lab.toolchain import build, parts
from scripts.lab.toolchain.calico import build_calico

NODE = f"{PREFIX}/calico/node:v{parts.CALICO_VERSION}"
CNI = f"{PREFIX}/calico/cni:v{parts.CALICO_VERSION}"
KUBE_CONTROLLERS = f"{PREFIX}/calico/kube-controllers:v{parts.CALICO_VERSION}"
NAMES = (NODE, CNI, KUBE_CONTROLLERS)

_RUNSVDIR = Path(__file__).parent / "runsvdir.py"
# Plugins of other projects that Calico's CNI conf names and its image brings.
_OTHER_PLUGINS = ("bandwidth", "host-local", "loopback", "portmap")


@dataclass(frozen=True)
class Ingredients:
    """The folders that the images are built from; their names contain their versions."""

    root: Path
    calico: Path
    cni_plugins: Path

    def key(self) -> str:
        """A key that changes whenever an image does."""
        ours = hashlib.sha256(_RUNSVDIR.read_bytes()).hexdigest()
        return "\n".join([*(folder.name for folder in vars(self).values()), ours])


def ingredients() -> Ingredients:
    """Build the parts that are not in the cache yet."""
    return Ingredients(root=root_file_system(), calico=build_calico(), cni_plugins=build.build_part(parts.CNI_PLUGINS))


def make_images(made_from: Ingredients, *, scratch: Path) -> list[Image]:
    """Write every layer below `scratch` and return the images over them."""
    programs = made_from.calico / "bin"
    base = layer_of_folder(made_from.root, scratch=scratch, name="base")
    node = layer_of_files(_node_files(made_from), scratch=scratch, name="calico-node")
    plugins: dict[str, Path | str] = {name: made_from.cni_plugins / name for name in _OTHER_PLUGINS}
    plugins |= {"calico": programs / "calico", "calico-ipam": "calico", "install": programs / "install"}
    cni = layer_of_files(
        {f"/opt/cni/bin/{name}": file for name, file in plugins.items()}, scratch=scratch, name="calico-cni"
    )
    status = scratch / "status.json"
    status.write_text("")
    controllers = layer_of_files(
        {
            "/usr/bin/kube-controllers": programs / "kube-controllers",
            "/usr/bin/check-status": programs / "check-status",
            "/status/status.json": status,
        },
        scratch=scratch,
        name="calico-kube-controllers",
    )
    return [
        Image(name=NODE, layers=(base, node), command=("start_runit",)),
        Image(name=CNI, layers=(base, cni), command=("/opt/cni/bin/install",)),
        Image(name=KUBE_CONTROLLERS, layers=(base, controllers), entrypoint=("/usr/bin/kube-controllers",)),
    ]


def _node_files(made_from: Ingredients) -> dict[str, Path | str]:
    files: dict[str, Path | str] = {
        f"/usr/bin/{name}": made_from.calico / "bin" / name for name in ("calico-node", "mountns")
    }
    for file in sorted((made_from.calico / "node").rglob("*")):
        if file.is_file():
            inside = str(file.relative_to(made_from.calico / "node"))
            # As Calico's Dockerfile does: /sbin may be a link.
            files[f"/usr/{inside}" if inside.startswith("sbin/") else f"/{inside}"] = file
    return files | {"/usr/bin/runsvdir": _RUNSVDIR}
