"""Policies as somebody would have written them for Calico, and what their author meant: who may reach whom, and where.

Namespaces, selectors, networks, ports, egress, default deny, a network set, and a Deny that is read before an Allow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.policies.oracle.reference import Object

OUTSIDE = "172.30.0.10"
OUTSIDE_PORT = 6443  # the lab's API server, which is neither a pod's nor a node's address
SHOP, BANK = "matrix-shop", "matrix-bank"
SPACES: Mapping[str, Mapping[str, str]] = {
    name: {"kubernetes.io/metadata.name": name, "trade": trade} for name, trade in ((SHOP, "goods"), (BANK, "money"))
}
PORTS = (8080, 8081, 9090)


@dataclass(frozen=True)
class App:
    """A pod that listens on all ports; its role is its label."""

    name: str
    namespace: str
    role: str


APPS = {
    each.name: each
    for each in (
        App("web", SHOP, "web"), App("client", SHOP, "client"), App("visitor", SHOP, "guest"),
        App("db", BANK, "db"), App("teller", BANK, "teller"), App("guard", BANK, "guard"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """One connection, and whether it was meant to be let through; `to` may be outside of the cluster."""

    source: str
    to: str
    port: int
    allowed: bool
    why: str


PROBES = (
    Probe("client", "web", 8080, True, "a selector in the policy's own namespace"),
    Probe("client", "web", 8081, True, "the end of a range of ports"),
    Probe("client", "web", 9090, False, "a port outside of the range"),
    Probe("visitor", "web", 8080, False, "in the namespace, but the selector is another"),
    Probe("teller", "web", 8080, False, "its egress does not name the pod, nor does the pod's ingress"),
    Probe("guard", "web", 8080, False, "from another namespace, which a namespaced policy does not mean"),
    Probe("client", "db", 9090, True, "a namespace selector"),
    Probe("visitor", "db", 9090, False, "a Deny of a lower order, though a later Allow fits"),
    Probe("visitor", "guard", 8080, False, "the same Deny is for whoever has that role in a guarded namespace"),
    Probe("client", "db", 8080, False, "the Allow is for another port"),
    Probe("teller", "db", 9090, True, "egress to a selector, and ingress there"),
    Probe("teller", "guard", 8080, False, "egress that nothing allows"),
    Probe("teller", OUTSIDE, OUTSIDE_PORT, True, "egress to a network set, by its label"),
    Probe("guard", OUTSIDE, OUTSIDE_PORT, False, "egress to everywhere but a network"),
    Probe("guard", "client", 8080, True, "egress to everywhere else"),
    Probe("client", OUTSIDE, OUTSIDE_PORT, True, "no policy for its egress"),
    Probe("db", "teller", 8080, False, "default deny of a Kubernetes policy"),
    Probe("client", "visitor", 8080, False, "a Kubernetes policy that lets another namespace in"),
    Probe("guard", "visitor", 8080, True, "the namespace that it lets in"),
    Probe("guard", "visitor", 9090, False, "from there, but to another port"),
)

_ROLE = "role == '{}'".format


def _calico(
    kind: str, name: str, spec: Object, *, namespace: str = "", labels: Mapping[str, str] | None = None
) -> Object:
    metadata = {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        **({"labels": labels} if labels else {}),
    }
    return {"apiVersion": "crd.projectcalico.org/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _tcp(*ports: int | str) -> Object:
    return {"protocol": "TCP", "destination": {"ports": list(ports)}}


CALICO: dict[str, list[Object]] = {
    "GlobalNetworkSet": [
        _calico("GlobalNetworkSet", "offices", {"nets": [f"{OUTSIDE}/32"]}, labels={"what": "offices"})
    ],
    "GlobalNetworkPolicy": [
        _calico("GlobalNetworkPolicy", "default.no-guests", {
            "order": 10, "namespaceSelector": "trade == 'money'", "types": ["Ingress"],
            "ingress": [{"action": "Deny", "source": {"selector": _ROLE("guest")}}],
        }),
        _calico("GlobalNetworkPolicy", "default.tellers", {
            "order": 300, "selector": _ROLE("teller"), "types": ["Egress"],
            "egress": [
                {"action": "Allow", "protocol": "TCP", "destination": {"selector": _ROLE("db"), "ports": [9090]}},
                {"action": "Allow", "destination": {"selector": "what == 'offices'"}},
                {"action": "Deny"},
            ],
        }),
    ],
    "NetworkPolicy": [
        _calico("NetworkPolicy", "default.web", {
            "order": 200, "selector": _ROLE("web"), "types": ["Ingress"],
            "ingress": [{"action": "Allow", "source": {"selector": _ROLE("client")}, **_tcp("8080:8081")}],
        }, namespace=SHOP),
        _calico("NetworkPolicy", "default.db", {
            "order": 200, "selector": "has(role) && role in {'db', 'ledger'}", "types": ["Ingress"],
            "ingress": [{"action": "Allow", "source": {"namespaceSelector": "has(trade)"}, **_tcp(9090)}],
        }, namespace=BANK),
        _calico("NetworkPolicy", "default.guard", {
            "order": 200, "selector": _ROLE("guard"), "types": ["Egress"],
            "egress": [{"action": "Allow", "destination": {"nets": ["0.0.0.0/0"], "notNets": [f"{OUTSIDE}/32"]}}],
        }, namespace=BANK),
    ],
}  # fmt: skip


def _kubernetes(name: str, namespace: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


KUBERNETES: list[Object] = [
    _kubernetes("nobody-calls-tellers", BANK, {
        "podSelector": {"matchLabels": {"role": "teller"}}, "policyTypes": ["Ingress"],
    }),
    _kubernetes("visitors", SHOP, {
        "podSelector": {"matchLabels": {"role": "guest"}}, "policyTypes": ["Ingress"],
        "ingress": [{
            "from": [{"namespaceSelector": {"matchLabels": {"trade": "money"}}}],
            "ports": [{"protocol": "TCP", "port": 8080}],
        }],
    }),
]  # fmt: skip


_SERVER = """
import socket, threading
def listen(port):
    server = socket.create_server(("", port), backlog=64)
    while True:
        server.accept()[0].close()
for port in {ports}:
    threading.Thread(target=listen, args=(port,)).start()
"""


def workloads(image: str) -> list[Object]:
    """Namespaces, and a Deployment for each app."""
    spaces: list[Object] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}
        for name, labels in SPACES.items()
    ]
    return [*spaces, *(_deployment(each, image) for each in APPS.values())]


def _deployment(app: App, image: str) -> Object:
    labels = {"app": app.name, "role": app.role}
    container: Object = {
        "name": "main", "image": image, "command": ["python3", "-c", _SERVER.format(ports=PORTS)],
        "readinessProbe": {"tcpSocket": {"port": PORTS[0]}, "periodSeconds": 1},
    }  # fmt: skip
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app.name, "namespace": app.namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
            },
        },
    }  # fmt: skip


def listed(objects: list[Any]) -> Object:
    """Several objects as one, as `kubectl apply` takes them."""
    return {"apiVersion": "v1", "kind": "List", "items": objects}
