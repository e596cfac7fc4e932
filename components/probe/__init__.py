"""The probe that runs in the cluster: pods that answer, on every node, and a way to ask from within any of them."""

from importlib import resources

from components.names import NAMESPACE

NAME = "probe"
LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "cni-live-migration"}
PORT, SERVICE_PORT = 8080, 80
FOLDER = "/probe"

__all__ = ["FOLDER", "LABELS", "NAME", "NAMESPACE", "PORT", "SERVICE_PORT", "container", "sources"]


def sources() -> dict[str, str]:
    """The probe's programs by file name, as the ConfigMap holds them."""
    folder = resources.files("components.probe") / "in_pod"
    return {name: (folder / name).read_text() for name in ("serve.py", "reach.py")}


def container(image: str) -> dict[str, object]:
    """The probe's container, locked down: it serves, and runs nothing but what is asked for by exec."""
    return {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", f"{FOLDER}/serve.py", str(PORT)],
        "ports": [{"containerPort": PORT, "name": "http", "protocol": "TCP"}],
        "env": [
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName", "apiVersion": "v1"}}},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}},
        ],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 2},
        "resources": {"requests": {"cpu": "5m", "memory": "24Mi"}, "limits": {"memory": "64Mi"}},
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
