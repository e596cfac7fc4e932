"""Checks of runs that undo a part of the migration, on purpose or because a config key is missing."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.draining.drain_plan import budget_findings, budgets_near, plan_turn
from components.operations.turn_annotations import TurnStep, step_of
from components.plurals import many
from stacks.config import StackConfig
from stacks.strategies import Milestone

_AGENT = "cilium-agent"
_TAG = re.compile(r":v?(\d+\.\d+\.\d+[^@]*)")
_LOST = (
    "where Pulumi.STACK.yaml is missing here, bring it back (`pulumi config refresh` writes what the last `pulumi up` "
    "had; if that was an `up --skip-preview` refused like this one, `pulumi stack history --json` has what was before)"
)


@check(
    id="way-back-written",
    title="A way back is explicit in the config",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why=(
        "a config without `phase` or `waves`, as in a checkout without the stack's file, reads like the wish to take "
        "every node back and remove Cilium"
    ),
    remedy="write what you mean",
    gate=True,
)
def way_back_is_written(context: Context) -> Iterator[Found]:
    """Findings that refuse a run that would go back only because `phase` or `waves` is missing in the config."""
    config, reached, moved = context.config, context.reached, context.snapshot.migrated
    if reached is None or not reached.includes(Milestone.BOTH_NETWORKS):
        return
    if "phase" not in config.model_fields_set:
        nodes = f"take {many(len(moved), 'node')} back to {context.source.title} and " if moved else ""
        yield Found(
            evidence=f"the stack's config has no `phase`, and the cluster is in phase "
            f"'{context.phase_reached}': without one this run would {nodes}remove Cilium",
            remedy=f"{_LOST}, or `pulumi config set phase {context.phase_reached}`; to go back to the beginning write "
            f"that: `pulumi config set phase {context.phase_at(Milestone.BEFORE_CILIUM)}`",
        )
    elif "waves" not in config.model_fields_set and moved and _between(config):
        yield Found(
            evidence=f"the stack's config has no `waves`, and {many(len(moved), 'node')} "
            f"({some(sorted(moved))}) had a turn: without them this run would take all of them back to "
            f"{context.source.title}",
            remedy=f"{_LOST}, or name the nodes that stay; to take all of them back write that: "
            "`pulumi config set waves '[]'`",
        )


def _between(config: StackConfig) -> bool:
    """True for the phases in which nodes may go back."""
    return config.reaches(Milestone.BOTH_NETWORKS) and not config.reaches(Milestone.CILIUM_ALONE)


@check(
    id="way-back",
    title="The way back is announced",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why="a node taken out of `waves` by mistake is drained a second time, and Cilium's removal ends its policies",
    remedy="if that is not what you want, correct the config before `pulumi up`",
)
def way_back(context: Context) -> Iterator[Found]:
    """Findings about the nodes that go back, with their number, and the phases that are undone."""
    config, reached, source = context.config, context.reached, context.source.title
    if reached is None or not reached.includes(Milestone.BOTH_NETWORKS) or reached is Milestone.OLD_NETWORK_GONE:
        return
    leaving = sorted(context.snapshot.begun - set(config.nodes))
    if leaving and not config.reaches(Milestone.CILIUM_ALONE):
        yield Found(evidence=f"this run takes {many(len(leaving), 'node')} back to {source}: {some(leaving)}")
    if not config.reaches(Milestone.BOTH_NETWORKS):
        yield Found(
            evidence=f"this run removes Cilium: the cluster is in phase '{context.phase_reached}', config says "
            f"'{config.phase}'"
        )
    elif reached is Milestone.CILIUM_ALONE and not config.reaches(Milestone.CILIUM_ALONE):
        yield Found(
            evidence=f"this run takes Cilium's final settings back: agents no longer manage each node's CNI conf, and "
            f"policies are as in phase '{config.phase}'"
        )


@check(
    id="way-back-drainable",
    title="Nodes that go back can be emptied",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why="a way back drains its node as a turn does, and deletes what a drain leaves; where that cannot be, it stops",
    remedy="mend what the finding names",
)
def way_back_drainable(context: Context) -> Iterator[Found]:
    """Findings about pods and budgets that forbid the drain of the way back, and static pods, which are not renewed."""
    options = context.config.drain
    for node in context.about_to_return:
        pods = context.snapshot.pods_on(node.name)
        plan = plan_turn(pods, daemon_sets=context.snapshot.daemon_set_names, options=options)
        budgets = budgets_near(plan, context.snapshot.budgets)
        never = [] if options.disable_eviction else budget_findings(plan, budgets)[0]
        for fault in (*plan.refusals, *never):
            yield Found(
                evidence=f"node {node.name} cannot be drained on its way back: {fault.fact}", remedy=fault.remedy
            )
        for pod in pods:
            if pod.mirror and pod.on_pod_network:
                yield Found(
                    evidence=f"node {node.name}: static pod {pod.title} keeps its address of Cilium until the node "
                    "restarts, which no way back does",
                    remedy=f"restart {node.name} yourself when its way back asks for it, then `pulumi up` again",
                )


@check(
    id="cilium-kept",
    title="Cilium stays where and what it is",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why="Cilium's release in another namespace is a removal and a new installation, which takes every moved node down",
    remedy="write the namespace and the version that the cluster has",
)
def cilium_kept(context: Context) -> Iterator[Found]:
    """Findings about a Cilium in another namespace or, with no version in the config, of another version."""
    settings = context.config.cilium
    if not context.config.reaches(Milestone.BOTH_NETWORKS):
        return
    live = {str(each["metadata"]["namespace"]): each for each in context.snapshot.daemon_sets if _is_agent(each)}
    elsewhere = sorted(set(live) - {settings.namespace})
    if elsewhere and settings.namespace not in live:
        said = "is" if "namespace" in settings.model_fields_set else "is not set, which means"
        yield Found(
            evidence=f"Cilium runs in namespace {', '.join(elsewhere)}, and cilium.namespace {said} "
            f"{settings.namespace}",
            remedy=f"`pulumi config set --path cilium.namespace {elsewhere[0]}`",
        )
        return
    agent = live.get(settings.namespace)
    if agent is None or {"version", "chart"} & settings.model_fields_set or "image" in settings.values:
        return
    image = _image(agent)
    found = _TAG.search(image.rpartition("/")[2])
    if found is None:
        yield Found(
            evidence=f"cilium.version is not set, which means {settings.version}, and the version that runs cannot be "
            f"read from its image {image}",
            remedy="set cilium.version to the one that the cluster has",
            severity=Severity.WARNING,
        )
    elif found[1] != settings.version.removeprefix("v"):
        yield Found(
            evidence=f"the cluster runs Cilium {found[1]}, and cilium.version is not set, which means "
            f"{settings.version}: this run would change it",
            remedy=f"`pulumi config set --path cilium.version {found[1]}`, or name the other if you want it",
        )


def _containers(daemon_set: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(daemon_set.get("spec", {}).get("template", {}).get("spec", {}).get("containers") or [])


def _is_agent(daemon_set: Mapping[str, Any]) -> bool:
    return any(each.get("name") == _AGENT for each in _containers(daemon_set))


def _image(agent: Mapping[str, Any]) -> str:
    return next(str(each.get("image", "")) for each in _containers(agent) if each.get("name") == _AGENT)


@check(
    id="turn-known",
    title="Each moved node has its turn in the stack's state",
    severity=Severity.BLOCKER,
    guards=Milestone.BEFORE_CILIUM,
    why=(
        "the engine takes back what its state holds: once a state was lost, a node in no wave would stay as it is "
        "without a word, and lose its network when Cilium goes"
    ),
    remedy="put it into `waves` once, then take it out",
    gate=True,
)
def turn_known(context: Context) -> Iterator[Found]:
    """A finding about nodes outside of the waves that had a turn of which the stack's state knows nothing."""
    state, config = context.state, context.config
    if state is None or config.reaches(Milestone.CILIUM_ALONE):
        return
    staying = set(config.nodes) if config.reaches(Milestone.BOTH_NETWORKS) else set()
    begun = {node.name: step_of(node) for node in context.snapshot.nodes if node.name not in staying}
    moved = {name for name, step in begun.items() if step is TurnStep.MIGRATED}
    broken_off = {name for name, step in begun.items() if step} - moved
    lost = sorted((moved - state.turns) | (broken_off - state.turns - state.waves))
    if lost:
        yield Found(
            evidence=f"{many(len(lost), 'node')} ({some(lost)}) had a turn and are in no wave, and this stack's state "
            "holds nothing that would take them back",
            remedy="if its state was lost, put them into `waves` and `pulumi up`, which only completes what is not "
            "complete; then take them out again",
        )
