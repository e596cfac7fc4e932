"""Settings of the agents' pod template that the cluster decides; a change to any of them restarts every agent.

So they keep the values that Cilium was installed with while nodes move, even if a virtual node joins, as those of EKS
come and go with single pods. Phase `finalize` restarts every agent anyway, and applies what is missing.
"""

from stacks.settle.cluster import ClusterNetwork, LiveAgents, Terms
from stacks.settle.value_with_reason import Choice
from stacks.virtual_nodes import affinity_of, elsewhere, keeps_off_these_alone

AWS_RULES = "keeps_aws_rules"
_LIVE = "Cilium's DaemonSet has it so, and a change would restart every agent"


def settle_terms(cluster: ClusterNetwork) -> Choice[Terms]:
    """Node affinity terms that keep agents off virtual nodes while both networks run; empty if there are none."""
    if cluster.agents is not None:
        return Choice(value=_kept(cluster.agents), reason=_LIVE)
    return _as_needed(cluster)


def settle_final_terms(cluster: ClusterNetwork) -> Choice[Terms]:
    """The same for Cilium alone, which also takes account of virtual nodes that joined meanwhile."""
    alone = (cluster.live or {}).get("custom-cni-conf") == "false"
    return settle_terms(cluster) if alone or not cluster.virtual_nodes else _as_needed(cluster)


def _kept(agents: LiveAgents) -> Terms:
    """The live terms if they only keep off virtual nodes; any others come from the user's values."""
    return agents.node_terms if keeps_off_these_alone(affinity_of(agents.node_terms)) else ()


def _as_needed(cluster: ClusterNetwork) -> Choice[Terms]:
    if not cluster.virtual_nodes:
        return Choice(value=(), reason="no node is virtual")
    more = f" and {len(cluster.virtual_nodes) - 1} more" if len(cluster.virtual_nodes) > 1 else ""
    return Choice(
        value=tuple(elsewhere()),
        reason=f"{cluster.virtual_nodes[0]}{more} is virtual and no machine: an agent there never starts, and waits "
        "for all agents would fail",
    )


def settle_aws_rules(cluster: ClusterNetwork) -> Choice[bool]:
    """True if agents must keep AWS VPC CNI's iptables rules, which they remove by the chart's default.

    The choice is recorded, so that it does not change once that CNI is gone.
    """
    recorded = cluster.recorded.get(AWS_RULES)
    if recorded and recorded["value"]:
        return Choice(**recorded)
    if cluster.aws_rules:
        reason = "agents would take AWS VPC CNI's rules off their nodes, which pods of the old network still need"
        return Choice(value=True, reason=reason)
    if cluster.agents is not None and cluster.agents.leave_aws_rules:
        return Choice(value=True, reason=_LIVE)
    return Choice(value=False, reason="AWS VPC CNI is not there")
