"""Plugins that chain themselves into a node's CNI conf, recognised by their DaemonSets' images."""

from components.sources.facts.workload import Object, all_containers

_CHAINED = {"multus": "Multus", "install-cni": "Istio CNI", "linkerd/cni-plugin": "Linkerd CNI", "kuma-cni": "Kuma CNI"}


def chained_plugin(item: Object) -> str:
    """The name of the known plugin that a DaemonSet installs; empty if there is none."""
    images = [each.get("image", "") for each in all_containers(item)]
    return next((name for word, name in _CHAINED.items() if any(word in image for image in images)), "")
