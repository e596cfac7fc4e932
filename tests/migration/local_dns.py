"""A name server on each node for its own pods, and pods whose policy lets them ask that one alone."""

import json
from typing import Any

from scripts.lab.images import catalogue
from tests.migration.lab_with_traffic import Stage

ADDRESS = "169.254.20.10"
_NAMESPACE, _DEVICE = "resolving", "nodelocaldns"
_LABELS = {"app": "resolver"}
# As NodeLocal DNS does: a device of its own on each node, the same address on all; not every kernel has dummies.
_DEVICE_IS_THERE = f"""
ip link show {_DEVICE} || ip link add {_DEVICE} type bridge
ip address replace {ADDRESS}/32 dev {_DEVICE}
ip link set {_DEVICE} up
"""
# It counts from its first answer on: a pod may be there before its policy is.
_RESOLVER = """
import socket, time
def ask():
    try:
        return bool(socket.getaddrinfo("kubernetes.default.svc.cluster.local.", 443))
    except OSError as error:
        print(time.time(), error, flush=True)
        return False
while not ask():
    time.sleep(0.1)
asked = failed = 0
while True:
    asked += 1
    failed += not ask()
    if asked % 10 == 0:
        print(f"asked {asked} failed {failed}", flush=True)
    time.sleep(0.1)
"""
_REACH = "import socket; socket.create_connection(('{address}', {port}), timeout=2)"


def up(stage: Stage) -> None:
    """The name servers, and on each node a pod that asks its own ten times a second; returns once all run."""
    dns = str(stage.lab.layout().dns)
    items = [*_servers(dns), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}}, *_resolvers()]
    stage.lab.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    for namespace, name in (("kube-system", "node-local-dns"), (_NAMESPACE, "resolver")):
        stage.lab.kubectl("-n", namespace, "rollout", "status", f"daemonset/{name}", "--timeout=90s")


def asked_and_failed(stage: Stage) -> dict[str, tuple[int, int]]:
    """Counts of each resolver that runs now, by its node: names asked for since its first answer, and those in vain."""
    found = {}
    for pod in stage.objects("-n", _NAMESPACE, "get", "pods")["items"]:
        log = stage.lab.kubectl("-n", _NAMESPACE, "logs", pod["metadata"]["name"]).stdout
        last = next((line for line in reversed(log.splitlines()) if line.startswith("asked")), "asked 0 failed 0")
        _, asked, _, failed = last.split()
        found[pod["spec"]["nodeName"]] = (int(asked), int(failed))
    return found


def others_reached(stage: Stage) -> list[str]:
    """Nodes whose resolver reaches a Service, which its policy does not let it."""
    service = stage.objects("get", "service", "kubernetes")["spec"]["clusterIP"]
    program = _REACH.format(address=service, port=443)
    return [
        pod["spec"]["nodeName"]
        for pod in stage.objects("-n", _NAMESPACE, "get", "pods")["items"]
        if stage.lab.kubectl(
            "-n", _NAMESPACE, "exec", pod["metadata"]["name"], "--", "python3", "-c", program, check=False
        ).returncode
        == 0
    ]


def _servers(dns: str) -> list[dict[str, Any]]:
    corefile = f".:53 {{\n  bind {ADDRESS}\n  errors\n  forward . {dns} {{\n    force_tcp\n  }}\n}}\n"
    pod = {
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 1,
        "initContainers": [
            {
                "name": "device",
                "image": catalogue.PYTHON,
                "command": ["sh", "-ec", _DEVICE_IS_THERE],
                "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
            }
        ],
        "containers": [
            {
                "name": "node-cache",
                "image": catalogue.COREDNS,
                "args": ["-conf", "/etc/coredns/Corefile"],
                "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": "node-local-dns"}}],
    }
    metadata = {"name": "node-local-dns", "namespace": "kube-system"}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"Corefile": corefile}},
        _daemon_set(metadata, {"k8s-app": "node-local-dns"}, pod),
    ]


def _resolvers() -> list[dict[str, Any]]:
    options = [{"name": "timeout", "value": "1"}, {"name": "attempts", "value": "3"}]
    pod = {
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": [ADDRESS], "options": options},
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "asks", "image": catalogue.PYTHON, "command": ["python3", "-c", _RESOLVER]}],
    }
    ports = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    policy = {
        "podSelector": {"matchLabels": _LABELS},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"ipBlock": {"cidr": f"{ADDRESS}/32"}}], "ports": ports}],
    }
    metadata = {"name": "resolver", "namespace": _NAMESPACE}
    return [
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": policy},
        _daemon_set(metadata, _LABELS, pod),
    ]


def _daemon_set(metadata: dict[str, str], labels: dict[str, str], pod: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": metadata, "spec": spec}
