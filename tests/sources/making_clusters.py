"""Makers of clusters with one source CNI, from manifests as they are shipped."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.sources.upstream import (
    Object,
    changed,
    flannel,
    operator,
    pool,
)

ARCHITECTURES = ("amd64", "arm", "arm64", "ppc64le", "s390x")
GENERIC = {
    "kind": "generic", "title": "AWS VPC CNI", "daemonSet": "kube-system/aws-node", "podNetworks": ["10.0.0.0/16"],
    "mtu": 9001,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SourceCluster:
    """One line of the table: its objects, what must be said of it, and which checks must have something to say."""

    name: str
    objects: Callable[[], list[Object]]
    told: Mapping[str, Any] = field(default_factory=dict)
    findings: frozenset[str] = frozenset()
    blockers: frozenset[str] = frozenset()
    refused: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    not_understood: frozenset[str] = frozenset()


def net_conf(backend: Mapping[str, Any], **more: Any) -> Callable[[], list[Object]]:
    """Flannel's or Canal's manifest with another net-conf.json."""

    def change(item: Object) -> None:
        found = json.loads(item["data"]["net-conf.json"])
        item["data"]["net-conf.json"] = json.dumps({**found, "Backend": backend, **more})

    return lambda: changed(flannel(), "ConfigMap", change)


def by_architecture() -> list[Object]:
    """As Flannel's manifest was before Kubernetes 1.15: a DaemonSet for each processor."""
    objects = flannel()
    (agents,) = (each for each in objects if each["kind"] == "DaemonSet")
    objects.remove(agents)
    for name in ARCHITECTURES:
        copy = json.loads(json.dumps(agents))
        copy["metadata"]["name"] += f"-{name}"
        objects.append(copy)
    return objects


def marked(objects: list[Object], **marks: Mapping[str, str]) -> list[Object]:
    """Labels or annotations on the DaemonSet."""
    return changed(objects, "DaemonSet", lambda item: item["metadata"].update(marks))


def renamed(objects: list[Object], images: Mapping[str, str], name: str) -> list[Object]:
    """The same program as another distributor has it."""

    def change(item: Object) -> None:
        item["metadata"]["name"] = name
        for container in item["spec"]["template"]["spec"]["containers"]:
            container["image"] = images[container["name"]]

    return changed(objects, "DaemonSet", change)


def daemon_set(name: str, image: str, *, namespace: str = "kube-system", **variables: str) -> Object:
    """A DaemonSet of one container."""
    container = {"name": name, "image": image, "env": [{"name": k, "value": v} for k, v in variables.items()]}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"hostNetwork": True, "containers": [container]},
            },
        },
    }


def kindnet(subnets: str) -> list[Object]:
    return [daemon_set("kindnet", "docker.io/kindest/kindnetd:v20250512-df8de77b", POD_SUBNET=subnets)]


def installed(cni: str) -> list[Object]:
    return changed(operator(), "Installation", lambda item: item["spec"].update({"cni": {"type": cni}}))


VXLAN = pool(vxlanMode="Always")
AUTO = frozenset({"autodetection"})
