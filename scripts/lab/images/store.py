"""The nodes' initial image store: unpacked once, then shared between nodes by hard links."""

import hashlib
import inspect
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.lab.console import LabError, Step
from scripts.lab.images import archive, catalogue
from scripts.lab.images.contained import contained
from scripts.lab.toolchain import build, cache, parts

_SCHEMA = 1
_START_SECONDS = 30
_CONFIG = """\
version = 3
root = '{root}'
state = '{state}'
disabled_plugins = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime',
  'io.containerd.nri.v1.nri', 'io.containerd.snapshotter.v1.erofs', 'io.containerd.snapshotter.v1.blockfile']
[grpc]
address = '{socket}'
[ttrpc]
address = '{socket}.ttrpc'
"""


@dataclass(frozen=True, kw_only=True)
class MoreImages:
    """Images that not every lab needs.

    `prepare` builds whatever they are made of, and returns a text that changes when any of them does, and what writes
    them below a folder.
    """

    name: str
    count: int
    prepare: Callable[[], tuple[str, Callable[[Path], list[archive.Image]]]]


def image_store(*, besides: MoreImages | None = None) -> Path:
    """The cached containerd root with all images of the catalogue unpacked in it, and those `besides`."""
    made_from = catalogue.ingredients()
    containerd = build.build_part(parts.CONTAINERD)
    recipes = "\n".join(inspect.getsource(module) for module in (archive, catalogue))
    key = hashlib.sha256("\n".join((made_from.key(), containerd.name, recipes)).encode()).hexdigest()[:10]

    def make(folder: Path) -> None:
        _fill(folder, len(catalogue.NAMES), lambda scratch: catalogue.make_images(made_from, scratch=scratch))

    plain = cache.entry(f"images/store-{key}-{_SCHEMA}", make) / "containerd"
    return _with_more(plain, key, besides) if besides else plain


def _with_more(plain: Path, key: str, besides: MoreImages) -> Path:
    """A copy of the store that shares its files, with more images in it."""
    own_key, make_images = besides.prepare()
    key = hashlib.sha256("\n".join((key, own_key)).encode()).hexdigest()[:10]

    def make(folder: Path) -> None:
        copy_store(plain, folder / "containerd")
        _fill(folder, besides.count, make_images)

    return cache.entry(f"images/store-{besides.name}-{key}-{_SCHEMA}", make) / "containerd"


def _fill(folder: Path, count: int, images: Callable[[Path], list[archive.Image]]) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    with Step(f"{count} images"):
        archive_file = scratch / "images.tar"
        archive.write_archive(images(scratch), archive_file)
    with Step("images unpacked for the nodes"):
        binaries = build.build_part(parts.CONTAINERD)
        # A socket's path is limited to little more than a hundred characters, and the cache may be anywhere.
        with tempfile.TemporaryDirectory() as short:
            _import(
                archive_file, binaries=binaries, root=folder / "containerd", scratch=scratch,
                socket=Path(short) / "containerd.sock",
            )  # fmt: skip
    shutil.rmtree(scratch)


def _import(archive_file: Path, *, binaries: Path, root: Path, scratch: Path, socket: Path) -> None:
    config = scratch / "containerd.toml"
    config.write_text(_CONFIG.format(root=root, state=scratch / "state", socket=socket))
    log = scratch.parents[1] / "containerd-import.log"
    ctr = [str(binaries / "ctr"), "--address", str(socket), "--namespace", "k8s.io"]
    with log.open("w") as sink:
        daemon = subprocess.Popen(
            contained(str(binaries / "containerd"), "--config", str(config), has_children=False),
            stdout=sink,
            stderr=sink,
        )
        try:
            _wait_until_it_answers(ctr, daemon, log)
            done = subprocess.run(
                [*ctr, "images", "import", "--local", str(archive_file)], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise LabError(f"the images cannot be imported: {done.stderr.strip()[-600:]} (log: {log})")
        finally:
            daemon.terminate()
            daemon.wait()


def _wait_until_it_answers(ctr: list[str], daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run([*ctr, "version"], capture_output=True, check=False).returncode != 0:
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"containerd did not start in {_START_SECONDS} s to unpack the images; see {log}")
        time.sleep(0.1)


def copy_store(store: Path, target: Path) -> None:
    """Give a node its own copy of the store; files are shared by hard links if the disk allows it.

    Layers and blobs never change once written, so sharing is safe; the databases do, so each copy has its own.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    linked = subprocess.run(
        ["cp", "--archive", "--link", str(store), str(target)], capture_output=True, text=True, check=False
    )
    if linked.returncode != 0:
        # The cache is on another file system than the lab.
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "--archive", "--reflink=auto", str(store), str(target)], check=True)
        return
    for database in target.glob("*/*.db"):
        database.unlink()
        shutil.copy2(store / database.relative_to(target), database)
