"""Cilium's pod CIDR: the size of a node's block, the number of blocks, and a free range for them."""

import ipaddress
from collections.abc import Iterator

from stacks.sections.cilium import CiliumSettings
from stacks.settle.cluster import ClusterNetwork
from stacks.settle.ranges import InUse, free_v4, free_v6
from stacks.settle.value_with_reason import Choice, SettleError, kept, wish

_USUAL_MASK = 24
_LONGEST_MASK = 30
_USUAL_BLOCKS = 256
_GROWTH = 4
# Addresses that the agent needs in each block: router, health, and the network's first and last.
_AGENTS_OWN = 4
# Largest difference of lengths that Cilium's operator divides an IPv6 pool into (its pkg/ipam/cidrset).
_LONGEST_DIVISION = 16
_MASK, _POOL, _POOL_V6, _MASK_V6 = "node_mask_size", "pod_cidr", "pod_cidr_v6", "node_mask_size_v6"
_FOR_LIFE = "a pool cannot be changed (cilium#27164)"


def settle_mask(cilium: CiliumSettings, cluster: ClusterNetwork) -> Choice[int]:
    """The prefix length of a node's block of the pool."""
    recorded = cluster.recorded.get(_MASK)
    if cilium.node_mask_size is not None:
        return wish(cilium.node_mask_size, key="nodeMaskSize")
    live = (cluster.live or {}).get("cluster-pool-ipv4-mask-size")
    if live:
        return kept(int(live), recorded=recorded)
    wanted = _mask_for(cluster.most_pods)
    # A block must be smaller than the pool, however many pods the kubelets allow.
    shortest = ipaddress.ip_network(cilium.pod_cidr).prefixlen + 1 if cilium.pod_cidr is not None else 0
    if recorded and shortest <= recorded["value"] <= wanted:
        return Choice(**recorded)
    wanted = min(max(wanted, shortest), _LONGEST_MASK)
    return Choice(
        value=wanted,
        reason=f"{2 ** (32 - wanted)} addresses a node: twice the {cluster.most_pods} pods that a kubelet here allows, "
        "as old and new ones overlap",
    )


def settle_pool(cilium: CiliumSettings, cluster: ClusterNetwork, *, mask: int) -> Choice[str]:
    """The IPv4 pool. Raises SettleError if no private range is free."""
    recorded = cluster.recorded.get(_POOL)
    if cilium.pod_cidr is not None:
        return wish(cilium.pod_cidr, key="podCidr")
    if live := installed_pools(cluster, 4):
        return kept(live[0], recorded=recorded)
    surely = InUse(cluster.addresses.known(likely=False))
    if recorded and _still_fits(recorded["value"], mask=mask, nodes=cluster.nodes, used=surely):
        return Choice(**recorded)
    probably = InUse(each.network for each in cluster.addresses.entries)
    for blocks in _sizes(cluster.nodes):
        prefix = mask - (blocks.bit_length() - 1)
        found = free_v4(prefix, probably) or free_v4(prefix, surely)
        if found:
            return Choice(
                value=str(found),
                reason=f"the first range for {blocks} nodes of /{mask} ({cluster.nodes} are there) that no pod, "
                f"Service, node or route uses, nor anything else that the cluster names; {_FOR_LIFE}",
            )
    raise SettleError(
        f"no private range is free for {cluster.nodes} nodes of /{mask} each: set cilium.podCidr to one that is"
    )


