"""Removal of the old CNI's API objects: its workloads, and all objects that serve only these."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import Object

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_APPS, _POLICY = "/apis/apps/v1/namespaces", "/apis/policy/v1/namespaces"
_BOOTSTRAPPING = "kubernetes.io/bootstrapping"
_WORKLOADS = ("daemonsets", "deployments", "statefulsets")


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """By namespace: names of what goes; `groups` are API groups whose kinds go with all their objects.

    Of these the kinds that are `written_by_users`, by their plurals, stay as long as they have objects.
    """

    namespace: str
    daemon_sets: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    config_maps: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    written_by_users: tuple[str, ...] = ()
    with_namespace: bool = False


@dataclass(frozen=True, kw_only=True)
class Removed:
    """The removed objects, and those kept on purpose, with the reason."""

    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(removed=self.removed + other.removed, kept=self.kept + other.kept)


def remove_objects(cluster: Cluster, belongings: Belongings) -> Removed:
    """Delete the belongings, workloads first; objects that are gone already are skipped."""
    space, removed = belongings.namespace, list[str]()

    def delete(folder: str, kind: str, names: Sequence[str]) -> None:
        for name in names:
            if name and cluster.delete(f"{folder}/{name}"):
                removed.append(f"{kind} {name}" if folder.startswith(_RBAC) else f"{kind} {space}/{name}")

    needed = _needed_by_others(cluster, belongings)
    accounts = (set(belongings.accounts) | _accounts(cluster, belongings)) - needed
    config_maps = [each for each in belongings.config_maps if each not in needed]
    kept = Removed(
        kept=tuple(
            f"{each} of namespace {space}, which another workload there needs"
            for each in sorted(needed & {*belongings.config_maps, *belongings.accounts})
        )
    )
    bindings, roles = _roles_of(cluster, space, accounts)
    delete(f"{_APPS}/{space}/daemonsets", "DaemonSet", belongings.daemon_sets)
    delete(f"{_APPS}/{space}/deployments", "Deployment", belongings.deployments)
    delete(f"{_POLICY}/{space}/poddisruptionbudgets", "PodDisruptionBudget", belongings.budgets)
    delete(f"/api/v1/namespaces/{space}/services", "Service", belongings.services)
    delete(f"{_RBAC}/clusterrolebindings", "ClusterRoleBinding", bindings)
    delete(f"{_RBAC}/clusterroles", "ClusterRole", roles)
    delete(f"/api/v1/namespaces/{space}/configmaps", "ConfigMap", config_maps)
    delete(f"/api/v1/namespaces/{space}/serviceaccounts", "ServiceAccount", sorted(accounts - {"default"}))
    kinds = _remove_kinds(cluster, belongings)
    if belongings.with_namespace and _is_empty(cluster, space) and cluster.delete(f"/api/v1/namespaces/{space}"):
        removed.append(f"Namespace {space}")
    return Removed(removed=tuple(removed)) + kept + kinds


def _needed_by_others(cluster: Cluster, belongings: Belongings) -> set[str]:
    """Names of ConfigMaps and ServiceAccounts that remaining workloads of the namespace use, as those for Windows."""
    going = {*belongings.daemon_sets, *belongings.deployments}
    found = set()
    for kind in _WORKLOADS if belongings.daemon_sets else ():
        for item in cluster.list(f"{_APPS}/{belongings.namespace}/{kind}"):
            spec = item["spec"]["template"]["spec"]
            if item["metadata"]["name"] not in going and not item["metadata"].get("deletionTimestamp"):
                found.add(spec.get("serviceAccountName") or "default")
                found |= {
                    each["configMap"].get("name", "") for each in spec.get("volumes") or [] if "configMap" in each
                }
    return found


def _accounts(cluster: Cluster, belongings: Belongings) -> set[str]:
    """The ServiceAccounts of the workloads."""
    found = set()
    for kind, names in (("daemonsets", belongings.daemon_sets), ("deployments", belongings.deployments)):
        for name in names:
            item = cluster.find(f"{_APPS}/{belongings.namespace}/{kind}/{name}")
            if item:
                found.add(item["spec"]["template"]["spec"].get("serviceAccountName") or "default")
    return found


def _roles_of(cluster: Cluster, namespace: str, accounts: set[str]) -> tuple[list[str], list[str]]:
    """(ClusterRoleBindings of these accounts alone, ClusterRoles without any other binding)."""
    own = {(namespace, account) for account in accounts - {"default"}}
    ours, others = list[Object](), list[Object]()
    for binding in cluster.list(f"{_RBAC}/clusterrolebindings"):
        subjects = {(each.get("namespace"), each.get("name")) for each in binding.get("subjects") or []}
        (ours if subjects and subjects <= own else others).append(binding)
    elsewhere = {each["roleRef"]["name"] for each in (*others, *cluster.list(f"{_RBAC}/rolebindings"))}
    wanted = {each["roleRef"]["name"] for each in ours} - elsewhere
    roles = [
        each["metadata"]["name"]
        for each in cluster.list(f"{_RBAC}/clusterroles")
        if each["metadata"]["name"] in wanted and _BOOTSTRAPPING not in (each["metadata"].get("labels") or {})
    ]
    return [each["metadata"]["name"] for each in ours], roles


def _remove_kinds(cluster: Cluster, belongings: Belongings) -> Removed:
    """Custom kinds go with all their objects, so those that hold what people wrote stay."""
    removed, kept = list[str](), list[str]()
    for item in cluster.list(_KINDS) if belongings.groups else []:
        spec, name = item["spec"], item["metadata"]["name"]
        if spec["group"] not in belongings.groups or item["metadata"].get("deletionTimestamp"):
            continue
        if spec["names"]["plural"] in belongings.written_by_users:
            version = next(each["name"] for each in spec["versions"] if each.get("served"))
            objects = cluster.list(f"/apis/{spec['group']}/{version}/{spec['names']['plural']}")
            if objects:
                kept.append(f"CustomResourceDefinition {name}, as {len(objects)} objects of it are somebody's work")
                continue
        if cluster.delete(f"{_KINDS}/{name}"):
            removed.append(f"CustomResourceDefinition {name}")
    return Removed(removed=tuple(removed), kept=tuple(kept))


def _is_empty(cluster: Cluster, namespace: str) -> bool:
    return not any(cluster.list(f"{_APPS}/{namespace}/{kind}") for kind in _WORKLOADS)
