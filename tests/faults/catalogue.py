"""Every fault of the table, in the order of a node's turn."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from components.names import NAMESPACE
from components.operations.marks import node_path
from components.operations.model import Pod
from components.operations.probe_logs import read_probes
from scripts.lab.session import diagnostics
from scripts.lab.simulated.faults import BrokenFlow, Faults
from stacks.values import MIGRATED_LABEL
from tests.faults.fault import Fault, Scene
from tests.faults.site import eventually, existing

SHORT_DRAIN = {"drain": {"timeoutSeconds": 5, "replacementsTimeoutSeconds": 20}}
SHORT_AGENT = {"cilium": {"timeoutSeconds": 6}}
REBOOT = {"restart": {"method": "reboot", "timeoutSeconds": 6}}
WATCHED = {"traffic": {"enabled": True, "baselineSeconds": 4, "soakSeconds": 6}}
BYSTANDER = "worker-60"
HOLD = {"metadata": {"finalizers": ["example.com/hold"]}}
_HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


Make = Callable[[Scene], AbstractContextManager[None]]


def node_is(**faults: Any) -> Make:
    return lambda scene: scene.node_faults(**faults)


def pods_are(beginning: str = "", **faults: Any) -> Make:
    return lambda scene: scene.pod_faults(beginning, **faults)


@contextmanager
def _sick_neighbour(scene: Scene) -> Iterator[None]:
    """The budget counts on a pod that never becomes Ready, so it has no headroom, though it could have."""
    scene.work.deployment("sick", scene.node, replicas=1, **{"simulated/stays": "crashing"})
    scene.work.budget(available=3)
    yield
    scene.work.loosen()


@contextmanager
def budget_for_ever(scene: Scene) -> Iterator[None]:
    with _sick_neighbour(scene):
        yield


@contextmanager
def budget_for_a_while(scene: Scene) -> Iterator[None]:
    with _sick_neighbour(scene):
        scene.when("waiting \\(", scene.work.loosen)
        yield


@contextmanager
def budget_with_no_headroom(scene: Scene) -> Iterator[None]:
    scene.work.budget(available=3)
    yield
    scene.work.loosen()


@contextmanager
def second_budget(scene: Scene) -> Iterator[None]:
    with _sick_neighbour(scene):
        scene.when("waiting \\(", lambda: scene.work.budget(name="second", available=1))
        yield
        scene.work.cluster.delete(scene.work.path("poddisruptionbudgets", "second", group="/apis/policy/v1"))


@contextmanager
def pod_of_nobody(scene: Scene) -> Iterator[None]:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lone"},
        "spec": {"nodeName": scene.node, "containers": [{"name": "main", "image": "example"}]},
    }
    with existing(scene.work.cluster, scene.work.path("pods"), pod):
        yield


@contextmanager
def finalizer(scene: Scene) -> Iterator[None]:
    path = scene.work.path("pods", scene.work.ready()[0].name)
    scene.work.cluster.patch(path, HOLD)
    yield
    scene.work.cluster.patch(path, {"metadata": {"finalizers": None}})


@contextmanager
def webhook_down(scene: Scene) -> Iterator[None]:
    with existing(scene.work.cluster, _HOOKS, _hook(scene.work.namespace)):
        yield


@contextmanager
def webhook_down_for_our_pods(scene: Scene) -> Iterator[None]:
    with existing(scene.work.cluster, _HOOKS, _hook(NAMESPACE)):
        yield


def _hook(namespace: str) -> dict[str, object]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    hook = {
        "name": "policy.example.com",
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "down"},
        "webhooks": [hook],
    }


@contextmanager
def namespace_terminating(scene: Scene) -> Iterator[None]:
    with _sick_neighbour(scene):
        scene.when("waiting \\(", lambda: scene.work.cluster.delete(f"/api/v1/namespaces/{scene.work.namespace}"))
        yield


@contextmanager
def api_server_killed(scene: Scene) -> Iterator[None]:
    with scene.pod_faults(terminate_seconds=3):
        scene.when("pods to evict", lambda: scene.site.plane.kill("kube-apiserver"))
        scene.when("pods to evict", lambda: scene.later(7, scene.site.plane.start))
        yield


@contextmanager
def etcd_away(scene: Scene) -> Iterator[None]:
    with scene.pod_faults(terminate_seconds=3):
        scene.when("pods to evict", lambda: scene.site.plane.kill("etcd"))
        scene.when("pods to evict", lambda: scene.later(20, scene.site.plane.start))
        yield


@contextmanager
def label_held_by_another(scene: Scene) -> Iterator[None]:
    scene.site.plane.kubectl("label", "node", scene.node, f"{MIGRATED_LABEL}=false")
    yield


@contextmanager
def data_path_broken(scene: Scene) -> Iterator[None]:
    flows = (BrokenFlow(source=scene.node),)
    with scene.site.plane.faults.during(Faults(flows=flows, patience_seconds=2)):
        yield


@contextmanager
def host_port_leads_nowhere(scene: Scene) -> Iterator[None]:
    """As under a CNI without `portmap`: a DaemonSet's pod works, but not by its node's port."""
    pod = {
        "containers": [{"name": "edge", "image": "example", "ports": [{"containerPort": 80, "hostPort": 8088}]}],
        "nodeSelector": {"kubernetes.io/hostname": scene.node},
    }
    labels = {"app": "edge"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    body = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "edge"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    work = scene.work
    with existing(work.cluster, work.path("daemonsets", group="/apis/apps/v1"), body):
        pods = work.path("pods")
        eventually(lambda: [pod for pod in work.cluster.list(pods, labelSelector="app=edge") if Pod.read(pod).ready])
        faults = Faults(flows=(BrokenFlow(target="host-port"),), patience_seconds=2)
        with scene.site.plane.faults.during(faults):
            yield


@contextmanager
def node_deleted_in_its_drain(scene: Scene) -> Iterator[None]:
    with scene.pod_faults(terminate_seconds=3):
        scene.when("pods to evict", lambda: scene.work.cluster.delete(node_path(scene.node)))
        yield


@contextmanager
def node_deleted_after_its_drain(scene: Scene) -> Iterator[None]:
    with scene.node_faults(agent_ready_seconds=3):
        scene.when(r"agent: re-creating", lambda: scene.work.cluster.delete(node_path(scene.node)))
        yield


@contextmanager
def node_joins(scene: Scene) -> Iterator[None]:
    scene.when("pods to evict", lambda: scene.site.plane.add_node(f"late-{scene.node}"))
    yield


@contextmanager
def second_operator(scene: Scene) -> Iterator[None]:
    """Another stack, with a state of its own, on the same cluster."""
    other = scene.site.other_stack()

    def try_it() -> None:
        scene.told_elsewhere = diagnostics(other.up(check=False).output)
        scene.work.loosen()

    with _sick_neighbour(scene):
        scene.when("waiting \\(", lambda: scene.later(0, try_it))
        yield


@contextmanager
def alert_fires(scene: Scene) -> Iterator[None]:
    """A server that answers as Prometheus does; the stack's `gates` name its port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            metric = {"metric": {"alertname": "CheckoutErrors", "alertstate": "firing"}, "value": [0, "1"]}
            body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [metric]}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        scene.site.configure(
            waves=[[scene.node]],
            sections={"gates": {"prometheusUrl": f"http://127.0.0.1:{server.server_address[1]}"}},
        )
        yield
        server.shutdown()


