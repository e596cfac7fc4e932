"""Injection and removal of each fault of the table."""

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from components.names import NODES_NAMESPACE
from components.operations.objects.model import Pod
from components.operations.probes.probe_logs import read_probes
from components.operations.turn_annotations import node_path
from scripts.lab.session import diagnostics
from scripts.lab.simulated.faults import BrokenFlow, Faults
from stacks.values import MIGRATED_LABEL
from tests.faults.fault import Scene
from tests.faults.site import NODES, eventually, existing

BYSTANDER = f"worker-{NODES}"  # the last one, which no fault takes
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
    scene.work.try_again()


@contextmanager
def webhook_down_for_our_pods(scene: Scene) -> Iterator[None]:
    with existing(scene.work.cluster, _HOOKS, _hook(NODES_NAMESPACE)):
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
    """From now on nothing of another node's probe arrives, but on the node that moves: its verification may ask for it.

    Simulated probes notice when they are read.
    """
    others = [node["metadata"]["name"] for node in scene.site.cluster.list("/api/v1/nodes")]
    flows = tuple(BrokenFlow(source=BYSTANDER, target=each) for each in others if each != scene.node)
    scene.site.plane.faults.write(Faults(flows=flows))
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
