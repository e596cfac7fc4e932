"""Checks of drained pods' replacements: whether their controllers create them, and whether another node fits them."""

from collections import defaultdict
from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.nodes.without_room import for_verdict, on_the_node
from components.operations.objects.model import Pod
from components.operations.placing.needed_objects import OF_VOLUMES
from components.operations.placing.prediction import Outlook
from components.plurals import many
from stacks.strategies import Milestone
from stacks.values import opens_host_ports

_WAITED_FOR = ("ReplicaSet", "StatefulSet", "ReplicationController")


@check(
    id="replacements-placed",
    title="Drained pods have a place elsewhere",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "a replacement that is not made, or that no node may take, does not come up: the drain waits for it in vain, "
        "and its node stays cordoned (kubernetes.io: the scheduler's filters)"
    ),
    remedy="let its pods run elsewhere for the move",
)
def replacements_placed(context: Context) -> Iterator[Found]:
    """Findings about pods that no controller re-creates, or that fit no other node by the scheduler's rules."""
    drain = context.config.drain
    for pods, each, away in _grouped(context):
        verdict = each.verdict
        where = f"node {each.pod.node}: {pods}"
        if each.renewal and verdict is None:
            yield Found(evidence=f"{where}: {each.renewal}", remedy="let it end first, or move it yourself")
        elif verdict and verdict.preempts:
            yield Found(
                evidence=f"{where} has a place only where pods of lower priority go for it, as on {verdict.node} "
                f"({verdict.summary})",
                remedy="see that those may be missed, or add a node",
            )
        elif verdict and verdict.past_cordon and each.pod.on_pod_network:
            ways = on_the_node(context.config) if _may_come_back(context, each.pod) else []
            yield Found(
                evidence=f"{where} comes back on {verdict.node}, cordoned or not: {verdict.past_cordon}",
                remedy=f"it is away twice, the second time once {verdict.node} is switched: "
                + ", or ".join(["let another node take it for the move", *ways]),
            )
        elif verdict and (verdict.refused or verdict.in_the_way is not None):
            waits = drain.wait_for_replacements and each.pod.ready and _is_waited_for(each.pod)
            wait = (
                f"the drain waits {drain.replacements_timeout_seconds} s for its replacement and then fails: "
                if waits
                else "it is away until the node is back: "
            )
            if verdict.refused:
                yield Found(evidence=f"{where} has no replacement: {verdict.refused}", remedy=f"{wait}mend that first")
            else:
                yield Found(
                    evidence=f"{where} has no place: {verdict.summary}",
                    remedy=wait
                    + for_verdict(context.config, verdict, away=away, may_come_back=_may_come_back(context, each.pod)),
                )
        if each.surge:
            yield Found(
                evidence=f"{where} is replaced only once it is gone: {each.surge} has no room for both",
                remedy="it is away for that time, its grace period included; raise the quota for the move if it may "
                "not be",
                severity=Severity.NOTE,
            )


@check(
    id="replacements-known",
    title="The replacement of every drained pod can be predicted",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why="where another scheduler or controller decides, or something cannot be read, nothing is promised",
    remedy="see to it yourself that the pod comes up elsewhere",
)
def replacements_known(context: Context) -> Iterator[Found]:
    """Findings about pods whose replacement cannot be predicted, and about lists that could not be read."""
    for kind, why in sorted(context.snapshot.supplies.unread.items()):
        if kind not in OF_VOLUMES:  # of these each pod that has one says so
            yield Found(
                evidence=f"{kind} could not be read ({why}), so whether drained pods are replaced elsewhere is known "
                "without regard to them",
                remedy="`.venv/bin/python -m scripts.check` names the right that lacks; or look at them yourself",
            )
    for pods, each, _ in _grouped(context):
        unknown = each.verdict.not_known if each.verdict else ""
        said = [text for text in (each.renewal if each.verdict else "", unknown) if text]
        if said:
            what = f"not known whether another node takes it: {unknown}" if unknown else ""
            renewal = each.renewal if each.verdict else ""
            yield Found(evidence=f"node {each.pod.node}: {pods}: " + "; ".join(filter(None, [renewal, what])))


def _may_come_back(context: Context, pod: Pod) -> bool:
    """True if the pod can be renewed in place: its node is schedulable, and its host port would work there."""
    node = context.snapshot.node(pod.node)
    return not (node and node.unschedulable) and (not pod.host_ports or opens_host_ports(context.values))


def _is_waited_for(pod: Pod) -> bool:
    return bool(pod.controller and pod.controller.kind in _WAITED_FOR)


def _grouped(context: Context) -> Iterator[tuple[str, Outlook, int]]:
    """(`pod shop/web-1 (Deployment web)` or how many such there are, the first of them, nodes away at that time).

    Pods of one workload on one node that have the same in their way are one.
    """
    away = {node: len(names) for names in context.waves_about_to_move for node in names}
    alike: dict[tuple[object, ...], list[Outlook]] = defaultdict(list)
    for each in context.outlook:
        verdict = each.verdict
        told: tuple[object, ...] = ()
        if verdict and verdict.past_cordon:
            told = verdict.node, verdict.past_cordon
        elif verdict:
            told = verdict.summary, verdict.refused, verdict.not_known, verdict.preempts
        placed = bool(verdict and verdict.node and not (verdict.preempts or verdict.past_cordon))
        about = "" if placed else told
        alike[each.pod.node, each.pod.namespace, each.pod.workload, about, each.renewal, bool(each.surge)].append(each)
    for same in alike.values():
        first = same[0]
        title = f"pod {first.pod.title} ({first.pod.workload})"
        pods = (
            title
            if len(same) == 1
            else f"each of {many(len(same), 'pod')} such as {first.pod.title} ({first.pod.workload})"
        )
        yield pods, first, away.get(first.pod.node, 1)
