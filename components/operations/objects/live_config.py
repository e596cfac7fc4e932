"""Cilium's live ConfigMap, which the agents read when they start."""

from collections.abc import Mapping

from components.operations.cluster_api.api import Cluster


def read_live_config(cluster: Cluster, *, namespace: str) -> dict[str, str] | None:
    """The data of `cilium-config`; None if Cilium is not installed."""
    item = cluster.find(f"/api/v1/namespaces/{namespace}/configmaps/cilium-config")
    return None if item is None else dict(item.get("data") or {})


def served_node_config_versions(cluster: Cluster) -> tuple[str, ...]:
    """The group and version of every form in which the API serves CiliumNodeConfig; none before Cilium runs."""
    versions = ("cilium.io/v2", "cilium.io/v2alpha1")
    return tuple(version for version in versions if serves_node_config(cluster, version))


def serves_node_config(cluster: Cluster, api_version: str) -> bool:
    """True if the API serves CiliumNodeConfig in this version."""
    kinds = (cluster.find(f"/apis/{api_version}") or {}).get("resources") or []
    return any(each["name"] == "ciliumnodeconfigs" for each in kinds)


def manages_every_node(live: Mapping[str, str] | None) -> bool:
    """True if Cilium writes every node's CNI conf, independent of node configs, as it does from `finalize` on."""
    return live is not None and live.get("custom-cni-conf") == "false"
