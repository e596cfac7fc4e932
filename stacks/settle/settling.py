"""Chooses every open setting: the user's value, else the live one, else an earlier choice, else the best fit."""

from stacks.sections.cilium import CiliumSettings
from stacks.settle.agents import AWS_RULES, settle_aws_rules, settle_final_terms, settle_terms
from stacks.settle.cluster import ClusterNetwork
from stacks.settle.devices_and_mtu import (
    TUNNEL_OVERHEAD,
    TUNNEL_OVERHEAD_V6,
    counted_devices,
    largest_mtu,
    pods_mtu,
    settle_devices,
    settle_mtu,
    taken_for_external,
)
from stacks.settle.encryption import overhead
from stacks.settle.folders import BINARIES, CONF, Folder, settle_folder
from stacks.settle.given_values import over_ipv6
from stacks.settle.pool import installed_pools, settle_mask, settle_pool, settle_pool_v6
from stacks.settle.settled import Chaining, Cilium, put_together, release_of
from stacks.settle.tunnel import settle_port, settle_protocol
from stacks.settle.value_with_reason import Choice, kept

_V2_SINCE = (1, 16)
_V2, _V2_ALPHA = "cilium.io/v2", "cilium.io/v2alpha1"


def settle(cilium: CiliumSettings, cluster: ClusterNetwork) -> Cilium:
    """The user's settings with everything chosen that they left open.

    An installed Cilium keeps its settings, even if others would be chosen today; before it is installed, an earlier
    choice stays as long as it is still free. Raises SettleError if nothing fits.
    """
    mask = settle_mask(cilium, cluster)
    pool = settle_pool(cilium, cluster, mask=mask.value)
    pool_v6, mask_v6 = settle_pool_v6(cilium, cluster, mask=mask.value)
    protocol = settle_protocol(cilium, cluster)
    devices = settle_devices(cluster, values=cilium.values, version=release_of(cilium))
    tunnel = TUNNEL_OVERHEAD_V6 if over_ipv6(cilium.values) else TUNNEL_OVERHEAD
    header = tunnel + overhead(cilium.encrypts_with, version=release_of(cilium))
    counted = counted_devices(devices.value, values=cilium.values)
    mtu = settle_mtu(cluster, values=cilium.values, devices=counted, header=header)
    choices: dict[str, Choice[object]] = {
        "pod_cidr": pool,
        "node_mask_size": mask,
        "pod_cidr_v6": pool_v6,
        "node_mask_size_v6": mask_v6,
        "tunnel_protocol": protocol,
        "tunnel_port": settle_port(cilium, cluster, protocol=protocol.value),
        "devices": devices,
        "mtu": mtu,
        "chaining": _settle_chaining(cluster),
        **{each: _settle_folder(cilium, cluster, each) for each in (CONF, BINARIES)},
        "read_only": _settle_read_only(cluster),
        "node_terms": settle_terms(cluster),
        "final_terms": settle_final_terms(cluster),
        AWS_RULES: settle_aws_rules(cluster),
        "node_config_version": _settle_node_config_version(cilium, cluster),
    }
    return put_together(
        cilium,
        choices,
        pods_mtu=pods_mtu(cluster, mtu=mtu.value, devices=counted, header=header),
        largest_mtu=largest_mtu(cluster),
        old_links=tuple(taken_for_external(cluster.old.links)),
        installed_pool=" ".join(installed_pools(cluster, 4)),
        installed_pool_v6=" ".join(installed_pools(cluster, 6)),
    )


def _settle_chaining(cluster: ClusterNetwork) -> Choice[Chaining]:
    recorded = cluster.recorded.get("chaining")
    if cluster.live is not None:
        live: Chaining = "portmap" if cluster.live.get("cni-chaining-mode") == "portmap" else "none"
        return kept(live, recorded=recorded)
    if cluster.host_ports:
        more = f" and {len(cluster.host_ports) - 1} more" if len(cluster.host_ports) > 1 else ""
        return Choice(
            value="portmap",
            reason=f"pod {cluster.host_ports[0]}{more} has a hostPort, which leads nowhere without it while "
            "kube-proxy is there (cilium#14109, #24741)",
        )
    if recorded:
        return Choice(**recorded)
    return Choice(value="none", reason="no pod asks for a hostPort")


def _settle_folder(cilium: CiliumSettings, cluster: ClusterNetwork, which: str) -> Choice[object]:
    seen = cluster.folders.get(which, Folder())
    return settle_folder(cilium.values, which, seen, recorded=cluster.recorded.get(which))


def _settle_read_only(cluster: ClusterNetwork) -> Choice[object]:
    """An earlier choice stays even if no such node is left, as the values also work on nodes with other systems."""
    recorded = cluster.recorded.get("read_only")
    if cluster.read_only or not recorded:
        reason = f"nodes run {cluster.read_only}" if cluster.read_only else "no node's system forbids agents anything"
        return Choice(value=cluster.read_only, reason=reason)
    return Choice(**recorded)


def _settle_node_config_version(cilium: CiliumSettings, cluster: ClusterNetwork) -> Choice[str]:
    """`cilium.io/v2` since 1.16, v2alpha1 until 1.20 (cilium PR #31721, #44739); the API server's own list decides."""
    by_release = _V2 if release_of(cilium) >= _V2_SINCE else _V2_ALPHA
    for version in (_V2, _V2_ALPHA):
        if version in cluster.node_config_versions:
            return Choice(value=version, reason="the API server serves it")
    return Choice(value=by_release, reason=f"what Cilium {cilium.version} brings (cilium PR #31721, #44739)")
