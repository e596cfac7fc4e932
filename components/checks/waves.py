"""Checks of the waves as such: which nodes are away at the same time, and in which order."""

from collections import defaultdict
from collections.abc import Iterator

from components.checks.finding import Context, Finding, Severity
from components.words import many


def control_plane_last(context: Context) -> Iterator[Finding]:
    """Control-plane nodes move after all others, one at a time: what they lose, every node loses."""
    kinds = {node.name: node.control_plane for node in context.snapshot.nodes}
    first = None
    for number, wave in enumerate(context.config.waves):
        theirs = [name for name in wave if kinds.get(name)]
        if theirs and len(wave) > 1:
            yield Finding(
                evidence=f"wave {number} moves control-plane node {theirs[0]} together with other nodes",
                remedy="give each control-plane node a wave of its own, at the end",
            )
        elif not theirs and first is not None:
            yield Finding(
                evidence=f"wave {number} moves workers after control-plane node {first}",
                remedy="put the waves of control-plane nodes last",
            )
            return
        first = first or next(iter(theirs), None)


def room_apart(context: Context) -> Iterator[Finding]:
    """Pods that exclude each other on a node need as many nodes outside of the wave as there are of them."""
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
                yield Finding(
                    evidence=f"wave {number} leaves {many(len(left), 'node')} for the {len(nodes)} pods of {namespace}/"
                    f"{workload}, which exclude each other on a node",
                    remedy=f"a drain of it waits {context.config.drain.replacements_timeout_seconds} s in vain: make "
                    "the wave narrower, lower the replicas, or set drain.waitForReplacements to false",
                    severity=Severity.WARNING,
                )
