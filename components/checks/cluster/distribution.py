"""A check of the Kubernetes distribution: whether it reinstalls the old CNI, and whether its nodes can reboot."""

from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity, Unrecognised
from components.sources import generic
from components.sources.distributions.recognition import contradicting, recognised, refused
from components.sources.flannel.embedded import embedded, switched_off
from stacks.sections.node import RestartMethod
from stacks.settle import BINARIES, CONF, DEFAULTS
from stacks.strategies import Milestone


@check(
    id="distribution",
    title="The distribution allows its CNI to be replaced",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "a distribution that brings a CNI along brings it back as well: two networks then write the nodes' CNI conf in "
        "turn, and pods start on either"
    ),
    remedy="stay with its own CNI, go to Cilium in the distribution's own way, or move to a cluster made with Cilium",
)
def distribution(context: Context) -> Iterator[Found]:
    """Findings about the recognised distribution."""
    if not context.ahead(Milestone.OLD_NETWORK_GONE):
        return
    found = recognised(context.snapshot)
    if several := contradicting(found):
        yield Found(
            evidence=f"the cluster has marks of {len(several)} distributions: "
            + "; ".join(each.title for each in several),
            remedy="find out which of them it is and take the marks of the others off; heed what is said of each till "
            "then",
            severity=Severity.WARNING,
            unrecognised=Unrecognised.NODE,
        )
    for each in found:
        known = each.distribution
        if refused(context.snapshot, each):
            yield Found(evidence=f"the cluster is {each.title}: {known.refused}")
        elif known.switch_off and known.brings(context.snapshot):
            yield Found(
                evidence=f"the cluster is {each.title}",
                remedy=known.switch_off,
                severity=Severity.WARNING if known.unsure else Severity.NOTE,
                unrecognised=Unrecognised.NODE if known.unsure else None,
            )
        if known.read_only and context.config.restart.method is RestartMethod.REBOOT:
            yield Found(
                evidence=f"restart.method is 'reboot', and nodes of {each.title} have no program to reboot them with",
                remedy="set restart.method to 'recycle', or to 'command' with the distribution's own tool",
                severity=context.once_nodes_move,
            )
    yield from _in_a_process(context)


def _folders(context: Context) -> str:
    """The remedy's symbolic links, needed where Cilium's conf is in the folders that k3s reads only for its Flannel."""
    cilium = context.cilium
    ours = {CONF: cilium.cni_conf_path, BINARIES: cilium.cni_bin_path}
    links = [f"{DEFAULTS[which]} a link to {path}" for which, path in ours.items() if path != DEFAULTS[which]]
    if not links:
        return ""
    return f"on every node make {' and '.join(links)}, for k3s without its Flannel reads no other folders; then "


def _in_a_process(context: Context) -> Iterator[Found]:
    """Findings about k3s's embedded Flannel: an incomplete `source`, or Flannel still enabled at `cleanup`."""
    found = embedded(context.snapshot)
    if found is None or context.source.kind != generic.KIND:
        return
    missing = [each for each in found.links if each not in context.source.links]
    if missing and context.ahead(Milestone.CILIUM_ALONE):
        yield Found(
            evidence=f"source.links does not name {', '.join(missing)} of k3s's Flannel ({found.evidence})",
            remedy=f"describe it in full: {found.as_source}",
        )
    if context.enters(Milestone.OLD_NETWORK_GONE) and not switched_off(context.snapshot):
        yield Found(
            evidence=f"Flannel still runs in k3s's process ({found.evidence}; k3s.io/node-args of the servers has no "
            "--flannel-backend=none)",
            remedy=f"{_folders(context)}`flannel-backend: none` in /etc/rancher/k3s/config.yaml of every server, and "
            "k3s restarted",
        )
