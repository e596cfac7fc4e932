"""Bridging of network policies while both networks run: what must be allowed for pods of the old network.

Those pods have no identity in Cilium. Their traffic to a moved pod is masqueraded on their own node, and Cilium there
puts the identity `world` into the tunnel, whatever the address: on the lab, allowing by address let nothing in. Traffic
to them goes to an address of the old range.
"""

from collections.abc import Iterable
from dataclasses import replace

from stacks.policies.cluster_facts import Surroundings
from stacks.policies.model import Action, Direction, Peers, Policy, Rule
from stacks.policies.reading.conditions import NOTHING
from stacks.policies.reading.networks import ALL_ADDRESSES, Block

HOLDS = "holds throughout"
WIDER_IN = "holds between moved pods; where it lets pods in it lets in whoever has no identity, on the same ports"
WIDER_OUT = "holds between moved pods and to the outside; where it allows pods it allows the old network's addresses"
WIDER = f"in: {WIDER_IN}; out: {WIDER_OUT}"
DENIES = "; what it denies to pods is not denied to those still on the old network"


def window(policy: Policy, surroundings: Surroundings) -> Policy | None:
    """The additional allowances of a policy while pods are on the old network; None if it needs none."""
    old = tuple(Block(network=each) for each in surroundings.pods)

    def more(direction: Direction) -> tuple[Rule, ...] | None:
        ingress = direction is Direction.INGRESS
        peers = Peers(pods=NOTHING, nodes=ingress, world=ALL_ADDRESSES if ingress else old)
        found = [replace(each, peers=peers, by_address=False) for each in allowing_pods(policy.rules(direction) or ())]
        return tuple(found) or None

    ingress, egress = more(Direction.INGRESS), more(Direction.EGRESS)
    return None if ingress is None and egress is None else replace(policy, ingress=ingress, egress=egress)


def meaning(policy: Policy) -> str:
    """The effect that a policy has on moved nodes meanwhile, for the operator."""
    ingress, egress = (bool(allowing_pods(policy.rules(each) or ())) for each in Direction)
    denies = any(
        rule.action is Action.DENY and not rule.peers.pods.nothing
        for direction in Direction
        for rule in policy.rules(direction) or ()
    )
    said = (WIDER if egress else WIDER_IN) if ingress else WIDER_OUT if egress else HOLDS
    return said + (DENIES if denies else "")


def allowing_pods(rules: Iterable[Rule]) -> list[Rule]:
    """The rules that allow some pods, but not everything."""
    return [
        each
        for each in rules
        if each.action is Action.ALLOW and not each.peers.pods.nothing and not each.peers.everything
    ]
