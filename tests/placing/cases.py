"""Pods that nodes, neighbours and amounts give a place to, or not, when `worker-1` is drained."""

from typing import Any

from tests.placing.case import THREE, ZONES, Case
from tests.placing.manifests import HOST, ZONE, Object, apart, near, node, on_nodes, pod, spread

ON_HOST = ({"containerPort": 80, "hostPort": 80},)
GPU = {"nvidia.com/gpu": "1"}
OTHERS = ("worker-2", "worker-3")
STORE = ("apps/v1", "StatefulSet")
TERMS = {"operator": "In", "values": ["a"]}


def each_has(name: str, **spec: Any) -> list[Object]:
    """A pod of one workload on each of three nodes."""
    return [pod(f"{name}-{number}", f"worker-{number}", **spec) for number in (1, 2, 3)]


def on_others(name: str, **spec: Any) -> list[Object]:
    return [pod(f"{name}-{number}", other, **spec) for number, other in enumerate(OTHERS)]


PLACED: tuple[Case, ...] = (
    Case(title="nothing special", pods=each_has("web")),
    # topology spread
    Case(title="one on each host", pods=each_has("web", topologySpreadConstraints=spread("web")),
         told="0 of 3 nodes: 2 where its topology spread would be broken (maxSkew 1 over kubernetes.io/hostname), "
         "worker-1 cordoned for the wave: the drain waits 300 s"),
    Case(title="one on each host, cordoned nodes left out",
         pods=each_has("web", topologySpreadConstraints=spread("web", nodeTaintsPolicy="Honor"))),
    Case(title="a skew of two", pods=each_has("web", topologySpreadConstraints=spread("web", maxSkew=2))),
    Case(title="only a wish", pods=each_has("web", topologySpreadConstraints=spread(
        "web", whenUnsatisfiable="ScheduleAnyway"))),
    Case(title="zones, of which one goes", nodes=ZONES, told="maxSkew 1 over topology.kubernetes.io/zone",
         pods=each_has("web", topologySpreadConstraints=spread("web", ZONE))),
    Case(title="more domains wanted than there are", told="topology spread would be broken",
         pods=each_has("web", topologySpreadConstraints=spread("web", minDomains=4, nodeTaintsPolicy="Honor"))),
    Case(title="nodes of the selector alone are domains",
         nodes=(node("worker-1", labels={"pool": "b"}), *(node(each, labels={"pool": "a"}) for each in OTHERS)),
         pods=[pod("web-1", "worker-1", topologySpreadConstraints=spread("web"), nodeSelector={"pool": "a"}),
               *on_others("web")]),
    Case(title="a release of its own", pods=[
        pod("web-1", "worker-1", labels={"rev": "2"}, topologySpreadConstraints=spread("web", matchLabelKeys=["rev"])),
        *on_others("web", labels={"rev": "1"})]),
    Case(title="no such domain", told="without the label of its topology spread (rack)",
         pods=[pod("web-1", "worker-1", topologySpreadConstraints=spread("web", "rack"))]),
    # nodes that it chooses
    Case(title="a label of this node", nodes=(node("worker-1", labels={"gpu": "a100"}), *THREE[1:]),
         pods=[pod("job-1", "worker-1", nodeSelector={"gpu": "a100"})],
         told="2 outside its node selector or affinity, worker-1 cordoned for the wave"),
    Case(title="an affinity to this zone", nodes=ZONES, told="outside its node selector or affinity",
         pods=[pod("job-1", "worker-1", affinity=on_nodes({"key": ZONE, **TERMS}))]),
    Case(title="an affinity to more than there is", told="outside its node selector or affinity",
         nodes=tuple(node(f"worker-{number}", labels={"cores": str(8 // number)}) for number in (1, 2, 3)),
         pods=[pod("job-1", "worker-1", affinity=on_nodes({"key": "cores", "operator": "Gt", "values": ["4"]}))]),
    Case(title="anywhere but in zone a", nodes=ZONES,
         pods=[pod("job-1", "worker-1", affinity=on_nodes({"key": ZONE, "operator": "NotIn", "values": ["a"]}))]),
    Case(title="its host by name", told="outside its node selector",
         pods=[pod("db-0", "worker-1", nodeSelector={HOST: "worker-1"})]),
    # taints
    Case(title="others are tainted", told="with a taint that it does not tolerate (team=b:NoSchedule)",
         nodes=(THREE[0], *(node(each, taints=["team=b:NoSchedule"]) for each in OTHERS)),
         pods=[pod("web-1", "worker-1")]),
    Case(title="tolerates them", nodes=(THREE[0], *(node(each, taints=["team=b:NoExecute"]) for each in OTHERS)),
         pods=[pod("web-1", "worker-1", tolerations=[{"key": "team", "value": "b"}])]),
    Case(title="another taint of that key", told="(team=c:NoExecute)",
         nodes=(THREE[0], *(node(each, taints=["team=c:NoExecute"]) for each in OTHERS)),
         pods=[pod("web-1", "worker-1", tolerations=[{"key": "team", "value": "b"}])]),
    Case(title="tolerates a cordon, and comes back", pods=each_has(
        "web", topologySpreadConstraints=spread("web"), tolerations=[{"operator": "Exists"}]),
        told="comes back on worker-1, cordoned or not: it tolerates the cordon, and no other node takes it"),
    Case(title="the others are away", told="worker-2 cordoned, worker-1 cordoned for the wave, worker-3 not Ready",
         nodes=(THREE[0], node("worker-2", cordoned=True), node("worker-3", ready=False)),
         pods=[pod("web-1", "worker-1")]),
    # neighbours
    Case(title="near what stays", told="without the pods that it must be near (by kubernetes.io/hostname)",
         pods=[pod("web-1", "worker-1", affinity=near("cache")),
               pod("cache-1", "worker-1", app="cache", owner=("apps/v1", "DaemonSet"))],
         lists={"daemonsets": [{"metadata": {"namespace": "shop", "name": "cache"}}]}),
    Case(title="near what goes too", pods=[pod("web-1", "worker-1", affinity=near("cache")),
                                           pod("cache-1", "worker-1", owner=STORE)]),
    Case(title="near themselves", pods=[pod("web-1", "worker-1", affinity=near("web")),
                                        pod("web-2", "worker-1", affinity=near("web"))]),
    Case(title="near pods of another namespace that are nowhere", told="without the pods that it must be near",
         pods=[pod("web-1", "worker-1", affinity=near("cache", namespaces=["other"])),
               pod("cache-1", "worker-2")]),
    Case(title="each apart from each", told="with pods that it must not be near (by kubernetes.io/hostname)",
         pods=each_has("web", affinity=apart("web"))),
    Case(title="apart by zone", nodes=ZONES, told="with pods that it must not be near (by topology.kubernetes.io/zone)",
         pods=[pod("web-1", "worker-1", affinity=apart("web", ZONE)), pod("web-2", "worker-2")]),
    Case(title="others keep it away", told="with pods that must not be near it (by kubernetes.io/hostname)",
         pods=[pod("web-1", "worker-1"), *on_others("lonely", affinity=apart("web"))]),
    Case(title="others keep away those of their own namespace",
         pods=[pod("web-1", "worker-1"), *on_others("lonely", namespace="other", affinity=apart("web"))]),
    Case(title="two that go exclude each other", nodes=THREE[:2], told="with pods that it must not be near",
         pods=[pod("web-1", "worker-1", affinity=apart("web")), pod("web-2", "worker-1", affinity=apart("web"))]),
    # amounts
    Case(title="no cores", told="2 without room (cpu)", pods=[pod("big-1", "worker-1", asks={"cpu": "3"}),
                                                              *on_others("other", asks={"cpu": "1500m"})]),
    Case(title="together too much", told="without room (memory)", nodes=THREE[:2],
         pods=[pod("a-1", "worker-1", asks={"memory": "5Gi"}), pod("b-1", "worker-1", asks={"memory": "5Gi"})]),
    Case(title="one on each", pods=[pod("a-1", "worker-1", asks={"memory": "5Gi"}),
                                    pod("b-1", "worker-1", asks={"memory": "5Gi"})]),
    Case(title="scratch space", told="without room (ephemeral-storage)",
         pods=[pod("a-1", "worker-1", asks={"ephemeral-storage": "30Gi"})]),
    Case(title="a device that others lack", told="2 without room (nvidia.com/gpu)",
         nodes=(node("worker-1", nvidia_com__gpu="1"), *THREE[1:]),
         pods=[pod("train-1", "worker-1", asks=GPU, limits=GPU)]),
    Case(title="huge pages", told="without room (hugepages-2Mi)",
         pods=[pod("db-1", "worker-1", asks={"hugepages-2Mi": "64Mi"})]),
    Case(title="a kubelet's most pods", told="with as many pods as its kubelet takes (1)",
         nodes=(THREE[0], *(node(each, pods="1") for each in OTHERS)),
         pods=[pod("web-1", "worker-1"), *on_others("other")]),
    Case(title="a first container that asks more", told="without room (cpu)",
         pods=[pod("web-1", "worker-1", initContainers=[
             {"name": "first", "resources": {"requests": {"cpu": "5"}}}])]),
    Case(title="a sidecar beside it", told="without room (cpu)",
         pods=[pod("web-1", "worker-1", asks={"cpu": "2500m"}, initContainers=[
             {"name": "side", "restartPolicy": "Always", "resources": {"requests": {"cpu": "2"}}}])]),
    Case(title="an overhead", told="without room (memory)",
         pods=[pod("web-1", "worker-1", asks={"memory": "7Gi"}, overhead={"memory": "2Gi"})]),
    Case(title="by preemption", told="has a place only where pods of lower priority go for it, as on worker-",
         pods=[pod("big-1", "worker-1", asks={"cpu": "3"}, priority=100), *on_others("low", asks={"cpu": "3"})]),
    Case(title="no preemption", told="has no place", pods=[
        pod("big-1", "worker-1", asks={"cpu": "3"}, priority=100, preemptionPolicy="Never"),
        *on_others("low", asks={"cpu": "3"})]),
    # host ports
    Case(title="its port is taken", told="2 where its host port is taken (80/TCP)",
         pods=each_has("edge", ports=ON_HOST)),
    Case(title="of another protocol", pods=[pod("edge-1", "worker-1", ports=ON_HOST),
                                            *on_others("dns", ports=[{**ON_HOST[0], "protocol": "UDP"}])]),
    Case(title="on the host network", told="(9100/TCP)",
         pods=each_has("exporter", hostNetwork=True, ports=[{"containerPort": 9100}])),
    Case(title="of one address", pods=[
        pod("edge-1", "worker-1", ports=[{**ON_HOST[0], "hostIP": "127.0.0.1"}]),
        *on_others("other", ports=[{**ON_HOST[0], "hostIP": "10.0.0.1"}])]),
)  # fmt: skip
