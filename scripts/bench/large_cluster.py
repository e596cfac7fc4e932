"""A large cluster that consists only of API objects: many nodes and pods that no kubelet runs."""

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Iterable
from typing import Any

from components.names import NAMESPACES
from components.namespaces import namespace
from scripts.lab.simulated import PORTS_FILE
from scripts.lab.simulated.certificates import read_certificates
from scripts.lab.simulated.client import Api
from scripts.lab.simulated.control_plane import ControlPlane
from scripts.lab.simulated.lab import flannel_objects
from scripts.lab.simulated.processes import Processes

Object = dict[str, Any]
_NETWORK = "10.128.0.0/10"
_SHOP = "/api/v1/namespaces/default/pods"
_WAITING = 32
_NOW = "2026-11-01T08:00:00Z"


def fill(plane: ControlPlane, *, nodes: int, pods: int) -> None:
    """Create Flannel, the nodes and the pods on a control plane; stops its controllers, which would delete them."""
    assert plane.folder
    Processes(plane.folder / "processes").stop("kube-controller-manager")
    items = [*map(namespace, NAMESPACES), *flannel_objects(_NETWORK)]
    together = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    plane.kubectl("apply", "--server-side", "-f", "-", stdin=together)
    asyncio.run(_fill(plane, nodes=nodes, pods=pods))


async def _fill(plane: ControlPlane, *, nodes: int, pods: int) -> None:
    assert plane.folder
    certificates = read_certificates(plane.folder / "certificates")
    tls = ssl.create_default_context(cafile=str(certificates.authority))
    tls.load_cert_chain(certificates.admin.certificate, certificates.admin.key)
    ports = json.loads((plane.folder / PORTS_FILE).read_text())
    api = Api(f"https://127.0.0.1:{ports['kube-apiserver']}", tls)
    try:
        await _create(api, "/api/v1/nodes", (_node(number) for number in range(nodes)))
        await _create(api, _SHOP, (_pod(number, nodes=nodes) for number in range(pods)))
    finally:
        await api.close()


async def _create(api: Api, folder: str, objects: Iterable[Object]) -> None:
    """Create each object with its status, several at a time."""
    left = iter(list(objects))

    async def create_some() -> None:
        for item in left:
            status = {"status": item.pop("status")}
            await api.ensure(folder, item)
            await api.merge(f"{folder}/{item['metadata']['name']}/status", status)

    await asyncio.gather(*(create_some() for _ in range(_WAITING)))


def _block(number: int) -> ipaddress.IPv4Network:
    first = int(ipaddress.ip_network(_NETWORK).network_address)
    return ipaddress.IPv4Network((first + number * 256, 24))


def _node(number: int) -> Object:
    name, room = f"worker-{number}", {"cpu": "16", "memory": "64Gi", "pods": "110"}
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
    conditions = [
        {"type": kind, "status": "False", "reason": "KubeletIsWell", "lastTransitionTime": _NOW} for kind in pressures
    ]
    info = {
        "architecture": "amd64", "bootID": f"boot-{number}", "containerRuntimeVersion": "containerd://2.2.0",
        "kernelVersion": "6.1.0-31-amd64", "kubeProxyVersion": "", "kubeletVersion": "v1.36.4",
        "machineID": f"machine-{number}", "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)",
        "systemUUID": f"system-{number}",
    }  # fmt: skip
    images = [
        {"names": [f"registry.example.org/team/app-{image}@sha256:{image:064x}"], "sizeBytes": 10**8}
        for image in range(30)
    ]
    return {
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"},
            "annotations": {"flannel.alpha.coreos.com/backend-type": "vxlan"},
        },
        "spec": {"podCIDR": str(_block(number)), "podCIDRs": [str(_block(number))]},
        "status": {
            "allocatable": room, "capacity": room, "nodeInfo": info, "images": images,
            "conditions": [*conditions, {"type": "Ready", "status": "True", "lastTransitionTime": _NOW}],
            "addresses": [
                {"type": "InternalIP", "address": str(ipaddress.IPv4Address(0x0A00_0000 + number + 1))},
                {"type": "Hostname", "address": name},
            ],
        },
    }  # fmt: skip


def _pod(number: int, *, nodes: int) -> Object:
    app = f"app-{number // 20}"
    owner = {
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{app}-5f6d", "uid": f"owner-{app}", "controller": True,
    }  # fmt: skip
    container = {
        "name": "main",
        "image": f"registry.example.org/team/{app}:v1",
        "ports": [{"containerPort": 8080}],
        "env": [{"name": f"SETTING_{each}", "value": "a value of ordinary length"} for each in range(20)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/app"}, {"name": "scratch", "mountPath": "/tmp"}],  # noqa: S108
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
    }
    node, place = number % nodes, number // nodes
    address = str(_block(node)[place % 250 + 2])
    running = {
        "name": "main", "ready": True, "restartCount": 0, "image": container["image"], "started": True,
        "imageID": f"sha256:{number:064x}", "state": {"running": {"startedAt": _NOW}}, "containerID": f"containerd://{number:064x}",
    }  # fmt: skip
    conditions = ("PodScheduled", "PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
    return {
        "metadata": {
            "name": f"{app}-5f6d-{number}",
            "labels": {"app": app, "pod-template-hash": "5f6d", "team": "web"},
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": f"worker-{node}",
            "automountServiceAccountToken": False,
            "containers": [container],
            "volumes": [
                {"name": "settings", "configMap": {"name": app}}, {"name": "scratch", "emptyDir": {}},
            ],
        },
        "status": {
            "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "startTime": _NOW,
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": _NOW} for kind in conditions],
            "containerStatuses": [running],
        },
    }  # fmt: skip
