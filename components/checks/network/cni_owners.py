"""Checks of controllers that own the old CNI's objects, and of plugins chained into its CNI conf."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity, Unrecognised
from components.names import NAMESPACE
from components.sources.distributions.recognition import switched_off_by_its_provider
from components.sources.facts.chained import chained_plugin
from components.sources.facts.workload import all_containers, may_run_on_linux
from stacks.strategies import Milestone


@check(
    id="source-owner",
    title="No controller re-creates the old CNI",
    severity=Severity.WARNING,
    guards=Milestone.OLD_NETWORK_GONE,
    why=(
        "a controller that reconciles the old CNI's objects re-creates them after `cleanup` removed them, and its "
        "agents then write their CNI conf again (Calico's addon manager; Deckhouse's guide disables Argo CD first)"
    ),
    remedy="before the old CNI is removed, take it out of what that controller deploys",
)
def source_owner(context: Context) -> Iterator[Found]:
    """Findings about controllers that own the old CNI's objects."""
    name = context.source.daemon_set
    if not context.source.is_running(context.snapshot.daemon_set_names):
        return
    title = f"DaemonSet {context.source.namespace}/{name}"
    for owner in context.source.owners[:1]:
        if owner.reverts:
            services = switched_off_by_its_provider(context.snapshot) if owner.on_control_plane else ""
            yield Found(evidence=f"{title} belongs to {owner.name} ({owner.mark})", remedy=services or owner.switch_off)
        else:
            yield Found(
                evidence=f"{title} belongs to {owner.name}",
                remedy="nothing now; uninstall that release once the old CNI is removed, and upgrade it no more",
                severity=Severity.NOTE,
            )


@check(
    id="chained-plugins",
    title="No other program writes CNI conf",
    severity=Severity.BLOCKER,
    guards=Milestone.NODES_MOVE,
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
    """Findings about DaemonSets that chain a plugin into the CNI conf, or can write into its folder."""
    if not context.ahead(Milestone.CILIUM_ALONE):
        return
    ours = {*context.source.daemon_sets, (context.config.cilium.namespace, "cilium")}
    for item in context.snapshot.daemon_sets:
        place = (item["metadata"]["namespace"], item["metadata"]["name"])
        if place in ours or place[0] == NAMESPACE or not may_run_on_linux(item):
            continue
        known = chained_plugin(item)
        if known:
            yield Found(
                evidence=f"{known} is chained into the nodes' CNI conf (DaemonSet {'/'.join(place)})",
                severity=context.once_nodes_move,
            )
        elif _writes_conf(item, folder=context.cilium.cni_conf_path):
            yield Found(
                evidence=f"DaemonSet {'/'.join(place)} can write CNI conf on the nodes",
                remedy="see what it does there: on a node that moved, Cilium renames every conf but its own",
                severity=Severity.WARNING,
                unrecognised=Unrecognised.DAEMON_SET,
            )


def _writes_conf(item: Mapping[str, Any], *, folder: str) -> bool:
    """True if a pod can write in the folder of CNI confs, or in the one above it, such as /etc/cni."""
    volumes = {
        each["name"]
        for each in item["spec"]["template"]["spec"].get("volumes") or []
        if f"{(each.get('hostPath') or {}).get('path', '')}/".startswith(f"{folder.rpartition('/')[0]}/")
    }
    mounts = [mount for each in all_containers(item) for mount in each.get("volumeMounts") or []]
    return any(mount["name"] in volumes and not mount.get("readOnly") for mount in mounts)
