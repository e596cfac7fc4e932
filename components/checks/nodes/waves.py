"""Checks of the waves' order and width: control-plane nodes last, and room for the pods of each wave."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.nodes.without_room import without_room
from components.operations.demands.quantities import NOTHING, Room, total
from components.operations.draining.drain_plan import plan_turn
from components.operations.objects.model import Pod
from components.plurals import many
from stacks.strategies import Milestone


@check(
    id="control-plane-last",
    title="Control plane last",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
    why=(
        "what a control-plane node loses, every node loses; API servers and etcd members go one at a time "
        "(cilium#31140)"
    ),
    remedy="give each control-plane node a wave of its own, at the end",
)
def control_plane_last(context: Context) -> Iterator[Found]:
    """Findings about control-plane nodes that do not move last, one at a time."""
    kinds = {node.name: node.control_plane for node in context.snapshot.nodes}
    first = None
    for number, wave in enumerate(context.config.waves):
        theirs = [name for name in wave if kinds.get(name)]
        if theirs and len(wave) > 1:
            yield Found(
                evidence=f"wave {number} moves control-plane node {theirs[0]} together with other nodes",
                remedy="give each control-plane node a wave of its own, at the end",
            )
        elif not theirs and first is not None:
            yield Found(
                evidence=f"wave {number} moves workers after control-plane node {first}",
                remedy="put the waves of control-plane nodes last",
            )
            return
        first = first or next(iter(theirs), None)


@check(
    id="room-apart",
    title="Pods that exclude each other have room",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why="a replacement that fits no node stays Pending, and the drain waits for it until it times out",
    remedy="make the wave narrower, or lower the replicas",
)
def room_apart(context: Context) -> Iterator[Found]:
    """Findings about pods with required anti-affinity that have too few nodes outside the wave."""
    if context.config.drain.in_place:
        return
    nodes_of: dict[tuple[str, str], list[str]] = defaultdict(list)
    for pod in context.snapshot.pods:
        if pod.excludes_itself and pod.controller and not (pod.finished or pod.controller.is_daemon_set):
            nodes_of[pod.namespace, pod.workload].append(pod.node)
    moving = {node.name for node in context.about_to_move}
    for number, wave in enumerate(context.config.waves):
        away = moving.intersection(wave)
        left = [
            node for node in context.snapshot.nodes if node.ready and not node.unschedulable and node.name not in away
        ]
        for (namespace, workload), nodes in sorted(nodes_of.items()):
            if len(nodes) > len(left) and away.intersection(nodes):
                yield Found(
                    evidence=f"wave {number} leaves {many(len(left), 'node')} for the {len(nodes)} pods of {namespace}/"
                    f"{workload}, which exclude each other on a node",
                    remedy=", or ".join(
                        ["make the wave narrower", "lower the replicas", *without_room(context.config)]
                    ),
                )


@check(
    id="spare-capacity",
    title="The pods of a wave have room elsewhere",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "replacements that no other node has room for stay Pending until the wave is over, and the drain waits for "
        "them in vain"
    ),
    remedy="make the wave narrower, or add a node",
)
def spare_capacity(context: Context) -> Iterator[Found]:
    """A finding about the first wave whose pods request more than the other nodes have left."""
    snapshot, states = context.snapshot, context.snapshot.node_states
    silent = any(node.name not in states or states[node.name].room == NOTHING for node in snapshot.nodes)
    if context.config.drain.in_place or silent:
        return
    options = context.config.drain
    moving = {node.name for node in context.about_to_move}
    spare = {
        node.name: (states[node.name].room - _asked(snapshot.pods_on(node.name))).at_least(NOTHING)
        for node in snapshot.nodes
        if node.ready and not node.unschedulable
    }
    for number, wave in enumerate(context.config.waves):
        away = moving.intersection(wave)
        taints = {taint for name in away for taint in states[name].taints}
        others = [name for name in spare if name not in away and states[name].taints <= taints]
        plans = [
            plan_turn(snapshot.pods_on(name), daemon_sets=snapshot.daemon_set_names, options=options) for name in away
        ]
        load, room = _asked(pod for plan in plans for pod in plan.evict), total(spare[name] for name in others)
        if load.at_least(room) != room:
            yield Found(
                evidence=f"the pods of wave {number} ask for {load.text}, and the {many(len(others), 'node')} outside "
                f"of it that would take them have {room.text} left",
                remedy=", or ".join(["make the wave narrower", "add a node", *without_room(context.config)]),
            )
            return


def _asked(pods: Iterable[Pod]) -> Room:
    return total(pod.asks for pod in pods if not pod.finished)
