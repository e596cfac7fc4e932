"""Pods that may come to the cordoned node: their template names it, or they tolerate the cordon's taint."""

from tests.placing.case import THREE, Case
from tests.placing.lists import bound, job, mounts, owned
from tests.placing.manifests import HOST, node, pod

JOB, STORE, OLD = ("batch/v1", "Job"), ("apps/v1", "StatefulSet"), ("v1", "ReplicationController")
BACK = "comes back on worker-1, cordoned or not: its template names that node (spec.nodeName)"
ANY = [{"operator": "Exists"}]
ON_HOST = ({"containerPort": 80, "hostPort": 80},)
WEB = pod("web-1", "worker-1")


def nodes_with(third: dict[str, object]) -> tuple[dict[str, object], ...]:
    return (*THREE[:2], third)


NAMED: tuple[Case, ...] = (
    # its own node
    Case(title="a ReplicaSet's own node", told=BACK, pods=[WEB], lists=owned("replicasets", nodeName="worker-1")),
    Case(title="a StatefulSet's own node", told=BACK, pods=[pod("db-0", "worker-1", owner=STORE)],
         lists=owned("statefulsets", "db", nodeName="worker-1")),
    Case(title="a Job's own node", told=BACK, pods=[pod("backup-1", "worker-1", owner=JOB)],
         lists=job(template={"nodeName": "worker-1"})),
    Case(title="a ReplicationController's own node", told=BACK, pods=[pod("web-1", "worker-1", owner=OLD)],
         lists=owned("replicationcontrollers", nodeName="worker-1")),
    Case(title="in place it comes back once", pods=[WEB], lists=owned("replicasets", nodeName="worker-1"),
         settings={"drain": {"inPlace": True}}),
    Case(title="an address that is the node's own does not change", pods=[pod("web-1", "worker-1", hostNetwork=True)],
         lists=owned("replicasets", nodeName="worker-1")),
    # another
    Case(title="another node", pods=[WEB], lists=owned("replicasets", nodeName="worker-2")),
    Case(title="a node that is not there", pods=[WEB], lists=owned("replicasets", nodeName="worker-9"),
         told="has no replacement: its template names node worker-9 (spec.nodeName), which is not there"),
    Case(title="a node that is not there, in place", pods=[WEB], lists=owned("replicasets", nodeName="worker-9"),
         settings={"drain": {"inPlace": True}}, told="names node worker-9 (spec.nodeName), which is not there"),
    Case(title="a named node is NotReady", told="names node worker-3 (spec.nodeName), which is not Ready", pods=[WEB],
         lists=owned("replicasets", nodeName="worker-3"), nodes=nodes_with(node("worker-3", ready=False))),
    Case(title="a named node is full", told="whose kubelet does not take it: without room (cpu)",
         lists=owned("replicasets", nodeName="worker-3"), nodes=nodes_with(node("worker-3", cpu="1")),
         pods=[pod("web-1", "worker-1", asks={"cpu": "2"})]),
    Case(title="a named node has as many pods as it takes", told="with as many pods as its kubelet takes (1)",
         lists=owned("replicasets", nodeName="worker-3"), nodes=nodes_with(node("worker-3", pods="1")),
         pods=[WEB, pod("other-1", "worker-3")]),
    Case(title="a named node is outside its selector", told="outside its node selector or affinity",
         lists=owned("replicasets", nodeName="worker-3"), pods=[pod("web-1", "worker-1", nodeSelector={"a": "b"})]),
    Case(title="a port of a named node", told="where its host port is taken (80/TCP)",
         lists=owned("replicasets", nodeName="worker-3"),
         pods=[pod("web-1", "worker-1", ports=ON_HOST), pod("other-1", "worker-3", ports=ON_HOST)]),
    Case(title="a named node evicts it", told="with a taint that it does not tolerate (maintenance:NoExecute)",
         lists=owned("replicasets", nodeName="worker-3"), pods=[WEB],
         nodes=nodes_with(node("worker-3", taints=["maintenance:NoExecute"]))),
    Case(title="a named node cannot reach its disk", told="that cannot reach its volume (disk-1)",
         lists={**owned("statefulsets", "db", nodeName="worker-3"), **bound(hosts="worker-1")},
         pods=[pod("db-0", "worker-1", owner=STORE, **mounts("data"))]),
    Case(title="the scheduler's taints are not the kubelet's", pods=[WEB],
         lists=owned("replicasets", nodeName="worker-3"),
         nodes=nodes_with(node("worker-3", taints=["gpu:NoSchedule"], cordoned=True))),
    # by toleration
    Case(title="no node but its own, whose cordon it tolerates", pods=[
        pod("web-1", "worker-1", tolerations=ANY, nodeSelector={HOST: "worker-1"})],
        told="comes back on worker-1, cordoned or not: it tolerates the cordon, and no other node takes it"),
    Case(title="another node besides its own, whose cordon it tolerates", pods=[
        pod("web-1", "worker-1", tolerations=ANY)]),
    Case(title="no node but its own", told="has no place: 0 of 3 nodes: 2 outside its node selector or affinity",
         pods=[pod("web-1", "worker-1", nodeSelector={HOST: "worker-1"})]),
)  # fmt: skip
