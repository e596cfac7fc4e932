"""A check of tools that drain, reboot or remove nodes: autoscalers, deschedulers, reboot and upgrade daemons."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.operations.draining.autoscaler_hold import CLUSTER_AUTOSCALER, KARPENTER
from components.operations.objects.model import Node, Pod
from stacks.strategies import Milestone

_NAMED = 5
_KARPENTER_LABEL = "karpenter.sh/nodepool"
_ASKED = "`pulumi config set holdAutoscalers true` holds it off each node for its turn"
_LOCK, _OURS = "weave.works/kured-node-lock", {"nodeID": "migration"}
_UNTIL = "until the nodes are through"


@dataclass(frozen=True, kw_only=True)
class _Manager:
    """A tool that works on nodes, recognised by its image's path without registry, tag and digest; and how to hold it.

    With `holdAutoscalers` a node's turn itself holds those that honour an annotation on the node.
    """

    name: str
    path: re.Pattern[str]
    hold: str = f"scale its Deployment to 0 {_UNTIL}"
    heeds: str = ""
    locked: bool = False


_MANAGERS = (
    _Manager(name="Karpenter", path=re.compile(r"(^|/)karpenter(/|$)"), heeds=KARPENTER),
    _Manager(
        name="the cluster autoscaler",
        path=re.compile(r"(^|/)cluster-autoscaler(-[a-z0-9]+)?$"),
        heeds=CLUSTER_AUTOSCALER,
    ),
    _Manager(
        name="the descheduler",
        path=re.compile(r"(^|/)descheduler(/descheduler)?$"),
        hold=f"scale its Deployment to 0, or suspend its CronJob, {_UNTIL}",
    ),
    _Manager(name="kured", path=re.compile(r"(^|/)kured$"), locked=True),
    _Manager(name="the system upgrade controller", path=re.compile(r"(^|/)system-upgrade-controller$")),
    _Manager(name="draino", path=re.compile(r"(^|/)draino2?$")),
)


def _path(image: str) -> str:
    """The path of an image: `public.ecr.aws/karpenter/controller:1.0@sha256:…` is `karpenter/controller`."""
    path = image.partition("@")[0]
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        path = rest
    return re.sub(r":[^/]*$", "", path)


@check(
    id="node-managers",
    title="No other tool drains, reboots or removes nodes",
    severity=Severity.WARNING,
    guards=Milestone.NODES_MOVE,
    why=(
        "a tool that drains, reboots or removes nodes by itself may do so in the middle of a node's turn, may take a "
        "cordoned node for an unneeded one, or may uncordon it"
    ),
    remedy="hold it until the nodes are through",
)
def node_managers(context: Context) -> Iterator[Found]:
    """Findings about such tools, recognised by pods' images, or by nodes' labels if they run outside the cluster."""
    if not context.about_to_move:
        return
    running: dict[str, Pod] = {}
    for pod in context.snapshot.pods:
        for manager in _MANAGERS:
            if not pod.finished and any(manager.path.search(_path(image)) for image in pod.images):
                running.setdefault(manager.name, pod)
    for manager in _MANAGERS:
        if (one := running.get(manager.name)) and (remedy := _remedy(manager, one, context)):
            yield Found(evidence=f"{manager.name} (pod {one.title}) works on the nodes too", remedy=remedy)
    theirs = [node for node in context.about_to_move if _KARPENTER_LABEL in node.labels]
    if "Karpenter" not in running and (remedy := _by_annotation(KARPENTER, theirs, context)):
        named = some([node.name for node in theirs])
        yield Found(evidence=f"Karpenter, which runs elsewhere, made {named}", remedy=remedy)


def _remedy(manager: _Manager, pod: Pod, context: Context) -> str:
    """Instructions for holding the tool; empty if it is held already."""
    if manager.heeds:
        return _by_annotation(manager.heeds, context.about_to_move, context)
    return _by_lock(pod, context) if manager.locked else manager.hold


def _by_annotation(key: str, nodes: Sequence[Node], context: Context) -> str:
    free = [each.name for each in nodes if each.annotations.get(key) != "true"]
    if not free or context.config.hold_autoscalers:
        return ""
    others = " and the others" if len(free) > _NAMED else ""
    command = f"`kubectl annotate node {' '.join(free[:_NAMED])} {key}=true --overwrite`"
    return f"{_ASKED}, or {command}{others} by hand, to be taken off after it"


def _by_lock(pod: Pod, context: Context) -> str:
    name = pod.controller.name if pod.controller and pod.controller.is_daemon_set else "kured"
    for each in context.snapshot.daemon_sets:
        metadata = each["metadata"]
        if (metadata.get("namespace"), metadata["name"]) == (pod.namespace, name) and _is_ours(metadata):
            return ""
    lock = f"{_LOCK}='{json.dumps(_OURS, separators=(',', ':'))}'"
    return f"hold its lock: `kubectl -n {pod.namespace} annotate daemonset {name} {lock}`, and take that off afterwards"


def _is_ours(metadata: Mapping[str, Any]) -> bool:
    try:
        lock = json.loads((metadata.get("annotations") or {}).get(_LOCK, "null"))
    except ValueError:
        return False
    return isinstance(lock, dict) and lock.items() >= _OURS.items()
