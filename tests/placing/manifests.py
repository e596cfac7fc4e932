"""Manifests of nodes and pods, and the world that they make."""

from collections.abc import Iterable, Mapping
from typing import Any

from components.operations.objects.model import Node, Pod
from components.operations.objects.node_state import NodeState
from components.operations.placing.cluster_model import Offer, World

Object = dict[str, Any]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


def node(
    name: str, *, labels: Mapping[str, str] | None = None, taints: Iterable[str] = (), cordoned: bool = False,
    ready: bool = True, **room: str,
) -> Object:  # fmt: skip
    """A node as the API has it; taints as kubectl writes them, of a resource's name `__` is a slash."""
    amounts = {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "20Gi", "pods": "110"}
    amounts |= {key.replace("__", "/").replace("_", "-"): value for key, value in room.items()}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {HOST: name, **(labels or {})}},
        "spec": {"unschedulable": cordoned, "taints": [_taint(each) for each in taints]},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "capacity": amounts,
            "allocatable": amounts,
        },
    }


def _taint(text: str) -> Object:
    name, _, effect = text.rpartition(":")
    key, _, value = name.partition("=")
    return {"key": key, "value": value, "effect": effect}


def pod(
    name: str, on: str = "", *, app: str = "", namespace: str = "shop",
    owner: tuple[str, str] = ("apps/v1", "ReplicaSet"),
    asks: Mapping[str, str] | None = None, limits: Mapping[str, str] | None = None,
    ports: Iterable[Mapping[str, Any]] = (), labels: Mapping[str, str] | None = None,
    meta: Mapping[str, Any] | None = None, **spec: Any,
) -> Object:  # fmt: skip
    """A running pod as the API has it, of the workload `app`."""
    app = app or name.rpartition("-")[0] or name
    container = {
        "name": "main",
        "image": "example.org/main:1",
        "resources": {"requests": dict(asks or {}), "limits": dict(limits or {})},
        "ports": [dict(each) for each in ports],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": f"uid-{namespace}-{name}",
            "labels": {"app": app, **(labels or {})},
            "ownerReferences": [
                {"apiVersion": owner[0], "kind": owner[1], "name": app, "uid": f"uid-{app}", "controller": True}
            ],
            **(meta or {}),
        },
        "spec": {"nodeName": on, "containers": [container], **spec},
        "status": {"phase": "Running", "podIP": "10.244.1.9", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def near(app: str, key: str = HOST, **term: Any) -> Object:
    """A pod affinity that must hold; `apart` has the same as an anti-affinity."""
    return {"podAffinity": {REQUIRED: [{"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **term}]}}


def apart(app: str, key: str = HOST, **term: Any) -> Object:
    """A pod anti-affinity that must hold."""
    return {"podAntiAffinity": near(app, key, **term)["podAffinity"]}


def on_nodes(*rules: Object) -> Object:
    """A node affinity with one term."""
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": list(rules)}]}}}


def spread(app: str, key: str = HOST, **fields: Any) -> list[Object]:
    """One hard topology spread constraint."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": app}},
            **fields,
        }
    ]


def world_of(
    nodes: Iterable[Object], pods: Iterable[Object], namespaces: Mapping[str, Mapping[str, str]] | None = None
) -> World:
    """The world that a scheduler sees in these."""
    offers = [Offer.of(Node.read(each), NodeState.read(each)) for each in nodes]
    return World.of(offers, map(Pod.read, pods), namespaces or {})
