"""The order in which things are settled: what the user set, what is live, what was settled before, what fits best."""

from stacks.config import CiliumSettings
from stacks.settle.choice import Choice, kept
from stacks.settle.cluster import ClusterNetwork
from stacks.settle.links import largest_mtu, pods_mtu, settle_devices, settle_mtu, taken_for_external
from stacks.settle.pool import settle_mask, settle_pool, settle_pool_v6
from stacks.settle.settled import Chaining, Cilium, put_together, release_of
from stacks.settle.tunnel import settle_port, settle_protocol

_V2_SINCE = (1, 16)
_V2, _V2_ALPHA = "cilium.io/v2", "cilium.io/v2alpha1"


def settle(cilium: CiliumSettings, cluster: ClusterNetwork) -> Cilium:
    """Everything that the user left open.

    What Cilium runs with stays, whatever would be chosen today; before it is installed, what was settled stays for as
    long as it is still free. Raises SettleError where nothing fits.
    """
    mask = settle_mask(cilium, cluster)
    pool = settle_pool(cilium, cluster, mask=mask.value)
    pool_v6, mask_v6 = settle_pool_v6(cilium, cluster, mask=mask.value)
    protocol = settle_protocol(cilium, cluster)
    devices = settle_devices(cluster, version=release_of(cilium))
    mtu = settle_mtu(cluster, devices=devices.value)
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
        "node_config_version": _settle_node_config_version(cilium, cluster),
    }
    return put_together(
        cilium,
        choices,
        pods_mtu=pods_mtu(cluster, mtu=mtu.value),
        largest_mtu=largest_mtu(cluster),
        old_links=tuple(taken_for_external(cluster.old.links)),
        installed_pool=(cluster.live or {}).get("cluster-pool-ipv4-cidr", ""),
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


def _settle_node_config_version(cilium: CiliumSettings, cluster: ClusterNetwork) -> Choice[str]:
    """`cilium.io/v2` appeared in 1.16, v2alpha1 went in 1.20 (cilium PR #31721, #44739); what is served decides."""
    by_release = _V2 if release_of(cilium) >= _V2_SINCE else _V2_ALPHA
    for version in (_V2, _V2_ALPHA):
        if version in cluster.node_config_versions:
            return Choice(value=version, reason="the API server serves it")
    return Choice(value=by_release, reason=f"what Cilium {cilium.version} brings (cilium PR #31721, #44739)")
