"""A check of others who empty, reboot or remove nodes: autoscalers, deschedulers, reboot and upgrade daemons."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.checks.words import some
from components.operations.hold import CLUSTER_AUTOSCALER, KARPENTER
from stacks.phases import Phase

if TYPE_CHECKING:
    from components.operations.model import Pod

_KARPENTER_LABEL = "karpenter.sh/nodepool"
_ASKED = "`pulumi config set holdAutoscalers true` holds it off each node for its turn"


def _by_annotation(key: str) -> str:
    return f"{_ASKED}, or `kubectl annotate node NODE {key}=true` by hand, to be taken off after it"


_KARPENTER = _by_annotation(KARPENTER)


@dataclass(frozen=True, kw_only=True)
class _Manager:
    """A tool, by a part of its image's path without registry, tag and digest; and the way to hold it.

    One that heeds an annotation on the node is held by the turn itself, if that is asked for.
    """

    name: str
    path: re.Pattern[str]
    hold: str
    heeds: bool = False


_MANAGERS = (
    _Manager(name="Karpenter", path=re.compile(r"(^|/)karpenter(/|$)"), hold=_KARPENTER, heeds=True),
    _Manager(
        name="the cluster autoscaler",
        path=re.compile(r"(^|/)cluster-autoscaler(-[a-z0-9]+)?$"),
        hold=_by_annotation(CLUSTER_AUTOSCALER),
        heeds=True,
    ),
    _Manager(
        name="the descheduler",
        path=re.compile(r"(^|/)descheduler(/descheduler)?$"),
        hold="scale its Deployment to 0, or suspend its CronJob, until the nodes are through",
    ),
    _Manager(
        name="kured",
        path=re.compile(r"(^|/)kured$"),
        hold="hold its lock: `kubectl -n NAMESPACE annotate daemonset kured "
        'weave.works/kured-node-lock=\'{"nodeID":"migration"}\'`, and take that off afterwards',
    ),
    _Manager(
        name="the system upgrade controller",
        path=re.compile(r"(^|/)system-upgrade-controller$"),
        hold="scale its Deployment to 0 until the nodes are through",
    ),
    _Manager(
        name="draino", path=re.compile(r"(^|/)draino2?$"), hold="scale its Deployment to 0 until the nodes are through"
    ),
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
    title="Nobody else works on the nodes",
    severity=Severity.WARNING,
    phase=Phase.MIGRATE,
    why=(
        "who drains, reboots or removes nodes of his own accord does it in the midst of a node's turn too, takes a "
        "cordoned node for an unneeded one, or uncordons it"
    ),
    remedy="hold it until the nodes are through",
)
def node_managers(context: Context) -> Iterator[Found]:
    """Tools that are known to do so, by the images of pods that run, and by nodes' labels where they run elsewhere."""
    if not context.about_to_move:
        return
    running: dict[str, Pod] = {}
    for pod in context.snapshot.pods:
        for manager in _MANAGERS:
            if not pod.finished and any(manager.path.search(_path(image)) for image in pod.images):
                running.setdefault(manager.name, pod)
    held = context.config.hold_autoscalers
    for manager in _MANAGERS:
        if (pod_of := running.get(manager.name)) and not (held and manager.heeds):
            yield Found(
                evidence=f"{manager.name} (pod {pod_of.title}) works on the nodes too",
                remedy=manager.hold.replace("NAMESPACE", pod_of.namespace),
            )
    theirs = [node.name for node in context.about_to_move if _KARPENTER_LABEL in node.labels]
    if theirs and "Karpenter" not in running and not held:
        yield Found(evidence=f"Karpenter, which runs elsewhere, made {some(theirs)}", remedy=_KARPENTER)
