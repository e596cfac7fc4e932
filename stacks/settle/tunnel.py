"""Cilium's tunnel: its protocol, and a UDP port that no other tunnel and no pod uses."""

from typing import get_args

from stacks.sections.cilium import CiliumSettings, TunnelProtocol
from stacks.settle.cluster import ClusterNetwork
from stacks.settle.value_with_reason import Choice, SettleError, kept, wish

_FIRST_PORT: dict[TunnelProtocol, int] = {"vxlan": 8473, "geneve": 6081}
_TRIED = 100
_PROTOCOL, _PORT = "tunnel_protocol", "tunnel_port"


def settle_protocol(cilium: CiliumSettings, cluster: ClusterNetwork) -> Choice[TunnelProtocol]:
    """The tunnel protocol."""
    recorded = cluster.recorded.get(_PROTOCOL)
    if cilium.tunnel_protocol is not None:
        return wish(cilium.tunnel_protocol, key="tunnelProtocol")
    live = (cluster.live or {}).get("tunnel-protocol", "")
    for known in get_args(TunnelProtocol):
        if live == known:
            return kept(known, recorded=recorded)
    if recorded:
        return Choice(**recorded)
    return Choice(value="vxlan", reason="what network cards speed up most widely; another port keeps the two apart")


def settle_port(cilium: CiliumSettings, cluster: ClusterNetwork, *, protocol: TunnelProtocol) -> Choice[int]:
    """The tunnel's UDP port; the second tunnel on a port looks healthy but carries nothing (measured; tke#1279)."""
    recorded = cluster.recorded.get(_PORT)
    if cilium.tunnel_port is not None:
        return wish(cilium.tunnel_port, key="tunnelPort")
    live = (cluster.live or {}).get("tunnel-port", "")
    if live.isdigit() and int(live):
        return kept(int(live), recorded=recorded)
    if recorded and recorded["value"] not in _taken(cluster):
        return Choice(**recorded)
    first = _FIRST_PORT[protocol]
    taken = _taken(cluster)
    port = next((each for each in range(first, first + _TRIED) if each not in taken), None)
    if port is None:
        last = first + _TRIED - 1
        raise SettleError(f"UDP ports {first} to {last} are all in use: set cilium.tunnelPort to a free one")
    old, skipped = cluster.old, [f"{each} is in use by {taken[each]}" for each in range(first, port)]
    theirs = f"{old.title} has {old.udp_port}" if old.udp_port else f"{old.title} has no UDP tunnel"
    return Choice(
        value=port,
        reason="; ".join(
            [theirs, *skipped, f"UDP {port} must be open between the nodes; two tunnels cannot share a port (measured)"]
        ),
    )


def _taken(cluster: ClusterNetwork) -> dict[int, str]:
    own = {cluster.old.udp_port: cluster.old.title} if cluster.old.udp_port else {}
    return {**cluster.udp_ports, **own}
