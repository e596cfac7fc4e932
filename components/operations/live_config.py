"""Cilium's ConfigMap as it is on the cluster: what the agents read when they start."""

from collections.abc import Mapping

from components.operations.api import Cluster


def read_live_config(cluster: Cluster, *, namespace: str) -> dict[str, str] | None:
    """The data of `cilium-config`; None where Cilium is not installed."""
    item = cluster.find(f"/api/v1/namespaces/{namespace}/configmaps/cilium-config")
    return None if item is None else dict(item.get("data") or {})


def served_node_config_versions(cluster: Cluster) -> tuple[str, ...]:
    """The group and version of every form in which the API serves CiliumNodeConfig; none before Cilium runs."""
    versions = ("cilium.io/v2", "cilium.io/v2alpha1")
    return tuple(version for version in versions if serves_node_config(cluster, version))


def serves_node_config(cluster: Cluster, api_version: str) -> bool:
    """Whether the API serves CiliumNodeConfig in this version."""
    kinds = (cluster.find(f"/apis/{api_version}") or {}).get("resources") or []
    return any(each["name"] == "ciliumnodeconfigs" for each in kinds)


def manages_every_node(live: Mapping[str, str] | None) -> bool:
    """Whether Cilium writes every node's CNI conf, with no node config asked: so it is from `finalize` on."""
    return live is not None and live.get("custom-cni-conf") == "false"
