"""Build plans: the parts that each use of the lab needs, in order, with an estimate of the time.

While one part compiles, the next one's sources are downloaded; each part's time is saved for the next estimate.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from scripts.lab.console import BuildProgress, console
from scripts.lab.paths import cache_folder
from scripts.lab.toolchain import build, cache, parts
from scripts.lab.toolchain.go import go_environment
from scripts.lab.toolchain.parts import GoPart
from scripts.lab.toolchain.pulumi import installed_cli

# Measured on two cores in November 2026; a machine's own figures replace them once it has built a part.
_SECONDS: Mapping[str, float] = {
    "kubernetes": 356, "kubernetes-node": 29, "etcd": 38, "containerd": 102, "runc": 14, "cni-plugins": 4,
    "flannel": 89, "flannel-cni-plugin": 1, "coredns": 169, "pulumi": 270, "pulumi-language-python": 18, "helm": 140,
    "cilium": 403, "calico": 334, "pause": 1,
}  # fmt: skip
_OTHERS_SECONDS = 60.0
_FIGURES = "logs/seconds.json"
_MEASURED_ON = 2


@dataclass(frozen=True, kw_only=True)
class Item:
    """One part to build: `there` returns True if the cache has it, `fetch` downloads its sources in advance."""

    name: str
    there: Callable[[], bool]
    make: Callable[[], object]
    fetch: Callable[[], object] = lambda: None


def _part(part: GoPart) -> Item:
    return Item(
        name=part.name,
        there=lambda: cache.present(build.part_key(part)),
        make=lambda: build.build_part(part),
        fetch=lambda: _fetch(part),
    )


def _fetch(part: GoPart) -> None:
    """Download only the sources that the part is compiled from, with the Go tool."""
    command = ["go", "list", "-mod=readonly", "-deps", f"-tags={','.join(part.tags)}", *part.binaries.values()]
    folder = build.MODULES / part.module_folder
    subprocess.run(command, cwd=folder, env=go_environment(cgo=part.cgo), capture_output=True, check=False)


def _cilium() -> Item:
    return Item(
        name="cilium",
        there=lambda: cache.present(build.CILIUM_KEY),
        make=build.build_cilium,
        fetch=build.cilium_chart,
    )


def engine() -> list[Item]:
    """The engine's CLI with its helpers, unless the machine has one; and Helm."""
    own = [] if installed_cli() else [_part(parts.PULUMI), _part(parts.PULUMI_PYTHON_HOST)]
    return [*own, _part(parts.HELM)]


def simulated() -> list[Item]:
    """The parts for simulated nodes and the engine: no program that runs on a node."""
    return [_part(parts.KUBERNETES), _part(parts.ETCD), *engine()]


def real(*, besides: Sequence[Item] = ()) -> list[Item]:
    """The real lab: the cluster's own programs first, the engine when there is a cluster to migrate.

    `besides` is what the old CNI needs that not every lab has.
    """
    node = [parts.KUBERNETES_NODE, parts.CONTAINERD, parts.RUNC, parts.CNI_PLUGINS, parts.FLANNEL_CNI_PLUGIN]
    images = [*map(_part, (parts.FLANNEL, parts.COREDNS)), _cilium()]
    pause = Item(name="pause", there=lambda: cache.present(build.PAUSE_KEY), make=build.build_pause)
    cluster = [_part(parts.KUBERNETES), _part(parts.ETCD), *map(_part, node), pause, *images]
    return [*cluster, *engine(), *besides]


def build_all(items: Sequence[Item]) -> None:
    """Build the missing parts in order; prints the position and the estimated remaining time."""
    missing = [item for item in items if not item.there()]
    if not missing:
        return
    expected = _expected([item.name for item in missing])
    console.print(f"{len(missing)} of {len(items)} parts are to be built, in about {_minutes(sum(expected))}")
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="fetch") as fetching:
        for number, item in enumerate(missing):
            for following in missing[number + 1 : number + 2]:
                fetching.submit(following.fetch)
            began, left = time.monotonic(), sum(expected[number:])
            with BuildProgress.amid(lambda n=number, began=began, left=left: _place(n, len(missing), left, began)):  # type: ignore[misc]
                item.make()
            _keep(item.name, time.monotonic() - began)


def _place(number: int, count: int, left: float, began: float) -> str:
    """Text such as `part 3 of 14, about 20 min left in all`; `left` is the estimate at the part's start, in seconds."""
    return f"part {number + 1} of {count}, about {_minutes(left - (time.monotonic() - began))} left in all"


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))} min"


def _figures() -> dict[str, float]:
    """The seconds that each part took on this machine, if it was built here."""
    with suppress(OSError, ValueError):
        return dict(json.loads((cache_folder() / _FIGURES).read_text()))
    return {}


def _expected(names: Sequence[str]) -> list[float]:
    own, cores = _figures(), os.cpu_count() or _MEASURED_ON
    return [own.get(name) or _SECONDS.get(name, _OTHERS_SECONDS) * _MEASURED_ON / cores for name in names]


def _keep(name: str, seconds: float) -> None:
    path = cache_folder() / _FIGURES
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**_figures(), name: round(seconds)}, indent=1) + "\n")
