"""Manifests of the sample workloads: servers that are sensitive to drains, and clients that measure losses."""

import hashlib
import json
from pathlib import Path
from typing import Any

NAMESPACE = "lab-workloads"
IMAGE = "lab.local/python:3.11"
RECORDS = "/var/log/traffic"

_CODE = Path(__file__).parent / "pod"
_USER = 65532
_PRE_STOP_SECONDS = 5
_LAME_DUCK_SECONDS = 3
_HTTP_PORT = 8080
_ECHO_PORT = 8081

Manifest = dict[str, Any]


def _object(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app": name}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def _code() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(_CODE.glob("*.py"))}


def _code_version() -> str:
    """A hash of the code, so that applying a change replaces the pods."""
    return hashlib.sha256(json.dumps(_code()).encode()).hexdigest()[:12]


def _host(name: str) -> str:
    return f"{name}.{NAMESPACE}.svc.cluster.local"


def _locked_down(**changes: Any) -> Manifest:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "seccompProfile": {"type": "RuntimeDefault"},
        **changes,
    }


def _field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _container(name: str, module: str, *, cpu: str, environment: dict[str, str], **fields: Any) -> Manifest:
    return {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", "-m", f"app.{module}"],
        "workingDir": "/",
        "env": [
            _field("POD", "metadata.name"),
            _field("NODE", "spec.nodeName"),
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
            *({"name": key, "value": value} for key, value in environment.items()),
        ],
        "resources": {"requests": {"cpu": cpu, "memory": "24Mi"}, "limits": {"memory": "96Mi"}},
        "securityContext": _locked_down(),
        **fields,
        "volumeMounts": [{"name": "code", "mountPath": "/app", "readOnly": True}, *fields.get("volumeMounts", ())],
    }


def _pod(name: str, container: Manifest, *, volumes: list[Manifest], **fields: Any) -> Manifest:
    return {
        "metadata": {"labels": {"app": name}, "annotations": {"lab/code-version": _code_version()}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 15,
            "containers": [container],
            "volumes": [{"name": "code", "configMap": {"name": "code"}}, *volumes],
            **fields,
        },
    }


def _spread(name: str) -> list[Manifest]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": name}},
        }
    ]


def _server_pod(name: str, *, unready_after: int, **fields: Any) -> Manifest:
    """A pod of the server; it becomes unready after `unready_after` failed probes, one a second."""
    container = _container(
        "server",
        "server",
        cpu="15m",
        environment={"LAME_DUCK_SECONDS": str(_LAME_DUCK_SECONDS)},
        ports=[{"name": "http", "containerPort": _HTTP_PORT}, {"name": "echo", "containerPort": _ECHO_PORT}],
        readinessProbe={
            "httpGet": {"path": "/ready", "port": "http"},
            "periodSeconds": 1,
            "failureThreshold": unready_after,
        },
        lifecycle={"preStop": {"sleep": {"seconds": _PRE_STOP_SECONDS}}},
    )
    return _pod(name, container, volumes=[], **fields)


def _service(name: str, *, headless: bool) -> Manifest:
    spec: Manifest = {
        "selector": {"app": name},
        "ports": [
            {"name": "http", "port": 80, "targetPort": "http"},
            {"name": "echo", "port": _ECHO_PORT, "targetPort": "echo"},
        ],
    }
    if headless:
        spec["clusterIP"] = "None"
    return _object("v1", "Service", name, spec=spec)


def _budget(name: str, **limit: int) -> Manifest:
    spec = {"selector": {"matchLabels": {"app": name}}, **limit}
    return _object("policy/v1", "PodDisruptionBudget", name, spec=spec)


def _web() -> list[Manifest]:
    spec = {
        "replicas": 4,
        "selector": {"matchLabels": {"app": "web"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": _server_pod("web", unready_after=3, topologySpreadConstraints=_spread("web")),
    }
    web = _object("apps/v1", "Deployment", "web", spec=spec)
    return [_service("web", headless=False), _budget("web", minAvailable=3), web]


# A pod with flows to its own address leaves its headless name only when it is deleted, or after two minutes
# of failing probes. If it left sooner, a broken network would look like a replaced pod, and hide losses.
_UNREADY_AFTER = 120


def _store() -> list[Manifest]:
    spec = {
        "replicas": 2,
        "serviceName": "store",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "store"}},
        "template": _server_pod("store", unready_after=_UNREADY_AFTER, topologySpreadConstraints=_spread("store")),
    }
    store = _object("apps/v1", "StatefulSet", "store", spec=spec)
    return [_service("store", headless=True), _budget("store", maxUnavailable=1), store]


def _agent() -> list[Manifest]:
    everywhere = [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}]
    spec = {
        "selector": {"matchLabels": {"app": "agent"}},
        "template": _server_pod("agent", unready_after=_UNREADY_AFTER, tolerations=everywhere),
    }
    return [_service("agent", headless=True), _object("apps/v1", "DaemonSet", "agent", spec=spec)]


def _target(kind: str, name: str, *, port: int, interval_ms: int) -> Manifest:
    return {"kind": kind, "name": name, "host": _host(name), "port": port, "interval_ms": interval_ms}


_SHORT_TARGETS = [
    _target("service-http", "web", port=80, interval_ms=100),
    _target("pod-http", "agent", port=_HTTP_PORT, interval_ms=400),
    _target("pod-http", "store", port=_HTTP_PORT, interval_ms=400),
]
_LONG_TARGETS = [
    _target("echo-service", "web", port=_ECHO_PORT, interval_ms=50),
    _target("echo-pod", "agent", port=_ECHO_PORT, interval_ms=50),
    _target("echo-pod", "store", port=_ECHO_PORT, interval_ms=100),
]


def _client(name: str, *, targets: list[Manifest], replicas: int) -> Manifest:
    records = [{"name": "records", "mountPath": RECORDS}]
    container = _container(
        "client",
        "client",
        cpu="20m",
        volumeMounts=records,
        environment={"CLIENT": name, "RECORDS": RECORDS, "TARGETS": json.dumps(targets)},
    )
    # The kubelet creates the folder for root; this gives it to the client's user, which then needs no privileges.
    give_folder = {
        "name": "give-folder",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", f"import os; os.chown('{RECORDS}', {_USER}, {_USER})"],
        "securityContext": _locked_down(
            capabilities={"drop": ["ALL"], "add": ["CHOWN"]}, runAsNonRoot=False, runAsUser=0, runAsGroup=0
        ),
        "volumeMounts": records,
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        "template": _pod(
            name,
            container,
            initContainers=[give_folder],
            topologySpreadConstraints=_spread(name),
            volumes=[{"name": "records", "hostPath": {"path": RECORDS, "type": "DirectoryOrCreate"}}],
        ),
    }
    return _object("apps/v1", "Deployment", name, spec=spec)


def _namespace() -> Manifest:
    # The clients write to a folder of their node, which only the privileged level lets a pod do.
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def servers() -> list[Manifest]:
    """The namespace, the code, and the servers."""
    return [_namespace(), _object("v1", "ConfigMap", "code", data=_code()), *_web(), *_store(), *_agent()]


def clients(replicas: int = 2) -> list[Manifest]:
    """The two kinds of clients, to be applied once the servers are ready, so that the set-up causes no losses."""
    return [
        _client("short-client", targets=_SHORT_TARGETS, replicas=replicas),
        _client("long-client", targets=_LONG_TARGETS, replicas=replicas),
    ]
