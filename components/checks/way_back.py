"""Checks of what a run undoes: it is said aloud, and what the config leaves out is never a wish to undo."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.checks.words import some
from components.words import many
from stacks.phases import Phase

_AGENT = "cilium-agent"
_TAG = re.compile(r":v?(\d+\.\d+\.\d+[^@]*)")
_LOST = (
    "where Pulumi.STACK.yaml is missing here, bring it back (`pulumi config refresh` writes what the last `pulumi up` "
    "had; if that was an `up --skip-preview` refused like this one, `pulumi stack history --json` has what was before)"
)


@check(
    id="way-back-written",
    title="A way back is written in the config",
    severity=Severity.BLOCKER,
    phase=Phase.PREFLIGHT,
    why=(
        "a config without `phase` or `waves`, as in a checkout without the stack's file, reads like the wish to take "
        "every node back and remove Cilium"
    ),
    remedy="write what you mean",
    gate=True,
)
def way_back_is_written(context: Context) -> Iterator[Found]:
    """A key that is absent undoes nothing: a run that would go back because of it is refused."""
    config, reached, moved = context.config, context.reached, context.snapshot.migrated
    if reached is None or not reached.includes(Phase.SECONDARY):
        return
    if "phase" not in config.model_fields_set:
        nodes = f"take {many(len(moved), 'node')} back to {context.source.title} and " if moved else ""
        yield Found(
            evidence=f"the stack's config has no `phase`, and the cluster is in phase '{reached}': without one this "
            f"run would {nodes}remove Cilium",
            remedy=f"{_LOST}, or `pulumi config set phase {reached}`; to go back to the beginning write that: "
            "`pulumi config set phase preflight`",
        )
    elif "waves" not in config.model_fields_set and moved and _between(config.phase):
        yield Found(
            evidence=f"the stack's config has no `waves`, and {many(len(moved), 'node')} "
            f"({some(sorted(moved))}) had a turn: without them this run would take all of them back to "
            f"{context.source.title}",
            remedy=f"{_LOST}, or name the nodes that stay; to take all of them back write that: "
            "`pulumi config set waves '[]'`",
        )


def _between(phase: Phase) -> bool:
    """True for the phases in which nodes may go back."""
    return phase.includes(Phase.SECONDARY) and not phase.includes(Phase.FINALIZE)


@check(
    id="way-back",
    title="What goes back is said",
    severity=Severity.WARNING,
    phase=Phase.SECONDARY,
    why="a node taken out of `waves` by mistake is drained a second time, and Cilium's removal ends its policies",
    remedy="if that is not what you want, correct the config before `pulumi up`",
)
def way_back(context: Context) -> Iterator[Found]:
    """The nodes that go back, with their number, and the phases that are taken back."""
    config, reached, source = context.config, context.reached, context.source.title
    if reached is None or not reached.includes(Phase.SECONDARY) or reached is Phase.CLEANUP:
        return
    leaving = sorted(context.snapshot.migrated - set(config.nodes))
    if leaving and not config.phase.includes(Phase.FINALIZE):
        yield Found(evidence=f"this run takes {many(len(leaving), 'node')} back to {source}: {some(leaving)}")
    if not config.phase.includes(Phase.SECONDARY):
        yield Found(
            evidence=f"this run removes Cilium: the cluster is in phase '{reached}', config says '{config.phase}'"
        )
    elif reached is Phase.FINALIZE and not config.phase.includes(Phase.FINALIZE):
        yield Found(
            evidence=f"this run takes Cilium's final settings back: agents no longer manage each node's CNI conf, and "
            f"policies are as in phase '{config.phase}'"
        )


@check(
    id="cilium-kept",
    title="Cilium stays where and what it is",
    severity=Severity.BLOCKER,
    phase=Phase.SECONDARY,
    why="Cilium's release in another namespace is a removal and a new installation, which takes every moved node down",
    remedy="write the namespace and the version that the cluster has",
)
def cilium_kept(context: Context) -> Iterator[Found]:
    """A Cilium in another namespace than the config's, or of another version that the config does not name."""
    settings = context.config.cilium
    if not context.config.phase.includes(Phase.SECONDARY):
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
            remedy="`pulumi config set --path cilium.version` to the one that the cluster has",
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
