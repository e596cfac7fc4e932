"""API groups of policies that do not concern pods' traffic, such as admission or build policies: not reported.

A kind with the name of a network policy counts as one in such a group too, unless the whole group is about proxies or
describes objects outside the cluster.
"""

import re
from collections.abc import Iterable

# Admission policies and their reports; distribution of objects over clusters.
_ADMISSION = (
    "policy", "admissionregistration.k8s.io", "*kyverno.io", "wgpolicyk8s.io", "openreports.io", "*gatekeeper.sh",
    "policies.kubewarden.io", "policy.sigstore.dev", "policy.cert-manager.io", "security.openshift.io",
    "*open-cluster-management.io", "*karmada.io", "*kubernetes-fleet.io", "management.cattle.io", "*clastix.io",
)  # fmt: skip
# Images, builds and deployments.
_IMAGES = ("*toolkit.fluxcd.io", "config.openshift.io", "operator.openshift.io", "*argoproj.io")
# Enforced in proxies, sidecars or gateways, which a migration leaves as they are.
_PROXIES = (
    "gateway.networking.k8s.io", "gateway.networking.x-k8s.io", "gateway.envoyproxy.io", "*istio.io", "*linkerd.io",
    "*kuadrant.io", "*nginx.org", "*f5.com", "*konghq.com", "kuma.io", "*consul.hashicorp.com", "*solo.io",
    "*kgateway.dev", "*agentgateway.dev", "*traefik.io", "*ngrok.com", "projectcontour.io", "getambassador.io",
    "application-networking.k8s.aws", "elbv2.k8s.aws", "gateway.k8s.aws", "*skupper.io",
)  # fmt: skip
# Processes, devices of nodes, data, and numbers.
_OTHERS = (
    "*kubearmor.com", "nmstate.io", "sriovnetwork.openshift.io", "*kubevirt.io", "config.kio.kasten.io",
    "triliovault.trilio.io", "*kubeblocks.io", "*rabbitmq.com", "*elastic.co", "sts.min.io", "redhatcop.redhat.io",
    "*longhorn.io", "*x-k8s.io", "networking.gke.io", "*autoscaling.k8s.io", "*keda.sh", "*metrics.k8s.io",
    "operator.tigera.io",
)  # fmt: skip
# A cloud's resources described by objects: its firewalls and security groups surround nodes, and stay.
_CLOUDS = (
    "*cnrm.cloud.google.com", "*services.k8s.aws", "*upbound.io", "*crossplane.io", "*azure.com",
    "infrastructure.cluster.x-k8s.io", "*k-orc.cloud", "*gardener.cloud", "*pulumi.com", "*hashicorp.com",
)  # fmt: skip
# Templates of policies that may be applied later.
_PROPOSED = ("*kubescape.io",)
# Kinds that are only sources or results of other kinds, or proposals.
_KINDS = re.compile(
    r"ProjectNetworkPolicy\.management\.cattle\.io|PolicyRecommendation\w*\.(crd\.)?projectcalico\.org"
    r"|PolicyRecommendation\.operator\.tigera\.io|(Cluster)?PolicyEndpoint\.networking\.k8s\.aws"
)


# Words in a kind's name that identify its subject in any group.
_MATTERS = re.compile(
    r"(Image|Backup|Restore|Snapshot|Retention|Approval|Propagation|Override|Placement|Scaling|Autoscaler|Migration"
    r"|Certificate|Admission|Validating|Mutating|Cleanup|Lifecycle|Upgrade|Rotation|IAM|Role|Bucket|Queue|Replication"
    r"|Storage|Scheduling|Eviction|Remediation|Alert|Notification|Password|Compliance)\w*Polic|Polic\w*Reports?$"
)


def names_another_matter(kind: str) -> bool:
    """True if a kind's name says that it is a policy of something else."""
    return _MATTERS.search(kind) is not None


def _any_of(groups: Iterable[str]) -> re.Pattern[str]:
    """A pattern of the groups; `*.` stands for a group and all its subdomains."""
    return re.compile("|".join(re.escape(each).replace(r"\*", r"(?:[\w.-]+\.)?") for each in groups))


_BUT_FOR_ITS_NAME = _any_of((*_ADMISSION, *_IMAGES, *_OTHERS))
_ALL_OF_IT = _any_of((*_PROXIES, *_CLOUDS, *_PROPOSED))


def is_of_something_else(kind: str, group: str, *, named_of_the_network: bool) -> bool:
    """True if a kind's objects do not concern pods' traffic."""
    if _KINDS.fullmatch(f"{kind}.{group}") or _ALL_OF_IT.fullmatch(group):
        return True
    return not named_of_the_network and has_other_matters(group)


def has_other_matters(group: str) -> bool:
    """True if a group is known, and none of its kinds is about the network."""
    return _BUT_FOR_ITS_NAME.fullmatch(group) is not None or _ALL_OF_IT.fullmatch(group) is not None
