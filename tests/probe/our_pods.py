"""Every pod of ours, as its manifest: those without privileges, and those that work on nodes."""

from importlib import resources
from typing import Any

from components.operations.our_pods.node_shell import shell_pod
from components.operations.turn_steps.verification import fresh_pod
from components.pods import OurPods
from components.probe import manifests

Object = dict[str, Any]
SETTINGS: Object = {
    "registry": "mirror.example.org",
    "pullSecrets": ["team"],
    "priorityClass": "high",
    "resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": 1, "memory": "128Mi"}},
    "tolerations": [{"key": "dedicated", "value": "x", "effect": "NoExecute", "tolerationSeconds": 0}],
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "labels": {"example.org/team": "net"},
    "annotations": {"example.org/why": "the move to Cilium"},
}
SCRIPTS = {
    each.name.removesuffix(".py")
    for each in (resources.files("components.operations") / "on_node").iterdir()
    if each.name.endswith(".py") and not each.name.startswith("_")
}


def unprivileged(pods: OurPods) -> dict[str, Object]:
    """The pods that a node needs nothing of but its network for pods."""
    return {
        "fresh": fresh_pod("worker-1", pods=pods),
        "staying": _pod("staying", manifests.daemon_set(pods)),
        "moving": _pod("moving", manifests.deployment(pods)),
    }


def on_nodes(pods: OurPods) -> dict[str, Object]:
    """The pods that run our scripts, by the script."""
    return {name: shell_pod("worker-1", name, pods=pods) for name in SCRIPTS}


def _pod(name: str, workload: Object) -> Object:
    """A pod as the workload's controller makes it."""
    template = workload["spec"]["template"]
    metadata = {**template["metadata"], "name": name, "namespace": workload["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
