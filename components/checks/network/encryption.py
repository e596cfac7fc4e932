"""Checks of encryption between nodes: whether the old network's ends, and whether Cilium's can start."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.kernels import older_than
from components.checks.framework.name_lists import some
from components.plurals import many
from stacks.settle import WIREGUARD_PORT
from stacks.strategies import Milestone
from stacks.values import final_values, value_at

_NAMES = {"wireguard": "WireGuard", "ipsec": "IPsec"}
_UNSAID = "encryption"  # the CNI does not say which kind
_OLD = {
    **{kind: f"encrypts pods' traffic between nodes by {name}" for kind, name in _NAMES.items()},
    _UNSAID: "encrypts pods' traffic between nodes, as its DaemonSet says",
    "extension": "may encrypt pods' traffic between nodes (commands of its own make its network, by Flannel's back end "
    "'extension')",
}
_KERNEL_FIRST = (5, 6)  # of WireGuard, apart from Red Hat's backports


@check(
    id="encryption-ends",
    title="Traffic between nodes stays encrypted",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "the old network encrypts what pods send from node to node; Cilium does so only where it is told to, and from "
        "the first node that moves anyone on the path could read their traffic"
    ),
    remedy=(
        "set cilium.encryption to wireguard, or to ipsec; or accept unencrypted pod traffic with a reason in "
        "acknowledge.encryption-ends"
    ),
)
def encryption_ends(context: Context) -> Iterator[Found]:
    """Findings about traffic that the old network encrypts and Cilium will not, or that is unencrypted meanwhile."""
    source = context.source
    if not source.encryption or not context.ahead(Milestone.CILIUM_ALONE):
        return
    how = f"{source.title} {_OLD.get(source.encryption, _OLD[_UNSAID])}"
    if context.config.cilium.encrypts_with not in _NAMES:
        yield Found(
            evidence=f"{how}, Cilium would not",
            severity=Severity.BLOCKER if context.config.reaches(Milestone.BOTH_NETWORKS) else Severity.WARNING,
        )
        return
    yield Found(
        evidence=f"{how}, and so will Cilium; but each only what stays within its own network: until every node has "
        "moved, packets from pods of one to pods of the other may be in the clear",
        remedy="move all nodes in one go, or accept it for that time in acknowledge.encryption-ends",
        severity=Severity.WARNING,
    )
    if source.encrypts_nodes and not _encrypts_nodes(context):
        yield Found(
            evidence=f"{source.title} encrypts what nodes send themselves as well, Cilium would not",
            remedy="with cilium.encryption wireguard, set encryption.nodeEncryption to true in cilium.finalValues, so "
            "it does once it is alone; or accept unencrypted node traffic in acknowledge.encryption-ends",
            severity=Severity.WARNING,
        )


def _encrypts_nodes(context: Context) -> bool:
    """True if Cilium will encrypt the nodes' own traffic, which only its WireGuard can."""
    found = value_at(final_values(context.cilium), "encryption.nodeEncryption")
    return context.cilium.encrypts_with == "wireguard" and str(found).lower() == "true"


@check(
    id="encryption-fits",
    title="Cilium can encrypt",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "an agent that shall encrypt does not start without its keys, its UDP port or a kernel that can (Cilium's "
        "pages on WireGuard and IPsec)"
    ),
    remedy="choose the other cilium.encryption, or none",
)
def encryption_fits(context: Context) -> Iterator[Found]:
    """Findings about unmet requirements of Cilium's encryption: keys, UDP port, kernel."""
    goes_back = not context.ahead(Milestone.BOTH_NETWORKS) and not context.config.reaches(Milestone.BOTH_NETWORKS)
    if goes_back or not context.ahead(Milestone.CILIUM_ALONE):
        return
    match context.config.cilium.encrypts_with:
        case "wireguard":
            yield from _without_wireguard(context)
        case "ipsec":
            yield from _without_keys(context)


def _without_wireguard(context: Context) -> Iterator[Found]:
    source, seen = context.source, context.snapshot
    old = [name for name, state in sorted(seen.node_states.items()) if older_than(state.kernel, _KERNEL_FIRST)]
    if old:
        yield Found(
            evidence=f"the kernel of {many(len(old), 'node')} ({some(old)}) is older than 5.6 and has no WireGuard"
        )
    if source.udp_port == WIREGUARD_PORT:
        yield Found(evidence=f"Cilium's WireGuard takes UDP {WIREGUARD_PORT}, which {source.title} has")
    elif context.enters(Milestone.BOTH_NETWORKS):
        busy = [name for name, facts in sorted(seen.facts.items()) if WIREGUARD_PORT in facts.udp_ports]
        if busy:
            yield Found(evidence=f"Cilium's WireGuard takes UDP {WIREGUARD_PORT}, which is in use on {some(busy)}")


def _without_keys(context: Context) -> Iterator[Found]:
    cilium, there = context.config.cilium, context.snapshot.ipsec_keys
    if there:
        return
    yield Found(
        evidence=f"cilium.encryption is ipsec, but Secret {cilium.namespace}/{cilium.keys_needed} with its keys "
        + ("is not there" if there is False else "could not be looked for"),
        remedy="create it first (Cilium's page on IPsec)" if there is False else "see that it is there",
        severity=Severity.BLOCKER if there is False else Severity.WARNING,
    )
