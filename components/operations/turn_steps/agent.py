"""The Cilium agent of one node: find it, start it anew, and see by its data path, not its readiness, that it works."""

from collections.abc import Callable
from dataclasses import dataclass

from components.operations.cluster_api.api import Cluster
from components.operations.cluster_api.errors import ClusterError, beginning_of
from components.operations.deadline import Deadline, OperationError, Pending, wait_until
from components.operations.objects.model import Node
from components.operations.turn_annotations import assert_there
from stacks.values import HOST_CONF_FOLDER

AGENT_SELECTOR = "k8s-app=cilium"
AGENT_CONTAINER = "cilium-agent"


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent's pod as it is now; `run` changes whenever its container is started anew."""

    namespace: str
    name: str
    uid: str
    node: str
    ready: bool
    run: str
    created: str
    why_not: str

    @property
    def path(self) -> str:
        """The pod's path in the API."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"


def _read(item: dict[str, object]) -> Agent:
    metadata, spec, status = item["metadata"], item["spec"], item.get("status") or {}
    assert isinstance(metadata, dict)
    assert isinstance(spec, dict)
    assert isinstance(status, dict)
    containers = [each for each in status.get("containerStatuses") or [] if each["name"] == AGENT_CONTAINER]
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    waiting = [
        f"{each['name']} {state.get('reason', '')}"
        for each in [*(status.get("initContainerStatuses") or []), *containers]
        if (state := (each.get("state") or {}).get("waiting"))
    ]
    return Agent(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        node=spec.get("nodeName", ""),
        ready=(conditions.get("Ready") or {}).get("status") == "True" and "deletionTimestamp" not in metadata,
        run=f"{metadata['uid']} {containers[0].get('containerID', '') if containers else ''}",
        created=metadata["creationTimestamp"],
        why_not=f"pod {metadata['namespace']}/{metadata['name']} is {status.get('phase')} {', '.join(waiting)}".strip(),
    )


def agents(cluster: Cluster, *, namespace: str, node: str = "") -> list[Agent]:
    """The agents' pods, of one node or of all."""
    field = f"spec.nodeName={node}" if node else ""
    items = cluster.list(f"/api/v1/namespaces/{namespace}/pods", labelSelector=AGENT_SELECTOR, fieldSelector=field)
    return [_read(item) for item in items]


def agents_everywhere(cluster: Cluster, *, namespace: str) -> list[Agent]:
    """The agents' pods of all machines that there are.

    The pod of a node that was deleted outlives it for a while, and that of a virtual one never starts.
    """
    names = {node.name for node in map(Node.read, cluster.list("/api/v1/nodes")) if node.runs_linux}
    return [agent for agent in agents(cluster, namespace=namespace) if agent.node in names]


def wait_ready(cluster: Cluster, node: str, *, namespace: str, timeout_seconds: float, other_than: str = "") -> Agent:
    """Wait until the node's agent is Ready, in another run than `other_than` where that is given."""
    return _wait(
        cluster,
        node,
        namespace=namespace,
        timeout_seconds=timeout_seconds,
        what="Ready",
        accepted=lambda agent: agent.run != other_than,
    )


def restart(cluster: Cluster, node: str, *, namespace: str, timeout_seconds: float) -> Agent:
    """Re-create the node's agent and wait until the new one is Ready: this is what makes a node config take effect."""
    before = agents(cluster, namespace=namespace, node=node)
    for agent in before:
        cluster.delete(agent.path, uid=agent.uid)
    old = {agent.uid for agent in before}
    return _wait(
        cluster,
        node,
        namespace=namespace,
        timeout_seconds=timeout_seconds,
        what="re-created and Ready",
        accepted=lambda agent: agent.uid not in old,
    )


def _wait(
    cluster: Cluster,
    node: str,
    *,
    namespace: str,
    timeout_seconds: float,
    what: str,
    accepted: Callable[[Agent], bool],
) -> Agent:
    def found() -> Agent | Pending:
        present = agents(cluster, namespace=namespace, node=node)
        if not present:
            assert_there(cluster, node)
        fresh = [agent for agent in present if agent.ready and accepted(agent)]
        if fresh:
            return fresh[0]
        return Pending("; ".join(agent.why_not for agent in present) or "the DaemonSet has no pod there")

    return wait_until(
        found,
        what=f"node {node}: Cilium agent {what}",
        deadline=Deadline(timeout_seconds),
        remedy=f"`kubectl -n {namespace} get pods -l {AGENT_SELECTOR} --field-selector spec.nodeName={node} -o name | "
        f"xargs -r kubectl -n {namespace} describe` and its log say why; then `pulumi up` again",
    )


def run_in_agent(cluster: Cluster, agent: Agent, command: list[str], *, timeout_seconds: float = 60) -> str:
    """The output of a command in the agent's container; raises OperationError if it fails."""
    result = cluster.execute(
        namespace=agent.namespace,
        pod=agent.name,
        container=AGENT_CONTAINER,
        command=command,
        timeout_seconds=timeout_seconds,
    )
    if result.exit_code != 0:
        raise OperationError(
            f"node {agent.node}: `{beginning_of(command)}` in its Cilium agent ended with {result.exit_code}: "
            f"{result.output.strip()[-300:]}"
        )
    return result.output


def cni_conf(cluster: Cluster, agent: Agent) -> list[str]:
    """File names in the node's CNI conf folder, in the order in which the container run time reads them."""
    return sorted(run_in_agent(cluster, agent, ["ls", "-1", HOST_CONF_FOLDER]).split())


def active_conf(files: list[str]) -> list[str]:
    """Those of the files that the container run time reads; it uses the first."""
    return [file for file in files if file.endswith((".conf", ".conflist", ".json"))]


def wait_for_cni_conf(cluster: Cluster, agent: Agent, *, name: str, timeout_seconds: float) -> list[str]:
    """Wait until the agent has written its CNI conf and put every other out of use; returns the file names."""

    def alone() -> list[str] | Pending:
        files = cni_conf(cluster, agent)
        active = active_conf(files)
        return files if active == [name] else Pending(f"the active files are {', '.join(active) or 'none'}")

    return wait_until(
        alone,
        what=f"node {agent.node}: {name} is the only CNI conf",
        deadline=Deadline(timeout_seconds),
        remedy="does a CiliumNodeConfig select the node? `kubectl get ciliumnodeconfigs -A -o yaml` has the selectors, "
        f"`kubectl get node {agent.node} --show-labels` the labels",
    )


def tunnel_fault(cluster: Cluster, agent: Agent, *, protocol: str) -> str | None:
    """The fault of the agent's tunnel, or None; checked apart, as an agent whose port was taken still says Ready."""
    device = f"cilium_{protocol}"
    try:
        result = cluster.execute(
            namespace=agent.namespace,
            pod=agent.name,
            container=AGENT_CONTAINER,
            command=["cat", f"/sys/class/net/{device}/flags"],
        )
    except ClusterError as error:
        return f"node {agent.node}: its agent cannot be asked ({error}); look at the node's kubelet"
    if result.exit_code != 0:
        return (
            f"node {agent.node}: {device} does not exist, so Cilium's overlay carries nothing though its agent is Ready"
        )
    if not int(result.output.strip(), 16) & 1:
        return f"node {agent.node}: {device} is down: Cilium's overlay carries nothing though its agent is Ready"
    return None
