"""What runs in a new cluster before anything else: Flannel from its own manifest (others: sources.py), and CoreDNS."""

import json
from pathlib import Path
from typing import Any

import yaml

from scripts.lab.cluster.layout import Layout
from scripts.lab.images import catalogue
from scripts.lab.toolchain import build, parts

FLANNEL_PORT = 8472
_COREDNS_MANIFEST = Path(__file__).parent / "coredns.yaml"


def flannel(layout: Layout) -> str:
    """Flannel's own manifest, with only the images, the network and its port made the lab's."""
    source = build.download_module("github.com/flannel-io/flannel", f"v{parts.FLANNEL_VERSION}")
    return flannel_manifest((source / "Documentation/kube-flannel.yml").read_text(), layout)


def flannel_manifest(text: str, layout: Layout) -> str:
    """The manifest `text`, made the lab's."""
    objects: list[dict[str, Any]] = [item for item in yaml.safe_load_all(text) if item]
    for item in objects:
        if item["kind"] == "DaemonSet":
            pod = item["spec"]["template"]["spec"]
            for container in (*pod["initContainers"], *pod["containers"]):
                plugin = "flannel-cni-plugin" in container["image"]
                container["image"] = catalogue.FLANNEL_CNI_PLUGIN if plugin else catalogue.FLANNEL
        elif item["kind"] == "ConfigMap":
            item["data"]["net-conf.json"] = net_conf(item["data"]["net-conf.json"], layout)
    return yaml.safe_dump_all(objects)


def net_conf(text: str, layout: Layout) -> str:
    """Flannel's `net-conf.json`, made the lab's."""
    network = json.loads(text)
    network |= {"Network": str(layout.pods), "Backend": {"Type": "vxlan", "Port": FLANNEL_PORT}}
    return json.dumps(network, indent=2)


def coredns(layout: Layout) -> str:
    """CoreDNS as most clusters run it: two replicas on different nodes, with a budget, behind `kube-dns`."""
    text = _COREDNS_MANIFEST.read_text()
    values = {"IMAGE": catalogue.COREDNS, "DNS_ADDRESS": str(layout.dns), "CLUSTER_DOMAIN": layout.cluster_domain}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text
