"""Removes Flannel for good: its objects from the API, then what it left on each node; done twice it does nothing."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.operations import agent as agents
from components.operations.api import Cluster
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.marks import node_path
from components.operations.progress import Progress
from components.words import many

_AT_ONCE = 20
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ANNOTATION_PREFIX = "flannel.alpha.coreos.com/"
# Runs in the agent's container, which has the host's network, its CNI folder and iptables. Chains may be in either
# of iptables' two stores, whichever Flannel's own image preferred.
_SWEEP = r"""
for link in "$1" cni0; do ip link show "$link" >/dev/null 2>&1 && ip link delete "$link"; done
for tool in iptables-nft iptables-legacy ip6tables-nft ip6tables-legacy iptables ip6tables; do
  command -v $tool >/dev/null 2>&1 || continue
  for table in nat filter; do
    $tool -w 5 -t $table -S 2>/dev/null | grep -E -- '^-A [A-Z]+ .*-j FLANNEL-' | sed 's/^-A/-D/' |
      while read -r rule; do eval "$tool -w 5 -t $table $rule"; done
    $tool -w 5 -t $table -S 2>/dev/null | grep -oE -- '^-N FLANNEL-[A-Z]+' | cut -d' ' -f2 |
      while read -r chain; do $tool -w 5 -t $table -F "$chain"; $tool -w 5 -t $table -X "$chain"; done
  done
done
rm -f /host/etc/cni/net.d/*flannel*
ip route flush proto static dev "$1" 2>/dev/null
left=""
for link in "$1" cni0; do ip link show "$link" >/dev/null 2>&1 && left="$left link:$link"; done
for tool in iptables-nft iptables-legacy iptables; do
  command -v $tool >/dev/null 2>&1 || continue
  $tool -w 5 -t nat -S 2>/dev/null | grep -q FLANNEL && left="$left chain:$tool-nat"
  $tool -w 5 -t filter -S 2>/dev/null | grep -q FLANNEL && left="$left chain:$tool-filter"
done
ls /host/etc/cni/net.d | grep -q flannel && left="$left conf:$(ls /host/etc/cni/net.d | grep flannel | tr '\n' ',')"
echo "left:$left"
"""


def remove_flannel(
    cluster: Cluster, *, namespace: str, daemon_set: str, config_map: str, interface: str, cilium_namespace: str,
    timeout_seconds: float,
) -> dict[str, Any]:  # fmt: skip
    """Delete the DaemonSet and all that came with it, wait for its pods, and sweep every node.

    Raises OperationError with a line a node for what could not be removed.
    """
    progress = Progress("Flannel", 3)
    progress.step("objects")
    removed = _remove_objects(cluster, namespace=namespace, daemon_set=daemon_set, config_map=config_map)
    progress.say(f"{len(removed)} removed: {', '.join(removed)}")
    progress.step("pods")
    _wait_until_gone(
        cluster,
        namespace=namespace,
        daemon_set=daemon_set,
        with_namespace=f"Namespace {namespace}" in removed,
        timeout_seconds=timeout_seconds,
    )
    progress.step("nodes")
    found = agents.agents_everywhere(cluster, namespace=cilium_namespace)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        faults = [fault for fault in pool.map(lambda each: _sweep(cluster, each, interface), found) if fault]
    if faults:
        raise OperationError("\n  ".join(faults))
    seconds = progress.done(f"gone from {many(len(found), 'node')}")
    return {"removed": removed, "nodes": len(found), "seconds": seconds}


def _remove_objects(cluster: Cluster, *, namespace: str, daemon_set: str, config_map: str) -> list[str]:
    removed = []

    def delete(path: str, name: str) -> None:
        if cluster.delete(path):
            removed.append(name)

    path = f"/apis/apps/v1/namespaces/{namespace}/daemonsets/{daemon_set}"
    item = cluster.find(path)
    account = "flannel"
    if item:
        account = item["spec"]["template"]["spec"].get("serviceAccountName") or account
    for binding in cluster.list(f"{_RBAC}/clusterrolebindings"):
        subjects = binding.get("subjects") or []
        ours = [each for each in subjects if (each.get("namespace"), each.get("name")) == (namespace, account)]
        if ours and len(ours) == len(subjects):
            name, role = binding["metadata"]["name"], binding["roleRef"]["name"]
            delete(f"{_RBAC}/clusterrolebindings/{name}", f"ClusterRoleBinding {name}")
            if "flannel" in role:
                delete(f"{_RBAC}/clusterroles/{role}", f"ClusterRole {role}")
    delete(path, f"DaemonSet {namespace}/{daemon_set}")
    delete(f"/api/v1/namespaces/{namespace}/configmaps/{config_map}", f"ConfigMap {namespace}/{config_map}")
    if account != "default":
        delete(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}", f"ServiceAccount {namespace}/{account}")
    if _is_empty_and_its_own(cluster, namespace, daemon_set):
        delete(f"/api/v1/namespaces/{namespace}", f"Namespace {namespace}")
    return removed


def _is_empty_and_its_own(cluster: Cluster, namespace: str, daemon_set: str) -> bool:
    if "flannel" not in namespace:
        return False
    others = [
        item["metadata"]["name"]
        for kind in ("apis/apps/v1/namespaces/{}/daemonsets", "apis/apps/v1/namespaces/{}/deployments",
                     "apis/apps/v1/namespaces/{}/statefulsets")
        for item in cluster.list("/" + kind.format(namespace))
        if item["metadata"]["name"] != daemon_set
    ]  # fmt: skip
    return not others and cluster.find(f"/api/v1/namespaces/{namespace}") is not None


def _wait_until_gone(
    cluster: Cluster, *, namespace: str, daemon_set: str, with_namespace: bool, timeout_seconds: float
) -> None:
    def gone() -> Pending | None:
        left = [
            item["metadata"]["name"]
            for item in cluster.list(f"/api/v1/namespaces/{namespace}/pods")
            if any(owner["name"] == daemon_set for owner in item["metadata"].get("ownerReferences") or [])
        ]
        if left:
            return Pending(f"{len(left)} left: {', '.join(left[:5])}")
        if with_namespace and cluster.find(f"/api/v1/namespaces/{namespace}"):
            return Pending(f"namespace {namespace} is still terminating")
        return None

    wait_until(
        gone,
        what=f"DaemonSet {namespace}/{daemon_set}: its pods gone",
        deadline=Deadline(timeout_seconds),
        remedy=f"does a controller re-create it (Argo CD, Flux, an addon manager)? `kubectl -n {namespace} get pods`",
    )


def _sweep(cluster: Cluster, agent: agents.Agent, interface: str) -> str | None:
    output = agents.run_in_agent(cluster, agent, ["sh", "-c", _SWEEP, "sweep", interface or "flannel.1"])
    left = output.strip().splitlines()[-1].removeprefix("left:").strip()
    if left:
        return f"node {agent.node}: could not remove {left}; remove it by hand and run `pulumi up` again"
    annotations = cluster.get(node_path(agent.node))["metadata"].get("annotations") or {}
    old = {key: None for key in annotations if key.startswith(_ANNOTATION_PREFIX)}
    if old:
        cluster.patch(node_path(agent.node), {"metadata": {"annotations": old}})
    return None
