"""The probe: pods on every node that exchange traffic with each other, and the evaluation of their measurements."""

import hashlib
import json
from collections.abc import Mapping
from importlib import resources

from components.names import NAMESPACE
from stacks.sections.pods import PROBE_LIMITS, PROBE_REQUESTS

NAME = "probe"
PROGRAMS = "probe-programs"
LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "cni-live-migration"}
PORT, SERVICE_PORT = 8080, 80
ECHO_PORT = 8081
FOLDER = "/probe"
KEY_SECRET, KEY_ENTRY = "probe-key", "key"
KEY_FOLDER = "/probe-key"
_ROOMS = ("flows", "records")  # folders of the programs
SERVING_ONLY: Mapping[str, object] = {"staying_neighbours": 0, "moving_neighbours": 0}

__all__ = [
    "ECHO_PORT",
    "FOLDER",
    "KEY_ENTRY",
    "KEY_FOLDER",
    "KEY_SECRET",
    "LABELS",
    "NAME",
    "NAMESPACE",
    "PORT",
    "PROGRAMS",
    "SERVICE_PORT",
    "SERVING_ONLY",
    "container",
    "programs_volume",
    "sources",
    "version_of",
]


def sources() -> dict[str, str]:
    """The probe's programs by their keys in the ConfigMap: `flows.echo.py` is `flows/echo.py`."""
    folder = resources.files("components.probe") / "in_pod"
    rooms = {"": folder, **{f"{name}.": folder / name for name in _ROOMS}}
    return {
        f"{room}{each.name}": each.read_text()
        for room, files in rooms.items()
        for each in files.iterdir()
        if each.name.endswith(".py")
    }


def programs_volume() -> dict[str, object]:
    """The volume with the programs, each at its own path: a key of a ConfigMap has no slash."""
    items = [{"key": key, "path": "/".join(key.removesuffix(".py").split(".")) + ".py"} for key in sorted(sources())]
    return {"name": "programs", "configMap": {"name": PROGRAMS, "items": items}}


def version_of(programs: Mapping[str, str]) -> str:
    """A digest of the programs' text; a change of it re-creates the pods."""
    return hashlib.sha256(json.dumps(programs, sort_keys=True).encode()).hexdigest()[:12]


def _field(name: str, path: str) -> dict[str, object]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path, "apiVersion": "v1"}}}


def container(settings: Mapping[str, object] = SERVING_ONLY) -> dict[str, object]:
    """The probe's container, without privileges; with the default settings it only serves, and runs commands."""
    return {
        "name": NAME,
        "command": ["python3", "-u", "-m", "probe.probe"],
        "workingDir": "/",
        "ports": [
            {"containerPort": PORT, "name": "http", "protocol": "TCP"},
            {"containerPort": ECHO_PORT, "name": "echo", "protocol": "TCP"},
        ],
        "env": [
            _field("NODE_NAME", "spec.nodeName"),
            _field("POD_NAME", "metadata.name"),
            _field("POD_IP", "status.podIP"),
            {"name": "SETTINGS", "value": json.dumps(dict(settings), sort_keys=True)},
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": PORT}, "periodSeconds": 2},
        "resources": {"requests": dict(PROBE_REQUESTS), "limits": dict(PROBE_LIMITS)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "programs", "mountPath": FOLDER, "readOnly": True}],
    }
