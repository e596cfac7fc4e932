"""The CNIs that a new lab can begin with: how each is installed, what shows that it works, what it leaves on a node."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from scripts.lab.cluster import addons
from scripts.lab.cluster.layout import Layout
from scripts.lab.console import LabError
from scripts.lab.images import calico, catalogue
from scripts.lab.toolchain.calico import calico_manifests


@dataclass(frozen=True, kw_only=True)
class Source:
    """One CNI that the lab can migrate from."""

    name: str
    """What `--source` and the program's `cleanup.consent` call it."""
    title: str
    manifest: Callable[[Layout], str]
    namespace: str
    workloads: tuple[str, ...]
    """What has to be rolled out, in this order."""
    node_files: tuple[str, ...]
    """What is on every node once pods can start there; it is called Ready before that."""
    conf: str
    devices: tuple[str, ...]
    chains: tuple[str, ...]
    """What the names of its chains of iptables begin with."""
    words: tuple[str, ...]
    """What the names of its objects have in them."""
    images_of_calico: bool = False


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


def _canal(layout: Layout) -> str:
    return calico_manifest((calico_manifests() / "canal.yaml").read_text(), layout, environment={})


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
    images_of_calico=True,
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
    images_of_calico=True,
)
_SOURCES = {source.name: source for source in (FLANNEL, CANAL, CALICO)}


def source(name: str) -> Source:
    """The source of that name; raises LabError with those that there are."""
    if name not in _SOURCES:
        raise LabError(f"source {name} is not known; the lab has {', '.join(_SOURCES)}")
    return _SOURCES[name]
