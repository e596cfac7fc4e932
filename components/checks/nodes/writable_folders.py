"""A check that Cilium's containers can write its CNI conf and plugin into the nodes' folders."""

from collections import defaultdict
from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.name_lists import some
from components.plurals import many
from stacks.strategies import Milestone
from stacks.values import value_at

_LOOK = "look again with `pulumi up` in 'preflight'"


@check(
    id="cni-folders-writable",
    title="Cilium can write where its CNI conf and plugin go",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "the containers that put Cilium's plugin there run as root without the capability to write where another user "
        "owns, and end with Permission denied: no agent of that node starts (kubespray#12276, #13378, cilium#23838)"
    ),
    remedy=(
        "`chown root` that folder on these nodes (kubespray: `kube_owner: root`), or set `securityContext.privileged: "
        f"true` in cilium.values; then {_LOOK}"
    ),
)
def cni_folders_writable(context: Context) -> Iterator[Found]:
    """Findings about Cilium's folders owned by another user or mounted read-only, read before any agent ran there."""
    if context.snapshot.cilium_config is not None or not context.ahead(Milestone.BOTH_NETWORKS):
        return
    cilium, privileged = context.cilium, value_at(context.values, "securityContext.privileged") is True
    nodes: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for name, facts in sorted(context.snapshot.facts.items()):
        for path in (cilium.cni_conf_path, cilium.cni_bin_path):
            why = facts.cni_unwritable.get(path, "")
            read_only = path in facts.cni_read_only
            if why and name in context.snapshot.node_names and (read_only or not privileged):
                nodes[path, why, read_only].append(name)
    for (path, why, read_only), names in sorted(nodes.items()):
        yield Found(
            evidence=f"{path} on {many(len(names), 'node')} ({some(names)}) {why}",
            remedy="set cni.confPath or cni.binPath in cilium.values to a folder that can be written, which the nodes' "
            f"container run times read; then {_LOOK}"
            if read_only
            else "",
            severity=Severity.WARNING if context.looks_anew else Severity.BLOCKER,
        )
