import json
import threading
from typing import Any

import pytest

from scripts.lab.kubernetes_plugin.__main__ import serve
from scripts.lab.kubernetes_plugin.protocol.server import Plugin
from scripts.lab.simulated.control_plane import ControlPlane
from tests.lab.kubernetes_plugin.engine import Engine, RefusedError

pytestmark = pytest.mark.apiserver

DEPLOYMENT, DAEMON_SET = "kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:DaemonSet"
STATEFUL_SET, JOB, POD = "kubernetes:apps/v1:StatefulSet", "kubernetes:batch/v1:Job", "kubernetes:core/v1:Pod"
CRASHING = {"simulated/stays": "crashing"}


def pod_template(**labels: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "web", **labels}},
        "spec": {"containers": [{"name": "main", "image": "none"}]},
    }


def workload(kind: str, namespace: str, *, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"namespace": namespace, "name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": pod_template(**(labels or {})), **spec},
    }


def job(namespace: str, *, labels: dict[str, str] | None = None) -> dict[str, Any]:
    template = pod_template(**(labels or {}))
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"namespace": namespace, "name": "once"},
        "spec": {"template": template, "backoffLimit": 0},
    }


def annotated(inputs: dict[str, Any], **annotations: str) -> dict[str, Any]:
    found = {f"pulumi.com/{key}": value for key, value in annotations.items()}
    return {**inputs, "metadata": {**inputs["metadata"], "annotations": found}}


@pytest.mark.parametrize(
    ("token", "kind", "spec", "ready"),
    [
        (DEPLOYMENT, "Deployment", {"replicas": 2}, {"availableReplicas": 2}),
        (DAEMON_SET, "DaemonSet", {}, {"numberAvailable": 2}),
        (DAEMON_SET, "DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, {"numberAvailable": 2}),
        (STATEFUL_SET, "StatefulSet", {"replicas": 2, "serviceName": "web"}, {"readyReplicas": 2}),
    ],
)
def test_a_rollout_is_waited_for(
    engine: Engine, namespace: str, token: str, kind: str, spec: dict[str, Any], ready: dict[str, int]
) -> None:
    made = engine.create(token, "web", workload(kind, namespace, **spec), timeout=30)
    assert ready.items() <= made.state["status"].items()
    changed = engine.update(made, workload(kind, namespace, labels={"version": "two"}, **spec), timeout=30)
    assert ready.items() <= changed.state["status"].items()


def test_a_job_is_waited_for_and_replaced_when_its_pods_change(engine: Engine, namespace: str) -> None:
    made = engine.create(JOB, "once", job(namespace), timeout=30)
    assert made.state["status"]["succeeded"] == 1
    found = engine.diff(made, job(namespace, labels={"version": "two"}))
    assert found.changes == {"spec.template.metadata.labels.version": "ADD_REPLACE"}
    assert found.delete_first


def test_a_rollout_that_does_not_end_names_the_pods_and_keeps_the_object(engine: Engine, namespace: str) -> None:
    inputs = annotated(workload("Deployment", namespace, labels=CRASHING), timeoutSeconds="1")
    with pytest.raises(RefusedError, match=f"Deployment {namespace}/web is not ready after 1 s") as caught:
        engine.create(DEPLOYMENT, "web", inputs)
    assert caught.value.object_id == f"{namespace}/web"
    assert caught.value.state["metadata"]["name"] == "web"
    assert any("container main is waiting: CrashLoopBackOff" in reason for reason in caught.value.reasons)


def test_the_wait_can_be_left_out(engine: Engine, namespace: str) -> None:
    inputs = annotated(workload("Deployment", namespace, labels=CRASHING), skipAwait="true")
    assert engine.create(DEPLOYMENT, "web", inputs).object_id == f"{namespace}/web"


def test_an_unready_object_shows_at_a_refresh(engine: Engine, control_plane: ControlPlane, namespace: str) -> None:
    made = engine.create(DEPLOYMENT, "web", workload("Deployment", namespace), timeout=30)
    change = json.dumps({"spec": {"template": {"metadata": {"labels": {"simulated/stays": "pending"}}}}})
    control_plane.kubectl("-n", namespace, "patch", "deployment", "web", "--type=merge", "-p", change)
    with pytest.raises(RefusedError, match=r"pods are of the new version|has not seen the change yet") as caught:
        engine.refresh(made)
    assert caught.value.object_id == f"{namespace}/web"


def test_a_service_waits_for_the_pods_of_its_selector(engine: Engine, namespace: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": "web"},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}},
    }
    with pytest.raises(RefusedError, match="no ready pod matches its selector"):
        engine.create("kubernetes:core/v1:Service", "web", service, timeout=0.5)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": "one"}, **pod_template()}
    pod["metadata"] = {"namespace": namespace, "name": "one", "labels": {"app": "web"}}
    made = engine.create(POD, "one", pod, timeout=30)
    assert made.state["status"]["phase"] == "Running"
    other = {**service, "metadata": {"namespace": namespace, "name": "other"}}
    engine.create("kubernetes:core/v1:Service", "other", other, timeout=10)


def test_a_condition_can_be_waited_for(engine: Engine, control_plane: ControlPlane, namespace: str) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": "flag"}, "data": {}}
    waiting = annotated(config, waitFor="jsonpath={.data.done}=yes")
    later = threading.Timer(
        0.5,
        control_plane.kubectl,
        [
            "-n",
            namespace,
            "patch",
            "configmap",
            "flag",
            "--type=merge",
            "-p",
            '{"data":{"done":"yes"}}',
        ],
    )
    later.start()
    made = engine.create("kubernetes:core/v1:ConfigMap", "flag", waiting, timeout=20)
    later.join()
    assert made.state["data"] == {"done": "yes"}


def test_cancel_ends_a_wait(control_plane: ControlPlane, namespace: str) -> None:
    plugin = Plugin()
    server, port = serve(plugin)
    engine = Engine(port)
    engine.configure(kubeconfig=control_plane.kubeconfig.read_text())
    threading.Timer(1.0, engine.call, ["Cancel"]).start()
    with pytest.raises(RefusedError, match="waiting was cancelled"):
        engine.create(DEPLOYMENT, "web", workload("Deployment", namespace, labels=CRASHING))
    engine.channel.close()
    server.stop(grace=None)
