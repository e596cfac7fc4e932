"""Target groups of AWS load balancers with pods as targets, by annotation or by default."""

from collections.abc import Mapping
from functools import partial

from components.operations.addresses.outside_addresses import served
from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.denials import unless_denied
from components.operations.cluster_api.errors import Object

GROUP = "elbv2.k8s.aws"
KINDS: Mapping[str, str] = {"ingressclassparams": "IngressClassParams", "targetgroupbindings": "TargetGroupBinding"}
_PODS_THEMSELVES = "ip"


def target_groups(cluster: Cluster) -> list[str]:
    """Titles of target groups with pods as targets; a denied list is empty, as the check of permissions reports it.

    Raises ClusterError.
    """
    found: list[str] = []
    for plural, path in served(cluster, GROUP, KINDS):
        none: list[tuple[str, str]] = []
        items = unless_denied(partial(cluster.read_all, path, _place_and_target), none)
        found += [
            f"{KINDS[plural]} {place} (targetType: {target})" for place, target in items if target == _PODS_THEMSELVES
        ]
    return found


def _place_and_target(item: Object) -> tuple[str, str]:
    metadata = item["metadata"]
    place = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    return place, str((item.get("spec") or {}).get("targetType") or "").lower()
