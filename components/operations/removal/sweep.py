"""Leftovers of an old CNI on a node: interfaces, packet filter chains, tables, sets, routes, CNI conf, annotations.

The sweep runs in the node's Cilium agent, which has the host's network, its CNI folder and all tools except one for
nftables tables: a script on the node removes those.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object
from components.operations.removal.sweep_script import SCRIPT
from components.operations.turn_annotations import node_path
from components.operations.turn_steps import agent as agents
from stacks.values import HOST_CONF_FOLDER

_UNAVAILABLE = "NetworkUnavailable"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Leftovers by prefixes of their names (chains, sets, annotations) or by a part of them (conf).

    `links` are interfaces, by name or by a pattern with `*`; `comments` are prefixes of the comments of rules in other
    programs' chains, `bare` are patterns of whole rules there without comments; `tables` are nftables tables, by name
    or, with a dash at the end, by prefix. `protocols` are route protocols that only the old CNI uses; `networks` are
    the old pod networks, in which unmarked routes and IPsec policies are its own. `priorities` are those of its
    routing rules.
    """

    links: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    conf: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()

    def with_(self, other: "Sweep") -> "Sweep":
        """Both."""
        return Sweep(**{each.name: (*getattr(self, each.name), *getattr(other, each.name)) for each in fields(self)})

    @property
    def arguments(self) -> list[str]:
        """The arguments of the script, in its order."""
        words = (
            self.links, self.chains, self.comments, self.bare, self.sets, self.conf, self.protocols, self.networks,
            self.priorities,
        )  # fmt: skip
        return [*(" ".join(dict.fromkeys(each)) for each in words), HOST_CONF_FOLDER]


# Of kube-proxy in mode ipvs; others, as kube-router, have sets with the same beginning.
_SETS = ("LOOP-BACK", "CLUSTER-IP", "EXTERNAL-IP", "LOAD-BALANCER", "NODE-PORT", "HEALTH-CHECK-NODE-PORT", "IPVS-IPS")
# Made by kube-proxy in its modes iptables, nftables and ipvs; KUBE-FIREWALL and the canaries are the kubelet's.
KUBE_PROXY = Sweep(
    links=("kube-ipvs0",),
    chains=(
        "KUBE-SERVICES", "KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-EXT-", "KUBE-FW-", "KUBE-XLB-", "KUBE-NODEPORTS",
        "KUBE-POSTROUTING", "KUBE-MARK-MASQ", "KUBE-FORWARD", "KUBE-PROXY-", "KUBE-EXTERNAL-SERVICES", "KUBE-NODE-PORT",
        "KUBE-LOAD-BALANCER", "KUBE-SOURCE-RANGES-FIREWALL", "KUBE-IPVS-",
    ),
    sets=tuple(f"KUBE-{family}{name}" for family in ("", "6-") for name in _SETS),
    tables=("kube-proxy",),
)  # fmt: skip
OnNode = Callable[..., Any]


def say_network_is_there(cluster: Cluster, node: Object) -> None:
    """Take back what an old CNI's agents may say when they end: that their node has no network.

    Kubernetes taints such a node, and Cilium resets the condition only when its own agent starts.
    """
    conditions = (node.get("status") or {}).get("conditions") or []
    if any(each["type"] == _UNAVAILABLE and each["status"] == "True" for each in conditions):
        said = {"type": _UNAVAILABLE, "status": "False", "reason": "CiliumIsUp", "message": "Cilium is the node's CNI"}
        path = f"{node_path(node['metadata']['name'])}/status"
        cluster.patch(path, {"status": {"conditions": [said]}}, strategic=True)


def sweep_node(cluster: Cluster, agent: agents.Agent, sweep: Sweep, *, on_node: OnNode) -> str | None:
    """Remove leftovers from the agent's node and from its Node object; returns those that remain, or None.

    `on_node` runs a script on a node, like `run_on_node`.
    """
    output = agents.run_in_agent(cluster, agent, ["sh", "-c", SCRIPT, "sweep", *sweep.arguments])
    left = output.strip().splitlines()[-1].removeprefix("left:").split()
    if sweep.tables:
        tables = on_node(agent.node, "sweep_tables", arguments=list(dict.fromkeys(sweep.tables)))["left"]
        left += [f"nftables' table {each}" for each in tables]
    if left:
        return f"node {agent.node}: could not remove {', '.join(left)}; remove it by hand and run `pulumi up` again"
    node = cluster.get(node_path(agent.node))
    say_network_is_there(cluster, node)
    annotations = node["metadata"].get("annotations") or {}
    old = {key: None for key in annotations if sweep.annotations and key.startswith(sweep.annotations)}
    if old:
        cluster.patch(node_path(agent.node), {"metadata": {"annotations": old}})
    return None
