"""Checks of others who have a hand in the nodes' network: owners of the old CNI, plugins chained into its conf."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.checks.check import check
from components.checks.context import Context
from components.checks.finding import Found, Severity
from components.names import NAMESPACE
from stacks.phases import Phase

_CHAINED = {"multus": "Multus", "install-cni": "Istio CNI", "linkerd/cni-plugin": "Linkerd CNI", "kuma-cni": "Kuma CNI"}
_CONF_FOLDER = "/etc/cni"


@check(
    id="source-owner",
    title="Nobody brings the old CNI back",
    severity=Severity.WARNING,
    phase=Phase.CLEANUP,
    why=(
        "who reconciles the old CNI's objects creates them again after `cleanup` removed them, and its agents then "
        "write their CNI conf anew (Calico's addon manager; Deckhouse's guide has Argo CD switched off first)"
    ),
    remedy="take the old CNI out of what it deploys before phase 'cleanup'",
)
def source_owner(context: Context) -> Iterator[Found]:
    """Marks of an owner on the old CNI's objects."""
    name = context.source.daemon_set
    if not context.source.is_running(context.snapshot.daemon_set_names):
        return
    title = f"DaemonSet {context.source.namespace}/{name}"
    for owner in context.source.owners[:1]:
        if owner.reverts:
            yield Found(evidence=f"{title} belongs to {owner.name} ({owner.mark})")
        else:
            yield Found(
                evidence=f"{title} belongs to {owner.name}",
                remedy="nothing now; `helm uninstall` it after phase 'cleanup', and upgrade it no more",
                severity=Severity.NOTE,
            )


@check(
    id="chained-plugins",
    title="Nobody else writes CNI conf",
    severity=Severity.BLOCKER,
    phase=Phase.MIGRATE,
    why=(
        "the agent of a node that moves renames every CNI conf but its own and keeps them so: pods that start there "
        "have no second interfaces, or bypass the mesh (multus#972, #1527; rke2#4146, #9040)"
    ),
    remedy=(
        "take it out for the move and install it for Cilium afterwards, with `cni.exclusive: false` in "
        "cilium.finalValues"
    ),
)
def chained_plugins(context: Context) -> Iterator[Found]:
    """DaemonSets that are known to chain into the conf, and others that can write where it is."""
    if not context.ahead(Phase.FINALIZE):
        return
    ours = {*context.source.daemon_sets, (context.config.cilium.namespace, "cilium")}
    for item in context.snapshot.daemon_sets:
        place = (item["metadata"]["namespace"], item["metadata"]["name"])
        spec = item["spec"]["template"]["spec"]
        if place in ours or place[0] == NAMESPACE:
            continue
        known = _known(spec)
        if known:
            yield Found(
                evidence=f"{known} is chained into the nodes' CNI conf (DaemonSet {'/'.join(place)})",
                severity=context.once_nodes_move,
            )
        elif _writes_conf(spec):
            yield Found(
                evidence=f"DaemonSet {'/'.join(place)} can write CNI conf on the nodes",
                remedy="see what it does there: on a node that moved, Cilium renames every conf but its own",
                severity=Severity.WARNING,
            )


def _containers(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def _known(spec: Mapping[str, Any]) -> str:
    images = [each.get("image", "") for each in _containers(spec)]
    return next((name for word, name in _CHAINED.items() if any(word in image for image in images)), "")


def _writes_conf(spec: Mapping[str, Any]) -> bool:
    volumes = {
        each["name"]
        for each in spec.get("volumes") or []
        if f"{(each.get('hostPath') or {}).get('path', '')}/".startswith(f"{_CONF_FOLDER}/")
    }
    mounts = [mount for each in _containers(spec) for mount in each.get("volumeMounts") or []]
    return any(mount["name"] in volumes and not mount.get("readOnly") for mount in mounts)
