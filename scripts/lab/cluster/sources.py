"""The CNIs that a new lab can start with: for each its installation, its signs of readiness, its traces on a node."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.lab.cluster import addons
from scripts.lab.cluster.layout import Layout
from scripts.lab.console import LabError
from scripts.lab.images import calico, catalogue
from scripts.lab.images.archive import Image
from scripts.lab.images.store import MoreImages
from scripts.lab.toolchain import cache
from scripts.lab.toolchain.calico import build_calico, calico_key, calico_manifests
from scripts.lab.toolchain.plan import Item


@dataclass(frozen=True, kw_only=True)
class Source:
    """One CNI that the lab can migrate from."""

    name: str
    """Its name for `--source` and for the program's `cleanup.consent`."""
    title: str
    manifest: Callable[[Layout], str]
    namespace: str
    workloads: tuple[str, ...]
    """The workloads to wait for, in this order."""
    node_files: tuple[str, ...]
    """Files on every node once pods can start there; the CNI is Ready earlier."""
    conf: str
    devices: tuple[str, ...]
    chains: tuple[str, ...]
    """Prefix of its iptables chains."""
    words: tuple[str, ...]
    """Substring of the names of its objects."""
    prefixes: tuple[str, ...] = ()
    """Prefixes of the names of its pods' links and of its IP sets."""
    parts: tuple[Item, ...] = ()
    """Programs that it needs and not every lab has."""
    more_images: MoreImages | None = None


_IMAGES = {
    "node": calico.NODE,
    "cni": calico.CNI,
    "kube-controllers": calico.KUBE_CONTROLLERS,
    "flannel": catalogue.FLANNEL,
}


def calico_manifest(text: str, layout: Layout, *, environment: Mapping[str, str]) -> str:
    """Calico's manifest `text` with the lab's images, and `environment` set on its node program."""
    objects: list[dict[str, Any]] = [item for item in yaml.safe_load_all(text) if item]
    for item in objects:
        if item["kind"] == "ConfigMap" and "net-conf.json" in item["data"]:
            item["data"]["net-conf.json"] = addons.net_conf(item["data"]["net-conf.json"], layout)
        if item["kind"] not in ("DaemonSet", "Deployment"):
            continue
        pod = item["spec"]["template"]["spec"]
        addons.move_conf_folder(pod, layout)
        for container in (*pod.get("initContainers", []), *pod["containers"]):
            container["image"] = _IMAGES[container["image"].rpartition("/")[2].partition(":")[0]]
            if container["name"] == "calico-node":
                kept = [each for each in container["env"] if each["name"] not in environment]
                container["env"] = kept + [{"name": name, "value": value} for name, value in environment.items()]
    return yaml.safe_dump_all(objects)


def _calico(layout: Layout) -> str:
    text = (calico_manifests() / "calico-vxlan.yaml").read_text()
    # "CrossSubnet", what the manifest has, would route between nodes of one LAN without a tunnel.
    pool = {"CALICO_IPV4POOL_CIDR": str(layout.pods), "CALICO_IPV4POOL_VXLAN": "Always"}
    return calico_manifest(text, layout, environment=pool)


def _prepare_images() -> tuple[str, Callable[[Path], list[Image]]]:
    made_from = calico.ingredients()
    key = "\n".join((made_from.key(), inspect.getsource(calico)))
    return key, lambda scratch: calico.make_images(made_from, scratch=scratch)


def _canal(layout: Layout) -> str:
    return calico_manifest((calico_manifests() / "canal.yaml").read_text(), layout, environment={})


_CALICO = Item(name="calico", there=lambda: cache.present(calico_key()), make=build_calico)
_CALICO_IMAGES = MoreImages(name="calico", count=len(calico.NAMES), prepare=_prepare_images)
FLANNEL = Source(
    name="flannel",
    title="Flannel",
    manifest=addons.flannel,
    namespace="kube-flannel",
    workloads=("daemonset/kube-flannel-ds",),
    node_files=("/run/flannel/subnet.env",),
    conf="10-flannel.conflist",
    devices=("flannel.1", "cni0"),
    chains=("FLANNEL",),
    words=("flannel",),
)
CANAL = Source(
    name="canal",
    title="Canal",
    manifest=_canal,
    namespace="kube-system",
    workloads=("daemonset/canal", "deployment/calico-kube-controllers"),
    node_files=("/sys/class/net/flannel.1", "/var/lib/calico/nodename"),
    conf="10-canal.conflist",
    devices=("flannel.1",),
    chains=("cali-", "FLANNEL"),
    words=("calico", "canal"),
    prefixes=("cali",),
    parts=(_CALICO,),
    more_images=_CALICO_IMAGES,
)
CALICO = Source(
    name="calico",
    title="Calico",
    manifest=_calico,
    namespace="kube-system",
    workloads=("daemonset/calico-node", "deployment/calico-kube-controllers"),
    node_files=("/sys/class/net/vxlan.calico", "/var/lib/calico/nodename"),
    conf="10-calico.conflist",
    devices=("vxlan.calico",),
    chains=("cali-",),
    words=("calico",),
    prefixes=("cali",),
    parts=(_CALICO,),
    more_images=_CALICO_IMAGES,
)
SOURCES = {source.name: source for source in (FLANNEL, CANAL, CALICO)}


def source(name: str) -> Source:
    """The source of that name; raises LabError with those that there are."""
    if name not in SOURCES:
        raise LabError(f"source {name} is not known; the lab has {', '.join(SOURCES)}")
    return SOURCES[name]
