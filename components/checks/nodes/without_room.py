"""Remedies for pods that no other node takes, by the obstacle and by the config's settings."""

from components.operations.placing.obstacles import Kind, Verdict
from stacks.config import StackConfig
from stacks.sections.node import RestartMethod

_BY_KIND = (
    ((Kind.SPREAD,), "give that constraint a larger maxSkew or nodeTaintsPolicy Honor for the move"),
    ((Kind.NO_DOMAIN,), "give the other nodes that label"),
    ((Kind.NOT_CHOSEN,), "let it run on others too, or give another node what it selects"),
    ((Kind.TAINT,), "let it tolerate another node's taints"),
    ((Kind.AFFINITY, Kind.ANTI_AFFINITY, Kind.EXCLUDED), "make that rule a preferred one for the move"),
    ((Kind.VOLUME_PLACE, Kind.VOLUME_ZONE, Kind.VOLUME_NONE), "add a node that reaches its volume"),
    ((Kind.PORT,), "free the port on another node, or lower its replicas"),
    ((Kind.LACKING, Kind.PODS, Kind.VOLUME_LIMIT), "add a node"),
)


def on_the_node(config: StackConfig) -> list[str]:
    """Settings that would have pods renewed on their own node, unless they are set or refused already."""
    can_be = config.restart.method is RestartMethod.RECYCLE and not config.drain.in_place
    return ["set drain.inPlace"] if can_be else []


def without_room(config: StackConfig, *, may_come_back: bool = True) -> list[str]:
    """Settings with which a turn goes on although a pod fits no other node, unless they are set or refused already."""
    ways = on_the_node(config) if may_come_back else []
    if config.drain.wait_for_replacements:
        ways.append("set drain.waitForReplacements to false and miss it until the node is back")
    return ways


def for_verdict(config: StackConfig, verdict: Verdict, *, away: int, may_come_back: bool) -> str:
    """Remedies for a pod with this verdict.

    `away` is how many nodes of its wave are cordoned at a time; `may_come_back` whether it could be renewed in place.
    """
    kinds = verdict.kinds
    ways = [text for of, text in _BY_KIND if kinds.intersection(of)][:2]
    if away > 1 and Kind.MOVING in kinds:
        ways.insert(0, "make the wave narrower")
    if verdict.kinds <= {Kind.MOVING, Kind.CORDONED, Kind.NOT_READY}:
        ways.append("bring back another node, or add one")
    return ", or ".join([*ways, *without_room(config, may_come_back=may_come_back)])
