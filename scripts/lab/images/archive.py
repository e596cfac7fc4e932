"""Writes container images: layers from folders, and one archive that stores a shared layer once."""

import hashlib
import io
import json
import platform
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.lab.console import LabError

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Layer:
    """One layer: an uncompressed tar file and the digest that names it."""

    tar: Path
    digest: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image as the archive holds it."""

    name: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def machine_architecture() -> str:
    """This machine's architecture, by its name in image manifests."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def layer_of_files(files: Mapping[str, Path | str], *, scratch: Path, name: str) -> Layer:
    """A layer with each file or folder at its absolute path in the image; a text value is the target of a link."""
    folder = scratch / f"{name}.folder"
    for destination, source in files.items():
        target = folder / destination.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, str):
            target.symlink_to(source)
        elif source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target)
            # Go modules do not store file modes, so a script from a module has lost its execute bit.
            if target.suffix == ".sh":
                target.chmod(0o755)
    layer = layer_of_folder(folder, scratch=scratch, name=name)
    shutil.rmtree(folder)
    return layer


def layer_of_folder(folder: Path, *, scratch: Path, name: str) -> Layer:
    """A layer with all of a folder; equal content gives the same digest, whatever the files' owners and times."""
    tar = scratch / f"{name}.tar"
    done = subprocess.run(
        [
            "tar",
            "--create",
            f"--file={tar}",
            f"--directory={folder}",
            "--sort=name",
            "--mtime=@0",
            "--numeric-owner",
            # ping has its capability to open raw sockets in such an attribute.
            "--xattrs",
            "--xattrs-include=security.capability",
            "--format=posix",
            "--pax-option=delete=atime,delete=ctime",
            "--exclude=./dev/*",
            "--exclude=./proc/*",
            "--exclude=./sys/*",
            ".",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"layer {name} cannot be written: {done.stderr.strip()[-400:]}")
    with tar.open("rb") as source:
        return Layer(tar, hashlib.file_digest(source, "sha256").hexdigest())


def _config(image: Image) -> bytes:
    environment = [_PATH, *(f"{key}={value}" for key, value in sorted(image.environment.items()))]
    config = {
        "architecture": machine_architecture(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Env": environment,
            "Entrypoint": list(image.entrypoint) or None,
            "Cmd": list(image.command) or None,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in image.layers]},
    }
    return json.dumps(config, sort_keys=True).encode()


def write_archive(images: Sequence[Image], target: Path) -> None:
    """Write all images to one archive, in the format of `docker save`."""
    manifest = []
    layers: dict[str, Layer] = {}
    with tarfile.open(target, "w") as archive:

        def add(name: str, content: bytes) -> None:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))

        for image in images:
            config = _config(image)
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            add(config_name, config)
            layers |= {layer.digest: layer for layer in image.layers}
            manifest.append(
                {
                    "Config": config_name,
                    "RepoTags": [image.name],
                    "Layers": [f"{layer.digest}/layer.tar" for layer in image.layers],
                }
            )
        add("manifest.json", json.dumps(manifest).encode())
        for digest, layer in layers.items():
            archive.add(layer.tar, arcname=f"{digest}/layer.tar")
