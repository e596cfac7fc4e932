"""Checks of versions: Cilium's, Kubernetes', the nodes' kernels."""

import re
from collections import defaultdict
from collections.abc import Iterator

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.checks.framework.kernels import older_than
from components.checks.framework.name_lists import some
from components.plurals import many
from stacks.cilium_versions import REQUIREMENTS, Minor, minor_of, shown
from stacks.strategies import Milestone

_KUBERNETES_FIRST = (1, 21)
# Red Hat backports the required features into this one (Cilium's system requirements: 4.18 on RHEL 8.10).
_RED_HAT_8 = re.compile(r"^4\.18\..*\.el8_(\d+)")
_RED_HAT_8_FIRST = 10


@check(
    id="cilium-version",
    title="Cilium's version is known",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "chart values, ConfigMap keys and the CiliumNodeConfig's version change between releases (cilium PR #31721, "
        "#44739); this program knows those of 1.16 to 1.20"
    ),
    remedy="set cilium.version to a release of 1.16 to 1.20",
)
def cilium_version(context: Context) -> Iterator[Found]:
    """A finding if the program does not know the chosen release of Cilium."""
    if minor_of(context.config.cilium.version) not in REQUIREMENTS and context.ahead(Milestone.OLD_NETWORK_GONE):
        yield Found(evidence=f"cilium.version {context.config.cilium.version} is not one that this program knows")


@check(
    id="kubernetes-version",
    title="Kubernetes is new enough",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why="Cilium's chart is not installed on an older one (its Chart.yaml: kubeVersion >= 1.21.0-0)",
    remedy="upgrade Kubernetes first",
)
def kubernetes_version(context: Context) -> Iterator[Found]:
    """A finding if Cilium's chart refuses the API server's version."""
    version = context.snapshot.version
    if version and version < _KUBERNETES_FIRST and context.ahead(Milestone.BOTH_NETWORKS):
        yield Found(evidence=f"the API server is {context.snapshot.server_version}")


@check(
    id="kubernetes-tested",
    title="Cilium is tested with this Kubernetes",
    severity=Severity.WARNING,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "each minor release of Cilium is tested with four of Kubernetes; with others it depends on what Kubernetes "
        "keeps compatible (Cilium's page on Kubernetes compatibility)"
    ),
    remedy="take a release of Cilium that is tested with it, or try this one on a cluster like it first",
)
def kubernetes_tested(context: Context) -> Iterator[Found]:
    """A finding if Cilium's developers do not test this release with the cluster's Kubernetes version."""
    version, chosen = context.snapshot.version, minor_of(context.config.cilium.version)
    needs = REQUIREMENTS.get(chosen)
    if version is None or needs is None or needs.tests(version) or not context.ahead(Milestone.BOTH_NETWORKS):
        return
    if version < _KUBERNETES_FIRST:
        return  # a blocker of its own
    first, last = needs.kubernetes
    others = [shown(minor) for minor, each in REQUIREMENTS.items() if each.tests(version)]
    yield Found(
        evidence=f"Kubernetes is {context.snapshot.server_version}, Cilium {shown(chosen)} is tested with "
        f"{shown(first)} to {shown(last)}",
        remedy=f"set cilium.version to a release of {' or '.join(others)}, tested with it" if others else "",
    )


@check(
    id="kernel-version",
    title="The nodes' kernels are new enough",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "Cilium's agent does not start, or lacks half of its programs, on an older kernel: 5.4 for 1.16 and 1.17, 5.10 "
        "from 1.18 on, or 4.18 of RHEL 8.10 (Cilium's system requirements)"
    ),
    remedy="upgrade these nodes first, or choose a cilium.version that runs on them",
)
def kernel_version(context: Context) -> Iterator[Found]:
    """Findings about nodes whose kernel is older than this Cilium needs."""
    chosen = minor_of(context.config.cilium.version)
    needs = REQUIREMENTS.get(chosen)
    if needs is None or not context.ahead(Milestone.CILIUM_ALONE):
        return
    old: dict[str, list[str]] = defaultdict(list)
    for name, state in sorted(context.snapshot.node_states.items()):
        if _too_old(state.kernel, needs.kernel):
            old[state.kernel].append(name)
    for kernel, nodes in sorted(old.items()):
        yield Found(
            evidence=f"{many(len(nodes), 'node')} ({some(nodes)}) with kernel {kernel}, Cilium {shown(chosen)} needs "
            f"{shown(needs.kernel)} or later",
        )


def _too_old(kernel: str, first: Minor) -> bool:
    red_hat = _RED_HAT_8.match(kernel)
    return older_than(kernel, first) and not (red_hat and int(red_hat[1]) >= _RED_HAT_8_FIRST)
