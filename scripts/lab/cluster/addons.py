"""Add-ons of a new cluster: Flannel from its own manifest (other CNIs: sources.py), and CoreDNS."""

import json
from pathlib import Path
from typing import Any

import yaml

from scripts.lab.cluster.layout import Layout
from scripts.lab.images import catalogue
from scripts.lab.toolchain import build, parts

FLANNEL_PORT = 8472
_CONF_FOLDER = "/etc/cni/net.d"
_COREDNS_MANIFEST = Path(__file__).parent / "coredns.yaml"


def flannel(layout: Layout) -> str:
    """Flannel's own manifest; only the images, the network and its port are replaced by the lab's."""
    source = build.download_module("github.com/flannel-io/flannel", f"v{parts.FLANNEL_VERSION}")
    return flannel_manifest((source / "Documentation/kube-flannel.yml").read_text(), layout)


def flannel_manifest(text: str, layout: Layout) -> str:
    """The manifest `text`, adapted to the lab."""
    objects: list[dict[str, Any]] = [item for item in yaml.safe_load_all(text) if item]
    for item in objects:
        if item["kind"] == "DaemonSet":
            pod = item["spec"]["template"]["spec"]
            move_conf_folder(pod, layout)
            for container in (*pod["initContainers"], *pod["containers"]):
                plugin = "flannel-cni-plugin" in container["image"]
                container["image"] = catalogue.FLANNEL_CNI_PLUGIN if plugin else catalogue.FLANNEL
        elif item["kind"] == "ConfigMap":
            item["data"]["net-conf.json"] = net_conf(item["data"]["net-conf.json"], layout)
    return yaml.safe_dump_all(objects)


def move_conf_folder(pod: dict[str, Any], layout: Layout) -> None:
    """Change a CNI's manifest to use the nodes' CNI conf folder, if that is not the default."""
    if layout.conf_folder == _CONF_FOLDER:
        return
    for volume in pod.get("volumes", []):
        if volume.get("hostPath", {}).get("path") == _CONF_FOLDER:
            volume["hostPath"]["path"] = layout.conf_folder
    for container in pod.get("initContainers", []):
        if container["name"] == "install-cni":  # Calico writes the folder into the conf
            container.setdefault("env", []).append({"name": "CNI_NET_DIR", "value": layout.conf_folder})


def net_conf(text: str, layout: Layout) -> str:
    """Flannel's `net-conf.json`, adapted to the lab."""
    network = json.loads(text)
    network |= {"Network": str(layout.pods), "Backend": {"Type": "vxlan", "Port": FLANNEL_PORT}}
    if layout.nftables:
        network["EnableNFTables"] = True
    return json.dumps(network, indent=2)


def coredns(layout: Layout) -> str:
    """CoreDNS in the usual set-up: two replicas on different nodes, with a disruption budget, behind `kube-dns`."""
    text = _COREDNS_MANIFEST.read_text()
    values = {"IMAGE": catalogue.COREDNS, "DNS_ADDRESS": str(layout.dns), "CLUSTER_DOMAIN": layout.cluster_domain}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text