def settle_pool_v6(
    cilium: CiliumSettings, cluster: ClusterNetwork, *, mask: int
) -> tuple[Choice[str | None], Choice[int | None]]:
    """The IPv6 pool and the prefix length of a node's block; None for both if pods have only IPv4."""
    length = _mask_v6(cilium, cluster, mask=mask)
    if cilium.pod_cidr_v6 is not None:
        if cluster.live is None and cluster.old.families == {4}:
            raise SettleError(
                f"cilium.podCidrV6 is set, but pods of {cluster.old.title} have no IPv6 addresses: the families of a "
                "cluster cannot change while it moves (Cilium's page on migrating); remove it"
            )
        return wish(cilium.pod_cidr_v6, key="podCidrV6"), length
    recorded = cluster.recorded.get(_POOL_V6)
    if cluster.live is not None:
        value = next(iter(installed_pools(cluster, 6)), None)
        pool: Choice[str | None] = kept(value, recorded=recorded)
        return pool, length if value else kept(None, recorded=cluster.recorded.get(_MASK_V6))
    dual = _is_dual(cluster)
    if not dual:
        none: Choice[None] = Choice(value=None, reason=f"pods of {cluster.old.title} have IPv4 addresses alone")
        return none, none
    surely = InUse(cluster.addresses.known(likely=False))
    if recorded and recorded["value"] and not surely.touches(ipaddress.ip_network(recorded["value"])):
        return Choice(**recorded), length
    probably = InUse(each.network for each in cluster.addresses.entries)
    prefix = int(length.value or 0) - _LONGEST_DIVISION
    found = free_v6(prefix, probably) or free_v6(prefix, surely)
    if found is None:
        raise SettleError("no IPv6 range of fd00:10::/32 is free: set cilium.podCidrV6 to one that nothing uses")
    reason = f"pods of {cluster.old.title} have IPv6 addresses too; a free range; {_FOR_LIFE}"
    return Choice(value=str(found), reason=reason), length


def installed_pools(cluster: ClusterNetwork, family: int) -> tuple[str, ...]:
    """The pools of one family (4 or 6) of an installed Cilium, as its ConfigMap lists them."""
    live = cluster.live or {}
    if family == 6 and live.get("enable-ipv6") != "true":
        return ()
    return tuple(live.get(f"cluster-pool-ipv{family}-cidr", "").replace(",", " ").split())


def _is_dual(cluster: ClusterNetwork) -> bool:
    """True if pods have both families now; an earlier choice counts if the old networks are not known."""
    families = cluster.old.families
    if families == {6}:
        raise SettleError(f"pods of {cluster.old.title} have IPv6 addresses alone: Cilium's pool here needs IPv4")
    if not families:
        return bool(cluster.recorded.get(_POOL_V6, {}).get("value"))
    return families == {4, 6}


def _mask_v6(cilium: CiliumSettings, cluster: ClusterNetwork, *, mask: int) -> Choice[int | None]:
    recorded = cluster.recorded.get(_MASK_V6)
    live = (cluster.live or {}).get("cluster-pool-ipv6-mask-size")
    if live:
        return kept(int(live), recorded=recorded)
    length = 128 - (32 - mask)
    if cilium.pod_cidr_v6 is not None:
        prefix = ipaddress.ip_network(cilium.pod_cidr_v6).prefixlen
        length = min(max(length, prefix + 1), prefix + _LONGEST_DIVISION, 128)
    elif recorded and recorded["value"]:
        return Choice(**recorded)
    return Choice(value=length, reason="as many IPv6 addresses a node as IPv4 ones, as far as the operator can divide")


def _mask_for(most_pods: int) -> int:
    """The longest mask whose block holds twice the pods; never longer than Cilium's default."""
    return min(_USUAL_MASK, 32 - (2 * most_pods + _AGENTS_OWN - 1).bit_length())


def _sizes(nodes: int) -> Iterator[int]:
    """Numbers of blocks to try, each a power of two: first with room to grow, last just enough for one more node."""
    least = 1 << nodes.bit_length()
    blocks = max(_USUAL_BLOCKS, 1 << (max(nodes, 1) * _GROWTH - 1).bit_length())
    while blocks >= max(least, 2):
        yield blocks
        blocks //= 2


def _still_fits(pool: str, *, mask: int, nodes: int, used: InUse) -> bool:
    network = ipaddress.ip_network(pool)
    return mask > network.prefixlen and 2 ** (mask - network.prefixlen) >= nodes and not used.touches(network)