def _lose_traffic(scene: Scene) -> None:
    """From now on nothing that the probe of another node sends arrives; simulated probes notice when they are read."""
    scene.site.plane.faults.write(Faults(flows=(BrokenFlow(source=BYSTANDER),)))
    read_probes(scene.site.cluster)


@contextmanager
def traffic_lost_already(scene: Scene) -> Iterator[None]:
    _lose_traffic(scene)
    time.sleep(5)
    yield
    scene.site.plane.faults.clear()
    read_probes(scene.site.cluster)  # which is when they notice


@contextmanager
def traffic_lost_in_the_wave(scene: Scene) -> Iterator[None]:
    scene.when("pods to evict", lambda: _lose_traffic(scene))
    yield
    scene.site.plane.faults.clear()


FAULTS: tuple[Fault, ...] = (
    Fault(
        id="traffic-lost-before",
        title="The cluster loses traffic before the wave",
        make=traffic_lost_already,
        settings={"traffic": {"enabled": True, "baselineSeconds": 10}},
        told=r"wave \d+ does not begin, no node was touched: traffic is lost already:\s+\S+ → \S+, pod to pod.*",
        untouched=True,
    ),
    Fault(
        id="alert-fires",
        title="An alert fires in the Prometheus of `gates.prometheusUrl`",
        make=alert_fires,
        told=r"1 alert firing at http://127.0.0.1:\d+: CheckoutErrors; no node was touched.*",
        untouched=True,
    ),
    Fault(
        id="pod-without-controller",
        title="A pod on the node that nothing would re-create",
        make=pod_of_nobody,
        told=r"\[drainable\] node \S+ cannot be drained: pod \S+/lone has no controller.*",
        untouched=True,
    ),
    Fault(
        id="budget-without-headroom",
        title="A budget that can never allow an eviction",
        make=budget_with_no_headroom,
        told=r"\[drainable\] node \S+ cannot be drained: budget \S+/pdb .*no eviction can ever succeed.*",
        untouched=True,
    ),
    Fault(
        id="budget-holds-for-ever",
        title="The API answers 429 to every eviction: a budget has no headroom, for ever",
        make=budget_for_ever,
        settings=SHORT_DRAIN,
        told=r"pod \S+/web\S+: not evicted within 5 s: budget \S+/pdb needs 3 available, has 3",
    ),
    Fault(
        id="budget-holds-for-a-while",
        title="429, and then the budget has headroom again",
        make=budget_for_a_while,
        told=r"\d pods? waiting \(.*?\): budget \S+/pdb needs 3 available, has 3",
        survived=True,
    ),
    Fault(
        id="two-budgets",
        title="The API answers 500: a pod is under two budgets, the second made in the middle of the drain",
        make=second_budget,
        settings={"drain": {"timeoutSeconds": 15, "replacementsTimeoutSeconds": 20}},
        told=r"pod \S+/web\S+: the API cannot evict it: .*leave it one budget",
    ),
    Fault(
        id="finalizer",
        title="A pod that a finalizer holds in Terminating",
        make=finalizer,
        settings=SHORT_DRAIN,
        told=r"pod \S+: evicted, but still terminating after 5 s, held by finalizers example.com/hold",
    ),
    Fault(
        id="stuck-terminating",
        title="Pods whose kubelet never ends them",
        make=pods_are(stuck_terminating=True),
        settings=SHORT_DRAIN,
        told=r"pod \S+: evicted, but still terminating after 5 s",
    ),
    Fault(
        id="replacement-crashes",
        title="The replacements of the evicted pods crash",
        make=pods_are(stays="crashing"),
        settings={"drain": {"replacementsTimeoutSeconds": 9}},
        told=r"replacements of its pods on other nodes: not within 9 s: Deployment \S+/web has 0 of 3 pods Ready.*",
    ),
    Fault(
        id="webhook-down",
        title="An admission webhook is down, so no replacement can be created",
        make=webhook_down,
        settings={"drain": {"replacementsTimeoutSeconds": 6}},
        told=r"replacements of its pods on other nodes: not within 6 s: Deployment \S+/web has 0 of 3 pods Ready.*",
    ),
    Fault(
        id="namespace-terminating",
        title="A namespace is deleted while its pods are to be evicted",
        make=namespace_terminating,
        told=r"\d pods? waiting \(.*?\): .*",
        survived=True,
    ),
    Fault(
        id="api-server-killed",
        title="The API server is killed in the middle of the evictions and comes back after 7 s",
        make=api_server_killed,
        told=r"API server \S+ does not answer as it should \(.*?\); it is waited for.*",
        survived=True,
    ),
    Fault(
        id="etcd-away",
        title="etcd is away for 20 s in the middle of the evictions",
        make=etcd_away,
        told=r"API server \S+ does not answer as it should \(.*?\); it is waited for.*",
        survived=True,
    ),
    Fault(
        id="label-of-another",
        title="The API answers 409: somebody else set the label, to `false`",
        make=label_held_by_another,
        told=r"\[\d/7\] done: migrated.*",
        survived=True,
    ),
    Fault(
        id="agent-crashes",
        title="The node's new agent ends in CrashLoopBackOff",
        make=node_is(agent="crashing"),
        settings=SHORT_AGENT,
        told=r"Cilium agent re-created and Ready: not within 6 s: pod \S+ is .*cilium-agent CrashLoopBackOff.*",
    ),
    Fault(
        id="agent-not-ready",
        title="The node's new agent runs and never becomes Ready",
        make=node_is(agent="never-ready"),
        settings=SHORT_AGENT,
        told=r"Cilium agent re-created and Ready: not within 6 s: pod \S+ is Running.*",
    ),
    Fault(
        id="conf-not-written",
        title="The agent is Ready and does not write its CNI conf",
        make=node_is(conf_never_written=True),
        settings=SHORT_AGENT,
        told=r"05-cilium.conflist is the only CNI conf: not within 6 s: the active files are 10-flannel.conflist.*",
    ),
    Fault(
        id="old-cni-insists",
        title="The old CNI writes its conf again and again",
        make=node_is(flannel_insists=True),
        settings=SHORT_AGENT,
        told=r"05-cilium.conflist is the only CNI conf: not within 6 s: the active files are .*10-flannel.conflist.*",
    ),
    Fault(
        id="commands-fail",
        title="The kubelet runs no commands in the agents' pods",
        make=pods_are("kube-system/cilium-", exec_fails=True),
        settings=SHORT_AGENT,
        told=r"command in pod kube-system/cilium-\S+: cannot be started.*",
    ),
    Fault(
        id="logs-fail",
        title="The kubelet gives no logs of our scripts on the node",
        make=pods_are(f"{NAMESPACE}/inspect-network", logs_fail=True),
        told=r"GET \S+/log: the API server answered 500.*",
    ),
    Fault(
        id="not-ready-after-reboot",
        title="The node comes back from its reboot and stays NotReady",
        make=node_is(stays_not_ready=True),
        settings=REBOOT,
        told=r"back from its reboot: not within 6 s: it has a new boot ID but is not Ready.*",
    ),
    Fault(
        id="never-reboots",
        title="The node was asked to reboot and does not",
        make=node_is(never_reboots=True),
        settings=REBOOT,
        told=r"back from its reboot: not within 6 s: its boot ID is still \S+.*",
    ),
    Fault(
        id="command-fails",
        title="The user's restart command fails",
        make=lambda _scene: nullcontext(),
        settings={"restart": {"method": "command", "command": "sh -c 'echo no such host; exit 3' {node}"}},
        told=r"stays cordoned: `sh -c .*` ended with 3: no such host.*",
    ),
    Fault(
        id="data-path-broken",
        title="The node's new network does not carry its pods' packets everywhere",
        make=data_path_broken,
        told=r"stays cordoned: \d+ of \d+ flows of a pod on Cilium's pool \S+ are broken:",
    ),
    Fault(
        id="host-port-broken",
        title="A `hostPort` of a pod on the node leads nowhere on its new network",
        make=host_port_leads_nowhere,
        told=r"node \S+, hostPort 8088 \(\S+\) → pod \S+: .* accepts; the node's CNI conf must open host ports: .*",
    ),
    Fault(
        id="webhook-down-for-us",
        title="An admission webhook is down for the pods with which we look at a node",
        make=webhook_down_for_our_pods,
        told=r"POST /api/v1/namespaces/\S+/pods: the API server answered 500: .*failed calling webhook.*",
    ),
    Fault(
        id="traffic-lost-in-wave",
        title="A wave loses more traffic than its budget allows",
        make=traffic_lost_in_the_wave,
        settings=WATCHED,
        again=WATCHED,
        told=r"wave \d+ is done, but it broke its traffic budget, so no further node was touched:\s+\S+ → .*",
    ),
    Fault(
        id="node-deleted-in-drain",
        title="The node is deleted in the middle of its drain",
        make=node_deleted_in_its_drain,
        told=r"node \S+ left the cluster in the middle of its turn.*",
        lost_node=True,
    ),
    Fault(
        id="node-deleted-in-cut-over",
        title="The node is deleted in the middle of its cut-over",
        make=node_deleted_after_its_drain,
        told=r"node \S+ left the cluster in the middle of its turn.*",
        lost_node=True,
    ),
    Fault(
        id="node-joins",
        title="A new node joins in the middle of a turn",
        make=node_joins,
        told=r"\[\d/7\] done: migrated.*",
        survived=True,
    ),
    Fault(
        id="second-operator",
        title="Two operators run `pulumi up` at once, each with a state of his own",
        make=second_operator,
        told=r"\[one-run\] another run works on this cluster: \S+.*",
        survived=True,
    ),
)
