"""The window in which both networks run, with policies on: what must be let through for pods of the old network.

To Cilium a pod of the old network has no identity: it is an address of the old range or, where the old network
masquerades, the node that it runs on.
"""

from collections.abc import Iterable
from dataclasses import replace

from stacks.policies.conditions import NOTHING
from stacks.policies.model import Action, Direction, Peers, Policy, Rule
from stacks.policies.networks import Block
from stacks.policies.surroundings import Surroundings

HOLDS = "holds throughout"
WIDER = (
    "holds between moved pods and the outside; where it allows pods it also allows the old network's addresses, on the "
    "same ports"
)
AND_NODES = "; and every node's, as the old network may masquerade"
DENIES = "; what it denies to pods is not denied to those still on the old network"


def window(policy: Policy, surroundings: Surroundings) -> Policy | None:
    """What a policy must allow besides as long as there are pods on the old network; None if that is nothing."""
    old = tuple(Block(network=each) for each in surroundings.pods)

    def more(direction: Direction) -> tuple[Rule, ...] | None:
        found = [
            replace(each, peers=Peers(pods=NOTHING, nodes=direction is Direction.INGRESS, world=old), by_address=False)
            for each in allowing_pods(policy.rules(direction) or ())
        ]
        return tuple(found) or None

    ingress, egress = more(Direction.INGRESS), more(Direction.EGRESS)
    return None if ingress is None and egress is None else replace(policy, ingress=ingress, egress=egress)


def meaning(policy: Policy) -> str:
    """What of a policy holds on moved nodes meanwhile, in an operator's words."""
    ingress, egress = (bool(allowing_pods(policy.rules(each) or ())) for each in Direction)
    denies = any(
        rule.action is Action.DENY and not rule.peers.pods.nothing
        for direction in Direction
        for rule in policy.rules(direction) or ()
    )
    said = WIDER + (AND_NODES if ingress else "") if ingress or egress else HOLDS
    return said + (DENIES if denies else "")


def allowing_pods(rules: Iterable[Rule]) -> list[Rule]:
    """The rules that allow some pods, but not everything anyway."""
    return [
        each
        for each in rules
        if each.action is Action.ALLOW and not each.peers.pods.nothing and not each.peers.everything
    ]
